/* The sweep file's layout for a list of trials: the union of what they measure, on common step and eval axes. Every
 * trial's model is built (not allocated) and its data set opened to know the sizes. Not collective: one rank. */
#ifndef VJ_SWEEPS_RUN_LAYOUT_H
#define VJ_SWEEPS_RUN_LAYOUT_H

#include "sweeps/space/space.h"
#include "framework/store/records/records.h"

typedef struct vj_sweep_layout {
  vj_file_layout file;
  const char **problems; /* for each trial: the sentence why it can't run, or NULL */
  int64_t problem_count;
  vj_status first_problem;
  size_t memory_bytes;     /* of a rank, of the hungriest trial */
  int64_t parameter_count; /* of the largest model */
  double checkpoint_bytes; /* of the largest checkpoint */
  int64_t *like; /* for each trial the first one whose model has the same numbers of parameters, bytes and operations,
                  * on as many ranks, so that its steps take as long; -1: it can't run */
  double *work;  /* of each trial, as vj_trial_work says; NaN: it can't run */
  int64_t *videos, *skipped;      /* of each trial's data set, over all splits: in use, and listed but unreadable */
  int64_t (*seen)[VJ_SPLITS + 1]; /* of each trial: videos that probes see of each split; at last, validation videos
                                   * behind losses and measures */
} vj_sweep_layout;

/* `root`: the experiment's tree, kept in the file. `ranks`: of each trial. Fails only when no trial can run, with the
 * first trial's sentence. */
VJ_MUST_USE vj_status vj_sweep_layout_create(vj_pool *pool, const vj_yaml *root, const vj_space *space,
                                             const int *ranks, vj_sweep_layout **layout);

#endif
