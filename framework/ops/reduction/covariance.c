/* Off-diagonal covariance of a batch of hidden states, and its gradient, without a d x d matrix when N < d.
 *
 * With X the centred [N,d] matrix of one group, m = N - 1 and C = X'X/m:
 *   sum_{i!=j} C_ij^2 = |C|_F^2 - sum_i C_ii^2,   |C|_F^2 = |X'X|_F^2/m^2 = |XX'|_F^2/m^2
 *   gradient with respect to X: (4/m) (X C - X diag(C)) = 4 (XX') X/m^2 - (4/m) X diag(C)
 * Columns of X C sum to zero over rows, so this is the gradient with respect to x itself. */
#include <string.h>

#include "framework/base/lanes.h"
#include "framework/ops/build.h"
#include "framework/ops/product/long_sum.h"
#include "framework/ops/op.h"

typedef struct sizes {
  int64_t rows, groups, width;
  vj_long_product square; /* XX', or X'X */
  vj_long_product slope;  /* (XX') X, or X (X'X) */
} sizes;

static sizes sizes_of(const vj_node *node) { return *(const sizes *)node->attributes; }

static int64_t side_of(const sizes *s) { return s->rows < s->width ? s->rows : s->width; }

static bool is_wide(const sizes *s) { return s->rows <= s->width; }

/* False without memory. */
static bool find_products(sizes *s) {
  const int64_t side = side_of(s), stride = s->groups * s->width;
  const vj_product_shape wide = {
      .rows = side, .columns = side, .depth = s->width, .a_pitch = s->width, .b_pitch = s->rows, .c_pitch = side};
  const vj_product_shape tall = {.rows = side,
                                 .columns = side,
                                 .depth = s->rows,
                                 .a_pitch = s->width,
                                 .b_pitch = s->width,
                                 .c_pitch = side,
                                 .a_transposed = true};
  const vj_product_shape slope = {
      .rows = s->rows, .columns = s->width, .depth = side, .a_pitch = side, .b_pitch = s->width, .c_pitch = stride};
  return vj_long_product_find(is_wide(s) ? &wide : &tall, &s->square) && vj_long_product_find(&slope, &s->slope);
}

/* Room for the centred group and its transpose, its product (the smaller of X'X and XX'), the variances, and what sums
 * over many terms take. */
static size_t scratch_bytes(const vj_node *node) {
  const sizes s = sizes_of(node);
  const int64_t side = side_of(&s);
  const size_t square = vj_long_product_scratch(&s.square.shape), slope = vj_long_product_scratch(&s.slope.shape);
  return (square > slope ? square : slope) + (size_t)(2 * s.rows * s.width + side * side + s.width) * sizeof(vj_real);
}

static double flops(const vj_node *node) {
  const sizes s = sizes_of(node);
  return 2.0 * (double)s.groups * (double)s.rows * (double)s.width * (double)side_of(&s);
}

typedef struct workspace {
  vj_real *centred, *transposed, *product, *variance;
  void *sums;
} workspace;

static workspace workspace_of(const vj_call *call, const sizes *s) {
  const int64_t side = side_of(s), numbers = s->rows * s->width;
  const size_t square = vj_long_product_scratch(&s->square.shape), slope = vj_long_product_scratch(&s->slope.shape);
  vj_real *centred = (vj_real *)(void *)((char *)call->scratch + (square > slope ? square : slope));
  vj_real *product = centred + 2 * numbers;
  return (workspace){centred, centred + numbers, product, product + side * side, call->scratch};
}

/* Centres group g, computes the variances (denominator N - 1) and X'X or XX'. */
static void covariance_of(const vj_real *x, const sizes *s, int64_t group, const workspace *work) {
  const vj_real *from = x + group * s->width;
  const int64_t stride = s->groups * s->width;
  memset(work->variance, 0, (size_t)s->width * sizeof *work->variance);
  for (int64_t r = 0; r < s->rows; r++)
    for (int64_t i = 0; i < s->width; i++) work->variance[i] += from[r * stride + i];
  const vj_real inverse = (vj_real)(1.0 / (double)s->rows);
  for (int64_t i = 0; i < s->width; i++) work->variance[i] *= inverse; /* the mean, for now */
  for (int64_t r = 0; r < s->rows; r++)
    for (int64_t i = 0; i < s->width; i++) work->centred[r * s->width + i] = from[r * stride + i] - work->variance[i];
  memset(work->variance, 0, (size_t)s->width * sizeof *work->variance);
  for (int64_t r = 0; r < s->rows; r++)
    for (int64_t i = 0; i < s->width; i++)
      work->variance[i] += work->centred[r * s->width + i] * work->centred[r * s->width + i];
  const vj_real per_row = (vj_real)(1.0 / (double)(s->rows - 1));
  for (int64_t i = 0; i < s->width; i++) work->variance[i] *= per_row;
  if (is_wide(s)) vj_transpose(work->centred, s->rows, s->width, s->width, work->transposed, s->rows);
  vj_long_product_run(&s->square, work->centred, is_wide(s) ? work->transposed : work->centred, work->product,
                      work->sums);
}

static double sum_of_squares(int64_t count, const vj_real *x) {
  VJ_LANE_SUM(double, sum, i, count, (double)x[i] * (double)x[i]);
  return sum;
}

static void offdiagonal_covariance_run(const vj_call *call) {
  const sizes s = sizes_of(call->node);
  const workspace work = workspace_of(call, &s);
  const double m = (double)(s.rows - 1);
  const int64_t side = side_of(&s);
  for (int64_t g = 0; g < s.groups; g++) {
    covariance_of(call->in[0], &s, g, &work);
    double off = 0;
    if (is_wide(&s)) { /* the diagonal of C is not on that of XX' */
      off = sum_of_squares(side * side, work.product) / (m * m) - sum_of_squares(s.width, work.variance);
    } else {
      for (int64_t i = 0; i < side; i++) {
        const vj_real *row = work.product + i * side;
        off += sum_of_squares(i, row) + sum_of_squares(side - i - 1, row + i + 1);
      }
      off /= m * m;
    }
    call->out[0][g] = (vj_real)(off > 0 ? off : 0);
  }
}

/* inputs dy [G], x */
static void offdiagonal_covariance_gradient_run(const vj_call *call) {
  const sizes s = sizes_of(call->node);
  const workspace work = workspace_of(call, &s);
  const int64_t stride = s.groups * s.width;
  const vj_real m = (vj_real)(s.rows - 1);
  for (int64_t g = 0; g < s.groups; g++) {
    covariance_of(call->in[1], &s, g, &work);
    vj_real *dx = call->out[0] + g * s.width;
    if (is_wide(&s))
      vj_long_product_run(&s.slope, work.product, work.centred, dx, work.sums);
    else
      vj_long_product_run(&s.slope, work.centred, work.product, dx, work.sums);
    const vj_real scale = 4 * call->in[0][g] / m;
    for (int64_t r = 0; r < s.rows; r++)
      for (int64_t i = 0; i < s.width; i++)
        dx[r * stride + i] = scale * (dx[r * stride + i] / m - work.centred[r * s.width + i] * work.variance[i]);
  }
}

const vj_op vj_op_offdiagonal_covariance_gradient = {.name = "offdiagonal_covariance_gradient",
                                                     .summary = "(4/m) (X C - X diag C) for each group",
                                                     .form = VJ_SHARED,
                                                     .run = offdiagonal_covariance_gradient_run,
                                                     .scratch_bytes = scratch_bytes,
                                                     .flops = flops};

static void offdiagonal_covariance_gradient(vj_graph *graph, vj_node *node) {
  vj_var *x = node->inputs[0], *dy = node->outputs[0]->gradient;
  vj_gradient_by(graph, x, node, &vj_op_offdiagonal_covariance_gradient, (vj_var *[]){dy, x}, 2);
}

const vj_op vj_op_offdiagonal_covariance = {.name = "offdiagonal_covariance",
                                            .summary = "sum of squared covariances of different features, by group",
                                            .form = VJ_SHARED,
                                            .run = offdiagonal_covariance_run,
                                            .gradient = offdiagonal_covariance_gradient,
                                            .scratch_bytes = scratch_bytes,
                                            .flops = flops};

vj_var *vj_offdiagonal_covariance(vj_graph *graph, vj_var *x) {
  if (!x) return NULL;
  if (x->batched || x->shape.rank != 3 || x->shape.size[0] < 2)
    return vj_graph_fail(graph, VJ_SHAPE,
                         "a covariance needs a shared [N,G,d] with at least 2 rows, not %s; gather the batch first",
                         VJ_SHAPE_TEXT(&x->shape));
  sizes s = {x->shape.size[0], x->shape.size[1], x->shape.size[2], {{0}, NULL, NULL}, {{0}, NULL, NULL}};
  if (!find_products(&s)) return vj_graph_fail(graph, VJ_MEMORY, "%s", vj_error_message());
  vj_node *node = vj_node_create(graph, &vj_op_offdiagonal_covariance, (vj_var *[]){x}, 1, 1, &s, sizeof s);
  return vj_node_output(graph, node, false, &VJ_SHAPE(s.groups));
}
