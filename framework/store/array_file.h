/* A plain HDF5 file of named arrays, written by one rank: for debugging, checkpoints and export. Readable by h5py. */
#ifndef VJ_ARRAY_FILE_H
#define VJ_ARRAY_FILE_H

#include <stdint.h>

#include "vj/status.h"

typedef struct vj_array_file vj_array_file;

typedef enum vj_array_type { VJ_ARRAY_FLOAT, VJ_ARRAY_DOUBLE, VJ_ARRAY_INT64 } vj_array_type;

/* Not collective. Written under a temporary name; it gets its own when it is closed whole, after an fsync. */
VJ_MUST_USE vj_status vj_array_file_create(const char *path, vj_array_file **file);
/* "param/encoder.conv0.weight"; groups on the way are made. `layout` (may be NULL) becomes an attribute. Rank 0 is a
 * scalar. */
VJ_MUST_USE vj_status vj_array_file_put(vj_array_file *file, const char *name, vj_array_type type, int rank,
                                        const int64_t *size, const void *values, const char *layout);
/* Attributes of the file. */
VJ_MUST_USE vj_status vj_array_file_text(vj_array_file *file, const char *name, const char *text);
VJ_MUST_USE vj_status vj_array_file_integer(vj_array_file *file, const char *name, int64_t value);
/* Nulls the handle. With `keep` false the file is dropped. */
vj_status vj_array_file_close(vj_array_file **file, int keep);

#endif
