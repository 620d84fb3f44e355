/* `tuning:` of an experiment: keys and values that make of it the sweep in which settings are chosen for its arms, all
 * of which get as many, and what is put into their place afterwards. Trees in, trees out. Not collective; all lives in
 * the pool. */
#ifndef VJ_SWEEPS_SPACE_TUNING_H
#define VJ_SWEEPS_SPACE_TUNING_H

#include "framework/config/yaml/yaml.h"

/* Makes of the experiment `root` its tuning sweep: what stands under `tuning` is set, `select` as sweep.select, and
 * parameters that are sampled in all arms become each arm's own, before those that it has. `root` is changed; branches
 * that it shares are not. VJ_CONFIG with a place, for what makes no choice among equals, too: arms that are missing, a
 * parameter of all arms with several values, early stopping, a seed that the experiment has, too. */
VJ_MUST_USE vj_status vj_tuning_apply(vj_pool *pool, const vj_yaml *tuning, vj_yaml *root);

/* Puts an arm's parameters in a tuning sweep's tree in the place of those it has, or fixed values into that of
 * them. `root` is changed likewise. */
VJ_MUST_USE vj_status vj_tuning_put_space(vj_pool *pool, vj_yaml *root, const char *arm, vj_yaml *space);
VJ_MUST_USE vj_status vj_tuning_put_values(vj_pool *pool, vj_yaml *root, const char *arm, const vj_yaml *values);

/* Makes parameters that are sampled in all arms each arm's own. */
VJ_MUST_USE vj_status vj_tuning_spread(vj_pool *pool, vj_yaml *root);

/* Fails where a parameter is sampled, which the final sweep has no values of: a sentence with a remedy. */
VJ_MUST_USE vj_status vj_tuning_check_chosen(vj_pool *pool, const vj_yaml *root);

/* Takes away how samples are drawn, where nothing is sampled any more. */
VJ_MUST_USE vj_status vj_tuning_end_sampling(vj_pool *pool, vj_yaml *root);

/* The seeds of an experiment's trials. */
VJ_MUST_USE vj_status vj_tuning_seeds(vj_pool *pool, const vj_yaml *root, const vj_yaml ***seeds, int64_t *count);

/* Fails where a seed of the one is among those of the other. */
VJ_MUST_USE vj_status vj_tuning_check_seeds(vj_pool *pool, const vj_yaml *tuning_root, const vj_yaml *final_root);

#endif
