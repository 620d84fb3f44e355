/* The results of a sweep as tables, from its file alone and at any time. Not collective. */
#ifndef VJ_ANALYSIS_RESULTS_RESULT_TABLE_H
#define VJ_ANALYSIS_RESULTS_RESULT_TABLE_H

#include "analysis/output/row_writer.h"
#include "sweeps/space/question_spec.h"

/* The table of results: one row for trials that differ only in their seed, with means and the spread where there are
 * several, in the columns that a report names, else in a default choice. `report`: NULL for that of the sweep itself.
 * What the sweep answers to `question`, NULL for its own, stands below, and in JSON beside the rows.
 * Failed trials are listed below with their reasons. A sweep of nothing but a few seeds is listed trial by trial. JSON
 * and CSV have the rows alone: standard deviations as <quantity>_sd over n of the row's trials. */
VJ_MUST_USE vj_status vj_result_table_print(const char *folder, const vj_report_spec *report,
                                            const vj_question *question, vj_format format, FILE *to);

/* The default columns with one row a trial. */
VJ_MUST_USE vj_status vj_results_list(const char *folder, vj_format format, FILE *to);

#endif
