/* What latents share when they draw z from a prior. */
#ifndef VJ_MODELS_LATENTS_DRAWS_H
#define VJ_MODELS_LATENTS_DRAWS_H

#include "vj/graph.h"

enum { MOST_DRAWS = 1024 };

/* Exponential numbers of mean 1, [b,..]: half the sum of two squared normal ones. Where the last dimension of `shape`
 * is choices with the shares p, the smallest E / p is a draw from them. */
vj_var *draw_exponentials(vj_graph *graph, const vj_shape *shape);

/* Predictions [b,T,..] one behind the other: [b,draws,T,..]. */
vj_var *stack_draws(vj_graph *graph, vj_var *const *drawn, int64_t draws);

#endif
