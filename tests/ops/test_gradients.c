/* Every op's gradient agrees with central finite differences in float64, and no op is forgotten: the test walks the
 * op table. Also claims that shards do not matter: 1, 2 and 4 shards give the same loss and gradient.
 * precision: double */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "framework/graph/plan.h"
#include "framework/ops/build.h"
#include "framework/ops/op.h"
#include "tests/support/alone.h"
#include "vj/rng.h"

enum { BATCH = 8 };

/* --- what a case is built from ------------------------------------------------------------------------------- */

static vj_var *shared(vj_graph *g, const char *name, vj_shape shape) {
  return vj_parameter(g, &(vj_param_spec){name, shape, "", VJ_INIT_NORMAL, 1, false});
}

/* A batched variable with a gradient: a parameter of the whole batch, dealt out to the shards. */
static vj_var *batched(vj_graph *g, const char *name, vj_shape sample) {
  vj_shape all = {.rank = sample.rank + 1, .size = {BATCH}};
  for (int i = 0; i < sample.rank; i++) all.size[i + 1] = sample.size[i];
  return vj_scatter_batch(g, shared(g, name, all));
}

/* A positive one, away from zero, for roots and quotients. */
static vj_var *positive(vj_graph *g, vj_var *x) { return vj_scale(g, vj_square(g, x), 1, 0.5); }

typedef vj_var *(*case_builder)(vj_graph *);

static vj_var *case_linear(vj_graph *g) {
  return vj_linear(g, batched(g, "x", VJ_SHAPE(3, 5)), shared(g, "w", VJ_SHAPE(4, 5)), shared(g, "b", VJ_SHAPE(4)));
}
static vj_var *case_cross_products(vj_graph *g) {
  return vj_square(g, vj_cross_products(g, batched(g, "a", VJ_SHAPE(3, 5)), batched(g, "b", VJ_SHAPE(3, 4))));
}
static vj_var *case_cross_products_with_itself(vj_graph *g) {
  vj_var *x = batched(g, "x", VJ_SHAPE(2, 3));
  return vj_cross_products(g, x, x);
}
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
static vj_var *case_channel_affine(vj_graph *g) {
  return vj_channel_affine(g, batched(g, "x", VJ_SHAPE(40, 3)), shared(g, "s", VJ_SHAPE(3)),
                           shared(g, "h", VJ_SHAPE(3)), VJ_RELU);
}
static vj_var *case_channel_affine_silu(vj_graph *g) {
  return vj_channel_affine(g, batched(g, "x", VJ_SHAPE(2, 3)), shared(g, "s", VJ_SHAPE(3)), shared(g, "h", VJ_SHAPE(3)),
                           VJ_SILU);
}
static vj_var *case_moments(vj_graph *g) {
  vj_var *mean, *variance;
  vj_moments(g, batched(g, "x", VJ_SHAPE(70, 2, 3)), 2, &mean, &variance);
  return vj_add(g, vj_mul(g, mean, shared(g, "r", VJ_SHAPE(2, 3))), variance);
}
static vj_var *case_batch_norm(vj_graph *g) { return vj_batch_norm(g, batched(g, "x", VJ_SHAPE(5, 3)), 1e-3, VJ_GELU); }
static vj_var *case_unary(vj_graph *g) {
  vj_var *x = batched(g, "x", VJ_SHAPE(4)), *p = positive(g, batched(g, "p", VJ_SHAPE(4)));
  vj_var *parts[] = {vj_activate(g, x, VJ_RELU),
                     vj_activate(g, x, VJ_GELU),
                     vj_activate(g, x, VJ_SILU),
                     vj_activate(g, x, VJ_SIGMOID),
                     vj_square(g, x),
                     vj_abs(g, x),
                     vj_exp(g, x),
                     vj_sqrt(g, p),
                     vj_rsqrt(g, p),
                     vj_log(g, p)};
  return vj_concat(g, parts, 10, 1);
}
static vj_var *case_binary(vj_graph *g) {
  vj_var *a = batched(g, "a", VJ_SHAPE(3)), *b = positive(g, batched(g, "b", VJ_SHAPE(3)));
  return vj_sub(g, vj_add(g, vj_mul(g, a, b), a), vj_div(g, a, b));
}
static vj_var *case_binary_scalar(vj_graph *g) {
  vj_var *a = batched(g, "a", VJ_SHAPE(3)), *s = positive(g, shared(g, "s", (vj_shape){.rank = 0}));
  return vj_div(g, vj_sub(g, vj_mul(g, a, s), vj_add(g, s, a)), s);
}
static vj_var *case_shapes(vj_graph *g) {
  vj_var *x = batched(g, "x", VJ_SHAPE(4, 3, 2));
  vj_var *y = vj_slice(g, x, 1, 1, 2), *z = vj_slice(g, x, 1, 0, 3);
  return vj_flatten(g, vj_concat(g, (vj_var *[]){y, z, y}, 3, 1), 1);
}
/* More than one node takes. */
static vj_var *case_concat_many(vj_graph *g) {
  vj_var *x = batched(g, "x", VJ_SHAPE(37)), *parts[37];
  for (int i = 0; i < 37; i++) parts[i] = vj_slice(g, x, 1, 36 - i, 1);
  return vj_concat(g, parts, 37, 1);
}
static vj_var *case_pixel_shuffle(vj_graph *g) {
  vj_var *x = batched(g, "x", VJ_SHAPE(2, 3, 2, 12));
  return vj_pixel_shuffle(g, vj_mul(g, x, vj_activate(g, x, VJ_SIGMOID)), 2);
}
static vj_var *case_mix_heads(vj_graph *g) {
  return vj_mix_heads(g, batched(g, "x", VJ_SHAPE(3, 2, 4)), batched(g, "w", VJ_SHAPE(3)));
}
/* Through a choice, a code and noise flows nothing; what they multiply has its gradient. Differences are small enough
 * not to change a choice; the code has to be cut off from its inputs. */
static vj_var *case_chosen_head(vj_graph *g) {
  vj_var *energy = vj_stop_gradient(g, batched(g, "e", VJ_SHAPE(3)));
  return vj_mix_heads(g, batched(g, "x", VJ_SHAPE(3, 4)), vj_one_hot_smallest(g, energy));
}
static vj_var *case_noise(vj_graph *g) {
  return vj_mul(g, batched(g, "x", VJ_SHAPE(4)), vj_noise(g, &VJ_SHAPE(vj_shard_samples(g), 4)));
}
/* Odd and even numbers of knots, and more columns than a block. */
static vj_var *case_epps_pulley(vj_graph *g) { return vj_epps_pulley(g, batched(g, "x", VJ_SHAPE(3, 25)), 7, 3); }
static vj_var *case_epps_pulley_even(vj_graph *g) { return vj_epps_pulley(g, batched(g, "x", VJ_SHAPE(4)), 6, 2); }
static vj_var *case_directions(vj_graph *g) {
  return vj_linear(g, batched(g, "x", VJ_SHAPE(5)), vj_directions(g, 3, 5), NULL);
}
static vj_var *case_average_pool(vj_graph *g) {
  return vj_average_pool(g, batched(g, "x", VJ_SHAPE(2, 4, 6, 3)), 2, 3);
}
static vj_var *case_sum_features(vj_graph *g) {
  return vj_repeat_features(g, vj_square(g, vj_sum_features(g, batched(g, "x", VJ_SHAPE(3, 4)))), 2);
}
static vj_var *case_sum_leading(vj_graph *g) {
  return vj_mul(g, vj_sum_leading(g, batched(g, "x", VJ_SHAPE(70, 3)), 1), shared(g, "r", VJ_SHAPE(3)));
}
static vj_var *case_shared_sum(vj_graph *g) {
  return vj_square(g, vj_sum_leading(g, shared(g, "x", VJ_SHAPE(5, 3)), 1));
}
static vj_var *case_broadcast(vj_graph *g) {
  return vj_mul(g, vj_broadcast(g, shared(g, "m", VJ_SHAPE(3, 2))), batched(g, "x", VJ_SHAPE(3, 2)));
}
static vj_var *case_mean_batch(vj_graph *g) {
  vj_var *x = batched(g, "x", VJ_SHAPE(3));
  return vj_sub(g, x, vj_broadcast(g, vj_mean_batch(g, x)));
}
static vj_var *case_gather(vj_graph *g) {
  return vj_square(g, vj_gather_batch(g, vj_activate(g, batched(g, "x", VJ_SHAPE(3)), VJ_SIGMOID)));
}
static vj_var *case_covariance_gram(vj_graph *g) {
  return vj_offdiagonal_covariance(g, vj_gather_batch(g, batched(g, "x", VJ_SHAPE(2, 11))));
}
static vj_var *case_covariance(vj_graph *g) {
  return vj_offdiagonal_covariance(g, vj_gather_batch(g, batched(g, "x", VJ_SHAPE(3, 4))));
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
static vj_var *case_group_norm(vj_graph *g) {
  return vj_group_norm(g, batched(g, "x", VJ_SHAPE(2, 8, 5, 6)), 2, 1e-3, VJ_SILU);
}
static vj_var *case_group_norm_pixel(vj_graph *g) {
  return vj_group_norm(g, batched(g, "x", VJ_SHAPE(1, 1, 8)), 2, 1e-3, VJ_IDENTITY);
}
static vj_var *case_layer_norm(vj_graph *g) {
  return vj_layer_norm(g, batched(g, "x", VJ_SHAPE(3, 7)), 1e-3, VJ_IDENTITY);
}
static vj_var *case_layer_norm_gelu(vj_graph *g) {
  return vj_layer_norm(g, batched(g, "x", VJ_SHAPE(40, 5)), 1e-3, VJ_GELU);
}
static vj_var *case_residual(vj_graph *g) {
  vj_var *x = batched(g, "x", VJ_SHAPE(3, 4)), *y = batched(g, "y", VJ_SHAPE(3, 4));
  vj_var *once = vj_residual(g, x, y, shared(g, "s", VJ_SHAPE(4)), 0.5);
  return vj_residual(g, vj_square(g, once), vj_residual(g, y, x, NULL, 0.4), NULL, 0);
}
static vj_var *case_residual_scale(vj_graph *g) {
  return vj_residual(g, batched(g, "x", VJ_SHAPE(35, 4)), batched(g, "y", VJ_SHAPE(35, 4)), shared(g, "s", VJ_SHAPE(4)),
                     0);
}
static vj_var *case_gate(vj_graph *g) { return vj_glu(g, batched(g, "x", VJ_SHAPE(3, 10))); }
static vj_var *case_add_to_steps(vj_graph *g) {
  return vj_add_to_steps(g, batched(g, "x", VJ_SHAPE(3, 2, 4)), batched(g, "y", VJ_SHAPE(2, 4)));
}
static vj_var *case_swap(vj_graph *g) {
  return vj_square(g, vj_permute(g, vj_permute(g, batched(g, "x", VJ_SHAPE(2, 3, 4, 5)), 1, 2, 4), 2, 3, 5));
}
static vj_var *case_table(vj_graph *g) {
  static const vj_real values[] = {1, -2, 3, 0.5, -0.25, 4};
  return vj_mul(g, shared(g, "x", VJ_SHAPE(2, 3)), vj_constant_tensor(g, &VJ_SHAPE(2, 3), values));
}
static vj_var *case_attention(vj_graph *g) {
  return vj_attention(g, batched(g, "qkv", VJ_SHAPE(5, 12)), NULL, &(vj_attention_args){2, 1, 5, NULL, NULL, NULL});
}
/* More queries than a block of scores has. */
static vj_var *case_attention_many(vj_graph *g) {
  return vj_attention(g, batched(g, "qkv", VJ_SHAPE(150, 3)), NULL, &(vj_attention_args){1, 1, 150, NULL, NULL, NULL});
}
/* Two windows of tokens in disorder, one of them of two regions. */
static vj_var *case_attention_windows(vj_graph *g) {
  static const int32_t token[] = {4, 1, 0, 5, 3, 2}, region[] = {0, 1, 2, 2, 0, 2};
  static const int32_t index[] = {0, 1, 2, 3, 0, 1, 2, 3, 0};
  return vj_attention(g, batched(g, "qkv", VJ_SHAPE(2, 3, 12)), shared(g, "bias", VJ_SHAPE(4, 2)),
                      &(vj_attention_args){2, 2, 3, token, index, region});
}
/* One weight used twice, as the encoder is for x and y: its gradient is the sum of both uses. */
static vj_var *case_weight_used_twice(vj_graph *g) {
  vj_var *w = shared(g, "w", VJ_SHAPE(4, 4));
  return vj_linear(g, vj_activate(g, vj_linear(g, batched(g, "x", VJ_SHAPE(4)), w, NULL), VJ_SILU), w, NULL);
}

#define CASE(name) \
  { #name, case_##name }
static const struct {
  const char *name;
  case_builder build;
} cases[] = {CASE(linear),
             CASE(cross_products),
             CASE(cross_products_with_itself),
             CASE(conv2d_plain),
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
             CASE(channel_affine),
             CASE(channel_affine_silu),
             CASE(moments),
             CASE(batch_norm),
             CASE(unary),
             CASE(binary),
             CASE(binary_scalar),
             CASE(shapes),
             CASE(concat_many),
             CASE(pixel_shuffle),
             CASE(mix_heads),
             CASE(chosen_head),
             CASE(noise),
             CASE(epps_pulley),
             CASE(epps_pulley_even),
             CASE(directions),
             CASE(average_pool),
             CASE(sum_features),
             CASE(sum_leading),
             CASE(shared_sum),
             CASE(broadcast),
             CASE(mean_batch),
             CASE(gather),
             CASE(covariance_gram),
             CASE(covariance),
             CASE(depthwise),
             CASE(depthwise_dilated),
             CASE(depthwise_wide_kernel),
             CASE(group_norm),
             CASE(group_norm_pixel),
             CASE(layer_norm),
             CASE(layer_norm_gelu),
             CASE(residual),
             CASE(residual_scale),
             CASE(gate),
             CASE(add_to_steps),
             CASE(swap),
             CASE(table),
             CASE(attention),
             CASE(attention_many),
             CASE(attention_windows),
             CASE(weight_used_twice)};
enum { CASES = sizeof cases / sizeof cases[0] };

/* --- running one --------------------------------------------------------------------------------------------- */

typedef struct model {
  vj_parameters *parameters;
  vj_graph *graph;
  vj_var *loss;
} model;

/* The loss weighs every output number differently: mean(y r) + mean(y^2) with fixed r. */
static model model_create(case_builder build, int64_t shards) {
  model m = {0};
  assert_ok(vj_parameters_create(&m.parameters));
  assert_ok(vj_graph_create(&(vj_graph_options){true, BATCH / shards, shards, 0, false}, m.parameters, &m.graph));
  vj_var *y = build(m.graph);
  assert_ok(vj_graph_status(m.graph));
  vj_shape shape = y->shape;
  if (y->batched) shape.size[0] = BATCH;
  vj_var *r = shared(m.graph, "readout", shape);
  if (y->batched) r = vj_scatter_batch(m.graph, r);
  m.loss = vj_add(m.graph, vj_mean_all(m.graph, vj_mul(m.graph, y, r)), vj_mean_all(m.graph, vj_square(m.graph, y)));
  vj_graph_keep(m.loss);
  vj_graph_backward(m.graph, m.loss);
  assert_ok(vj_parameters_allocate(m.parameters));
  vj_parameters_initialise(m.parameters, 3);
  assert_ok(vj_graph_plan(m.graph, shards));
  assert_ok(vj_graph_allocate(&m.graph, 1, &alone));
  return m;
}

static void model_destroy(model *m) {
  vj_graph_destroy(&m->graph);
  vj_parameters_destroy(&m->parameters);
}

static double loss_of(model *m) {
  assert_ok(vj_graph_run(m->graph));
  return vj_graph_values(m->graph, m->loss, 0)[0];
}

static void gradients_agree_with_finite_differences(void **state) {
  (void)state;
  for (size_t k = 0; k < CASES; k++) {
    model m = model_create(cases[k].build, 2);
    loss_of(&m);
    const vj_parameters *p = m.parameters;
    double *gradient = malloc((size_t)p->value_count * sizeof *gradient);
    memcpy(gradient, p->gradients, (size_t)p->value_count * sizeof *gradient);
    double error = 0, norm = 0;
    for (int row = 0; row < p->count; row++) {
      const int64_t step = p->rows[row].count > 60 ? p->rows[row].count / 60 : 1;
      for (int64_t i = 0; i < p->rows[row].count && p->rows[row].trained; i += step) {
        double *value = p->values + p->rows[row].offset + i;
        const double kept = *value, h = 1e-5;
        *value = kept + h;
        const double up = loss_of(&m);
        *value = kept - h;
        const double down = loss_of(&m);
        *value = kept;
        const double numeric = (up - down) / (2 * h), exact = gradient[p->rows[row].offset + i];
        error += (numeric - exact) * (numeric - exact);
        norm += numeric * numeric;
      }
    }
    if (!(sqrt(error) < 1e-7 * sqrt(norm)))
      fail_msg("%s: gradient differs by %.3g of its norm %.3g", cases[k].name, sqrt(error / norm), sqrt(norm));
    free(gradient);
    model_destroy(&m);
  }
}

static void shards_do_not_change_loss_or_gradient(void **state) {
  (void)state;
  for (size_t k = 0; k < CASES; k++) {
    model one = model_create(cases[k].build, 1), four = model_create(cases[k].build, 4);
    const double a = loss_of(&one), b = loss_of(&four);
    if (!(fabs(a - b) < 1e-12 * (1 + fabs(a))))
      fail_msg("%s: loss %.15g with 1 shard, %.15g with 4", cases[k].name, a, b);
    for (int64_t i = 0; i < one.parameters->value_count; i++) {
      const double x = one.parameters->gradients[i], y = four.parameters->gradients[i];
      if (!(fabs(x - y) < 1e-11 * (1 + fabs(x))))
        fail_msg("%s: gradient %.15g with 1 shard, %.15g with 4", cases[k].name, x, y);
    }
    model_destroy(&one);
    model_destroy(&four);
  }
}

/* Differences can't see that a number counts as a constant; the gradient of x stop(x) is stop(x), not 2 x. */
static vj_var *build_stop_gradient(vj_graph *g) {
  vj_var *x = batched(g, "x", VJ_SHAPE(3));
  return vj_mul(g, x, vj_stop_gradient(g, x));
}

static void stop_gradient_stops_it(void **state) {
  (void)state;
  model m = model_create(build_stop_gradient, 2);
  loss_of(&m);
  const vj_parameters *p = m.parameters;
  const double *x = p->values, *r = p->values + p->rows[1].offset, count = (double)p->rows[0].count;
  for (int64_t i = 0; i < p->rows[0].count; i++) {
    const double y = x[i] * x[i], by_y = (r[i] + 2 * y) / count; /* of mean(y r) + mean(y^2) */
    if (!(fabs(p->gradients[i] - by_y * x[i]) < 1e-12)) fail_msg("gradient %g, not %g", p->gradients[i], by_y * x[i]);
  }
  model_destroy(&m);
}

static void every_op_of_the_table_is_checked(void **state) {
  (void)state;
  bool seen[128] = {false};
  for (size_t k = 0; k < CASES; k++) {
    model m = model_create(cases[k].build, 2);
    for (int i = 0; i < m.graph->plan->node_count; i++)
      for (int op = 0; vj_op_at(op); op++)
        if (vj_op_at(op) == m.graph->plan->nodes[i]->op) seen[op] = true;
    model_destroy(&m);
  }
  for (int op = 0; vj_op_at(op); op++)
    if (!seen[op] && strcmp(vj_op_at(op)->name, "stop_gradient") != 0 &&
        strcmp(vj_op_at(op)->name, "sparse_code") != 0 && strncmp(vj_op_at(op)->name, "proximal", 8) != 0 &&
        strncmp(vj_op_at(op)->name, "dnn_", 4) != 0 && strcmp(vj_op_at(op)->name, "pack_weight") != 0 &&
        !strstr(vj_op_at(op)->name, "bf16")) /* these have tests of their own */
      fail_msg("op %s is in no case of this test; add one", vj_op_at(op)->name);
}

/* --- bad shapes ---------------------------------------------------------------------------------------------- */

static void expect_failure(case_builder build, const char *sentence) {
  vj_parameters *parameters = NULL;
  vj_graph *graph = NULL;
  assert_ok(vj_parameters_create(&parameters));
  assert_ok(vj_graph_create(&(vj_graph_options){true, 2, 4, 0, false}, parameters, &graph));
  vj_scope_push(graph, "encoder");
  assert_null(build(graph));
  assert_int_not_equal(vj_graph_status(graph), VJ_OK);
  assert_string_equal(vj_error_message(), sentence);
  vj_graph_destroy(&graph);
  vj_parameters_destroy(&parameters);
}

static vj_var *bad_linear(vj_graph *g) {
  return vj_linear(g, batched(g, "x", VJ_SHAPE(3, 5)), shared(g, "w", VJ_SHAPE(4, 6)), NULL);
}
static vj_var *bad_cross_products(vj_graph *g) {
  return vj_cross_products(g, batched(g, "a", VJ_SHAPE(3, 5)), batched(g, "b", VJ_SHAPE(2, 5)));
}
static vj_var *bad_epps_pulley(vj_graph *g) { return vj_epps_pulley(g, shared(g, "x", VJ_SHAPE(3, 5)), 17, 5); }
static vj_var *bad_conv(vj_graph *g) {
  return vj_conv2d(g, batched(g, "x", VJ_SHAPE(2, 2, 3)), shared(g, "w", VJ_SHAPE(4, 5, 5, 3)), NULL,
                   &(vj_conv2d_args){0});
}
static vj_var *bad_add(vj_graph *g) {
  return vj_square(g, vj_add(g, batched(g, "x", VJ_SHAPE(3)), batched(g, "y", VJ_SHAPE(4))));
}
static vj_var *bad_pool(vj_graph *g) { return vj_average_pool(g, batched(g, "x", VJ_SHAPE(8, 8, 3)), 3, 3); }
static vj_var *bad_parameter(vj_graph *g) {
  shared(g, "w", VJ_SHAPE(3));
  return shared(g, "w", VJ_SHAPE(4));
}
static vj_var *bad_view(vj_graph *g) {
  vj_show(g, "hx", batched(g, "x", VJ_SHAPE(3)));
  return vj_view(g, "hz");
}

static void shape_errors_name_place_and_both_shapes(void **state) {
  (void)state;
  expect_failure(bad_linear, "encoder: linear: x [2,3,5] does not fit weight [4,6] [O,I]");
  expect_failure(bad_cross_products, "encoder: cross_products: [2,3,5] and [2,2,5] are not batched with the same rows");
  expect_failure(bad_epps_pulley,
                 "encoder: epps_pulley: needs a batched [b,..], at least 2 knots and t_max > 0, not [3,5], 17 and 5");
  expect_failure(bad_conv, "encoder: conv2d: a kernel of 5 does not fit into [2,2,2,3] with padding 0");
  expect_failure(bad_add, "encoder: add: batched [2,3] does not fit batched [2,4]");
  expect_failure(bad_pool, "encoder: average_pool: [2,8,8,3] does not divide into 3 x 3 equal cells");
  expect_failure(bad_parameter, "encoder: parameter encoder.w is used with shape [3] and with shape [4]");
  expect_failure(bad_view, "encoder: there is no view \"hz\"; there are: hx");
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(gradients_agree_with_finite_differences),
      cmocka_unit_test(shards_do_not_change_loss_or_gradient),
      cmocka_unit_test(stop_gradient_stops_it),
      cmocka_unit_test(every_op_of_the_table_is_checked),
      cmocka_unit_test(shape_errors_name_place_and_both_shapes),
  };
  return cmocka_run_group_tests(tests, start_alone, end_alone);
}
