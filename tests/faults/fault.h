/* When a call is to go wrong, and how; the environment says it. Of a library that is put before a program's others
 * (LD_PRELOAD): interpose.c catches the calls, this file counts them.
 *
 *   VJ_FAULT         count: nothing happens; ENOSPC, EDQUOT, EIO, ENOLCK, EINTR: the call fails; short: it writes half;
 * kill, killed: the process dies before or after it; stopped: it is stopped (SIGSTOP) after it; memory: an allocation
 * fails VJ_FAULT_AT      the number of the call, from 1; 0 or none: no call, they are only counted VJ_FAULT_EVER    if
 * set, every call from that number on VJ_FAULT_FOLDER  files in this folder count (an absolute path), no others
 *   VJ_FAULT_ON      only calls count whose line in the log holds this text, e.g. "flock ./lock"
 *   VJ_FAULT_RANK    only on this rank of Open MPI's
 *   VJ_FAULT_LOG     a file that gets a line for each call that counts: "<operation> <path within the folder>", or for
 *                    an allocation the places in the program that asked for it; of several ranks, <file>.<rank> */
#ifndef VJ_TESTS_FAULTS_FAULT_H
#define VJ_TESTS_FAULTS_FAULT_H

#include <stdbool.h>
#include <stddef.h>

enum { FAULT_NONE = 0, FAULT_SHORT = -1 };

/* What may happen to a call, beside a kill: bits. */
enum { MAY_FAIL = 1, MAY_BE_SHORT = 2, MAY_BE_INTERRUPTED = 4, MAY_LACK = 8 /* where a file system has no locks */ };

/* All calls count; one that a fault can't happen to is made as ever. */

/* A call on a path or, when that is NULL, on a descriptor. Counts it if it is of the folder; what it returns is
 * FAULT_NONE, FAULT_SHORT, or the number of the error to fail with. Ends the process if that is due. */
int fault_before(const char *operation, const char *path, int descriptor, int may);

/* After a call that was made: ends or stops the process if that is due. */
void fault_after(void);

/* Whether this allocation is to fail; `caller` is where its caller goes on. */
bool fault_of_memory(const void *caller);

#endif
