/* What stands in a fresh sweep file: data sets, and what netCDF-4 wants to find beside them. */
#include <hdf5.h>
#include <hdf5_hl.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "framework/store/hdf5_error.h"
#include "framework/store/sweep_file/sweep_file_private.h"

#define build_fail(b, ...) vj_hdf5_fail((b)->path, __VA_ARGS__)

#define HDF5_TRY(b, call, ...)                         \
  do {                                                 \
    if ((call) < 0) return build_fail(b, __VA_ARGS__); \
  } while (0)

/* --- attributes ---------------------------------------------------------------------------------------------- */

static vj_status write_attribute(vj_sweep_file_contents *b, hid_t object, const char *name, hid_t type, hsize_t count,
                                 const void *values) {
  const hid_t space = count ? H5Screate_simple(1, &count, NULL) : H5Screate(H5S_SCALAR);
  const hid_t attribute = H5Acreate2(object, name, type, space, H5P_DEFAULT, H5P_DEFAULT);
  const bool written = attribute >= 0 && H5Awrite(attribute, type, values) >= 0;
  const vj_status status = written ? VJ_OK : build_fail(b, "attribute %s can't be written", name);
  if (attribute >= 0) H5Aclose(attribute);
  if (space >= 0) H5Sclose(space);
  return status;
}

static vj_status write_text(vj_sweep_file_contents *b, hid_t object, const char *name, const char *text) {
  if (!text || !text[0]) return VJ_OK; /* netCDF has no empty text; what isn't there reads the same */
  const hid_t type = H5Tcopy(H5T_C_S1);
  const bool set = H5Tset_size(type, strlen(text) + 1) >= 0 && H5Tset_cset(type, H5T_CSET_UTF8) >= 0;
  const vj_status status = set ? write_attribute(b, object, name, type, 0, text) : build_fail(b, "attribute %s", name);
  if (type >= 0) H5Tclose(type);
  return status;
}

/* "0 waiting|1 running" -> flag_values {0, 1} and flag_meanings "waiting running", as CF wants them. */
static vj_status write_flags(vj_sweep_file_contents *b, hid_t object, const vj_file_variable *variable) {
  if (!variable->flags) return VJ_OK;
  int64_t values[64];
  hsize_t count = 0;
  char *meanings = vj_pool_take(b->pool, strlen(variable->flags) + 1);
  if (!meanings) return vj_fail(VJ_MEMORY, "%s: no memory for the flags of %s", b->path, variable->name);
  for (const char *at = variable->flags; *at;) {
    char *word = NULL;
    if (count == 64) return vj_fail(VJ_INTERNAL, "%s: %s: more than 64 flags", b->path, variable->name);
    values[count] = strtoll(at, &word, 10);
    const size_t length = strcspn(word, "|");
    if (word == at || *word != ' ' || length < 2 || memchr(word + 1, ' ', length - 1))
      return vj_fail(VJ_INTERNAL, "%s: %s: flags \"%s\" are not in the form \"0 waiting|1 running\"", b->path,
                     variable->name, variable->flags);
    strncat(meanings, count ? word : word + 1, count ? length : length - 1);
    count++;
    at = word + length + (word[length] == '|');
  }
  VJ_TRY(write_attribute(b, object, "flag_values", H5T_STD_I64LE, count, values));
  return write_text(b, object, "flag_meanings", meanings);
}

/* --- texts --------------------------------------------------------------------------------------------------- */

/* The dimension of texts with room for `bytes`; it is added if there is none yet. Negative: no memory. */
static int text_dimension(vj_sweep_file_contents *b, vj_file_dimension *dimensions, int64_t bytes) {
  for (int64_t d = b->layout->dimension_count; d < b->full.dimension_count; d++)
    if (dimensions[d].size == bytes) return (int)d;
  vj_file_dimension *fresh = &dimensions[b->full.dimension_count];
  fresh->name = vj_pool_format(b->pool, "text_%lld", (long long)bytes);
  fresh->size = bytes;
  return fresh->name ? (int)b->full.dimension_count++ : -1;
}

/* netCDF's text of fixed length is an array of characters with one more dimension; an array of HDF5's own strings
 * crashes the netCDF-4 library. So the layout is written out in full, with those dimensions. */
static vj_status write_out_texts(vj_sweep_file_contents *b) {
  const size_t variables = (size_t)b->layout->variable_count;
  const size_t most = (size_t)b->layout->dimension_count + variables;
  b->full = *b->layout;
  vj_file_dimension *dimensions = vj_pool_take(b->pool, most * sizeof *dimensions);
  vj_file_variable *full = vj_pool_take(b->pool, variables * sizeof *full);
  if (!dimensions || !full) return vj_fail(VJ_MEMORY, "%s: no memory for its layout", b->path);
  for (int64_t d = 0; d < b->layout->dimension_count; d++) dimensions[d] = b->layout->dimensions[d];
  for (size_t v = 0; v < variables; v++) {
    full[v] = b->layout->variables[v];
    if (full[v].type != VJ_FILE_TEXT) continue;
    const int last = text_dimension(b, dimensions, full[v].text_bytes);
    if (last < 0) return vj_fail(VJ_MEMORY, "%s: no memory for its layout", b->path);
    full[v].dimension[full[v].rank++] = last;
  }
  b->full.dimensions = dimensions;
  b->full.variables = full;
  return VJ_OK;
}

/* --- data sets ----------------------------------------------------------------------------------------------- */

/* Creation properties: the whole data set is laid out now, so that no later write changes metadata. */
static const double no_number = NAN;
static const float no_float = NAN;
static const int64_t no_integer = -1;

const void *vj_sweep_file_empty_value(vj_file_type type) {
  return type == VJ_FILE_DOUBLE  ? (const void *)&no_number
         : type == VJ_FILE_FLOAT ? (const void *)&no_float
         : type == VJ_FILE_INT64 ? (const void *)&no_integer
                                 : NULL;
}

static hid_t creation_properties(const vj_file_variable *variable, hid_t type) {
  const void *empty = vj_sweep_file_empty_value(variable->type);
  const hid_t properties = H5Pcreate(H5P_DATASET_CREATE);
  const bool set =
      H5Pset_layout(properties, H5D_CONTIGUOUS) >= 0 && H5Pset_alloc_time(properties, H5D_ALLOC_TIME_EARLY) >= 0 &&
      H5Pset_fill_time(properties, H5D_FILL_TIME_NEVER) >= 0 && H5Pset_obj_track_times(properties, 0) >= 0 &&
      (!empty || H5Pset_fill_value(properties, type, empty) >= 0);
  if (set) return properties;
  if (properties >= 0) H5Pclose(properties);
  return H5I_INVALID_HID;
}

static hid_t type_in_file(vj_file_type type) {
  switch (type) {
    case VJ_FILE_DOUBLE:
      return H5T_IEEE_F64LE;
    case VJ_FILE_FLOAT:
      return H5T_IEEE_F32LE;
    case VJ_FILE_INT64:
      return H5T_STD_I64LE;
    case VJ_FILE_UINT8:
      return H5T_STD_U8LE;
    case VJ_FILE_TEXT:
      break;
  }
  return H5T_C_S1; /* one character */
}

static vj_status create_data_set(vj_sweep_file_contents *b, const vj_file_variable *variable, hid_t *data_set) {
  hsize_t size[VJ_FILE_MAX_DIMENSIONS] = {0};
  for (int i = 0; i < variable->rank; i++) size[i] = (hsize_t)b->full.dimensions[variable->dimension[i]].size;
  const hid_t type = type_in_file(variable->type);
  const hid_t space = H5Screate_simple(variable->rank, size, NULL);
  const hid_t properties = creation_properties(variable, type);
  *data_set = H5Dcreate2(b->file, variable->name, type, space, H5P_DEFAULT, properties, H5P_DEFAULT);
  const vj_status status = *data_set >= 0 ? VJ_OK : build_fail(b, "%s can't be created", variable->name);
  if (properties >= 0) H5Pclose(properties);
  if (space >= 0) H5Sclose(space);
  VJ_TRY(status);
  if (variable->type == VJ_FILE_TEXT) VJ_TRY(write_text(b, *data_set, "_Encoding", "utf-8"));
  VJ_TRY(write_text(b, *data_set, "units", variable->units));
  VJ_TRY(write_text(b, *data_set, "long_name", variable->long_name));
  return write_flags(b, *data_set, variable);
}

/* A dimension is a data set of its coordinate values, marked as a dimension scale. */
static vj_status create_scale(vj_sweep_file_contents *b, int dimension) {
  const vj_file_dimension *d = &b->full.dimensions[dimension];
  const vj_file_variable variable = {.name = d->name,
                                     .type = VJ_FILE_INT64,
                                     .rank = 1,
                                     .dimension = {dimension},
                                     .units = d->units,
                                     .long_name = d->long_name};
  hid_t *scale = &b->scales[dimension];
  VJ_TRY(create_data_set(b, &variable, scale));
  int64_t *counted = NULL;
  if (!d->values) {
    VJ_TRY(vj_allocate((size_t)d->size, sizeof *counted, "coordinate values", &counted));
    for (int64_t i = 0; i < d->size; i++) counted[i] = i;
  }
  const void *values = d->values ? d->values : counted;
  const bool written = H5Dwrite(*scale, H5T_NATIVE_INT64, H5S_ALL, H5S_ALL, H5P_DEFAULT, values) >= 0 &&
                       H5DSset_scale(*scale, d->name) >= 0 &&
                       H5Rcreate(&b->scale_references[dimension], b->file, d->name, H5R_OBJECT, -1) >= 0;
  const vj_status status = written ? VJ_OK : build_fail(b, "dimension %s can't be written", d->name);
  free(counted);
  return status;
}

/* netCDF's dimension without coordinate values: a data set that no one reads, with a certain name. It has its storage
 * from the start, too: HDF5 would allocate it when the file is first opened in parallel. */
static vj_status create_bare_scale(vj_sweep_file_contents *b, int dimension) {
  const vj_file_dimension *d = &b->full.dimensions[dimension];
  const hsize_t size = (hsize_t)d->size;
  char name[sizeof VJ_FILE_BARE_DIMENSION + 24];
  snprintf(name, sizeof name, "%s%10lld", VJ_FILE_BARE_DIMENSION, (long long)d->size);
  const hid_t space = H5Screate_simple(1, &size, NULL), properties = H5Pcreate(H5P_DATASET_CREATE);
  const bool set =
      H5Pset_obj_track_times(properties, 0) >= 0 && H5Pset_alloc_time(properties, H5D_ALLOC_TIME_EARLY) >= 0;
  const hid_t scale = H5Dcreate2(b->file, d->name, H5T_STD_I8LE, space, H5P_DEFAULT, properties, H5P_DEFAULT);
  const bool written = set && scale >= 0 && H5DSset_scale(scale, name) >= 0 &&
                       H5Rcreate(&b->scale_references[dimension], b->file, d->name, H5R_OBJECT, -1) >= 0;
  const vj_status status = written ? VJ_OK : build_fail(b, "dimension %s can't be written", d->name);
  if (properties >= 0) H5Pclose(properties);
  if (space >= 0) H5Sclose(space);
  b->scales[dimension] = scale;
  return status;
}

/* --- dimension scales attached ------------------------------------------------------------------------------- */

/* We write the attributes of HDF5's dimension scale specification ourselves. H5DSattach_scale rewrites a growing
 * list for each variable, and writes the padding in its records as it finds it, so that no two files are equal. */
typedef struct reference_record {
  hobj_ref_t data_set;
  int dimension;
} reference_record;

static vj_status attach_to_variable(vj_sweep_file_contents *b, int64_t variable) {
  const vj_file_variable *v = &b->full.variables[variable];
  if (v->rank == 0) return VJ_OK;
  hvl_t lists[VJ_FILE_MAX_DIMENSIONS];
  for (int i = 0; i < v->rank; i++) lists[i] = (hvl_t){.len = 1, .p = &b->scale_references[v->dimension[i]]};
  const hid_t type = H5Tvlen_create(H5T_STD_REF_OBJ);
  HDF5_TRY(b, type, "%s: dimensions", v->name);
  const vj_status status = write_attribute(b, b->variables[variable], "DIMENSION_LIST", type, (hsize_t)v->rank, lists);
  H5Tclose(type);
  return status;
}

static vj_status list_users(vj_sweep_file_contents *b, int dimension, hid_t type, reference_record *records) {
  hsize_t count = 0;
  for (int64_t v = 0; v < b->full.variable_count; v++) {
    for (int i = 0; i < b->full.variables[v].rank; i++) {
      if (b->full.variables[v].dimension[i] != dimension) continue;
      records[count].data_set = b->variable_references[v];
      records[count++].dimension = i;
    }
  }
  return count ? write_attribute(b, b->scales[dimension], "REFERENCE_LIST", type, count, records) : VJ_OK;
}

static vj_status attach_scales(vj_sweep_file_contents *b) {
  reference_record *records = NULL;
  for (int64_t v = 0; v < b->full.variable_count; v++) VJ_TRY(attach_to_variable(b, v));
  /* Zeroed memory of its own: the records' padding is written too. */
  VJ_TRY(vj_allocate((size_t)b->full.variable_count + 1, VJ_FILE_MAX_DIMENSIONS * sizeof *records, "lists of variables",
                     &records));
  const hid_t type = H5Tcreate(H5T_COMPOUND, sizeof *records);
  vj_status status = VJ_OK;
  if (type < 0 || H5Tinsert(type, "dataset", HOFFSET(reference_record, data_set), H5T_STD_REF_OBJ) < 0 ||
      H5Tinsert(type, "dimension", HOFFSET(reference_record, dimension), H5T_NATIVE_INT) < 0)
    status = build_fail(b, "lists of variables can't be made");
  for (int d = 0; status == VJ_OK && d < b->full.dimension_count; d++) status = list_users(b, d, type, records);
  if (type >= 0) H5Tclose(type);
  free(records);
  return status;
}

/* --- the file ------------------------------------------------------------------------------------------------ */

static vj_status write_file_attributes(vj_sweep_file_contents *b) {
  const int64_t format = VJ_FILE_FORMAT, seal = VJ_FILE_SEAL;
  size_t bytes = 1;
  for (int64_t v = 0; v < b->layout->variable_count; v++) bytes += strlen(b->layout->variables[v].name) + 1;
  char *coordinates = vj_pool_take(b->pool, bytes);
  if (!coordinates) return vj_fail(VJ_MEMORY, "%s: no memory for the names of coordinates", b->path);
  for (int64_t v = 0; v < b->layout->variable_count; v++) {
    if (!b->layout->variables[v].is_coordinate) continue;
    if (coordinates[0]) strcat(coordinates, " ");
    strcat(coordinates, b->layout->variables[v].name);
  }
  VJ_TRY(write_attribute(b, b->file, VJ_FILE_MARKER, H5T_STD_I64LE, 0, &format));
  VJ_TRY(write_attribute(b, b->file, VJ_FILE_SEALED, H5T_STD_I64LE, 0, &seal));
  VJ_TRY(write_text(b, b->file, "Conventions", "CF-1.8"));
  VJ_TRY(write_text(b, b->file, "coordinates", coordinates));
  for (int64_t i = 0; i < b->layout->attribute_count; i++)
    VJ_TRY(write_text(b, b->file, b->layout->attributes[i].name, b->layout->attributes[i].text));
  return VJ_OK;
}

vj_status vj_sweep_file_fill(vj_sweep_file_contents *b) {
  VJ_TRY(vj_pool_create(&b->pool));
  VJ_TRY(write_out_texts(b));
  const size_t dimensions = (size_t)b->full.dimension_count, variables = (size_t)b->full.variable_count;
  b->scales = vj_pool_take(b->pool, dimensions * sizeof *b->scales);
  b->variables = vj_pool_take(b->pool, variables * sizeof *b->variables);
  b->places = vj_pool_take(b->pool, variables * sizeof *b->places);
  b->scale_references = vj_pool_take(b->pool, dimensions * sizeof *b->scale_references);
  b->variable_references = vj_pool_take(b->pool, variables * sizeof *b->variable_references);
  if (!b->scales || !b->variables || !b->places || !b->scale_references || !b->variable_references)
    return vj_fail(VJ_MEMORY, "%s: no memory for its data sets", b->path);
  for (int d = 0; d < b->full.dimension_count; d++)
    VJ_TRY(d < b->layout->dimension_count ? create_scale(b, d) : create_bare_scale(b, d));
  for (size_t v = 0; v < variables; v++) {
    const vj_file_variable *variable = &b->full.variables[v];
    VJ_TRY(create_data_set(b, variable, &b->variables[v]));
    HDF5_TRY(b, H5Rcreate(&b->variable_references[v], b->file, variable->name, H5R_OBJECT, -1), "%s", variable->name);
    b->places[v] = (off_t)H5Dget_offset(b->variables[v]);
  }
  VJ_TRY(attach_scales(b));
  return write_file_attributes(b);
}
