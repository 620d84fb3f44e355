/* Convolutional decoder: a linear map to a coarse grid, then stages that double it (convolution to four times the
 * channels, pixel shuffle, batch norm, activation), then a convolution to the frame's channels. */
#include <stdio.h>

#include "vj/component.h"
#include "vj/ops.h"

typedef struct cnn_config {
  vj_integer_list channels;
  int activation;
} cnn_config;

static const vj_param params[] = {
    VJ_INTEGERS(cnn_config, channels, "[256, 128, 64, 32]", 1, 65536, "",
                "channels of the coarse grid, then after each doubling; three doublings by default"),
    VJ_CHOICE(cnn_config, activation, VJ_ACTIVATION_CHOICES, "relu", "activation after each batch norm"),
};

static const double norm_epsilon = 1e-5;

static int64_t last_size(vj_var *x) {
  const vj_shape shape = vj_shape_of(x);
  return shape.rank ? shape.size[shape.rank - 1] : 1;
}

static vj_var *uniform(vj_graph *graph, const char *name, const char *layout, vj_shape shape, int64_t fan_in) {
  const double bound = 1 / sqrt((double)fan_in);
  return vj_parameter(graph, &(vj_param_spec){name, shape, layout, VJ_INIT_UNIFORM, bound, shape.rank > 1});
}

/* [b,T,..] -> [b,T,rows,columns,C] */
static vj_var *coarse_grid(vj_graph *graph, vj_var *hidden, int64_t rows, int64_t columns, int64_t channels) {
  vj_var *h = vj_flatten(graph, hidden, 2);
  const vj_shape in = vj_shape_of(h);
  const int64_t fan_in = last_size(h), out = rows * columns * channels;
  vj_scope_push(graph, "linear");
  vj_var *y = vj_linear(graph, h, uniform(graph, "weight", "OI", VJ_SHAPE(out, fan_in), fan_in),
                        uniform(graph, "bias", "O", VJ_SHAPE(out), fan_in));
  vj_scope_pop(graph);
  return vj_reshape(graph, y, &VJ_SHAPE(in.size[0], in.size[1], rows, columns, channels));
}

static vj_var *convolution(vj_graph *graph, vj_var *h, const char *name, int64_t out, bool with_bias) {
  const int64_t in = last_size(h), fan_in = 9 * in;
  vj_scope_push(graph, "%s", name);
  vj_var *weight = uniform(graph, "weight", "OHWI", VJ_SHAPE(out, 3, 3, in), fan_in);
  vj_var *bias = with_bias ? uniform(graph, "bias", "O", VJ_SHAPE(out), fan_in) : NULL;
  vj_var *y = vj_conv2d(graph, h, weight, bias, &(vj_conv2d_args){.padding = {1, 1}});
  vj_scope_pop(graph);
  return y;
}

static vj_var *build(vj_graph *graph, const void *untyped, vj_var *hidden, const vj_shape *target) {
  const cnn_config *config = untyped;
  const int64_t stages = config->channels.count - 1, scale = (int64_t)1 << (stages > 0 ? stages : 0);
  char text[128], name[32];
  if (stages < 1 || target->size[2] % scale || target->size[3] % scale)
    return vj_graph_fail(graph, VJ_SHAPE,
                         "%lld doublings (channels) do not end at the frames %s: height and width must divide by %lld",
                         (long long)stages, vj_shape_text(target, text), (long long)scale);
  vj_var *h = coarse_grid(graph, hidden, target->size[2] / scale, target->size[3] / scale, config->channels.at[0]);
  for (int64_t i = 0; i < stages; i++) {
    snprintf(name, sizeof name, "conv%lld", (long long)i);
    h = vj_pixel_shuffle(graph, convolution(graph, h, name, 4 * config->channels.at[i + 1], false), 2);
    vj_scope_push(graph, "norm%lld", (long long)i);
    h = vj_batch_norm(graph, h, norm_epsilon, (vj_activation)config->activation);
    vj_scope_pop(graph);
  }
  return convolution(graph, h, "readout", target->size[4], true);
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
