#include "sweeps/run/trial_row.h"

#include <stdlib.h>
#include <string.h>

#include "framework/config/nodes.h"
#include "framework/store/ledger/ledger.h"
#include "framework/train/trial.h"

vj_status vj_trial_row_put(vj_sweep_file *file, const char *name, int64_t trial, const void *value) {
  const int variable = vj_sweep_file_find(file, name);
  if (variable < 0) return vj_fail(VJ_IO, "the sweep file has no variable %s", name);
  return vj_sweep_file_write(file, variable, &trial, (int64_t[]){1}, value);
}

vj_status vj_trial_row_put_text(vj_sweep_file *file, const char *name, int64_t trial, const char *text) {
  vj_file_variable_info info;
  const int variable = vj_sweep_file_find(file, name);
  if (variable < 0) return vj_fail(VJ_IO, "the sweep file has no variable %s", name);
  if (!text) return vj_fail(VJ_MEMORY, "no memory for the text of %s", name);
  vj_sweep_file_variable(file, variable, &info);
  char *padded = calloc(1, (size_t)info.text_bytes);
  if (!padded) return vj_fail(VJ_MEMORY, "no memory for a text");
  size_t length = strlen(text), room = (size_t)info.text_bytes - 1;
  if (length > room) { /* cut between characters, not inside one */
    length = room;
    while (length && ((unsigned char)text[length] & 0xc0) == 0x80) length--;
  }
  memcpy(padded, text, length);
  const vj_status status = vj_sweep_file_write(file, variable, &trial, (int64_t[]){1}, padded);
  free(padded);
  return status;
}

vj_status vj_trial_row_get_text(vj_pool *pool, const vj_sweep_file *file, const char *name, int64_t trial,
                                const char **text) {
  vj_file_variable_info info;
  const int variable = vj_sweep_file_find(file, name);
  if (variable < 0) return vj_fail(VJ_IO, "the sweep file has no variable %s", name);
  vj_sweep_file_variable(file, variable, &info);
  char *bytes = vj_pool_take(pool, (size_t)info.text_bytes + 1); /* zeroed */
  *text = bytes;
  if (!bytes) return vj_fail(VJ_MEMORY, "no memory for a text");
  return vj_sweep_file_read(file, variable, &trial, (int64_t[]){1}, bytes);
}

const char *vj_setting_text(vj_pool *pool, const vj_yaml *value) {
  return vj_yaml_is_null(value) ? "" : vj_yaml_value_text(pool, value);
}

static vj_status write_setting(vj_pool *pool, vj_sweep_file *file, const vj_trial *trial, const char *key) {
  const vj_yaml *value = vj_yaml_find(trial->config->resolved, key);
  if (!value) return VJ_OK;
  const char *name = vj_pool_format(pool, VJ_NAME_OF_SETTING("%s"), key), *text = vj_setting_text(pool, value);
  if (!name || !text) return vj_fail(VJ_MEMORY, "no memory for the value of %s", key);
  const int variable = vj_sweep_file_find(file, name);
  if (variable < 0) return vj_fail(VJ_IO, "the sweep file has no variable %s", name);
  vj_file_variable_info info;
  vj_sweep_file_variable(file, variable, &info);
  const double number = strtod(text, NULL);
  return info.type == VJ_FILE_DOUBLE ? vj_trial_row_put(file, name, trial->index, &number)
                                     : vj_trial_row_put_text(file, name, trial->index, text);
}

/* What is known of every trial beforehand; its state goes last and says that the row is whole. */
static vj_status write_trial_row(vj_pool *pool, vj_sweep_file *file, const vj_space *space, const vj_trial *trial) {
  const int64_t seed = (int64_t)trial->seed, waiting = VJ_TRIAL_WAITING, none = 0;
  VJ_TRY(vj_trial_row_put_text(file, VJ_RECORD_ARM, trial->index, trial->arm));
  VJ_TRY(vj_trial_row_put(file, VJ_RECORD_SEED, trial->index, &seed));
  VJ_TRY(vj_trial_row_put(file, VJ_RECORD_ATTEMPT, trial->index, &none));
  VJ_TRY(vj_trial_row_put(file, VJ_RECORD_COMMITTED, trial->index, &none));
  VJ_TRY(vj_trial_row_put_text(file, VJ_RECORD_CONFIG, trial->index, vj_yaml_print(pool, trial->config->resolved)));
  for (int64_t k = 0; k < space->key_count; k++) VJ_TRY(write_setting(pool, file, trial, space->keys[k]));
  return vj_trial_row_put(file, VJ_RECORD_STATUS, trial->index, &waiting);
}

/* A file of an earlier version has no room for it. */
static vj_status write_seen(vj_sweep_file *file, const int64_t seen[VJ_SPLITS + 1], int64_t trial) {
  static const char *const names[VJ_SPLITS + 1] = {VJ_RECORD_VIDEOS_PROBED_TRAIN, VJ_RECORD_VIDEOS_PROBED_VALIDATION,
                                                   VJ_RECORD_VIDEOS_PROBED_TEST, VJ_RECORD_VIDEOS_EVALUATED};
  if (vj_sweep_file_find(file, VJ_RECORD_VIDEOS_EVALUATED) < 0) return VJ_OK;
  for (int i = 0; i <= VJ_SPLITS; i++) VJ_TRY(vj_trial_row_put(file, names[i], trial, &seen[i]));
  return VJ_OK;
}

static vj_status write_videos(vj_sweep_file *file, const vj_sweep_layout *layout, int64_t trial) {
  if (vj_sweep_file_find(file, VJ_RECORD_VIDEOS) < 0) return VJ_OK; /* no data set of videos */
  VJ_TRY(vj_trial_row_put(file, VJ_RECORD_VIDEOS, trial, &layout->videos[trial]));
  VJ_TRY(vj_trial_row_put(file, VJ_RECORD_SKIPPED, trial, &layout->skipped[trial]));
  return write_seen(file, layout->seen[trial], trial);
}

vj_status vj_trial_rows_write(vj_pool *pool, vj_sweep_file *file, const vj_space *space,
                              const vj_sweep_layout *layout) {
  for (int64_t i = 0; i < space->trial_count; i++) {
    VJ_TRY(vj_trial_row_put(file, VJ_RECORD_WORK, i, &layout->work[i]));
    VJ_TRY(write_videos(file, layout, i));
    VJ_TRY(write_trial_row(pool, file, space, &space->trials[i]));
  }
  return VJ_OK;
}

vj_status vj_trial_rows_complete(vj_pool *pool, vj_sweep_file *file, const vj_space *space) {
  const int variable = vj_sweep_file_find(file, VJ_RECORD_STATUS);
  int64_t *states = vj_pool_take(pool, (size_t)space->trial_count * sizeof *states);
  if (variable < 0) return vj_fail(VJ_IO, "the sweep file has no variable %s", VJ_RECORD_STATUS);
  if (!states) return vj_fail(VJ_MEMORY, "no memory for the states of %lld trials", (long long)space->trial_count);
  VJ_TRY(vj_sweep_file_read(file, variable, (int64_t[]){0}, &space->trial_count, states));
  for (int64_t i = 0; i < space->trial_count; i++)
    if (states[i] < 0) VJ_TRY(write_trial_row(pool, file, space, &space->trials[i]));
  return VJ_OK;
}
