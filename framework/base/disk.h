/* Bytes on a disk. Not collective. Functions of type int return 0, or the number of the system's error. */
#ifndef VJ_FRAMEWORK_BASE_DISK_H
#define VJ_FRAMEWORK_BASE_DISK_H

#include <stddef.h>
#include <sys/types.h>

/* Writes all of them: half a write and an interrupted call are not the end of it. */
int vj_disk_write(int descriptor, const void *bytes, size_t count, off_t at);
/* Waits until what was written to the file lies on the disk. */
int vj_disk_sync(int descriptor);
/* The same for the names in the folder that `path` lies in. */
int vj_disk_sync_folder(const char *path);

/* Why a file can't be written, in words: "the disk is full". */
const char *vj_disk_reason(int cause);

/* Bytes that are free on the disk where a path lies or, as far as it does not exist, would be made; negative if that
 * can't be told. Quotas are not seen. */
double vj_disk_free(const char *path);

#endif
