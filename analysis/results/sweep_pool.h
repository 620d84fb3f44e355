/* Sweeps that are looked at together: those in which settings of one experiment were tried. Not collective. */
#ifndef VJ_ANALYSIS_RESULTS_SWEEP_POOL_H
#define VJ_ANALYSIS_RESULTS_SWEEP_POOL_H

#include "analysis/results/sweep_results.h"

typedef struct vj_sweep_pool {
  vj_pool *pool;
  int64_t count; /* at least 1; in the order in which they take samples from the sequence */
  vj_results **at;
  const char **folders;
  vj_yaml **roots; /* the experiment of each, as it was run */
} vj_sweep_pool;

/* Opens the sweeps of a list of folders with commas; one folder may have commas in its name. To be closed in any case;
 * all that is found lives until then. */
VJ_MUST_USE vj_status vj_sweep_pool_open(const char *folders, vj_sweep_pool *pool);
void vj_sweep_pool_close(vj_sweep_pool *pool);

/* A number of a sweep's section `sweep`, such as "samples"; 0 where there is none. */
int64_t vj_sweep_pool_count(const vj_sweep_pool *pool, int64_t sweep, const char *key);

/* Whether trials of two sweeps have one arm and one setting, seeds aside. */
bool vj_sweep_pool_same_setting(const vj_results *one, int64_t trial, const vj_results *other, int64_t other_trial);

#endif
