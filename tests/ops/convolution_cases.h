/* Cases of convolutions: every way in which one is computed, and the edges of each. */
#ifndef VJ_TESTS_OPS_CONVOLUTION_CASES_H
#define VJ_TESTS_OPS_CONVOLUTION_CASES_H

#include "tests/ops/gradients_testing.h"

static vj_var *case_conv2d_plain(vj_graph *g) {
  return vj_conv2d(g, batched(g, "x", VJ_SHAPE(6, 5, 3)), shared(g, "w", VJ_SHAPE(4, 3, 3, 3)),
                   shared(g, "b", VJ_SHAPE(4)), &(vj_conv2d_args){.stride = {1, 1}, .padding = {1, 1}});
}
static vj_var *case_conv2d_stride(vj_graph *g) {
  return vj_conv2d(g, batched(g, "x", VJ_SHAPE(2, 7, 8, 2)), shared(g, "w", VJ_SHAPE(3, 3, 2, 2)), NULL,
                   &(vj_conv2d_args){.stride = {2, 3}, .padding = {1, 0}});
}
static vj_var *case_conv2d_groups(vj_graph *g) {
  return vj_conv2d(g, batched(g, "x", VJ_SHAPE(5, 6, 4)), shared(g, "w", VJ_SHAPE(6, 3, 3, 2)),
                   shared(g, "b", VJ_SHAPE(6)), &(vj_conv2d_args){.padding = {2, 1}, .dilation = {2, 1}, .groups = 2});
}
static vj_var *case_conv2d_depthwise_dilated(vj_graph *g) {
  return vj_conv2d(g, batched(g, "x", VJ_SHAPE(7, 7, 3)), shared(g, "w", VJ_SHAPE(3, 3, 3, 1)), NULL,
                   &(vj_conv2d_args){.padding = {4, 3}, .dilation = {3, 3}, .groups = 3});
}
static vj_var *conv2d_case(vj_graph *g, vj_shape x, vj_shape weight, bool with_bias, vj_conv2d_args args) {
  return vj_conv2d(g, batched(g, "x", x), shared(g, "w", weight),
                   with_bias ? shared(g, "b", VJ_SHAPE(weight.size[0])) : NULL, &args);
}
/* Channels that fill vectors of every width: the direct way of all three. */
static vj_var *case_conv2d_direct(vj_graph *g) {
  return conv2d_case(g, VJ_SHAPE(5, 7, 8), VJ_SHAPE(24, 3, 3, 8), true, (vj_conv2d_args){.padding = {1, 1}});
}
static vj_var *case_conv2d_direct_first_layer(vj_graph *g) {
  return conv2d_case(g, VJ_SHAPE(5, 6, 1), VJ_SHAPE(16, 3, 3, 1), false,
                     (vj_conv2d_args){.stride = {2, 2}, .padding = {1, 1}});
}
static vj_var *case_conv2d_direct_stride(vj_graph *g) {
  return conv2d_case(g, VJ_SHAPE(7, 8, 8), VJ_SHAPE(8, 3, 2, 8), true,
                     (vj_conv2d_args){.stride = {2, 3}, .padding = {1, 0}});
}
static vj_var *case_conv2d_direct_dilation(vj_graph *g) {
  return conv2d_case(g, VJ_SHAPE(9, 6, 8), VJ_SHAPE(8, 3, 2, 8), false,
                     (vj_conv2d_args){.stride = {2, 1}, .padding = {3, 0}, .dilation = {3, 2}});
}
/* Some input pixels no tap sees, and some outputs see nothing but padding. */
static vj_var *case_conv2d_direct_gaps(vj_graph *g) {
  return conv2d_case(g, VJ_SHAPE(4, 5, 8), VJ_SHAPE(8, 1, 2, 8), true,
                     (vj_conv2d_args){.stride = {2, 3}, .padding = {3, 4}});
}
/* Stride 1, and more padding than taps reach. */
static vj_var *case_conv2d_direct_padding(vj_graph *g) {
  return conv2d_case(g, VJ_SHAPE(4, 5, 8), VJ_SHAPE(8, 1, 2, 8), false, (vj_conv2d_args){.padding = {1, 3}});
}
/* More products in a sum than registers take at once. */
static vj_var *case_conv2d_direct_deep(vj_graph *g) {
  return conv2d_case(g, VJ_SHAPE(3, 3, 64), VJ_SHAPE(8, 3, 3, 64), true, (vj_conv2d_args){.padding = {1, 1}});
}
/* Few output channels, a decoder's last layer: blocks of pixels, which the image does not divide into. */
static vj_var *case_conv2d_blocks_1(vj_graph *g) {
  return conv2d_case(g, VJ_SHAPE(6, 7, 8), VJ_SHAPE(1, 3, 3, 8), true, (vj_conv2d_args){.padding = {1, 1}});
}
static vj_var *case_conv2d_blocks_3(vj_graph *g) {
  return conv2d_case(g, VJ_SHAPE(5, 6, 8), VJ_SHAPE(3, 3, 2, 8), true,
                     (vj_conv2d_args){.padding = {3, 0}, .dilation = {2, 1}});
}
static vj_var *case_conv2d_blocks_odd_channels(vj_graph *g) {
  return conv2d_case(g, VJ_SHAPE(5, 6, 5), VJ_SHAPE(3, 3, 3, 5), false, (vj_conv2d_args){0});
}
static vj_var *case_conv2d_blocks_stride(vj_graph *g) {
  return conv2d_case(g, VJ_SHAPE(6, 5, 8), VJ_SHAPE(4, 3, 3, 8), true,
                     (vj_conv2d_args){.stride = {2, 1}, .padding = {1, 1}});
}
/* Taps that few pixels of a block share: by patches. */
static vj_var *case_conv2d_narrow_apart(vj_graph *g) {
  return conv2d_case(g, VJ_SHAPE(9, 8, 8), VJ_SHAPE(3, 2, 2, 8), true,
                     (vj_conv2d_args){.stride = {3, 2}, .padding = {1, 1}, .dilation = {4, 3}});
}
static vj_var *case_conv_time(vj_graph *g) {
  return vj_conv_time(g, batched(g, "x", VJ_SHAPE(4, 2, 2, 3)), shared(g, "w", VJ_SHAPE(5, 3, 3)),
                      shared(g, "b", VJ_SHAPE(5)), 1);
}
static vj_var *case_conv_time_valid(vj_graph *g) {
  return vj_conv_time(g, batched(g, "x", VJ_SHAPE(4, 3)), shared(g, "w", VJ_SHAPE(2, 2, 3)), NULL, 0);
}
/* Enough channels for minimal filtering: tiles of 2, 3 and 4 frames, and a last one that is not full. */
static vj_var *minimal_case(vj_graph *g, int64_t frames, int64_t padding) {
  return vj_conv_time(g, batched(g, "x", VJ_SHAPE(frames, 3, 64)), shared(g, "w", VJ_SHAPE(96, 3, 64)),
                      shared(g, "b", VJ_SHAPE(96)), padding);
}
static vj_var *case_conv_time_tile_2(vj_graph *g) { return minimal_case(g, 4, 0); }
static vj_var *case_conv_time_tile_3(vj_graph *g) { return minimal_case(g, 3, 1); }
static vj_var *case_conv_time_tile_4(vj_graph *g) { return minimal_case(g, 8, 1); }
static vj_var *case_conv_time_tile_ragged(vj_graph *g) { return minimal_case(g, 7, 1); }
static vj_var *case_conv2d_tile(vj_graph *g) {
  return conv2d_case(g, VJ_SHAPE(6, 5, 64), VJ_SHAPE(64, 3, 3, 64), true, (vj_conv2d_args){.padding = {1, 1}});
}
/* Channels that do and do not fill vectors, rows shorter and longer than a run of pixels, taps outside the image. */
static vj_var *depthwise_case(vj_graph *g, vj_shape x, vj_shape weight, bool with_bias, vj_conv2d_args args) {
  return vj_depthwise(g, batched(g, "x", x), shared(g, "w", weight),
                      with_bias ? shared(g, "b", VJ_SHAPE(weight.size[2])) : NULL, &args);
}
static vj_var *case_depthwise(vj_graph *g) {
  return depthwise_case(g, VJ_SHAPE(5, 9, 3), VJ_SHAPE(3, 3, 3), true, (vj_conv2d_args){.padding = {1, 1}});
}
static vj_var *case_depthwise_dilated(vj_graph *g) {
  return depthwise_case(g, VJ_SHAPE(2, 5, 4, 9), VJ_SHAPE(7, 7, 9), false,
                        (vj_conv2d_args){.padding = {9, 9}, .dilation = {3, 3}});
}
static vj_var *case_depthwise_wide_kernel(vj_graph *g) {
  return depthwise_case(g, VJ_SHAPE(4, 11, 8), VJ_SHAPE(2, 10, 8), true,
                        (vj_conv2d_args){.padding = {0, 2}, .dilation = {2, 1}});
}

static const gradient_case convolution_cases[] = {CASE(conv2d_plain),
                                                  CASE(conv2d_stride),
                                                  CASE(conv2d_groups),
                                                  CASE(conv2d_depthwise_dilated),
                                                  CASE(conv2d_direct),
                                                  CASE(conv2d_direct_first_layer),
                                                  CASE(conv2d_direct_stride),
                                                  CASE(conv2d_direct_dilation),
                                                  CASE(conv2d_direct_gaps),
                                                  CASE(conv2d_direct_deep),
                                                  CASE(conv2d_direct_padding),
                                                  CASE(conv2d_blocks_1),
                                                  CASE(conv2d_blocks_3),
                                                  CASE(conv2d_blocks_odd_channels),
                                                  CASE(conv2d_blocks_stride),
                                                  CASE(conv2d_narrow_apart),
                                                  CASE(conv_time),
                                                  CASE(conv_time_valid),
                                                  CASE(conv_time_tile_2),
                                                  CASE(conv_time_tile_3),
                                                  CASE(conv_time_tile_4),
                                                  CASE(conv_time_tile_ragged),
                                                  CASE(conv2d_tile),
                                                  CASE(depthwise),
                                                  CASE(depthwise_dilated),
                                                  CASE(depthwise_wide_kernel)};

#endif
