/* Convolutional encoder: spatial convolutions frame by frame, temporal convolutions across frames, average pooling to
 * a grid. Every convolution is followed by batch norm over the global batch and an activation. */
#include <stdio.h>

#include "models/layers.h"

typedef struct cnn_config {
  vj_integer_list channels, kernels, strides, temporal;
  int64_t temporal_kernel, pool, projection;
  int activation;
} cnn_config;

static const vj_param params[] = {
    VJ_INTEGERS(cnn_config, channels, "[64, 128, 256]", 1, 65536, "", "output channels of each spatial convolution"),
    VJ_INTEGERS(cnn_config, kernels, "[3]", 1, 31, "px", "kernel of each spatial convolution; one number for all"),
    VJ_INTEGERS(cnn_config, strides, "[2]", 1, 16, "px", "stride of each spatial convolution; one number for all"),
    VJ_INTEGERS(cnn_config, temporal, "[512, 512]", 1, 65536, "", "output channels of each temporal convolution"),
    VJ_INTEGER(cnn_config, temporal_kernel, "3", 1, 31, "frames",
               "kernel of the temporal convolutions, padded to keep T"),
    VJ_INTEGER(cnn_config, pool, "1", 0, 64, "", "average pooling to a grid of pool x pool cells; 0: no pooling"),
    VJ_INTEGER(
        cnn_config, projection, "0", 0, 65536, "",
        "features of a last linear map of each frame's grid to its hidden state; 0: the grid is the hidden state"),
    VJ_CHOICE(cnn_config, activation, VJ_ACTIVATION_CHOICES, "relu", "activation after each batch norm"),
};

/* One number stands for all layers. */
static int64_t of_layer(const vj_integer_list *list, int64_t layer) { return list->at[list->count == 1 ? 0 : layer]; }

static vj_var *normalised(vj_graph *graph, vj_var *x, const char *norm, int64_t layer, const cnn_config *config) {
  char name[32];
  snprintf(name, sizeof name, "%s%lld", norm, (long long)layer);
  return vj_batch_norm_layer(graph, x, name, (vj_activation)config->activation);
}

static vj_var *spatial_layer(vj_graph *graph, const cnn_config *config, vj_var *h, int64_t layer) {
  char name[32];
  snprintf(name, sizeof name, "conv%lld", (long long)layer);
  h = vj_conv_layer_unbiased(graph, h, name, config->channels.at[layer], of_layer(&config->kernels, layer),
                             of_layer(&config->strides, layer), VJ_LAYER_UNIFORM);
  return normalised(graph, h, "norm", layer, config);
}

static vj_var *temporal_layer(vj_graph *graph, const cnn_config *config, vj_var *h, int64_t layer) {
  const int64_t in = vj_last_size(h), kernel = config->temporal_kernel;
  vj_scope_push(graph, "time%lld", (long long)layer);
  vj_var *weight = vj_parameter(graph, &(vj_param_spec){"weight", VJ_SHAPE(config->temporal.at[layer], kernel, in),
                                                        "OTI", VJ_INIT_UNIFORM, 1 / sqrt((double)(kernel * in)), true});
  vj_var *y = vj_conv_time(graph, h, weight, NULL, kernel / 2);
  vj_scope_pop(graph);
  return normalised(graph, y, "time_norm", layer, config);
}

static vj_var *build(vj_graph *graph, const void *untyped, vj_var *frames) {
  const cnn_config *config = untyped;
  char name[32];
  if (config->channels.count == 0)
    return vj_graph_fail(graph, VJ_CONFIG, "channels: expected at least one spatial convolution");
  if (config->kernels.count != 1 && config->kernels.count != config->channels.count)
    return vj_graph_fail(graph, VJ_CONFIG, "kernels: expected 1 or %lld numbers, one for each of `channels`, got %lld",
                         (long long)config->channels.count, (long long)config->kernels.count);
  if (config->strides.count != 1 && config->strides.count != config->channels.count)
    return vj_graph_fail(graph, VJ_CONFIG, "strides: expected 1 or %lld numbers, one for each of `channels`, got %lld",
                         (long long)config->channels.count, (long long)config->strides.count);
  if (config->temporal_kernel % 2 == 0)
    return vj_graph_fail(graph, VJ_CONFIG, "temporal_kernel: expected an odd number, which keeps T frames, got %lld",
                         (long long)config->temporal_kernel);
  vj_var *h = frames;
  for (int64_t i = 0; i < config->channels.count; i++) {
    h = spatial_layer(graph, config, h, i);
    snprintf(name, sizeof name, "conv%lld", (long long)i);
    vj_tap(graph, name, h);
  }
  for (int64_t i = 0; i < config->temporal.count; i++) {
    h = temporal_layer(graph, config, h, i);
    snprintf(name, sizeof name, "time%lld", (long long)i);
    vj_tap(graph, name, h);
  }
  if (config->pool) h = vj_flatten(graph, vj_average_pool(graph, h, config->pool, config->pool), 2);
  if (!config->projection) return h;
  return vj_linear_layer(graph, vj_flatten(graph, h, 2), "projection", config->projection, VJ_LAYER_UNIFORM);
}

/* By its last linear map; without, by the weights and biases of its last batch norm, which ReLU and averages keep. */
static bool scales_freely(const void *untyped) {
  const cnn_config *config = untyped;
  return config->projection > 0 || config->activation == VJ_RELU || config->activation == VJ_IDENTITY;
}

const vj_component vj_encoder_cnn = {
    .abi = VJ_ABI,
    .kind = VJ_ENCODER,
    .name = "cnn",
    .summary = "spatial then temporal convolutions with batch norm, averaged to a grid",
    .source = "arXiv 2412.10925, MovingMNIST encoder; pooling grid and strides are our choice",
    .params = params,
    .param_count = VJ_COUNT(params),
    .config_bytes = sizeof(cnn_config),
    .as.encoder = {.build = build, .scales_freely = scales_freely},
};
