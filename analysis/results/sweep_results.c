#include "analysis/results/sweep_results.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "framework/train/trial.h"

static vj_status read_whole(const vj_results *o, const char *name, void **values, vj_file_variable_info *info) {
  const int variable = vj_sweep_file_find(o->file, name);
  if (variable < 0) return vj_fail(VJ_DATA, "the sweep file has no variable %s", name);
  vj_sweep_file_variable(o->file, variable, info);
  *values = o->read[variable];
  if (*values) return VJ_OK;
  int64_t start[VJ_FILE_MAX_DIMENSIONS] = {0}, count = 1;
  for (int i = 0; i < info->rank; i++) count *= info->size[i];
  const size_t bytes = info->type == VJ_FILE_TEXT ? (size_t)info->text_bytes : sizeof(double);
  *values = vj_pool_take(o->pool, (size_t)count * bytes + 1);
  if (!*values) return vj_fail(VJ_MEMORY, "no memory for %s", name);
  VJ_TRY(vj_sweep_file_read(o->file, variable, start, info->size, *values));
  o->read[variable] = *values;
  return VJ_OK;
}

vj_trial_state vj_results_state(const vj_results *o, int64_t trial) {
  const int64_t state = o->status[trial];
  return state > 0 && state < VJ_TRIAL_STATES ? (vj_trial_state)state : VJ_TRIAL_WAITING;
}

const char *vj_results_text(const vj_results *o, const char *name, int64_t trial) {
  void *values;
  vj_file_variable_info info;
  if (read_whole(o, name, &values, &info) != VJ_OK) return "";
  return (const char *)values + trial * info.text_bytes;
}

const char *vj_results_reason(const vj_results *o, int64_t trial) {
  const char *failure = vj_results_text(o, VJ_RECORD_FAILURE, trial);
  return failure[0] ? failure : vj_results_text(o, VJ_RECORD_STOP_REASON, trial);
}

/* Where `place` stands on an axis of training steps completed; -1 if the trial has not come so far. */
static int64_t row_of(const vj_results *o, const char *axis, int64_t trial, int64_t at) {
  void *places;
  vj_file_variable_info info;
  const int64_t place = at == VJ_REPORT_LAST ? o->committed[trial] : at;
  if (o->committed[trial] <= 0 || place > o->committed[trial]) return -1;
  if (read_whole(o, axis, &places, &info) != VJ_OK) return -1;
  for (int64_t row = 0; row < info.size[0]; row++)
    if (((const int64_t *)places)[row] == place) return row;
  return -1;
}

double vj_results_number(const vj_results *o, const vj_report_column *column, int64_t trial) {
  void *values;
  vj_file_variable_info info;
  if (vj_sweep_file_find(o->file, column->quantity) < 0) return NAN;
  if (read_whole(o, column->quantity, &values, &info) != VJ_OK || info.type != VJ_FILE_DOUBLE) return NAN;
  const double *numbers = values;
  if (info.rank == 1) return column->at == VJ_REPORT_LAST ? numbers[trial] : NAN;
  const int64_t row = row_of(o, info.dimension[1], trial, column->at);
  const int64_t width = info.rank > 2 ? info.size[2] : 1;
  if (row < 0) return NAN;
  const double *from = numbers + (trial * info.size[1] + row) * width;
  int64_t k = column->index < 0 ? 0 : column->index < width ? column->index : width - 1;
  /* Where a trial has fewer components than asked for: the last it has. */
  while (info.rank > 2 && strcmp(info.dimension[2], VJ_NAME_COMPONENT) == 0 && k > 0 && !isfinite(from[k])) k--;
  return isfinite(from[k]) ? from[k] : NAN;
}

double vj_results_newest(const vj_results *o, const char *quantity, int64_t trial) {
  const vj_report_column column = {.quantity = quantity, .at = VJ_REPORT_LAST, .index = VJ_REPORT_SCALAR};
  return vj_results_number(o, &column, trial);
}

double vj_results_final(const vj_results *o, const vj_report_column *column, int64_t trial) {
  return o->status[trial] == VJ_TRIAL_DONE ? vj_results_number(o, column, trial) : NAN;
}

vj_status vj_results_axis(const vj_results *o, const char *name, const int64_t **places, int64_t *count) {
  void *values;
  vj_file_variable_info info;
  VJ_TRY(read_whole(o, name, &values, &info));
  *places = values;
  *count = info.size[0];
  return VJ_OK;
}

int64_t vj_results_count(const vj_results *o, const char *name, int64_t trial) {
  void *values;
  vj_file_variable_info info;
  if (vj_sweep_file_find(o->file, name) < 0 || read_whole(o, name, &values, &info) != VJ_OK) return -1;
  return info.type == VJ_FILE_INT64 && info.rank == 1 ? ((const int64_t *)values)[trial] : -1;
}

const char *vj_results_setting_key(const vj_results *o, int setting) {
  vj_file_variable_info info;
  vj_sweep_file_variable(o->file, o->settings[setting], &info);
  return vj_record_after(info.name, VJ_NAME_OF_SETTING(""));
}

static bool ends_like(const char *key, const char *end) {
  const size_t length = strlen(key), tail = strlen(end);
  return length >= tail && strcmp(key + length - tail, end) == 0 && (length == tail || key[length - tail - 1] == '.');
}

const char *vj_results_setting_short(const vj_results *o, int setting) {
  const char *key = vj_results_setting_key(o, setting), *end = key + strlen(key);
  while (end > key) {
    while (end > key && *--end != '.') continue;
    const char *tail = *end == '.' ? end + 1 : end;
    bool is_alone = true;
    for (int s = 0; s < o->setting_count; s++)
      is_alone = is_alone && (s == setting || !ends_like(vj_results_setting_key(o, s), tail));
    if (is_alone) return tail;
  }
  return key;
}

bool vj_results_setting_is_number(const vj_results *o, int setting) {
  vj_file_variable_info info;
  vj_sweep_file_variable(o->file, o->settings[setting], &info);
  return info.type != VJ_FILE_TEXT;
}

double vj_results_setting_number(const vj_results *o, int setting, int64_t trial) {
  vj_file_variable_info info;
  vj_sweep_file_variable(o->file, o->settings[setting], &info);
  return vj_results_newest(o, info.name, trial);
}

const char *vj_results_setting(const vj_results *o, int setting, int64_t trial) {
  vj_file_variable_info info;
  vj_sweep_file_variable(o->file, o->settings[setting], &info);
  if (info.type == VJ_FILE_TEXT) return vj_results_text(o, info.name, trial);
  const char *text =
      vj_pool_format(o->pool, "%.*g", o->setting_digits[setting], vj_results_setting_number(o, setting, trial));
  return text ? text : "";
}

int vj_results_compare_setting(const vj_results *o, int setting, int64_t one, int64_t other) {
  vj_file_variable_info info;
  vj_sweep_file_variable(o->file, o->settings[setting], &info);
  if (info.type == VJ_FILE_TEXT)
    return strcmp(vj_results_text(o, info.name, one), vj_results_text(o, info.name, other));
  const double a = vj_results_setting_number(o, setting, one), b = vj_results_setting_number(o, setting, other);
  return isnan(a) || isnan(b) ? (isnan(a) != 0) - (isnan(b) != 0) : (a > b) - (a < b);
}

bool vj_results_same_setting(const vj_results *o, int setting, int64_t one, int64_t other) {
  return vj_results_compare_setting(o, setting, one, other) == 0;
}

const char *vj_results_settings(const vj_results *o, int64_t trial) {
  const char *all = "";
  for (int s = 0; s < o->setting_count && all; s++) {
    const char *value = vj_results_setting(o, s, trial);
    if (!value[0] || strcmp(value, "nan") == 0) continue;
    all = vj_pool_format(o->pool, "%s%s%s=%s", all, all[0] ? " " : "", vj_results_setting_key(o, s), value);
  }
  return all ? all : "";
}

static bool is_steps_key(const char *key) { return strcmp(key, "optim") == 0 || strcmp(key, "optim.steps") == 0; }

const char *vj_results_config(const vj_results *o, const char *path, int64_t trial) {
  vj_pool *pool = NULL;
  vj_yaml *root = NULL;
  const char *text = NULL;
  if (vj_pool_create(&pool) != VJ_OK) return NULL;
  if (vj_yaml_read_text(pool, vj_results_text(o, VJ_RECORD_CONFIG, trial), "config", &root) == VJ_OK) {
    const vj_yaml *node = vj_yaml_find(root, path);
    if (node && node->kind == VJ_YAML_SCALAR) text = vj_pool_text(o->pool, node->text);
  }
  vj_pool_destroy(&pool);
  return text;
}

/* All trials make as many steps as the last evaluation comes after, unless the sweep sets their number. */
int64_t vj_results_steps(const vj_results *o, int64_t trial) {
  bool is_set = false;
  for (int s = 0; s < o->setting_count; s++) is_set = is_set || is_steps_key(vj_results_setting_key(o, s));
  const char *steps = is_set ? vj_results_config(o, "optim.steps", trial) : NULL;
  return steps ? strtoll(steps, NULL, 10) : o->steps;
}

int64_t vj_results_steps_made(const vj_results *o, int64_t trial) {
  return o->committed[trial] > 0 ? o->committed[trial] : 0;
}

vj_status vj_results_experiment(const vj_results *o, const char *folder, vj_yaml **root) {
  const char *text = vj_sweep_file_attribute(o->file, VJ_ATTRIBUTE_SWEEP_YAML);
  const char *source = vj_pool_format(o->pool, "%s/sweep.h5", folder);
  *root = NULL;
  if (!text) return VJ_OK;
  if (!source) return vj_fail(VJ_MEMORY, "no memory for a path");
  return vj_yaml_read_text(o->pool, text, source, root);
}

vj_status vj_results_report(const vj_results *o, const char *folder, const vj_report_spec **report) {
  vj_yaml *root;
  *report = NULL;
  VJ_TRY(vj_results_experiment(o, folder, &root));
  return root ? vj_report_read(o->pool, root, report) : VJ_OK;
}

vj_status vj_results_question(const vj_results *o, const char *folder, const vj_question **question) {
  vj_yaml *root;
  *question = NULL;
  VJ_TRY(vj_results_experiment(o, folder, &root));
  return root ? vj_question_read(o->pool, root, question) : VJ_OK;
}

int64_t vj_results_components(const vj_results *o, const char *name, int64_t trial) {
  void *values;
  vj_file_variable_info info;
  if (vj_sweep_file_find(o->file, name) < 0 || read_whole(o, name, &values, &info) != VJ_OK || info.rank < 3) return 0;
  const double *from = (const double *)values + trial * info.size[1] * info.size[2];
  int64_t count = 0;
  while (count < info.size[2] && isfinite(from[count])) count++; /* step 0 is always evaluated */
  return count;
}

static int ascending(const void *left, const void *right) {
  const double a = *(const double *)left, b = *(const double *)right;
  return (a > b) - (a < b);
}

/* Digits in which all values of a setting look different: six, or as many as it takes. */
static int digits_of(const double *sorted, int64_t count) {
  int digits = 6;
  char one[64], other[64];
  for (int64_t i = 1; i < count; i++) {
    if (!isfinite(sorted[i]) || !isfinite(sorted[i - 1]) || sorted[i] == sorted[i - 1]) continue;
    for (; digits < 17; digits++) {
      snprintf(one, sizeof one, "%.*g", digits, sorted[i - 1]);
      snprintf(other, sizeof other, "%.*g", digits, sorted[i]);
      if (strcmp(one, other) != 0) break;
    }
  }
  return digits;
}

static vj_status find_digits(vj_results *o) {
  double *sorted = NULL;
  o->setting_digits = vj_pool_take(o->pool, (size_t)o->setting_count * sizeof *o->setting_digits);
  if (!o->setting_digits) return vj_fail(VJ_MEMORY, "no memory for the settings of a sweep");
  VJ_TRY(vj_allocate((size_t)o->trials + 1, sizeof *sorted, "the settings of a sweep", &sorted));
  for (int s = 0; s < o->setting_count; s++) {
    int64_t count = 0;
    for (int64_t i = 0; i < o->trials && vj_results_setting_is_number(o, s); i++) {
      sorted[count] = vj_results_setting_number(o, s, i);
      count += isfinite(sorted[count]);
    }
    qsort(sorted, (size_t)count, sizeof *sorted, ascending);
    o->setting_digits[s] = digits_of(sorted, count);
  }
  free(sorted);
  return VJ_OK;
}

/* --- opening --------------------------------------------------------------------------------------------------- */

static vj_status find_settings(vj_results *o) {
  const int variables = vj_sweep_file_variable_count(o->file);
  int *settings = vj_pool_take(o->pool, (size_t)variables * sizeof *settings);
  if (!settings) return vj_fail(VJ_MEMORY, "no memory for the settings of a sweep");
  for (int v = 0; v < variables; v++) {
    vj_file_variable_info info;
    vj_sweep_file_variable(o->file, v, &info);
    if (vj_record_is(info.name, VJ_RECORD_SETTING)) settings[o->setting_count++] = v;
  }
  o->settings = settings;
  return find_digits(o);
}

/* States first: what a trial had when it was done does not change any more. */
static vj_status read_trials(vj_results *o) {
  vj_file_variable_info info;
  void *values;
  o->read = vj_pool_take(o->pool, (size_t)vj_sweep_file_variable_count(o->file) * sizeof *o->read);
  if (!o->read) return vj_fail(VJ_MEMORY, "no memory for the results of a sweep");
  VJ_TRY(read_whole(o, VJ_RECORD_STATUS, &values, &info));
  o->status = values;
  o->trials = info.size[0];
  VJ_TRY(read_whole(o, VJ_RECORD_COMMITTED, &values, &info));
  o->committed = values;
  VJ_TRY(read_whole(o, VJ_RECORD_SEED, &values, &info));
  o->seed = values;
  VJ_TRY(read_whole(o, VJ_NAME_EVAL, &values, &info));
  o->steps = info.size[0] ? ((const int64_t *)values)[info.size[0] - 1] : 0;
  for (int64_t i = 0; i < o->trials; i++) o->has_arms = o->has_arms || vj_results_text(o, VJ_RECORD_ARM, i)[0];
  return find_settings(o);
}

vj_status vj_results_open(const char *folder, vj_results **results) {
  VJ_TRY(vj_results_look(folder, results));
  const vj_status status = vj_sweep_file_check_rows((*results)->file);
  if (status != VJ_OK) vj_results_close(results);
  return status;
}

vj_status vj_results_look(const char *folder, vj_results **results) {
  vj_pool *pool = NULL;
  vj_status status;
  *results = NULL;
  VJ_TRY(vj_pool_create(&pool));
  vj_results *o = vj_pool_take(pool, sizeof *o);
  const char *path = vj_pool_format(pool, "%s/sweep.h5", folder);
  if (!o || !path) {
    vj_pool_destroy(&pool);
    return vj_fail(VJ_MEMORY, "no memory for the results of a sweep");
  }
  o->pool = pool;
  *results = o;
  VJ_TRY_GOTO(status, vj_sweep_file_read_only(path, &o->file), failed);
  VJ_TRY_GOTO(status, read_trials(o), failed);
  return VJ_OK;
failed:
  vj_results_close(results);
  return status;
}

void vj_results_close(vj_results **results) {
  if (!*results) return;
  vj_pool *pool = (*results)->pool;
  if ((*results)->file) vj_sweep_file_close(&(*results)->file);
  vj_pool_destroy(&pool);
  *results = NULL;
}
