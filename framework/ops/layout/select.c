/* Choosing among heads: the index of the smallest, and the sum over heads weighted by a choice. */
#include <string.h>

#include "framework/ops/build.h"
#include "framework/ops/op.h"

typedef struct heads {
  int64_t samples, count, width; /* of one shard */
} heads;

/* --- one_hot_smallest ------------------------------------------------------------------------------------------ */

static void one_hot_smallest_run(const vj_call *call) {
  const heads *h = call->node->attributes;
  memset(call->out[0], 0, (size_t)(h->samples * h->count) * sizeof(vj_real));
  for (int64_t s = 0; s < h->samples; s++) {
    const vj_real *row = call->in[0] + s * h->count;
    int64_t best = 0;
    for (int64_t k = 1; k < h->count; k++)
      if (row[k] < row[best]) best = k;
    call->out[0][s * h->count + best] = 1;
  }
}

const vj_op vj_op_one_hot_smallest = {.name = "one_hot_smallest",
                                      .summary = "1 at the smallest of the last dimension, 0 elsewhere; a constant",
                                      .form = VJ_MAP,
                                      .run = one_hot_smallest_run};

vj_var *vj_one_hot_smallest(vj_graph *graph, vj_var *x) {
  if (!x) return NULL;
  if (!x->batched || x->shape.rank != 2)
    return vj_graph_fail(graph, VJ_SHAPE, "one_hot_smallest: expected [b,K], got %s", VJ_SHAPE_TEXT(&x->shape));
  const heads h = {x->shape.size[0], x->shape.size[1], 1};
  vj_node *node = vj_node_create(graph, &vj_op_one_hot_smallest, (vj_var *[]){x}, 1, 1, &h, sizeof h);
  vj_var *y = vj_node_result(graph, node, &x->shape);
  if (y) y->needs_gradient = false;
  return y;
}

/* --- mix_heads --------------------------------------------------------------------------------------------------- */

/* inputs x [b,K,..], weight [b,K] */
static void mix_heads_run(const vj_call *call) {
  const heads *h = call->node->attributes;
  for (int64_t s = 0; s < h->samples; s++) {
    vj_real *restrict y = call->out[0] + s * h->width;
    for (int64_t i = 0; i < h->width; i++) y[i] = 0;
    for (int64_t k = 0; k < h->count; k++) {
      const vj_real weight = call->in[1][s * h->count + k];
      const vj_real *x = call->in[0] + (s * h->count + k) * h->width;
      if (weight == 0) continue; /* a head that was not chosen; its numbers don't matter, not even NaN */
      for (int64_t i = 0; i < h->width; i++) y[i] += weight * x[i];
    }
  }
}

/* inputs dy, weight */
static void mix_heads_input_gradient_run(const vj_call *call) {
  const heads *h = call->node->attributes;
  for (int64_t s = 0; s < h->samples; s++)
    for (int64_t k = 0; k < h->count; k++) {
      const vj_real weight = call->in[1][s * h->count + k], *dy = call->in[0] + s * h->width;
      vj_real *restrict dx = call->out[0] + (s * h->count + k) * h->width;
      for (int64_t i = 0; i < h->width; i++) dx[i] = weight * dy[i];
    }
}

/* inputs dy, x */
static void mix_heads_weight_gradient_run(const vj_call *call) {
  const heads *h = call->node->attributes;
  for (int64_t s = 0; s < h->samples; s++)
    for (int64_t k = 0; k < h->count; k++) {
      const vj_real *dy = call->in[0] + s * h->width, *x = call->in[1] + (s * h->count + k) * h->width;
      double sum = 0;
      for (int64_t i = 0; i < h->width; i++) sum += (double)dy[i] * (double)x[i];
      call->out[0][s * h->count + k] = (vj_real)sum;
    }
}

const vj_op vj_op_mix_heads_input_gradient = {.name = "mix_heads_input_gradient",
                                              .summary = "weight times dy, for every head",
                                              .form = VJ_MAP,
                                              .run = mix_heads_input_gradient_run};

const vj_op vj_op_mix_heads_weight_gradient = {.name = "mix_heads_weight_gradient",
                                               .summary = "<dy, x> of every head",
                                               .form = VJ_MAP,
                                               .run = mix_heads_weight_gradient_run};

static void mix_heads_gradient(vj_graph *graph, vj_node *node) {
  vj_var *x = node->inputs[0], *weight = node->inputs[1], *dy = node->outputs[0]->gradient;
  vj_gradient_by(graph, x, node, &vj_op_mix_heads_input_gradient, (vj_var *[]){dy, weight}, 2);
  vj_gradient_by(graph, weight, node, &vj_op_mix_heads_weight_gradient, (vj_var *[]){dy, x}, 2);
}

const vj_op vj_op_mix_heads = {.name = "mix_heads",
                               .summary = "sum over heads, each weighted: [b,K,..], [b,K] -> [b,..]",
                               .form = VJ_MAP,
                               .run = mix_heads_run,
                               .gradient = mix_heads_gradient};

vj_var *vj_mix_heads(vj_graph *graph, vj_var *x, vj_var *weight) {
  if (!x || !weight) return NULL;
  const bool fits = x->batched && weight->batched && x->shape.rank >= 3 && weight->shape.rank == 2 &&
                    x->shape.size[1] == weight->shape.size[1];
  if (!fits)
    return vj_graph_fail(graph, VJ_SHAPE, "mix_heads: x %s [b,K,..] does not fit weight %s [b,K]",
                         VJ_SHAPE_TEXT(&x->shape), VJ_SHAPE_TEXT(&weight->shape));
  const heads h = {x->shape.size[0], x->shape.size[1], vj_shape_count(&x->shape, 2, x->shape.rank)};
  vj_shape shape = {.rank = x->shape.rank - 1, .size = {x->shape.size[0]}};
  for (int i = 2; i < x->shape.rank; i++) shape.size[i - 1] = x->shape.size[i];
  vj_node *node = vj_node_create(graph, &vj_op_mix_heads, (vj_var *[]){x, weight}, 2, 2, &h, sizeof h);
  return vj_node_result(graph, node, &shape);
}
