/* Files that get their name when they are whole: written aside, brought to the disk, renamed, the folder brought to the
 * disk. So a file of that name is always complete, the one before or the new one, whatever is killed when. Three ways:
 * bytes at hand, a stream, a file that was written already. Not collective. */
#ifndef VJ_FRAMEWORK_BASE_ATOMIC_FILE_H
#define VJ_FRAMEWORK_BASE_ATOMIC_FILE_H

#include <stdbool.h>
#include <stdio.h>
#include <sys/uio.h>

#include "vj/status.h"

/* Writes `count` pieces, one behind the other, by way of `temporary`, a name in the same folder. 0, or the number of
 * the system's error; then `temporary` is gone. */
int vj_atomic_write(const char *path, const char *temporary, const struct iovec *pieces, int count);

/* Gives a whole file `temporary` of the same folder the name `path`. 0, or the number of the system's error. */
int vj_atomic_publish(const char *temporary, const char *path);

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
