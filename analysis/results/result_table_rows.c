#include "analysis/results/result_table_rows.h"

#include <math.h>

#include "analysis/results/answer_print.h"
#include "analysis/results/setting_rows.h"

/* The column's name, then what it is of that. */
static void name_column(const vj_result_rows *r, vj_row_writer *records, const vj_report_column *column,
                        const char *of) {
  vj_pool *pool = r->results->pool;
  const char *name = vj_report_column_name(pool, column);
  if (name) name = vj_pool_format(pool, "%s%s", name, of);
  vj_row_writer_column(records, name ? name : of);
}

static void name_columns(const vj_result_rows *r, vj_row_writer *records) {
  if (r->by_trial) vj_row_writer_column(records, VJ_NAME_TRIAL);
  if (r->results->has_arms) vj_row_writer_column(records, VJ_RECORD_ARM);
  if (r->by_trial) vj_row_writer_column(records, VJ_RECORD_SEED);
  vj_row_writer_setting_columns(records, r->results);
  if (r->by_trial) {
    vj_row_writer_column(records, "state");
    vj_row_writer_column(records, "steps");
    vj_row_writer_column(records, "reason");
  } else {
    vj_row_writer_column(records, "trials");
    vj_row_writer_column(records, "n");
  }
  for (int64_t c = 0; c < r->report->column_count; c++) {
    name_column(r, records, &r->report->columns[c], "");
    if (!r->by_trial) name_column(r, records, &r->report->columns[c], "_sd");
    if (vj_result_rows_has_paper(r, c)) name_column(r, records, &r->report->columns[c], "_paper");
  }
}

static void add_record(const vj_result_rows *r, vj_row_writer *records, int64_t i) {
  const vj_results *o = r->results;
  const vj_trial_group *row = &r->at[i];
  const char *arm = vj_results_text(o, VJ_RECORD_ARM, row->trials[0]), *reason = vj_results_reason(o, row->trials[0]);
  if (r->by_trial) vj_row_writer_integer(records, row->trials[0]);
  if (o->has_arms) vj_row_writer_text(records, arm);
  if (r->by_trial) vj_row_writer_integer(records, o->seed[row->trials[0]]);
  vj_row_writer_settings(records, o, row->trials[0]);
  if (r->by_trial) {
    vj_row_writer_text(records, vj_trial_state_word(vj_results_state(o, row->trials[0])));
    vj_row_writer_integer(records, vj_results_steps_made(o, row->trials[0]));
    vj_row_writer_text(records, reason[0] ? reason : NULL);
  } else {
    vj_row_writer_integer(records, row->count);
    vj_row_writer_integer(records, row->done_count);
  }
  for (int64_t c = 0; c < r->report->column_count; c++) {
    const vj_summary s = vj_result_rows_summary(r, i, c);
    const vj_report_value *paper = vj_result_rows_paper(r, arm, c);
    vj_row_writer_number(records, s.mean);
    if (!r->by_trial) vj_row_writer_number(records, s.deviation);
    if (vj_result_rows_has_paper(r, c)) vj_row_writer_number(records, paper ? paper->number : NAN);
  }
}

static json_t *rows_and_question(const vj_result_rows *r, const vj_row_writer *records, const vj_answer *answer) {
  json_t *object = json_object();
  json_object_set_new(object, "rows", vj_row_writer_array(records));
  json_object_set_new(object, "question", vj_answer_object(r->results->pool, answer));
  return object;
}

vj_status vj_result_table_print_rows(const vj_result_rows *r, const vj_answer *answer, vj_format format, FILE *to) {
  vj_row_writer *records = NULL;
  VJ_TRY(vj_row_writer_create(&records));
  name_columns(r, records);
  for (int64_t i = 0; i < r->count; i++) add_record(r, records, i);
  const vj_status status = answer && format == VJ_FORMAT_JSON ? vj_json_print(rows_and_question(r, records, answer), to)
                                                              : vj_row_writer_print(records, format, to);
  vj_row_writer_destroy(&records);
  return status;
}
