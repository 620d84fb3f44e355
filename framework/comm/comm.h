/* Groups of ranks and what they do together. A vj_comm is a plain view of an MPI communicator it owns.
 *
 * framework/comm is the one room of framework that calls MPI: sums in a fixed order, exchanges under way while others
 * compute, word of a stop. It sees framework/base. Begin here, then exchange.h and stop.h. */
#ifndef VJ_FRAMEWORK_COMM_COMM_H
#define VJ_FRAMEWORK_COMM_COMM_H

#include <mpi.h>
#include <stddef.h>
#include <stdint.h>

#include "vj/status.h"

typedef struct vj_comm {
  MPI_Comm mpi;
  int rank, size;
} vj_comm;

/* What this rank has sent to others since the program started, in sums, gathers and exchanges. */
typedef struct vj_traffic {
  int64_t messages, bytes;
} vj_traffic;
vj_traffic vj_comm_traffic(void);
/* For those who send: counts `messages` of `bytes` altogether. Called by the thread that calls MPI. */
void vj_comm_count(int64_t messages, int64_t bytes);

/* Collective over `parent`: a duplicate, so that our messages meet no one else's. */
VJ_MUST_USE vj_status vj_comm_create(MPI_Comm parent, vj_comm *comm);
/* Collective over `parent`: ranks of one color form a new communicator, ordered as in the parent. */
VJ_MUST_USE vj_status vj_comm_split(const vj_comm *parent, int color, vj_comm *comm);
/* Collective. */
void vj_comm_destroy(vj_comm *comm);

/* Collective: every rank brings the status of its own part; when any failed, all get the status and the sentence
 * of the lowest failing rank ("rank 3: ...", unless all failed). A failing rank so never leaves its
 * peers waiting in a later collective. */
VJ_MUST_USE vj_status vj_comm_agree(const vj_comm *comm, vj_status mine);

/* Collective: the bits that any rank has set, on all ranks. */
VJ_MUST_USE vj_status vj_comm_any(const vj_comm *comm, unsigned mine, unsigned *any);

/* Collective: the same of many bytes, in place. */
VJ_MUST_USE vj_status vj_comm_any_bytes(const vj_comm *comm, unsigned char *bytes, size_t count);

/* Collective: element-wise sums in a fixed binary tree, lower ranks on the left: ((r0+r1)+(r2+r3)); the same bits
 * on every rank. Size must be a power of two. In place. */
VJ_MUST_USE vj_status vj_comm_sum_double(const vj_comm *comm, double *values, size_t count);
/* Collective: all ranks' `count` bytes in rank order into `all` (size x count). */
VJ_MUST_USE vj_status vj_comm_gather_all(const vj_comm *comm, const void *mine, void *all, size_t bytes);
VJ_MUST_USE vj_status vj_comm_broadcast(const vj_comm *comm, void *bytes, size_t count, int root);
VJ_MUST_USE vj_status vj_comm_barrier(const vj_comm *comm);
/* Collective: the same for waits that may be long. Leaves the processor to others, and calls `meanwhile` now and then.
 */
VJ_MUST_USE vj_status vj_comm_wait(const vj_comm *comm, void (*meanwhile)(void *context), void *context);

#endif
