/* The report of a sweep: one HTML file with its pictures inside, made of the sections that sections/sections.def lists.
 * report_data gathers what they tell; section.h has what they write with; style.c is how the page looks. May see
 * results, statistics, metrics and output. Begin with report.c and one section. Not collective. */
#ifndef VJ_ANALYSIS_REPORT_REPORT_H
#define VJ_ANALYSIS_REPORT_REPORT_H

#include "vj/status.h"

/* Writes the report of the sweep in `folder` to `path`, whole or not at all. `by`: the quantity by which trials are
 * compared; NULL for the usual one. */
VJ_MUST_USE vj_status vj_report_write(const char *folder, const char *by, const char *path);

#endif
