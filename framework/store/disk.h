/* Bytes on the disk, all of them: half a write and an interrupted call are not the end of it. */
#ifndef VJ_FRAMEWORK_STORE_DISK_H
#define VJ_FRAMEWORK_STORE_DISK_H

#include <stddef.h>
#include <sys/types.h>

/* Both return 0, or the number of the system's error. */
int vj_disk_write(int descriptor, const void *bytes, size_t count, off_t at);
/* Waits until what was written lies on the disk. */
int vj_disk_sync(int descriptor);

#endif
