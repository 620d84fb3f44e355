#include "framework/store/sweep_file/sweep_file.h"

#include <errno.h>
#include <fcntl.h>
#include <hdf5.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "framework/base/disk.h"
#include "framework/store/hdf5_error.h"
#include "framework/store/sweep_file/sweep_file_private.h"

/* --- opening and closing ------------------------------------------------------------------------------------- */

static const char hdf5_signature[8] = {'\x89', 'H', 'D', 'F', '\r', '\n', '\x1a', '\n'};

/* HDF5 gets nothing to read that was not compared before: some damaged bytes make it crash. */
static vj_status check_structure(vj_sweep_file *file) {
  int copies;
  vj_seal_difference d;
  VJ_TRY(vj_seal_read(file->path, file->descriptor, false, &file->seal, &copies));
  if (!file->seal) return VJ_OK;
  VJ_TRY(vj_seal_compare(file->seal, file->path, file->descriptor, file->seal->end, &d));
  if (d.bytes == 0) return VJ_OK;
  return vj_fail(
      VJ_DATA,
      "%s is damaged: %lld byte%s of its structure %s changed, the first at %lld; `vjvcr verify` of its folder "
      "tells what can be saved",
      file->path, (long long)d.bytes, d.bytes == 1 ? "" : "s", d.bytes == 1 ? "has" : "have", (long long)d.first);
}

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

/* Writes the first bytes of the file as they are, as HDF5 does when it closes one: where that fails, HDF5 and MPI-IO
 * wait for ever. */
static bool can_be_closed(const vj_sweep_file *file) {
  unsigned char start[sizeof hdf5_signature];
  return !file->failing && pread(file->descriptor, start, sizeof start, 0) == (ssize_t)sizeof start &&
         vj_disk_write(file->descriptor, start, sizeof start, 0) == 0;
}

/* What fails here fails a file whose values are written, or one that is given up. */
static void end(vj_sweep_file *file) {
  if (file->writable && file->file >= 0 && !can_be_closed(file)) return; /* and leaves all of it to the system */
  for (int i = 0; i < file->variable_count; i++) H5Dclose(file->data_sets[i]);
  if (file->file >= 0) H5Fclose(file->file);
  if (file->descriptor >= 0) close(file->descriptor);
  vj_seal_free(&file->seal);
  vj_pool_destroy(&file->pool);
  free(file);
}

/* Readers and writers share the file by design, since only raw data changes while it is open; without the sieve each
 * read goes to the file, and sees what others wrote since the last. */
static bool for_reading(hid_t access) {
  return H5Pset_fapl_sec2(access) >= 0 && H5Pset_sieve_buf_size(access, 0) >= 0 &&
         H5Pset_file_locking(access, 0, 1) >= 0;
}

/* By MPI-IO, alone: flush and close wait for nobody, and several jobs on one file are no other case than several
 * groups of one. A rectangle is written run by run: whoever reads what lies between and writes it back (data sieving)
 * would undo what others wrote meanwhile. */
static bool for_writing(hid_t access) {
  MPI_Info hints = MPI_INFO_NULL;
  MPI_Info_create(&hints);
  MPI_Info_set(hints, "romio_ds_write", "disable");
  const bool set = H5Pset_fapl_mpio(access, MPI_COMM_SELF, hints) >= 0;
  MPI_Info_free(&hints);
  return set;
}

/* On NFS MPI-IO locks the bytes that it writes, so that no machine's page is written back over another's bytes, and
 * aborts where there are no locks: then it is told that this is some file system or other. */
static const char *name_for_mpi(const vj_sweep_file *file) {
  struct flock all = {.l_type = F_WRLCK, .l_whence = SEEK_SET};
  const bool locks = fcntl(file->descriptor, F_SETLK, &all) == 0 || errno == EAGAIN || errno == EACCES;
  all.l_type = F_UNLCK;
  (void)fcntl(file->descriptor, F_SETLK, &all);
  return locks ? file->path : vj_pool_format(file->pool, "ufs:%s", file->path);
}

static vj_status open_hdf5(vj_sweep_file *file) {
  char reason[512];
  const hid_t access = H5Pcreate(H5P_FILE_ACCESS);
  const char *name = file->writable ? name_for_mpi(file) : file->path;
  if (name && (file->writable ? for_writing(access) : for_reading(access)) &&
      H5Pset_fclose_degree(access, H5F_CLOSE_STRONG) >= 0)
    file->file = H5Fopen(name, file->writable ? H5F_ACC_RDWR : H5F_ACC_RDONLY, access);
  const int cause = vj_hdf5_reason(reason, sizeof reason); /* before another call clears it */
  if (access >= 0) H5Pclose(access);
  if (file->file >= 0) return VJ_OK;
  if (cause != 0) return vj_fail(VJ_IO, "%s: can't be opened: %s", file->path, reason);
  return vj_fail(VJ_DATA, "%s is no sweep file: %s", file->path, reason);
}

static vj_status open_file(const char *path, bool writable, bool is_sealed, vj_sweep_file **file) {
  vj_sweep_file *fresh = NULL;
  vj_status status = VJ_OK;
  *file = NULL;
  vj_hdf5_quiet();
  VJ_TRY_GOTO(status, begin(path, writable, &fresh), failed);
  if (is_sealed) VJ_TRY_GOTO(status, check_structure(fresh), failed);
  VJ_TRY_GOTO(status, open_hdf5(fresh), failed);
  VJ_TRY_GOTO(status, vj_sweep_file_load(fresh, is_sealed), failed);
  *file = fresh;
  return VJ_OK;
failed:
  if (fresh) end(fresh);
  return status;
}

vj_status vj_sweep_file_open(const vj_comm *comm, const char *path, vj_sweep_file **file) {
  const vj_status status = vj_comm_agree(comm, open_file(path, true, true, file));
  if (status != VJ_OK) vj_sweep_file_close(file);
  return status;
}

vj_status vj_sweep_file_read_only(const char *path, vj_sweep_file **file) { return open_file(path, false, true, file); }

vj_status vj_sweep_file_open_fresh(const char *path, vj_sweep_file **file) {
  return open_file(path, true, false, file);
}

void vj_sweep_file_close(vj_sweep_file **file) {
  if (*file) end(*file);
  *file = NULL;
}

/* --- what there is ------------------------------------------------------------------------------------------- */

int vj_sweep_file_find(const vj_sweep_file *file, const char *name) {
  int low = 0, high = file->variable_count;
  while (low < high) {
    const int middle = low + (high - low) / 2;
    const int order = strcmp(file->variables[file->by_name[middle]].name, name);
    if (order == 0) return file->by_name[middle];
    if (order < 0)
      low = middle + 1;
    else
      high = middle;
  }
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
