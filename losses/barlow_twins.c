/* Pushes the cross-correlation C of two views towards the identity: equal features agree, different ones carry
 * different things. Features are standardised over the R samples x steps of the global batch, then
 *   1/d [ sum_i (1 - C_ii)^2 + lambda sum_{i!=j} C_ij^2 ],   C = a'b/R.
 * The paper has no 1/d. Gradients flow into both views, and through the standardisation. */
#include "losses/vcr.h"
#include "vj/ops.h"

typedef struct barlow_twins_config {
  double lambda, epsilon;
  vj_text_list on;
} barlow_twins_config;

static const vj_param params[] = {
    VJ_REAL(barlow_twins_config, lambda, "5.0e-3", 0, 1e6, "", "weight of correlations of different features"),
    VJ_REAL(barlow_twins_config, epsilon, "1.0e-5", 0, 1, "", "added to the variance that features are divided by"),
    VJ_TEXTS(barlow_twins_config, on, "[hy_pred, hy]", "the two views, of the same shape"),
};

/* [b,T,features..] -> [b,T,d], every feature with mean 0 and variance 1 over samples and steps */
static vj_var *standardised(vj_graph *graph, vj_var *view, double epsilon) {
  vj_var *h = vj_flatten(graph, view, 2), *mean, *variance;
  vj_moments(graph, h, 1, &mean, &variance);
  vj_var *scale = vj_rsqrt(graph, vj_scale(graph, variance, 1, epsilon));
  return vj_channel_affine(graph, h, scale, vj_scale(graph, vj_mul(graph, mean, scale), -1, 0), VJ_IDENTITY);
}

/* The products of each row with every row of the global batch: [b,T,d] -> [b,T,R] */
static vj_var *gram(vj_graph *graph, vj_var *h, int64_t rows, int64_t width) {
  return vj_linear(graph, h, vj_reshape(graph, vj_gather_batch(graph, h), &VJ_SHAPE(rows, width)), NULL);
}

/* sum_ij C_ij^2. Never forms a d x d matrix when R < d: |a'b|_F^2 = <aa', bb'>. */
static vj_var *sum_of_squares(vj_graph *graph, vj_var *a, vj_var *b, int64_t rows, int64_t width) {
  if (rows < width) {
    vj_var *of_a = gram(graph, a, rows, width);
    return vj_mean_all(graph, vj_mul(graph, of_a, gram(graph, b, rows, width)));
  }
  vj_var *c = vj_scale(graph, vj_cross_products(graph, a, b), 1 / (double)rows, 0);
  return vj_scale(graph, vj_mean_all(graph, vj_square(graph, c)), (double)width * (double)width, 0);
}

static vj_var *build(vj_graph *graph, const void *untyped) {
  const barlow_twins_config *config = untyped;
  if (config->on.count != 2)
    return vj_graph_fail(graph, VJ_CONFIG, "on: expected two views, got %lld", (long long)config->on.count);
  vj_var *view_a = vcr_view(graph, config->on.at[0]), *view_b = vcr_view(graph, config->on.at[1]);
  vj_var *a = standardised(graph, view_a, config->epsilon), *b = standardised(graph, view_b, config->epsilon);
  if (!a || !b) return NULL;
  const vj_shape shape = vj_shape_of(a), other = vj_shape_of(b);
  if (shape.size[1] != other.size[1] || shape.size[2] != other.size[2])
    return vj_graph_fail(graph, VJ_SHAPE,
                         "views %s and %s have %lld x %lld and %lld x %lld steps x features; expected "
                         "the same",
                         config->on.at[0], config->on.at[1], (long long)shape.size[1], (long long)shape.size[2],
                         (long long)other.size[1], (long long)other.size[2]);
  const int64_t rows = vj_batch_samples(graph) * shape.size[1], width = shape.size[2];
  vj_var *diagonal, *unused;
  vj_moments(graph, vj_mul(graph, a, b), 1, &diagonal, &unused);
  vj_var *agree = vj_mean_all(graph, vj_square(graph, vj_scale(graph, diagonal, -1, 1)));
  vj_var *all = vj_scale(graph, sum_of_squares(graph, a, b, rows, width), 1 / (double)width, 0);
  vj_var *different = vj_sub(graph, all, vj_mean_all(graph, vj_square(graph, diagonal)));
  return vj_add(graph, agree, vj_scale(graph, different, config->lambda, 0));
}

const vj_component vj_loss_barlow_twins = {
    .abi = VJ_ABI,
    .kind = VJ_LOSS,
    .name = "barlow_twins",
    .summary = "cross-correlation of hy_pred and hy held to the identity",
    .source = "Zbontar et al. 2021 (Barlow Twins), equations 1 and 2, divided by d",
    .params = params,
    .param_count = VJ_COUNT(params),
    .config_bytes = sizeof(barlow_twins_config),
    .as.loss = {.build = build},
};
