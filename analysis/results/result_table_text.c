#include "analysis/results/result_table_text.h"

#include <math.h>
#include <string.h>

#include "analysis/output/terminal.h"
#include "analysis/output/text_table.h"
#include "analysis/results/collapse.h"
#include "analysis/results/control_rows.h"
#include "vj/elementary.h"
#include "vj/param.h"

/* --- cells ----------------------------------------------------------------------------------------------------- */

/* "0.987±0.001": the mean is given as far as its spread lets it mean something. */
static void number_cell(vj_table *table, const vj_summary *s, bool with_spread, const char *mark) {
  const double spread = with_spread && s->count > 1 ? s->deviation : 0, size = fabs(s->mean);
  const int decimals = spread > 0 ? (int)fmax(0, fmin(4, -floor(vj_math_log10(spread)))) : 0;
  if (!isfinite(s->mean))
    vj_table_cell(table, "-");
  else if (size > 0 && (size < 1e-3 || size >= 1e5))
    spread > 0 ? vj_table_cell(table, "%.2g±%.0e%s", s->mean, spread, mark)
               : vj_table_cell(table, "%.3g%s", s->mean, mark);
  else if (spread > 0)
    vj_table_cell(table, "%.*f±%.*f%s", decimals, s->mean, decimals, spread, mark);
  else
    vj_table_cell(table, with_spread ? "%.4g%s" : "%.3g%s", s->mean, mark);
}

/* "*" for the best mean of its column, where the report says what is good and there is a choice. */
static const char *mark_of(const vj_result_rows *r, int64_t row, int64_t column) {
  const int best = r->report->columns[column].best;
  const double mine = vj_result_rows_summary(r, row, column).mean;
  int64_t others = 0;
  if (best == VJ_BEST_NONE || !isfinite(mine)) return "";
  for (int64_t i = 0; i < r->count; i++) {
    const double mean = vj_result_rows_summary(r, i, column).mean;
    if (best == VJ_BEST_LOW ? mean < mine : mean > mine) return "";
    others += i != row && isfinite(mean);
  }
  return others ? "*" : "";
}

/* Settings tell rows apart where no arms do, or where they vary within an arm. */
static bool is_setting_shown(const vj_result_rows *r, int setting) {
  const vj_results *o = r->results;
  if (!o->has_arms || r->by_trial) return true;
  for (int64_t i = 1; i < r->count; i++) {
    const int64_t one = r->at[i - 1].trials[0], other = r->at[i].trials[0];
    if (strcmp(vj_results_text(o, VJ_RECORD_ARM, one), vj_results_text(o, VJ_RECORD_ARM, other)) == 0 &&
        !vj_results_same_setting(o, setting, one, other))
      return true;
  }
  return false;
}

/* The last column by default: whether the hidden state has collapsed, or what became of a row without results. */
static const char *state_of(const vj_result_rows *r, int64_t row) {
  const vj_trial_group *group = &r->at[row];
  if (!group->done_count) return vj_trial_state_word(vj_results_state(r->results, group->trials[0]));
  const vj_collapse collapse = vj_collapse_of(r->results, "hx", group->done_count, group->done);
  return vj_collapse_word(&collapse);
}

/* --- the table ------------------------------------------------------------------------------------------------- */

static void add_headings(const vj_result_rows *r, vj_table *table, bool short_names) {
  static const char *const arrows[] = {[VJ_BEST_NONE] = "", [VJ_BEST_LOW] = " ↓", [VJ_BEST_HIGH] = " ↑"};
  const vj_results *o = r->results;
  if (r->by_trial) vj_table_column(table, "trial", true);
  if (o->has_arms) vj_table_column(table, "arm", false);
  for (int s = 0; s < o->setting_count; s++)
    if (is_setting_shown(r, s))
      vj_table_column(table, short_names ? vj_results_setting_short(o, s) : vj_results_setting_key(o, s),
                      vj_results_setting_is_number(o, s));
  vj_table_column(table, r->by_trial ? "seed" : "seeds", true);
  for (int64_t c = 0; c < r->report->column_count; c++) {
    const vj_report_column *column = &r->report->columns[c];
    const char *heading = vj_pool_format(o->pool, "%s%s", column->title, arrows[column->best]);
    /* Of the usual columns the probes, which stand last, tell most; of a report's, the first. */
    const int rank = r->is_default ? (int)(r->report->column_count - c) : 1;
    vj_table_column(table, heading ? heading : "", true);
    vj_table_dispensable(table, rank);
    if (!vj_result_rows_has_paper(r, c)) continue;
    vj_table_column(table, "paper", true);
    vj_table_dispensable(table, rank);
  }
  if (r->report->verdict) vj_table_column(table, "collapsed?", false);
}

static void add_row(const vj_result_rows *r, vj_table *table, int64_t i, bool with_spread) {
  const vj_results *o = r->results;
  const vj_trial_group *row = &r->at[i];
  const char *arm = vj_results_text(o, VJ_RECORD_ARM, row->trials[0]);
  if (r->by_trial) vj_table_cell(table, "%lld", (long long)row->trials[0]);
  if (o->has_arms) vj_table_cell(table, "%s", arm);
  for (int s = 0; s < o->setting_count; s++)
    if (is_setting_shown(r, s)) vj_table_cell(table, "%s", vj_results_setting(o, s, row->trials[0]));
  if (r->by_trial)
    vj_table_cell(table, "%lld", (long long)o->seed[row->trials[0]]);
  else
    vj_table_cell(table, row->done_count == row->count ? "%lld" : "%lld of %lld", (long long)row->done_count,
                  (long long)row->count);
  for (int64_t c = 0; c < r->report->column_count; c++) {
    const vj_report_value *value = vj_result_rows_paper(r, arm, c);
    const vj_summary s = vj_result_rows_summary(r, i, c);
    number_cell(table, &s, with_spread, mark_of(r, i, c));
    if (vj_result_rows_has_paper(r, c)) vj_table_cell(table, "%s", value ? value->text : "-");
  }
  if (r->report->verdict) vj_table_cell(table, "%s", state_of(r, i));
}

/* A row that belongs to no arm. */
static void add_control(const vj_result_rows *r, vj_table *table, vj_control control, bool with_spread) {
  const vj_results *o = r->results;
  int labels = o->has_arms ? 1 : 0;
  for (int s = 0; s < o->setting_count; s++) labels += is_setting_shown(r, s);
  for (int i = 0; i < labels + 1; i++) vj_table_cell(table, "%s", i == 0 ? vj_control_names[control] : "");
  for (int64_t i = 0; i < r->report->column_count; i++) {
    const vj_summary s = vj_control_summary(o, &r->report->columns[i], control);
    number_cell(table, &s, with_spread, "");
    if (vj_result_rows_has_paper(r, i)) vj_table_cell(table, "%s", "");
  }
  if (r->report->verdict) vj_table_cell(table, "%s", "");
}

/* Of a search that stops early, the table is of what was trained to its end. */
static bool is_left_out(const vj_result_rows *r, const vj_trial_group *row) {
  return !r->by_trial && row->pruned_count == row->count;
}

static void fill_table(const vj_result_rows *r, vj_table *table, bool short_names, bool with_spread) {
  add_headings(r, table, short_names);
  for (int64_t i = 0; i < r->count; i++)
    if (!is_left_out(r, &r->at[i])) add_row(r, table, i, with_spread);
  bool ruled = false;
  for (vj_control control = 0; control < VJ_CONTROLS; control++) {
    if (r->by_trial || !vj_control_is_shown(r->results, r->report, control)) continue;
    if (!ruled) vj_table_rule(table);
    ruled = true;
    add_control(r, table, control, with_spread);
  }
}

/* Where the terminal is too narrow, settings get short names, and then means go without their spreads over seeds. */
vj_status vj_result_table_print_text(const vj_result_rows *r, vj_format format, FILE *to) {
  const int columns = format == VJ_FORMAT_MARKDOWN ? 0 : vj_terminal_columns();
  for (int cut = 0; cut < 3; cut++) {
    vj_table *table = NULL;
    VJ_TRY(vj_table_create(&table));
    fill_table(r, table, cut > 0, cut < 2);
    if (!columns || vj_table_width(table) <= columns || cut == 2) {
      vj_table_end(&table, format, to);
      break;
    }
    vj_table_destroy(&table);
  }
  return VJ_OK;
}
