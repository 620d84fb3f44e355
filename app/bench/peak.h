/* What this machine can do at most, measured: the limits that `vjvcr bench` holds a training step against. */
#ifndef VJ_APP_BENCH_PEAK_H
#define VJ_APP_BENCH_PEAK_H

#include "vj/status.h"

/* Of all threads of this rank together. */
typedef struct vj_peak {
  double fma;    /* GFLOP/s of fused multiply-adds in float, with the vectors of vj_cpu_path() */
  double bf16;   /* GFLOP/s of the instruction for pairs of bf16; 0: the path has none */
  double memory; /* GB/s read and written by loops over arrays beyond the last cache; 0: not measured yet */
} vj_peak;

/* Independent chains in registers. Raises what is in `peak`: other work on the machine only lowers it. Not
 * collective. */
void vj_peak_measure_products(vj_peak *peak);
/* The better of a copy and of a = b + s c. Takes four times the last cache for the moment. Not collective. */
VJ_MUST_USE vj_status vj_peak_measure_memory(vj_peak *peak);

#endif
