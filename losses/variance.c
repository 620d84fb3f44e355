/* Keeps every feature's standard deviation over the batch above tau: mean of max(0, tau - sqrt(Var + eps)). */
#include "losses/vcr.h"
#include "vj/ops.h"

typedef struct variance_config {
  double tau, epsilon;
  int norm;
  vj_text_list on;
  vj_real_list view_weights;
} variance_config;

static const vj_param params[] = {
    VJ_REAL(variance_config, tau, "1.0", 0, 1e6, "", "standard deviation below which a feature is pushed up"),
    VJ_REAL(variance_config, epsilon, "1.0e-4", 0, 1, "", "added to the variance under the root"),
    VJ_CHOICE(variance_config, norm, VCR_NORM_CHOICES, "paper", "what is averaged, and the factor"),
    VCR_VIEWS(variance_config, "views to keep from collapsing"),
};

static vj_var *term(vj_graph *graph, const void *untyped, vj_var *view) {
  const variance_config *config = untyped;
  const bool pooled = config->norm == VCR_EB_JEPA;
  vj_var *h = pooled ? view : vj_flatten(graph, view, 2), *mean, *variance;
  const vj_shape shape = vj_shape_of(h);
  vj_moments(graph, h, pooled ? 1 : 2, &mean, &variance);
  const double rows =
      (double)vj_batch_samples(graph) * (double)(pooled ? vj_shape_count(&shape, 1, shape.rank - 1) : 1);
  if (rows < 2) return vj_graph_fail(graph, VJ_CONFIG, "a variance needs a batch of at least 2 samples");
  vj_var *deviation = vj_sqrt(graph, vj_scale(graph, variance, rows / (rows - 1), config->epsilon));
  vj_var *hinge = vj_activate(graph, vj_scale(graph, deviation, -1, config->tau), VJ_RELU);
  return vj_scale(graph, vj_mean_all(graph, hinge), config->norm == VCR_VICREG ? 0.5 : 1, 0);
}

static vj_var *build(vj_graph *graph, const void *untyped) {
  const variance_config *config = untyped;
  return vcr_over_views(graph, config, &config->on, &config->view_weights, term);
}

const vj_component vj_loss_variance = {
    .abi = VJ_ABI,
    .kind = VJ_LOSS,
    .name = "variance",
    .summary = "hinge on the standard deviation of each feature over the batch",
    .source = "arXiv 2412.10925, l_var; Bardes et al. 2022 (VICReg), equation 1; unbiased variance",
    .params = params,
    .param_count = VJ_COUNT(params),
    .config_bytes = sizeof(variance_config),
    .as.loss = {.build = build, .scale = "tau"},
};
