/* The small ends of residual blocks, each in one pass over memory: what is added to a path, a gate, and numbers that
 * are the same for every step. */
#include <string.h>

#include "framework/base/kernel.h"
#include "framework/ops/elementwise/activation.h"
#include "framework/ops/build.h"
#include "framework/ops/op.h"

/* --- residual: x + keep[sample] scale[c] y ----------------------------------------------------------------------- */

typedef struct block {
  int64_t samples, rows, channels; /* rows of one sample */
} block;

enum { BLOCK_ROWS = 32 };

/* The factor of each channel: of one sample where it may be dropped. */
static void factors(const block *b, const vj_real *scale, const vj_real *keep, int64_t sample, vj_real *factor) {
  for (int64_t c = 0; c < b->channels; c++) factor[c] = (scale ? scale[c] : 1) * (keep ? keep[sample] : 1);
}

static size_t factor_bytes(const vj_node *node) {
  return (size_t)(2 * ((const block *)node->attributes)->channels) * sizeof(vj_real);
}

/* inputs x, y, scale (may be NULL), keep (may be NULL) */
VJ_KERNEL(residual_run, (const vj_call *call), (call)) {
  const block *b = call->node->attributes;
  vj_real *factor = call->scratch;
  for (int64_t s = 0; s < b->samples; s++) {
    factors(b, call->in[2], call->in[3], s, factor);
    for (int64_t r = s * b->rows; r < (s + 1) * b->rows; r++) {
      const vj_real *x = call->in[0] + r * b->channels, *y = call->in[1] + r * b->channels;
      vj_real *out = call->out[0] + r * b->channels; /* may be x */
#pragma omp simd
      for (int64_t c = 0; c < b->channels; c++) out[c] = x[c] + factor[c] * y[c];
    }
  }
}

/* inputs dout, y (with a scale), scale, keep; outputs dy, and shared dscale where there is one */
VJ_KERNEL(residual_gradient_reduce, (const vj_call *call), (call)) {
  const block *b = call->node->attributes;
  const vj_real *scale = call->in[2], *keep = call->in[3];
  vj_real *factor = call->scratch, *sum = factor + b->channels;
  for (int64_t s = 0; s < b->samples; s++) {
    factors(b, scale, keep, s, factor);
    for (int64_t begin = s * b->rows; begin < (s + 1) * b->rows; begin += BLOCK_ROWS) {
      const int64_t last = (s + 1) * b->rows, end = begin + BLOCK_ROWS < last ? begin + BLOCK_ROWS : last;
      memset(sum, 0, (size_t)b->channels * sizeof *sum);
      for (int64_t r = begin; r < end; r++) {
        const vj_real *dout = call->in[0] + r * b->channels, *y = call->in[1] + r * b->channels;
        vj_real *dy = call->out[0] + r * b->channels;
#pragma omp simd
        for (int64_t c = 0; c < b->channels; c++) {
          sum[c] += dout[c] * y[c];
          dy[c] = factor[c] * dout[c];
        }
      }
      for (int64_t c = 0; c < b->channels; c++) call->sums[c] += (double)((keep ? keep[s] : 1) * sum[c]);
    }
  }
}

const vj_op vj_op_residual_gradient = {.name = "residual_gradient",
                                       .summary = "dy and dscale of x + keep[sample] scale[c] y",
                                       .form = VJ_SUM,
                                       .reduce = residual_gradient_reduce,
                                       .finish = vj_finish_sums_behind_first,
                                       .sum_count = vj_count_behind_first,
                                       .scratch_bytes = factor_bytes};

/* inputs dout, keep */
VJ_KERNEL(keep_samples_run, (const vj_call *call), (call)) {
  const block *b = call->node->attributes;
  const int64_t count = b->rows * b->channels;
  for (int64_t s = 0; s < b->samples; s++)
    for (int64_t i = s * count; i < (s + 1) * count; i++) call->out[0][i] = call->in[1][s] * call->in[0][i];
}

const vj_op vj_op_keep_samples = {
    .name = "keep_samples", .summary = "dy of x + keep[sample] y", .form = VJ_MAP, .run = keep_samples_run};

static void residual_gradient(vj_graph *graph, vj_node *node) {
  vj_var *x = node->inputs[0], *y = node->inputs[1], *scale = node->inputs[2], *keep = node->inputs[3];
  vj_var *dout = node->outputs[0]->gradient;
  vj_gradient_add(graph, x, dout);
  if (scale) {
    vj_node *back = vj_node_create(graph, &vj_op_residual_gradient, (vj_var *[]){dout, y, scale, keep}, 4, 3,
                                   node->attributes, sizeof(block));
    vj_gradient_add(graph, y, vj_node_output(graph, back, true, &y->shape));
    vj_gradient_add(graph, scale, vj_node_output(graph, back, false, &scale->shape));
  } else if (keep) {
    vj_gradient_by(graph, y, node, &vj_op_keep_samples, (vj_var *[]){dout, keep}, 2);
  } else {
    vj_gradient_add(graph, y, dout);
  }
}

const vj_op vj_op_residual = {.name = "residual",
                              .summary = "x + keep[sample] scale[c] y",
                              .form = VJ_MAP,
                              .in_place = 1,
                              .run = residual_run,
                              .gradient = residual_gradient,
                              .scratch_bytes = factor_bytes};

vj_var *vj_residual(vj_graph *graph, vj_var *x, vj_var *y, vj_var *scale, double drop) {
  if (!x || !y) return NULL;
  const int64_t channels = x->shape.rank ? x->shape.size[x->shape.rank - 1] : 1;
  if (!x->batched || !y->batched || !vj_shape_same(&x->shape, &y->shape) || (scale && scale->count != channels) ||
      !(drop >= 0 && drop < 1))
    return vj_graph_fail(graph, VJ_SHAPE, "residual: %s is not added to %s, with one scale a channel and drop in [0,1)",
                         VJ_SHAPE_TEXT(&y->shape), VJ_SHAPE_TEXT(&x->shape));
  vj_var *keep = vj_drop_path_mask(graph, 1 - drop);
  const block sizes = {x->shape.size[0], x->count / x->shape.size[0] / channels, channels};
  vj_node *node = vj_node_create(graph, &vj_op_residual, (vj_var *[]){x, y, scale, keep}, 4, 2, &sizes, sizeof sizes);
  return vj_node_result(graph, node, &x->shape);
}

/* --- gate: [..,2C] -> sigmoid(second half) first half ------------------------------------------------------------ */

VJ_KERNEL(gate_run, (const vj_call *call), (call)) {
  const int64_t channels = *(const int64_t *)call->node->attributes, rows = call->node->outputs[0]->count / channels;
  for (int64_t r = 0; r < rows; r++) {
    const vj_real *value = call->in[0] + 2 * r * channels, *gate = value + channels;
    vj_real *y = call->out[0] + r * channels;
#pragma omp simd
    for (int64_t c = 0; c < channels; c++) y[c] = value[c] * vj_sigmoid(gate[c]);
  }
}

/* inputs dy, x */
VJ_KERNEL(glu_gradient_run, (const vj_call *call), (call)) {
  const int64_t channels = *(const int64_t *)call->node->attributes, rows = call->node->inputs[0]->count / channels;
  for (int64_t r = 0; r < rows; r++) {
    const vj_real *dy = call->in[0] + r * channels, *value = call->in[1] + 2 * r * channels, *gate = value + channels;
    vj_real *dvalue = call->out[0] + 2 * r * channels, *dgate = dvalue + channels;
#pragma omp simd
    for (int64_t c = 0; c < channels; c++) {
      const vj_real s = vj_sigmoid(gate[c]);
      dgate[c] = dy[c] * value[c] * s * (1 - s);
      dvalue[c] = dy[c] * s;
    }
  }
}

const vj_op vj_op_glu_gradient = {
    .name = "glu_gradient", .summary = "both halves of a gate's dx", .form = VJ_MAP, .run = glu_gradient_run};

static void glu_gradient(vj_graph *graph, vj_node *node) {
  vj_var *x = node->inputs[0];
  vj_gradient_by(graph, x, node, &vj_op_glu_gradient, (vj_var *[]){node->outputs[0]->gradient, x}, 2);
}

const vj_op vj_op_glu = {.name = "glu",
                         .summary = "[..,2C] -> [..,C]: the first half times the sigmoid of the second",
                         .form = VJ_MAP,
                         .recompute = true,
                         .run = gate_run,
                         .gradient = glu_gradient};

vj_var *vj_glu(vj_graph *graph, vj_var *x) {
  if (!x) return NULL;
  vj_shape shape = x->shape;
  const int64_t both = shape.rank ? shape.size[shape.rank - 1] : 1, channels = both / 2;
  if (both % 2) return vj_graph_fail(graph, VJ_SHAPE, "glu: %s has no two halves", VJ_SHAPE_TEXT(&shape));
  shape.size[shape.rank - 1] = channels;
  vj_node *node = vj_node_create(graph, &vj_op_glu, (vj_var *[]){x}, 1, 1, &channels, sizeof channels);
  return vj_node_result(graph, node, &shape);
}

/* --- add_to_steps: x[b,t,..] + y[b,..] --------------------------------------------------------------------------- */

/* inputs x, y; the output may be x */
VJ_KERNEL(add_to_steps_run, (const vj_call *call), (call)) {
  const block *b = call->node->attributes; /* rows: steps */
  for (int64_t s = 0; s < b->samples; s++)
    for (int64_t t = 0; t < b->rows; t++) {
      const vj_real *x = call->in[0] + (s * b->rows + t) * b->channels, *y = call->in[1] + s * b->channels;
      vj_real *out = call->out[0] + (s * b->rows + t) * b->channels;
#pragma omp simd
      for (int64_t c = 0; c < b->channels; c++) out[c] = x[c] + y[c];
    }
}

VJ_KERNEL(sum_steps_run, (const vj_call *call), (call)) {
  const block *b = call->node->attributes;
  for (int64_t s = 0; s < b->samples; s++) {
    vj_real *restrict sum = call->out[0] + s * b->channels;
    memset(sum, 0, (size_t)b->channels * sizeof *sum);
    for (int64_t t = 0; t < b->rows; t++) {
      const vj_real *x = call->in[0] + (s * b->rows + t) * b->channels;
      for (int64_t c = 0; c < b->channels; c++) sum[c] += x[c];
    }
  }
}

const vj_op vj_op_sum_steps = {
    .name = "sum_steps", .summary = "[b,T,..] -> [b,..]: the sum over T", .form = VJ_MAP, .run = sum_steps_run};

static void add_to_steps_gradient(vj_graph *graph, vj_node *node) {
  vj_var *x = node->inputs[0], *y = node->inputs[1], *dout = node->outputs[0]->gradient;
  vj_gradient_add(graph, x, dout);
  vj_gradient_by(graph, y, node, &vj_op_sum_steps, (vj_var *[]){dout}, 1);
}

const vj_op vj_op_add_to_steps = {.name = "add_to_steps",
                                  .summary = "x [b,T,..] + y [b,..], the same for every step",
                                  .form = VJ_MAP,
                                  .in_place = 1,
                                  .run = add_to_steps_run,
                                  .gradient = add_to_steps_gradient};

vj_var *vj_add_to_steps(vj_graph *graph, vj_var *x, vj_var *y) {
  if (!x || !y) return NULL;
  const int64_t steps = x->shape.rank > 1 ? x->shape.size[1] : 0;
  if (!x->batched || !y->batched || steps * y->count != x->count)
    return vj_graph_fail(graph, VJ_SHAPE, "add_to_steps: %s is not added to every step of %s", VJ_SHAPE_TEXT(&y->shape),
                         VJ_SHAPE_TEXT(&x->shape));
  const block sizes = {x->shape.size[0], steps, y->count / x->shape.size[0]};
  vj_node *node = vj_node_create(graph, &vj_op_add_to_steps, (vj_var *[]){x, y}, 2, 2, &sizes, sizeof sizes);
  return vj_node_result(graph, node, &x->shape);
}
