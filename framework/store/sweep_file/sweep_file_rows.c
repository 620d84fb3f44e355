/* Checksums of rows: a row has them while nobody writes it, from its making to its first claim and from its end on.
 * They are written and read through HDF5 like all values, and computed from the bytes of the file. */
#include <stdlib.h>
#include <string.h>

#include "framework/store/sweep_file/sweep_file_private.h"

enum { UNSEALED = -1 };

/* Calls for each variable that holds checksums; nothing where there is no seal. */
static vj_status each_holder(const vj_sweep_file *file, int64_t row,
                             vj_status (*call)(const vj_sweep_file *file, int holder, int64_t row, void *context),
                             void *context) {
  if (!file->seal) return VJ_OK;
  for (int h = vj_seal_holder(file->seal, 0); h >= 0; h = vj_seal_holder(file->seal, h + 1))
    VJ_TRY(call(file, h, row, context));
  return VJ_OK;
}

static int variable_of(const vj_sweep_file *file, int holder) {
  return vj_sweep_file_find(file, file->seal->variables[holder].name);
}

/* --- writing ----------------------------------------------------------------------------------------------------- */

static vj_status open_row(const vj_sweep_file *file, int holder, int64_t row, void *writable) {
  (void)file;
  vj_sweep_file *to = writable;
  return vj_sweep_file_write(to, variable_of(to, holder), &row, (int64_t[]){1}, &(int64_t){UNSEALED});
}

vj_status vj_sweep_file_open_row(vj_sweep_file *file, int64_t row) { return each_holder(file, row, open_row, file); }

static vj_status seal_row(const vj_sweep_file *file, int holder, int64_t row, void *writable) {
  vj_sweep_file *to = writable;
  uint32_t sum;
  VJ_TRY(vj_seal_sums(file->seal, file->path, file->descriptor, holder, row, 1, &sum));
  return vj_sweep_file_write(to, variable_of(to, holder), &row, (int64_t[]){1}, &(int64_t){sum});
}

/* Values first: on no disk do checksums stand without them. */
vj_status vj_sweep_file_seal_row(vj_sweep_file *file, int64_t row) {
  if (!file->seal) return VJ_OK;
  VJ_TRY(vj_sweep_file_sync(file));
  vj_seal_forget_row(file->seal, file->descriptor, row);
  return each_holder(file, row, seal_row, file);
}

/* As in a fresh file. */
static vj_status empty_values(vj_sweep_file *file, int variable, int64_t row) {
  const vj_file_variable_info *v = &file->variables[variable];
  const size_t bytes = (size_t)vj_sweep_file_value_bytes(v->type, v->text_bytes);
  const void *empty = vj_sweep_file_empty_value(v->type);
  int64_t start[VJ_FILE_MAX_DIMENSIONS] = {row}, count[VJ_FILE_MAX_DIMENSIONS] = {1}, values = 1;
  char *fresh = NULL;
  for (int d = 1; d < v->rank; d++) values *= count[d] = v->size[d];
  VJ_TRY(vj_allocate((size_t)values, bytes, "an empty row", &fresh));
  for (int64_t i = 0; i < values && empty; i++) memcpy(fresh + (size_t)i * bytes, empty, bytes);
  const vj_status status = vj_sweep_file_write(file, variable, start, count, fresh);
  free(fresh);
  return status;
}

vj_status vj_sweep_file_empty_row(vj_sweep_file *file, int64_t row) {
  VJ_TRY(vj_sweep_file_open_row(file, row));
  for (int v = 0; file->seal && v < file->seal->variable_count; v++) {
    const int holder = file->seal->variables[v].checksum;
    if (holder >= 0 && holder != v) VJ_TRY(empty_values(file, variable_of(file, v), row));
  }
  return VJ_OK;
}

/* --- reading ----------------------------------------------------------------------------------------------------- */

static vj_status look(const vj_sweep_file *file, int holder, int64_t row, void *is_sealed) {
  int64_t sum;
  VJ_TRY(vj_seal_recorded_sums(file->seal, file->path, file->descriptor, holder, row, 1, &sum));
  if (sum == UNSEALED) *(bool *)is_sealed = false;
  return VJ_OK;
}

vj_status vj_sweep_file_row_is_sealed(const vj_sweep_file *file, int64_t row, bool *is_sealed) {
  *is_sealed = true;
  return each_holder(file, row, look, is_sealed);
}

/* Whether it still does not fit: who writes the row meanwhile has taken its checksum away before, and may have put
 * another there since. */
static vj_status look_again(const vj_sweep_file *file, int holder, int64_t row, int64_t before, bool *is_damaged) {
  uint32_t sum;
  int64_t now;
  VJ_TRY(vj_seal_sums(file->seal, file->path, file->descriptor, holder, row, 1, &sum));
  VJ_TRY(vj_seal_recorded_sums(file->seal, file->path, file->descriptor, holder, row, 1, &now));
  if (now != sum && now == before) *is_damaged = true;
  return VJ_OK;
}

static vj_status compare(const vj_sweep_file *file, int holder, const uint32_t *sums, const int64_t *recorded,
                         bool *is_damaged) {
  for (int64_t row = 0; row < file->seal->variables[holder].rows; row++)
    if (recorded[row] != UNSEALED && recorded[row] != sums[row])
      VJ_TRY(look_again(file, holder, row, recorded[row], &is_damaged[row]));
  return VJ_OK;
}

static vj_status compare_all(const vj_sweep_file *file, int holder, int64_t row, void *is_damaged) {
  (void)row;
  const int64_t rows = file->seal->variables[holder].rows;
  uint32_t *sums = NULL;
  int64_t *recorded = NULL;
  VJ_TRY(vj_allocate((size_t)rows, sizeof *sums, "checksums", &sums));
  vj_status status = vj_allocate((size_t)rows, sizeof *recorded, "checksums", &recorded);
  if (status == VJ_OK)
    status = vj_seal_recorded_sums(file->seal, file->path, file->descriptor, holder, 0, rows, recorded);
  if (status == VJ_OK) status = vj_seal_sums(file->seal, file->path, file->descriptor, holder, 0, rows, sums);
  if (status == VJ_OK) status = compare(file, holder, sums, recorded, is_damaged);
  free(sums);
  free(recorded);
  return status;
}

vj_status vj_sweep_file_compare_rows(const vj_sweep_file *file, bool *is_damaged) {
  return each_holder(file, 0, compare_all, is_damaged);
}

vj_status vj_sweep_file_damaged_row(const vj_sweep_file *file, int64_t row) {
  return vj_fail(
      VJ_DATA,
      "%s is damaged: of trial %lld other values stand there than were recorded; `vjvcr verify` of its folder "
      "tells what can be saved",
      file->path, (long long)row);
}

/* The most rows that any variable with checksums has. */
static int64_t count_rows(const vj_seal *seal) {
  int64_t most = 0;
  for (int v = 0; v < seal->variable_count; v++)
    if (seal->variables[v].checksum == v && seal->variables[v].rows > most) most = seal->variables[v].rows;
  return most;
}

vj_status vj_sweep_file_check_rows(const vj_sweep_file *file) {
  const int64_t rows = file->seal ? count_rows(file->seal) : 0;
  bool *is_damaged = NULL;
  if (rows == 0) return VJ_OK;
  VJ_TRY(vj_allocate((size_t)rows, sizeof *is_damaged, "damaged rows", &is_damaged));
  vj_status status = vj_sweep_file_compare_rows(file, is_damaged);
  for (int64_t row = 0; row < rows && status == VJ_OK; row++)
    if (is_damaged[row]) status = vj_sweep_file_damaged_row(file, row);
  free(is_damaged);
  return status;
}
