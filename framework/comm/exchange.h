/* Sums of large arrays across a group, in a fixed tree, while the caller goes on computing.
 *
 * Recursive halving with distances 1, 2, 4, ... then recursive doubling back: each number is summed by one rank in
 * the order ((r0+r1)+(r2+r3)), so all ranks end with the same bits; each rank sends and receives 2 (1 - 1/R) of the
 * array. Nothing moves unless vj_exchange_progress or vj_exchange_wait is called.
 */
#ifndef VJ_FRAMEWORK_COMM_EXCHANGE_H
#define VJ_FRAMEWORK_COMM_EXCHANGE_H

#include <stdbool.h>

#include "framework/comm/comm.h"
#include "vj/graph.h"

typedef struct vj_exchange {
  const vj_comm *comm;
  vj_real *values, *received; /* `received` has room for half of them, rounded up */
  int64_t count;
  int tag;
  bool active;
  int stage;                 /* 0..levels-1 halving, then levels..2 levels-1 doubling */
  int64_t low[33], high[33]; /* the range this rank holds at each level */
  MPI_Request requests[2];
} vj_exchange;

/* Starts; the values must stay untouched until the exchange is complete. Collective over the group, in the same order
 * on all ranks; `tag` tells exchanges under way apart. The communicator's size is a power of two. */
VJ_MUST_USE vj_status vj_exchange_start(vj_exchange *exchange, const vj_comm *comm, vj_real *values, vj_real *received,
                                        int64_t count, int tag);
/* Takes whatever steps are possible without waiting. */
VJ_MUST_USE vj_status vj_exchange_progress(vj_exchange *exchange);
VJ_MUST_USE vj_status vj_exchange_wait(vj_exchange *exchange);

/* Collective: `all` holds this rank's `bytes` at its place and gets those of the others. */
VJ_MUST_USE vj_status vj_comm_gather_in_place(const vj_comm *comm, void *all, size_t bytes);

/* Collective: the `bytes` of every rank in rank order into `all` on `root`; elsewhere `all` may be NULL. */
VJ_MUST_USE vj_status vj_comm_gather(const vj_comm *comm, const void *mine, void *all, size_t bytes, int root);

#endif
