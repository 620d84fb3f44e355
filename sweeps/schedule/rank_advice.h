/* How many ranks should train a trial together? The cost model's answer for a sweep, on so many ranks of a machine.
 * Not collective. */
#ifndef VJ_SWEEPS_SCHEDULE_RANK_ADVICE_H
#define VJ_SWEEPS_SCHEDULE_RANK_ADVICE_H

#include "sweeps/schedule/cost_model.h"
#include "sweeps/space/space.h"

/* One number of ranks for a trial. Trials that name their own (optim.ranks) keep it. */
typedef struct vj_rank_row {
  int ranks_per_trial;
  int64_t ranks;     /* that have a trial to train */
  double memory;     /* bytes of a rank of the hungriest trial */
  bool fits;         /* as many ranks as work on a node into its memory */
  double step;       /* seconds: one step of the longest trial; */
  double trial;      /* that trial; */
  double sweep;      /* all of them */
  double efficiency; /* time of all trials on one rank each, over that of all ranks there are */
} vj_rank_row;

/* What a trial was seen to take, in seconds: one step; evaluations and all else that ranks share; what they do not. */
typedef struct vj_trial_time {
  double step, shared, fixed;
} vj_trial_time;

typedef struct vj_rank_question {
  const vj_space *space;
  const int64_t *like; /* as the layout's: for each trial the first of its size, -1: it can't run */
  const double *work;  /* of each trial, for their order */
  const double *share; /* of each trial that early stopping lets it come to; NULL: all of it */
  /* Of each trial on `measured_ranks` of it, a step of 0: not known. NULL: of none. The model then says only how they
   * change with the number of ranks. */
  const vj_trial_time *measured;
  const int *measured_ranks;
  const vj_cluster *cluster;
  int64_t ranks;
} vj_rank_question;

typedef struct vj_rank_advice {
  int row_count;
  const vj_rank_row *rows; /* 1, 2, 4, ... */
  int best;                /* the row that is suggested; -1: nothing fits, or nothing can run */
  const char *reason;      /* a sentence about it */
  const char *limit;       /* a sentence about where more ranks stop paying, or why not all are used; NULL: none */
} vj_rank_advice;

/* Everything lives in the pool. Builds a model of each size, allocating no numbers. */
VJ_MUST_USE vj_status vj_rank_advise(vj_pool *pool, const vj_rank_question *question, vj_rank_advice **advice);

#endif
