/* Mean and variance over the global batch: of what is batched to what is shared. */
#include "framework/ops/norm/moments.h"
#include "framework/ops/norm/rows.h"
#include "framework/ops/product/bf16.h"
#include "framework/ops/build.h"
#include "framework/ops/op.h"

typedef struct moments {
  int64_t rows, columns; /* of one shard */
  double all_rows;       /* of the global batch */
} moments;

static const moments *moments_of(const vj_node *node) { return node->attributes; }

static int64_t moments_sum_count(const vj_node *node) { return 2 * moments_of(node)->columns; }

static size_t moments_scratch(const vj_node *node) {
  const moments *m = moments_of(node);
  return (size_t)(2 * vj_fold(m->rows, m->columns) * m->columns) * sizeof(vj_real);
}

/* sum[c] = over the rows of a block of x[c], or of (x[c] - centre[c])^2; row after row, see channel_affine.c */
static VJ_INLINE void sum_block(const void *block, bool half, int64_t rows, int64_t columns, const vj_real *centre,
                                vj_real *sum) {
  memset(sum, 0, (size_t)columns * sizeof *sum);
  for (int64_t r = 0; r < rows; r++) {
    const void *row = vj_numbers_from(block, half, r * columns);
#pragma omp simd
    for (int64_t c = 0; c < columns; c++) {
      const vj_real x = vj_number(row, half, c), d = centre ? x - centre[c] : x;
      sum[c] = centre ? vj_fma(d, d, sum[c]) : sum[c] + d;
    }
  }
}

/* Sums of x and x^2 in double. Inside a short block of rows, read twice while it is in the cache, numbers are first
 * centred by the block's own mean, in vj_real: so a large mean does not eat the digits of a small variance. */
static VJ_INLINE void reduce(const vj_call *call, bool half) {
  enum { BLOCK_ROWS = 64 };
  const moments *m = moments_of(call->node);
  const int64_t fold = vj_fold(m->rows, m->columns), columns = fold * m->columns, all = m->rows / fold;
  vj_real *mean = call->scratch, *square = mean + columns;
  double *restrict of_x = call->sums, *restrict of_square = call->sums + m->columns;
  for (int64_t begin = 0; begin < all; begin += BLOCK_ROWS) {
    const int64_t rows = begin + BLOCK_ROWS < all ? BLOCK_ROWS : all - begin;
    const void *block = vj_numbers_from(call->in[0], half, begin * columns);
    const vj_real inverse = (vj_real)(1.0 / (double)rows);
    sum_block(block, half, rows, columns, NULL, mean);
    for (int64_t c = 0; c < columns; c++) mean[c] *= inverse;
    sum_block(block, half, rows, columns, mean, square);
    /* The block's mean is rounded; sum x^2 = M2 + 2 mean (sum x) - n mean^2 holds for any centre, and with
     * sum x = n mean up to that rounding this is M2 + n mean^2. */
    for (int64_t f = 0; f < columns; f += m->columns)
      for (int64_t c = 0; c < m->columns; c++) {
        const double centre = (double)mean[f + c], by_rows = (double)rows * centre;
        of_x[c] += by_rows;
        of_square[c] += (double)square[f + c] + by_rows * centre;
      }
  }
}

VJ_KERNEL(moments_reduce, (const vj_call *call), (call)) {
  if (call->node->inputs[0]->half)
    reduce(call, true);
  else
    reduce(call, false);
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

/* --- gradient ------------------------------------------------------------------------------------------------ */

void vj_moments_slope(int64_t columns, double rows, const vj_real *mean, const vj_real *dmean, const vj_real *dvariance,
                      vj_real *slope, vj_real *offset) {
  const vj_real inverse = (vj_real)(1.0 / rows);
  for (int64_t c = 0; c < columns; c++) {
    slope[c] = dvariance ? 2 * inverse * dvariance[c] : 0;
    offset[c] = vj_fma(-slope[c], mean[c], dmean ? dmean[c] * inverse : 0);
  }
}

/* dx may be base. */
static VJ_INLINE void gradient_rows(const vj_call *call, int64_t rows, int64_t columns, const vj_real *slope,
                                    const vj_real *offset, bool with_base, bool half) {
  for (int64_t r = 0; r < rows; r++) {
    const void *x = vj_numbers_from(call->in[0], half, r * columns);
    const void *base = with_base ? vj_numbers_from(call->in[4], half, r * columns) : NULL;
    void *dx = vj_room_from(call->out[0], half, r * columns);
#pragma omp simd
    for (int64_t c = 0; c < columns; c++) {
      const vj_real own = vj_fma(vj_number(x, half, c), slope[c], offset[c]);
      vj_put_number(dx, half, c, with_base ? vj_number(base, half, c) + own : own);
    }
  }
}

/* inputs x, mean, dmean (may be NULL), dvariance (may be NULL), base (may be NULL: what other uses of x gave):
 * dx = base + dmean / N + dvariance 2 (x - mean) / N = base + x slope + offset */
static VJ_INLINE void gradient(const vj_call *call, bool half) {
  const moments *m = moments_of(call->node);
  const int64_t fold = vj_fold(m->rows, m->columns), width = fold * m->columns;
  vj_real *slope = call->scratch, *offset = slope + width;
  vj_moments_slope(m->columns, m->all_rows, call->in[1], call->in[2], call->in[3], slope, offset);
  vj_fold_row(slope, m->columns, fold, slope);
  vj_fold_row(offset, m->columns, fold, offset);
  if (call->in[4])
    gradient_rows(call, m->rows / fold, width, slope, offset, true, half);
  else
    gradient_rows(call, m->rows / fold, width, slope, offset, false, half);
}

VJ_KERNEL(moments_gradient_run, (const vj_call *call), (call)) {
  if (call->node->outputs[0]->half)
    gradient(call, true);
  else
    gradient(call, false);
}

static unsigned gradient_halves(const vj_node *node) {
  (void)node;
  return VJ_INPUT(0) | VJ_INPUT(4) | VJ_FIRST_OUTPUT;
}

const vj_op vj_op_moments_gradient = {.name = "moments_gradient",
                                      .summary = "dx of mean and variance, added to what x's other uses gave",
                                      .form = VJ_MAP,
                                      .in_place = 5,
                                      .run = moments_gradient_run,
                                      .halves = gradient_halves,
                                      .alike = VJ_INPUT(0) | VJ_INPUT(4) | VJ_FIRST_OUTPUT,
                                      .scratch_bytes = moments_scratch};

static void moments_gradient(vj_graph *graph, vj_node *node) {
  vj_var *x = node->inputs[0];
  vj_var *base = vj_gradient_take(x);
  vj_var *own[] = {node->outputs[0], node->outputs[0]->gradient, node->outputs[1]->gradient};
  vj_var *both = vj_channel_affine_gradient_with(graph, base, x, moments_of(node)->all_rows, own);
  if (both) {
    vj_gradient_add(graph, x, both);
    return;
  }
  vj_var *inputs[] = {x, own[0], own[1], own[2], base};
  vj_node *back = vj_node_create(graph, &vj_op_moments_gradient, inputs, 5, 2, node->attributes, sizeof(moments));
  vj_gradient_add(graph, x, vj_node_output(graph, back, x->batched, &x->shape));
}

static unsigned moments_halves(const vj_node *node) {
  (void)node;
  return VJ_INPUT(0);
}

const vj_op vj_op_moments = {.name = "moments",
                             .summary = "mean and biased variance over the global batch and leading dimensions",
                             .form = VJ_SUM,
                             .reduce = moments_reduce,
                             .finish = moments_finish,
                             .gradient = moments_gradient,
                             .sum_count = moments_sum_count,
                             .halves = moments_halves,
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
