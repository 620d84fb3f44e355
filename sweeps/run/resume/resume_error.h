/* What is said when the trials of a sweep file are not those of the YAML any more. Not collective. */
#ifndef VJ_SWEEPS_RUN_RESUME_RESUME_ERROR_H
#define VJ_SWEEPS_RUN_RESUME_RESUME_ERROR_H

#include "sweeps/run/resume/resume_match.h"

typedef struct vj_known_trial {
  const char *arm;
  const vj_yaml *resolved; /* as this program resolves it; NULL: nothing was written for it yet */
} vj_known_trial;

/* A trial as its row describes it. In the pool. */
VJ_MUST_USE vj_status vj_known_trial_read(vj_pool *pool, const vj_sweep_file *file, const char *path, int64_t row,
                                          vj_known_trial *trial);

typedef struct vj_lost_trials {
  const vj_sweep_file *file;
  const char *path;
  const vj_space *space;
  const int64_t *row; /* of each trial of the space; below 0: it has none */
  int64_t count;
  const int64_t *rows; /* that are no trial of the space */
} vj_lost_trials;

/* Fails with the list of what changed. Each lost row is compared with the trial that is nearest to it among those that
 * have none; where there is no such trial it is gone. */
vj_status vj_resume_error(vj_pool *pool, const vj_lost_trials *lost, const vj_match_terms *terms);

#endif
