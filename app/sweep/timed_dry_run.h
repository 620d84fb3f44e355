/* How long trials would take, from a few real steps of one of each size. */
#ifndef VJ_APP_SWEEP_TIMED_DRY_RUN_H
#define VJ_APP_SWEEP_TIMED_DRY_RUN_H

#include "framework/comm/comm.h"
#include "sweeps/schedule/trial_schedule.h"
#include "vj/memory.h"

/* Seconds of one rank group, all groups working at the same time as they do in the sweep. */
typedef struct vj_timing {
  double start;               /* data opened, model allocated */
  double step, decoder_step;  /* one training step; one of the decoder trained afterwards, 0 without */
  double first, middle, last; /* the evaluation before training, one on the way, the one at the end */
  const char *problem;        /* why the trial fails at once; NULL if it does not. Owned by the pool */
} vj_timing;

/* Collective over `world`, in groups of `group` ranks: runs a few steps of a trial with all its evaluations, recording
 * nothing. A trial that fails has a problem; an error is what would stop a sweep. */
VJ_MUST_USE vj_status vj_timing_measure(vj_pool *pool, const vj_comm *world, int group, const vj_trial *trial,
                                        vj_timing *timing);

/* Seconds of a whole trial of that size. Not collective. */
double vj_timing_of_trial(const vj_timing *timing, const vj_config *config);

#endif
