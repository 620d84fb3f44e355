#include "analysis/results/result_rows.h"

#include <string.h>

vj_status vj_result_rows_make(const vj_results *results, const vj_report_spec *report, bool is_default, bool by_trial,
                              vj_result_rows *rows) {
  const int64_t columns = report->column_count;
  vj_trial_groups groups;
  VJ_TRY(vj_trial_groups_make(results, by_trial, &groups));
  vj_summary *summaries = vj_pool_take(results->pool, (size_t)(groups.count * columns) * sizeof *summaries);
  if (!summaries) return vj_fail(VJ_MEMORY, "no memory for a table");
  for (int64_t i = 0; i < groups.count * columns; i++) {
    const vj_trial_group *group = &groups.at[i / columns];
    summaries[i] = vj_trial_group_summary(results, group, &report->columns[i % columns]);
    if (summaries[i].count < group->done_count) summaries[i] = VJ_SUMMARY_NONE;
  }
  *rows = (vj_result_rows){results, report, is_default, by_trial, groups.count, groups.at, summaries};
  return VJ_OK;
}

vj_summary vj_result_rows_summary(const vj_result_rows *rows, int64_t row, int64_t column) {
  return rows->summaries[row * rows->report->column_count + column];
}

const vj_report_value *vj_result_rows_paper(const vj_result_rows *rows, const char *arm, int64_t column) {
  for (int64_t i = 0; i < rows->report->value_count; i++) {
    const vj_report_value *value = &rows->report->values[i];
    if (value->column == column && strcmp(value->arm, arm) == 0) return value;
  }
  return NULL;
}

bool vj_result_rows_has_paper(const vj_result_rows *rows, int64_t column) {
  for (int64_t i = 0; i < rows->report->value_count; i++)
    if (rows->report->values[i].column == column) return true;
  return false;
}
