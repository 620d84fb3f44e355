/* A channel-wise affine map, then an activation: of shared scale and shift to what is batched. */
#include <string.h>

#include "framework/ops/elementwise/activation.h"
#include "framework/ops/norm/affine.h"
#include "framework/ops/product/bf16.h"
#include "framework/ops/build.h"
#include "framework/ops/op.h"

extern const vj_op vj_op_channel_affine;

typedef struct affine {
  int64_t rows, channels;
  vj_activation activation;
} affine;

static const affine *affine_of(const vj_node *node) { return node->attributes; }

bool vj_affine_map_of(const vj_var *y, vj_affine_map *map) {
  const vj_node *node = y->producer;
  if (!node || node->op != &vj_op_channel_affine || !node->inputs[0]->batched || y->half) return false;
  const vj_activation activation = affine_of(node)->activation;
  *map = (vj_affine_map){node->inputs[0], node->inputs[1], node->inputs[2], activation};
  return activation == VJ_RELU || activation == VJ_IDENTITY;
}

/* y may be x. */
static inline __attribute__((always_inline)) void affine_rows(const affine *a, const vj_call *call,
                                                              vj_activation activation) {
  const vj_real *restrict scale = call->in[1], *restrict shift = call->in[2];
  for (int64_t r = 0; r < a->rows; r++) {
    const vj_real *x = call->in[0] + r * a->channels;
    vj_real *y = call->out[0] + r * a->channels;
#pragma omp simd
    for (int64_t c = 0; c < a->channels; c++) y[c] = vj_activated(activation, vj_affine(x[c], scale[c], shift[c]));
  }
}

/* inputs x, scale, shift */
static void channel_affine_run(const vj_call *call) {
  const affine *a = affine_of(call->node);
#define VJ_ROWS(activation) affine_rows(a, call, activation)
  VJ_FOR_ACTIVATION(a->activation, VJ_ROWS)
#undef VJ_ROWS
}

static inline __attribute__((always_inline)) void affine_rows_bf16(const affine *a, const vj_call *call,
                                                                   vj_activation activation) {
  const vj_real *restrict scale = call->in[1], *restrict shift = call->in[2];
  for (int64_t r = 0; r < a->rows; r++) {
    const vj_real *x = call->in[0] + r * a->channels;
    uint16_t *restrict y = vj_bf16_numbers(call->out[0]) + r * a->channels;
#pragma omp simd
    for (int64_t c = 0; c < a->channels; c++)
      y[c] = vj_round_bf16(vj_activated(activation, vj_affine(x[c], scale[c], shift[c])));
  }
}

/* The same, rounded. */
static void channel_affine_bf16_run(const vj_call *call) {
  const affine *a = affine_of(call->node);
#define VJ_ROWS(activation) affine_rows_bf16(a, call, activation)
  VJ_FOR_ACTIVATION(a->activation, VJ_ROWS)
#undef VJ_ROWS
}

static size_t channel_affine_gradient_scratch(const vj_node *node) {
  return (size_t)(2 * affine_of(node)->channels) * sizeof(vj_real);
}

/* Rows begin..end: g = dy activation'(u), dx = g scale, by_x += g x, plain += g; dx may be dy. */
static inline __attribute__((always_inline)) void affine_gradient_rows(const affine *a, const vj_call *call,
                                                                       int64_t begin, int64_t end, vj_real *by_x,
                                                                       vj_real *plain, vj_activation activation) {
  const vj_real *scale = call->in[2], *shift = call->in[3];
  for (int64_t r = begin; r < end; r++) {
    const vj_real *dy = call->in[0] + r * a->channels, *x = call->in[1] + r * a->channels;
    vj_real *dx = call->out[0] + r * a->channels;
#pragma omp simd
    for (int64_t c = 0; c < a->channels; c++) {
      const vj_real g = dy[c] * vj_activation_slope(activation, vj_affine(x[c], scale[c], shift[c]));
      by_x[c] += g * x[c];
      plain[c] += g;
      dx[c] = g * scale[c];
    }
  }
}

/* inputs dy, x, scale, shift; outputs dx (batched), dscale, dshift (shared), in one pass. Sums run in vj_real over
 * short blocks of rows, then in double. */
static void channel_affine_gradient_reduce(const vj_call *call) {
  enum { BLOCK_ROWS = 32 };
  const affine *a = affine_of(call->node);
  vj_real *by_x = call->scratch, *plain = by_x + a->channels;
  for (int64_t begin = 0; begin < a->rows; begin += BLOCK_ROWS) {
    const int64_t end = begin + BLOCK_ROWS < a->rows ? begin + BLOCK_ROWS : a->rows;
    memset(by_x, 0, (size_t)(2 * a->channels) * sizeof *by_x);
#define VJ_ROWS(activation) affine_gradient_rows(a, call, begin, end, by_x, plain, activation)
    VJ_FOR_ACTIVATION(a->activation, VJ_ROWS)
#undef VJ_ROWS
    for (int64_t c = 0; c < a->channels; c++) {
      call->sums[c] += (double)by_x[c];
      call->sums[a->channels + c] += (double)plain[c];
    }
  }
}

const vj_op vj_op_channel_affine_gradient = {.name = "channel_affine_gradient",
                                             .summary = "dx, dscale and dshift in one pass",
                                             .form = VJ_SUM,
                                             .in_place = 1,
                                             .reduce = channel_affine_gradient_reduce,
                                             .finish = vj_finish_sums_behind_first,
                                             .sum_count = vj_count_behind_first,
                                             .scratch_bytes = channel_affine_gradient_scratch};

static void channel_affine_gradient(vj_graph *graph, vj_node *node) {
  vj_var *x = node->inputs[0], *scale = node->inputs[1], *shift = node->inputs[2];
  vj_node *back =
      vj_node_create(graph, &vj_op_channel_affine_gradient, (vj_var *[]){node->outputs[0]->gradient, x, scale, shift},
                     4, 4, node->attributes, sizeof(affine));
  vj_gradient_add(graph, x, vj_node_output(graph, back, x->batched, &x->shape));
  vj_gradient_add(graph, scale, vj_node_output(graph, back, false, &scale->shape));
  vj_gradient_add(graph, shift, vj_node_output(graph, back, false, &shift->shape));
}

const vj_op vj_op_channel_affine_bf16 = {.name = "channel_affine_bf16",
                                         .summary = "channel_affine, rounded to bf16",
                                         .form = VJ_MAP,
                                         .recompute = true,
                                         .run = channel_affine_bf16_run};

const vj_op vj_op_channel_affine = {.name = "channel_affine",
                                    .summary = "activation(x scale[c] + shift[c]) over the last dimension",
                                    .form = VJ_MAP,
                                    .in_place = 1,
                                    .run = channel_affine_run,
                                    .rounding = &vj_op_channel_affine_bf16,
                                    .recompute = true,
                                    .gradient = channel_affine_gradient};

vj_var *vj_channel_affine(vj_graph *graph, vj_var *x, vj_var *scale, vj_var *shift, vj_activation activation) {
  if (!x || !scale || !shift) return NULL;
  const int64_t channels = x->shape.rank ? x->shape.size[x->shape.rank - 1] : 0;
  if (scale->batched || shift->batched || scale->count != channels || shift->count != channels)
    return vj_graph_fail(graph, VJ_SHAPE, "channel_affine: x %s does not fit scale %s and shift %s",
                         VJ_SHAPE_TEXT(&x->shape), VJ_SHAPE_TEXT(&scale->shape), VJ_SHAPE_TEXT(&shift->shape));
  const affine args = {x->count / channels, channels, activation};
  vj_node *node = vj_node_create(graph, &vj_op_channel_affine, (vj_var *[]){x, scale, shift}, 3, 3, &args, sizeof args);
  return vj_node_result(graph, node, &x->shape);
}
