/* Convolutional decoder: a linear map to a coarse grid, then stages that double it (convolution to four times the
 * channels, pixel shuffle, batch norm, activation), then a convolution to the frame's channels. */
#include <stdio.h>

#include "models/layers.h"

typedef struct cnn_config {
  vj_integer_list channels;
  int activation;
} cnn_config;

static const vj_param params[] = {
    VJ_INTEGERS(cnn_config, channels, "[256, 128, 64, 32]", 1, 65536, "",
                "channels of the coarse grid, then after each doubling; three doublings by default"),
    VJ_CHOICE(cnn_config, activation, VJ_ACTIVATION_CHOICES, "relu", "activation after each batch norm"),
};

/* [b,T,..] -> [b,T,rows,columns,C] */
static vj_var *coarse_grid(vj_graph *graph, vj_var *hidden, int64_t rows, int64_t columns, int64_t channels) {
  vj_var *h = vj_flatten(graph, hidden, 2);
  const vj_shape in = vj_shape_of(h);
  vj_var *y = vj_linear_layer(graph, h, "linear", rows * columns * channels, VJ_LAYER_UNIFORM);
  return vj_reshape(graph, y, &VJ_SHAPE(in.size[0], in.size[1], rows, columns, channels));
}

/* Twice the height and width. */
static vj_var *doubled(vj_graph *graph, const cnn_config *config, vj_var *h, int64_t stage) {
  const int64_t channels = config->channels.at[stage + 1];
  char conv[32], norm[32];
  snprintf(conv, sizeof conv, "conv%lld", (long long)stage);
  snprintf(norm, sizeof norm, "norm%lld", (long long)stage);
  h = vj_conv_layer_unbiased(graph, h, conv, 4 * channels, 3, 1, VJ_LAYER_UNIFORM);
  return vj_batch_norm_layer(graph, vj_pixel_shuffle(graph, h, 2), norm, (vj_activation)config->activation);
}

static vj_var *build(vj_graph *graph, const void *untyped, vj_var *hidden, const vj_shape *target) {
  const cnn_config *config = untyped;
  const int64_t stages = config->channels.count - 1, scale = (int64_t)1 << (stages > 0 ? stages : 0);
  if (stages < 1 || target->size[2] % scale || target->size[3] % scale)
    return vj_graph_fail(graph, VJ_SHAPE,
                         "%lld doublings (channels) do not end at the frames %s: height and width must divide by %lld",
                         (long long)stages, VJ_SHAPE_TEXT(target), (long long)scale);
  vj_var *h = coarse_grid(graph, hidden, target->size[2] / scale, target->size[3] / scale, config->channels.at[0]);
  for (int64_t i = 0; i < stages; i++) h = doubled(graph, config, h, i);
  return vj_conv_layer(graph, h, "readout", target->size[4], 3, 1, VJ_LAYER_UNIFORM);
}

const vj_component vj_decoder_cnn = {
    .abi = VJ_ABI,
    .kind = VJ_DECODER,
    .name = "cnn",
    .summary = "linear map to a coarse grid, pixel-shuffle stages, convolution to frames",
    .source = "our choice; arXiv 2412.10925 does not publish its decoder",
    .params = params,
    .param_count = VJ_COUNT(params),
    .config_bytes = sizeof(cnn_config),
    .as.decoder = {.build = build},
};
