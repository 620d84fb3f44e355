/* Values of a sweep file, by rectangles, through HDF5. Data sets are contiguous and never move, so that writing changes
 * the bytes of what is written and nothing else. */
#include <errno.h>
#include <hdf5.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "framework/base/canonical_nan.h"
#include "framework/base/valid_utf8.h"
#include "framework/store/hdf5_error.h"
#include "framework/store/sweep_file/sweep_file_private.h"

/* --- what fits ------------------------------------------------------------------------------------------------- */

static vj_status check_rectangle(const vj_sweep_file *file, int variable, const int64_t *start, const int64_t *count) {
  if (variable < 0 || variable >= file->variable_count)
    return vj_fail(VJ_INTERNAL, "%s: there is no variable number %d", file->path, variable);
  const vj_file_variable_info *v = &file->variables[variable];
  for (int i = 0; i < v->rank; i++) {
    if (start[i] < 0 || count[i] < 0 || start[i] > v->size[i] || count[i] > v->size[i] - start[i])
      return vj_fail(VJ_SHAPE,
                     "%s: %s: %" PRId64 " values from %" PRId64 " on do not lie in dimension %s, which has %" PRId64,
                     file->path, v->name, count[i], start[i], v->dimension[i], v->size[i]);
  }
  return VJ_OK;
}

static int64_t numbers_of(const vj_file_variable_info *v, const int64_t *count) {
  int64_t numbers = 1;
  for (int i = 0; i < v->rank; i++) numbers *= count[i];
  return numbers;
}

/* Text in memory is text in the file: an unfinished one would be read past its end. */
static vj_status check_text(const vj_sweep_file *file, const vj_file_variable_info *v, int64_t texts,
                            const char *text) {
  if (v->type != VJ_FILE_TEXT) return VJ_OK;
  for (int64_t i = 0; i < texts; i++) {
    if (text[(i + 1) * v->text_bytes - 1] != '\0')
      return vj_fail(VJ_SHAPE, "%s: %s: a text fills its %" PRId64 " bytes and leaves none for the ending zero",
                     file->path, v->name, v->text_bytes);
  }
  return VJ_OK;
}

/* --- HDF5's words for it --------------------------------------------------------------------------------------- */

typedef struct rectangle {
  hid_t data_set, type, memory, space;
} rectangle;

static hid_t type_in_memory(vj_file_type type) {
  return type == VJ_FILE_DOUBLE  ? H5T_NATIVE_DOUBLE
         : type == VJ_FILE_FLOAT ? H5T_NATIVE_FLOAT
         : type == VJ_FILE_INT64 ? H5T_NATIVE_INT64
         : type == VJ_FILE_UINT8 ? H5T_NATIVE_UINT8
                                 : H5T_C_S1;
}

/* A text's characters are one more dimension there. */
static bool select_rectangle(const vj_sweep_file *file, int variable, const int64_t *start, const int64_t *count,
                             rectangle *r) {
  const vj_file_variable_info *v = &file->variables[variable];
  hsize_t first[VJ_FILE_MAX_DIMENSIONS + 1] = {0}, extent[VJ_FILE_MAX_DIMENSIONS + 1] = {0};
  for (int i = 0; i < v->rank; i++) {
    first[i] = (hsize_t)start[i];
    extent[i] = (hsize_t)count[i];
  }
  const int rank = v->type == VJ_FILE_TEXT ? v->rank + 1 : v->rank;
  if (rank > v->rank) extent[v->rank] = (hsize_t)v->text_bytes;
  *r = (rectangle){.data_set = file->data_sets[variable], .type = type_in_memory(v->type)};
  r->space = H5Dget_space(r->data_set);
  r->memory = H5Screate_simple(rank, extent, NULL);
  if (r->space < 0 || r->memory < 0) return false;
  return rank == 0 || H5Sselect_hyperslab(r->space, H5S_SELECT_SET, first, NULL, extent, NULL) >= 0;
}

static void release(const rectangle *r) {
  if (r->memory >= 0) H5Sclose(r->memory);
  if (r->space >= 0) H5Sclose(r->space);
}

/* Calls `what` until no signal interrupts it, which MPI-IO gives up at; 0, or the number of an error: the system's, or
 * EIO where only HDF5 knows. */
#define UNINTERRUPTED(cause, what)                             \
  do {                                                         \
    errno = 0;                                                 \
    (cause) = (what) >= 0 ? 0 : errno ? errno : UNKNOWN_CAUSE; \
  } while ((cause) == EINTR)
enum { UNKNOWN_CAUSE = -1 };

/* --- rectangles ------------------------------------------------------------------------------------------------ */

/* The sentence for a cause. From then on until a write succeeds HDF5 can't be trusted to close the file. */
static vj_status settle(vj_sweep_file *file, int cause, const char *what, const char *cannot) {
  file->failing = cause != 0;
  if (cause > 0) return vj_fail(VJ_IO, "%s: %s%s: %s", file->path, what, cannot, strerror(cause));
  return cause == 0 ? VJ_OK : vj_hdf5_fail(file->path, "%s%s", what, cannot);
}

static vj_status put(vj_sweep_file *file, int variable, const int64_t *start, const int64_t *count,
                     const void *values) {
  rectangle r;
  int cause = UNKNOWN_CAUSE;
  if (select_rectangle(file, variable, start, count, &r))
    UNINTERRUPTED(cause, H5Dwrite(r.data_set, r.type, r.memory, r.space, H5P_DEFAULT, values));
  const vj_status status = settle(file, cause, file->variables[variable].name, " can't be written");
  release(&r);
  return status;
}

vj_status vj_sweep_file_write(vj_sweep_file *file, int variable, const int64_t *start, const int64_t *count,
                              const void *values) {
  if (!file->writable) return vj_fail(VJ_INTERNAL, "%s: opened for reading only", file->path);
  VJ_TRY(check_rectangle(file, variable, start, count));
  const vj_file_variable_info *v = &file->variables[variable];
  const int64_t numbers = numbers_of(v, count);
  void *copy = NULL;
  if (file->is_fixed[variable])
    return vj_fail(VJ_INTERNAL, "%s: %s is fixed since the file was made", file->path, v->name);
  VJ_TRY(check_text(file, v, numbers, values));
  if (numbers == 0) return VJ_OK;
  if (v->type == VJ_FILE_FLOAT) VJ_TRY(vj_canonical_nan(values, numbers, sizeof(float), &values, &copy));
  if (v->type == VJ_FILE_DOUBLE) VJ_TRY(vj_canonical_nan(values, numbers, sizeof(double), &values, &copy));
  if (v->type == VJ_FILE_TEXT) VJ_TRY(vj_valid_utf8(values, numbers, (size_t)v->text_bytes, &values, &copy));
  const vj_status status = put(file, variable, start, count, values);
  free(copy);
  return status;
}

vj_status vj_sweep_file_read(const vj_sweep_file *file, int variable, const int64_t *start, const int64_t *count,
                             void *values) {
  VJ_TRY(check_rectangle(file, variable, start, count));
  rectangle r;
  if (numbers_of(&file->variables[variable], count) == 0) return VJ_OK;
  const bool read = select_rectangle(file, variable, start, count, &r) &&
                    H5Dread(r.data_set, r.type, r.memory, r.space, H5P_DEFAULT, values) >= 0;
  const vj_status status = read ? VJ_OK : vj_hdf5_fail(file->path, "%s can't be read", file->variables[variable].name);
  release(&r);
  return status;
}

vj_status vj_sweep_file_sync(vj_sweep_file *file) {
  int cause = 0;
  if (!file->writable) return VJ_OK;
  UNINTERRUPTED(cause, H5Fflush(file->file, H5F_SCOPE_LOCAL));
  return settle(file, cause, "", "can't be brought to the disk");
}
