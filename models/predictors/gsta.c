/* SimVP's translator with gated spatiotemporal attention: two depthwise convolutions see 21 x 21 pixels, their gated
 * result weighs the map, and a convolutional perceptron follows. */
#include "models/predictors/translator.h"

typedef struct gsta_config {
  vj_translator translator; /* first */
} gsta_config;

static const vj_param params[] = {VJ_TRANSLATOR_PARAMS};

static const double first_scale = 0.01;

/* Of 1 x 1, GELU, depthwise 5 x 5 and 7 x 7 with gaps of 3, 1 x 1 to value and gate, 1 x 1; added to its own input. */
static vj_var *spatial_attention(vj_graph *graph, vj_var *x) {
  const int64_t channels = vj_last_size(x);
  vj_scope_push(graph, "attention");
  vj_var *h = vj_activate(graph, vj_linear_layer(graph, x, "in", channels, VJ_LAYER_FAN_OUT), VJ_GELU);
  h = vj_depthwise_layer(graph, vj_depthwise_layer(graph, h, "near", 5, 1), "far", 7, 3);
  h = vj_glu(graph, vj_linear_layer(graph, h, "gate", 2 * channels, VJ_LAYER_FAN_OUT));
  h = vj_linear_layer(graph, h, "out", channels, VJ_LAYER_FAN_OUT);
  vj_scope_pop(graph);
  return vj_residual(graph, x, h, NULL, 0);
}

static vj_var *mixing_perceptron(vj_graph *graph, vj_var *x, int64_t ratio) {
  const int64_t channels = vj_last_size(x);
  vj_scope_push(graph, "mlp");
  vj_var *h = vj_linear_layer(graph, x, "linear0", ratio * channels, VJ_LAYER_FAN_OUT);
  h = vj_activate(graph, vj_depthwise_layer(graph, h, "mix", 3, 1), VJ_GELU);
  h = vj_linear_layer(graph, h, "linear1", channels, VJ_LAYER_FAN_OUT);
  vj_scope_pop(graph);
  return h;
}

static vj_var *branch_scale(vj_graph *graph, const char *name, int64_t channels) {
  return vj_parameter(graph, &(vj_param_spec){name, VJ_SHAPE(channels), "C", VJ_INIT_CONSTANT, first_scale, false});
}

static vj_var *block(vj_graph *graph, const void *untyped, vj_var *h, int64_t layer, double drop) {
  const gsta_config *config = untyped;
  const int64_t channels = vj_last_size(h);
  (void)layer;
  vj_var *attended = spatial_attention(graph, vj_batch_norm_layer(graph, h, "norm1", VJ_IDENTITY));
  h = vj_residual(graph, h, attended, branch_scale(graph, "scale1", channels), drop);
  vj_var *mixed =
      mixing_perceptron(graph, vj_batch_norm_layer(graph, h, "norm2", VJ_IDENTITY), config->translator.mlp_ratio);
  return vj_residual(graph, h, mixed, branch_scale(graph, "scale2", channels), drop);
}

static vj_var *build(vj_graph *graph, const void *config, vj_var *hx, vj_var *z, const vj_shape *target) {
  return vj_translate(graph, config, block, hx, z, target);
}

static vj_var *build_choices(vj_graph *graph, const void *config, vj_var *hx, int64_t choices, const vj_shape *target) {
  return vj_translate_choices(graph, config, block, hx, choices, target);
}

static vj_var *build_linear(vj_graph *graph, const void *config, vj_var *hx, int64_t size, const vj_shape *target,
                            vj_var **weight) {
  return vj_translate_linear(graph, config, block, hx, size, target, weight);
}

const vj_component vj_predictor_gsta = {
    .abi = VJ_ABI,
    .kind = VJ_PREDICTOR,
    .name = "gsta",
    .summary = "SimVP's translator with gated spatiotemporal attention, from all input to all target steps",
    .source = "SimVP v2, Tan et al. 2022 (arXiv 2211.12509), as in OpenSTL",
    .params = params,
    .param_count = VJ_COUNT(params),
    .config_bytes = sizeof(gsta_config),
    .as.predictor = {.build = build, .build_choices = build_choices, .build_linear = build_linear},
};
