/* Convolutions by oneDNN as nodes of the graph. Weights are brought into the kernel's order once for all shards. */
#include "framework/ops/product/bf16.h"
#include "framework/ops/build.h"
#include "framework/ops/convolution/dnn.h"

typedef struct product {
  const vj_dnn *dnn;
  vj_convolution c;
  bool bf16;
  double flops;
  vj_dnn_weight_gradient gradient;
  vj_var *x, *weight; /* as they were before they were rounded and packed: these get gradients */
} product;

static const vj_dnn *find(vj_graph *graph, vj_dnn_pass pass, const product *p, bool biased) {
  const vj_dnn *dnn = NULL;
  if (vj_dnn_find(pass, &p->c, p->bf16, biased, &dnn) != VJ_OK)
    vj_graph_fail(graph, VJ_MEMORY, "%s", vj_error_message());
  return dnn;
}

static const product *product_of(const vj_node *node) { return node->attributes; }
static double flops(const vj_node *node) { return product_of(node)->flops; }
static size_t scratch_bytes(const vj_node *node) { return vj_dnn_scratch_bytes(product_of(node)->dnn); }

/* input weight; output as many numbers as have room for what the kernel wants */
static void pack_weight_run(const vj_call *call) {
  vj_dnn_pack(product_of(call->node)->dnn, call->in[0], call->out[0]);
}

const vj_op vj_op_pack_weight = {
    .name = "pack_weight", .summary = "a weight in oneDNN's order", .form = VJ_SHARED, .run = pack_weight_run};

static vj_var *packed(vj_graph *graph, vj_var *weight, const product *p) {
  const int64_t numbers = (int64_t)((vj_dnn_packed_bytes(p->dnn) + sizeof(vj_real) - 1) / sizeof(vj_real));
  vj_node *node = vj_node_create(graph, &vj_op_pack_weight, &weight, 1, 1, p, sizeof *p);
  return vj_node_result(graph, node, &VJ_SHAPE(numbers));
}

/* inputs x, packed weight, bias (may be NULL) */
static void convolution_run(const vj_call *call) {
  vj_dnn_run(product_of(call->node)->dnn, call->in[0], call->in[1], call->in[2], call->out[0], call->scratch);
}

/* inputs dy, packed weight */
static void input_gradient_run(const vj_call *call) {
  vj_dnn_run(product_of(call->node)->dnn, call->in[0], call->in[1], NULL, call->out[0], call->scratch);
}

/* inputs dy, x */
static void weight_gradient_reduce(const vj_call *call) {
  vj_dnn_run(product_of(call->node)->dnn, call->in[1], call->in[0], NULL, call->part, call->scratch);
}

const vj_op vj_op_dnn_convolution_input_gradient = {.name = "dnn_convolution_input_gradient",
                                                    .summary = "dx by oneDNN",
                                                    .form = VJ_MAP,
                                                    .run = input_gradient_run,
                                                    .scratch_bytes = scratch_bytes,
                                                    .flops = flops};

const vj_op vj_op_dnn_convolution_weight_gradient = {.name = "dnn_convolution_weight_gradient",
                                                     .summary = "dweight by oneDNN, summed over the batch",
                                                     .form = VJ_WEIGHT,
                                                     .reduce = weight_gradient_reduce,
                                                     .scratch_bytes = scratch_bytes,
                                                     .flops = flops};

static vj_var *factor(vj_graph *graph, vj_var *x, const product *p) { return p->bf16 ? vj_bf16(graph, x) : x; }

static void convolution_gradient(vj_graph *graph, vj_node *node) {
  product p = *product_of(node);
  vj_var *x = p.x, *weight = p.weight, *bias = node->inputs[2];
  vj_var *dy = node->outputs[0]->gradient;
  if (vj_wants_gradient(weight) && p.gradient) {
    vj_gradient_add(graph, weight, p.gradient(graph, dy, x, &weight->shape, &p.c));
  } else if (vj_wants_gradient(weight)) {
    p.dnn = find(graph, VJ_DNN_WEIGHT_GRADIENT, &p, false);
    vj_node *dw = vj_node_create(graph, &vj_op_dnn_convolution_weight_gradient,
                                 (vj_var *[]){factor(graph, dy, &p), node->inputs[0]}, 2, 2, &p, sizeof p);
    vj_gradient_add(graph, weight, vj_node_output(graph, dw, false, &weight->shape));
  }
  if (vj_wants_gradient(x)) {
    p.dnn = find(graph, VJ_DNN_INPUT_GRADIENT, &p, false);
    vj_node *dx = vj_node_create(graph, &vj_op_dnn_convolution_input_gradient,
                                 (vj_var *[]){factor(graph, dy, &p), packed(graph, weight, &p)}, 2, 2, &p, sizeof p);
    vj_gradient_add(graph, x, vj_node_result(graph, dx, &x->shape));
  }
  if (vj_wants_gradient(bias)) vj_gradient_add(graph, bias, vj_sum_leading(graph, dy, 1));
}

const vj_op vj_op_dnn_convolution = {.name = "dnn_convolution",
                                     .summary = "convolution or linear map by oneDNN",
                                     .form = VJ_MAP,
                                     .run = convolution_run,
                                     .gradient = convolution_gradient,
                                     .scratch_bytes = scratch_bytes,
                                     .flops = flops};

vj_var *vj_dnn_convolution(vj_graph *graph, vj_var *x, vj_var *weight, vj_var *bias, const vj_convolution *c,
                           const vj_shape *shape, double shard_flops, vj_dnn_weight_gradient gradient) {
  product p = {NULL, *c, graph->options.bf16, shard_flops, gradient, x, weight};
  p.dnn = find(graph, VJ_DNN_FORWARD, &p, bias != NULL);
  if (!p.dnn || !find(graph, VJ_DNN_INPUT_GRADIENT, &p, false) ||
      (!gradient && !find(graph, VJ_DNN_WEIGHT_GRADIENT, &p, false)))
    return NULL;
  vj_var *inputs[] = {factor(graph, x, &p), packed(graph, weight, &p), bias};
  vj_node *node = vj_node_create(graph, &vj_op_dnn_convolution, inputs, 3, 2, &p, sizeof p);
  return vj_node_result(graph, node, shape);
}
