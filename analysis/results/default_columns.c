#include "analysis/results/default_columns.h"

#include <string.h>

#include "analysis/results/collapse.h"
#include "analysis/results/control_rows.h"
#include "vj/param.h"

enum { MOST_COLUMNS = 24 };

typedef struct chooser {
  const vj_results *results;
  vj_report_column *columns;
  int count;
} chooser;

static bool ends_with(const char *text, const char *end) {
  const size_t a = strlen(text), b = strlen(end);
  return a >= b && strcmp(text + a - b, end) == 0;
}

static void add_column(chooser *c, const char *title, const char *quantity, int64_t index) {
  if (c->count == MOST_COLUMNS || !title) return;
  c->columns[c->count++] =
      (vj_report_column){.quantity = quantity, .title = title, .at = VJ_REPORT_LAST, .index = index};
}

/* The metrics worth a column, and how they are headed: "probe_speed_mse" -> "speed MSE". */
static const struct {
  const char *ending, *heading;
} shown_metrics[] = {{"_mse", "MSE"}, {"_r2", "R²"}, {"_accuracy", "accuracy"}, {"_error", "error"}};

static const char *probe_heading(const vj_results *o, const char *variable) {
  const char *metric = vj_record_after(variable, VJ_PROBE_RECORDS);
  if (!metric) return NULL;
  static const char *const controls[] = {"_baseline_mse", "_baseline_error", "_majority_accuracy"};
  for (size_t i = 0; i < VJ_COUNT(controls); i++)
    if (ends_with(variable, controls[i])) return NULL;
  for (size_t i = 0; i < VJ_COUNT(shown_metrics); i++) {
    if (!ends_with(variable, shown_metrics[i].ending)) continue;
    const int length = (int)(strlen(metric) - strlen(shown_metrics[i].ending));
    return vj_pool_format(o->pool, "%.*s %s", length, metric, shown_metrics[i].heading);
  }
  return NULL;
}

/* Whether it is a control of another probe, and so has a row. */
static bool is_control(const vj_results *o, vj_control control, const char *variable) {
  if (!vj_control_is_probe(control)) return false;
  const char *own = vj_control_probe(o, control, variable);
  vj_file_variable_info info;
  if (!own || strcmp(own, variable) != 0) return false;
  for (int v = 0; v < vj_sweep_file_variable_count(o->file); v++) {
    vj_sweep_file_variable(o->file, v, &info);
    const char *beside = strcmp(info.name, variable) != 0 ? vj_control_probe(o, control, info.name) : NULL;
    if (beside && strcmp(beside, variable) == 0) return true;
  }
  return false;
}

static bool has_row(const vj_results *o, const char *variable) {
  for (vj_control control = 0; control < VJ_CONTROLS; control++)
    if (is_control(o, control, variable)) return true;
  return false;
}

static bool is_loss(const vj_file_variable_info *info) {
  return vj_record_is(info->name, VJ_RECORD_VAL_ONE_LOSS) &&
         !vj_record_after(info->name, VJ_NAME_OF_VALIDATION("latent")) && info->rank == 2 &&
         strcmp(info->name, VJ_RECORD_VAL_LOSS) != 0;
}

/* Losses first (their weighted sum is left out: its weights differ between arms), then what shows collapse, then
 * probes. */
static void choose_columns(chooser *c) {
  const vj_sweep_file *file = c->results->file;
  vj_file_variable_info info;
  for (int v = 0; v < vj_sweep_file_variable_count(file); v++) {
    vj_sweep_file_variable(file, v, &info);
    if (is_loss(&info))
      add_column(c, vj_record_after(info.name, VJ_NAME_OF_VALIDATION("")), info.name, VJ_REPORT_SCALAR);
  }
  if (vj_sweep_file_find(file, VJ_NAME_OF_VIEW("hx", "feature_std_median")) >= 0)
    add_column(c, "std hx", VJ_NAME_OF_VIEW("hx", "feature_std_median"), VJ_REPORT_SCALAR);
  if (vj_sweep_file_find(file, VJ_NAME_OF_VIEW("hx", "rankme")) >= 0) {
    add_column(c, "RankMe hx", VJ_NAME_OF_VIEW("hx", "rankme"), VJ_REPORT_SCALAR);
    add_column(c, "first 10", VJ_NAME_OF_VIEW("hx", "explained_variance"), 9);
  }
  for (int v = 0; v < vj_sweep_file_variable_count(file); v++) {
    vj_sweep_file_variable(file, v, &info);
    const char *heading = probe_heading(c->results, info.name);
    if (heading && !has_row(c->results, info.name)) add_column(c, heading, info.name, VJ_REPORT_SCALAR);
  }
}

static const char oracle_note[] =
    "Latents: prediction, hy_pred and what is read from it are an oracle's, z being inferred from the target. prior_: "
    "z\n"
    "drawn from the latent's prior, mean over draws; best_of_k_: the best of eval.prior_draws for each clip.\n";

vj_status vj_default_report(const vj_results *results, vj_report_spec *report) {
  chooser c = {.results = results, .columns = vj_pool_take(results->pool, MOST_COLUMNS * sizeof *c.columns)};
  const bool has_oracle = vj_sweep_file_find(results->file, VJ_NAME_OF_VALIDATION("oracle_prediction")) >= 0;
  const char *note = vj_collapse_note(results->pool);
  const char *notes = note
                          ? vj_pool_format(results->pool,
                                           "Losses are validation losses, unweighted. std hx: median over features. "
                                           "first 10: share of the variance\nof hx in its 10 largest components.\n%s%s",
                                           note, has_oracle ? oracle_note : "")
                          : NULL;
  if (!c.columns || !notes) return vj_fail(VJ_MEMORY, "no memory for the columns of a table");
  choose_columns(&c);
  *report = (vj_report_spec){
      .title = "", .source = "", .notes = notes, .column_count = c.count, .columns = c.columns, .verdict = true};
  for (vj_control control = 0; control < VJ_CONTROLS; control++) report->controls[control] = true;
  return VJ_OK;
}
