/* What a sweep file says about itself: its variables with their dimensions, and its attributes. */
#define _GNU_SOURCE /* qsort_r() */
#include <hdf5.h>
#include <hdf5_hl.h>
#include <stdlib.h>
#include <string.h>

#include "framework/store/hdf5_error.h"
#include "framework/store/sweep_file/sweep_file_private.h"

enum { NAME_BYTES = 1024 };

static vj_status no_memory(const vj_sweep_file *file) {
  return vj_fail(VJ_MEMORY, "%s: no memory for the list of its variables", file->path);
}

/* The text of a fixed-length attribute; "" when there is none of that name or it is no such text. */
static vj_status read_text(const vj_sweep_file *file, hid_t object, const char *name, const char **text) {
  *text = "";
  if (H5Aexists(object, name) <= 0) return VJ_OK;
  const hid_t attribute = H5Aopen(object, name, H5P_DEFAULT);
  const hid_t type = H5Aget_type(attribute);
  vj_status status = VJ_OK;
  if (type >= 0 && H5Tget_class(type) == H5T_STRING && H5Tis_variable_str(type) == 0) {
    char *fresh = vj_pool_take(file->pool, H5Tget_size(type) + 1);
    if (!fresh)
      status = no_memory(file);
    else if (H5Aread(attribute, type, fresh) < 0)
      status = vj_hdf5_fail(file->path, "attribute %s can't be read", name);
    *text = fresh;
  }
  if (type >= 0) H5Tclose(type);
  if (attribute >= 0) H5Aclose(attribute);
  return status;
}

/* As H5DSis_scale(), which (1.10.8) frees twice what it can't read in a damaged file. */
static bool is_scale(hid_t data_set) {
  static const char class_of_scales[] = "DIMENSION_SCALE";
  char text[sizeof class_of_scales] = "";
  if (H5Aexists(data_set, "CLASS") <= 0) return false;
  const hid_t attribute = H5Aopen(data_set, "CLASS", H5P_DEFAULT);
  const hid_t type = H5Aget_type(attribute), space = H5Aget_space(attribute);
  const bool fits = type >= 0 && space >= 0 && H5Tget_class(type) == H5T_STRING && H5Tis_variable_str(type) == 0 &&
                    H5Tget_size(type) == sizeof text && H5Sget_simple_extent_npoints(space) == 1;
  const bool is = fits && H5Aread(attribute, type, text) >= 0 && memcmp(text, class_of_scales, sizeof text) == 0;
  if (space >= 0) H5Sclose(space);
  if (type >= 0) H5Tclose(type);
  if (attribute >= 0) H5Aclose(attribute);
  return is;
}

/* --- variables ----------------------------------------------------------------------------------------------- */

static vj_status load_type(const vj_sweep_file *file, hid_t data_set, vj_file_variable_info *info) {
  const hid_t type = H5Dget_type(data_set);
  const size_t bytes = H5Tget_size(type);
  const H5T_class_t kind = H5Tget_class(type);
  bool known = true;
  if (kind == H5T_FLOAT && bytes == sizeof(double))
    info->type = VJ_FILE_DOUBLE;
  else if (kind == H5T_FLOAT && bytes == sizeof(float))
    info->type = VJ_FILE_FLOAT;
  else if (kind == H5T_INTEGER && bytes == sizeof(int64_t))
    info->type = VJ_FILE_INT64;
  else if (kind == H5T_INTEGER && bytes == 1)
    info->type = VJ_FILE_UINT8;
  else if (kind == H5T_STRING && bytes == 1)
    info->type = VJ_FILE_TEXT;
  else
    known = false;
  if (type >= 0) H5Tclose(type);
  return known ? VJ_OK
               : vj_fail(VJ_DATA, "%s: variable %s is of a type that sweep files don't have", file->path, info->name);
}

static vj_status load_shape(const vj_sweep_file *file, hid_t data_set, vj_file_variable_info *info) {
  hsize_t size[H5S_MAX_RANK] = {0};
  const hid_t space = H5Dget_space(data_set);
  info->rank = H5Sget_simple_extent_ndims(space);
  const bool fits = info->rank >= 0 && info->rank <= VJ_FILE_MAX_DIMENSIONS;
  if (fits) H5Sget_simple_extent_dims(space, size, NULL);
  for (int i = 0; fits && i < info->rank; i++) info->size[i] = (int64_t)size[i];
  if (space >= 0) H5Sclose(space);
  /* The last dimension of a text are its characters. */
  if (fits && info->rank > 0 && info->type == VJ_FILE_TEXT) info->text_bytes = info->size[--info->rank];
  return fits ? VJ_OK
              : vj_fail(VJ_DATA, "%s: variable %s has %d dimensions; sweep files have at most %d", file->path,
                        info->name, info->rank, VJ_FILE_MAX_DIMENSIONS);
}

static herr_t keep_scale_name(hid_t data_set, unsigned dimension, hid_t scale, void *name) {
  (void)data_set, (void)dimension;
  return H5DSget_scale_name(scale, name, NAME_BYTES) > 0 ? 1 : 0;
}

static vj_status load_dimensions(const vj_sweep_file *file, hid_t data_set, vj_file_variable_info *info) {
  for (int i = 0; i < info->rank; i++) {
    char name[NAME_BYTES] = "";
    if (is_scale(data_set))
      H5DSget_scale_name(data_set, name, sizeof name);
    else
      H5DSiterate_scales(data_set, (unsigned)i, NULL, keep_scale_name, name);
    if (!name[0]) return vj_fail(VJ_DATA, "%s: variable %s: dimension %d has no name", file->path, info->name, i);
    info->dimension[i] = vj_pool_text(file->pool, name);
    if (!info->dimension[i]) return no_memory(file);
  }
  return VJ_OK;
}

static bool listed(const char *names, const char *name) {
  const size_t length = strlen(name);
  for (const char *at = names; *at;) {
    const size_t word = strcspn(at, " ");
    if (word == length && memcmp(at, name, length) == 0) return true;
    at += word + (at[word] == ' ');
  }
  return false;
}

static vj_status load_variable(const vj_sweep_file *file, hid_t data_set, const char *name,
                               vj_file_variable_info *info) {
  info->name = vj_pool_text(file->pool, name);
  if (!info->name) return no_memory(file);
  VJ_TRY(load_type(file, data_set, info));
  VJ_TRY(load_shape(file, data_set, info));
  VJ_TRY(load_dimensions(file, data_set, info));
  VJ_TRY(read_text(file, data_set, "units", &info->units));
  VJ_TRY(read_text(file, data_set, "long_name", &info->long_name));
  const char *coordinates = vj_sweep_file_attribute(file, "coordinates");
  info->is_coordinate = is_scale(data_set) || (coordinates && listed(coordinates, name));
  return VJ_OK;
}

static bool is_bare_dimension(hid_t data_set) {
  char name[NAME_BYTES] = "";
  if (!is_scale(data_set) || H5DSget_scale_name(data_set, name, sizeof name) <= 0) return false;
  return strncmp(name, VJ_FILE_BARE_DIMENSION, strlen(VJ_FILE_BARE_DIMENSION)) == 0;
}

/* The data sets in the order they were made, in two passes: dimensions stand first in the file, last in our list,
 * so that a variable has the number it had in the layout. */
static vj_status load_variables(vj_sweep_file *file) {
  H5G_info_t group;
  if (H5Gget_info(file->file, &group) < 0) return vj_hdf5_fail(file->path, "its variables can't be listed");
  file->variables = vj_pool_take(file->pool, (size_t)group.nlinks * sizeof *file->variables);
  file->data_sets = vj_pool_take(file->pool, (size_t)group.nlinks * sizeof *file->data_sets);
  if (!file->variables || !file->data_sets) return no_memory(file);
  for (int scales = 0; scales < 2; scales++) {
    for (hsize_t i = 0; i < group.nlinks; i++) {
      char name[NAME_BYTES] = "";
      H5Lget_name_by_idx(file->file, ".", H5_INDEX_CRT_ORDER, H5_ITER_INC, i, name, sizeof name, H5P_DEFAULT);
      const hid_t data_set = H5Dopen2(file->file, name, H5P_DEFAULT);
      if (data_set < 0) return vj_hdf5_fail(file->path, "variable %s can't be opened", name);
      if (is_scale(data_set) != (scales == 1) || is_bare_dimension(data_set)) {
        H5Dclose(data_set);
        continue;
      }
      file->data_sets[file->variable_count] = data_set;
      VJ_TRY(load_variable(file, data_set, name, &file->variables[file->variable_count++]));
    }
  }
  return VJ_OK;
}

static int by_name(const void *one, const void *other, void *variables) {
  const vj_file_variable_info *all = variables;
  return strcmp(all[*(const int *)one].name, all[*(const int *)other].name);
}

static vj_status sort_names(vj_sweep_file *file) {
  const size_t count = (size_t)file->variable_count;
  file->by_name = vj_pool_take(file->pool, count * sizeof *file->by_name);
  if (!file->by_name) return no_memory(file);
  for (int i = 0; i < file->variable_count; i++) file->by_name[i] = i;
  qsort_r(file->by_name, count, sizeof *file->by_name, by_name, file->variables);
  return VJ_OK;
}

/* --- attributes ---------------------------------------------------------------------------------------------- */

static vj_status load_attributes(vj_sweep_file *file) {
  /* Of the group: HDF5 1.10 refuses a file here, and H5Oget_info has another struct from 1.12 on. */
  const hid_t group = H5Gopen2(file->file, "/", H5P_DEFAULT);
  const int count = group < 0 ? -1 : H5Aget_num_attrs(group);
  if (group >= 0) H5Gclose(group);
  if (count < 0) return vj_hdf5_fail(file->path, "its attributes can't be listed");
  file->attributes = vj_pool_take(file->pool, (size_t)count * sizeof *file->attributes);
  if (!file->attributes) return no_memory(file);
  for (hsize_t i = 0; i < (hsize_t)count; i++) {
    char name[NAME_BYTES] = "";
    if (H5Aget_name_by_idx(file->file, ".", H5_INDEX_NAME, H5_ITER_INC, i, name, sizeof name, H5P_DEFAULT) < 0)
      return vj_hdf5_fail(file->path, "its attributes can't be listed");
    vj_file_attribute *attribute = &file->attributes[file->attribute_count++];
    attribute->name = vj_pool_text(file->pool, name);
    if (!attribute->name) return no_memory(file);
    VJ_TRY(read_text(file, file->file, name, &attribute->text));
  }
  return VJ_OK;
}

static vj_status check_marker(const vj_sweep_file *file) {
  if (H5Aexists(file->file, VJ_FILE_MARKER) <= 0)
    return vj_fail(VJ_DATA, "%s is no sweep file: it has no attribute %s", file->path, VJ_FILE_MARKER);
  int64_t format = -1;
  const hid_t attribute = H5Aopen(file->file, VJ_FILE_MARKER, H5P_DEFAULT);
  const hid_t type = H5Aget_type(attribute), space = H5Aget_space(attribute);
  /* Read only what surely fits into one integer. */
  if (H5Tget_class(type) == H5T_INTEGER && H5Sget_simple_extent_npoints(space) == 1)
    H5Aread(attribute, H5T_NATIVE_INT64, &format);
  if (space >= 0) H5Sclose(space);
  if (type >= 0) H5Tclose(type);
  if (attribute >= 0) H5Aclose(attribute);
  if (format == VJ_FILE_FORMAT) return VJ_OK;
  return vj_fail(VJ_DATA, "%s: this sweep file has format %lld; this program knows format %d", file->path,
                 (long long)format, VJ_FILE_FORMAT);
}

static vj_status check_seal(const vj_sweep_file *file) {
  if (file->seal || H5Aexists(file->file, VJ_FILE_SEALED) <= 0) return VJ_OK;
  return vj_fail(VJ_DATA,
                 "%s is damaged: its seal, which stands at its end, is broken or gone, so that the rest can't be "
                 "checked; `vjvcr verify` of its folder tells what can be saved",
                 file->path);
}

/* What the seal's table has is recorded; all else is fixed. */
static vj_status find_fixed(vj_sweep_file *file) {
  file->is_fixed = vj_pool_take(file->pool, (size_t)file->variable_count * sizeof *file->is_fixed + 1);
  if (!file->is_fixed) return no_memory(file);
  for (int v = 0; file->seal && v < file->variable_count; v++)
    file->is_fixed[v] = vj_seal_find(file->seal, file->variables[v].name) < 0;
  return VJ_OK;
}

vj_status vj_sweep_file_load(vj_sweep_file *file, bool is_sealed) {
  VJ_TRY(check_marker(file));
  if (is_sealed) VJ_TRY(check_seal(file));
  VJ_TRY(load_attributes(file));
  VJ_TRY(load_variables(file));
  VJ_TRY(find_fixed(file));
  return sort_names(file);
}
