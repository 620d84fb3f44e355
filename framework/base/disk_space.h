/* The room that a disk has. Not collective. */
#ifndef VJ_FREE_DISK_H
#define VJ_FREE_DISK_H

/* Bytes that are free on the disk where a path lies or, as far as it does not exist, would be made; negative if that
 * can't be told. Quotas are not seen. */
double vj_disk_free(const char *path);

#endif
