/* What moments and the map that is usually made from them share: their gradients are one pass over x. */
#ifndef VJ_FRAMEWORK_OPS_NORM_MOMENTS_H
#define VJ_FRAMEWORK_OPS_NORM_MOMENTS_H

#include "framework/graph/graph.h"

/* Mean and variance of `rows` rows of x, and what came to them: they add x slope + offset to dx, dmean / N +
 * 2 dvariance (x - mean) / N. dmean and dvariance may be NULL. */
void vj_moments_slope(int64_t columns, double rows, const vj_real *mean, const vj_real *dmean, const vj_real *dvariance,
                      vj_real *slope, vj_real *offset);

/* dx of x's mean and variance over `rows` rows, added to `base`, if that is what channel_affine gave of the same x; the
 * pass that makes it adds them. Else NULL. `inputs` are mean, dmean, dvariance. */
vj_var *vj_channel_affine_gradient_with(vj_graph *graph, const vj_var *base, vj_var *x, double rows,
                                        vj_var *const inputs[3]);

#endif
