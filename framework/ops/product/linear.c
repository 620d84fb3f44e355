/* Linear maps over the last dimension: one GEMM forward, two backward. */
#include "framework/ops/build.h"
#include "framework/ops/convolution/dnn.h"
#include "framework/ops/product/gemm.h"
#include "framework/ops/op.h"

/* Fewer channels do not fill oneDNN's kernels. With fewer rows than this in a shard a product reads the weight more
 * than it computes; then its gradient is summed by ranges of rows, while oneDNN gives all of it at once. */
enum { LEAST_CHANNELS = 16, MANY_ROWS = 32 };

typedef struct sizes {
  int64_t rows, in, out;
} sizes;

static sizes sizes_of(const vj_node *node) { return *(const sizes *)node->attributes; }

static double flops(const vj_node *node) {
  const sizes s = sizes_of(node);
  return 2.0 * (double)s.rows * (double)s.in * (double)s.out;
}

/* inputs x, weight, bias (may be NULL) */
static void linear_run(const vj_call *call) {
  const sizes s = sizes_of(call->node);
  const vj_real *x = call->in[0], *weight = call->in[1], *bias = call->in[2];
  vj_real *y = call->out[0];
  if (bias)
    for (int64_t r = 0; r < s.rows; r++)
      for (int64_t o = 0; o < s.out; o++) y[r * s.out + o] = bias[o];
  vj_gemm(false, true, s.rows, s.out, s.in, x, s.in, weight, s.in, bias ? 1 : 0, y, s.out);
}

/* inputs dy, weight */
static void linear_input_gradient_run(const vj_call *call) {
  const sizes s = sizes_of(call->node);
  vj_gemm(false, false, s.rows, s.in, s.out, call->in[0], s.out, call->in[1], s.in, 0, call->out[0], s.in);
}

/* inputs dy, x; rows begin..end of the weight's gradient */
static void linear_weight_gradient_reduce(const vj_call *call) {
  const sizes s = sizes_of(call->node);
  vj_gemm(true, false, call->end - call->begin, s.in, s.rows, call->in[0] + call->begin, s.out, call->in[1], s.in, 0,
          call->part, s.in);
}

const vj_op vj_op_linear_input_gradient = {.name = "linear_input_gradient",
                                           .summary = "dx = dy weight",
                                           .form = VJ_MAP,
                                           .run = linear_input_gradient_run,
                                           .flops = flops};

/* Of dweight = dy' x with respect to both. */
static void linear_weight_gradient_gradient(vj_graph *graph, vj_node *node) {
  vj_var *dy = node->inputs[0], *x = node->inputs[1], *back = node->outputs[0]->gradient;
  if (vj_wants_gradient(dy)) vj_gradient_add(graph, dy, vj_linear(graph, x, back, NULL));
  vj_gradient_by(graph, x, node, &vj_op_linear_input_gradient, (vj_var *[]){dy, back}, 2);
}

const vj_op vj_op_linear_weight_gradient = {.name = "linear_weight_gradient",
                                            .summary = "dweight = dy' x, summed over the batch",
                                            .form = VJ_WEIGHT,
                                            .splits_rows = true,
                                            .reduce = linear_weight_gradient_reduce,
                                            .gradient = linear_weight_gradient_gradient,
                                            .flops = flops};

static void linear_gradient(vj_graph *graph, vj_node *node) {
  vj_var *x = node->inputs[0], *weight = node->inputs[1], *bias = node->inputs[2];
  vj_var *dy = node->outputs[0]->gradient;
  vj_gradient_by(graph, weight, node, &vj_op_linear_weight_gradient, (vj_var *[]){dy, x}, 2);
  vj_gradient_by(graph, x, node, &vj_op_linear_input_gradient, (vj_var *[]){dy, weight}, 2);
  if (vj_wants_gradient(bias)) vj_gradient_add(graph, bias, vj_sum_leading(graph, dy, 1));
}

const vj_op vj_op_linear = {.name = "linear",
                            .summary = "y = x weight' + bias over the last dimension",
                            .form = VJ_MAP,
                            .run = linear_run,
                            .gradient = linear_gradient,
                            .flops = flops};

static vj_var *weight_gradient(vj_graph *graph, vj_var *dy, vj_var *x, const vj_shape *weight,
                               const vj_convolution *c) {
  const sizes s = {c->height, c->channels, c->out};
  vj_node *dw = vj_node_create(graph, &vj_op_linear_weight_gradient, (vj_var *[]){dy, x}, 2, 2, &s, sizeof s);
  return vj_node_output(graph, dw, false, weight);
}

/* Rows are the pixels of an image, under a kernel of 1 x 1. */
static vj_convolution as_convolution(sizes s) {
  return (vj_convolution){.images = 1,
                          .height = s.rows,
                          .width = 1,
                          .channels = s.in,
                          .out_height = s.rows,
                          .out_width = 1,
                          .out = s.out,
                          .kernel = {1, 1},
                          .stride = {1, 1},
                          .dilation = {1, 1},
                          .groups = 1,
                          .patch = s.in};
}

vj_var *vj_linear(vj_graph *graph, vj_var *x, vj_var *weight, vj_var *bias) {
  if (!x || !weight) return NULL;
  const vj_shape xs = x->shape, ws = weight->shape;
  if (!x->batched || xs.rank < 1 || ws.rank != 2 || xs.size[xs.rank - 1] != ws.size[1])
    return vj_graph_fail(graph, VJ_SHAPE, "linear: x %s does not fit weight %s [O,I]", VJ_SHAPE_TEXT(&xs),
                         VJ_SHAPE_TEXT(&ws));
  if (bias && bias->count != ws.size[0])
    return vj_graph_fail(graph, VJ_SHAPE, "linear: bias %s does not fit weight %s [O,I]", VJ_SHAPE_TEXT(&bias->shape),
                         VJ_SHAPE_TEXT(&ws));
  const sizes s = {x->count / ws.size[1], ws.size[1], ws.size[0]};
  vj_shape shape = xs;
  shape.size[shape.rank - 1] = s.out;
  if (s.in >= LEAST_CHANNELS && s.out >= LEAST_CHANNELS) {
    const vj_convolution as = as_convolution(s);
    vj_var *y = vj_dnn_convolution(graph, x, weight, bias, &as, &shape, 2.0 * (double)(s.rows * s.in * s.out),
                                   graph->options.bf16 && s.rows >= MANY_ROWS ? NULL : weight_gradient);
    if (y || vj_graph_failed(graph)) return y;
  }
  vj_node *node = vj_node_create(graph, &vj_op_linear, (vj_var *[]){x, weight, bias}, 3, 2, &s, sizeof s);
  return vj_node_result(graph, node, &shape);
}

vj_var *vj_cross_products(vj_graph *graph, vj_var *a, vj_var *b) {
  if (!a || !b) return NULL;
  const vj_shape as = a->shape, bs = b->shape;
  const int64_t columns_a = as.rank ? as.size[as.rank - 1] : 1, columns_b = bs.rank ? bs.size[bs.rank - 1] : 1;
  const sizes s = {a->count / columns_a, columns_b, columns_a};
  if (!a->batched || !b->batched || as.rank < 2 || bs.rank < 2 || b->count / columns_b != s.rows)
    return vj_graph_fail(graph, VJ_SHAPE, "cross_products: %s and %s are not batched with the same rows",
                         VJ_SHAPE_TEXT(&as), VJ_SHAPE_TEXT(&bs));
  vj_node *node = vj_node_create(graph, &vj_op_linear_weight_gradient, (vj_var *[]){a, b}, 2, 2, &s, sizeof s);
  return vj_node_output(graph, node, false, &VJ_SHAPE(columns_a, columns_b));
}
