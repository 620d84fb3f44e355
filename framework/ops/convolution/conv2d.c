/* Spatial convolution, channels last; time and linear layers of many rows share its engine (conv_time.c). Three taps in
 * a row take fewer products by minimal filtering (winograd.c); all else is plain products of pixels with weights, tap
 * by tap: taps.c, or narrow.c where one side has few channels. Weights are brought into the order of the products once
 * for all shards. */
#include "framework/ops/convolution/conv2d.h"

#include "framework/ops/build.h"
#include "framework/ops/convolution/narrow.h"
#include "framework/ops/convolution/taps.h"
#include "framework/ops/convolution/winograd.h"
#include "framework/ops/norm/affine.h"
#include "framework/ops/product/bf16.h"

typedef struct convolution {
  vj_convolution c;
  const vj_taps *taps;     /* or */
  const vj_narrow *narrow; /* forward */
  vj_var *x;               /* before it was rounded */
  vj_var *weight;          /* OHWI; both get gradients, the weight by */
  vj_weight_gradient weight_gradient;
} convolution;

static const convolution *convolution_of(const vj_node *node) { return node->attributes; }

static double sum_taps(const vj_axis *axis) {
  double sum = 0;
  for (int64_t tap = 0; tap < axis->kernel; tap++) {
    int64_t begin, end;
    vj_axis_tap(axis, tap, &begin, &end);
    sum += (double)(end - begin);
  }
  return sum;
}

double vj_convolution_flops(const vj_convolution *c) {
  return 2.0 * (double)(c->images * c->out_height * c->out_width) * (double)(c->kernel[0] * c->kernel[1]) *
         (double)(c->channels / c->groups) * (double)c->out;
}

double vj_convolution_flops_inside(const vj_convolution *c) {
  const vj_axis y = vj_convolution_axis(c, 0), x = vj_convolution_axis(c, 1);
  return 2.0 * (double)c->images * sum_taps(&y) * sum_taps(&x) * (double)(c->channels / c->groups) * (double)c->out;
}

static double flops(const vj_node *node) { return vj_convolution_flops(&convolution_of(node)->c); }
static double flops_done(const vj_node *node) { return vj_convolution_flops_inside(&convolution_of(node)->c); }

/* --- weights in the order of products --------------------------------------------------------------------------- */

typedef struct packing {
  vj_convolution c;
  bool transposed;
} packing;

static void pack_weight_run(const vj_call *call) {
  const packing *p = call->node->attributes;
  if (p->c.bf16)
    vj_taps_pack_bf16(&p->c, p->transposed, call->in[0], vj_bf16_numbers(call->out[0]), call->begin, call->end);
  else
    vj_taps_pack(&p->c, p->transposed, call->in[0], call->out[0], call->begin, call->end);
}

static int64_t pack_weight_pieces(const vj_node *node) {
  const packing *p = node->attributes;
  return vj_taps_pieces(&p->c, p->transposed);
}

const vj_op vj_op_pack_weight = {.name = "pack_weight",
                                 .summary = "a weight in the order in which products read it",
                                 .form = VJ_SHARED,
                                 .run = pack_weight_run,
                                 .pieces = pack_weight_pieces};

static vj_var *packed(vj_graph *graph, vj_var *weight, const vj_convolution *c, bool transposed) {
  const packing p = {*c, transposed};
  vj_node *node = vj_node_create(graph, &vj_op_pack_weight, &weight, 1, 1, &p, sizeof p);
  vj_var *y = vj_node_result(graph, node, &VJ_SHAPE(weight->count));
  if (y) y->half = c->bf16;
  return y;
}

/* x as its products read it. */
static vj_var *factor(vj_graph *graph, vj_var *x, const vj_convolution *c) { return c->bf16 ? vj_bf16(graph, x) : x; }

bool vj_convolution_rounds(const vj_graph *graph, const vj_convolution *c) {
  enum { LEAST_CHANNELS = 16 };
  const int64_t in = c->channels / c->groups, out = c->out / c->groups;
  return graph->options.bf16 && in >= LEAST_CHANNELS && out >= LEAST_CHANNELS && in % 2 == 0 && out % 2 == 0;
}

/* --- the ops ---------------------------------------------------------------------------------------------------- */

/* So that they are still in the cache when they are read. */
static int64_t images_at_once(int64_t image, int64_t all) {
  enum { NUMBERS = 64 * 1024 };
  const int64_t fits = NUMBERS / image;
  return fits < 1 ? 1 : fits < all ? fits : all;
}

void vj_convolution_map(const vj_convolution *c, const vj_real *x, const vj_real *scale, const vj_real *shift,
                        int64_t images, vj_real *to) {
  vj_affine_rows(x, scale, shift, c->relu, images * c->height * c->width, c->channels, to);
}

void vj_convolution_map_bf16(const vj_convolution *c, const void *x, bool half, const vj_real *scale,
                             const vj_real *shift, int64_t images, uint16_t *to) {
  vj_affine_rows_bf16(x, half, scale, shift, c->relu, images * c->height * c->width, c->channels, to);
}

static size_t rounded_up(size_t bytes) { return (bytes + 63) / 64 * 64; }

/* Images are read some at a time, through their map if they have one, while the next ones are asked for. */
static void run_images(const vj_call *call, int64_t in_image, int64_t out_image, const vj_real *bias) {
  const convolution *v = convolution_of(call->node);
  const bool half = call->node->inputs[0]->half, out_half = call->node->outputs[0]->half;
  const int64_t all = v->c.images, step = images_at_once(in_image, all);
  void *mapped = (char *)call->scratch + rounded_up(vj_taps_scratch_bytes(v->taps));
  for (int64_t image = 0; image < all; image += step) {
    const int64_t after = image + step, images = after < all ? step : all - image;
    const int64_t next = after >= all ? 0 : all - after < step ? all - after : step;
    const void *x = vj_numbers_from(call->in[0], half, image * in_image);
    if (v->c.mapped && v->c.bf16)
      vj_convolution_map_bf16(&v->c, x, half, call->in[3], call->in[4], images, mapped);
    else if (v->c.mapped)
      vj_convolution_map(&v->c, x, call->in[3], call->in[4], images, mapped);
    vj_taps_run(v->taps, images, v->c.mapped ? mapped : x, call->in[1], bias,
                vj_room_from(call->out[0], out_half, image * out_image), out_half, call->scratch,
                vj_numbers_from(call->in[0], half, after * in_image),
                (size_t)(next * in_image * vj_number_bytes(half)));
  }
}

static int64_t x_image(const vj_convolution *c) { return c->height * c->width * c->channels; }
static int64_t y_image(const vj_convolution *c) { return c->out_height * c->out_width * c->out; }

/* inputs x, weight packed or OHWI, bias (may be NULL), scale and shift where x goes through a map */
static void conv2d_run(const vj_call *call) {
  const convolution *v = convolution_of(call->node);
  const bool half = call->node->outputs[0]->half;
  if (v->narrow)
    vj_narrow_run(v->narrow, call->in[0], call->in[1], call->in[2], call->out[0], half, call->scratch);
  else
    run_images(call, x_image(&v->c), y_image(&v->c), call->in[2]);
}

static size_t conv2d_scratch(const vj_node *node) {
  const convolution *v = convolution_of(node);
  if (v->narrow) return vj_narrow_scratch_bytes(v->narrow);
  const int64_t image = x_image(&v->c), mapped = v->c.mapped ? images_at_once(image, v->c.images) * image : 0;
  return rounded_up(vj_taps_scratch_bytes(v->taps)) + (size_t)(mapped * vj_number_bytes(v->c.bf16));
}

static unsigned conv2d_halves(const vj_node *node) {
  const convolution *v = convolution_of(node);
  if (v->narrow) return vj_narrow_may_round(v->narrow) ? VJ_FIRST_OUTPUT : 0;
  return v->c.bf16 ? VJ_INPUT(0) | VJ_INPUT(1) | VJ_FIRST_OUTPUT : 0;
}

/* inputs dy, packed weight */
static void conv2d_input_gradient_run(const vj_call *call) {
  const vj_convolution *c = &convolution_of(call->node)->c;
  run_images(call, y_image(c), x_image(c), NULL);
}

static size_t input_gradient_scratch(const vj_node *node) { return vj_taps_scratch_bytes(convolution_of(node)->taps); }

static unsigned input_gradient_halves(const vj_node *node) {
  return convolution_of(node)->c.bf16 ? VJ_INPUT(0) | VJ_INPUT(1) | VJ_FIRST_OUTPUT : 0;
}

const vj_op vj_op_conv2d_input_gradient = {.name = "conv2d_input_gradient",
                                           .summary = "dx: dy through the transposed kernel",
                                           .form = VJ_MAP,
                                           .run = conv2d_input_gradient_run,
                                           .halves = input_gradient_halves,
                                           .scratch_bytes = input_gradient_scratch,
                                           .flops = flops,
                                           .flops_done = flops_done};

vj_var *vj_convolution_input_gradient(vj_graph *graph, vj_var *dy, vj_var *weight, const vj_convolution *c,
                                      const vj_shape *x) {
  convolution v = {.c = *c, .taps = vj_taps_plan(graph, c, true, c->bf16)};
  v.c.mapped = false; /* dy is not */
  if (!v.taps) return NULL;
  vj_var *inputs[] = {factor(graph, dy, c), packed(graph, weight, c, true)};
  return vj_node_result(graph, vj_node_create(graph, &vj_op_conv2d_input_gradient, inputs, 2, 2, &v, sizeof v), x);
}

/* x as the weight's gradient reads it. What is made again for the way back is rounded again. */
static vj_var *factor_of_gradient(vj_graph *graph, const vj_node *node) {
  const convolution *v = convolution_of(node);
  const bool again = v->c.bf16 && !v->c.mapped && v->x->producer && v->x->producer->op->recompute;
  if (!again) return node->inputs[0];
  v->x->rounded = NULL;
  return vj_bf16(graph, v->x);
}

static void conv2d_gradient(vj_graph *graph, vj_node *node) {
  const convolution *v = convolution_of(node);
  vj_var *x = v->x, *bias = node->inputs[2], *dy = node->outputs[0]->gradient;
  if (vj_wants_gradient(v->weight)) {
    const vj_convolution_inputs inputs = {factor(graph, dy, &v->c), factor_of_gradient(graph, node), node->inputs[3],
                                          node->inputs[4]};
    vj_gradient_add(graph, v->weight, v->weight_gradient(graph, &inputs, &v->weight->shape, &v->c));
  }
  if (vj_wants_gradient(x))
    vj_gradient_add(graph, x, vj_convolution_input_gradient(graph, dy, v->weight, &v->c, &x->shape));
  if (vj_wants_gradient(bias)) vj_gradient_add(graph, bias, vj_sum_leading(graph, dy, 1));
}

const vj_op vj_op_conv2d = {.name = "conv2d",
                            .summary = "convolution [..,H,W,C] -> [..,H',W',O], any stride, padding, dilation, groups",
                            .form = VJ_MAP,
                            .run = conv2d_run,
                            .gradient = conv2d_gradient,
                            .halves = conv2d_halves,
                            .scratch_bytes = conv2d_scratch,
                            .flops = flops,
                            .flops_done = flops_done};

/* Whether it pays to map x where it is read: an image of it stays in the cache. */
static bool may_map(const convolution *v) {
  enum { MOST_NUMBERS = 256 * 1024 };
  return v->taps && v->weight_gradient == vj_convolution_weight_gradient &&
         v->c.height * v->c.width * v->c.channels <= MOST_NUMBERS;
}

vj_var *vj_convolution_node(vj_graph *graph, vj_var *x, vj_var *weight, vj_var *bias, const vj_convolution *c,
                            const vj_shape *shape, vj_weight_gradient weight_gradient) {
  convolution v = {.c = *c, .x = x, .weight = weight, .weight_gradient = weight_gradient};
  bool wants_packed = true;
  v.c.bf16 = vj_convolution_rounds(graph, c);
  if (vj_narrow_fits(c)) {
    v.narrow = vj_narrow_plan(graph, c);
    wants_packed = vj_narrow_wants_packed(c);
  } else {
    v.taps = vj_taps_plan(graph, c, false, v.c.bf16);
  }
  if (!v.narrow && !v.taps) return NULL;
  vj_affine_map map = {x, NULL, NULL, VJ_IDENTITY};
  v.c.mapped = may_map(&v) && vj_affine_map_of(x, &map);
  v.c.relu = map.activation == VJ_RELU;
  if (!v.c.mapped) map = (vj_affine_map){factor(graph, x, &v.c), NULL, NULL, VJ_IDENTITY};
  vj_var *inputs[] = {map.x, wants_packed ? packed(graph, weight, &v.c, false) : weight, bias, map.scale, map.shift};
  vj_node *node = vj_node_create(graph, &vj_op_conv2d, inputs, 5, 2, &v, sizeof v);
  return vj_node_result(graph, node, shape);
}

vj_var *vj_conv2d(vj_graph *graph, vj_var *x, vj_var *weight, vj_var *bias, const vj_conv2d_args *args) {
  if (!x || !weight) return NULL;
  const vj_shape xs = x->shape, ws = weight->shape;
  const int64_t groups = args->groups ? args->groups : 1;
  if (!x->batched || xs.rank < 4 || ws.rank != 4 || xs.size[xs.rank - 1] != ws.size[3] * groups ||
      ws.size[0] % groups != 0)
    return vj_graph_fail(graph, VJ_SHAPE, "conv2d: x %s does not fit weight %s [O,kh,kw,C/groups] in %lld groups",
                         VJ_SHAPE_TEXT(&xs), VJ_SHAPE_TEXT(&ws), (long long)groups);
  vj_convolution c = {.images = vj_shape_count(&xs, 0, xs.rank - 3),
                      .height = xs.size[xs.rank - 3],
                      .width = xs.size[xs.rank - 2],
                      .channels = xs.size[xs.rank - 1],
                      .out = ws.size[0],
                      .groups = groups};
  int64_t out_size[2];
  for (int i = 0; i < 2; i++) {
    c.kernel[i] = ws.size[1 + i];
    c.stride[i] = args->stride[i] ? args->stride[i] : 1;
    c.dilation[i] = args->dilation[i] ? args->dilation[i] : 1;
    c.padding[i] = args->padding[i];
    const int64_t reach = xs.size[xs.rank - 3 + i] + 2 * c.padding[i] - c.dilation[i] * (c.kernel[i] - 1);
    if (reach < 1)
      return vj_graph_fail(graph, VJ_SHAPE, "conv2d: a kernel of %lld does not fit into %s with padding %lld",
                           (long long)c.kernel[i], VJ_SHAPE_TEXT(&xs), (long long)c.padding[i]);
    out_size[i] = (reach - 1) / c.stride[i] + 1;
  }
  if (bias && bias->count != c.out)
    return vj_graph_fail(graph, VJ_SHAPE, "conv2d: bias %s does not fit weight %s", VJ_SHAPE_TEXT(&bias->shape),
                         VJ_SHAPE_TEXT(&ws));
  c.out_height = out_size[0];
  c.out_width = out_size[1];
  vj_shape shape = xs;
  shape.size[shape.rank - 3] = c.out_height;
  shape.size[shape.rank - 2] = c.out_width;
  shape.size[shape.rank - 1] = c.out;
  vj_var *y = vj_winograd_convolution(graph, x, weight, bias, &c, &shape);
  if (y || vj_graph_failed(graph)) return y;
  return vj_convolution_node(graph, x, weight, bias, &c, &shape, vj_convolution_weight_gradient);
}
