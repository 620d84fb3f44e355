#include "framework/ops/product/bf16.h"

#include "framework/base/kernel.h"
#include "framework/ops/op.h"

typedef struct rounding {
  int64_t count;
} rounding;

VJ_KERNEL(round_numbers, (const vj_real *restrict from, int64_t count, uint16_t *restrict to), (from, count, to)) {
  for (int64_t i = 0; i < count; i++) to[i] = vj_round_bf16(from[i]);
}

void vj_bf16_round_rows(const vj_real *from, int64_t count, uint32_t *to) {
  round_numbers(from, count, (uint16_t *)(void *)to);
}

static void round_bf16_run(const vj_call *call) {
  round_numbers(call->in[0], ((const rounding *)call->node->attributes)->count, vj_bf16_numbers(call->out[0]));
}

VJ_KERNEL(pair, (const uint16_t *restrict first, const uint16_t *restrict second, uint32_t *restrict to, int64_t count),
          (first, second, to, count)) {
  for (int64_t i = 0; i < count; i++) to[i] = first[i] | (uint32_t)second[i] << 16;
}

void vj_bf16_pair(const uint16_t *first, const uint16_t *second, uint32_t *to, int64_t count) {
  pair(first, second, to, count);
}

const vj_op vj_op_round_bf16 = {
    .name = "round_bf16", .summary = "x rounded to bf16", .form = VJ_MAP, .run = round_bf16_run};

/* The op that makes x, once more, with its output in bf16. If nothing else reads x, the planner drops the first. */
static vj_node *made_anew(vj_graph *graph, const vj_node *producer) {
  vj_node *node = vj_node_create(graph, producer->op->rounding, producer->inputs, producer->input_count, 0, NULL, 0);
  if (node) node->attributes = producer->attributes;
  return node;
}

vj_var *vj_bf16(vj_graph *graph, vj_var *x) {
  if (!x || x->half) return x;
  if (x->rounded && x->rounded->needs_gradient == x->needs_gradient) return x->rounded;
  const rounding args = {x->count};
  const bool again = x->producer && x->producer->op->rounding && x->producer->outputs[0] == x;
  vj_node *node =
      again ? made_anew(graph, x->producer) : vj_node_create(graph, &vj_op_round_bf16, &x, 1, 1, &args, sizeof args);
  vj_var *y = vj_node_output(graph, node, x->batched, &x->shape);
  if (y) y->half = true;
  x->rounded = y;
  return y;
}
