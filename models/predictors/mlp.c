/* Multi-layer perceptron from all input steps (and z) to all target steps at once. */
#include "vj/component.h"
#include "vj/ops.h"

typedef struct mlp_config {
  vj_integer_list hidden;
  int activation;
} mlp_config;

static const vj_param params[] = {
    VJ_INTEGERS(mlp_config, hidden, "[2048, 2048]", 1, 1048576, "", "widths of the hidden layers"),
    VJ_CHOICE(mlp_config, activation, VJ_ACTIVATION_CHOICES, "relu", "activation after each hidden layer"),
};

/* Weight and bias uniform on +-1/sqrt(fan in), as PyTorch's linear layers. */
static vj_var *linear(vj_graph *graph, vj_var *x, int64_t layer, int64_t out) {
  const vj_shape in = vj_shape_of(x);
  const int64_t fan_in = in.rank ? in.size[in.rank - 1] : 1;
  const double bound = 1 / sqrt((double)fan_in);
  vj_scope_push(graph, "linear%lld", (long long)layer);
  vj_var *weight =
      vj_parameter(graph, &(vj_param_spec){"weight", VJ_SHAPE(out, fan_in), "OI", VJ_INIT_UNIFORM, bound, true});
  vj_var *bias = vj_parameter(graph, &(vj_param_spec){"bias", VJ_SHAPE(out), "O", VJ_INIT_UNIFORM, bound, false});
  vj_var *y = vj_linear(graph, x, weight, bias);
  vj_scope_pop(graph);
  return y;
}

static vj_var *build(vj_graph *graph, const void *untyped, vj_var *hx, vj_var *z, const vj_shape *target) {
  const mlp_config *config = untyped;
  vj_var *h = vj_flatten(graph, hx, 1);
  if (z) h = vj_concat(graph, (vj_var *[]){h, vj_flatten(graph, z, 1)}, 2, 1);
  int64_t layer = 0;
  for (; layer < config->hidden.count; layer++)
    h = vj_activate(graph, linear(graph, h, layer, config->hidden.at[layer]), (vj_activation)config->activation);
  return vj_reshape(graph, linear(graph, h, layer, vj_shape_count(target, 1, target->rank)), target);
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
    .as.predictor = {.build = build},
};
