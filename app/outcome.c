#include "outcome.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#include "store/ledger.h"
#include "train/trial.h"

static const char setting_prefix[] = "param.";

static vj_status read_whole(const vj_outcome *o, const char *name, void **values, vj_file_variable_info *info) {
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

const char *vj_outcome_text(const vj_outcome *o, const char *name, int64_t trial) {
  void *values;
  vj_file_variable_info info;
  if (read_whole(o, name, &values, &info) != VJ_OK) return "";
  return (const char *)values + trial * info.text_bytes;
}

/* Where `place` stands on an axis of training steps completed; -1 if the trial has not come so far. */
static int64_t row_of(const vj_outcome *o, const char *axis, int64_t trial, int64_t at) {
  void *places;
  vj_file_variable_info info;
  const int64_t place = at == VJ_REPORT_LAST ? o->committed[trial] : at;
  if (o->committed[trial] <= 0 || place > o->committed[trial]) return -1;
  if (read_whole(o, axis, &places, &info) != VJ_OK) return -1;
  for (int64_t row = 0; row < info.size[0]; row++)
    if (((const int64_t *)places)[row] == place) return row;
  return -1;
}

double vj_outcome_number(const vj_outcome *o, const vj_report_column *column, int64_t trial) {
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
  while (info.rank > 2 && strcmp(info.dimension[2], "component") == 0 && k > 0 && !isfinite(from[k])) k--;
  return isfinite(from[k]) ? from[k] : NAN;
}

const char *vj_outcome_setting_key(const vj_outcome *o, int setting) {
  vj_file_variable_info info;
  vj_sweep_file_variable(o->file, o->settings[setting], &info);
  return info.name + sizeof setting_prefix - 1;
}

bool vj_outcome_setting_is_number(const vj_outcome *o, int setting) {
  vj_file_variable_info info;
  vj_sweep_file_variable(o->file, o->settings[setting], &info);
  return info.type != VJ_FILE_TEXT;
}

static double setting_number(const vj_outcome *o, const char *name, int64_t trial) {
  const vj_report_column column = {.quantity = name, .at = VJ_REPORT_LAST, .index = VJ_REPORT_SCALAR};
  return vj_outcome_number(o, &column, trial);
}

const char *vj_outcome_setting(const vj_outcome *o, int setting, int64_t trial) {
  vj_file_variable_info info;
  vj_sweep_file_variable(o->file, o->settings[setting], &info);
  if (info.type == VJ_FILE_TEXT) return vj_outcome_text(o, info.name, trial);
  const char *text = vj_pool_format(o->pool, "%g", setting_number(o, info.name, trial));
  return text ? text : "";
}

bool vj_outcome_same_setting(const vj_outcome *o, int setting, int64_t one, int64_t other) {
  vj_file_variable_info info;
  vj_sweep_file_variable(o->file, o->settings[setting], &info);
  if (info.type == VJ_FILE_TEXT)
    return strcmp(vj_outcome_text(o, info.name, one), vj_outcome_text(o, info.name, other)) == 0;
  const double a = setting_number(o, info.name, one), b = setting_number(o, info.name, other);
  return a == b || (isnan(a) && isnan(b));
}

bool vj_outcome_same_but_seed(const vj_outcome *o, int64_t one, int64_t other) {
  bool same = strcmp(vj_outcome_text(o, "arm", one), vj_outcome_text(o, "arm", other)) == 0;
  for (int s = 0; s < o->setting_count && same; s++) same = vj_outcome_same_setting(o, s, one, other);
  return same;
}

int64_t vj_outcome_components(const vj_outcome *o, const char *name, int64_t trial) {
  void *values;
  vj_file_variable_info info;
  if (vj_sweep_file_find(o->file, name) < 0 || read_whole(o, name, &values, &info) != VJ_OK || info.rank < 3) return 0;
  const double *from = (const double *)values + trial * info.size[1] * info.size[2];
  int64_t count = 0;
  while (count < info.size[2] && isfinite(from[count])) count++; /* step 0 is always evaluated */
  return count;
}

/* --- opening --------------------------------------------------------------------------------------------------- */

static vj_status find_settings(vj_outcome *o) {
  const int variables = vj_sweep_file_variable_count(o->file);
  int *settings = vj_pool_take(o->pool, (size_t)variables * sizeof *settings);
  if (!settings) return vj_fail(VJ_MEMORY, "no memory for the settings of a sweep");
  for (int v = 0; v < variables; v++) {
    vj_file_variable_info info;
    vj_sweep_file_variable(o->file, v, &info);
    if (strncmp(info.name, setting_prefix, sizeof setting_prefix - 1) == 0) settings[o->setting_count++] = v;
  }
  o->settings = settings;
  return VJ_OK;
}

/* States first: what a trial had when it was done does not change any more. */
static vj_status read_trials(vj_outcome *o) {
  vj_file_variable_info info;
  void *values;
  o->read = vj_pool_take(o->pool, (size_t)vj_sweep_file_variable_count(o->file) * sizeof *o->read);
  if (!o->read) return vj_fail(VJ_MEMORY, "no memory for the results of a sweep");
  VJ_TRY(read_whole(o, VJ_RECORD_STATUS, &values, &info));
  o->status = values;
  o->trials = info.size[0];
  VJ_TRY(read_whole(o, VJ_RECORD_COMMITTED, &values, &info));
  o->committed = values;
  VJ_TRY(read_whole(o, "seed", &values, &info));
  o->seed = values;
  VJ_TRY(read_whole(o, "eval", &values, &info));
  o->steps = info.size[0] ? ((const int64_t *)values)[info.size[0] - 1] : 0;
  for (int64_t i = 0; i < o->trials; i++) o->has_arms = o->has_arms || vj_outcome_text(o, "arm", i)[0];
  return find_settings(o);
}

vj_status vj_outcome_open(const char *folder, vj_outcome **outcome) {
  vj_pool *pool = NULL;
  vj_status status;
  *outcome = NULL;
  VJ_TRY(vj_pool_create(&pool));
  vj_outcome *o = vj_pool_take(pool, sizeof *o);
  const char *path = vj_pool_format(pool, "%s/sweep.h5", folder);
  if (!o || !path) {
    vj_pool_destroy(&pool);
    return vj_fail(VJ_MEMORY, "no memory for the results of a sweep");
  }
  o->pool = pool;
  *outcome = o;
  VJ_TRY_GOTO(status, vj_sweep_file_read_only(path, &o->file), failed);
  VJ_TRY_GOTO(status, read_trials(o), failed);
  return VJ_OK;
failed:
  vj_outcome_close(outcome);
  return status;
}

void vj_outcome_close(vj_outcome **outcome) {
  if (!*outcome) return;
  vj_pool *pool = (*outcome)->pool;
  if ((*outcome)->file) vj_sweep_file_close(&(*outcome)->file);
  vj_pool_destroy(&pool);
  *outcome = NULL;
}
