/* Multi-layer perceptron from all input steps (and z) to all target steps at once. */
#include <stdio.h>

#include "models/layers.h"

typedef struct mlp_config {
  vj_integer_list hidden;
  int activation;
} mlp_config;

static const vj_param params[] = {
    VJ_INTEGERS(mlp_config, hidden, "[2048, 2048]", 1, 1048576, "", "widths of the hidden layers"),
    VJ_CHOICE(mlp_config, activation, VJ_ACTIVATION_CHOICES, "relu", "activation after each hidden layer"),
};

static vj_var *linear(vj_graph *graph, vj_var *x, int64_t layer, int64_t out) {
  char name[32];
  snprintf(name, sizeof name, "linear%lld", (long long)layer);
  return vj_linear_layer(graph, x, name, out, VJ_LAYER_UNIFORM);
}

/* All layers but the top one: [b,Tx,..] (and z [b,n]) -> [b,h] */
static vj_var *hidden_layers(vj_graph *graph, const mlp_config *config, vj_var *hx, vj_var *z) {
  vj_var *h = vj_flatten(graph, hx, 1);
  if (z) h = vj_concat(graph, (vj_var *[]){h, z}, 2, 1);
  for (int64_t layer = 0; layer < config->hidden.count; layer++)
    h = vj_activate(graph, linear(graph, h, layer, config->hidden.at[layer]), (vj_activation)config->activation);
  return h;
}

static int64_t numbers_of(const vj_shape *target) { return vj_shape_count(target, 1, target->rank); }

static vj_var *build(vj_graph *graph, const void *untyped, vj_var *hx, vj_var *z, const vj_shape *target) {
  const mlp_config *config = untyped;
  vj_var *h = hidden_layers(graph, config, hx, z);
  return vj_reshape(graph, linear(graph, h, config->hidden.count, numbers_of(target)), target);
}

/* The top layer once for each choice; everything below is shared. */
static vj_var *build_choices(vj_graph *graph, const void *untyped, vj_var *hx, int64_t choices,
                             const vj_shape *target) {
  const mlp_config *config = untyped;
  vj_shape shape = {.rank = target->rank + 1, .size = {target->size[0], choices}};
  if (target->rank >= VJ_MAX_RANK)
    return vj_graph_fail(graph, VJ_SHAPE, "a hidden state of %d dimensions leaves no room for choices", target->rank);
  for (int i = 1; i < target->rank; i++) shape.size[i + 1] = target->size[i];
  vj_var *h = hidden_layers(graph, config, hx, NULL);
  return vj_reshape(graph, linear(graph, h, config->hidden.count, choices * numbers_of(target)), &shape);
}

static vj_var *build_linear(vj_graph *graph, const void *untyped, vj_var *hx, int64_t size, const vj_shape *target,
                            vj_var **weight) {
  const mlp_config *config = untyped;
  const int64_t numbers = numbers_of(target);
  vj_var *base = linear(graph, hidden_layers(graph, config, hx, NULL), config->hidden.count, numbers);
  *weight = vj_latent_weight(graph, numbers, size);
  return base;
}

const vj_component vj_predictor_mlp = {
    .abi = VJ_ABI,
    .kind = VJ_PREDICTOR,
    .name = "mlp",
    .summary = "linear layers from all input steps to all target steps at once",
    .source = "arXiv 2412.10925, MovingMNIST predictor; widths are our choice",
    .params = params,
    .param_count = VJ_COUNT(params),
    .config_bytes = sizeof(mlp_config),
    .as.predictor = {.build = build, .build_choices = build_choices, .build_linear = build_linear},
};
