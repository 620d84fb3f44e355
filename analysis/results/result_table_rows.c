/* The table of results for programs: its rows with all their digits, without controls, ratios or notes. */
#include <math.h>

#include "analysis/results/setting_rows.h"
#include "analysis/results/result_table_private.h"
#include "framework/train/trial.h"

/* "hx_rankme", "hx_rankme@0" after so many steps, "hx_explained_variance[9]"; then what it is of that. */
static void name_column(const results *r, vj_records *records, const vj_report_column *column, const char *of) {
  const char *name = column->quantity;
  vj_pool *pool = r->outcome->pool;
  if (column->index != VJ_REPORT_SCALAR) name = vj_pool_format(pool, "%s[%lld]", name, (long long)column->index);
  if (column->at != VJ_REPORT_LAST) name = vj_pool_format(pool, "%s@%lld", name, (long long)column->at);
  name = vj_pool_format(pool, "%s%s", name, of);
  vj_records_column(records, name ? name : of);
}

static void name_columns(const results *r, vj_records *records) {
  if (r->by_trial) vj_records_column(records, "trial");
  if (r->outcome->has_arms) vj_records_column(records, "arm");
  if (r->by_trial) vj_records_column(records, "seed");
  vj_records_setting_columns(records, r->outcome);
  if (r->by_trial) {
    vj_records_column(records, "state");
    vj_records_column(records, "steps");
    vj_records_column(records, "reason");
  } else {
    vj_records_column(records, "trials");
    vj_records_column(records, "n");
  }
  for (int64_t c = 0; c < r->report->column_count; c++) {
    name_column(r, records, &r->report->columns[c], "");
    if (!r->by_trial) name_column(r, records, &r->report->columns[c], "_sd");
    if (vj_results_has_paper(r, c)) name_column(r, records, &r->report->columns[c], "_paper");
  }
}

static void add_record(const results *r, vj_records *records, int64_t i) {
  const vj_outcome *o = r->outcome;
  const result_row *row = &r->rows[i];
  const char *arm = vj_outcome_text(o, "arm", row->first), *reason = vj_outcome_reason(o, row->first);
  if (r->by_trial) vj_records_integer(records, row->first);
  if (o->has_arms) vj_records_text(records, arm);
  if (r->by_trial) vj_records_integer(records, o->seed[row->first]);
  vj_records_settings(records, o, row->first);
  if (r->by_trial) {
    vj_records_text(records, vj_trial_state_word(vj_outcome_state(o, row->first)));
    vj_records_integer(records, o->committed[row->first] > 0 ? o->committed[row->first] : 0);
    vj_records_text(records, reason[0] ? reason : NULL);
  } else {
    vj_records_integer(records, row->count);
    vj_records_integer(records, row->done_count);
  }
  for (int64_t c = 0; c < r->report->column_count; c++) {
    const summary s = r->cells[i * r->report->column_count + c];
    const vj_report_value *paper = vj_results_paper(r, arm, c);
    vj_records_number(records, s.mean);
    if (!r->by_trial) vj_records_number(records, row->done_count > 1 ? s.spread : NAN);
    if (vj_results_has_paper(r, c)) vj_records_number(records, paper ? paper->number : NAN);
  }
}

vj_status vj_results_print_records(const results *r, FILE *to) {
  vj_records *records = NULL;
  VJ_TRY(vj_records_create(&records));
  name_columns(r, records);
  for (int64_t i = 0; i < r->row_count; i++) add_record(r, records, i);
  const vj_status status = vj_records_print(records, r->format, to);
  vj_records_destroy(&records);
  return status;
}
