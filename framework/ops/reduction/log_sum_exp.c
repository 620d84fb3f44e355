/* log sum exp over the last dimension, whose gradient is the softmax: what cross-entropies are made of. */
#include "framework/base/kernel.h"
#include "framework/base/lanes.h"
#include "framework/ops/elementwise/activation.h"
#include "framework/ops/op.h"

static VJ_INLINE vj_real largest_of(const vj_real *x, int64_t n) {
  vj_real largest = x[0];
  for (int64_t i = 1; i < n; i++) largest = x[i] > largest ? x[i] : largest;
  return largest;
}

/* inputs x [..,n]; the largest number is taken out, so nothing overflows */
VJ_KERNEL(log_sum_exp_run, (const vj_call *call), (call)) {
  const int64_t n = *(const int64_t *)call->node->attributes, rows = call->node->outputs[0]->count;
  for (int64_t r = 0; r < rows; r++) {
    const vj_real *x = call->in[0] + r * n, largest = largest_of(x, n);
    VJ_LANE_SUM(double, sum, i, n, (double)vj_real_exp(x[i] - largest));
    call->out[0][r] = largest + vj_real_log((vj_real)sum);
  }
}

/* inputs dy [..], x [..,n], y [..] */
VJ_KERNEL(log_sum_exp_gradient_run, (const vj_call *call), (call)) {
  const int64_t n = *(const int64_t *)call->node->attributes, rows = call->node->inputs[0]->count;
  for (int64_t r = 0; r < rows; r++) {
    const vj_real *x = call->in[1] + r * n, dy = call->in[0][r], y = call->in[2][r];
    vj_real *dx = call->out[0] + r * n;
    VJ_INDEPENDENT for (int64_t i = 0; i < n; i++) dx[i] = dy * vj_real_exp(x[i] - y);
  }
}

const vj_op vj_op_log_sum_exp_gradient = {.name = "log_sum_exp_gradient",
                                          .summary = "each row's gradient times its softmax",
                                          .form = VJ_MAP,
                                          .run = log_sum_exp_gradient_run};

static void log_sum_exp_gradient(vj_graph *graph, vj_node *node) {
  vj_var *x = node->inputs[0], *y = node->outputs[0];
  vj_gradient_by(graph, x, node, &vj_op_log_sum_exp_gradient, (vj_var *[]){y->gradient, x, y}, 3);
}

const vj_op vj_op_log_sum_exp = {.name = "log_sum_exp",
                                 .summary = "log sum exp over the last dimension",
                                 .form = VJ_MAP,
                                 .run = log_sum_exp_run,
                                 .gradient = log_sum_exp_gradient};

vj_var *vj_log_sum_exp_features(vj_graph *graph, vj_var *x) {
  if (!x) return NULL;
  if (x->shape.rank < (x->batched ? 2 : 1))
    return vj_graph_fail(graph, VJ_SHAPE, "log_sum_exp: %s has no features to sum", VJ_SHAPE_TEXT(&x->shape));
  const int64_t n = x->shape.size[x->shape.rank - 1];
  vj_shape shape = x->shape;
  shape.rank--;
  vj_node *node = vj_node_create(graph, &vj_op_log_sum_exp, (vj_var *[]){x}, 1, 1, &n, sizeof n);
  return vj_node_result(graph, node, &shape);
}
