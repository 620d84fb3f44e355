/* Pushes the covariances of different features over the batch to zero: sum_{i!=j} Cov_ij^2, normalised. */
#include "losses/vcr.h"
#include "vj/ops.h"

typedef struct covariance_config {
  int norm;
  vj_text_list on;
} covariance_config;

static const vj_param params[] = {
    VJ_CHOICE(covariance_config, norm, VCR_NORM_CHOICES, "paper", "what is averaged, and the factor"),
    VJ_TEXTS(covariance_config, on, "[hx, hy]", "views to decorrelate"),
};

static vj_var *term(vj_graph *graph, const void *untyped, vj_var *view) {
  const covariance_config *config = untyped;
  const bool pooled = config->norm == VCR_EB_JEPA;
  vj_var *h = vj_gather_batch(graph, pooled ? view : vj_flatten(graph, view, 2));
  const vj_shape shape = vj_shape_of(h);
  if (!h) return NULL;
  const double width = (double)shape.size[shape.rank - 1];
  if (pooled)
    h = vj_reshape(graph, h, &VJ_SHAPE(vj_shape_count(&shape, 0, shape.rank - 1), 1, shape.size[shape.rank - 1]));
  vj_var *sum = vj_mean_all(graph, vj_offdiagonal_covariance(graph, h));
  return vj_scale(graph, sum, pooled ? (width > 1 ? 1 / (width * (width - 1)) : 0) : 1 / width, 0);
}

static vj_var *build(vj_graph *graph, const void *config) {
  return vcr_over_views(graph, config, &((const covariance_config *)config)->on, term);
}

const vj_component vj_loss_covariance = {
    .abi = VJ_ABI,
    .kind = VJ_LOSS,
    .name = "covariance",
    .summary = "squared covariances of different features over the batch",
    .source = "arXiv 2412.10925, l_cov; Bardes et al. 2022 (VICReg), equations 3 and 4",
    .params = params,
    .param_count = VJ_COUNT(params),
    .config_bytes = sizeof(covariance_config),
    .as.loss = {.build = build},
};
