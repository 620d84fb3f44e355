/* The sections of a report, in their order. */
#ifndef VJ_ANALYSIS_REPORT_SECTIONS_SECTIONS_H
#define VJ_ANALYSIS_REPORT_SECTIONS_SECTIONS_H

#include "analysis/report/section.h"

extern const vj_section *const vj_sections[]; /* ends with NULL */

#endif
