/* Trials whose models have the same form and which record the same, so that one of them stands for all. */
#ifndef VJ_SWEEPS_RUN_TRIAL_TWINS_H
#define VJ_SWEEPS_RUN_TRIAL_TWINS_H

#include "sweeps/space/space.h"

/* (*twins)[i]: the first trial that is like trial i, on as many ranks: seed, learning rate, weight decay and weights of
 * losses aside, of which it only counts whether they are zero. In the pool. Not collective. */
VJ_MUST_USE vj_status vj_trial_twins_find(vj_pool *pool, const vj_space *space, const int *ranks,
                                          const int64_t **twins);

#endif
