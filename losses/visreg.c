/* Pushes hidden states towards N(0, I) in three parts that do not disturb each other: where their mean is, how far they
 * spread, and what shape their distribution has once its scale is divided out. For the hidden states H [N,d] of a time
 * step, with means mu_k and deviations sigma_k (denominator N) over the batch:
 *   scale   1/d sum_k (1 - sigma_k)^2
 *   shape   the mean over random directions w of 1/N sum_n (p_(n) - Phi^-1(n/(N+1)))^2,
 *           where p_(1) <= .. <= p_(N) are the numbers w . (h - mu) / sigma in order; no gradient flows through sigma
 *   center  1/d sum_k mu_k^2
 * The mean over time steps, views weighing as many steps as they have. Near a collapse the slope of `scale` does not
 * vanish, and that of `shape` grows. */
#include "losses/vcr.h"
#include "vj/ops.h"

typedef struct visreg_config {
  double scale, shape, center, epsilon;
  int64_t directions;
  bool detach;
  vj_text_list on;
  vj_real_list view_weights;
} visreg_config;

static const vj_param params[] = {
    VJ_REAL(visreg_config, scale, "1.0", 0, 1e6, "", "weight of the deviations' distance to 1"),
    VJ_REAL(visreg_config, shape, "1.0", 0, 1e6, "", "weight of the projections' distance to the quantiles of N(0,1)"),
    VJ_REAL(visreg_config, center, "1.0", 0, 1e6, "", "weight of the means' distance to 0"),
    VJ_REAL(visreg_config, epsilon, "1.0e-12", 0, 1, "", "added to the variance under the root"),
    VJ_INTEGER(visreg_config, directions, "256", 1, 65536, "", "random unit vectors, drawn anew at each training step"),
    VJ_BOOL(visreg_config, detach, "true", "the deviations that projections are divided by are constants to training"),
    VCR_VIEWS(visreg_config, "views to make Gaussian"),
};

typedef struct sketch {
  const visreg_config *config;
  vj_var **directions; /* those of the view before */
} sketch;

static vj_var *term(vj_graph *graph, const void *untyped, vj_var *view) {
  const sketch *s = untyped;
  vj_var *h = vj_flatten(graph, view, 2), *mean, *variance;
  if (!h) return NULL;
  vj_moments(graph, h, 2, &mean, &variance);
  variance = vj_scale(graph, variance, 1, s->config->epsilon);
  vj_var *away = vj_scale(graph, vj_sqrt(graph, variance), -1, 1);
  vj_var *per_deviation = vj_rsqrt(graph, variance);
  if (s->config->detach) per_deviation = vj_stop_gradient(graph, per_deviation);
  vj_var *centred = vj_sub(graph, h, vj_broadcast(graph, mean));
  vj_var *standard = vj_mul(graph, centred, vj_broadcast(graph, per_deviation));
  vj_var *directions = vcr_directions(graph, s->config->directions, vj_shape_of(h).size[2], s->directions);
  vj_var *shape = vj_mean_all(graph, vj_normal_distance(graph, vj_linear(graph, standard, directions, NULL)));
  vj_var *scale = vj_mean_all(graph, vj_square(graph, away)), *center = vj_mean_all(graph, vj_square(graph, mean));
  return vj_add(
      graph, vj_scale(graph, shape, s->config->shape, 0),
      vj_add(graph, vj_scale(graph, scale, s->config->scale, 0), vj_scale(graph, center, s->config->center, 0)));
}

static vj_var *build(vj_graph *graph, const void *untyped) {
  const visreg_config *config = untyped;
  vj_var *directions = NULL;
  return vcr_over_views(graph, &(sketch){config, &directions}, &config->on, &config->view_weights, term);
}

const vj_component vj_loss_visreg = {
    .abi = VJ_ABI,
    .kind = VJ_LOSS,
    .name = "visreg",
    .summary = "mean, deviation and shape of hidden states held to N(0, I), by sliced Wasserstein distances",
    .source = "Wu, Balestriero and Levine 2026 (VISReg, arXiv 2606.02572), as in the authors' code",
    .params = params,
    .param_count = VJ_COUNT(params),
    .config_bytes = sizeof(visreg_config),
    .as.loss = {.build = build},
};
