#include "store/array_file.h"

#include <errno.h>
#include <fcntl.h>
#include <hdf5.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "store/hdf5_error.h"

struct vj_array_file {
  hid_t file, create, link;
  char path[1024], temporary[1100];
};

vj_status vj_array_file_create(const char *path, vj_array_file **file) {
  vj_hdf5_quiet();
  *file = calloc(1, sizeof **file);
  if (!*file) return vj_fail(VJ_MEMORY, "no memory for %s", path);
  snprintf((*file)->path, sizeof(*file)->path, "%s", path);
  snprintf((*file)->temporary, sizeof(*file)->temporary, "%s.new-%ld", path, (long)getpid());
  (*file)->create = H5Pcreate(H5P_DATASET_CREATE);
  H5Pset_obj_track_times((*file)->create, 0);
  (*file)->link = H5Pcreate(H5P_LINK_CREATE);
  H5Pset_create_intermediate_group((*file)->link, 1);
  (*file)->file = H5Fcreate((*file)->temporary, H5F_ACC_TRUNC, H5P_DEFAULT, H5P_DEFAULT);
  if ((*file)->file >= 0) return VJ_OK;
  const vj_status status = vj_hdf5_fail(path, "can't be made");
  vj_array_file_close(file, 0);
  return status;
}

static hid_t type_of(vj_array_type type) {
  return type == VJ_ARRAY_FLOAT ? H5T_NATIVE_FLOAT : type == VJ_ARRAY_DOUBLE ? H5T_NATIVE_DOUBLE : H5T_NATIVE_INT64;
}

static herr_t put_attribute(hid_t object, const char *name, hid_t type, const void *value) {
  const hid_t space = H5Screate(H5S_SCALAR);
  const hid_t attribute = H5Acreate2(object, name, type, space, H5P_DEFAULT, H5P_DEFAULT);
  const herr_t written = attribute < 0 ? -1 : H5Awrite(attribute, type, value);
  if (attribute >= 0) H5Aclose(attribute);
  H5Sclose(space);
  return written;
}

static herr_t put_text(hid_t object, const char *name, const char *text) {
  const hid_t type = H5Tcopy(H5T_C_S1);
  H5Tset_size(type, strlen(text) + 1);
  H5Tset_cset(type, H5T_CSET_UTF8);
  const herr_t written = put_attribute(object, name, type, text);
  H5Tclose(type);
  return written;
}

vj_status vj_array_file_put(vj_array_file *file, const char *name, vj_array_type type, int rank, const int64_t *size,
                            const void *values, const char *layout) {
  hsize_t sizes[16];
  for (int i = 0; i < rank; i++) sizes[i] = (hsize_t)size[i];
  const hid_t space = rank ? H5Screate_simple(rank, sizes, NULL) : H5Screate(H5S_SCALAR);
  const hid_t set = H5Dcreate2(file->file, name, type_of(type), space, file->link, file->create, H5P_DEFAULT);
  herr_t written = set < 0 ? -1 : H5Dwrite(set, type_of(type), H5S_ALL, H5S_ALL, H5P_DEFAULT, values);
  if (written >= 0 && layout) written = put_text(set, "layout", layout);
  if (set >= 0) H5Dclose(set);
  H5Sclose(space);
  return written >= 0 ? VJ_OK : vj_hdf5_fail(file->path, "%s can't be written", name);
}

vj_status vj_array_file_text(vj_array_file *file, const char *name, const char *text) {
  if (put_text(file->file, name, text) >= 0) return VJ_OK;
  return vj_hdf5_fail(file->path, "attribute %s can't be written", name);
}

vj_status vj_array_file_integer(vj_array_file *file, const char *name, int64_t value) {
  if (put_attribute(file->file, name, H5T_NATIVE_INT64, &value) >= 0) return VJ_OK;
  return vj_hdf5_fail(file->path, "attribute %s can't be written", name);
}

static vj_status publish(const vj_array_file *file) {
  const int descriptor = open(file->temporary, O_RDONLY);
  const int synced = descriptor < 0 ? -1 : fsync(descriptor);
  if (descriptor >= 0) close(descriptor);
  if (synced == 0 && rename(file->temporary, file->path) == 0) return VJ_OK;
  return vj_fail(VJ_IO, "%s: can't be written: %s", file->path, strerror(errno));
}

vj_status vj_array_file_close(vj_array_file **file, int keep) {
  if (!*file) return VJ_OK;
  vj_status status = VJ_OK;
  H5Pclose((*file)->create);
  H5Pclose((*file)->link);
  if ((*file)->file >= 0 && H5Fclose((*file)->file) < 0) status = vj_hdf5_fail((*file)->path, "can't be written");
  if (status == VJ_OK && keep) status = publish(*file);
  if (status != VJ_OK || !keep) unlink((*file)->temporary);
  free(*file);
  *file = NULL;
  return status;
}
