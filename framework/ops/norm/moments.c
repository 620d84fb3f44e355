/* Mean and variance over the global batch: of what is batched to what is shared. */
#include <string.h>

#include "framework/ops/product/bf16.h"
#include "framework/ops/build.h"
#include "framework/ops/op.h"

typedef struct moments {
  int64_t rows, columns; /* of one shard */
  double all_rows;       /* of the global batch */
} moments;

static const moments *moments_of(const vj_node *node) { return node->attributes; }

static int64_t moments_sum_count(const vj_node *node) { return 2 * moments_of(node)->columns; }

/* Rows that are summed as one, where a row is shorter than the processor's vectors. */
static int64_t moments_fold(const moments *m) {
  int64_t fold = 1;
  while (2 * fold * m->columns <= 64 && m->rows % (2 * fold) == 0) fold *= 2;
  return fold;
}

static size_t moments_scratch(const vj_node *node) {
  const moments *m = moments_of(node);
  return (size_t)(2 * moments_fold(m) * m->columns) * sizeof(vj_real);
}

/* Sums of x and x^2 in double. Inside a short block of rows numbers are first centred by the block's own mean, in
 * vj_real: so a large mean does not eat the digits of a small variance. */
static void moments_reduce(const vj_call *call) {
  enum { BLOCK_ROWS = 64 };
  const moments *m = moments_of(call->node);
  const int64_t fold = moments_fold(m), columns = fold * m->columns, all = m->rows / fold;
  vj_real *restrict mean = call->scratch, *restrict square = mean + columns;
  double *restrict sum = call->sums, *restrict sum_square = call->sums + m->columns;
  for (int64_t begin = 0; begin < all; begin += BLOCK_ROWS) {
    const int64_t end = begin + BLOCK_ROWS < all ? begin + BLOCK_ROWS : all;
    const vj_real *block = call->in[0] + begin * columns;
    const vj_real inverse = (vj_real)(1.0 / (double)(end - begin));
    memset(mean, 0, (size_t)(2 * columns) * sizeof *mean);
    for (int64_t r = 0; r < end - begin; r++) {
      const vj_real *restrict x = block + r * columns;
#pragma omp simd
      for (int64_t c = 0; c < columns; c++) mean[c] += x[c];
    }
    for (int64_t c = 0; c < columns; c++) mean[c] *= inverse;
    for (int64_t r = 0; r < end - begin; r++) {
      const vj_real *restrict x = block + r * columns;
#pragma omp simd
      for (int64_t c = 0; c < columns; c++) {
        const vj_real d = x[c] - mean[c];
        square[c] += d * d;
      }
    }
    /* The block's mean is rounded; sum x^2 = M2 + 2 mean (sum x) - n mean^2 holds for any centre, and with
     * sum x = n mean up to that rounding this is M2 + n mean^2. */
    const double rows = (double)(end - begin);
    for (int64_t f = 0; f < columns; f += m->columns)
      for (int64_t c = 0; c < m->columns; c++) {
        const double centre = (double)mean[f + c];
        sum[c] += rows * centre;
        sum_square[c] += (double)square[f + c] + rows * centre * centre;
      }
  }
}

static void moments_finish(const vj_call *call) {
  const moments *m = moments_of(call->node);
  for (int64_t c = 0; c < m->columns; c++) {
    const double mean = call->sums[c] / m->all_rows;
    const double variance = call->sums[m->columns + c] / m->all_rows - mean * mean;
    call->out[0][c] = (vj_real)mean;
    call->out[1][c] = (vj_real)(variance > 0 ? variance : 0);
  }
}

/* inputs x, mean, dmean (may be NULL), dvariance (may be NULL), base (may be NULL: what other uses of x gave):
 * dx = base + dmean / N + dvariance 2 (x - mean) / N = base + x slope + offset */
static void moments_gradient_factors(const vj_call *call, vj_real *restrict slope, vj_real *restrict offset) {
  const moments *m = moments_of(call->node);
  const vj_real *mean = call->in[1], *dmean = call->in[2], *dvariance = call->in[3];
  const vj_real inverse = (vj_real)(1.0 / m->all_rows);
  for (int64_t c = 0; c < m->columns; c++) {
    slope[c] = dvariance ? 2 * inverse * dvariance[c] : 0;
    offset[c] = (dmean ? dmean[c] * inverse : 0) - slope[c] * mean[c];
  }
}

static void moments_gradient_run(const vj_call *call) {
  const moments *m = moments_of(call->node);
  const vj_real *base = call->in[4];
  vj_real *restrict slope = call->scratch, *restrict offset = slope + m->columns;
  moments_gradient_factors(call, slope, offset);
  for (int64_t r = 0; r < m->rows; r++) {
    const vj_real *x = call->in[0] + r * m->columns;
    vj_real *dx = call->out[0] + r * m->columns;
    if (base) {
      const vj_real *b = base + r * m->columns; /* may be dx itself */
#pragma omp simd
      for (int64_t c = 0; c < m->columns; c++) dx[c] = b[c] + (x[c] * slope[c] + offset[c]);
    } else {
#pragma omp simd
      for (int64_t c = 0; c < m->columns; c++) dx[c] = x[c] * slope[c] + offset[c];
    }
  }
}

static void moments_gradient_bf16_run(const vj_call *call) {
  const moments *m = moments_of(call->node);
  const vj_real *base = call->in[4];
  vj_real *restrict slope = call->scratch, *restrict offset = slope + m->columns;
  moments_gradient_factors(call, slope, offset);
  for (int64_t r = 0; r < m->rows; r++) {
    const vj_real *x = call->in[0] + r * m->columns, *b = base ? base + r * m->columns : NULL;
    uint16_t *restrict dx = vj_bf16_numbers(call->out[0]) + r * m->columns;
    if (b) {
#pragma omp simd
      for (int64_t c = 0; c < m->columns; c++) dx[c] = vj_round_bf16(b[c] + (x[c] * slope[c] + offset[c]));
    } else {
#pragma omp simd
      for (int64_t c = 0; c < m->columns; c++) dx[c] = vj_round_bf16(x[c] * slope[c] + offset[c]);
    }
  }
}

const vj_op vj_op_moments_gradient_bf16 = {.name = "moments_gradient_bf16",
                                           .summary = "moments_gradient, rounded to bf16",
                                           .form = VJ_MAP,
                                           .run = moments_gradient_bf16_run,
                                           .scratch_bytes = moments_scratch};

const vj_op vj_op_moments_gradient = {.name = "moments_gradient",
                                      .summary = "dx of mean and variance, added to what x's other uses gave",
                                      .form = VJ_MAP,
                                      .in_place = 5,
                                      .run = moments_gradient_run,
                                      .rounding = &vj_op_moments_gradient_bf16,
                                      .scratch_bytes = moments_scratch};

static void moments_gradient(vj_graph *graph, vj_node *node) {
  vj_var *x = node->inputs[0];
  vj_var *base = vj_gradient_take(x);
  vj_var *inputs[] = {x, node->outputs[0], node->outputs[0]->gradient, node->outputs[1]->gradient, base};
  vj_node *back = vj_node_create(graph, &vj_op_moments_gradient, inputs, 5, 2, node->attributes, sizeof(moments));
  vj_gradient_add(graph, x, vj_node_output(graph, back, x->batched, &x->shape));
}

const vj_op vj_op_moments = {.name = "moments",
                             .summary = "mean and biased variance over the global batch and leading dimensions",
                             .form = VJ_SUM,
                             .reduce = moments_reduce,
                             .finish = moments_finish,
                             .gradient = moments_gradient,
                             .sum_count = moments_sum_count,
                             .scratch_bytes = moments_scratch};

void vj_moments(vj_graph *graph, vj_var *x, int kept, vj_var **mean, vj_var **variance) {
  *mean = *variance = NULL;
  if (!x) return;
  if (kept < 1 || kept >= x->shape.rank) {
    vj_graph_fail(graph, VJ_SHAPE, "moments: cannot keep %d dimensions of %s", kept, VJ_SHAPE_TEXT(&x->shape));
    return;
  }
  vj_shape shape = {.rank = kept};
  for (int i = 0; i < kept; i++) shape.size[i] = x->shape.size[x->shape.rank - kept + i];
  const int64_t columns = vj_shape_count(&shape, 0, kept), rows = x->count / columns;
  const moments args = {rows, columns, (double)rows * (double)(x->batched ? graph->options.shards : 1)};
  vj_node *node = vj_node_create(graph, &vj_op_moments, (vj_var *[]){x}, 1, 1, &args, sizeof args);
  *mean = vj_node_output(graph, node, false, &shape);
  *variance = vj_node_output(graph, node, false, &shape);
}
