/* A fresh sweep file, from memory to the disk. HDF5 makes it in memory, and lays out values without writing them; we
 * write both to the disk. So a disk that is full shows before a name is taken, and meets no HDF5, which can't close a
 * file there. */
#define _GNU_SOURCE /* memfd_create(), SEEK_DATA */
#include <errno.h>
#include <fcntl.h>
#include <hdf5.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "framework/base/disk.h"
#include "framework/store/hdf5_error.h"
#include "framework/store/sweep_file/sweep_file_private.h"

/* netCDF-4 wants the order in which variables were made; it comes with the root group's creation properties. Closing
 * strongly closes what a failure left open. By MPI-IO, since HDF5 opens what has no name in a folder in no other way.
 */
static hid_t create_hdf5(const char *name) {
  const hid_t creation = H5Pcreate(H5P_FILE_CREATE), access = H5Pcreate(H5P_FILE_ACCESS);
  hid_t file = H5I_INVALID_HID;
  if (H5Pset_link_creation_order(creation, H5P_CRT_ORDER_TRACKED | H5P_CRT_ORDER_INDEXED) >= 0 &&
      H5Pset_obj_track_times(creation, 0) >= 0 && H5Pset_fapl_mpio(access, MPI_COMM_SELF, MPI_INFO_NULL) >= 0 &&
      H5Pset_libver_bounds(access, H5F_LIBVER_EARLIEST, H5F_LIBVER_LATEST) >= 0 &&
      H5Pset_fclose_degree(access, H5F_CLOSE_STRONG) >= 0)
    file = H5Fcreate(name, H5F_ACC_TRUNC, creation, access);
  if (access >= 0) H5Pclose(access);
  if (creation >= 0) H5Pclose(creation);
  return file;
}

/* --- to the disk --------------------------------------------------------------------------------------------- */

enum { BLOCK_BYTES = 1 << 16 };

/* Reserves the bytes, if the file system can: a full disk, or a limit on the size of files, shows before anything is
 * made.
 */
static int reserve(int descriptor, off_t bytes) {
  int cause = EINTR;
  while (cause == EINTR) cause = posix_fallocate(descriptor, 0, bytes);
  return cause == ENOSPC || cause == EFBIG || cause == EDQUOT ? cause : 0;
}

/* What was written into a file; what lies between is zeros. */
static int copy_written(int from, int to) {
  unsigned char block[BLOCK_BYTES];
  off_t at = lseek(from, 0, SEEK_DATA);
  while (at >= 0) {
    const off_t end = lseek(from, at, SEEK_HOLE);
    if (end < 0) return errno;
    while (at < end) {
      const ssize_t got = pread(from, block, end - at < BLOCK_BYTES ? (size_t)(end - at) : BLOCK_BYTES, at);
      if (got <= 0) return got < 0 ? errno : EIO;
      const int cause = vj_disk_write(to, block, (size_t)got, at);
      if (cause != 0) return cause;
      at += got;
    }
    at = lseek(from, end, SEEK_DATA);
  }
  return errno == ENXIO ? 0 : errno; /* there is nothing behind */
}

/* Writes a variable's empty value into all its places; texts and bytes are zeros already. */
static int write_empty(const vj_sweep_file_contents *b, int64_t variable, int to) {
  const vj_file_variable *v = &b->full.variables[variable];
  const size_t bytes = v->type == VJ_FILE_FLOAT ? sizeof(float) : sizeof(double);
  const void *empty = vj_sweep_file_empty_value(v->type);
  unsigned char block[BLOCK_BYTES];
  size_t left = bytes;
  off_t at = b->places[variable];
  if (!empty) return 0;
  for (int i = 0; i < v->rank; i++) left *= (size_t)b->full.dimensions[v->dimension[i]].size;
  for (size_t i = 0; i < BLOCK_BYTES; i += bytes) memcpy(block + i, empty, bytes);
  while (left > 0) {
    const size_t count = left < BLOCK_BYTES ? left : BLOCK_BYTES;
    const int cause = vj_disk_write(to, block, count, at);
    if (cause != 0) return cause;
    left -= count;
    at += (off_t)count;
  }
  return 0;
}

static int write_to_disk(const vj_sweep_file_contents *b, int memory, int descriptor) {
  struct stat about;
  int cause = fstat(memory, &about) == 0 && ftruncate(descriptor, about.st_size) == 0 ? 0 : errno;
  if (cause == 0) cause = copy_written(memory, descriptor);
  for (int64_t v = 0; v < b->full.variable_count && cause == 0; v++) cause = write_empty(b, v, descriptor);
  return cause;
}

/* --- the whole ----------------------------------------------------------------------------------------------- */

static vj_status build_in_memory(vj_sweep_file_contents *b, int descriptor, int memory) {
  char name[64];
  snprintf(name, sizeof name, "/proc/self/fd/%d", memory);
  b->file = create_hdf5(name);
  if (b->file < 0) return vj_hdf5_fail(b->path, "can't be created in memory");
  const int cause = reserve(descriptor, (off_t)vj_sweep_file_estimate(b->layout));
  vj_status status =
      cause ? vj_sweep_file_system_fail(b->path, b->layout, "can't be written", cause) : vj_sweep_file_fill(b);
  if (H5Fclose(b->file) < 0 && status == VJ_OK) status = vj_hdf5_fail(b->path, "can't be made in memory");
  return status;
}

vj_status vj_sweep_file_build(const char *path, int descriptor, const vj_file_layout *layout, off_t *places) {
  vj_sweep_file_contents b = {.path = path, .layout = layout};
  const int memory = memfd_create("vjvcr", MFD_CLOEXEC);
  int cause = 0;
  if (memory < 0) return vj_fail(VJ_IO, "%s: can't be made in memory: %s", path, strerror(errno));
  vj_hdf5_quiet();
  const vj_status status = build_in_memory(&b, descriptor, memory);
  if (status == VJ_OK) cause = write_to_disk(&b, memory, descriptor);
  for (int64_t v = 0; status == VJ_OK && v < layout->variable_count; v++) places[v] = b.places[v];
  vj_pool_destroy(&b.pool);
  close(memory);
  return cause ? vj_sweep_file_system_fail(path, layout, "can't be written", cause) : status;
}
