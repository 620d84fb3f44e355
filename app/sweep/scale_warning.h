/* A sweep over the scale that a loss asks of hidden states and over weights of losses tries the same thing twice. */
#ifndef VJ_APP_SWEEP_SCALE_WARNING_H
#define VJ_APP_SWEEP_SCALE_WARNING_H

#include "sweeps/space/space.h"

/* A sentence where trials of one arm, whose encoder can give hidden states any scale, differ in such a parameter and in
 * the weight of a loss; else NULL. Owned by the pool. */
const char *vj_scale_warning(vj_pool *pool, const vj_space *space);

#endif
