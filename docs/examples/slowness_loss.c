/* Keeps hidden states from changing fast: 1 - cosine of the angle between one step's hidden state and the next one's.
 *
 * For a hidden state h [b,T,..] the loss is the mean over the samples of the batch, over t = 0..T-2 and over the views
 * of
 *   1 - <h_t, h_{t+1}> / sqrt(|h_t|^2 |h_{t+1}|^2 + epsilon).
 * It is 0 where nothing but the length changes, 1 where every state is at right angles to the one before.
 *
 * docs/writing-a-component.md walks through this file.
 *   cc -std=c17 -O2 -ffp-contract=off -shared -fPIC -I framework/include -o slowness_loss.so \
 *       docs/examples/slowness_loss.c
 */
#include "vj/component.h"
#include "vj/ops.h"

typedef struct slowness_config {
  double epsilon;
  vj_text_list on;
} slowness_config;

static const vj_param params[] = {
    VJ_REAL(slowness_config, epsilon, "1.0e-8", 0, 1, "", "keeps the cosine finite where a state is zero"),
    VJ_TEXTS(slowness_config, on, "[hx, hy]", "views that are slowed down"),
};

/* 1 - cosine of each change of one view, averaged: h [b,T,d] -> a shared scalar */
static vj_var *mean_change(vj_graph *graph, vj_var *h, double epsilon) {
  const int64_t steps = vj_shape_of(h).size[1];
  vj_var *before = vj_slice(graph, h, 1, 0, steps - 1), *after = vj_slice(graph, h, 1, 1, steps - 1);
  vj_var *product = vj_sum_features(graph, vj_mul(graph, before, after));
  vj_var *squares =
      vj_mul(graph, vj_sum_features(graph, vj_square(graph, before)), vj_sum_features(graph, vj_square(graph, after)));
  vj_var *cosine = vj_div(graph, product, vj_sqrt(graph, vj_scale(graph, squares, 1, epsilon)));
  return vj_scale(graph, vj_mean_all(graph, cosine), -1, 1);
}

static vj_var *build(vj_graph *graph, const void *untyped) {
  const slowness_config *config = untyped;
  vj_var *sum = NULL;
  if (config->on.count == 0) return vj_graph_fail(graph, VJ_CONFIG, "on: expected at least one view");
  for (int64_t i = 0; i < config->on.count; i++) {
    vj_var *view = vj_view(graph, config->on.at[i]);
    const vj_shape shape = vj_shape_of(view);
    if (!view) return NULL;
    if (!vj_is_batched(view) || shape.rank < 3 || shape.size[1] < 2)
      return vj_graph_fail(graph, VJ_SHAPE, "view %s %s is not [b,T,features..] with at least 2 steps",
                           config->on.at[i], VJ_SHAPE_TEXT(&shape));
    vj_var *change = mean_change(graph, vj_flatten(graph, view, 2), config->epsilon);
    sum = i ? vj_add(graph, sum, change) : change;
  }
  return vj_scale(graph, sum, 1 / (double)config->on.count, 0);
}

static const vj_component slowness = {
    .abi = VJ_ABI,
    .kind = VJ_LOSS,
    .name = "slowness",
    .summary = "1 - cosine between hidden states of successive steps",
    .source = "after Wiskott and Sejnowski 2002 (Neural Computation 14), whose slowness is a squared change",
    .params = params,
    .param_count = VJ_COUNT(params),
    .config_bytes = sizeof(slowness_config),
    .as.loss = {.build = build},
};

VJ_PLUGIN(&slowness);
