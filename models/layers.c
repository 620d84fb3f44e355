#include "models/layers.h"

static const double batch_norm_epsilon = 1e-5, group_norm_epsilon = 1e-5, deviation = 0.02;

int64_t vj_last_size(vj_var *x) {
  const vj_shape shape = vj_shape_of(x);
  return shape.rank ? shape.size[shape.rank - 1] : 1;
}

static vj_var *weight_of(vj_graph *graph, const char *layout, vj_shape shape, int64_t fan_in, int64_t fan_out,
                         vj_layer_init init) {
  vj_param_spec spec = {"weight", shape, layout, VJ_INIT_UNIFORM, 1 / sqrt((double)fan_in), true};
  if (init == VJ_LAYER_TRUNCATED) {
    spec.init = VJ_INIT_TRUNCATED;
    spec.scale = deviation;
  } else if (init == VJ_LAYER_FAN_OUT) {
    spec.init = VJ_INIT_NORMAL;
    spec.scale = sqrt(2 / (double)fan_out);
  }
  return vj_parameter(graph, &spec);
}

static vj_var *bias_of(vj_graph *graph, int64_t out, int64_t fan_in, vj_layer_init init) {
  const vj_init kind = init == VJ_LAYER_UNIFORM ? VJ_INIT_UNIFORM : VJ_INIT_ZERO;
  return vj_parameter(graph, &(vj_param_spec){"bias", VJ_SHAPE(out), "O", kind, 1 / sqrt((double)fan_in), false});
}

vj_var *vj_linear_layer(vj_graph *graph, vj_var *x, const char *name, int64_t out, vj_layer_init init) {
  const int64_t in = vj_last_size(x);
  vj_scope_push(graph, "%s", name);
  vj_var *weight = weight_of(graph, "OI", VJ_SHAPE(out, in), in, out, init);
  vj_var *y = vj_linear(graph, x, weight, bias_of(graph, out, in, init));
  vj_scope_pop(graph);
  return y;
}

static vj_var *conv_layer(vj_graph *graph, vj_var *x, const char *name, int64_t out, int64_t kernel, int64_t stride,
                          vj_layer_init init, bool has_bias) {
  const int64_t in = vj_last_size(x), fan_in = kernel * kernel * in, pad = kernel / 2;
  vj_scope_push(graph, "%s", name);
  vj_var *weight = weight_of(graph, "OHWI", VJ_SHAPE(out, kernel, kernel, in), fan_in, kernel * kernel * out, init);
  vj_var *y = vj_conv2d(graph, x, weight, has_bias ? bias_of(graph, out, fan_in, init) : NULL,
                        &(vj_conv2d_args){.stride = {stride, stride}, .padding = {pad, pad}});
  vj_scope_pop(graph);
  return y;
}

vj_var *vj_conv_layer_unbiased(vj_graph *graph, vj_var *x, const char *name, int64_t out, int64_t kernel,
                               int64_t stride, vj_layer_init init) {
  return conv_layer(graph, x, name, out, kernel, stride, init, false);
}

vj_var *vj_conv_layer(vj_graph *graph, vj_var *x, const char *name, int64_t out, int64_t kernel, int64_t stride,
                      vj_layer_init init) {
  return conv_layer(graph, x, name, out, kernel, stride, init, true);
}

vj_var *vj_depthwise_layer(vj_graph *graph, vj_var *x, const char *name, int64_t kernel, int64_t dilation) {
  const int64_t channels = vj_last_size(x), taps = kernel * kernel, pad = dilation * (kernel - 1) / 2;
  vj_scope_push(graph, "%s", name);
  vj_var *weight = weight_of(graph, "HWC", VJ_SHAPE(kernel, kernel, channels), taps, taps, VJ_LAYER_FAN_OUT);
  vj_var *y = vj_depthwise(graph, x, weight, bias_of(graph, channels, taps, VJ_LAYER_FAN_OUT),
                           &(vj_conv2d_args){.padding = {pad, pad}, .dilation = {dilation, dilation}});
  vj_scope_pop(graph);
  return y;
}

vj_var *vj_batch_norm_layer(vj_graph *graph, vj_var *x, const char *name, vj_activation activation) {
  vj_scope_push(graph, "%s", name);
  vj_var *y = vj_batch_norm(graph, x, batch_norm_epsilon, activation);
  vj_scope_pop(graph);
  return y;
}

vj_var *vj_layer_norm_layer(vj_graph *graph, vj_var *x, const char *name, double epsilon) {
  vj_scope_push(graph, "%s", name);
  vj_var *y = vj_layer_norm(graph, x, epsilon, VJ_IDENTITY);
  vj_scope_pop(graph);
  return y;
}

vj_var *vj_simvp_layer(vj_graph *graph, vj_var *x, const char *name, int64_t out, int64_t stride, bool up) {
  vj_scope_push(graph, "%s", name);
  vj_var *h = vj_conv_layer(graph, x, "conv", up ? 4 * out : out, 3, stride, VJ_LAYER_TRUNCATED);
  if (up) h = vj_pixel_shuffle(graph, h, 2);
  vj_scope_push(graph, "norm");
  h = vj_group_norm(graph, h, 2, group_norm_epsilon, VJ_SILU);
  vj_scope_pop(graph);
  vj_scope_pop(graph);
  return h;
}

vj_var *vj_mlp_residual(vj_graph *graph, vj_var *x, int64_t hidden, double norm_epsilon, double drop) {
  vj_var *h = vj_layer_norm_layer(graph, x, "norm2", norm_epsilon);
  h = vj_activate(graph, vj_linear_layer(graph, h, "mlp.linear0", hidden, VJ_LAYER_TRUNCATED), VJ_GELU);
  h = vj_linear_layer(graph, h, "mlp.linear1", vj_last_size(x), VJ_LAYER_TRUNCATED);
  return vj_residual(graph, x, h, NULL, drop);
}

vj_var *vj_latent_weight(vj_graph *graph, int64_t numbers, int64_t size) {
  return vj_parameter(graph, &(vj_param_spec){"latent.weight", VJ_SHAPE(numbers, size), "OI", VJ_INIT_UNIFORM,
                                              1 / sqrt((double)size), true});
}
