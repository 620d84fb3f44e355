#include "store/sweep_file.h"

#include <errno.h>
#include <fcntl.h>
#include <hdf5.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "store/hdf5_error.h"
#include "store/sweep_file_private.h"

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

/* Waits for HDF5 to have let go of everything; the file's descriptor goes last, since closing it drops the locks
 * that MPI-IO may hold on some file systems. */
static vj_status end(vj_sweep_file *file) {
  vj_status status = VJ_OK;
  for (int i = 0; i < file->variable_count; i++) H5Dclose(file->data_sets[i]);
  if (file->file >= 0 && H5Fclose(file->file) < 0) status = vj_hdf5_fail(file->path, "can't be closed");
  if (file->descriptor >= 0) close(file->descriptor);
  vj_pool_destroy(&file->pool);
  free(file);
  return status;
}

static vj_status open_hdf5(vj_sweep_file *file, hid_t access) {
  char reason[512];
  /* Readers and writers share the file by design: only raw data changes while it is open. */
  if (H5Pset_file_locking(access, 0, 1) < 0 || H5Pset_fclose_degree(access, H5F_CLOSE_STRONG) < 0)
    return vj_hdf5_fail(file->path, "can't be opened");
  file->file = H5Fopen(file->path, file->writable ? H5F_ACC_RDWR : H5F_ACC_RDONLY, access);
  if (file->file >= 0) return VJ_OK;
  if (vj_hdf5_reason(reason, sizeof reason) != 0) return vj_fail(VJ_IO, "%s: can't be opened: %s", file->path, reason);
  return vj_fail(VJ_DATA, "%s is no sweep file: %s", file->path, reason);
}

static vj_status open_parallel(const vj_comm *comm, vj_sweep_file *file) {
  const hid_t access = H5Pcreate(H5P_FILE_ACCESS);
  const vj_status status = H5Pset_fapl_mpio(access, comm->mpi, MPI_INFO_NULL) >= 0
                               ? open_hdf5(file, access)
                               : vj_hdf5_fail(file->path, "can't be opened for many ranks");
  if (access >= 0) H5Pclose(access);
  return status;
}

vj_status vj_sweep_file_open(const vj_comm *comm, const char *path, vj_sweep_file **file) {
  vj_sweep_file *fresh = NULL;
  vj_status status = VJ_OK;
  *file = NULL;
  vj_hdf5_quiet();
  VJ_TRY_GOTO(status, vj_comm_agree(comm, begin(path, true, &fresh)), failed);
  VJ_TRY_GOTO(status, vj_comm_agree(comm, open_parallel(comm, fresh)), failed_to_open);
  VJ_TRY_GOTO(status, vj_comm_agree(comm, vj_sweep_file_load(fresh)), failed);
  *file = fresh;
  return VJ_OK;
failed_to_open:
  fresh->file = H5I_INVALID_HID; /* closing is collective, and some ranks may have nothing to close */
failed:
  if (fresh && end(fresh) != VJ_OK) vj_error_frame(__FILE__, __LINE__, __func__);
  return status;
}

/* By this process alone; without the sieve each read goes to the file, and sees what others wrote since the last. */
static vj_status open_plain(const char *path, bool writable, vj_sweep_file **file) {
  vj_sweep_file *fresh = NULL;
  vj_status status = VJ_OK;
  hid_t access = H5I_INVALID_HID;
  *file = NULL;
  vj_hdf5_quiet();
  VJ_TRY_GOTO(status, begin(path, writable, &fresh), failed);
  access = H5Pcreate(H5P_FILE_ACCESS);
  if (H5Pset_fapl_sec2(access) < 0 || H5Pset_sieve_buf_size(access, 0) < 0) {
    status = vj_hdf5_fail(path, "can't be opened");
    goto failed;
  }
  VJ_TRY_GOTO(status, open_hdf5(fresh, access), failed);
  VJ_TRY_GOTO(status, vj_sweep_file_load(fresh), failed);
  H5Pclose(access);
  *file = fresh;
  return VJ_OK;
failed:
  if (access >= 0) H5Pclose(access);
  if (fresh && end(fresh) != VJ_OK) vj_error_frame(__FILE__, __LINE__, __func__);
  return status;
}

vj_status vj_sweep_file_read_only(const char *path, vj_sweep_file **file) { return open_plain(path, false, file); }

vj_status vj_sweep_file_open_alone(const char *path, vj_sweep_file **file) { return open_plain(path, true, file); }

vj_status vj_sweep_file_close(vj_sweep_file **file) {
  vj_sweep_file *old = *file;
  *file = NULL;
  return old ? end(old) : VJ_OK;
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

/* Reads into `into` or writes `from`, whichever is not NULL. */
static vj_status transfer(const vj_sweep_file *file, int variable, const int64_t *start, const int64_t *count,
                          void *into, const void *from) {
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
  bool moved = type >= 0 && space >= 0 && memory >= 0;
  if (moved && rank > 0) moved = H5Sselect_hyperslab(space, H5S_SELECT_SET, first, NULL, extent, NULL) >= 0;
  /* The default transfer is independent: no other rank need take part. */
  if (moved && into) moved = H5Dread(data_set, type, memory, space, H5P_DEFAULT, into) >= 0;
  if (moved && from) moved = H5Dwrite(data_set, type, memory, space, H5P_DEFAULT, from) >= 0;
  const vj_status status =
      moved ? VJ_OK : vj_hdf5_fail(file->path, "%s can't be %s", v->name, into ? "read" : "written");
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
  return transfer(file, variable, start, count, NULL, values);
}

vj_status vj_sweep_file_read(const vj_sweep_file *file, int variable, const int64_t *start, const int64_t *count,
                             void *values) {
  VJ_TRY(check_rectangle(file, variable, start, count));
  return transfer(file, variable, start, count, values, NULL);
}

/* HDF5's flush and MPI's sync are collective. Independent writes are in the system's hands when they return; any
 * descriptor of the file can wait for them to reach the disk. */
vj_status vj_sweep_file_sync(vj_sweep_file *file) {
  if (file->writable && fdatasync(file->descriptor) != 0)
    return vj_fail(VJ_IO, "%s: can't be brought to the disk: %s", file->path, strerror(errno));
  return VJ_OK;
}
