#include "framework/ops/product/bf16.h"

#include "framework/base/kernel.h"
#include "framework/ops/op.h"

typedef struct rounding {
  int64_t count;
} rounding;

VJ_KERNEL(round_bf16_run, (const vj_call *call), (call)) {
  const int64_t count = ((const rounding *)call->node->attributes)->count;
  const vj_real *restrict x = call->in[0];
  uint16_t *restrict y = vj_bf16_numbers(call->out[0]);
  for (int64_t i = 0; i < count; i++) y[i] = vj_round_bf16(x[i]);
}

VJ_KERNEL(pair, (const uint16_t *restrict first, const uint16_t *restrict second, uint32_t *restrict to, int64_t count),
          (first, second, to, count)) {
  for (int64_t i = 0; i < count; i++) to[i] = first[i] | (uint32_t)second[i] << 16;
}

void vj_bf16_pair(const uint16_t *first, const uint16_t *second, uint32_t *to, int64_t count) {
  pair(first, second, to, count);
}

void vj_bf16_transpose_pairs(const uint32_t *from, int64_t rows, int64_t columns, uint32_t *to, int64_t to_pitch) {
  enum { SQUARE = 16 };
  for (int64_t i = 0; i < rows; i += SQUARE)
    for (int64_t j = 0; j < columns; j += SQUARE) {
      const int64_t rows_end = i + SQUARE < rows ? i + SQUARE : rows;
      const int64_t columns_end = j + SQUARE < columns ? j + SQUARE : columns;
      for (int64_t column = j; column < columns_end; column++)
        for (int64_t row = i; row < rows_end; row++) to[column * to_pitch + row] = from[row * columns + column];
    }
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
