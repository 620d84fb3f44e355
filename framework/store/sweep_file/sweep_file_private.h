/* What the sources of the sweep file share. No one else includes this. */
#ifndef VJ_FRAMEWORK_STORE_SWEEP_FILE_SWEEP_FILE_PRIVATE_H
#define VJ_FRAMEWORK_STORE_SWEEP_FILE_SWEEP_FILE_PRIVATE_H

#include <hdf5.h>
#include <stdbool.h>
#include <sys/types.h>

#include "framework/store/sweep_file/seal.h"

/* By this attribute of the file, an integer, we know our own. */
#define VJ_FILE_MARKER "vjvcr_format"
enum { VJ_FILE_FORMAT = 1 };
/* And by this one, likewise, that a file has a seal. */
#define VJ_FILE_SEALED "vjvcr_seal"
enum { VJ_FILE_SEAL = 1 };
/* So begins, by netCDF-4's convention, the scale name of a dimension that has no coordinate values. */
#define VJ_FILE_BARE_DIMENSION "This is a netCDF dimension but not a netCDF variable."

struct vj_sweep_file {
  vj_pool *pool;
  const char *path;
  bool writable;
  bool failing;   /* the last write or sync did not succeed */
  int descriptor; /* of the same file */
  hid_t file;
  int variable_count; /* the layout's variables, then its dimensions' coordinates */
  vj_file_variable_info *variables;
  int *by_name; /* their numbers, in the order of their names */
  hid_t *data_sets;
  vj_seal *seal;  /* NULL: of an earlier version, or not sealed yet */
  bool *is_fixed; /* for each variable, in a file that is sealed */
  int attribute_count;
  vj_file_attribute *attributes;
};

/* Fills `variables` and `attributes` of a file that is open in HDF5, and opens its data sets. `is_sealed`: a file that
 * should have a seal must have it. Not collective. */
VJ_MUST_USE vj_status vj_sweep_file_load(vj_sweep_file *file, bool is_sealed);

/* Opens for writing, by this process alone, a file that is not sealed yet. Not collective. */
VJ_MUST_USE vj_status vj_sweep_file_open_fresh(const char *path, vj_sweep_file **file);

/* Checks a layout; errors name the file, the dimension or variable, and what is wrong. */
VJ_MUST_USE vj_status vj_sweep_file_check_layout(const char *path, const vj_file_layout *layout);
/* A fresh file while HDF5 makes it. */
typedef struct vj_sweep_file_contents {
  const char *path;
  const vj_file_layout *layout; /* as it was given */
  vj_file_layout full;          /* with the dimensions of texts, which netCDF wants */
  hid_t file;
  vj_pool *pool;
  hid_t *scales;    /* [full.dimension_count] */
  hid_t *variables; /* [full.variable_count] */
  hobj_ref_t *scale_references, *variable_references;
  off_t *places; /* of each variable's first byte */
} vj_sweep_file_contents;
/* Writes the layout into `file`, which is open in HDF5; allocates the pool, which the caller destroys. */
VJ_MUST_USE vj_status vj_sweep_file_fill(vj_sweep_file_contents *contents);
/* What stands where nothing was written, one value; NULL: zeros. */
const void *vj_sweep_file_empty_value(vj_file_type type);
/* Writes the layout into an empty file that is open at `descriptor`; sentences name `path`. places[i]: where the i-th
 * variable begins. Leaves HDF5 holding nothing; on failure the file is of any content. */
VJ_MUST_USE vj_status vj_sweep_file_build(const char *path, int descriptor, const vj_file_layout *layout,
                                          off_t *places);

/* The sentence for a system error met while writing `path`. */
vj_status vj_sweep_file_system_fail(const char *path, const vj_file_layout *layout, const char *what, int cause);

#endif
