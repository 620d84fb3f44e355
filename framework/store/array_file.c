#include "framework/store/array_file.h"

#include <errno.h>
#include <fcntl.h>
#include <hdf5.h>
#include <hdf5_hl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "framework/base/atomic_file.h"
#include "framework/base/canonical_nan.h"
#include "framework/base/disk.h"
#include "framework/store/hdf5_error.h"

struct vj_array_file {
  hid_t file, create, link;
  char path[1024], temporary[1100]; /* no temporary name: an image in memory */
};

static vj_status begin(const char *path, vj_array_file **file) {
  vj_hdf5_quiet();
  *file = calloc(1, sizeof **file);
  if (!*file) return vj_fail(VJ_MEMORY, "no memory for %s", path);
  snprintf((*file)->path, sizeof(*file)->path, "%s", path);
  (*file)->file = H5I_INVALID_HID;
  (*file)->create = H5Pcreate(H5P_DATASET_CREATE);
  H5Pset_obj_track_times((*file)->create, 0);
  (*file)->link = H5Pcreate(H5P_LINK_CREATE);
  H5Pset_create_intermediate_group((*file)->link, 1);
  return VJ_OK;
}

vj_status vj_array_file_create(const char *path, vj_array_file **file) {
  VJ_TRY(begin(path, file));
  snprintf((*file)->temporary, sizeof(*file)->temporary, "%s.new-%ld", path, (long)getpid());
  (*file)->file = H5Fcreate((*file)->temporary, H5F_ACC_TRUNC, H5P_DEFAULT, H5P_DEFAULT);
  if ((*file)->file >= 0) return VJ_OK;
  const vj_status status = vj_hdf5_fail(path, "can't be made");
  vj_array_file_close(file, 0);
  return status;
}

static hid_t type_of(vj_array_type type) {
  return type == VJ_ARRAY_FLOAT    ? H5T_NATIVE_FLOAT
         : type == VJ_ARRAY_DOUBLE ? H5T_NATIVE_DOUBLE
         : type == VJ_ARRAY_UINT8  ? H5T_NATIVE_UINT8
                                   : H5T_NATIVE_INT64;
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
  int64_t numbers = 1;
  void *copy = NULL;
  for (int i = 0; i < rank; i++) numbers *= size[i];
  if (type == VJ_ARRAY_FLOAT) VJ_TRY(vj_canonical_nan(values, numbers, sizeof(float), &values, &copy));
  if (type == VJ_ARRAY_DOUBLE) VJ_TRY(vj_canonical_nan(values, numbers, sizeof(double), &values, &copy));
  for (int i = 0; i < rank; i++) sizes[i] = (hsize_t)size[i];
  const hid_t space = rank ? H5Screate_simple(rank, sizes, NULL) : H5Screate(H5S_SCALAR);
  const hid_t set = H5Dcreate2(file->file, name, type_of(type), space, file->link, file->create, H5P_DEFAULT);
  herr_t written = set < 0 ? -1 : H5Dwrite(set, type_of(type), H5S_ALL, H5S_ALL, H5P_DEFAULT, values);
  if (written >= 0 && layout) written = put_text(set, "layout", layout);
  if (set >= 0) H5Dclose(set);
  H5Sclose(space);
  free(copy);
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

/* --- images -------------------------------------------------------------------------------------------------- */

vj_status vj_array_file_create_image(const char *name, vj_array_file **file) {
  enum { GROWTH = 1 << 22 };
  VJ_TRY(begin(name, file));
  const hid_t access = H5Pcreate(H5P_FILE_ACCESS);
  if (H5Pset_fapl_core(access, GROWTH, 0) >= 0)
    (*file)->file = H5Fcreate(name, H5F_ACC_TRUNC, H5P_DEFAULT, access); /* in memory only: makes no file */
  const vj_status status = (*file)->file >= 0 ? VJ_OK : vj_hdf5_fail(name, "can't be made in memory");
  H5Pclose(access);
  if (status != VJ_OK) vj_array_file_close(file, 0);
  return status;
}

vj_status vj_array_file_image(vj_array_file *file, unsigned char **image, size_t *bytes) {
  *image = NULL;
  if (H5Fflush(file->file, H5F_SCOPE_GLOBAL) < 0) return vj_hdf5_fail(file->path, "can't be finished in memory");
  const ssize_t count = H5Fget_file_image(file->file, NULL, 0);
  if (count <= 0) return vj_hdf5_fail(file->path, "can't be copied out of memory");
  *image = malloc((size_t)count);
  if (!*image) return vj_fail(VJ_MEMORY, "%s: no memory for its %lld bytes", file->path, (long long)count);
  *bytes = (size_t)count;
  if (H5Fget_file_image(file->file, *image, *bytes) == count) return VJ_OK;
  free(*image);
  *image = NULL;
  return vj_hdf5_fail(file->path, "can't be copied out of memory");
}

vj_status vj_array_file_open_image(const char *name, unsigned char *image, size_t bytes, vj_array_file **file) {
  VJ_TRY(begin(name, file));
  (*file)->file = H5LTopen_file_image(image, bytes, H5LT_FILE_IMAGE_DONT_COPY | H5LT_FILE_IMAGE_DONT_RELEASE);
  if ((*file)->file >= 0) return VJ_OK;
  vj_array_file_close(file, 0);
  return vj_fail(VJ_DATA, "%s: this is no HDF5 file", name);
}

vj_status vj_array_image_set_integer(const char *name, unsigned char *image, size_t bytes, const char *attribute,
                                     int64_t value) {
  const unsigned in_place = H5LT_FILE_IMAGE_OPEN_RW | H5LT_FILE_IMAGE_DONT_COPY | H5LT_FILE_IMAGE_DONT_RELEASE;
  vj_hdf5_quiet();
  const hid_t file = H5LTopen_file_image(image, bytes, in_place);
  const hid_t there = file < 0 ? H5I_INVALID_HID : H5Aopen(file, attribute, H5P_DEFAULT);
  bool written = there >= 0 && H5Awrite(there, H5T_NATIVE_INT64, &value) >= 0;
  if (there >= 0) H5Aclose(there);
  if (file >= 0 && H5Fclose(file) < 0) written = false;
  return written ? VJ_OK : vj_fail(VJ_DATA, "%s: it has no integer attribute %s that can be set", name, attribute);
}

bool vj_array_file_holds(const vj_array_file *file, const char *name, vj_array_type type, int rank,
                         const int64_t *size) {
  const hid_t set = H5Dopen2(file->file, name, H5P_DEFAULT);
  if (set < 0) return false;
  hsize_t sizes[H5S_MAX_RANK] = {0};
  const hid_t there = H5Dget_type(set), space = H5Dget_space(set);
  bool same = H5Tequal(there, type_of(type)) > 0 && H5Sget_simple_extent_ndims(space) == rank &&
              H5Sget_simple_extent_dims(space, sizes, NULL) >= 0;
  for (int i = 0; i < rank && same; i++) same = sizes[i] == (hsize_t)size[i];
  H5Sclose(space);
  H5Tclose(there);
  H5Dclose(set);
  return same;
}

vj_status vj_array_file_get(const vj_array_file *file, const char *name, vj_array_type type, void *values) {
  const hid_t set = H5Dopen2(file->file, name, H5P_DEFAULT);
  const herr_t got = set < 0 ? -1 : H5Dread(set, type_of(type), H5S_ALL, H5S_ALL, H5P_DEFAULT, values);
  const vj_status status = got >= 0 ? VJ_OK : vj_hdf5_fail(file->path, "%s can't be read", name);
  if (set >= 0) H5Dclose(set);
  return status;
}

/* What a data set's attribute `layout` says, or "". */
static void read_layout(hid_t set, char *layout, size_t bytes) {
  const hid_t attribute = H5Aexists(set, "layout") > 0 ? H5Aopen(set, "layout", H5P_DEFAULT) : H5I_INVALID_HID;
  const hid_t wanted = H5Tcopy(H5T_C_S1);
  H5Tset_size(wanted, bytes);
  H5Tset_cset(wanted, H5T_CSET_UTF8);
  if (attribute < 0 || H5Aread(attribute, wanted, layout) < 0) layout[0] = '\0';
  if (attribute >= 0) H5Aclose(attribute);
  H5Tclose(wanted);
}

static bool read_info(hid_t set, vj_array_info *info) {
  const hid_t type = H5Dget_type(set), space = H5Dget_space(set);
  hsize_t sizes[H5S_MAX_RANK] = {0};
  info->rank = H5Sget_simple_extent_ndims(space);
  info->type = H5Tequal(type, H5T_NATIVE_FLOAT) > 0    ? VJ_ARRAY_FLOAT
               : H5Tequal(type, H5T_NATIVE_DOUBLE) > 0 ? VJ_ARRAY_DOUBLE
               : H5Tequal(type, H5T_NATIVE_UINT8) > 0  ? VJ_ARRAY_UINT8
                                                       : VJ_ARRAY_INT64;
  const bool fits = info->rank >= 0 && info->rank <= (int)(sizeof info->size / sizeof *info->size) &&
                    H5Sget_simple_extent_dims(space, sizes, NULL) >= 0;
  info->count = 1;
  for (int i = 0; i < info->rank && fits; i++) info->count *= info->size[i] = (int64_t)sizes[i];
  read_layout(set, info->layout, sizeof info->layout);
  H5Sclose(space);
  H5Tclose(type);
  return fits;
}

vj_status vj_array_file_each(const vj_array_file *file, const char *group,
                             vj_status (*each)(void *context, const vj_array_info *info), void *context) {
  H5G_info_t about;
  const hid_t members = H5Gopen2(file->file, group, H5P_DEFAULT);
  if (members < 0) return VJ_OK;
  vj_status status = VJ_OK;
  if (H5Gget_info(members, &about) < 0) about.nlinks = 0;
  for (hsize_t i = 0; i < about.nlinks && status == VJ_OK; i++) {
    char name[512];
    vj_array_info info = {.name = name};
    const int used = snprintf(name, sizeof name, "%s/", group);
    H5Lget_name_by_idx(members, ".", H5_INDEX_NAME, H5_ITER_INC, i, name + used, sizeof name - (size_t)used,
                       H5P_DEFAULT);
    const hid_t set = H5Dopen2(file->file, name, H5P_DEFAULT);
    const bool known = set >= 0 && read_info(set, &info);
    if (set >= 0) H5Dclose(set);
    status = known ? each(context, &info) : vj_hdf5_fail(file->path, "%s can't be read", name);
  }
  H5Gclose(members);
  return status;
}

/* The attribute's type if it is a single value of this class, or an invalid one. */
static hid_t attribute_type(hid_t attribute, H5T_class_t class) {
  const hid_t type = H5Aget_type(attribute), space = H5Aget_space(attribute);
  const bool fits = H5Tget_class(type) == class && H5Sget_simple_extent_npoints(space) == 1;
  H5Sclose(space);
  if (fits) return type;
  H5Tclose(type);
  return H5I_INVALID_HID;
}

vj_status vj_array_file_get_integer(const vj_array_file *file, const char *name, int64_t *value) {
  const hid_t attribute = H5Aopen(file->file, name, H5P_DEFAULT);
  const hid_t type = attribute < 0 ? H5I_INVALID_HID : attribute_type(attribute, H5T_INTEGER);
  const bool got = type >= 0 && H5Aread(attribute, H5T_NATIVE_INT64, value) >= 0;
  if (type >= 0) H5Tclose(type);
  if (attribute >= 0) H5Aclose(attribute);
  return got ? VJ_OK : vj_fail(VJ_DATA, "%s: it has no integer attribute %s", file->path, name);
}

vj_status vj_array_file_get_text(const vj_array_file *file, const char *name, char *text, size_t bytes) {
  const hid_t attribute = H5Aopen(file->file, name, H5P_DEFAULT);
  const hid_t type = attribute < 0 ? H5I_INVALID_HID : attribute_type(attribute, H5T_STRING);
  const hid_t wanted = H5Tcopy(H5T_C_S1);
  H5Tset_size(wanted, bytes);
  H5Tset_cset(wanted, H5T_CSET_UTF8);
  const bool got = type >= 0 && H5Tis_variable_str(type) == 0 && H5Aread(attribute, wanted, text) >= 0;
  H5Tclose(wanted);
  if (type >= 0) H5Tclose(type);
  if (attribute >= 0) H5Aclose(attribute);
  return got ? VJ_OK : vj_fail(VJ_DATA, "%s: it has no text attribute %s", file->path, name);
}

/* --- closing ------------------------------------------------------------------------------------------------- */

vj_status vj_array_file_close(vj_array_file **file, int keep) {
  if (!*file) return VJ_OK;
  vj_status status = VJ_OK;
  H5Pclose((*file)->create);
  H5Pclose((*file)->link);
  if ((*file)->file >= 0 && H5Fclose((*file)->file) < 0) status = vj_hdf5_fail((*file)->path, "can't be written");
  const bool on_disk = (*file)->temporary[0];
  const int cause = status == VJ_OK && keep && on_disk ? vj_atomic_publish((*file)->temporary, (*file)->path) : 0;
  if (cause) status = vj_fail(VJ_IO, "%s: can't be written: %s", (*file)->path, vj_disk_reason(cause));
  if ((status != VJ_OK || !keep) && on_disk) unlink((*file)->temporary);
  free(*file);
  *file = NULL;
  return status;
}
