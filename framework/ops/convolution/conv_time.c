/* Temporal convolution kt x 1 x 1. Three taps of many channels take fewer products by minimal filtering, and bf16 is
 * oneDNN's; else, with channels last, each tap is a plain GEMM on the frames shifted in time, and nothing is copied. */
#include <string.h>

#include "framework/ops/build.h"
#include "framework/ops/convolution/dnn.h"
#include "framework/ops/product/gemm.h"
#include "framework/ops/convolution/winograd.h"
#include "framework/ops/op.h"

/* With fewer, rounding to bf16 costs more than it spares. */
enum { LEAST_CHANNELS = 16 };

typedef struct conv {
  int64_t samples, frames, positions, channels; /* of x in one shard; positions = H W of a frame */
  int64_t out_frames, out, taps, padding;
} conv;

static const conv *conv_of(const vj_node *node) { return node->attributes; }

/* Output frames first..last-1 see input frame t + shift through tap k. */
typedef struct range {
  int64_t first, last, shift;
} range;

static range range_of(const conv *c, int64_t tap) {
  range r = {.shift = tap - c->padding};
  r.first = r.shift < 0 ? -r.shift : 0;
  r.last = c->frames - r.shift < c->out_frames ? c->frames - r.shift : c->out_frames;
  if (r.last < r.first) r.last = r.first;
  return r;
}

static double flops_of(const conv *c) {
  double frames = 0;
  for (int64_t k = 0; k < c->taps; k++) {
    const range r = range_of(c, k);
    frames += (double)(r.last - r.first);
  }
  return 2.0 * (double)(c->samples * c->positions) * frames * (double)c->channels * (double)c->out;
}

static double flops(const vj_node *node) { return flops_of(conv_of(node)); }

/* inputs x, weight [O,kt,C], bias (may be NULL) */
static void conv_time_run(const vj_call *call) {
  const conv *c = conv_of(call->node);
  const vj_real *x = call->in[0], *weight = call->in[1], *bias = call->in[2];
  vj_real *y = call->out[0];
  const int64_t in_frame = c->positions * c->channels, out_frame = c->positions * c->out;
  const int64_t rows = c->samples * c->out_frames * c->positions;
  for (int64_t r = 0; r < rows; r++) {
    if (bias)
      memcpy(y + r * c->out, bias, (size_t)c->out * sizeof *y);
    else
      memset(y + r * c->out, 0, (size_t)c->out * sizeof *y);
  }
  for (int64_t s = 0; s < c->samples; s++)
    for (int64_t k = 0; k < c->taps; k++) {
      const range r = range_of(c, k);
      if (r.last == r.first) continue;
      vj_gemm(false, true, (r.last - r.first) * c->positions, c->out, c->channels,
              x + (s * c->frames + r.first + r.shift) * in_frame, c->channels, weight + k * c->channels,
              c->taps * c->channels, 1, y + (s * c->out_frames + r.first) * out_frame, c->out);
    }
}

/* inputs dy, weight */
static void conv_time_input_gradient_run(const vj_call *call) {
  const conv *c = conv_of(call->node);
  const vj_real *dy = call->in[0], *weight = call->in[1];
  vj_real *dx = call->out[0];
  const int64_t in_frame = c->positions * c->channels, out_frame = c->positions * c->out;
  memset(dx, 0, (size_t)(c->samples * c->frames * in_frame) * sizeof *dx);
  for (int64_t s = 0; s < c->samples; s++)
    for (int64_t k = 0; k < c->taps; k++) {
      const range r = range_of(c, k);
      if (r.last == r.first) continue;
      vj_gemm(false, false, (r.last - r.first) * c->positions, c->channels, c->out,
              dy + (s * c->out_frames + r.first) * out_frame, c->out, weight + k * c->channels, c->taps * c->channels,
              1, dx + (s * c->frames + r.first + r.shift) * in_frame, c->channels);
    }
}

/* inputs dy, x */
static void conv_time_weight_gradient_reduce(const vj_call *call) {
  const conv *c = conv_of(call->node);
  const vj_real *dy = call->in[0], *x = call->in[1];
  const int64_t in_frame = c->positions * c->channels, out_frame = c->positions * c->out;
  memset(call->part, 0, (size_t)(c->out * c->taps * c->channels) * sizeof *call->part);
  for (int64_t k = 0; k < c->taps; k++) {
    const range r = range_of(c, k);
    for (int64_t s = 0; s < c->samples && r.last > r.first; s++)
      vj_gemm(true, false, c->out, c->channels, (r.last - r.first) * c->positions,
              dy + (s * c->out_frames + r.first) * out_frame, c->out,
              x + (s * c->frames + r.first + r.shift) * in_frame, c->channels, 1, call->part + k * c->channels,
              c->taps * c->channels);
  }
}

const vj_op vj_op_conv_time_input_gradient = {.name = "conv_time_input_gradient",
                                              .summary = "dx of a temporal convolution",
                                              .form = VJ_MAP,
                                              .run = conv_time_input_gradient_run,
                                              .flops = flops};

const vj_op vj_op_conv_time_weight_gradient = {.name = "conv_time_weight_gradient",
                                               .summary = "dweight of a temporal convolution, summed over the batch",
                                               .form = VJ_WEIGHT,
                                               .reduce = conv_time_weight_gradient_reduce,
                                               .flops = flops};

static void conv_time_gradient(vj_graph *graph, vj_node *node) {
  vj_var *x = node->inputs[0], *weight = node->inputs[1], *bias = node->inputs[2];
  vj_var *dy = node->outputs[0]->gradient;
  vj_gradient_by(graph, weight, node, &vj_op_conv_time_weight_gradient, (vj_var *[]){dy, x}, 2);
  vj_gradient_by(graph, x, node, &vj_op_conv_time_input_gradient, (vj_var *[]){dy, weight}, 2);
  if (vj_wants_gradient(bias)) vj_gradient_add(graph, bias, vj_sum_leading(graph, dy, 1));
}

const vj_op vj_op_conv_time = {.name = "conv_time",
                               .summary = "temporal convolution [b,T,..,C] -> [b,T',..,O], kernel kt x 1 x 1",
                               .form = VJ_MAP,
                               .run = conv_time_run,
                               .gradient = conv_time_gradient,
                               .flops = flops};

/* The same as a spatial convolution: frames are rows, positions columns. */
static vj_convolution as_convolution(const conv *c) {
  return (vj_convolution){.images = c->samples,
                          .height = c->frames,
                          .width = c->positions,
                          .channels = c->channels,
                          .out_height = c->out_frames,
                          .out_width = c->positions,
                          .out = c->out,
                          .kernel = {c->taps, 1},
                          .stride = {1, 1},
                          .padding = {c->padding, 0},
                          .dilation = {1, 1},
                          .groups = 1,
                          .patch = c->taps * c->channels};
}

vj_var *vj_conv_time(vj_graph *graph, vj_var *x, vj_var *weight, vj_var *bias, int64_t padding) {
  if (!x || !weight) return NULL;
  const vj_shape xs = x->shape, ws = weight->shape;
  if (!x->batched || xs.rank < 3 || ws.rank != 3 || xs.size[xs.rank - 1] != ws.size[2])
    return vj_graph_fail(graph, VJ_SHAPE, "conv_time: x %s [b,T,..,C] does not fit weight %s [O,kt,C]",
                         VJ_SHAPE_TEXT(&xs), VJ_SHAPE_TEXT(&ws));
  const conv c = {.samples = xs.size[0],
                  .frames = xs.size[1],
                  .positions = vj_shape_count(&xs, 2, xs.rank - 1),
                  .channels = ws.size[2],
                  .out_frames = xs.size[1] + 2 * padding - ws.size[1] + 1,
                  .out = ws.size[0],
                  .taps = ws.size[1],
                  .padding = padding};
  if (c.out_frames < 1)
    return vj_graph_fail(graph, VJ_SHAPE, "conv_time: a kernel of %lld frames does not fit into %s with padding %lld",
                         (long long)c.taps, VJ_SHAPE_TEXT(&xs), (long long)padding);
  if (bias && bias->count != c.out)
    return vj_graph_fail(graph, VJ_SHAPE, "conv_time: bias %s does not fit weight %s", VJ_SHAPE_TEXT(&bias->shape),
                         VJ_SHAPE_TEXT(&ws));
  vj_shape shape = xs;
  shape.size[1] = c.out_frames;
  shape.size[shape.rank - 1] = c.out;
  const vj_convolution as = as_convolution(&c);
  vj_var *y = NULL;
  if (!graph->options.bf16)
    y = vj_winograd_convolution(graph, x, weight, bias, &as, &shape, flops_of(&c));
  else if (c.channels >= LEAST_CHANNELS && c.out >= LEAST_CHANNELS)
    y = vj_dnn_convolution(graph, x, weight, bias, &as, &shape, flops_of(&c), NULL);
  if (y || vj_graph_failed(graph)) return y;
  vj_node *node = vj_node_create(graph, &vj_op_conv_time, (vj_var *[]){x, weight, bias}, 3, 2, &c, sizeof c);
  return vj_node_result(graph, node, &shape);
}
