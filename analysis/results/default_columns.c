#include "analysis/results/default_columns.h"

#include <string.h>

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
  if (vj_sweep_file_find(file, VJ_NAME_OF_VIEW("hx", "rankme")) >= 0) {
    add_column(c, "RankMe hx", VJ_NAME_OF_VIEW("hx", "rankme"), VJ_REPORT_SCALAR);
    add_column(c, "first 10", VJ_NAME_OF_VIEW("hx", "explained_variance"), 9);
  }
  for (int v = 0; v < vj_sweep_file_variable_count(file); v++) {
    vj_sweep_file_variable(file, v, &info);
    add_column(c, probe_heading(c->results, info.name), info.name, VJ_REPORT_SCALAR);
  }
}

vj_status vj_default_report(const vj_results *results, vj_report_spec *report) {
  chooser c = {.results = results, .columns = vj_pool_take(results->pool, MOST_COLUMNS * sizeof *c.columns)};
  if (!c.columns) return vj_fail(VJ_MEMORY, "no memory for the columns of a table");
  choose_columns(&c);
  *report = (vj_report_spec){
      .title = "",
      .source = "",
      .notes =
          "Losses are validation losses, unweighted. first 10: share of the variance of hx in its 10 largest "
          "components.\n"
          "collapsed?: RankMe of hx below a tenth of the largest possible; partly: below a quarter.\n",
      .column_count = c.count,
      .columns = c.columns};
  return VJ_OK;
}
