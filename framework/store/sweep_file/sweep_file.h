/* framework/store is all that lies on the disk: sweep.h5 here, the ledger, checkpoints, event files. It sees comm,
 * config and base, and knows nothing of training. Begin here, then ledger/ledger.h and checkpoint.h.
 *
 * sweep.h5: everything measured, for all trials, in a file that is created whole before the first step.
 *
 * The store knows HDF5 and nothing of training: the caller lays out dimensions and variables, then writes
 * rectangles. Every data set is allocated early, contiguous and filled (NaN for reals, -1 for integers, 0 for bytes, ""
 * for text); time stamps are off; after creation only values are written, by parallel HDF5 and each process for itself,
 * so a kill at any moment leaves a readable file. It opens in xarray (h5netcdf, netcdf4) as it is: dimension scales are
 * attached, coordinates are listed in the global attribute `coordinates`, `units` and `long_name` stand with every
 * variable. Text is netCDF's fixed-length text: characters with a last dimension `text_<bytes>`, which no one sees here
 * or in xarray. Behind all that stands a seal (seal.h), by which a changed byte is noticed before HDF5 meets it.
 */
#ifndef VJ_FRAMEWORK_STORE_SWEEP_FILE_SWEEP_FILE_H
#define VJ_FRAMEWORK_STORE_SWEEP_FILE_SWEEP_FILE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "framework/comm/comm.h"

enum { VJ_FILE_MAX_DIMENSIONS = 6 };

typedef struct vj_file_dimension {
  const char *name; /* "trial" */
  int64_t size;
  const int64_t *values; /* of its coordinate; NULL: 0..size-1 */
  const char *units, *long_name;
} vj_file_dimension;

typedef enum vj_file_type { VJ_FILE_DOUBLE, VJ_FILE_FLOAT, VJ_FILE_INT64, VJ_FILE_UINT8, VJ_FILE_TEXT } vj_file_type;

typedef struct vj_file_variable {
  const char *name;
  vj_file_type type;
  int64_t text_bytes;                    /* of TEXT: room for each in UTF-8, the ending zero included */
  int rank;                              /* number of dimensions */
  int dimension[VJ_FILE_MAX_DIMENSIONS]; /* indices into the layout's dimensions */
  const char *units, *long_name;
  bool is_coordinate;
  const char *flags; /* of INT64: "0 waiting|1 running|2 done" -> CF flag_values and flag_meanings; or NULL */
  bool is_fixed;     /* written before the file has its name, and never again */
  /* The variable, INT64 with the first dimension of this one alone, that holds the CRC-32 of each row of this and all
   * others of the same; the own name: this one holds such; NULL: rows have none. */
  const char *checksum;
} vj_file_variable;

typedef struct vj_file_attribute {
  const char *name, *text;
} vj_file_attribute;

typedef struct vj_file_layout {
  int64_t dimension_count, variable_count, attribute_count;
  const vj_file_dimension *dimensions;
  const vj_file_variable *variables;
  const vj_file_attribute *attributes; /* of the file: title, versions, ... */
} vj_file_layout;

typedef struct vj_sweep_file vj_sweep_file;

/* Bytes of the file with everything around its values, estimated from above. */
int64_t vj_sweep_file_estimate(const vj_file_layout *layout);

/* Not collective, one rank calls it: writes the whole file under a temporary name in the same folder, fsyncs and
 * renames it to `path`, so that a file of that name is always complete. A full disk, or a folder that can't be
 * written, is an error that says so and leaves nothing behind. Before the file gets its name `fill`, unless it is NULL,
 * writes into it, not collective, and may read. */
typedef vj_status vj_sweep_file_filler(void *context, vj_sweep_file *fresh);
VJ_MUST_USE vj_status vj_sweep_file_create(const char *path, const vj_file_layout *layout, vj_sweep_file_filler *fill,
                                           void *context);
/* The same, taking the place of the file of that name, which stays as it is until the new one is whole and on the
 * disk. Whoever has the old one open keeps it. What earlier attempts left behind is removed: the caller sees to it
 * that there is only one at a time. */
VJ_MUST_USE vj_status vj_sweep_file_replace(const char *path, const vj_file_layout *layout, vj_sweep_file_filler *fill,
                                            void *context);

/* Not collective: removes what killed processes left of files that were to become `path`. */
void vj_sweep_file_tidy(const char *path);

/* Collective over `comm` (the roots of all groups): opens an existing file for writing; on all ranks or on none. */
VJ_MUST_USE vj_status vj_sweep_file_open(const vj_comm *comm, const char *path, vj_sweep_file **file);
/* Not collective: opens for reading, also while others write. A file that is no sweep is an error that says so. */
VJ_MUST_USE vj_status vj_sweep_file_read_only(const char *path, vj_sweep_file **file);
/* Not collective. Nulls the handle, which may be NULL; what was written needs no closing. One on a disk that takes no
 * more writes can't be closed: it is left as it is. */
void vj_sweep_file_close(vj_sweep_file **file);

/* The rest is not collective. */

/* Index of a variable, or -1. */
int vj_sweep_file_find(const vj_sweep_file *file, const char *name);
int vj_sweep_file_variable_count(const vj_sweep_file *file);
/* Name, type, rank, sizes of each dimension, dimension names; strings live as long as the file is open. */
typedef struct vj_file_variable_info {
  const char *name, *units, *long_name;
  vj_file_type type;
  int64_t text_bytes;
  int rank;
  int64_t size[VJ_FILE_MAX_DIMENSIONS];
  const char *dimension[VJ_FILE_MAX_DIMENSIONS];
  bool is_coordinate;
} vj_file_variable_info;
void vj_sweep_file_variable(const vj_sweep_file *file, int variable, vj_file_variable_info *info);
/* Of one value in the file. */
int64_t vj_sweep_file_value_bytes(vj_file_type type, int64_t text_bytes);
/* The file attribute's text, or NULL. */
const char *vj_sweep_file_attribute(const vj_sweep_file *file, const char *name);
/* The i-th of those that are texts; NULL behind the last. */
const vj_file_attribute *vj_sweep_file_attribute_at(const vj_sweep_file *file, int i);

/* A rectangle: `start` and `count` hold as many numbers as the variable has dimensions. Memory types as the file's:
 * double, float, int64_t, uint8_t; text as `text_bytes` each, zero-padded. */
VJ_MUST_USE vj_status vj_sweep_file_write(vj_sweep_file *file, int variable, const int64_t *start, const int64_t *count,
                                          const void *values);
VJ_MUST_USE vj_status vj_sweep_file_read(const vj_sweep_file *file, int variable, const int64_t *start,
                                         const int64_t *count, void *values);
/* --- rows and their checksums; of a file of an earlier version, which has none, nothing is done or wrong -------- */

/* Before any value of a row is written: it has no checksums until it is sealed again. */
VJ_MUST_USE vj_status vj_sweep_file_open_row(vj_sweep_file *file, int64_t row);
/* Brings what was written to the disk, and records the row's checksums as it stands there. */
VJ_MUST_USE vj_status vj_sweep_file_seal_row(vj_sweep_file *file, int64_t row);
/* Whether a row has checksums, true also where there are none in the file; whether they fit is not asked. */
VJ_MUST_USE vj_status vj_sweep_file_row_is_sealed(const vj_sweep_file *file, int64_t row, bool *is_sealed);
/* Opens a row, and gives it the values of a fresh file. */
VJ_MUST_USE vj_status vj_sweep_file_empty_row(vj_sweep_file *file, int64_t row);
/* Sets is_damaged[row] where a row has other values than it was sealed with. Also while others write. */
VJ_MUST_USE vj_status vj_sweep_file_compare_rows(const vj_sweep_file *file, bool *is_damaged);
/* VJ_DATA, with a sentence: always; where any row is. */
VJ_MUST_USE vj_status vj_sweep_file_damaged_row(const vj_sweep_file *file, int64_t row);
VJ_MUST_USE vj_status vj_sweep_file_check_rows(const vj_sweep_file *file);

/* Waits for what was written through this handle, or others of the file on this machine, to reach the disk. */
VJ_MUST_USE vj_status vj_sweep_file_sync(vj_sweep_file *file);

#endif
