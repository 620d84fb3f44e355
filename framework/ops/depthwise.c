/* Depthwise convolution, stride 1: every channel with a kernel of its own, so there is no matrix product in it, and
 * little to do for each number that is read. A vector's width of channels of one image is copied, with zeros to its
 * left and right, to where it stays in the nearest cache; then sums for a run of pixels stay in registers while taps
 * pass. Rows outside the image are left out. */
#include <string.h>

#include "ops/build.h"
#include "ops/indexed_product.h"
#include "ops/op.h"

typedef vj_real lanes __attribute__((vector_size(VJ_LANES * sizeof(vj_real))));

enum { RUN = 8 }; /* pixels, or taps of a row, whose sums are in registers */

typedef struct depthwise {
  int64_t images, height, width, channels; /* of x in one shard */
  int64_t out_height, out_width;
  int64_t kernel[2], padding[2], dilation[2];
} depthwise;

static const depthwise *sizes_of(const vj_node *node) { return node->attributes; }

static double flops(const vj_node *node) {
  const depthwise *d = sizes_of(node);
  return 2.0 * (double)(d->images * d->out_height * d->out_width * d->channels) * (double)(d->kernel[0] * d->kernel[1]);
}

/* dx is the convolution of dy with the kernel turned round. */
static depthwise turned(const depthwise *d) {
  depthwise t = *d;
  t.height = d->out_height;
  t.width = d->out_width;
  t.out_height = d->height;
  t.out_width = d->width;
  for (int i = 0; i < 2; i++) t.padding[i] = d->dilation[i] * (d->kernel[i] - 1) - d->padding[i];
  return t;
}

/* Columns of a padded row: what all taps of whole runs of pixels read. */
static int64_t columns_of(const depthwise *d) {
  return (d->out_width + RUN - 1) / RUN * RUN + (d->kernel[1] - 1) * d->dilation[1];
}

static int64_t taps_of(const depthwise *d) { return d->kernel[0] * d->kernel[1]; }

/* Channels at..at+VJ_LANES-1, those past the last being zero. */
static inline lanes load(const vj_real *from, int64_t channels) {
  lanes value = {0};
  if (channels >= VJ_LANES)
    memcpy(&value, from, sizeof value);
  else
    memcpy(&value, from, (size_t)channels * sizeof(vj_real));
  return value;
}

static inline void store(vj_real *to, lanes value, int64_t channels) {
  memcpy(to, &value, channels >= VJ_LANES ? sizeof value : (size_t)channels * sizeof(vj_real));
}

/* One image's channels from `at` on, with zeros beside it, `left` of them in front. */
static void pad_image(const depthwise *d, const vj_real *image, int64_t at, int64_t left, int64_t columns,
                      lanes *padded) {
  const int64_t channels = d->channels - at;
  for (int64_t y = 0; y < d->height; y++, padded += columns)
    for (int64_t i = 0; i < columns; i++) {
      const int64_t x = i - left;
      padded[i] = x >= 0 && x < d->width ? load(image + (y * d->width + x) * d->channels + at, channels) : (lanes){0};
    }
}

/* RUN pixels of output row `oy` from `ox` on. */
static inline void convolve_run(const depthwise *d, const lanes *padded, int64_t columns, const lanes *weight,
                                int64_t oy, int64_t ox, lanes start, lanes sum[RUN]) {
  for (int p = 0; p < RUN; p++) sum[p] = start;
  for (int64_t ky = 0; ky < d->kernel[0]; ky++) {
    const int64_t y = oy - d->padding[0] + ky * d->dilation[0];
    if (y < 0 || y >= d->height) continue;
    const lanes *row = padded + y * columns + ox, *w = weight + ky * d->kernel[1];
    for (int64_t kx = 0; kx < d->kernel[1]; kx++, row += d->dilation[1])
      for (int p = 0; p < RUN; p++) sum[p] += row[p] * w[kx];
  }
}

/* y = x * weight + bias, or without bias; with `turn` the kernel is turned round. */
static void convolve(const depthwise *d, const vj_real *x, const vj_real *weight, const vj_real *bias, bool turn,
                     vj_real *y, lanes *scratch) {
  const int64_t columns = columns_of(d), taps = taps_of(d), size = d->height * d->width * d->channels;
  lanes *padded = scratch + taps;
  for (int64_t at = 0; at < d->channels; at += VJ_LANES) {
    const int64_t channels = d->channels - at;
    const lanes start = bias ? load(bias + at, channels) : (lanes){0};
    for (int64_t k = 0; k < taps; k++)
      scratch[k] = load(weight + (turn ? taps - 1 - k : k) * d->channels + at, channels);
    for (int64_t image = 0; image < d->images; image++) {
      pad_image(d, x + image * size, at, d->padding[1], columns, padded);
      for (int64_t oy = 0; oy < d->out_height; oy++)
        for (int64_t ox = 0; ox < d->out_width; ox += RUN) {
          lanes sum[RUN];
          convolve_run(d, padded, columns, scratch, oy, ox, start, sum);
          vj_real *to = y + ((image * d->out_height + oy) * d->out_width + ox) * d->channels + at;
          const int64_t left = d->out_width - ox;
          for (int p = 0; p < RUN && p < left; p++) store(to + p * d->channels, sum[p], channels);
        }
    }
  }
}

/* inputs x, weight, bias (may be NULL) */
static void depthwise_run(const vj_call *call) {
  convolve(sizes_of(call->node), call->in[0], call->in[1], call->in[2], false, call->out[0], call->scratch);
}

/* inputs dy, weight */
static void depthwise_input_gradient_run(const vj_call *call) {
  const depthwise t = turned(sizes_of(call->node));
  convolve(&t, call->in[0], call->in[1], NULL, true, call->out[0], call->scratch);
}

static size_t convolve_bytes(const depthwise *d) {
  return (size_t)(taps_of(d) + d->height * columns_of(d)) * sizeof(lanes);
}

static size_t forward_bytes(const vj_node *node) { return convolve_bytes(sizes_of(node)); }

static size_t input_gradient_bytes(const vj_node *node) {
  const depthwise t = turned(sizes_of(node));
  return convolve_bytes(&t);
}

/* --- the weight's gradient -----------------------------------------------------------------------------------------
 */

/* Adds to sum[0..taps-1] the products of dy with what `taps` taps of kernel row ky, from kx on, read of one image. */
static inline __attribute__((always_inline)) void correlate(const depthwise *d, const lanes *padded, int64_t columns,
                                                            const lanes *dy, int64_t ky, int64_t kx, int taps,
                                                            double *total) {
  lanes sum[RUN];
  for (int k = 0; k < taps; k++) sum[k] = (lanes){0};
  for (int64_t oy = 0; oy < d->out_height; oy++) {
    const int64_t y = oy - d->padding[0] + ky * d->dilation[0];
    if (y < 0 || y >= d->height) continue;
    const lanes *row = padded + y * columns + kx * d->dilation[1], *slope = dy + oy * d->out_width;
    for (int64_t ox = 0; ox < d->out_width; ox++)
      for (int k = 0; k < taps; k++) sum[k] += row[ox + k * d->dilation[1]] * slope[ox];
  }
  for (int k = 0; k < taps; k++)
    for (int l = 0; l < VJ_LANES; l++) total[k * VJ_LANES + l] += (double)sum[k][l];
}

/* All taps of a kernel row, RUN of them at a time; the compiler keeps as many sums in registers as it is told. */
static void correlate_row(const depthwise *d, const lanes *padded, int64_t columns, const lanes *dy, int64_t ky,
                          double *total) {
  for (int64_t kx = 0; kx < d->kernel[1]; kx += RUN, total += RUN * VJ_LANES) {
    const int64_t left = d->kernel[1] - kx;
#define VJ_TAPS(count)                                       \
  case count:                                                \
    correlate(d, padded, columns, dy, ky, kx, count, total); \
    break;
    switch (left < RUN ? left : RUN) {
      VJ_TAPS(1)
      VJ_TAPS(2) VJ_TAPS(3) VJ_TAPS(4) VJ_TAPS(5) VJ_TAPS(6) VJ_TAPS(7) VJ_TAPS(8)
    }
#undef VJ_TAPS
  }
}

/* inputs dy, x */
static void depthwise_weight_gradient_reduce(const vj_call *call) {
  const depthwise *d = sizes_of(call->node);
  const int64_t columns = columns_of(d), taps = taps_of(d), out = d->out_height * d->out_width;
  lanes *padded = call->scratch, *dy = padded + d->height * columns;
  double *total = (double *)(dy + out);
  for (int64_t at = 0; at < d->channels; at += VJ_LANES) {
    const int64_t channels = d->channels - at < VJ_LANES ? d->channels - at : VJ_LANES;
    memset(total, 0, (size_t)(taps * VJ_LANES) * sizeof *total);
    for (int64_t image = 0; image < d->images; image++) {
      pad_image(d, call->in[1] + image * d->height * d->width * d->channels, at, d->padding[1], columns, padded);
      for (int64_t p = 0; p < out; p++) dy[p] = load(call->in[0] + (image * out + p) * d->channels + at, channels);
      for (int64_t ky = 0; ky < d->kernel[0]; ky++)
        correlate_row(d, padded, columns, dy, ky, total + ky * d->kernel[1] * VJ_LANES);
    }
    for (int64_t k = 0; k < taps; k++)
      for (int64_t c = 0; c < channels; c++) call->part[k * d->channels + at + c] = (vj_real)total[k * VJ_LANES + c];
  }
}

static size_t weight_gradient_bytes(const vj_node *node) {
  const depthwise *d = sizes_of(node);
  return (size_t)(d->height * columns_of(d) + d->out_height * d->out_width) * sizeof(lanes) +
         (size_t)(taps_of(d) * VJ_LANES) * sizeof(double);
}

/* --- the ops ---------------------------------------------------------------------------------------------------------
 */

const vj_op vj_op_depthwise_input_gradient = {.name = "depthwise_input_gradient",
                                              .summary = "dx: dy through the kernel turned round",
                                              .form = VJ_MAP,
                                              .run = depthwise_input_gradient_run,
                                              .scratch_bytes = input_gradient_bytes,
                                              .flops = flops};

const vj_op vj_op_depthwise_weight_gradient = {.name = "depthwise_weight_gradient",
                                               .summary = "dweight of a depthwise convolution, summed over the batch",
                                               .form = VJ_WEIGHT,
                                               .reduce = depthwise_weight_gradient_reduce,
                                               .scratch_bytes = weight_gradient_bytes,
                                               .flops = flops};

static void depthwise_gradient(vj_graph *graph, vj_node *node) {
  vj_var *x = node->inputs[0], *weight = node->inputs[1], *bias = node->inputs[2];
  vj_var *dy = node->outputs[0]->gradient;
  if (vj_wants_gradient(x)) {
    vj_node *dx = vj_node_create(graph, &vj_op_depthwise_input_gradient, (vj_var *[]){dy, weight}, 2, 2,
                                 node->attributes, sizeof(depthwise));
    vj_gradient_add(graph, x, vj_node_result(graph, dx, &x->shape));
  }
  if (vj_wants_gradient(weight)) {
    vj_node *dw = vj_node_create(graph, &vj_op_depthwise_weight_gradient, (vj_var *[]){dy, x}, 2, 2, node->attributes,
                                 sizeof(depthwise));
    vj_gradient_add(graph, weight, vj_node_output(graph, dw, false, &weight->shape));
  }
  if (vj_wants_gradient(bias)) vj_gradient_add(graph, bias, vj_sum_leading(graph, dy, 1));
}

const vj_op vj_op_depthwise = {.name = "depthwise",
                               .summary = "depthwise convolution [..,H,W,C] -> [..,H',W',C], any padding and dilation",
                               .form = VJ_MAP,
                               .run = depthwise_run,
                               .gradient = depthwise_gradient,
                               .scratch_bytes = forward_bytes,
                               .flops = flops};

vj_var *vj_depthwise(vj_graph *graph, vj_var *x, vj_var *weight, vj_var *bias, const vj_conv2d_args *args) {
  if (!x || !weight) return NULL;
  const vj_shape xs = x->shape, ws = weight->shape;
  char a[128], b[128];
  if (!x->batched || xs.rank < 4 || ws.rank != 3 || xs.size[xs.rank - 1] != ws.size[2] ||
      (bias && bias->count != ws.size[2]))
    return vj_graph_fail(graph, VJ_SHAPE, "depthwise: x %s does not fit weight %s [kh,kw,C] and its bias",
                         vj_shape_text(&xs, a), vj_shape_text(&ws, b));
  depthwise d = {.images = vj_shape_count(&xs, 0, xs.rank - 3),
                 .height = xs.size[xs.rank - 3],
                 .width = xs.size[xs.rank - 2],
                 .channels = xs.size[xs.rank - 1]};
  vj_shape shape = xs;
  for (int i = 0; i < 2; i++) {
    d.kernel[i] = ws.size[i];
    d.dilation[i] = args->dilation[i] ? args->dilation[i] : 1;
    d.padding[i] = args->padding[i];
    const int64_t reach = d.dilation[i] * (d.kernel[i] - 1), out = xs.size[xs.rank - 3 + i] + 2 * d.padding[i] - reach;
    if (args->stride[i] > 1 || args->groups > 1 || out < 1 || d.padding[i] > reach)
      return vj_graph_fail(graph, VJ_SHAPE,
                           "depthwise: a kernel of %lld with padding %lld, at stride 1, does not fit into %s",
                           (long long)d.kernel[i], (long long)d.padding[i], vj_shape_text(&xs, a));
    shape.size[shape.rank - 3 + i] = out;
  }
  d.out_height = shape.size[shape.rank - 3];
  d.out_width = shape.size[shape.rank - 2];
  vj_node *node = vj_node_create(graph, &vj_op_depthwise, (vj_var *[]){x, weight, bias}, 3, 2, &d, sizeof d);
  return vj_node_result(graph, node, &shape);
}
