/* The table of results before it is printed: rows, columns, and what stands where they meet. Not collective. */
#ifndef VJ_ANALYSIS_RESULTS_RESULT_ROWS_H
#define VJ_ANALYSIS_RESULTS_RESULT_ROWS_H

#include "analysis/results/trial_groups.h"

typedef struct vj_result_rows {
  const vj_results *results;
  const vj_report_spec *report; /* names the columns */
  bool is_default;              /* no report names the columns */
  bool by_trial;                /* every trial is a row */
  int64_t count;
  const vj_trial_group *at;
  const vj_summary *summaries; /* [count, columns], of the done trials; of none where one of them has no number */
} vj_result_rows;

/* Everything is owned by the results. */
VJ_MUST_USE vj_status vj_result_rows_make(const vj_results *results, const vj_report_spec *report, bool is_default,
                                          bool by_trial, vj_result_rows *rows);

vj_summary vj_result_rows_summary(const vj_result_rows *rows, int64_t row, int64_t column);
/* The paper's value for an arm in a column; NULL if it has none. And whether the column has any. */
const vj_report_value *vj_result_rows_paper(const vj_result_rows *rows, const char *arm, int64_t column);
bool vj_result_rows_has_paper(const vj_result_rows *rows, int64_t column);

#endif
