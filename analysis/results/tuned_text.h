/* How the settings of a sweep's arms were chosen, in a few lines. Not collective. */
#ifndef VJ_ANALYSIS_RESULTS_TUNED_TEXT_H
#define VJ_ANALYSIS_RESULTS_TUNED_TEXT_H

#include <stdio.h>

#include "analysis/results/sweep_results.h"
#include "sweeps/space/tuned.h"

/* What the sweep has recorded; NULL: nothing, its settings are the file's own. Owned by the results. */
VJ_MUST_USE vj_status vj_results_tuned(const vj_results *results, const vj_tuned **tuned);

/* "optim.lr=0.0031, data.size=16". Owned by the pool; NULL when memory is out. */
const char *vj_tuned_values_text(vj_pool *pool, const vj_yaml *values);

/* Of an arm: what was chosen in its last space, "optim.lr=0.0031 of {log: [1.0e-4, 0.1]}". Owned by the pool; NULL when
 * memory is out. */
const char *vj_tuned_chosen_text(vj_pool *pool, const vj_tuned_arm *arm);

/* NULL prints nothing. */
void vj_tuned_print(vj_pool *pool, const vj_tuned *tuned, FILE *to);

#endif
