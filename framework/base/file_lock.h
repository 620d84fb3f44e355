/* Locks of whole files, which hold between processes and, where the file system is shared, between machines. They
 * belong to an open file description: who dies, or closes it, lets go. By flock(2); where that fails or lies (Lustre
 * mounted without `flock`, NFS without its lock daemon) by fcntl's locks of open file descriptions. Not collective. */
#ifndef VJ_FRAMEWORK_BASE_FILE_LOCK_H
#define VJ_FRAMEWORK_BASE_FILE_LOCK_H

#include <sys/file.h> /* LOCK_EX and its like */

typedef enum vj_lock_way { VJ_LOCK_FLOCK, VJ_LOCK_FCNTL, VJ_LOCK_NONE } vj_lock_way;

/* LOCK_EX, LOCK_SH, either with LOCK_NB, or LOCK_UN; interrupted calls are made again. 0, or the number of the system's
 * error; EWOULDBLOCK if someone else has it. With VJ_LOCK_NONE always 0. */
int vj_file_lock(int descriptor, int how);

/* The way that keeps others out of a file, which is there and may be in use; where it can't be opened for writing, the
 * way of this process. */
vj_lock_way vj_file_lock_probe(const char *path);
/* The way of this process from now on; at first VJ_LOCK_FLOCK. */
void vj_file_lock_use(vj_lock_way way);
vj_lock_way vj_file_lock_way(void);

#endif
