/* Distance between predicted and true hidden states of the target. Gradients flow into both. */
#include "vj/component.h"
#include "vj/ops.h"

typedef enum distance { MSE, L1, COSINE } distance;

typedef struct prediction_config {
  int distance;
} prediction_config;

static const vj_param params[] = {
    VJ_CHOICE(prediction_config, distance, "mse|l1|cosine", "mse",
              "mean squared difference, mean absolute difference, or 1 - cosine of each step's hidden state"),
};

/* 1 - <a,b> / (|a| |b|), averaged over samples and steps */
static vj_var *cosine_distance(vj_graph *graph, vj_var *a, vj_var *b) {
  const double epsilon = 1e-12; /* keeps a zero vector's cosine at zero */
  a = vj_flatten(graph, a, 2);
  b = vj_flatten(graph, b, 2);
  vj_var *dot = vj_sum_features(graph, vj_mul(graph, a, b));
  vj_var *square = vj_sum_features(graph, vj_square(graph, a));
  vj_var *norms = vj_mul(graph, square, vj_sum_features(graph, vj_square(graph, b)));
  vj_var *cosine = vj_div(graph, dot, vj_sqrt(graph, vj_scale(graph, norms, 1, epsilon)));
  return vj_scale(graph, vj_mean_all(graph, cosine), -1, 1);
}

static vj_var *build(vj_graph *graph, const void *untyped) {
  const prediction_config *config = untyped;
  vj_var *predicted = vj_view(graph, "hy_pred"), *target = vj_view(graph, "hy");
  if (config->distance == COSINE) return cosine_distance(graph, predicted, target);
  vj_var *difference = vj_sub(graph, predicted, target);
  return vj_mean_all(graph, config->distance == L1 ? vj_abs(graph, difference) : vj_square(graph, difference));
}

const vj_component vj_loss_prediction = {
    .abi = VJ_ABI,
    .kind = VJ_LOSS,
    .name = "prediction",
    .summary = "distance between hy_pred and hy",
    .source = "arXiv 2412.10925, energy, first term",
    .params = params,
    .param_count = VJ_COUNT(params),
    .config_bytes = sizeof(prediction_config),
    .as.loss = {.build = build, .term = VJ_TERM_HIDDEN},
};
