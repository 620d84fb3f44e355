/* Tables of results: each setting's mean and standard deviation over its seeds, and its difference to another setting,
 * tested. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "analysis/report/section.h"
#include "analysis/results/control_rows.h"
#include "analysis/statistics/difference.h"
#include "framework/store/ledger/ledger.h"
#include "framework/train/trial.h"

enum { MOST_ROWS = 40, MOST_ROWS_TESTED = 15, MOST_OPEN = 12, MOST_TESTED = 4, MOST_TRIALS = 2000 };

/* --- results ----------------------------------------------------------------------------------------------------- */

/* The i-th row: groups in the order of the sweep where they are few, else those with results, best first. */
static const vj_group *row_at(const vj_report_data *data, int64_t i) {
  return &data->groups[data->group_count <= MOST_ROWS || i >= data->ranked_count ? i : data->ranked[i]];
}

static int64_t row_count(const vj_report_data *data) {
  return data->group_count <= MOST_ROWS || !data->ranked_count ? data->group_count : data->ranked_count;
}

static void write_verdict(vj_page *page, const vj_group *g) {
  const vj_collapse collapse = vj_collapse_of(page->data->results, "hx", g->members.done_count, g->members.done);
  vj_page_verdict(page, &collapse);
}

static void write_row(vj_page *page, const vj_group *g) {
  const vj_report_data *data = page->data;
  const bool best = g->rank == 0 && data->objective.best != VJ_BEST_NONE;
  vj_html_row(page->to, best ? "class=\"best\"" : "");
  vj_html_cell(page->to, false);
  vj_page_group_name(page, g);
  vj_html_cell(page->to, true);
  fprintf(page->to, g->members.done_count == g->members.count ? "%lld" : "%lld of %lld",
          (long long)g->members.done_count, (long long)g->members.count);
  if (vj_sweep_file_find(data->results->file, VJ_NAME_OF_VIEW("hx", "rankme")) >= 0) write_verdict(page, g);
  for (int64_t c = 0; c < data->report.column_count; c++) {
    const vj_summary m = vj_trial_group_summary(data->results, &g->members, &data->report.columns[c]);
    vj_html_cell(page->to, true);
    vj_html_spread(page->to, m.mean, m.deviation);
  }
}

static void write_headings(vj_page *page) {
  static const char *const arrows[] = {[VJ_BEST_NONE] = "", [VJ_BEST_LOW] = " ↓", [VJ_BEST_HIGH] = " ↑"};
  const vj_report_data *data = page->data;
  if (vj_sweep_file_find(data->results->file, VJ_NAME_OF_VIEW("hx", "rankme")) >= 0)
    vj_html_heading(page->to, false, "collapsed?");
  for (int64_t c = 0; c < data->report.column_count; c++) {
    const vj_report_column *column = &data->report.columns[c];
    const char *heading = vj_pool_format(data->pool, "%s%s", column->title, arrows[column->best]);
    vj_html_heading(page->to, true, heading ? heading : column->title);
  }
  fputs("<tbody>", page->to);
}

/* Rows that belong to no setting, under the same headings. */
static void write_controls(vj_page *page) {
  const vj_report_data *data = page->data;
  bool begun = false;
  for (vj_control control = 0; control < VJ_CONTROLS; control++) {
    if (!vj_control_is_shown(data->results, &data->report, control)) continue;
    if (!begun) {
      vj_html_table_begin(page->to, "controls", "control");
      for (int64_t c = 0; c < data->report.column_count; c++)
        vj_html_heading(page->to, true, data->report.columns[c].title);
      fputs("<tbody>", page->to);
    }
    begun = true;
    vj_html_row(page->to, "");
    vj_html_cell(page->to, false);
    vj_html_text(page->to, "%s", vj_control_names[control]);
    for (int64_t c = 0; c < data->report.column_count; c++) {
      const vj_summary s = vj_control_summary(data->results, &data->report.columns[c], control);
      vj_html_cell(page->to, true);
      vj_html_spread(page->to, s.mean, s.deviation);
    }
  }
  if (begun) vj_html_table_end(page->to);
}

/* All rows, those beyond MOST_ROWS folded away. */
static void write_results(vj_page *page) {
  const vj_report_data *data = page->data;
  const int64_t rows = row_count(data);
  for (int64_t first = 0; first < rows && first < MOST_TRIALS; first = first ? rows : MOST_ROWS) {
    const int64_t last = first ? (rows < MOST_TRIALS ? rows : MOST_TRIALS) : (rows < MOST_ROWS ? rows : MOST_ROWS);
    if (first) vj_html_fold_begin(page->to, "All other settings");
    vj_html_table_begin(page->to, first ? "results-rest" : "results", "setting|#seeds");
    write_headings(page);
    for (int64_t i = first; i < last; i++) write_row(page, row_at(data, i));
    vj_html_table_end(page->to);
    if (first) vj_html_fold_end(page->to);
  }
}

/* --- differences ------------------------------------------------------------------------------------------------- */

/* Paired over seeds where at least two are common to both. */
static vj_mean_difference compare(const vj_report_data *data, const vj_report_column *column, const vj_group *g,
                                  const vj_group *h) {
  const vj_results *o = data->results;
  vj_summary pairs = VJ_SUMMARY_NONE;
  for (int64_t i = 0; i < g->members.done_count; i++) {
    const double mine = vj_results_number(o, column, g->members.done[i]);
    double other = NAN;
    for (int64_t k = 0; k < h->members.done_count && !isfinite(other); k++)
      if (o->seed[g->members.done[i]] == o->seed[h->members.done[k]])
        other = vj_results_number(o, column, h->members.done[k]);
    vj_summary_add(&pairs, mine - other);
  }
  if (pairs.count >= 2) return vj_paired_difference(&pairs);
  const vj_summary a = vj_trial_group_summary(data->results, &g->members, column),
                   b = vj_trial_group_summary(data->results, &h->members, column);
  return vj_welch_difference(&a, &b);
}

static void write_p(FILE *to, double p) {
  if (isnan(p))
    fputs("–", to);
  else if (p < 0.0001)
    fprintf(to, "<data value=\"%.17g\">&lt; 0.0001</data>", p);
  else
    fprintf(to, "<data value=\"%.17g\">%.*f</data>", p, p < 0.01 ? 4 : 3, p);
}

static void write_difference(vj_page *page, const vj_group *g, const vj_mean_difference *d, double adjusted) {
  vj_html_row(page->to, "");
  vj_html_cell(page->to, false);
  vj_page_group_name(page, g);
  vj_html_cell(page->to, true);
  vj_html_number(page->to, d->mean);
  vj_html_cell(page->to, true);
  if (isfinite(d->low)) {
    vj_html_number(page->to, d->low);
    fputs(" to ", page->to);
  }
  vj_html_number(page->to, d->high);
  vj_html_cell(page->to, true);
  write_p(page->to, d->p);
  vj_html_cell(page->to, true);
  write_p(page->to, adjusted);
  vj_html_cell(page->to, false);
  fprintf(page->to, "%s, %lld seed%s", d->paired ? "paired" : "Welch", (long long)d->count, d->count == 1 ? "" : "s");
}

static void begin_differences(vj_page *page, const vj_report_column *column, const vj_group *to, int64_t rows,
                              int number) {
  const char *title = vj_pool_format(page->data->pool, "%s: difference to %s", column->title, to->name);
  if (rows > MOST_OPEN) {
    vj_html_fold_begin(page->to, title ? title : "");
  } else {
    fputs("<h3>", page->to);
    vj_html_text(page->to, "%s", title ? title : "");
    fputs("</h3>\n", page->to);
  }
  const char *id = vj_pool_format(page->data->pool, "differences-%d", number);
  vj_html_table_begin(page->to, id ? id : "", "setting|#difference|#95 % interval|#p|#p (Holm)|test");
  fputs("<tbody>", page->to);
}

static vj_status write_differences(vj_page *page, const vj_report_column *column, const vj_group *to, int number) {
  const vj_report_data *data = page->data;
  const int64_t rows = row_count(data) <= MOST_ROWS ? row_count(data) : MOST_ROWS_TESTED;
  vj_mean_difference *differences = NULL;
  double *adjusted = NULL;
  vj_status status = vj_allocate((size_t)rows + 1, sizeof *differences, "differences", &differences);
  if (status == VJ_OK) status = vj_allocate((size_t)rows + 1, sizeof *adjusted, "differences", &adjusted);
  for (int64_t i = 0; i < rows && status == VJ_OK; i++) {
    adjusted[i] = NAN;
    if (row_at(data, i) == to || !row_at(data, i)->members.done_count) continue;
    differences[i] = compare(data, column, row_at(data, i), to);
    adjusted[i] = differences[i].p;
  }
  if (status == VJ_OK) {
    vj_holm(adjusted, rows);
    begin_differences(page, column, to, rows, number);
    for (int64_t i = 0; i < rows; i++)
      if (row_at(data, i) != to && differences[i].count)
        write_difference(page, row_at(data, i), &differences[i], adjusted[i]);
    vj_html_table_end(page->to);
    if (rows > MOST_OPEN) vj_html_fold_end(page->to);
  }
  free(differences);
  free(adjusted);
  return status;
}

/* Of the objective, of what the report calls good or bad, and of RankMe. */
static vj_status write_all_differences(vj_page *page) {
  const vj_report_data *data = page->data;
  int written = 0;
  if (data->group_count < 2 || data->ranked_count < 2) return VJ_OK;
  const vj_group *to = &data->groups[data->ranked[0]];
  for (int64_t c = 0; c < data->report.column_count && written < MOST_TESTED; c++) {
    const vj_report_column *column = &data->report.columns[c];
    const bool is_objective =
        strcmp(column->quantity, data->objective.quantity) == 0 && column->at == data->objective.at;
    if (is_objective || column->best != VJ_BEST_NONE || strcmp(column->quantity, VJ_NAME_OF_VIEW("hx", "rankme")) == 0)
      VJ_TRY(write_differences(page, column, to, written++));
  }
  fputs(
      "<p class=\"note\">Setting minus that one; Student's t, two-sided. Seeds that both have are paired, at least "
      "two; "
      "where they aren't, Welch's test. p (Holm) holds for all tests of one table together. With few seeds only large "
      "differences can show.</p>\n",
      page->to);
  return VJ_OK;
}

/* --- trials ------------------------------------------------------------------------------------------------------ */

static void write_trial(vj_page *page, int64_t trial) {
  const vj_report_data *data = page->data;
  const vj_results *o = data->results;
  vj_html_row(page->to, "");
  vj_html_cell(page->to, true);
  fprintf(page->to, "%lld", (long long)trial);
  vj_html_cell(page->to, false);
  vj_html_text(page->to, "%s", data->groups[data->group_of[trial]].name);
  vj_html_cell(page->to, true);
  fprintf(page->to, "%lld", (long long)o->seed[trial]);
  vj_html_cell(page->to, false);
  fputs(vj_trial_state_word(vj_results_state(o, trial)), page->to);
  vj_html_cell(page->to, true);
  fprintf(page->to, "%lld", (long long)vj_results_steps_made(o, trial));
  for (int64_t c = 0; c < data->report.column_count; c++) {
    vj_html_cell(page->to, true);
    vj_html_number(page->to, vj_results_number(o, &data->report.columns[c], trial));
  }
}

static void write_trials(vj_page *page) {
  const vj_report_data *data = page->data;
  const int64_t shown = data->results->trials < MOST_TRIALS ? data->results->trials : MOST_TRIALS;
  vj_html_fold_begin(page->to, shown == data->results->trials ? "Every trial" : "The first 2000 trials");
  vj_html_table_begin(page->to, "all-trials", "#trial|setting|#seed|state|#steps");
  for (int64_t c = 0; c < data->report.column_count; c++)
    vj_html_heading(page->to, true, data->report.columns[c].title);
  fputs("<tbody>", page->to);
  for (int64_t i = 0; i < shown; i++) write_trial(page, i);
  vj_html_table_end(page->to);
  vj_html_fold_end(page->to);
}

static vj_status write(vj_page *page) {
  const vj_report_data *data = page->data;
  write_results(page);
  write_controls(page);
  fputs("<p class=\"note\">", page->to);
  vj_html_text(page->to, "%s", data->report.notes);
  fputs("</p>\n", page->to);
  VJ_TRY(write_all_differences(page));
  write_trials(page);
  return VJ_OK;
}

const vj_section vj_section_results = {.id = "section-results", .title = "Results", .write = write};
