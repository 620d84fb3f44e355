#include "results.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "progress.h"
#include "store/ledger.h"
#include "store/sweep_file.h"
#include "table.h"
#include "train/trial.h"
#include "vj/param.h"

/* Shares of the largest RankMe that the view could have. */
static const double collapsed_below = 0.1, partly_below = 0.25;

typedef struct results {
  vj_pool *pool;
  vj_sweep_file *file;
  int64_t trials;
  int64_t *status, *seed;
  const char **row_key; /* trials of one row of the table have equal keys */
  void **read;          /* for each variable, its numbers once they have been read */
} results;

/* --- reading ------------------------------------------------------------------------------------------------- */

static vj_status read_whole(const results *r, const char *name, void **values, vj_file_variable_info *info) {
  const int variable = vj_sweep_file_find(r->file, name);
  if (variable < 0) return vj_fail(VJ_DATA, "the sweep file has no variable %s", name);
  vj_sweep_file_variable(r->file, variable, info);
  *values = r->read[variable];
  if (*values) return VJ_OK;
  int64_t start[VJ_FILE_MAX_DIMENSIONS] = {0}, count = 1;
  for (int i = 0; i < info->rank; i++) count *= info->size[i];
  const size_t bytes = info->type == VJ_FILE_TEXT ? (size_t)info->text_bytes : sizeof(double);
  *values = vj_pool_take(r->pool, (size_t)count * bytes + 1);
  if (!*values) return vj_fail(VJ_MEMORY, "no memory for %s", name);
  VJ_TRY(vj_sweep_file_read(r->file, variable, start, info->size, *values));
  r->read[variable] = *values;
  return VJ_OK;
}

static const char *text_of(const results *r, const char *name, int64_t trial) {
  void *values;
  vj_file_variable_info info;
  if (read_whole(r, name, &values, &info) != VJ_OK) return "";
  return (const char *)values + trial * info.text_bytes;
}

/* The row of a trial's last evaluation, where `committed` stands on the eval axis; -1 if it has none. */
static int64_t last_evaluation(const results *r, int64_t trial) {
  void *evals, *committed;
  vj_file_variable_info info, ignored;
  if (read_whole(r, "eval", &evals, &info) != VJ_OK) return -1;
  if (read_whole(r, VJ_RECORD_COMMITTED, &committed, &ignored) != VJ_OK) return -1;
  for (int64_t row = 0; row < info.size[0]; row++)
    if (((const int64_t *)evals)[row] == ((const int64_t *)committed)[trial]) return row;
  return -1;
}

/* A trial's number at its last evaluation; of the k-th component where there are components. */
static double last_value(const results *r, const char *name, int64_t trial, int64_t k) {
  void *values;
  vj_file_variable_info info;
  if (vj_sweep_file_find(r->file, name) < 0 || read_whole(r, name, &values, &info) != VJ_OK) return NAN;
  const int64_t rows = info.rank > 1 ? info.size[1] : 1, width = info.rank > 2 ? info.size[2] : 1;
  const double *from = (const double *)values + trial * rows * width;
  if (k >= width) k = width - 1;
  const int64_t row = rows > 1 ? last_evaluation(r, trial) : 0;
  for (int64_t i = k; row >= 0 && i >= 0; i--) /* fewer components than asked for: the last there is */
    if (isfinite(from[row * width + i])) return from[row * width + i];
  return NAN;
}

static int64_t component_count(const results *r, const char *name, int64_t trial) {
  void *values;
  vj_file_variable_info info;
  if (vj_sweep_file_find(r->file, name) < 0 || read_whole(r, name, &values, &info) != VJ_OK || info.rank < 3) return 0;
  const double *from = (const double *)values + trial * info.size[1] * info.size[2];
  int64_t count = 0;
  while (count < info.size[2] && isfinite(from[count])) count++; /* step 0 is always evaluated */
  return count;
}

/* Settings that are the same but for the seed. */
static const char *key_of(const results *r, int64_t trial) {
  const char *key = text_of(r, "arm", trial);
  for (int v = 0; v < vj_sweep_file_variable_count(r->file); v++) {
    vj_file_variable_info info;
    vj_sweep_file_variable(r->file, v, &info);
    if (strncmp(info.name, "param.", 6) != 0) continue;
    key = info.type == VJ_FILE_TEXT ? vj_pool_format(r->pool, "%s|%s", key, text_of(r, info.name, trial))
                                    : vj_pool_format(r->pool, "%s|%.17g", key, last_value(r, info.name, trial, 0));
  }
  return key;
}

/* --- the table ----------------------------------------------------------------------------------------------- */

typedef struct column {
  const char *heading, *variable;
  int64_t component;
} column;

enum { MOST_COLUMNS = 24 };

static bool ends_with(const char *text, const char *end) {
  const size_t a = strlen(text), b = strlen(end);
  return a >= b && strcmp(text + a - b, end) == 0;
}

static void add_column(column *columns, int *count, const char *heading, const char *variable, int64_t component) {
  if (*count < MOST_COLUMNS) columns[(*count)++] = (column){heading, variable, component};
}

/* The metrics worth a column, and how they are headed: "probe_speed_mse" -> "speed MSE". */
static const struct {
  const char *ending, *heading;
} shown_metrics[] = {{"_mse", "MSE"}, {"_r2", "R²"}, {"_accuracy", "accuracy"}, {"_error", "error"}};

static const char *probe_heading(const results *r, const char *variable) {
  if (strncmp(variable, "probe_", 6) != 0) return NULL;
  static const char *const controls[] = {"_baseline_mse", "_baseline_error", "_majority_accuracy"};
  for (size_t i = 0; i < VJ_COUNT(controls); i++)
    if (ends_with(variable, controls[i])) return NULL;
  for (size_t i = 0; i < VJ_COUNT(shown_metrics); i++) {
    if (!ends_with(variable, shown_metrics[i].ending)) continue;
    const int length = (int)(strlen(variable) - 6 - strlen(shown_metrics[i].ending));
    return vj_pool_format(r->pool, "%.*s %s", length, variable + 6, shown_metrics[i].heading);
  }
  return NULL;
}

/* Losses first (their weighted sum is left out: its weights differ between arms), then what shows collapse, then
 * probes. */
static int choose_columns(const results *r, column *columns) {
  int count = 0;
  for (int v = 0; v < vj_sweep_file_variable_count(r->file); v++) {
    vj_file_variable_info info;
    vj_sweep_file_variable(r->file, v, &info);
    if (strncmp(info.name, "val_", 4) == 0 && strncmp(info.name, "val_latent", 10) != 0 && info.rank == 2 &&
        strcmp(info.name, "val_loss") != 0)
      add_column(columns, &count, info.name + 4, info.name, 0);
  }
  if (vj_sweep_file_find(r->file, "hx_rankme") >= 0) {
    add_column(columns, &count, "RankMe hx", "hx_rankme", 0);
    add_column(columns, &count, "first 10", "hx_explained_variance", 9);
  }
  for (int v = 0; v < vj_sweep_file_variable_count(r->file); v++) {
    vj_file_variable_info info;
    vj_sweep_file_variable(r->file, v, &info);
    const char *heading = probe_heading(r, info.name);
    if (heading) add_column(columns, &count, heading, info.name, 0);
  }
  return count;
}

static const char *verdict(double rankme, int64_t largest) {
  if (!isfinite(rankme) || largest == 0) return "";
  return rankme < collapsed_below * (double)largest ? "collapsed"
         : rankme < partly_below * (double)largest  ? "partly"
                                                    : "no";
}

/* "0.987±0.001": the mean is given as far as its spread lets it mean something. */
static void number_cell(vj_table *table, const double *values, int count, bool with_spread) {
  double mean = 0, square = 0;
  for (int i = 0; i < count; i++) mean += values[i] / count;
  for (int i = 0; i < count; i++) square += (values[i] - mean) * (values[i] - mean);
  const double spread = count > 1 && with_spread ? sqrt(square / (count - 1)) : 0, size = fabs(mean);
  const int decimals = spread > 0 ? (int)fmax(0, fmin(4, -floor(log10(spread)))) : 0;
  if (!isfinite(mean))
    vj_table_cell(table, "-");
  else if (size > 0 && (size < 1e-3 || size >= 1e5))
    vj_table_cell(table, spread > 0 ? "%.2g±%.0e" : "%.3g", mean, spread);
  else if (spread > 0)
    vj_table_cell(table, "%.*f±%.*f", decimals, mean, decimals, spread);
  else
    vj_table_cell(table, with_spread ? "%.4g" : "%.3g", mean);
}

static bool is_row_start(const results *r, int64_t trial, bool by_trial) {
  for (int64_t i = 0; i < trial && !by_trial; i++)
    if (strcmp(r->row_key[i], r->row_key[trial]) == 0) return false;
  return true;
}

static void print_parameters(const results *r, vj_table *table, int64_t trial, bool headings) {
  for (int v = 0; v < vj_sweep_file_variable_count(r->file); v++) {
    vj_file_variable_info info;
    vj_sweep_file_variable(r->file, v, &info);
    if (strncmp(info.name, "param.", 6) != 0) continue;
    if (headings)
      vj_table_column(table, info.name + 6, info.type != VJ_FILE_TEXT);
    else if (info.type == VJ_FILE_TEXT)
      vj_table_cell(table, "%s", text_of(r, info.name, trial));
    else
      vj_table_cell(table, "%g", last_value(r, info.name, trial, 0));
  }
}

static void print_row(const results *r, vj_table *table, const column *columns, int column_count, int64_t trial,
                      bool by_trial, bool has_arms, bool with_spread) {
  int64_t members[1024];
  int count = 0, done = 0;
  for (int64_t i = trial; i < r->trials && count < 1024; i++)
    if (by_trial ? i == trial : strcmp(r->row_key[i], r->row_key[trial]) == 0) members[count++] = i;
  for (int i = 0; i < count; i++)
    if (r->status[members[i]] == VJ_TRIAL_DONE) members[done++] = members[i];
  if (by_trial) vj_table_cell(table, "%lld", (long long)trial);
  if (has_arms) vj_table_cell(table, "%s", text_of(r, "arm", trial));
  if (!has_arms || by_trial) print_parameters(r, table, trial, false);
  if (by_trial)
    vj_table_cell(table, "%lld", (long long)r->seed[trial]);
  else
    vj_table_cell(table, done == count ? "%d" : "%d of %d", done, count);
  double rankme = 0;
  for (int c = 0; c < column_count; c++) {
    double values[1024];
    for (int i = 0; i < done; i++) values[i] = last_value(r, columns[c].variable, members[i], columns[c].component);
    if (strcmp(columns[c].variable, "hx_rankme") == 0)
      for (int i = 0; i < done; i++) rankme += values[i] / done;
    if (done)
      number_cell(table, values, done, with_spread);
    else
      vj_table_cell(table, "-");
  }
  const int64_t largest = done ? component_count(r, "hx_singular_values", members[0]) : 0;
  static const char *const states[] = {"waiting", "unfinished", "", "failed"};
  const int64_t state = r->status[trial] > 0 ? r->status[trial] & 3 : VJ_TRIAL_WAITING; /* -1: not begun with */
  vj_table_cell(table, "%s", done ? verdict(rankme, largest) : states[state]);
}

static vj_status make_table(results *r, bool by_trial, bool with_spread, vj_table **made) {
  column columns[MOST_COLUMNS];
  vj_table *table = NULL;
  VJ_TRY(vj_table_create(&table));
  const int column_count = choose_columns(r, columns);
  bool has_arms = false;
  for (int64_t i = 0; i < r->trials; i++) has_arms = has_arms || text_of(r, "arm", i)[0];
  if (by_trial) vj_table_column(table, "trial", true);
  if (has_arms) vj_table_column(table, "arm", false);
  if (!has_arms || by_trial) print_parameters(r, table, 0, true);
  vj_table_column(table, by_trial ? "seed" : "seeds", true);
  for (int c = 0; c < column_count; c++) vj_table_column(table, columns[c].heading, true);
  vj_table_column(table, "collapsed?", false);
  for (int64_t i = 0; i < r->trials; i++)
    if (is_row_start(r, i, by_trial)) print_row(r, table, columns, column_count, i, by_trial, has_arms, with_spread);
  *made = table;
  return VJ_OK;
}

/* Where the terminal is too narrow for the spreads over seeds, the means alone. */
static vj_status print_table(results *r, bool by_trial, FILE *to) {
  vj_table *table = NULL;
  VJ_TRY(make_table(r, by_trial, true, &table));
  const int columns = vj_terminal_columns();
  if (columns && vj_table_width(table) > columns) {
    vj_table_destroy(&table);
    VJ_TRY(make_table(r, by_trial, false, &table));
  }
  vj_table_print(table, to);
  vj_table_destroy(&table);
  return VJ_OK;
}

static void print_failures(const results *r, FILE *to) {
  for (int64_t i = 0; i < r->trials; i++)
    if (r->status[i] == VJ_TRIAL_FAILED)
      fprintf(to, "trial %lld %s(seed %lld) failed: %s\n", (long long)i,
              text_of(r, "arm", i)[0] ? vj_pool_format(r->pool, "%s ", text_of(r, "arm", i)) : "",
              (long long)r->seed[i], text_of(r, VJ_RECORD_FAILURE, i));
}

static vj_status print_all(results *r, bool by_trial, FILE *to) {
  vj_file_variable_info info;
  void *values;
  r->read = vj_pool_take(r->pool, (size_t)vj_sweep_file_variable_count(r->file) * sizeof *r->read);
  if (!r->read) return vj_fail(VJ_MEMORY, "no memory for a table");
  VJ_TRY(read_whole(r, VJ_RECORD_STATUS, &values, &info));
  r->status = values;
  r->trials = info.size[0];
  VJ_TRY(read_whole(r, "seed", &values, &info));
  r->seed = values;
  r->row_key = vj_pool_take(r->pool, (size_t)r->trials * sizeof *r->row_key);
  if (!r->row_key) return vj_fail(VJ_MEMORY, "no memory for a table");
  for (int64_t i = 0; i < r->trials; i++) r->row_key[i] = key_of(r, i);
  VJ_TRY(print_table(r, by_trial, to));
  fputs(
      "Losses are validation losses, unweighted. first 10: share of the variance of hx in its 10 largest components.\n"
      "collapsed?: RankMe of hx below a tenth of the largest possible; partly: below a quarter.\n",
      to);
  print_failures(r, to);
  return VJ_OK;
}

vj_status vj_results_print(const char *folder, bool by_trial, FILE *to) {
  results r = {0};
  VJ_TRY(vj_pool_create(&r.pool));
  const char *path = vj_pool_format(r.pool, "%s/sweep.h5", folder);
  vj_status status = path ? vj_sweep_file_read_only(path, &r.file) : vj_fail(VJ_MEMORY, "no memory for a path");
  if (status == VJ_OK) status = print_all(&r, by_trial, to);
  if (r.file) vj_sweep_file_close(&r.file);
  vj_pool_destroy(&r.pool);
  return status;
}
