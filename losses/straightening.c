/* Keeps hidden states on straight paths: 1 - cosine of the angle between one step's change and the next one's.
 *
 * With the velocities v_t = h_{t+1} - h_t of a hidden state h [b,T,..], the mean over the samples of the batch and over
 * t = 0..T-3 of
 *   1 - <v_t, v_{t+1}> / sqrt(|v_t|^2 |v_{t+1}|^2 + epsilon),
 * over views as over steps. It is 0 where hidden states move straight on, 1 where every turn is a right angle, 2 where
 * they go back and forth. It sees no scale: beside it something must keep hidden states from collapsing. */
#include "losses/vcr.h"
#include "vj/ops.h"

typedef struct straightening_config {
  double epsilon;
  vj_text_list on;
  vj_real_list view_weights;
} straightening_config;

static const vj_param params[] = {
    VJ_REAL(straightening_config, epsilon, "1.0e-8", 0, 1, "", "keeps the cosine finite where nothing moves"),
    VCR_VIEWS(straightening_config, "views whose paths are straightened"),
};

static vj_var *term(vj_graph *graph, const void *untyped, vj_var *view) {
  const straightening_config *config = untyped;
  const vj_shape shape = vj_shape_of(view);
  const int64_t steps = shape.size[1];
  if (steps < 3)
    return vj_graph_fail(graph, VJ_SHAPE, "a view of %lld steps makes no turn; expected at least 3", (long long)steps);
  vj_var *h = vj_flatten(graph, view, 2);
  vj_var *velocity = vj_sub(graph, vj_slice(graph, h, 1, 1, steps - 1), vj_slice(graph, h, 1, 0, steps - 1));
  vj_var *before = vj_slice(graph, velocity, 1, 0, steps - 2), *after = vj_slice(graph, velocity, 1, 1, steps - 2);
  vj_var *product = vj_sum_features(graph, vj_mul(graph, before, after));
  vj_var *squares =
      vj_mul(graph, vj_sum_features(graph, vj_square(graph, before)), vj_sum_features(graph, vj_square(graph, after)));
  vj_var *cosine = vj_div(graph, product, vj_sqrt(graph, vj_scale(graph, squares, 1, config->epsilon)));
  return vj_scale(graph, vj_mean_all(graph, cosine), -1, 1);
}

static vj_var *build(vj_graph *graph, const void *untyped) {
  const straightening_config *config = untyped;
  return vcr_over_views(graph, config, &config->on, &config->view_weights, term);
}

const vj_component vj_loss_straightening = {
    .abi = VJ_ABI,
    .kind = VJ_LOSS,
    .name = "straightening",
    .summary = "1 - cosine between successive changes of a hidden state",
    .source = "Wang et al. 2026 (Temporal Straightening for Latent Planning, arXiv 2603.12231), L_curv",
    .params = params,
    .param_count = VJ_COUNT(params),
    .config_bytes = sizeof(straightening_config),
    .as.loss = {.build = build},
};
