/* Values go straight to where HDF5 said that they lie: data sets are contiguous and never move. HDF5 and MPI-IO are
 * left out of it. They would rewrite the superblock when the file is closed, take half a write for a whole one, and
 * crash when the program ends after a file could not be closed. */
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>

#include "framework/base/canonical_nan.h"
#include "framework/base/disk.h"
#include "framework/base/valid_utf8.h"
#include "framework/store/hdf5_error.h"
#include "framework/store/sweep_file/sweep_file_private.h"

static hid_t type_in_memory(vj_file_type type) {
  return type == VJ_FILE_DOUBLE  ? H5T_NATIVE_DOUBLE
         : type == VJ_FILE_FLOAT ? H5T_NATIVE_FLOAT
         : type == VJ_FILE_INT64 ? H5T_NATIVE_INT64
         : type == VJ_FILE_UINT8 ? H5T_NATIVE_UINT8
                                 : H5T_C_S1;
}

static vj_status place_of(const vj_sweep_file *file, int variable, off_t *place) {
  const vj_file_variable_info *v = &file->variables[variable];
  const hid_t type = H5Dget_type(file->data_sets[variable]);
  const bool same = v->type == VJ_FILE_TEXT || H5Tequal(type, type_in_memory(v->type)) > 0;
  const haddr_t at = H5Dget_offset(file->data_sets[variable]);
  if (type >= 0) H5Tclose(type);
  if (!same) return vj_fail(VJ_DATA, "%s: %s has numbers of another machine's byte order", file->path, v->name);
  if (at == HADDR_UNDEF) return vj_fail(VJ_DATA, "%s: %s has no place in the file", file->path, v->name);
  *place = (off_t)at;
  return VJ_OK;
}

vj_status vj_sweep_file_find_places(vj_sweep_file *file) {
  file->places = vj_pool_take(file->pool, (size_t)file->variable_count * sizeof *file->places);
  if (!file->places) return vj_fail(VJ_MEMORY, "%s: no memory for the places of its variables", file->path);
  for (int i = 0; i < file->variable_count; i++) VJ_TRY(place_of(file, i, &file->places[i]));
  return VJ_OK;
}

/* --- one run of bytes ---------------------------------------------------------------------------------------- */

/* Where machines share a file system that keeps pages of files (NFS), a lock sees to it that no one's page is written
 * back over another's bytes; elsewhere it costs a microsecond. It is not waited for: only a job that was taken for dead
 * can hold the same bytes, stopped perhaps for ever, and it writes the same numbers. A system without such locks has to
 * do without. */
static void lock(int descriptor, short how, off_t at, size_t count) {
  struct flock range = {.l_type = how, .l_whence = SEEK_SET, .l_start = at, .l_len = (off_t)count};
  (void)fcntl(descriptor, F_SETLK, &range);
}

static vj_status write_run(const vj_sweep_file *file, int variable, const unsigned char *bytes, size_t count,
                           off_t at) {
  lock(file->descriptor, F_WRLCK, at, count);
  const int cause = vj_disk_write(file->descriptor, bytes, count, at);
  lock(file->descriptor, F_UNLCK, at, count);
  if (cause == 0) return VJ_OK;
  return vj_fail(VJ_IO, "%s: %s can't be written: %s", file->path, file->variables[variable].name, strerror(cause));
}

/* --- a rectangle --------------------------------------------------------------------------------------------- */

static vj_status write_rectangle(const vj_sweep_file *file, int variable, const int64_t *start, const int64_t *count,
                                 const void *values) {
  const vj_file_variable_info *v = &file->variables[variable];
  const unsigned char *from = values;
  int64_t run = vj_sweep_file_value_bytes(v->type, v->text_bytes);
  int64_t stride[VJ_FILE_MAX_DIMENSIONS], at[VJ_FILE_MAX_DIMENSIONS] = {0}, runs = 1;
  /* The trailing dimensions that are written whole, and the one before them, lie together. */
  int together = v->rank;
  for (int64_t i = v->rank - 1, bytes = run; i >= 0; bytes *= v->size[i--]) stride[i] = bytes;
  while (together > 0) {
    run *= count[--together];
    if (count[together] != v->size[together]) break;
  }
  for (int i = 0; i < together; i++) runs *= count[i];
  if (run == 0) return VJ_OK;
  for (int64_t r = 0; r < runs; r++, from += run) {
    off_t place = file->places[variable];
    for (int i = 0; i < v->rank; i++) place += (off_t)((start[i] + at[i]) * stride[i]);
    VJ_TRY(write_run(file, variable, from, (size_t)run, place));
    for (int i = together - 1; i >= 0 && ++at[i] == count[i]; i--) at[i] = 0;
  }
  return VJ_OK;
}

vj_status vj_sweep_file_put(const vj_sweep_file *file, int variable, const int64_t *start, const int64_t *count,
                            const void *values) {
  const vj_file_variable_info *v = &file->variables[variable];
  void *copy = NULL;
  int64_t numbers = 1;
  for (int i = 0; i < v->rank; i++) numbers *= count[i];
  if (v->type == VJ_FILE_FLOAT) VJ_TRY(vj_canonical_nan(values, numbers, sizeof(float), &values, &copy));
  if (v->type == VJ_FILE_DOUBLE) VJ_TRY(vj_canonical_nan(values, numbers, sizeof(double), &values, &copy));
  if (v->type == VJ_FILE_TEXT) VJ_TRY(vj_valid_utf8(values, numbers, (size_t)v->text_bytes, &values, &copy));
  const vj_status status = write_rectangle(file, variable, start, count, values);
  free(copy);
  return status;
}
