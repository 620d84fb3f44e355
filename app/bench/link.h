/* Messages between ranks, measured: what `vjvcr bench --comm` prints. */
#ifndef VJ_APP_BENCH_LINK_H
#define VJ_APP_BENCH_LINK_H

#include <stdio.h>

#include "framework/comm/comm.h"
#include "sweeps/schedule/cluster.h"

enum { VJ_LINK_SIZES = 7 };

/* Seconds of collectives of a group of `ranks`, for arrays of so many bytes; a gather's are those of one rank. */
typedef struct vj_link_times {
  int ranks; /* 1: nothing was measured */
  double bytes[VJ_LINK_SIZES], sum[VJ_LINK_SIZES], exchange[VJ_LINK_SIZES], gather[VJ_LINK_SIZES];
} vj_link_times;

/* Collective: medians of some dozens of each. `comm` may have any size; of another than a power of two the last ranks
 * take no part. */
VJ_MUST_USE vj_status vj_link_measure(const vj_comm *comm, vj_link_times *times);
/* Latency from the smallest sums, bandwidth from the largest exchanges. Leaves `hidden` alone. Not collective. */
void vj_link_fit(const vj_link_times *times, vj_link *link);
/* As a table of comment lines of YAML. */
void vj_link_print(const vj_link_times *times, const char *where, FILE *to);

#endif
