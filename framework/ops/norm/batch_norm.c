/* Batch norm with statistics of the global batch is a composition of two bridges: moments (batched -> shared) and a
 * channel-wise affine map (shared -> batched); its exact gradient is that of the composition. */
#include "framework/graph/graph.h"
#include "vj/ops.h"

vj_var *vj_batch_norm(vj_graph *graph, vj_var *x, double epsilon, vj_activation activation) {
  if (!x) return NULL;
  const double momentum = 0.1;
  const vj_shape channels = VJ_SHAPE(x->shape.size[x->shape.rank - 1]);
  vj_var *weight = vj_parameter(graph, &(vj_param_spec){"weight", channels, "C", VJ_INIT_ONE, 0, false});
  vj_var *bias = vj_parameter(graph, &(vj_param_spec){"bias", channels, "C", VJ_INIT_ZERO, 0, false});
  vj_var *running_mean = vj_state(graph, &(vj_param_spec){"running_mean", channels, "C", VJ_INIT_ZERO, 0, false});
  vj_var *running_variance =
      vj_state(graph, &(vj_param_spec){"running_variance", channels, "C", VJ_INIT_ONE, 0, false});
  vj_var *mean = running_mean, *variance = running_variance;
  if (vj_is_training(graph)) {
    const double rows = (double)(x->count / channels.size[0]) * (double)graph->options.shards;
    vj_moments(graph, x, 1, &mean, &variance);
    vj_graph_running_statistic(graph, running_mean, mean, momentum);
    vj_graph_running_statistic(graph, running_variance, vj_scale(graph, variance, rows > 1 ? rows / (rows - 1) : 1, 0),
                               momentum);
  }
  vj_var *scale = vj_mul(graph, weight, vj_rsqrt(graph, vj_scale(graph, variance, 1, epsilon)));
  vj_var *shift = vj_sub(graph, bias, vj_mul(graph, mean, scale));
  return vj_channel_affine(graph, x, scale, shift, activation);
}
