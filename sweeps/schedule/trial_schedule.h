/* Which trial runs when, and on how many ranks: a pure function of the trials, of what they are expected to cost and
 * of the number of ranks. The room sees sweeps/space; beside this file cost_model.h says how long a step takes,
 * makespan.h how long a schedule, and rank_advice.h how many ranks pay. Not collective.
 *
 * Ranks start in groups of the largest size that a trial asks for. A group takes the trials of its size; when none of
 * these waits any more, it splits into halves, which take the smaller ones. */
#ifndef VJ_SWEEPS_SCHEDULE_TRIAL_SCHEDULE_H
#define VJ_SWEEPS_SCHEDULE_TRIAL_SCHEDULE_H

#include "sweeps/space/space.h"
#include "framework/train/model/model.h"

typedef struct vj_trial_schedule {
  int ranks;       /* all of them */
  int most, least; /* of the largest and the smallest group */
  int *of_trial;   /* for each trial, the ranks that train it together */
  int64_t
      trial_count; /* all trials; in `order` those of the largest groups first, and those of one size in the order */
  int64_t *order;  /* in which they are taken */
  int64_t reduced; /* trials that ask for more ranks than there are, */
  int64_t asked;   /* at most so many, and get `most` */
} vj_trial_schedule;

/* `ranks_per_trial`: of trials that say nothing themselves (optim.ranks is 0); 0: as few as keep all ranks busy. Until
 * vj_trial_schedule_sort the trials of one size are in their own order. A trial that asks for more ranks than there are
 * gets as many as there are, since its numbers do not depend on it. Errors name the numbers that do not fit. */
VJ_MUST_USE vj_status vj_trial_schedule_create(vj_pool *pool, const vj_space *space, int ranks, int ranks_per_trial,
                                               vj_trial_schedule **schedule);

/* Among trials of one size: sample after sample, and within a sample those of the most work first, so that a sweep
 * does not end with one long trial; equal ones keep their order. With early stopping a grid is shuffled instead, and
 * samples are taken as they come. `work`: of each trial, in any unit; one that is not known (NaN) counts as none. */
VJ_MUST_USE vj_status vj_trial_schedule_sort(vj_trial_schedule *schedule, const vj_space *space, const double *work);

/* How often each graph of a trial is run. */
typedef struct vj_trial_runs {
  double train, evaluate, decode, calibrate;
} vj_trial_runs;
vj_trial_runs vj_trial_count_runs(const vj_config *config);
/* Floating-point operations of a whole trial: calibration, steps, evaluations, probing and the decoder's
 * training afterwards. */
double vj_trial_work(const vj_config *config, const vj_model *model);

/* Those of a size among `order`, from *first on. */
void vj_trial_schedule_find(const vj_trial_schedule *schedule, int size, int64_t *first, int64_t *count);
/* The group that a rank starts in: its first rank, and its size. */
void vj_trial_schedule_block(const vj_trial_schedule *schedule, int rank, int *first, int *size);
/* Whether a rank is, or can become by splitting, the first of its group. */
bool vj_trial_schedule_may_lead(const vj_trial_schedule *schedule, int rank);

/* "2 on 4 ranks each, 10 on 1"; and the sentence about trials that ask for more than there are, or NULL. In the pool.
 */
const char *vj_trial_schedule_text(vj_pool *pool, const vj_trial_schedule *schedule);
const char *vj_trial_schedule_note(vj_pool *pool, const vj_trial_schedule *schedule);

/* Ranks of each group when all trials have groups of one size, whatever they ask for. */
VJ_MUST_USE vj_status vj_sweep_group_size(const vj_space *space, int ranks, int ranks_per_trial, int *group_size);

#endif
