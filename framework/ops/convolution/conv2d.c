/* Spatial convolution, channels last. Where shapes allow, by minimal filtering or oneDNN; else directly
 * (conv2d_direct.c) where channels fill the processor's vectors; for other shapes and groups im2row in tiles that stay
 * near the processor, then GEMM, here.
 *
 * A row of the tile is one output pixel's patch, ordered (ky, kx, channel) as the weight's rows are (OHWI), so that
 * for dilation 1 each ky is one contiguous run of kw C numbers. */
#include <string.h>

#include "framework/ops/build.h"
#include "framework/ops/convolution/conv2d.h"
#include "framework/ops/convolution/dnn.h"
#include "framework/ops/product/gemm.h"
#include "framework/ops/convolution/winograd.h"

enum { TILE_NUMBERS = 96 * 1024, LEAST_CHANNELS = 16 };

static const vj_convolution *conv_of(const vj_node *node) { return node->attributes; }

static int64_t pixels(const vj_convolution *c) { return c->images * c->out_height * c->out_width; }

static double flops(const vj_node *node) {
  const vj_convolution *c = conv_of(node);
  return 2.0 * (double)pixels(c) * (double)c->patch * (double)c->out;
}

static size_t patches_bytes(const vj_convolution *c) { return (size_t)(c->tile * c->patch) * sizeof(vj_real); }

/* The run of kx that one (output pixel, ky) reads: where it starts in the image, and how much of it is inside. */
typedef struct run {
  int64_t image_at;    /* of kx = first, in numbers from the start of x */
  int64_t first, last; /* kx inside the image: first <= kx < last */
} run;

/* `image` and the output pixel's row and column. */
static inline run run_of(const vj_convolution *c, int64_t image, int64_t oy, int64_t ox, int64_t ky) {
  const int64_t y = oy * c->stride[0] - c->padding[0] + ky * c->dilation[0];
  const int64_t x0 = ox * c->stride[1] - c->padding[1], step = c->dilation[1], kw = c->kernel[1];
  run r = {0, 0, 0};
  if (y < 0 || y >= c->height) return r;
  if (x0 < 0) r.first = (-x0 + step - 1) / step < kw ? (-x0 + step - 1) / step : kw;
  r.last = x0 + (kw - 1) * step < c->width ? kw : (c->width - x0 + step - 1) / step;
  if (r.last < r.first) r.last = r.first;
  r.image_at = ((image * c->height + y) * c->width + x0 + r.first * step) * c->channels;
  return r;
}

/* Runs are short; a call of memcpy would cost more than the copy. */
static inline void copy_run(vj_real *restrict to, const vj_real *restrict from, int64_t count) {
  if (count >= 64)
    memcpy(to, from, (size_t)count * sizeof *to);
  else
    for (int64_t i = 0; i < count; i++) to[i] = from[i];
}

static inline void gather_run(const vj_convolution *c, const vj_real *from, run r, int64_t channels, vj_real *row) {
  const int64_t kw = c->kernel[1];
  for (int64_t i = 0; i < r.first * channels; i++) row[i] = 0;
  for (int64_t i = r.last * channels; i < kw * channels; i++) row[i] = 0;
  if (c->groups == 1 && c->dilation[1] == 1) {
    copy_run(row + r.first * channels, from, (r.last - r.first) * channels);
    return;
  }
  for (int64_t kx = r.first; kx < r.last; kx++, from += c->dilation[1] * c->channels)
    copy_run(row + kx * channels, from, channels);
}

static inline void scatter_run(const vj_convolution *c, vj_real *restrict to, run r, int64_t channels,
                               const vj_real *restrict row) {
  const vj_real *restrict from = row + r.first * channels;
  if (c->groups == 1 && c->dilation[1] == 1) {
    const int64_t count = (r.last - r.first) * channels;
    for (int64_t i = 0; i < count; i++) to[i] += from[i];
    return;
  }
  for (int64_t kx = r.first; kx < r.last; kx++, to += c->dilation[1] * c->channels, from += channels)
    for (int64_t i = 0; i < channels; i++) to[i] += from[i];
}

/* Walks output pixels in order without dividing for each. */
typedef struct walk {
  int64_t image, oy, ox;
} walk;

static inline walk walk_from(const vj_convolution *c, int64_t pixel) {
  const int64_t row = pixel / c->out_width;
  return (walk){row / c->out_height, row % c->out_height, pixel % c->out_width};
}

static inline void walk_on(const vj_convolution *c, walk *w) {
  if (++w->ox < c->out_width) return;
  w->ox = 0;
  if (++w->oy < c->out_height) return;
  w->oy = 0;
  w->image++;
}

/* Patches of pixels begin..end of one group, as rows. */
static void gather_patches(const vj_convolution *c, const vj_real *x, int64_t group, int64_t begin, int64_t end,
                           vj_real *rows) {
  const int64_t kh = c->kernel[0], channels = c->channels / c->groups, width = c->kernel[1] * channels;
  walk w = walk_from(c, begin);
  for (int64_t pixel = begin; pixel < end; pixel++, walk_on(c, &w))
    for (int64_t ky = 0; ky < kh; ky++, rows += width) {
      const run r = run_of(c, w.image, w.oy, w.ox, ky);
      gather_run(c, x + r.image_at + group * channels, r, channels, rows);
    }
}

/* The transpose: adds rows back to where their numbers came from. */
static void scatter_patches(const vj_convolution *c, const vj_real *rows, int64_t group, int64_t begin, int64_t end,
                            vj_real *restrict x) {
  const int64_t kh = c->kernel[0], channels = c->channels / c->groups, width = c->kernel[1] * channels;
  walk w = walk_from(c, begin);
  for (int64_t pixel = begin; pixel < end; pixel++, walk_on(c, &w))
    for (int64_t ky = 0; ky < kh; ky++, rows += width) {
      const run r = run_of(c, w.image, w.oy, w.ox, ky);
      scatter_run(c, x + r.image_at + group * channels, r, channels, rows);
    }
}

/* --- by patches ------------------------------------------------------------------------------------------------ */

/* inputs x, weight, bias (may be NULL) */
static void patches_forward(const vj_call *call) {
  const vj_convolution *c = conv_of(call->node);
  const vj_real *x = call->in[0], *weight = call->in[1], *bias = call->in[2];
  vj_real *y = call->out[0], *rows = call->scratch;
  const int64_t all = pixels(c), out = c->out / c->groups;
  for (int64_t begin = 0; begin < all; begin += c->tile) {
    const int64_t end = begin + c->tile < all ? begin + c->tile : all;
    if (bias)
      for (int64_t p = begin; p < end; p++) memcpy(y + p * c->out, bias, (size_t)c->out * sizeof *y);
    for (int64_t g = 0; g < c->groups; g++) {
      gather_patches(c, x, g, begin, end, rows);
      vj_gemm(false, true, end - begin, out, c->patch, rows, c->patch, weight + g * out * c->patch, c->patch,
              bias ? 1 : 0, y + begin * c->out + g * out, c->out);
    }
  }
}

/* inputs dy, weight */
static void patches_input_gradient(const vj_call *call) {
  const vj_convolution *c = conv_of(call->node);
  const vj_real *dy = call->in[0], *weight = call->in[1];
  vj_real *dx = call->out[0], *rows = call->scratch;
  const int64_t all = pixels(c), out = c->out / c->groups;
  memset(dx, 0, (size_t)(c->images * c->height * c->width * c->channels) * sizeof *dx);
  for (int64_t begin = 0; begin < all; begin += c->tile) {
    const int64_t end = begin + c->tile < all ? begin + c->tile : all;
    for (int64_t g = 0; g < c->groups; g++) {
      vj_gemm(false, false, end - begin, c->patch, out, dy + begin * c->out + g * out, c->out,
              weight + g * out * c->patch, c->patch, 0, rows, c->patch);
      scatter_patches(c, rows, g, begin, end, dx);
    }
  }
}

/* inputs dy, x */
static void patches_weight_gradient(const vj_call *call) {
  const vj_convolution *c = conv_of(call->node);
  const vj_real *dy = call->in[0], *x = call->in[1];
  vj_real *rows = call->scratch;
  const int64_t all = pixels(c), out = c->out / c->groups;
  for (int64_t begin = 0; begin < all; begin += c->tile) {
    const int64_t end = begin + c->tile < all ? begin + c->tile : all;
    for (int64_t g = 0; g < c->groups; g++) {
      gather_patches(c, x, g, begin, end, rows);
      vj_gemm(true, false, out, c->patch, end - begin, dy + begin * c->out + g * out, c->out, rows, c->patch,
              begin ? 1 : 0, call->part + g * out * c->patch, c->patch);
    }
  }
}

/* --- the ops --------------------------------------------------------------------------------------------------- */

/* The way of each op for its shapes; nothing else decides. */
static vj_conv2d_way forward_way(const vj_convolution *c) {
  const vj_conv2d_way *direct = vj_conv2d_direct(c);
  return direct ? *direct : (vj_conv2d_way){patches_forward, patches_bytes};
}

static vj_conv2d_way input_gradient_way(const vj_convolution *c) {
  const vj_conv2d_way *direct = vj_conv2d_input_gradient_direct(c);
  return direct ? *direct : (vj_conv2d_way){patches_input_gradient, patches_bytes};
}

static vj_conv2d_way weight_gradient_way(const vj_convolution *c) {
  const vj_conv2d_way *direct = vj_conv2d_weight_gradient_direct(c);
  return direct ? *direct : (vj_conv2d_way){patches_weight_gradient, patches_bytes};
}

static void conv2d_run(const vj_call *call) { forward_way(conv_of(call->node)).run(call); }

static void conv2d_input_gradient_run(const vj_call *call) { input_gradient_way(conv_of(call->node)).run(call); }

static void conv2d_weight_gradient_reduce(const vj_call *call) { weight_gradient_way(conv_of(call->node)).run(call); }

static size_t forward_bytes(const vj_node *node) { return forward_way(conv_of(node)).scratch_bytes(conv_of(node)); }

static size_t input_gradient_bytes(const vj_node *node) {
  return input_gradient_way(conv_of(node)).scratch_bytes(conv_of(node));
}

static size_t weight_gradient_bytes(const vj_node *node) {
  return weight_gradient_way(conv_of(node)).scratch_bytes(conv_of(node));
}

const vj_op vj_op_conv2d_input_gradient = {.name = "conv2d_input_gradient",
                                           .summary = "dx: dy through the transposed kernel",
                                           .form = VJ_MAP,
                                           .run = conv2d_input_gradient_run,
                                           .scratch_bytes = input_gradient_bytes,
                                           .flops = flops};

const vj_op vj_op_conv2d_weight_gradient = {.name = "conv2d_weight_gradient",
                                            .summary = "dweight = dy' patches(x), summed over the batch",
                                            .form = VJ_WEIGHT,
                                            .reduce = conv2d_weight_gradient_reduce,
                                            .scratch_bytes = weight_gradient_bytes,
                                            .flops = flops};

static vj_var *weight_gradient(vj_graph *graph, vj_var *dy, vj_var *x, const vj_shape *weight,
                               const vj_convolution *c) {
  vj_node *dw = vj_node_create(graph, &vj_op_conv2d_weight_gradient, (vj_var *[]){dy, x}, 2, 2, c, sizeof *c);
  return vj_node_output(graph, dw, false, weight);
}

static void conv2d_gradient(vj_graph *graph, vj_node *node) {
  vj_var *x = node->inputs[0], *weight = node->inputs[1], *bias = node->inputs[2];
  vj_var *dy = node->outputs[0]->gradient;
  if (vj_wants_gradient(weight))
    vj_gradient_add(graph, weight, weight_gradient(graph, dy, x, &weight->shape, conv_of(node)));
  vj_gradient_by(graph, x, node, &vj_op_conv2d_input_gradient, (vj_var *[]){dy, weight}, 2);
  if (vj_wants_gradient(bias)) vj_gradient_add(graph, bias, vj_sum_leading(graph, dy, 1));
}

const vj_op vj_op_conv2d = {.name = "conv2d",
                            .summary = "spatial convolution [..,H,W,C] -> [..,H',W',O], any stride, padding, groups",
                            .form = VJ_MAP,
                            .run = conv2d_run,
                            .gradient = conv2d_gradient,
                            .scratch_bytes = forward_bytes,
                            .flops = flops};

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
  c.patch = c.kernel[0] * c.kernel[1] * (c.channels / groups);
  c.tile = TILE_NUMBERS / c.patch > 64 ? TILE_NUMBERS / c.patch / 64 * 64 : 64;
  if (c.tile > pixels(&c)) c.tile = pixels(&c);
  vj_shape shape = xs;
  shape.size[shape.rank - 3] = c.out_height;
  shape.size[shape.rank - 2] = c.out_width;
  shape.size[shape.rank - 1] = c.out;
  const double all_flops = 2.0 * (double)pixels(&c) * (double)c.patch * (double)c.out;
  const bool bf16 = graph->options.bf16;
  vj_var *y = bf16 ? NULL : vj_winograd_convolution(graph, x, weight, bias, &c, &shape, all_flops);
  if (!y && c.channels >= LEAST_CHANNELS && c.out >= LEAST_CHANNELS)
    y = vj_dnn_convolution(graph, x, weight, bias, &c, &shape, all_flops, bf16 ? NULL : weight_gradient);
  if (y || vj_graph_failed(graph)) return y;
  vj_node *node = vj_node_create(graph, &vj_op_conv2d, (vj_var *[]){x, weight, bias}, 3, 2, &c, sizeof c);
  return vj_node_result(graph, node, &shape);
}
