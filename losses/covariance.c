/* Pushes the covariances of different features over the batch to zero: sum_{i!=j} Cov_ij^2, normalised.
 *
 * Covariances grow with the fourth power of the features' scale, and their sum with the square of the dimension, so
 * that layers differ in it by orders of magnitude. In the form of correlations,
 *   1/(d (d - 1)) sum_{i!=j} Cov_ij^2 / ((Var_i + epsilon) (Var_j + epsilon)),
 * every layer's term is between 0 and 1 whatever its scale and dimension, and gives no gradient along the scale. */
#include "losses/vcr.h"
#include "vj/ops.h"

typedef enum covariance_form { COVARIANCE, CORRELATION } covariance_form;

typedef struct covariance_config {
  int form, norm;
  double epsilon;
  vj_text_list on;
  vj_real_list view_weights;
} covariance_config;

static const vj_param params[] = {
    VJ_CHOICE(covariance_config, form, "covariance|correlation", "covariance",
              "covariances as they are, or those of features divided by their deviation, as a mean over pairs of them"),
    VJ_CHOICE(covariance_config, norm, VCR_NORM_CHOICES, "paper", "what is averaged, and the factor of covariances"),
    VJ_REAL(covariance_config, epsilon, "1.0e-6", 0, 1, "", "of correlations: added to the variance of each feature"),
    VCR_VIEWS(covariance_config, "views to decorrelate"),
};

/* Features over the root of their variance over the batch, of each step, or over rows of all steps and places. */
static vj_var *over_deviation(vj_graph *graph, vj_var *h, bool pooled, double epsilon) {
  vj_var *mean, *variance;
  const vj_shape shape = vj_shape_of(h);
  vj_moments(graph, h, pooled ? 1 : 2, &mean, &variance);
  const double rows =
      (double)vj_batch_samples(graph) * (double)(pooled ? vj_shape_count(&shape, 1, shape.rank - 1) : 1);
  if (rows < 2) return vj_graph_fail(graph, VJ_CONFIG, "a correlation needs a batch of at least 2 samples");
  vj_var *scale = vj_rsqrt(graph, vj_scale(graph, variance, rows / (rows - 1), epsilon));
  if (pooled) return vj_channel_affine(graph, h, scale, vj_scale(graph, scale, 0, 0), VJ_IDENTITY);
  return vj_mul(graph, h, vj_broadcast(graph, scale));
}

static vj_var *term(vj_graph *graph, const void *untyped, vj_var *view) {
  const covariance_config *config = untyped;
  const bool pooled = config->norm == VCR_EB_JEPA, correlates = config->form == CORRELATION;
  vj_var *each = pooled ? view : vj_flatten(graph, view, 2);
  vj_var *h = vj_gather_batch(graph, correlates ? over_deviation(graph, each, pooled, config->epsilon) : each);
  const vj_shape shape = vj_shape_of(h);
  if (!h) return NULL;
  const double width = (double)shape.size[shape.rank - 1], pairs = width > 1 ? width * (width - 1) : INFINITY;
  if (pooled)
    h = vj_reshape(graph, h, &VJ_SHAPE(vj_shape_count(&shape, 0, shape.rank - 1), 1, shape.size[shape.rank - 1]));
  vj_var *sum = vj_mean_all(graph, vj_offdiagonal_covariance(graph, h));
  return vj_scale(graph, sum, pooled || correlates ? 1 / pairs : 1 / width, 0);
}

static vj_var *build(vj_graph *graph, const void *untyped) {
  const covariance_config *config = untyped;
  return vcr_over_views(graph, config, &config->on, &config->view_weights, term);
}

const vj_component vj_loss_covariance = {
    .abi = VJ_ABI,
    .kind = VJ_LOSS,
    .name = "covariance",
    .summary = "squared covariances of different features over the batch",
    .source = "arXiv 2412.10925, l_cov; Bardes et al. 2022 (VICReg), equations 3 and 4; correlations are our choice",
    .params = params,
    .param_count = VJ_COUNT(params),
    .config_bytes = sizeof(covariance_config),
    .as.loss = {.build = build},
};
