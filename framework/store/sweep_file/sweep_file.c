#include "framework/store/sweep_file/sweep_file.h"

#include <errno.h>
#include <fcntl.h>
#include <hdf5.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "framework/store/hdf5_error.h"
#include "framework/store/sweep_file/sweep_file_private.h"

/* --- opening and closing ------------------------------------------------------------------------------------- */

static const char hdf5_signature[8] = {'\x89', 'H', 'D', 'F', '\r', '\n', '\x1a', '\n'};

static vj_status begin(const char *path, bool writable, vj_sweep_file **file) {
  vj_sweep_file *fresh = NULL;
  VJ_TRY(vj_allocate(1, sizeof *fresh, "a sweep file", &fresh));
  *file = fresh;
  fresh->writable = writable;
  fresh->descriptor = -1;
  fresh->file = H5I_INVALID_HID;
  VJ_TRY(vj_pool_create(&fresh->pool));
  fresh->path = vj_pool_text(fresh->pool, path);
  if (!fresh->path) return vj_fail(VJ_MEMORY, "%s: no memory for its name", path);
  fresh->descriptor = open(path, (writable ? O_RDWR : O_RDONLY) | O_CLOEXEC);
  if (fresh->descriptor < 0) return vj_fail(VJ_IO, "%s: can't be opened: %s", path, strerror(errno));
  /* HDF5 would make a fresh file of an empty one that it opens for writing. */
  char start[sizeof hdf5_signature];
  const ssize_t got = pread(fresh->descriptor, start, sizeof start, 0);
  if (got < 0) return vj_fail(VJ_IO, "%s: can't be read: %s", path, strerror(errno));
  if (got != sizeof start || memcmp(start, hdf5_signature, sizeof start) != 0)
    return vj_fail(VJ_DATA, "%s is no sweep file: it does not begin as HDF5 files do", path);
  return VJ_OK;
}

/* What fails here, fails a file that was only read. */
static void end(vj_sweep_file *file) {
  for (int i = 0; i < file->variable_count; i++) H5Dclose(file->data_sets[i]);
  if (file->file >= 0) H5Fclose(file->file);
  if (file->descriptor >= 0) close(file->descriptor);
  vj_pool_destroy(&file->pool);
  free(file);
}

/* For reading, always: HDF5 writes nothing into a file that it did not make. Readers and writers share the file by
 * design, since only raw data changes while it is open; without the sieve each read goes to the file, and sees what
 * others wrote since the last. */
static vj_status open_hdf5(vj_sweep_file *file) {
  char reason[512];
  const hid_t access = H5Pcreate(H5P_FILE_ACCESS);
  if (H5Pset_fapl_sec2(access) >= 0 && H5Pset_sieve_buf_size(access, 0) >= 0 &&
      H5Pset_file_locking(access, 0, 1) >= 0 && H5Pset_fclose_degree(access, H5F_CLOSE_STRONG) >= 0)
    file->file = H5Fopen(file->path, H5F_ACC_RDONLY, access);
  const int cause = vj_hdf5_reason(reason, sizeof reason); /* before another call clears it */
  if (access >= 0) H5Pclose(access);
  if (file->file >= 0) return VJ_OK;
  if (cause != 0) return vj_fail(VJ_IO, "%s: can't be opened: %s", file->path, reason);
  return vj_fail(VJ_DATA, "%s is no sweep file: %s", file->path, reason);
}

static vj_status open_file(const char *path, bool writable, vj_sweep_file **file) {
  vj_sweep_file *fresh = NULL;
  vj_status status = VJ_OK;
  *file = NULL;
  vj_hdf5_quiet();
  VJ_TRY_GOTO(status, begin(path, writable, &fresh), failed);
  VJ_TRY_GOTO(status, open_hdf5(fresh), failed);
  VJ_TRY_GOTO(status, vj_sweep_file_load(fresh), failed);
  if (writable) VJ_TRY_GOTO(status, vj_sweep_file_find_places(fresh), failed);
  *file = fresh;
  return VJ_OK;
failed:
  if (fresh) end(fresh);
  return status;
}

vj_status vj_sweep_file_open(const vj_comm *comm, const char *path, vj_sweep_file **file) {
  const vj_status status = vj_comm_agree(comm, open_file(path, true, file));
  if (status != VJ_OK) vj_sweep_file_close(file);
  return status;
}

vj_status vj_sweep_file_read_only(const char *path, vj_sweep_file **file) { return open_file(path, false, file); }

vj_status vj_sweep_file_open_alone(const char *path, vj_sweep_file **file) { return open_file(path, true, file); }

void vj_sweep_file_close(vj_sweep_file **file) {
  if (*file) end(*file);
  *file = NULL;
}

/* --- what there is ------------------------------------------------------------------------------------------- */

int vj_sweep_file_find(const vj_sweep_file *file, const char *name) {
  for (int i = 0; i < file->variable_count; i++)
    if (strcmp(file->variables[i].name, name) == 0) return i;
  return -1;
}

int vj_sweep_file_variable_count(const vj_sweep_file *file) { return file->variable_count; }

void vj_sweep_file_variable(const vj_sweep_file *file, int variable, vj_file_variable_info *info) {
  *info = file->variables[variable];
}

const char *vj_sweep_file_attribute(const vj_sweep_file *file, const char *name) {
  for (int i = 0; i < file->attribute_count; i++)
    if (strcmp(file->attributes[i].name, name) == 0) return file->attributes[i].text;
  return NULL;
}

const vj_file_attribute *vj_sweep_file_attribute_at(const vj_sweep_file *file, int i) {
  return i < file->attribute_count ? &file->attributes[i] : NULL;
}

/* --- rectangles ---------------------------------------------------------------------------------------------- */

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

/* Text in memory is text in the file: an unfinished one would be read past its end. */
static vj_status check_text(const vj_sweep_file *file, const vj_file_variable_info *v, const int64_t *count,
                            const char *text) {
  int64_t texts = 1;
  if (v->type != VJ_FILE_TEXT) return VJ_OK;
  for (int i = 0; i < v->rank; i++) texts *= count[i];
  for (int64_t i = 0; i < texts; i++) {
    if (text[(i + 1) * v->text_bytes - 1] != '\0')
      return vj_fail(VJ_SHAPE, "%s: %s: a text fills its %" PRId64 " bytes and leaves none for the ending zero",
                     file->path, v->name, v->text_bytes);
  }
  return VJ_OK;
}

static vj_status get(const vj_sweep_file *file, int variable, const int64_t *start, const int64_t *count, void *into) {
  const vj_file_variable_info *v = &file->variables[variable];
  hsize_t first[VJ_FILE_MAX_DIMENSIONS] = {0}, extent[VJ_FILE_MAX_DIMENSIONS] = {0};
  for (int i = 0; i < v->rank; i++) {
    if (count[i] == 0) return VJ_OK;
    first[i] = (hsize_t)start[i];
    extent[i] = (hsize_t)count[i];
  }
  const int rank = v->type == VJ_FILE_TEXT ? v->rank + 1 : v->rank; /* a text's characters are a dimension, too */
  if (rank > v->rank) extent[v->rank] = (hsize_t)v->text_bytes;
  const hid_t data_set = file->data_sets[variable];
  const hid_t type = H5Dget_type(data_set), space = H5Dget_space(data_set);
  const hid_t memory = H5Screate_simple(rank, extent, NULL);
  bool got = type >= 0 && space >= 0 && memory >= 0;
  if (got && rank > 0) got = H5Sselect_hyperslab(space, H5S_SELECT_SET, first, NULL, extent, NULL) >= 0;
  if (got) got = H5Dread(data_set, type, memory, space, H5P_DEFAULT, into) >= 0;
  const vj_status status = got ? VJ_OK : vj_hdf5_fail(file->path, "%s can't be read", v->name);
  if (memory >= 0) H5Sclose(memory);
  if (space >= 0) H5Sclose(space);
  if (type >= 0) H5Tclose(type);
  return status;
}

vj_status vj_sweep_file_write(vj_sweep_file *file, int variable, const int64_t *start, const int64_t *count,
                              const void *values) {
  if (!file->writable) return vj_fail(VJ_INTERNAL, "%s: opened for reading only", file->path);
  VJ_TRY(check_rectangle(file, variable, start, count));
  VJ_TRY(check_text(file, &file->variables[variable], count, values));
  return vj_sweep_file_put(file, variable, start, count, values);
}

vj_status vj_sweep_file_read(const vj_sweep_file *file, int variable, const int64_t *start, const int64_t *count,
                             void *values) {
  VJ_TRY(check_rectangle(file, variable, start, count));
  return get(file, variable, start, count, values);
}

vj_status vj_sweep_file_sync(vj_sweep_file *file) {
  int synced = 0;
  if (!file->writable) return VJ_OK;
  do synced = fdatasync(file->descriptor);
  while (synced != 0 && errno == EINTR);
  return synced == 0 ? VJ_OK : vj_fail(VJ_IO, "%s: can't be brought to the disk: %s", file->path, strerror(errno));
}
