/* A plain HDF5 file of named arrays, written by one rank: for debugging, checkpoints and export. Readable by h5py. It
 * lies on the disk, or in memory as the image of one. */
#ifndef VJ_FRAMEWORK_STORE_ARRAY_FILE_H
#define VJ_FRAMEWORK_STORE_ARRAY_FILE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "vj/status.h"

typedef struct vj_array_file vj_array_file;

typedef enum vj_array_type { VJ_ARRAY_FLOAT, VJ_ARRAY_DOUBLE, VJ_ARRAY_INT64, VJ_ARRAY_UINT8 } vj_array_type;
/* Of vj_real. */
#ifdef VJ_DOUBLE
#define VJ_ARRAY_REAL VJ_ARRAY_DOUBLE
#else
#define VJ_ARRAY_REAL VJ_ARRAY_FLOAT
#endif

/* Not collective. Written under a temporary name; it gets its own when it is closed whole, after an fsync. */
VJ_MUST_USE vj_status vj_array_file_create(const char *path, vj_array_file **file);
/* "param/encoder.conv0.weight"; groups on the way are made. `layout` (may be NULL) becomes an attribute. Rank 0 is a
 * scalar. */
VJ_MUST_USE vj_status vj_array_file_put(vj_array_file *file, const char *name, vj_array_type type, int rank,
                                        const int64_t *size, const void *values, const char *layout);
/* Attributes of the file. */
VJ_MUST_USE vj_status vj_array_file_text(vj_array_file *file, const char *name, const char *text);
VJ_MUST_USE vj_status vj_array_file_integer(vj_array_file *file, const char *name, int64_t value);

/* In memory: `name` stands in sentences. What is put fills an image, which `image` copies out; the caller frees it. */
VJ_MUST_USE vj_status vj_array_file_create_image(const char *name, vj_array_file **file);
VJ_MUST_USE vj_status vj_array_file_image(vj_array_file *file, unsigned char **image, size_t *bytes);
/* Opens an image for reading, in place: the caller keeps it until the file is closed. VJ_DATA if it is no HDF5. */
VJ_MUST_USE vj_status vj_array_file_open_image(const char *name, unsigned char *image, size_t bytes,
                                               vj_array_file **file);
/* Puts another number into an attribute of an image, which keeps its size. VJ_DATA if it has no such attribute. */
VJ_MUST_USE vj_status vj_array_image_set_integer(const char *name, unsigned char *image, size_t bytes,
                                                 const char *attribute, int64_t value);
/* Whether there is an array of this type and shape. */
bool vj_array_file_holds(const vj_array_file *file, const char *name, vj_array_type type, int rank,
                         const int64_t *size);
typedef struct vj_array_info {
  const char *name; /* with its group: "param/encoder.conv0.weight" */
  vj_array_type type;
  int rank;
  int64_t size[16], count; /* numbers in all */
  char layout[16];         /* "" if the file does not say */
} vj_array_info;
/* Calls `each` for every array of a group, in the order of their names, until one call fails. No group is none. */
VJ_MUST_USE vj_status vj_array_file_each(const vj_array_file *file, const char *group,
                                         vj_status (*each)(void *context, const vj_array_info *info), void *context);
/* All numbers of an array that the file holds. */
VJ_MUST_USE vj_status vj_array_file_get(const vj_array_file *file, const char *name, vj_array_type type, void *values);
/* Attributes of the file; VJ_DATA if there is none of that name and kind. A text is cut to `bytes`. */
VJ_MUST_USE vj_status vj_array_file_get_integer(const vj_array_file *file, const char *name, int64_t *value);
VJ_MUST_USE vj_status vj_array_file_get_text(const vj_array_file *file, const char *name, char *text, size_t bytes);

/* Nulls the handle. With `keep` false the file is dropped; an image is, always. */
vj_status vj_array_file_close(vj_array_file **file, int keep);

#endif
