/* The hyperparameters of a Gaussian process, by the maximum of the likelihood and of weak priors. Private to the room.
 */
#ifndef VJ_SWEEPS_SEARCH_GP_FIT_H
#define VJ_SWEEPS_SEARCH_GP_FIT_H

#include "sweeps/search/gp_model.h"

/* Sets weight, scale and nugget, by the first `count` points of gp, whose y have mean 0 and variance 1, or by some of
 * them where there are more than can be afforded: the lower half, and others in between. owner[features] says which
 * features have one length scale, of `dimensions`. Each of two starts takes so many evaluations of the likelihood. */
VJ_MUST_USE vj_status vj_gp_fit(vj_gp *gp, int64_t count, const int64_t *owner, int64_t dimensions, int evaluations);

#endif
