/* Builders that gradients use, beside those of vj/ops.h. */
#ifndef VJ_FRAMEWORK_OPS_BUILD_H
#define VJ_FRAMEWORK_OPS_BUILD_H

#include "framework/graph/graph.h"
#include "vj/ops.h"

/* A shared scalar. */
vj_var *vj_constant(vj_graph *graph, double value);
/* Sum over the batch and over all dimensions before the last `kept`: -> shared [kept..]. */
vj_var *vj_sum_leading(vj_graph *graph, vj_var *x, int kept);
/* A shared variable repeated over leading dimensions, to `shape`, batched or shared. */
vj_var *vj_broadcast_to(vj_graph *graph, vj_var *x, bool batched, const vj_shape *shape);
/* [..] -> [..,n] */
vj_var *vj_repeat_features(vj_graph *graph, vj_var *x, int64_t n);
/* Shared [B,..] -> batched [b,..]: each shard its own samples; the inverse of vj_gather_batch. */
vj_var *vj_scatter_batch(vj_graph *graph, vj_var *x);
/* [b]: 1 / probability for samples that are kept, 0 for others, new at every training step; NULL where all are kept:
 * in evaluation and frozen sections, and with probability 1. */
vj_var *vj_drop_path_mask(vj_graph *graph, double probability);

#endif
