/* What `vjvcr bench` measured of training steps, summed up and printed. Not collective, but for the sum over ranks. */
#ifndef VJ_APP_BENCH_REPORT_H
#define VJ_APP_BENCH_REPORT_H

#include "app/bench/peak.h"
#include "framework/train/loading/loader.h"
#include "framework/train/model/model.h"
#include "framework/train/model/optimizer.h"

typedef struct vj_bench {
  const vj_config *config;
  const vj_comm *world;
  vj_loader loader;
  vj_model *model;
  vj_optimizer_state optimizer;
  int64_t steps;                 /* timed */
  double *data, *graph, *update; /* seconds of every timed step */
  vj_peak peak;                  /* of this rank */
  double planning;               /* seconds until the graphs stood, with the kernels that were made for them */
  double memory, memory_all;     /* peak bytes of this process, of those of all ranks */
  double wait;
  double *least; /* that any rank waited at each place of the newest run */
  /* Of a step, means over ranks: in exchanges themselves, for slower ranks; sent to other ranks. */
  double exchange, idle, messages, sent;
} vj_bench;

VJ_MUST_USE vj_status vj_bench_print_text(vj_bench *bench, bool by_scope);
VJ_MUST_USE vj_status vj_bench_print_json(vj_bench *bench);

#endif
