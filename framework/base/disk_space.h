/* The room that a disk has. Not collective. */
#ifndef VJ_FRAMEWORK_BASE_DISK_SPACE_H
#define VJ_FRAMEWORK_BASE_DISK_SPACE_H

/* Bytes that are free on the disk where a path lies or, as far as it does not exist, would be made; negative if that
 * can't be told. Quotas are not seen. */
double vj_disk_free(const char *path);

#endif
