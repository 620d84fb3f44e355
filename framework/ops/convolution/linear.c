/* Linear maps over the last dimension: convolutions of one tap, rows being pixels. */
#include "framework/graph/plan.h"
#include "framework/ops/build.h"
#include "framework/ops/convolution/conv2d.h"
#include "framework/ops/product/long_sum.h"

typedef struct sizes {
  int64_t rows, in, out;
} sizes;

static sizes sizes_of(const vj_node *node) { return *(const sizes *)node->attributes; }

static double flops(const vj_node *node) {
  const sizes s = sizes_of(node);
  return 2.0 * (double)s.rows * (double)s.in * (double)s.out;
}

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
                          .groups = 1};
}

/* --- dweight ----------------------------------------------------------------------------------------------------- */

/* Of `count` rows of the weight's gradient. */
static vj_product_shape gradient_shape(sizes s, int64_t count) {
  return (vj_product_shape){.rows = count,
                            .columns = s.in,
                            .depth = s.rows,
                            .a_pitch = s.out,
                            .b_pitch = s.in,
                            .c_pitch = s.in,
                            .a_transposed = true};
}

/* inputs dy, x; rows begin..end of the weight's gradient */
static void weight_gradient_reduce(const vj_call *call) {
  const vj_product_shape shape = gradient_shape(sizes_of(call->node), call->end - call->begin);
  vj_long_product product;
  if (vj_long_product_find(&shape, &product)) /* was made with the node */
    vj_long_product_run(&product, call->in[0] + call->begin, call->in[1], call->part, call->scratch);
}

static size_t weight_gradient_scratch(const vj_node *node) {
  const vj_product_shape shape = gradient_shape(sizes_of(node), vj_plan_rows(node));
  return vj_long_product_scratch(&shape);
}

/* Of dweight = dy' x with respect to both. */
static void weight_gradient_gradient(vj_graph *graph, vj_node *node) {
  vj_var *dy = node->inputs[0], *x = node->inputs[1], *back = node->outputs[0]->gradient;
  const vj_convolution c = as_convolution(sizes_of(node));
  if (vj_wants_gradient(dy)) vj_gradient_add(graph, dy, vj_linear(graph, x, back, NULL));
  if (vj_wants_gradient(x)) vj_gradient_add(graph, x, vj_convolution_input_gradient(graph, dy, back, &c, &x->shape));
}

const vj_op vj_op_linear_weight_gradient = {.name = "linear_weight_gradient",
                                            .summary = "dweight = dy' x, summed over the batch",
                                            .form = VJ_WEIGHT,
                                            .splits_rows = true,
                                            .reduce = weight_gradient_reduce,
                                            .gradient = weight_gradient_gradient,
                                            .scratch_bytes = weight_gradient_scratch,
                                            .flops = flops};

static vj_var *cross_products(vj_graph *graph, vj_var *dy, vj_var *x, sizes s, const vj_shape *shape) {
  vj_node *node = vj_node_create(graph, &vj_op_linear_weight_gradient, (vj_var *[]){dy, x}, 2, 2, &s, sizeof s);
  vj_var *dw = vj_node_output(graph, node, false, shape);
  if (!dw) return NULL;
  const int64_t counts[] = {vj_plan_rows(node), s.out % vj_plan_rows(node)};
  for (int i = 0; i < 2; i++) {
    const vj_product_shape part = gradient_shape(s, counts[i]);
    if (counts[i] > 0 && !vj_long_product_find(&part, &(vj_long_product){0}))
      return vj_graph_fail(graph, VJ_MEMORY, "%s", vj_error_message());
  }
  return dw;
}

static vj_var *weight_gradient(vj_graph *graph, const vj_convolution_inputs *inputs, const vj_shape *weight,
                               const vj_convolution *c) {
  if (c->bf16) return vj_linear_weight_gradient_bf16(graph, inputs, weight, c);
  return cross_products(graph, inputs->dy, inputs->x, (sizes){c->height, c->channels, c->out}, weight);
}

/* --- builders ---------------------------------------------------------------------------------------------------- */

vj_var *vj_linear(vj_graph *graph, vj_var *x, vj_var *weight, vj_var *bias) {
  if (!x || !weight) return NULL;
  const vj_shape xs = x->shape, ws = weight->shape;
  if (!x->batched || xs.rank < 1 || ws.rank != 2 || xs.size[xs.rank - 1] != ws.size[1])
    return vj_graph_fail(graph, VJ_SHAPE, "linear: x %s does not fit weight %s [O,I]", VJ_SHAPE_TEXT(&xs),
                         VJ_SHAPE_TEXT(&ws));
  if (bias && bias->count != ws.size[0])
    return vj_graph_fail(graph, VJ_SHAPE, "linear: bias %s does not fit weight %s [O,I]", VJ_SHAPE_TEXT(&bias->shape),
                         VJ_SHAPE_TEXT(&ws));
  vj_shape shape = xs;
  shape.size[shape.rank - 1] = ws.size[0];
  const vj_convolution c = as_convolution((sizes){x->count / ws.size[1], ws.size[1], ws.size[0]});
  return vj_convolution_node(graph, x, weight, bias, &c, &shape, weight_gradient);
}

vj_var *vj_cross_products(vj_graph *graph, vj_var *a, vj_var *b) {
  if (!a || !b) return NULL;
  const vj_shape as = a->shape, bs = b->shape;
  const int64_t columns_a = as.rank ? as.size[as.rank - 1] : 1, columns_b = bs.rank ? bs.size[bs.rank - 1] : 1;
  const sizes s = {a->count / columns_a, columns_b, columns_a};
  if (!a->batched || !b->batched || as.rank < 2 || bs.rank < 2 || b->count / columns_b != s.rows)
    return vj_graph_fail(graph, VJ_SHAPE, "cross_products: %s and %s are not batched with the same rows",
                         VJ_SHAPE_TEXT(&as), VJ_SHAPE_TEXT(&bs));
  return cross_products(graph, a, b, s, &VJ_SHAPE(columns_a, columns_b));
}
