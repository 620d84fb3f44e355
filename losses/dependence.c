/* Squared covariances over the batch between z and the static part of a hidden state, its mean over time:
 *   1/(n d) sum_ij Cov(z_i, s_j)^2,   s = mean_t h,   denominator N - 1
 * Keeps what does not change in a clip (the identity of a digit) out of a z that is a function of parameters
 * (gaussian). An inferred z (discrete, sparse) is a constant to training: there the encoder learns alone, to hold
 * nothing static that z is correlated with.
 *
 * Without an n x d matrix of sums over the batch: with centred Z [N,n] and S [N,d], sum_ij C_ij^2 = <ZZ', SS'> /
 * (N-1)^2. */
#include "vj/component.h"
#include "vj/ops.h"

typedef struct dependence_config {
  const char *on, *with;
} dependence_config;

static const vj_param params[] = {
    VJ_TEXT(dependence_config, on, "z", "view that should not tell.."),
    VJ_TEXT(dependence_config, with, "hx", "..what is constant in time in this view"),
};

/* The mean over time of a view [b,T,..], less its mean over the batch: [b,d]. */
static vj_var *centred_static(vj_graph *graph, const char *name) {
  vj_var *view = vj_flatten(graph, vj_view(graph, name), 2);
  const vj_shape shape = vj_shape_of(view);
  if (!view) return NULL;
  vj_var *by_time = vj_reshape(graph, view, &VJ_SHAPE(shape.size[0], shape.size[1], 1, shape.size[2]));
  vj_var *mean = vj_flatten(graph, vj_average_pool(graph, by_time, 1, 1), 1);
  return vj_sub(graph, mean, vj_broadcast(graph, vj_mean_batch(graph, mean)));
}

static vj_var *build(vj_graph *graph, const void *untyped) {
  const dependence_config *config = untyped;
  const double batch = (double)vj_batch_samples(graph);
  if (batch < 2) return vj_graph_fail(graph, VJ_CONFIG, "a covariance needs a batch of at least 2 samples");
  vj_var *z = centred_static(graph, config->on), *s = centred_static(graph, config->with);
  const vj_shape of_z = vj_shape_of(z), of_s = vj_shape_of(s);
  if (!z || !s) return NULL;
  vj_var *similar_z = vj_linear(graph, z, vj_gather_batch(graph, z), NULL); /* rows of ZZ', [b,N] */
  vj_var *similar_s = vj_linear(graph, s, vj_gather_batch(graph, s), NULL);
  const double pairs = (double)(of_z.size[1] * of_s.size[1]);
  const double factor = batch * batch / ((batch - 1) * (batch - 1) * pairs);
  return vj_scale(graph, vj_mean_all(graph, vj_mul(graph, similar_z, similar_s)), factor, 0);
}

const vj_component vj_loss_dependence = {
    .abi = VJ_ABI,
    .kind = VJ_LOSS,
    .name = "dependence",
    .summary = "squared covariances between z and the time-mean of hx",
    .source = "ours, for the question arXiv 2412.10925 leaves open; cf. Barlow Twins' cross-correlation (Zbontar 2021)",
    .params = params,
    .param_count = VJ_COUNT(params),
    .config_bytes = sizeof(dependence_config),
    .as.loss = {.build = build},
};
