#include "framework/ops/product/bf16.h"

#include "framework/base/kernel.h"
#include "framework/ops/op.h"

VJ_KERNEL(round_rows,
          (const vj_real *restrict from, int64_t from_pitch, int64_t rows, int64_t count, uint16_t *restrict to,
           int64_t to_pitch),
          (from, from_pitch, rows, count, to, to_pitch)) {
  for (int64_t r = 0; r < rows; r++)
    for (int64_t i = 0; i < count; i++) to[r * to_pitch + i] = vj_round_bf16(from[r * from_pitch + i]);
}

void vj_bf16_round(const vj_real *from, int64_t from_pitch, int64_t rows, int64_t count, uint16_t *to,
                   int64_t to_pitch) {
  round_rows(from, from_pitch, rows, count, to, to_pitch);
}

VJ_KERNEL(widen_numbers, (const uint16_t *restrict from, int64_t count, vj_real *restrict to), (from, count, to)) {
  for (int64_t i = 0; i < count; i++) to[i] = vj_widen_bf16(from[i]);
}

void vj_bf16_widen(const uint16_t *from, int64_t count, vj_real *to) { widen_numbers(from, count, to); }

static void round_bf16_run(const vj_call *call) {
  const int64_t count = call->node->outputs[0]->count;
  round_rows(call->in[0], count, 1, count, vj_bf16_numbers(call->out[0]), count);
}

static unsigned round_bf16_halves(const vj_node *node) {
  (void)node;
  return VJ_INPUT(0);
}

VJ_KERNEL(pair, (const uint16_t *restrict first, const uint16_t *restrict second, uint32_t *restrict to, int64_t count),
          (first, second, to, count)) {
  for (int64_t i = 0; i < count; i++) to[i] = first[i] | (uint32_t)second[i] << 16;
}

void vj_bf16_pair(const uint16_t *first, const uint16_t *second, uint32_t *to, int64_t count) {
  pair(first, second, to, count);
}

const vj_op vj_op_round_bf16 = {.name = "round_bf16",
                                .summary = "x rounded to bf16",
                                .form = VJ_MAP,
                                .run = round_bf16_run,
                                .halves = round_bf16_halves};

vj_var *vj_bf16(vj_graph *graph, vj_var *x) {
  if (!x || x->half) return x;
  if (x->rounded && x->rounded->needs_gradient == x->needs_gradient) return x->rounded;
  vj_var *y = vj_node_result(graph, vj_node_create(graph, &vj_op_round_bf16, &x, 1, 1, NULL, 0), &x->shape);
  if (y) y->half = true;
  x->rounded = y;
  return y;
}
