/* Depthwise convolution, stride 1: every channel with a kernel of its own, so there is no matrix product in it, and
 * little to do for each number that is read. Runs of pixels are taken at a time: a list says where the pixels are that
 * the run's taps read, those outside the image being zeros; then all channels pass in order, their sums staying in
 * registers. Memory is read as it lies, whatever the number of channels, and rows of pixels stay in the cache from one
 * row of runs to the next. */
#include <string.h>
#if defined(__x86_64__)
#include <immintrin.h>
#endif

#include "framework/base/kernel.h"
#include "framework/ops/build.h"
#include "framework/ops/op.h"

enum { RUN = 8 }; /* pixels at a time */

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

static int64_t taps_of(const depthwise *d) { return d->kernel[0] * d->kernel[1]; }

/* Pixels of a row that a run's taps read. */
static int64_t columns_of(const depthwise *d) { return RUN + (d->kernel[1] - 1) * d->dilation[1]; }

/* --- runs -------------------------------------------------------------------------------------------------------- */

/* What RUN pixels read through one tap, of number `number`, and its weights. */
typedef struct tap {
  const vj_real *const *pixel; /* [RUN] */
  int64_t number;
} tap;

/* Scratch: a pixel of zeros, places of pixels, taps of which at least one pixel of the run is inside. */
typedef struct reader {
  vj_real *zero;
  const vj_real **pixel;
  tap *taps;
  int64_t count;
} reader;

static size_t reader_bytes(const depthwise *d) {
  const size_t zero = ((size_t)d->channels * sizeof(vj_real) + 63) / 64 * 64;
  return zero + (size_t)(d->kernel[0] * columns_of(d) + RUN) * sizeof(vj_real *) + (size_t)taps_of(d) * sizeof(tap);
}

static reader reader_in(const depthwise *d, void *scratch) {
  reader r = {.zero = scratch};
  memset(r.zero, 0, (size_t)d->channels * sizeof *r.zero);
  r.pixel = (const vj_real **)((char *)scratch + ((size_t)d->channels * sizeof(vj_real) + 63) / 64 * 64);
  r.taps = (tap *)(r.pixel + d->kernel[0] * columns_of(d) + RUN);
  return r;
}

/* The taps of the run of output pixels (oy, ox).. of an image. */
static void read_run(const depthwise *d, reader *r, const vj_real *image, int64_t oy, int64_t ox) {
  const int64_t columns = columns_of(d), left = ox - d->padding[1];
  r->count = 0;
  for (int64_t ky = 0; ky < d->kernel[0]; ky++) {
    const int64_t y = oy - d->padding[0] + ky * d->dilation[0];
    if (y < 0 || y >= d->height) continue;
    const vj_real **pixel = r->pixel + ky * columns;
    for (int64_t i = 0; i < columns; i++) {
      const int64_t x = left + i;
      pixel[i] = x >= 0 && x < d->width ? image + (y * d->width + x) * d->channels : r->zero;
    }
    for (int64_t kx = 0; kx < d->kernel[1]; kx++) {
      const int64_t first = left + kx * d->dilation[1];
      if (first + RUN > 0 && first < d->width)
        r->taps[r->count++] = (tap){pixel + kx * d->dilation[1], ky * d->kernel[1] + kx};
    }
  }
}

/* --- widths ------------------------------------------------------------------------------------------------------ */

#define VJ_WIDTH(name) name##_narrow
#define VJ_TARGET
#define VJ_BYTES 32
#define VJ_PAIR 1
#if defined(__x86_64__) && defined(VJ_DOUBLE)
#define VJ_FMA _mm256_fmadd_pd
#elif defined(__x86_64__)
#define VJ_FMA _mm256_fmadd_ps
#endif
#include "framework/ops/convolution/depthwise_lanes.inc"

#if defined(__x86_64__)
#define VJ_WIDTH(name) name##_wide
#define VJ_TARGET VJ_WIDE
#define VJ_BYTES 64
#define VJ_PAIR 2
#ifdef VJ_DOUBLE
#define VJ_FMA _mm512_fmadd_pd
#else
#define VJ_FMA _mm512_fmadd_ps
#endif
#include "framework/ops/convolution/depthwise_lanes.inc"
#endif

/* All channels of up to `pixels` pixels of y. */
static void convolve_channels(const depthwise *d, const reader *r, const vj_real *weight, const vj_real *bias,
                              bool turn, vj_real *y, int64_t pixels) {
#if defined(__x86_64__)
  if (vj_cpu_path() >= VJ_CPU_AVX512) {
    convolve_channels_wide(d, r, weight, bias, turn, y, pixels);
    return;
  }
#endif
  convolve_channels_narrow(d, r, weight, bias, turn, y, pixels);
}

/* Adds a run's products of dy with what each tap reads, to sum [taps,C]. */
static void correlate_channels(const depthwise *d, const reader *r, const vj_real *const *dy, vj_real *sum) {
#if defined(__x86_64__)
  if (vj_cpu_path() >= VJ_CPU_AVX512) {
    correlate_channels_wide(d, r, dy, sum);
    return;
  }
#endif
  correlate_channels_narrow(d, r, dy, sum);
}

/* --- y and dx ---------------------------------------------------------------------------------------------------- */

/* y = x * weight + bias, or without bias; with `turn` the kernel is turned round. */
static void convolve(const depthwise *d, const vj_real *x, const vj_real *weight, const vj_real *bias, bool turn,
                     vj_real *y, void *scratch) {
  const int64_t size = d->height * d->width * d->channels;
  reader r = reader_in(d, scratch);
  for (int64_t image = 0; image < d->images; image++)
    for (int64_t oy = 0; oy < d->out_height; oy++)
      for (int64_t ox = 0; ox < d->out_width; ox += RUN) {
        vj_real *to = y + ((image * d->out_height + oy) * d->out_width + ox) * d->channels;
        read_run(d, &r, x + image * size, oy, ox);
        convolve_channels(d, &r, weight, bias, turn, to, d->out_width - ox);
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

static size_t forward_bytes(const vj_node *node) { return reader_bytes(sizes_of(node)); }

static size_t input_gradient_bytes(const vj_node *node) {
  const depthwise t = turned(sizes_of(node));
  return reader_bytes(&t);
}

/* --- dweight ----------------------------------------------------------------------------------------------------- */

/* One image's part to sum [taps,C]. */
static void correlate_image(const depthwise *d, reader *r, const vj_real *x, const vj_real *dy, vj_real *sum) {
  const vj_real **slope = r->pixel + d->kernel[0] * columns_of(d);
  for (int64_t oy = 0; oy < d->out_height; oy++)
    for (int64_t ox = 0; ox < d->out_width; ox += RUN) {
      read_run(d, r, x, oy, ox);
      for (int64_t p = 0; p < RUN; p++)
        slope[p] = ox + p < d->out_width ? dy + (oy * d->out_width + ox + p) * d->channels : r->zero;
      correlate_channels(d, r, slope, sum);
    }
}

/* inputs dy, x. An image's sums in vj_real, those of all in double. */
static void depthwise_weight_gradient_reduce(const vj_call *call) {
  const depthwise *d = sizes_of(call->node);
  const int64_t count = taps_of(d) * d->channels, size = d->height * d->width * d->channels;
  const int64_t out = d->out_height * d->out_width * d->channels;
  double *total = call->scratch;
  reader r = reader_in(d, total + count);
  memset(total, 0, (size_t)count * sizeof *total);
  for (int64_t image = 0; image < d->images; image++) {
    memset(call->part, 0, (size_t)count * sizeof *call->part);
    correlate_image(d, &r, call->in[1] + image * size, call->in[0] + image * out, call->part);
    for (int64_t i = 0; i < count; i++) total[i] += (double)call->part[i];
  }
  for (int64_t i = 0; i < count; i++) call->part[i] = (vj_real)total[i];
}

static size_t weight_gradient_bytes(const vj_node *node) {
  const depthwise *d = sizes_of(node);
  return (size_t)(taps_of(d) * d->channels) * sizeof(double) + reader_bytes(d);
}

/* --- the ops ----------------------------------------------------------------------------------------------------- */

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
  vj_gradient_by(graph, x, node, &vj_op_depthwise_input_gradient, (vj_var *[]){dy, weight}, 2);
  vj_gradient_by(graph, weight, node, &vj_op_depthwise_weight_gradient, (vj_var *[]){dy, x}, 2);
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
  if (!x->batched || xs.rank < 4 || ws.rank != 3 || xs.size[xs.rank - 1] != ws.size[2] ||
      (bias && bias->count != ws.size[2]))
    return vj_graph_fail(graph, VJ_SHAPE, "depthwise: x %s does not fit weight %s [kh,kw,C] and its bias",
                         VJ_SHAPE_TEXT(&xs), VJ_SHAPE_TEXT(&ws));
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
                           (long long)d.kernel[i], (long long)d.padding[i], VJ_SHAPE_TEXT(&xs));
    shape.size[shape.rank - 3 + i] = out;
  }
  d.out_height = shape.size[shape.rank - 3];
  d.out_width = shape.size[shape.rank - 2];
  vj_node *node = vj_node_create(graph, &vj_op_depthwise, (vj_var *[]){x, weight, bias}, 3, 2, &d, sizeof d);
  return vj_node_result(graph, node, &shape);
}
