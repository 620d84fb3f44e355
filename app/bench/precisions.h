/* Which precision multiplies faster on this machine: advice for people. No result depends on it. */
#ifndef VJ_APP_BENCH_PRECISIONS_H
#define VJ_APP_BENCH_PRECISIONS_H

#include "vj/status.h"

typedef struct vj_precisions {
  double fp32, bf16; /* GFLOP/s of one thread's products, with the factors in its cache */
} vj_precisions;

enum { VJ_PRECISIONS_BYTES = 192 };

/* Some milliseconds. Not collective. */
VJ_MUST_USE vj_status vj_precisions_measure(vj_precisions *found);
/* What `info` says of it. */
const char *vj_precisions_text(const vj_precisions *found, char text[VJ_PRECISIONS_BYTES]);
/* What a dry run says to who asked for bf16 where it is the slower one; "" where it is not. */
const char *vj_precisions_advice(const vj_precisions *found, char text[VJ_PRECISIONS_BYTES]);

#endif
