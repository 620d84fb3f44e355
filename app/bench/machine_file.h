/* `vjvcr bench FILE.yaml --comm`: this machine, described for `vjvcr sweep --dry-run --cluster`. */
#ifndef VJ_APP_BENCH_MACHINE_FILE_H
#define VJ_APP_BENCH_MACHINE_FILE_H

#include "framework/comm/comm.h"
#include "framework/graph/graph.h"

/* Of the training steps that were just run, on this rank. */
typedef struct vj_step_rates {
  double gflops, memory_gb_s; /* of kernels that multiply matrices; of the others */
  double call_us;             /* beside kernels, for each call of one */
} vj_step_rates;

/* `seconds`: of the graph's run without waiting, `steps`: that were profiled, by so many threads. Not collective. */
VJ_MUST_USE vj_status vj_step_rates_of(const vj_graph *graph, int64_t steps, double seconds, double threads,
                                       vj_step_rates *rates);
/* Collective: measures messages inside nodes and between them, and prints all of it on rank 0. */
VJ_MUST_USE vj_status vj_machine_describe(const vj_comm *world, const vj_step_rates *rates, const char *experiment);

#endif
