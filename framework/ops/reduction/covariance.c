/* Off-diagonal covariance of a batch of hidden states, and its gradient, without a d x d matrix when N < d.
 *
 * With X the centred [N,d] matrix of one group, m = N - 1 and C = X'X/m:
 *   sum_{i!=j} C_ij^2 = |C|_F^2 - sum_i C_ii^2,   |C|_F^2 = |X'X|_F^2/m^2 = |XX'|_F^2/m^2
 *   gradient with respect to X: (4/m) (X C - X diag(C)) = 4 (XX') X/m^2 - (4/m) X diag(C)
 * Columns of X C sum to zero over rows, so this is the gradient with respect to x itself. */
#include <string.h>

#include "framework/base/lanes.h"
#include "framework/ops/build.h"
#include "framework/ops/product/gemm.h"
#include "framework/ops/op.h"

typedef struct sizes {
  int64_t rows, groups, width;
} sizes;

static sizes sizes_of(const vj_node *node) { return *(const sizes *)node->attributes; }

static int64_t side_of(const sizes *s) { return s->rows < s->width ? s->rows : s->width; }

/* Room for the centred group, its product (the smaller of X'X and XX') and the variances. */
static size_t scratch_bytes(const vj_node *node) {
  const sizes s = sizes_of(node);
  const int64_t side = side_of(&s);
  return (size_t)(s.rows * s.width + side * side + s.width) * sizeof(vj_real);
}

static double flops(const vj_node *node) {
  const sizes s = sizes_of(node);
  return 2.0 * (double)s.groups * (double)s.rows * (double)s.width * (double)side_of(&s);
}

typedef struct workspace {
  vj_real *centred, *product, *variance;
} workspace;

static workspace workspace_of(const vj_call *call, const sizes *s) {
  const int64_t side = side_of(s);
  vj_real *centred = call->scratch;
  return (workspace){centred, centred + s->rows * s->width, centred + s->rows * s->width + side * side};
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
  const int64_t side = side_of(s);
  if (side == s->rows)
    vj_gemm(false, true, side, side, s->width, work->centred, s->width, work->centred, s->width, 0, work->product,
            side);
  else
    vj_gemm(true, false, side, side, s->rows, work->centred, s->width, work->centred, s->width, 0, work->product, side);
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
    if (side == s.rows) { /* the diagonal of C is not on that of XX' */
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
  const int64_t side = side_of(&s), stride = s.groups * s.width;
  const vj_real m = (vj_real)(s.rows - 1);
  for (int64_t g = 0; g < s.groups; g++) {
    covariance_of(call->in[1], &s, g, &work);
    vj_real *dx = call->out[0] + g * s.width;
    if (side == s.rows)
      vj_gemm(false, false, s.rows, s.width, side, work.product, side, work.centred, s.width, 0, dx, stride);
    else
      vj_gemm(false, false, s.rows, s.width, side, work.centred, s.width, work.product, side, 0, dx, stride);
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
  const sizes s = {x->shape.size[0], x->shape.size[1], x->shape.size[2]};
  vj_node *node = vj_node_create(graph, &vj_op_offdiagonal_covariance, (vj_var *[]){x}, 1, 1, &s, sizeof s);
  return vj_node_output(graph, node, false, &VJ_SHAPE(s.groups));
}
