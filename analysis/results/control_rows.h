/* What stands in the rows of a table that belong to no arm: untrained models, frames themselves, guesses. */
#ifndef VJ_ANALYSIS_RESULTS_CONTROL_ROWS_H
#define VJ_ANALYSIS_RESULTS_CONTROL_ROWS_H

#include "analysis/results/sweep_results.h"
#include "analysis/statistics/summary.h"

/* Where a control has what a column has of arms; false where it has no such thing. */
bool vj_control_column(const vj_results *results, vj_control control, const vj_report_column *column,
                       vj_report_column *shown);
/* Whether a table shows it: the report wants it, a column is a probe's, and there is something to show. */
bool vj_control_is_shown(const vj_results *results, const vj_report_spec *report, vj_control control);
/* Of all trials, whatever became of them; of none where the control has nothing in the column. */
vj_summary vj_control_summary(const vj_results *results, const vj_report_column *column, vj_control control);
/* The quantity that a sweep has of a control that is a probe, beside this one; NULL if there is none. */
const char *vj_control_probe(const vj_results *results, vj_control control, const char *quantity);

#endif
