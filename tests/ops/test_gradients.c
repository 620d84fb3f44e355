/* Every op's gradient agrees with central finite differences in float64, and no op is forgotten: the test walks the
 * op table. Also claims that shards do not matter: 1, 2 and 4 shards give the same loss and gradient.
 * precision: double */
#include <math.h>
#include <string.h>

#include "framework/ops/op.h"
#include "tests/ops/convolution_cases.h"
#include "vj/param.h"

enum { OPS = 128 };

/* A positive one, away from zero, for roots and quotients. */
static vj_var *positive(vj_graph *g, vj_var *x) { return vj_scale(g, vj_square(g, x), 1, 0.5); }

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
/* Moments that something else than batch norm reads too, of an x that has other uses. */
static vj_var *case_moments_and_affine(vj_graph *g) {
  vj_var *x = batched(g, "x", VJ_SHAPE(40, 3)), *scale = shared(g, "s", VJ_SHAPE(3)), *mean, *variance;
  vj_var *y = vj_channel_affine(g, x, scale, shared(g, "h", VJ_SHAPE(3)), VJ_SILU);
  vj_moments(g, x, 1, &mean, &variance);
  vj_var *z = vj_channel_affine(g, vj_square(g, x), scale, variance, VJ_IDENTITY);
  return vj_add(g, vj_add(g, y, z), vj_channel_affine(g, x, variance, mean, VJ_IDENTITY));
}
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
static vj_var *case_normal_distance(vj_graph *g) { return vj_normal_distance(g, batched(g, "x", VJ_SHAPE(3, 5))); }
static vj_var *case_directions(vj_graph *g) {
  return vj_linear(g, batched(g, "x", VJ_SHAPE(5)), vj_directions(g, 3, 5), NULL);
}
static vj_var *case_average_pool(vj_graph *g) {
  return vj_average_pool(g, batched(g, "x", VJ_SHAPE(2, 4, 6, 3)), 2, 3);
}
static vj_var *case_sum_features(vj_graph *g) {
  return vj_repeat_features(g, vj_square(g, vj_sum_features(g, batched(g, "x", VJ_SHAPE(3, 4)))), 2);
}
static vj_var *case_log_sum_exp(vj_graph *g) {
  return vj_log_sum_exp_features(g, vj_scale(g, batched(g, "x", VJ_SHAPE(3, 37)), 3, 0));
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

static const gradient_case cases[] = {CASE(linear),
                                      CASE(cross_products),
                                      CASE(cross_products_with_itself),
                                      CASE(channel_affine),
                                      CASE(channel_affine_silu),
                                      CASE(moments),
                                      CASE(batch_norm),
                                      CASE(moments_and_affine),
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
                                      CASE(normal_distance),
                                      CASE(directions),
                                      CASE(average_pool),
                                      CASE(sum_features),
                                      CASE(log_sum_exp),
                                      CASE(sum_leading),
                                      CASE(shared_sum),
                                      CASE(broadcast),
                                      CASE(mean_batch),
                                      CASE(gather),
                                      CASE(covariance_gram),
                                      CASE(covariance),
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

static void gradients_agree_with_finite_differences(void **state) {
  (void)state;
  check_gradients(cases, VJ_COUNT(cases));
}

static void shards_do_not_change_loss_or_gradient(void **state) {
  (void)state;
  check_shards(cases, VJ_COUNT(cases));
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

static vj_var *build_large_exponents(vj_graph *g) {
  return vj_log_sum_exp_features(g, vj_scale(g, batched(g, "x", VJ_SHAPE(3)), 1e5, -1e6));
}

static void large_exponents_overflow_nowhere(void **state) {
  (void)state;
  model m = model_create(build_large_exponents, 2);
  assert_true(isfinite(loss_of(&m)));
  for (int64_t i = 0; i < m.parameters->rows[0].count; i++) assert_true(isfinite(m.parameters->gradients[i]));
  model_destroy(&m);
}

/* Marks the ops that these cases have. */
static void mark_ops(const gradient_case *list, size_t count, bool seen[OPS]) {
  for (size_t k = 0; k < count; k++) {
    model m = model_create(list[k].build, 2);
    for (int i = 0; i < m.graph->plan->node_count; i++)
      for (int op = 0; vj_op_at(op); op++)
        if (vj_op_at(op) == m.graph->plan->nodes[i]->op) seen[op] = true;
    model_destroy(&m);
  }
}

static void every_op_of_the_table_is_checked(void **state) {
  (void)state;
  bool seen[OPS] = {false};
  mark_ops(cases, VJ_COUNT(cases), seen);
  mark_ops(convolution_cases, VJ_COUNT(convolution_cases), seen); /* checked by test_gradients_convolution.c */
  for (int op = 0; vj_op_at(op); op++)
    if (!seen[op] && strcmp(vj_op_at(op)->name, "stop_gradient") != 0 &&
        strcmp(vj_op_at(op)->name, "sparse_code") != 0 && strncmp(vj_op_at(op)->name, "proximal", 8) != 0 &&
        strcmp(vj_op_at(op)->name, "pack_weight") != 0 &&
        !strstr(vj_op_at(op)->name, "bf16")) /* these have tests of their own */
      fail_msg("op %s is in no case of test_gradients.c or convolution_cases.h; add one", vj_op_at(op)->name);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(gradients_agree_with_finite_differences),
      cmocka_unit_test(shards_do_not_change_loss_or_gradient),
      cmocka_unit_test(stop_gradient_stops_it),
      cmocka_unit_test(large_exponents_overflow_nowhere),
      cmocka_unit_test(every_op_of_the_table_is_checked),
  };
  return cmocka_run_group_tests(tests, start_alone, end_alone);
}
