/* How much z depends on the static part of a hidden state, its mean over time, over the batch. kernel: linear, squared
 * covariances:
 *   1/(n d) sum_ij Cov(z_i, s_j)^2,   s = mean_t h,   denominator N - 1
 * Keeps what does not change in a clip (the identity of a digit) out of a z that is a function of parameters
 * (gaussian). An inferred z (discrete, sparse) is a constant to training: there the encoder learns alone, to hold
 * nothing static that z is correlated with.
 *
 * Without an n x d matrix of sums over the batch: with centred Z [N,n] and S [N,d], sum_ij C_ij^2 = <ZZ', SS'> /
 * (N-1)^2.
 *
 * They do not see what covaries with nothing, such as a square. kernel: rbf is the Hilbert-Schmidt independence
 * criterion (Gretton et al. 2005) with Gaussian kernels, which sees any dependence,
 *   tr(K H L H) / (N-1)^2,   H = I - 1 1'/N,
 * with K_ij = exp(-|z_i - z_j|^2 / m_z), m_z the mean of these squares over pairs, L likewise of s. To shrink z changes
 * nothing of it. */
#include "vj/component.h"
#include "vj/ops.h"

typedef enum kernel { LINEAR, RBF } kernel;

typedef struct dependence_config {
  const char *on, *with;
  int kernel;
} dependence_config;

static const vj_param params[] = {
    VJ_TEXT(dependence_config, on, "z", "view that should not tell.."),
    VJ_TEXT(dependence_config, with, "hx", "..what is constant in time in this view"),
    VJ_CHOICE(dependence_config, kernel, "linear|rbf", "linear",
              "squared covariances, or the Hilbert-Schmidt independence criterion with Gaussian kernels"),
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

/* a_i + a_j for a [b]: [b,N] */
static vj_var *sums_of_pairs(vj_graph *graph, vj_var *a) {
  const int64_t batch = vj_batch_samples(graph);
  const vj_real one = 1;
  vj_var *column = vj_reshape(graph, a, &VJ_SHAPE(vj_shard_samples(graph), 1));
  vj_var *all = vj_reshape(graph, vj_gather_batch(graph, column), &VJ_SHAPE(batch));
  vj_var *ones = vj_repeat_rows(graph, vj_constant_tensor(graph, &VJ_SHAPE(1), &one), batch);
  return vj_linear(graph, column, ones, all);
}

/* Rows of the Gaussian kernel of centred rows x [b,n]: [b,N] */
static vj_var *gaussian_kernel(vj_graph *graph, vj_var *x) {
  const double batch = (double)vj_batch_samples(graph);
  vj_var *squares = vj_sum_features(graph, vj_square(graph, x));
  vj_var *products = vj_linear(graph, x, vj_gather_batch(graph, x), NULL);
  vj_var *distances = vj_sub(graph, sums_of_pairs(graph, squares), vj_scale(graph, products, 2, 0));
  vj_var *mean = vj_scale(graph, vj_mean_all(graph, squares), 2 * batch / (batch - 1), 1e-30);
  return vj_exp(graph, vj_scale(graph, vj_div(graph, distances, mean), -1, 0));
}

/* Rows of H K H: [b,N] */
static vj_var *centred_kernel(vj_graph *graph, vj_var *k) {
  const double batch = (double)vj_batch_samples(graph);
  vj_var *mean = vj_scale(graph, vj_sum_features(graph, k), 1 / batch, 0);
  vj_var *rest = vj_sub(graph, sums_of_pairs(graph, mean), vj_mean_all(graph, mean));
  return vj_sub(graph, k, rest);
}

static vj_var *independence_criterion(vj_graph *graph, vj_var *z, vj_var *s) {
  const double batch = (double)vj_batch_samples(graph);
  vj_var *k = centred_kernel(graph, gaussian_kernel(graph, z)), *l = gaussian_kernel(graph, s);
  return vj_scale(graph, vj_mean_all(graph, vj_mul(graph, k, l)), batch * batch / ((batch - 1) * (batch - 1)), 0);
}

static vj_var *build(vj_graph *graph, const void *untyped) {
  const dependence_config *config = untyped;
  const double batch = (double)vj_batch_samples(graph);
  if (batch < 2) return vj_graph_fail(graph, VJ_CONFIG, "a covariance needs a batch of at least 2 samples");
  vj_var *z = centred_static(graph, config->on), *s = centred_static(graph, config->with);
  const vj_shape of_z = vj_shape_of(z), of_s = vj_shape_of(s);
  if (!z || !s) return NULL;
  if (config->kernel == RBF) return independence_criterion(graph, z, s);
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
    .summary = "squared covariances, or HSIC, between z and the time-mean of hx",
    .source =
        "ours, for the question arXiv 2412.10925 leaves open; cf. Barlow Twins' cross-correlation (Zbontar 2021); "
        "Gretton et al., HSIC (ALT 2005)",
    .params = params,
    .param_count = VJ_COUNT(params),
    .config_bytes = sizeof(dependence_config),
    .as.loss = {.build = build},
};
