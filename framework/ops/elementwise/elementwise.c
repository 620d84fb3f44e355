/* Elementwise ops, on batched and on shared variables alike. */
#include "framework/base/kernel.h"
#include "framework/ops/elementwise/activation.h"
#include "framework/ops/build.h"
#include "framework/ops/op.h"

/* --- constant ------------------------------------------------------------------------------------------------ */

static void constant_run(const vj_call *call) { call->out[0][0] = (vj_real) * (const double *)call->node->attributes; }

const vj_op vj_op_constant = {.name = "constant", .summary = "a shared number", .form = VJ_SHARED, .run = constant_run};

vj_var *vj_constant(vj_graph *graph, double value) {
  vj_node *node = vj_node_create(graph, &vj_op_constant, NULL, 0, 0, &value, sizeof value);
  return vj_node_output(graph, node, false, &(vj_shape){.rank = 0});
}

/* In vectors, also where the result takes the place of an input. */
#define EACH(result, expression) _Pragma("omp simd") for (int64_t i = 0; i < count; i++) result[i] = expression

/* --- unary --------------------------------------------------------------------------------------------------- */

typedef enum unary_kind { RELU, GELU, SILU, SIGMOID, SQUARE, SQRT, RSQRT, ABS, EXP, LOG } unary_kind;

VJ_KERNEL(unary_run, (const vj_call *call), (call)) {
  const unary_kind kind = *(const unary_kind *)call->node->attributes;
  const vj_real *x = call->in[0];
  vj_real *y = call->out[0];
  const int64_t count = call->node->inputs[0]->count;
  switch (kind) {
    case RELU:
      EACH(y, x[i] < 0 ? 0 : x[i]);
      break;
    case GELU:
      EACH(y, vj_activated(VJ_GELU, x[i]));
      break;
    case SILU:
      EACH(y, vj_activated(VJ_SILU, x[i]));
      break;
    case SIGMOID:
      EACH(y, vj_sigmoid(x[i]));
      break;
    case SQUARE:
      EACH(y, x[i] * x[i]);
      break;
    case SQRT:
      EACH(y, vj_real_sqrt(x[i]));
      break;
    case RSQRT:
      EACH(y, 1 / vj_real_sqrt(x[i]));
      break;
    case ABS:
      EACH(y, (vj_real)fabs((double)x[i]));
      break;
    case EXP:
      EACH(y, vj_real_exp(x[i]));
      break;
    case LOG:
      EACH(y, vj_real_log(x[i]));
      break;
  }
}

/* Those whose slope is a function of the result keep y for the way back, the others x; so one of the two can go. */
static bool slope_from_result(unary_kind kind) {
  return kind == RELU || kind == SIGMOID || kind == SQRT || kind == RSQRT || kind == EXP;
}

/* inputs dy, and x or y */
VJ_KERNEL(unary_gradient_run, (const vj_call *call), (call)) {
  const unary_kind kind = *(const unary_kind *)call->node->attributes;
  const vj_real *dy = call->in[0], *v = call->in[1];
  vj_real *dx = call->out[0];
  const int64_t count = call->node->inputs[0]->count;
  switch (kind) {
    case RELU:
      EACH(dx, v[i] > 0 ? dy[i] : 0);
      break;
    case GELU:
      EACH(dx, dy[i] * vj_activation_slope(VJ_GELU, v[i]));
      break;
    case SILU:
      EACH(dx, dy[i] * vj_activation_slope(VJ_SILU, v[i]));
      break;
    case SIGMOID:
      EACH(dx, dy[i] * v[i] * (1 - v[i]));
      break;
    case SQUARE:
      EACH(dx, dy[i] * 2 * v[i]);
      break;
    case SQRT:
      EACH(dx, dy[i] / (2 * v[i]));
      break;
    case RSQRT:
      EACH(dx, dy[i] * (vj_real)-0.5 * v[i] * v[i] * v[i]);
      break;
    case ABS:
      EACH(dx, v[i] > 0 ? dy[i] : v[i] < 0 ? -dy[i] : 0);
      break;
    case EXP:
      EACH(dx, dy[i] * v[i]);
      break;
    case LOG:
      EACH(dx, dy[i] / v[i]);
      break;
  }
}

const vj_op vj_op_unary_gradient = {.name = "unary_gradient",
                                    .summary = "dy times the function's slope",
                                    .form = VJ_MAP,
                                    .in_place = 1,
                                    .run = unary_gradient_run};

static void unary_gradient(vj_graph *graph, vj_node *node) {
  const unary_kind kind = *(const unary_kind *)node->attributes;
  vj_var *x = node->inputs[0], *y = node->outputs[0];
  vj_var *inputs[] = {y->gradient, slope_from_result(kind) ? y : x};
  vj_gradient_by(graph, x, node, &vj_op_unary_gradient, inputs, 2);
}

const vj_op vj_op_unary = {.name = "unary",
                           .summary = "relu, gelu, silu, sigmoid, square, sqrt, rsqrt, abs, exp, log",
                           .form = VJ_MAP,
                           .recompute = true,
                           .in_place = 1,
                           .run = unary_run,
                           .gradient = unary_gradient};

static vj_var *unary(vj_graph *graph, vj_var *x, unary_kind kind) {
  vj_node *node = vj_node_create(graph, &vj_op_unary, (vj_var *[]){x}, 1, 1, &kind, sizeof kind);
  return node ? vj_node_result(graph, node, &x->shape) : NULL;
}

vj_var *vj_activate(vj_graph *graph, vj_var *x, vj_activation activation) {
  switch (activation) {
    case VJ_IDENTITY:
      return x;
    case VJ_RELU:
      return unary(graph, x, RELU);
    case VJ_GELU:
      return unary(graph, x, GELU);
    case VJ_SILU:
      return unary(graph, x, SILU);
    case VJ_SIGMOID:
      return unary(graph, x, SIGMOID);
  }
  return x;
}

vj_var *vj_square(vj_graph *graph, vj_var *x) { return unary(graph, x, SQUARE); }
vj_var *vj_sqrt(vj_graph *graph, vj_var *x) { return unary(graph, x, SQRT); }
vj_var *vj_rsqrt(vj_graph *graph, vj_var *x) { return unary(graph, x, RSQRT); }
vj_var *vj_abs(vj_graph *graph, vj_var *x) { return unary(graph, x, ABS); }
vj_var *vj_exp(vj_graph *graph, vj_var *x) { return unary(graph, x, EXP); }
vj_var *vj_log(vj_graph *graph, vj_var *x) { return unary(graph, x, LOG); }

/* --- scale --------------------------------------------------------------------------------------------------- */

VJ_KERNEL(scale_run, (const vj_call *call), (call)) {
  const double *ab = call->node->attributes;
  const vj_real a = (vj_real)ab[0], b = (vj_real)ab[1];
  const int64_t count = call->node->inputs[0]->count;
  const vj_real *x = call->in[0];
  vj_real *y = call->out[0];
  EACH(y, a * x[i] + b);
}

static void scale_gradient(vj_graph *graph, vj_node *node) {
  const double *ab = node->attributes;
  vj_var *dy = node->outputs[0]->gradient;
  vj_gradient_add(graph, node->inputs[0], ab[0] == 1 ? dy : vj_scale(graph, dy, ab[0], 0));
}

const vj_op vj_op_scale = {
    .name = "scale", .summary = "a x + b", .form = VJ_MAP, .in_place = 1, .run = scale_run, .gradient = scale_gradient};

vj_var *vj_scale(vj_graph *graph, vj_var *x, double a, double b) {
  const double ab[] = {a, b};
  vj_node *node = vj_node_create(graph, &vj_op_scale, (vj_var *[]){x}, 1, 1, ab, sizeof ab);
  return node ? vj_node_result(graph, node, &x->shape) : NULL;
}

/* --- binary -------------------------------------------------------------------------------------------------- */

/* A shared scalar among the inputs is repeated. */
#define BINARY_RUN(name, expression)                            \
  VJ_KERNEL(name##_run, (const vj_call *call), (call)) {        \
    const vj_node *node = call->node;                           \
    const int64_t count = node->outputs[0]->count;              \
    const vj_real *left = call->in[0], *right = call->in[1];    \
    vj_real *out = call->out[0];                                \
    if (node->inputs[0]->count == node->inputs[1]->count) {     \
      _Pragma("omp simd") for (int64_t i = 0; i < count; i++) { \
        const vj_real a = left[i], b = right[i];                \
        out[i] = expression;                                    \
      }                                                         \
    } else if (node->inputs[0]->count == 1) {                   \
      const vj_real a = *left;                                  \
      _Pragma("omp simd") for (int64_t i = 0; i < count; i++) { \
        const vj_real b = right[i];                             \
        out[i] = expression;                                    \
      }                                                         \
    } else {                                                    \
      const vj_real b = *right;                                 \
      _Pragma("omp simd") for (int64_t i = 0; i < count; i++) { \
        const vj_real a = left[i];                              \
        out[i] = expression;                                    \
      }                                                         \
    }                                                           \
  }

BINARY_RUN(add, a + b)
BINARY_RUN(sub, a - b)
BINARY_RUN(mul, a *b)
BINARY_RUN(div, a / b)

/* A scalar that was repeated collects the sum. */
static void give(vj_graph *graph, vj_var *input, vj_var *gradient) {
  if (!vj_wants_gradient(input) || !gradient) return;
  const bool repeated = input->batched != gradient->batched || input->count != gradient->count;
  vj_gradient_add(graph, input, repeated ? vj_sum_leading(graph, gradient, 0) : gradient);
}

static void add_gradient(vj_graph *graph, vj_node *node) {
  give(graph, node->inputs[0], node->outputs[0]->gradient);
  give(graph, node->inputs[1], node->outputs[0]->gradient);
}

static void sub_gradient(vj_graph *graph, vj_node *node) {
  vj_var *dy = node->outputs[0]->gradient;
  give(graph, node->inputs[0], dy);
  if (vj_wants_gradient(node->inputs[1])) give(graph, node->inputs[1], vj_scale(graph, dy, -1, 0));
}

static void mul_gradient(vj_graph *graph, vj_node *node) {
  vj_var *a = node->inputs[0], *b = node->inputs[1], *dy = node->outputs[0]->gradient;
  if (vj_wants_gradient(a)) give(graph, a, vj_mul(graph, dy, b));
  if (vj_wants_gradient(b)) give(graph, b, vj_mul(graph, dy, a));
}

static void div_gradient(vj_graph *graph, vj_node *node) {
  vj_var *a = node->inputs[0], *b = node->inputs[1], *y = node->outputs[0], *dy = y->gradient;
  vj_var *da = vj_div(graph, dy, b);
  if (vj_wants_gradient(a)) give(graph, a, da);
  if (vj_wants_gradient(b)) give(graph, b, vj_scale(graph, vj_mul(graph, da, y), -1, 0));
}

#define BINARY_OP(id, text)  \
  const vj_op vj_op_##id = { \
      .name = #id, .summary = text, .form = VJ_MAP, .run = id##_run, .gradient = id##_gradient, .in_place = 1}
BINARY_OP(add, "a + b");
BINARY_OP(sub, "a - b");
BINARY_OP(mul, "a b, number by number");
BINARY_OP(div, "a / b, number by number");

static vj_var *binary(vj_graph *graph, const vj_op *op, vj_var *a, vj_var *b) {
  if (!a || !b) return NULL;
  const bool a_scalar = !a->batched && a->count == 1, b_scalar = !b->batched && b->count == 1;
  const bool same = a->batched == b->batched && vj_shape_same(&a->shape, &b->shape);
  if (!same && !a_scalar && !b_scalar)
    return vj_graph_fail(graph, VJ_SHAPE, "%s: %s %s does not fit %s %s", op->name, a->batched ? "batched" : "shared",
                         VJ_SHAPE_TEXT(&a->shape), b->batched ? "batched" : "shared", VJ_SHAPE_TEXT(&b->shape));
  vj_node *node = vj_node_create(graph, op, (vj_var *[]){a, b}, 2, 2, NULL, 0);
  return vj_node_result(graph, node, a_scalar && !same ? &b->shape : &a->shape);
}

vj_var *vj_add(vj_graph *graph, vj_var *a, vj_var *b) { return binary(graph, &vj_op_add, a, b); }
vj_var *vj_sub(vj_graph *graph, vj_var *a, vj_var *b) { return binary(graph, &vj_op_sub, a, b); }
vj_var *vj_mul(vj_graph *graph, vj_var *a, vj_var *b) { return binary(graph, &vj_op_mul, a, b); }
vj_var *vj_div(vj_graph *graph, vj_var *a, vj_var *b) { return binary(graph, &vj_op_div, a, b); }
