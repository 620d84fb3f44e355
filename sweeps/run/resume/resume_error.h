/* What is said when the trials of a sweep file are not those of the YAML any more. Not collective. */
#ifndef VJ_SWEEPS_RUN_RESUME_RESUME_ERROR_H
#define VJ_SWEEPS_RUN_RESUME_RESUME_ERROR_H

#include "sweeps/space/space.h"
#include "framework/store/sweep_file/sweep_file.h"

typedef struct vj_known_trial {
  const char *arm;
  const vj_yaml *resolved; /* as this program resolves it; NULL: nothing was written for it yet */
} vj_known_trial;

/* A trial as its row describes it. In the pool. */
VJ_MUST_USE vj_status vj_known_trial_read(vj_pool *pool, const vj_sweep_file *file, const char *path, int64_t row,
                                          vj_known_trial *trial);

/* Fails with the list of what changed. Each of the `count` rows in `lost` is compared with the trial that is nearest to
 * it among those that have no row (row[i] < 0); where there is none the trial is gone. */
vj_status vj_resume_error(vj_pool *pool, const vj_sweep_file *file, const char *path, const vj_space *space,
                          const int64_t *row, const int64_t *lost, int64_t count);

#endif
