#include "analysis/results/result_table.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "analysis/results/collapse.h"
#include "analysis/results/default_columns.h"
#include "analysis/results/sweep_results.h"
#include "analysis/output/terminal.h"
#include "analysis/results/result_table_private.h"
#include "framework/store/ledger/ledger.h"
#include "analysis/output/text_table.h"
#include "framework/train/trial.h"
#include "vj/param.h"

/* The last column by default: whether the hidden state has collapsed, or what became of a row without results. */
static const char *state_of(const result_table *r, const result_row *row) {
  static const char *const states[VJ_TRIAL_STATES] = {"waiting", "unfinished", "", "failed", "stopped early"};
  const int64_t column = vj_report_find(r->report, "hx_rankme");
  if (!row->done_count) return states[vj_results_state(r->results, row->first)];
  if (column < 0) return "";
  return vj_collapse_verdict(r->cells[(row - r->rows) * r->report->column_count + column].mean,
                             vj_results_components(r->results, "hx_singular_values", row->done[0]));
}

/* --- rows ------------------------------------------------------------------------------------------------------ */

static summary summarise(const double *values, int64_t count) {
  summary s = {.mean = count ? 0 : NAN};
  double square = 0;
  for (int64_t i = 0; i < count; i++) s.mean += values[i] / (double)count;
  for (int64_t i = 0; i < count; i++) square += (values[i] - s.mean) * (values[i] - s.mean);
  if (count > 1) s.spread = sqrt(square / (double)(count - 1));
  return s;
}

/* Of what the trials have in a column. Without `all`, trials that have nothing there are left out. */
static vj_status summarise_trials(const result_table *r, const vj_report_column *column, const int64_t *trials,
                                  int64_t count, bool all, summary *s) {
  double *values = NULL;
  int64_t found = 0;
  VJ_TRY(vj_allocate((size_t)count + 1, sizeof *values, "a column", &values));
  for (int64_t i = 0; i < count; i++) {
    values[found] = vj_results_number(r->results, column, trials ? trials[i] : i);
    if (all || isfinite(values[found])) found++;
  }
  *s = summarise(values, found);
  free(values);
  return VJ_OK;
}

static vj_status make_rows(result_table *r) {
  const vj_results *o = r->results;
  const int64_t *first;
  r->rows = vj_pool_take(o->pool, (size_t)o->trials * sizeof *r->rows);
  int64_t *row_of = vj_pool_take(o->pool, (size_t)o->trials * sizeof *row_of);
  int64_t *done = vj_pool_take(o->pool, (size_t)o->trials * sizeof *done);
  if (!r->rows || !row_of || !done) return vj_fail(VJ_MEMORY, "no memory for a table");
  VJ_TRY(vj_results_first_alike(o, &first));
  for (int64_t i = 0; i < o->trials; i++) {
    const bool begins = r->by_trial || first[i] == i;
    if (begins) r->rows[r->row_count] = (result_row){.first = i};
    row_of[i] = begins ? r->row_count++ : row_of[first[i]];
    r->rows[row_of[i]].count++;
  }
  for (int64_t row = 0; row < r->row_count; done += r->rows[row++].count) r->rows[row].done = done;
  for (int64_t i = 0; i < o->trials; i++) {
    result_row *row = &r->rows[row_of[i]];
    if (o->status[i] == VJ_TRIAL_DONE) row->done[row->done_count++] = i;
    row->pruned_count += o->status[i] == VJ_TRIAL_PRUNED;
  }
  return VJ_OK;
}

static vj_status make_cells(result_table *r) {
  const int64_t columns = r->report->column_count;
  r->cells = vj_pool_take(r->results->pool, (size_t)(r->row_count * columns) * sizeof *r->cells);
  if (!r->cells) return vj_fail(VJ_MEMORY, "no memory for a table");
  for (int64_t i = 0; i < r->row_count; i++)
    for (int64_t c = 0; c < columns; c++)
      VJ_TRY(summarise_trials(r, &r->report->columns[c], r->rows[i].done, r->rows[i].done_count, true,
                              &r->cells[i * columns + c]));
  return VJ_OK;
}

/* --- cells ----------------------------------------------------------------------------------------------------- */

/* "0.987±0.001": the mean is given as far as its spread lets it mean something. */
static void number_cell(vj_table *table, summary s, bool with_spread, const char *mark) {
  const double spread = with_spread ? s.spread : 0, size = fabs(s.mean);
  const int decimals = spread > 0 ? (int)fmax(0, fmin(4, -floor(log10(spread)))) : 0;
  if (!isfinite(s.mean))
    vj_table_cell(table, "-");
  else if (size > 0 && (size < 1e-3 || size >= 1e5))
    spread > 0 ? vj_table_cell(table, "%.2g±%.0e%s", s.mean, spread, mark)
               : vj_table_cell(table, "%.3g%s", s.mean, mark);
  else if (spread > 0)
    vj_table_cell(table, "%.*f±%.*f%s", decimals, s.mean, decimals, spread, mark);
  else
    vj_table_cell(table, with_spread ? "%.4g%s" : "%.3g%s", s.mean, mark);
}

/* "*" for the best mean of its column, where the report says what is good and there is a choice. */
static const char *mark_of(const result_table *r, int64_t row, int64_t column) {
  const int64_t columns = r->report->column_count;
  const int best = r->report->columns[column].best;
  const double mine = r->cells[row * columns + column].mean;
  int64_t others = 0;
  if (best == VJ_BEST_NONE || !isfinite(mine)) return "";
  for (int64_t i = 0; i < r->row_count; i++) {
    const double mean = r->cells[i * columns + column].mean;
    if (best == VJ_BEST_LOW ? mean < mine : mean > mine) return "";
    others += i != row && isfinite(mean);
  }
  return others ? "*" : "";
}

const vj_report_value *vj_result_table_paper(const result_table *r, const char *arm, int64_t column) {
  for (int64_t i = 0; i < r->report->value_count; i++) {
    const vj_report_value *value = &r->report->values[i];
    if (value->column == column && strcmp(value->arm, arm) == 0) return value;
  }
  return NULL;
}

bool vj_result_table_has_paper(const result_table *r, int64_t column) {
  for (int64_t i = 0; i < r->report->value_count; i++)
    if (r->report->values[i].column == column) return true;
  return false;
}

/* Settings tell rows apart where no arms do, or where they vary within an arm. */
static bool is_setting_shown(const result_table *r, int setting) {
  const vj_results *o = r->results;
  if (!o->has_arms || r->by_trial) return true;
  for (int64_t i = 1; i < r->row_count; i++) {
    const int64_t one = r->rows[i - 1].first, other = r->rows[i].first;
    if (strcmp(vj_results_text(o, "arm", one), vj_results_text(o, "arm", other)) == 0 &&
        !vj_results_same_setting(o, setting, one, other))
      return true;
  }
  return false;
}

/* --- the table ------------------------------------------------------------------------------------------------- */

static void add_headings(const result_table *r, vj_table *table) {
  static const char *const arrows[] = {[VJ_BEST_NONE] = "", [VJ_BEST_LOW] = " ↓", [VJ_BEST_HIGH] = " ↑"};
  const vj_results *o = r->results;
  if (r->by_trial) vj_table_column(table, "trial", true);
  if (o->has_arms) vj_table_column(table, "arm", false);
  for (int s = 0; s < o->setting_count; s++)
    if (is_setting_shown(r, s))
      vj_table_column(table, r->short_names ? vj_results_setting_short(o, s) : vj_results_setting_key(o, s),
                      vj_results_setting_is_number(o, s));
  vj_table_column(table, r->by_trial ? "seed" : "seeds", true);
  for (int64_t c = 0; c < r->report->column_count; c++) {
    const vj_report_column *column = &r->report->columns[c];
    const char *heading = vj_pool_format(o->pool, "%s%s", column->title, arrows[column->best]);
    /* Of the usual columns the probes, which stand last, tell most; of a report's, the first. */
    const int rank = r->is_default ? (int)(r->report->column_count - c) : 1;
    vj_table_column(table, heading ? heading : "", true);
    vj_table_dispensable(table, rank);
    if (!vj_result_table_has_paper(r, c)) continue;
    vj_table_column(table, "paper", true);
    vj_table_dispensable(table, rank);
  }
  if (r->is_default) vj_table_column(table, "collapsed?", false);
}

static void add_row(const result_table *r, vj_table *table, int64_t i, bool with_spread) {
  const vj_results *o = r->results;
  const result_row *row = &r->rows[i];
  const char *arm = vj_results_text(o, "arm", row->first);
  if (r->by_trial) vj_table_cell(table, "%lld", (long long)row->first);
  if (o->has_arms) vj_table_cell(table, "%s", arm);
  for (int s = 0; s < o->setting_count; s++)
    if (is_setting_shown(r, s)) vj_table_cell(table, "%s", vj_results_setting(o, s, row->first));
  if (r->by_trial)
    vj_table_cell(table, "%lld", (long long)o->seed[row->first]);
  else
    vj_table_cell(table, row->done_count == row->count ? "%lld" : "%lld of %lld", (long long)row->done_count,
                  (long long)row->count);
  for (int64_t c = 0; c < r->report->column_count; c++) {
    const vj_report_value *value = vj_result_table_paper(r, arm, c);
    number_cell(table, r->cells[i * r->report->column_count + c], with_spread, mark_of(r, i, c));
    if (vj_result_table_has_paper(r, c)) vj_table_cell(table, "%s", value ? value->text : "-");
  }
  if (r->is_default) vj_table_cell(table, "%s", state_of(r, row));
}

/* Rows that belong to no arm. A guess is what is got without looking, in a variable of its own. */
typedef struct control {
  const char *name, *guesses[2]; /* no guess: the quantity itself, before training */
} control;
static const control untrained = {"untrained", {NULL}}, usual_guess = {"mean/majority guess", {"baseline", "majority"}},
                     random_guess = {"random guess", {"random", NULL}};

/* probe_speed_mse -> probe_speed_baseline_mse, probe_psi_accuracy -> probe_psi_majority_accuracy,
 * probe_actions_map -> probe_actions_random_map. NULL if there is none. */
static const char *guess_of(const vj_results *o, const control *c, const char *quantity) {
  if (strncmp(quantity, "probe_", 6) != 0) return NULL;
  for (const char *cut = quantity + 6; (cut = strchr(cut, '_')); cut++)
    for (size_t k = 0; k < VJ_COUNT(c->guesses) && c->guesses[k]; k++) {
      const char *name = vj_pool_format(o->pool, "%.*s_%s%s", (int)(cut - quantity), quantity, c->guesses[k], cut);
      if (name && vj_sweep_file_find(o->file, name) >= 0) return name;
    }
  return NULL;
}

/* False where there is no such thing. */
static bool control_column(const result_table *r, const control *c, const vj_report_column *column,
                           vj_report_column *shown) {
  *shown = *column;
  if (c->guesses[0]) {
    shown->quantity = guess_of(r->results, c, column->quantity);
    return shown->quantity != NULL;
  }
  if (column->at == VJ_REPORT_LAST) shown->at = 0;
  return shown->at == 0;
}

static bool has_control(const result_table *r, const control *c) {
  vj_report_column shown;
  for (int64_t i = 0; i < r->report->column_count; i++)
    if (control_column(r, c, &r->report->columns[i], &shown)) return true;
  return false;
}

/* A row that belongs to no arm: the mean over all trials, whatever became of them. */
static vj_status add_control(const result_table *r, vj_table *table, const control *c, bool with_spread) {
  const vj_results *o = r->results;
  int labels = o->has_arms ? 1 : 0;
  for (int s = 0; s < o->setting_count; s++) labels += is_setting_shown(r, s);
  for (int i = 0; i < labels + 1; i++) vj_table_cell(table, "%s", i == 0 ? c->name : "");
  for (int64_t i = 0; i < r->report->column_count; i++) {
    vj_report_column shown;
    summary s = {.mean = NAN};
    if (control_column(r, c, &r->report->columns[i], &shown))
      VJ_TRY(summarise_trials(r, &shown, NULL, o->trials, false, &s));
    number_cell(table, s, with_spread, "");
    if (vj_result_table_has_paper(r, i)) vj_table_cell(table, "%s", "");
  }
  return VJ_OK;
}

static bool has_controls(const result_table *r) {
  for (int64_t c = 0; c < r->report->column_count && !r->is_default; c++)
    if (strncmp(r->report->columns[c].quantity, "probe_", 6) == 0) return true;
  return false;
}

/* Of a search that stops early, the table is of what was trained to its end. */
static bool is_left_out(const result_table *r, const result_row *row) {
  return !r->by_trial && row->pruned_count == row->count;
}

static vj_status fill_table(const result_table *r, vj_table *table, bool with_spread) {
  add_headings(r, table);
  for (int64_t i = 0; i < r->row_count; i++)
    if (!is_left_out(r, &r->rows[i])) add_row(r, table, i, with_spread);
  if (!has_controls(r)) return VJ_OK;
  vj_table_rule(table);
  VJ_TRY(add_control(r, table, &untrained, with_spread));
  VJ_TRY(add_control(r, table, &usual_guess, with_spread));
  return has_control(r, &random_guess) ? add_control(r, table, &random_guess, with_spread) : VJ_OK;
}

/* Where the terminal is too narrow, settings get short names, and then means go without their spreads over seeds. */
static vj_status print_table(const result_table *r, FILE *to) {
  const bool is_markdown = r->format == VJ_FORMAT_MARKDOWN;
  const int columns = is_markdown ? 0 : vj_terminal_columns();
  for (int cut = 0; cut < 3; cut++) {
    result_table shown = *r;
    vj_table *table = NULL;
    shown.short_names = cut > 0;
    VJ_TRY(vj_table_create(&table));
    const vj_status status = fill_table(&shown, table, cut < 2);
    const bool fits = !columns || vj_table_width(table) <= columns || cut == 2;
    if (status == VJ_OK && fits) is_markdown ? vj_table_print_markdown(table, to) : vj_table_print(table, to);
    vj_table_destroy(&table);
    VJ_TRY(status);
    if (fits) break;
  }
  return VJ_OK;
}

/* --- below the table ------------------------------------------------------------------------------------------- */

static vj_status arm_mean(const result_table *r, const char *arm, const vj_report_column *column, double *mean) {
  summary s;
  int64_t *trials = NULL, count = 0;
  VJ_TRY(vj_allocate((size_t)r->results->trials, sizeof *trials, "the trials of an arm", &trials));
  for (int64_t i = 0; i < r->results->trials; i++)
    if (r->results->status[i] == VJ_TRIAL_DONE && strcmp(vj_results_text(r->results, "arm", i), arm) == 0)
      trials[count++] = i;
  const vj_status status = summarise_trials(r, column, trials, count, true, &s);
  free(trials);
  *mean = s.mean;
  return status;
}

/* "speed MSE, VJ-VCR / generative: 0.31; paper 0.27" */
static vj_status print_ratio(const result_table *r, const vj_report_ratio *ratio, FILE *to) {
  const vj_report_column *column = &r->report->columns[ratio->column];
  const vj_report_value *paper_of = vj_result_table_paper(r, ratio->of, ratio->column);
  const vj_report_value *paper_to = vj_result_table_paper(r, ratio->to, ratio->column);
  double of, divisor;
  VJ_TRY(arm_mean(r, ratio->of, column, &of));
  VJ_TRY(arm_mean(r, ratio->to, column, &divisor));
  fprintf(to, "%s, %s / %s: ", column->title, ratio->of, ratio->to);
  fprintf(to, isfinite(of / divisor) ? "%.3g" : "-", of / divisor);
  if (paper_of && paper_to) fprintf(to, "; paper %.3g", paper_of->number / paper_to->number);
  fputc('\n', to);
  return VJ_OK;
}

static void print_legend(const result_table *r, FILE *to) {
  bool has_best = false;
  for (int64_t c = 0; c < r->report->column_count; c++)
    has_best = has_best || r->report->columns[c].best != VJ_BEST_NONE;
  fprintf(to, "±: standard deviation over seeds.%s\n",
          has_best ? " *: best mean of its column; ↓ lower, ↑ higher is better." : "");
  if (r->report->source[0]) fprintf(to, "paper: %s\n", r->report->source);
}

static void print_text(const char *text, FILE *to) {
  const size_t length = strlen(text);
  if (length) fprintf(to, "%s%s", text, text[length - 1] == '\n' ? "" : "\n");
}

static void print_progress(const result_table *r, FILE *to) {
  const vj_results *o = r->results;
  const vj_report_column total = {.quantity = "time_total", .at = VJ_REPORT_LAST, .index = VJ_REPORT_SCALAR};
  int64_t done = 0, failed = 0, running = 0;
  double seconds = 0;
  char took[VJ_DURATION_BYTES];
  for (int64_t i = 0; i < o->trials; i++) {
    done += o->status[i] == VJ_TRIAL_DONE;
    failed += o->status[i] == VJ_TRIAL_FAILED;
    running += o->status[i] == VJ_TRIAL_RUNNING;
    const double of_trial = vj_results_number(o, &total, i);
    if ((o->status[i] == VJ_TRIAL_DONE || o->status[i] == VJ_TRIAL_PRUNED) && isfinite(of_trial)) seconds += of_trial;
  }
  fprintf(to, "%lld of %lld trials done, in %s of training", (long long)done, (long long)o->trials,
          vj_duration_text(seconds, took));
  if (running) fprintf(to, "; %lld unfinished", (long long)running);
  if (failed) fprintf(to, "; %lld failed", (long long)failed);
  fputc('\n', to);
}

/* Means over the seeds that were not stopped are means of the better ones. */
static void print_stopped(const result_table *r, FILE *to) {
  int64_t stopped = 0, mixed = 0;
  for (int64_t i = 0; i < r->row_count; i++) {
    stopped += r->rows[i].pruned_count;
    mixed += r->rows[i].pruned_count > 0 && r->rows[i].done_count > 0;
  }
  if (!stopped) return;
  fprintf(to, "%lld of %lld trials were stopped early", (long long)stopped, (long long)r->results->trials);
  if (!r->by_trial) fputs("; rows of no others are left out, `vjvcr ls` lists all", to);
  fputs(mixed ? ". Where some seeds of a row were, its mean is of the rest, which did better.\n" : ".\n", to);
}

static void print_failures(const result_table *r, FILE *to) {
  const vj_results *o = r->results;
  for (int64_t i = 0; i < o->trials; i++) {
    const char *arm = vj_results_text(o, "arm", i);
    if (o->status[i] == VJ_TRIAL_FAILED)
      fprintf(to, "trial %lld %s%s(seed %lld) failed: %s\n", (long long)i, arm, arm[0] ? " " : "",
              (long long)o->seed[i], vj_results_text(o, VJ_RECORD_FAILURE, i));
  }
}

static vj_status print_below(const result_table *r, FILE *to) {
  if (r->is_default) {
    print_text(r->report->notes, to);
  } else {
    print_legend(r, to);
    for (int64_t i = 0; i < r->report->ratio_count; i++) VJ_TRY(print_ratio(r, &r->report->ratios[i], to));
    print_text(r->report->notes, to);
    print_progress(r, to);
  }
  print_stopped(r, to);
  print_failures(r, to);
  return VJ_OK;
}

/* --- whole ----------------------------------------------------------------------------------------------------- */

/* Every table of a report says of which run it is: a quick one must not pass for the experiment. */
static vj_status print_title(const result_table *r, FILE *to) {
  const vj_sweep_file *file = r->results->file;
  const char *name = vj_sweep_file_attribute(file, "title");
  if (r->is_default) return VJ_OK;
  fprintf(to, "%s%s(%s, %lld steps)\n", r->report->title, r->report->title[0] ? " " : "", name ? name : "",
          (long long)r->results->steps);
  return VJ_OK;
}

static vj_status print_all(result_table *r, FILE *to) {
  VJ_TRY(make_rows(r));
  VJ_TRY(make_cells(r));
  if (vj_format_is_exact(r->format)) return vj_result_table_print_rows(r, to);
  VJ_TRY(print_title(r, to));
  if (r->format == VJ_FORMAT_MARKDOWN && !r->is_default) fputc('\n', to);
  VJ_TRY(print_table(r, to));
  if (r->format == VJ_FORMAT_MARKDOWN) fputc('\n', to);
  return print_below(r, to);
}

static vj_status print_default(const vj_results *results, bool by_trial, vj_format format, FILE *to) {
  vj_report_spec report;
  VJ_TRY(vj_default_report(results, &report));
  result_table r = {.results = results, .report = &report, .is_default = true, .by_trial = by_trial, .format = format};
  return print_all(&r, to);
}

static vj_status print_outcome(const vj_results *results, const char *folder, const vj_report_spec *report,
                               vj_format format, FILE *to) {
  if (!report) VJ_TRY(vj_results_report(results, folder, &report));
  if (!report) return print_default(results, results->setting_count == 0 && results->trials <= 16, format, to);
  VJ_TRY(vj_report_check_file(report, results->file));
  result_table r = {.results = results, .report = report, .format = format};
  return print_all(&r, to);
}

vj_status vj_result_table_print(const char *folder, const vj_report_spec *report, vj_format format, FILE *to) {
  vj_results *results = NULL;
  VJ_TRY(vj_results_open(folder, &results));
  const vj_status status = print_outcome(results, folder, report, format, to);
  vj_results_close(&results);
  return status;
}

vj_status vj_results_list(const char *folder, vj_format format, FILE *to) {
  vj_results *results = NULL;
  VJ_TRY(vj_results_open(folder, &results));
  const vj_status status = print_default(results, true, format, to);
  vj_results_close(&results);
  return status;
}
