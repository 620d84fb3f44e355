/* Activations and their gradients in bf16: which variables are, that every op computes with them what it computes with
 * the same numbers in float, rounds what it writes, and that no op can be given what it does not read. In the float
 * build, the only one that has bf16. */
#include <stdlib.h>

#include "framework/graph/plan.h"
#include "framework/ops/build.h"
#include "framework/ops/op.h"
#include "framework/ops/product/bf16.h"
#include "tests/support/alone.h"

enum { SAMPLES = 3, SHARDS = 2 };

typedef struct network {
  vj_parameters *parameters;
  vj_graph *g;
  vj_var *first, *second, *pooled, *loss; /* outputs of convolutions */
} network;

static vj_var *normal(vj_graph *g, const char *name, vj_shape shape) {
  return vj_parameter(g, &(vj_param_spec){name, shape, "", VJ_INIT_NORMAL, 0.1, false});
}

static vj_var *normed(vj_graph *g, const char *name, vj_var *x, vj_activation activation) {
  vj_scope_push(g, "%s", name);
  vj_var *y = vj_batch_norm(g, x, 1e-5, activation);
  vj_scope_pop(g);
  return y;
}

/* All ways that lead from convolution to convolution: few channels, a map where it is read, one that is not, a bias,
 * time, a finer grid, moments alone. */
static void build(network *n, bool bf16) {
  *n = (network){0};
  assert_ok(vj_parameters_create(&n->parameters));
  assert_ok(vj_graph_create(&(vj_graph_options){true, SAMPLES, SHARDS, 0, bf16}, n->parameters, &n->g));
  vj_graph *g = n->g;
  const vj_conv2d_args halved = {.stride = {2, 2}, .padding = {1, 1}}, same = {.padding = {1, 1}};
  vj_var *x = vj_graph_input(g, "x", &VJ_SHAPE(4, 16, 16, 1));
  vj_var *h = n->first = vj_conv2d(g, x, normal(g, "w0", VJ_SHAPE(16, 3, 3, 1)), NULL, &same);
  vj_var *mean, *variance, *of_first;
  vj_moments(g, h, 1, &mean, &of_first);
  h = normed(g, "norm0", h, VJ_RELU);
  h = n->second = vj_conv2d(g, h, normal(g, "w1", VJ_SHAPE(32, 3, 3, 16)), NULL, &halved);
  h = normed(g, "norm1", h, VJ_SILU);
  h = vj_conv_time(g, h, normal(g, "w2", VJ_SHAPE(24, 3, 32)), NULL, 1);
  h = normed(g, "norm2", h, VJ_IDENTITY);
  h = vj_pixel_shuffle(g, vj_conv2d(g, h, normal(g, "w3", VJ_SHAPE(72, 1, 1, 24)), NULL, &(vj_conv2d_args){0}), 2);
  vj_moments(g, h, 1, &mean, &variance);
  h = vj_channel_affine(g, h, variance, mean, VJ_RELU);
  h = vj_conv2d(g, h, normal(g, "w4", VJ_SHAPE(16, 3, 3, 18)), normal(g, "b4", VJ_SHAPE(16)), &same);
  h = n->pooled = vj_average_pool(g, normed(g, "norm4", h, VJ_RELU), 2, 2);
  h = vj_linear(g, vj_flatten(g, h, 2), normal(g, "w5", VJ_SHAPE(20, 64)), NULL);
  n->loss = vj_add(g, vj_mean_all(g, vj_square(g, h)), vj_mean_all(g, of_first));
  vj_graph_keep(n->loss);
  vj_graph_backward(g, n->loss);
  assert_ok(vj_graph_status(g));
}

static void end(network *n) {
  vj_graph_destroy(&n->g);
  vj_parameters_destroy(&n->parameters);
}

static size_t planned(bool bf16) {
  network n;
  build(&n, bf16);
  assert_ok(vj_graph_plan(n.g, SHARDS));
  const size_t numbers = (size_t)n.g->plan->shard_numbers;
  end(&n);
  return numbers;
}

static void plan_of_activations_is_much_smaller(void **state) {
  (void)state;
  const size_t half = planned(true), whole = planned(false);
  if (half > whole * 7 / 10) fail_msg("%zu numbers in bf16, %zu in float", half, whole);
}

static void activations_are_bf16_and_what_is_read_from_outside_is_float(void **state) {
  (void)state;
  network n;
  build(&n, true);
  assert_ok(vj_graph_plan(n.g, SHARDS));
  assert_true(n.first->half && n.second->half);
  assert_true(n.first->gradient->half && n.second->gradient->half);
  assert_false(n.pooled->half || n.loss->half);
  for (int i = 0; i < n.g->vars.count; i++) {
    const vj_var *var = n.g->vars.at[i];
    if (var->half && !var->batched) assert_string_equal(var->producer->op->name, "pack_weight");
    if (var->needed && var->producer && var->producer->op == &vj_op_round_bf16 && !var->alias)
      assert_false(var->producer->inputs[0]->half);
  }
  vj_graph_keep(n.second); /* a later plan goes by what is kept by then */
  assert_ok(vj_graph_plan(n.g, SHARDS));
  assert_true(n.first->half);
  assert_false(n.second->half);
  end(&n);
}

static void everything_is_float_in_fp32(void **state) {
  (void)state;
  network n;
  build(&n, false);
  assert_ok(vj_graph_plan(n.g, SHARDS));
  for (int i = 0; i < n.g->vars.count; i++) assert_false(((vj_var *)n.g->vars.at[i])->half);
  end(&n);
}

static void what_an_op_does_not_read_is_refused(void **state) {
  (void)state;
  vj_parameters *parameters = NULL;
  vj_graph *g = NULL;
  assert_ok(vj_parameters_create(&parameters));
  assert_ok(vj_graph_create(&(vj_graph_options){false, SAMPLES, SHARDS, 0, true}, parameters, &g));
  vj_var *x = vj_graph_input(g, "x", &VJ_SHAPE(4));
  vj_scope_push(g, "here");
  vj_graph_keep(vj_square(g, vj_bf16(g, x)));
  vj_scope_pop(g);
  assert_int_equal(vj_graph_plan(g, SHARDS), VJ_INTERNAL);
  assert_non_null(strstr(vj_error_message(), "here: op unary does not read bf16 as its input 0"));
  vj_graph_destroy(&g);
  vj_parameters_destroy(&parameters);
}

/* --- ops -------------------------------------------------------------------------------------------------------- */

enum { MOST = VJ_MAX_INPUTS + VJ_MAX_OUTPUTS };

static vj_real number(uint32_t *seed) {
  *seed = *seed * 1664525u + 1013904223u;
  return (vj_real)(int32_t)*seed * (vj_real)0x1p-30;
}

/* Numbers of a variable, rounded, as they are if it is bf16 and as they are if it is not. */
typedef struct numbers {
  uint16_t *half;
  vj_real *whole;
} numbers;

static numbers draw(const vj_var *var, uint32_t seed) {
  const size_t count = (size_t)var->count;
  numbers n = {calloc(count, sizeof *n.half), calloc(count, sizeof *n.whole)};
  assert_true(n.half && n.whole);
  for (size_t i = 0; i < count; i++) {
    n.half[i] = vj_round_bf16(number(&seed));
    n.whole[i] = vj_widen_bf16(n.half[i]);
  }
  return n;
}

/* With its variables as they were planned, or (not `half`) those in float that need not be bf16. */
static void run(vj_node *node, bool half, bool *const was[MOST], const numbers *in, void *const out[VJ_MAX_OUTPUTS],
                void *behind) {
  vj_call call = {.node = node};
  for (int k = 0; k < MOST; k++)
    if (was[k] && !half) *was[k] = false;
  for (int k = 0; k < node->input_count; k++)
    if (node->inputs[k]) call.in[k] = node->inputs[k]->half ? (const vj_real *)(const void *)in[k].half : in[k].whole;
  for (int k = 0; k < node->output_count; k++) call.out[k] = out[k];
  const size_t bytes = node->op->scratch_bytes ? node->op->scratch_bytes(node) : 0;
  call.scratch = aligned_alloc(64, (bytes + 127) / 64 * 64);
  assert_non_null(call.scratch);
  memset(call.scratch, 0xff, bytes);
  call.sums = behind;
  call.part = behind;
  call.end = node->op->form == VJ_WEIGHT ? node->outputs[0]->shape.size[0] : 0;
  (node->op->run ? node->op->run : node->op->reduce)(&call);
  free(call.scratch);
  for (int k = 0; k < MOST; k++)
    if (was[k]) *was[k] = true;
}

/* Whether it may be float as well: not a factor that its builder rounds. */
static bool *choice_of(vj_var *var) {
  const bool open = var && var->half && var->producer->op != &vj_op_round_bf16 && var->batched;
  return open ? &var->half : NULL;
}

static void *room(const vj_var *var) {
  void *new = calloc((size_t)var->count + 1, sizeof(double));
  assert_non_null(new);
  return new;
}

/* Returns whether it had a choice at all. */
static bool computes_the_same(vj_node *node) {
  bool *was[MOST] = {0}, any = false;
  numbers in[VJ_MAX_INPUTS] = {0};
  void *half[VJ_MAX_OUTPUTS] = {0}, *whole[VJ_MAX_OUTPUTS] = {0};
  for (int k = 0; k < node->input_count; k++)
    if (node->inputs[k]) {
      in[k] = draw(node->inputs[k], (uint32_t)(k + 1));
      was[k] = choice_of(node->inputs[k]);
      any = any || was[k];
    }
  was[VJ_MAX_INPUTS] = choice_of(node->outputs[0]);
  any = any || was[VJ_MAX_INPUTS];
  for (int k = 0; k < node->output_count; k++) {
    half[k] = room(node->outputs[k]);
    whole[k] = room(node->outputs[k]);
  }
  const size_t sums = node->op->sum_count ? (size_t)node->op->sum_count(node) : (size_t)node->outputs[0]->count;
  double *behind[2] = {calloc(sums, sizeof(double)), calloc(sums, sizeof(double))};
  run(node, true, was, in, half, behind[0]);
  run(node, false, was, in, whole, behind[1]);
  assert_memory_equal(behind[0], behind[1], sums * sizeof(double));
  const uint16_t *rounded = half[0];
  const int64_t bytes = vj_number_bytes(node->outputs[0]->half);
  const vj_real *exact = whole[0];
  for (int64_t i = 0; i < node->outputs[0]->count; i++) {
    const bool same = was[VJ_MAX_INPUTS]
                          ? rounded[i] == vj_round_bf16(exact[i])
                          : memcmp((char *)half[0] + i * bytes, (char *)whole[0] + i * bytes, (size_t)bytes) == 0;
    if (!same) fail_msg("%s (%s): number %lld", node->op->name, node->scope, (long long)i);
  }
  for (int k = 0; k < MOST; k++) {
    if (k < VJ_MAX_INPUTS) free(in[k].half);
    if (k < VJ_MAX_INPUTS) free(in[k].whole);
    if (k < VJ_MAX_OUTPUTS) free(half[k]);
    if (k < VJ_MAX_OUTPUTS) free(whole[k]);
  }
  free(behind[0]);
  free(behind[1]);
  return any;
}

static void ops_compute_what_they_do_in_float_and_round_it(void **state) {
  (void)state;
  network n;
  build(&n, true);
  assert_ok(vj_graph_plan(n.g, SHARDS));
  bool seen[256] = {0};
  for (int i = 0; i < n.g->plan->node_count; i++) {
    vj_node *node = n.g->plan->nodes[i];
    if (vj_is_alias(node) || !computes_the_same(node)) continue;
    for (int k = 0; vj_op_at(k); k++) seen[k] = seen[k] || vj_op_at(k) == node->op;
  }
  for (int k = 0; vj_op_at(k); k++) {
    const vj_op *op = vj_op_at(k);
    const bool may = op->halves && op != &vj_op_round_bf16 && strcmp(op->name, "linear_weight_gradient_bf16") != 0;
    if (may && !seen[k]) fail_msg("op %s was not met with a variable in bf16", op->name);
  }
  end(&n);
}

static void rounding(void **state) {
  (void)state;
  assert_int_equal(vj_round_bf16(NAN), 0x7fc0);
  assert_int_equal(vj_round_bf16(-NAN), 0x7fc0); /* one NaN, whatever made it */
  assert_true(isnan(vj_widen_bf16(0x7fc0)));
  assert_true(vj_widen_bf16(0x3f80) == 1);
  for (uint32_t bits = 0; bits < 0x10000; bits++) /* back again, but for the many NaN */
    if ((bits & 0x7fff) <= 0x7f80) assert_int_equal(vj_round_bf16(vj_widen_bf16((uint16_t)bits)), bits);
}

int main(void) {
  const struct CMUnitTest tests[] = {cmocka_unit_test(rounding),
                                     cmocka_unit_test(plan_of_activations_is_much_smaller),
                                     cmocka_unit_test(activations_are_bf16_and_what_is_read_from_outside_is_float),
                                     cmocka_unit_test(everything_is_float_in_fp32),
                                     cmocka_unit_test(what_an_op_does_not_read_is_refused),
                                     cmocka_unit_test(ops_compute_what_they_do_in_float_and_round_it)};
  return cmocka_run_group_tests(tests, start_alone, end_alone);
}
