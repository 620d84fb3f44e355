/* A file that gets its name when it is whole: what is exported never lies there by halves. */
#ifndef VJ_FRAMEWORK_BASE_ATOMIC_FILE_H
#define VJ_FRAMEWORK_BASE_ATOMIC_FILE_H

#include <stdbool.h>
#include <stdio.h>

#include "vj/status.h"

typedef struct vj_atomic_file {
  char path[1024], temporary[1060];
  FILE *stream;
} vj_atomic_file;

/* VJ_IO with a sentence that names the file, here and below. */
VJ_MUST_USE vj_status vj_atomic_file_open(const char *path, vj_atomic_file *file);
VJ_MUST_USE vj_status vj_atomic_file_write(vj_atomic_file *file, const void *bytes, size_t count);
/* With `keep` it gets its name, if all could be written; else it is dropped. */
vj_status vj_atomic_file_close(vj_atomic_file *file, bool keep);

#endif
