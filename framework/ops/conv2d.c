/* Spatial convolution, channels last: im2row in tiles that stay near the processor, then GEMM.
 *
 * A row of the tile is one output pixel's patch, ordered (ky, kx, channel) as the weight's rows are (OHWI), so that
 * for dilation 1 each ky is one contiguous run of kw C numbers. */
#include <string.h>

#include "ops/build.h"
#include "ops/gemm.h"
#include "ops/op.h"

enum { TILE_NUMBERS = 96 * 1024 };

typedef struct conv {
  int64_t images, height, width, channels; /* of x in one shard */
  int64_t out_height, out_width, out;      /* of y */
  int64_t kernel[2], stride[2], padding[2], dilation[2], groups;
  int64_t patch; /* numbers in a patch of one group: kh kw C/groups */
  int64_t tile;  /* output pixels in a tile */
} conv;

static const conv *conv_of(const vj_node *node) { return node->attributes; }

static int64_t pixels(const conv *c) { return c->images * c->out_height * c->out_width; }

static double flops(const vj_node *node) {
  const conv *c = conv_of(node);
  return 2.0 * (double)pixels(c) * (double)c->patch * (double)c->out;
}

/* A tile of patches, then room for a weight in another order. */
static size_t scratch_bytes(const vj_node *node) {
  const conv *c = conv_of(node);
  return (size_t)(c->tile * c->patch + c->out * c->patch) * sizeof(vj_real);
}

/* The run of kx that one (output pixel, ky) reads: where it starts in the image, and how much of it is inside. */
typedef struct run {
  int64_t image_at;    /* of kx = first, in numbers from the start of x */
  int64_t first, last; /* kx inside the image: first <= kx < last */
} run;

/* `image` and the output pixel's row and column. */
static inline run run_of(const conv *c, int64_t image, int64_t oy, int64_t ox, int64_t ky) {
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

static inline void gather_run(const conv *c, const vj_real *from, run r, int64_t channels, vj_real *row) {
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

static inline void scatter_run(const conv *c, vj_real *restrict to, run r, int64_t channels,
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

static inline walk walk_from(const conv *c, int64_t pixel) {
  const int64_t row = pixel / c->out_width;
  return (walk){row / c->out_height, row % c->out_height, pixel % c->out_width};
}

static inline void walk_on(const conv *c, walk *w) {
  if (++w->ox < c->out_width) return;
  w->ox = 0;
  if (++w->oy < c->out_height) return;
  w->oy = 0;
  w->image++;
}

/* Patches of pixels begin..end of one group, as rows. */
static void gather_patches(const conv *c, const vj_real *x, int64_t group, int64_t begin, int64_t end, vj_real *rows) {
  const int64_t kh = c->kernel[0], channels = c->channels / c->groups, width = c->kernel[1] * channels;
  walk w = walk_from(c, begin);
  for (int64_t pixel = begin; pixel < end; pixel++, walk_on(c, &w))
    for (int64_t ky = 0; ky < kh; ky++, rows += width) {
      const run r = run_of(c, w.image, w.oy, w.ox, ky);
      gather_run(c, x + r.image_at + group * channels, r, channels, rows);
    }
}

/* The transpose: adds rows back to where their numbers came from. */
static void scatter_patches(const conv *c, const vj_real *rows, int64_t group, int64_t begin, int64_t end,
                            vj_real *restrict x) {
  const int64_t kh = c->kernel[0], channels = c->channels / c->groups, width = c->kernel[1] * channels;
  walk w = walk_from(c, begin);
  for (int64_t pixel = begin; pixel < end; pixel++, walk_on(c, &w))
    for (int64_t ky = 0; ky < kh; ky++, rows += width) {
      const run r = run_of(c, w.image, w.oy, w.ox, ky);
      scatter_run(c, x + r.image_at + group * channels, r, channels, rows);
    }
}

/* --- small patches ---------------------------------------------------------------------------------------------
 * The first layer sees one or three channels: patches of 9 or 27 numbers, too short for a GEMM to pack. Here a patch's
 * numbers are broadcast against blocks of outputs that stay in registers. */

typedef vj_real lanes __attribute__((vector_size(64)));
enum { SMALL_PATCH = 32, OUT_BLOCK = 64 / sizeof(vj_real) };

static inline lanes load(const vj_real *from) {
  lanes l;
  memcpy(&l, from, sizeof l);
  return l;
}

static inline void store(vj_real *to, lanes l) { memcpy(to, &l, sizeof l); }

static bool is_small(const conv *c) { return c->groups == 1 && c->patch <= SMALL_PATCH && c->out % OUT_BLOCK == 0; }

/* weight [O,patch] -> [O/block][patch][block] */
static void arrange_weight(const conv *c, const vj_real *weight, vj_real *arranged) {
  for (int64_t o = 0; o < c->out; o++)
    for (int64_t k = 0; k < c->patch; k++)
      arranged[((o / OUT_BLOCK) * c->patch + k) * OUT_BLOCK + o % OUT_BLOCK] = weight[o * c->patch + k];
}

/* Four pixels at a time share each load of the weight; the last few one by one. */
static void small_forward(const conv *c, const vj_real *rows, int64_t count, const vj_real *arranged,
                          const vj_real *bias, vj_real *y) {
  const lanes zero = {0};
  for (int64_t block = 0; block < c->out; block += OUT_BLOCK) {
    const vj_real *w = arranged + block * c->patch, *row = rows;
    const lanes start = bias ? load(bias + block) : zero;
    vj_real *out = y + block;
    int64_t p = 0;
    for (; p + 4 <= count; p += 4, row += 4 * c->patch, out += 4 * c->out) {
      lanes s0 = start, s1 = start, s2 = start, s3 = start;
      for (int64_t k = 0; k < c->patch; k++) {
        const lanes tap = load(w + k * OUT_BLOCK);
        s0 += row[k] * tap;
        s1 += row[c->patch + k] * tap;
        s2 += row[2 * c->patch + k] * tap;
        s3 += row[3 * c->patch + k] * tap;
      }
      store(out, s0);
      store(out + c->out, s1);
      store(out + 2 * c->out, s2);
      store(out + 3 * c->out, s3);
    }
    for (; p < count; p++, row += c->patch, out += c->out) {
      lanes sum = start;
      for (int64_t k = 0; k < c->patch; k++) sum += row[k] * load(w + k * OUT_BLOCK);
      store(out, sum);
    }
  }
}

/* sums [O/block][patch][block] += dy' rows; four taps at a time, whose sums stay in registers. Taps past the end of the
 * patch repeat the last one and are not kept. */
static void small_weight_gradient(const conv *c, const vj_real *rows, int64_t count, const vj_real *dy, vj_real *sums) {
  enum { TAPS = 4 };
  for (int64_t block = 0; block < c->out; block += OUT_BLOCK)
    for (int64_t k = 0; k < c->patch; k += TAPS) {
      const int64_t last = c->patch - 1 - k, t1 = last < 1 ? last : 1, t2 = last < 2 ? last : 2,
                    t3 = last < 3 ? last : 3;
      const vj_real *d = dy + block, *row = rows + k;
      lanes s[TAPS] = {{0}};
      for (int64_t p = 0; p < count; p++, d += c->out, row += c->patch) {
        const lanes value = load(d);
        s[0] += row[0] * value;
        s[1] += row[t1] * value;
        s[2] += row[t2] * value;
        s[3] += row[t3] * value;
      }
      for (int64_t t = 0; t < TAPS && t <= last; t++) {
        vj_real *to = sums + block * c->patch + (k + t) * OUT_BLOCK;
        store(to, load(to) + s[t]);
      }
    }
}

/* inputs x, weight, bias (may be NULL) */
static void conv2d_run(const vj_call *call) {
  const conv *c = conv_of(call->node);
  const vj_real *x = call->in[0], *weight = call->in[1], *bias = call->in[2];
  vj_real *y = call->out[0], *rows = call->scratch;
  const int64_t all = pixels(c), out = c->out / c->groups;
  vj_real *arranged = rows + c->tile * c->patch;
  if (is_small(c)) arrange_weight(c, weight, arranged);
  for (int64_t begin = 0; begin < all; begin += c->tile) {
    const int64_t end = begin + c->tile < all ? begin + c->tile : all;
    if (is_small(c)) {
      gather_patches(c, x, 0, begin, end, rows);
      small_forward(c, rows, end - begin, arranged, bias, y + begin * c->out);
      continue;
    }
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
static void conv2d_input_gradient_run(const vj_call *call) {
  const conv *c = conv_of(call->node);
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
static void conv2d_weight_gradient_reduce(const vj_call *call) {
  const conv *c = conv_of(call->node);
  const vj_real *dy = call->in[0], *x = call->in[1];
  vj_real *rows = call->scratch;
  const int64_t all = pixels(c), out = c->out / c->groups;
  vj_real *arranged = rows + c->tile * c->patch;
  if (is_small(c)) memset(arranged, 0, (size_t)(c->out * c->patch) * sizeof *arranged);
  for (int64_t begin = 0; begin < all; begin += c->tile) {
    const int64_t end = begin + c->tile < all ? begin + c->tile : all;
    if (is_small(c)) {
      gather_patches(c, x, 0, begin, end, rows);
      small_weight_gradient(c, rows, end - begin, dy + begin * c->out, arranged);
      continue;
    }
    for (int64_t g = 0; g < c->groups; g++) {
      gather_patches(c, x, g, begin, end, rows);
      vj_gemm(true, false, out, c->patch, end - begin, dy + begin * c->out + g * out, c->out, rows, c->patch,
              begin ? 1 : 0, call->part + g * out * c->patch, c->patch);
    }
  }
  for (int64_t o = 0; o < c->out && is_small(c); o++)
    for (int64_t k = 0; k < c->patch; k++)
      call->part[o * c->patch + k] = arranged[((o / OUT_BLOCK) * c->patch + k) * OUT_BLOCK + o % OUT_BLOCK];
}

const vj_op vj_op_conv2d_input_gradient = {.name = "conv2d_input_gradient",
                                           .summary = "dx: patches' gradients added back to the image",
                                           .form = VJ_MAP,
                                           .run = conv2d_input_gradient_run,
                                           .scratch_bytes = scratch_bytes,
                                           .flops = flops};

const vj_op vj_op_conv2d_weight_gradient = {.name = "conv2d_weight_gradient",
                                            .summary = "dweight = dy' patches(x), summed over the batch",
                                            .form = VJ_WEIGHT,
                                            .reduce = conv2d_weight_gradient_reduce,
                                            .scratch_bytes = scratch_bytes,
                                            .flops = flops};

static void conv2d_gradient(vj_graph *graph, vj_node *node) {
  vj_var *x = node->inputs[0], *weight = node->inputs[1], *bias = node->inputs[2];
  vj_var *dy = node->outputs[0]->gradient;
  if (vj_wants_gradient(x)) {
    vj_node *dx = vj_node_create(graph, &vj_op_conv2d_input_gradient, (vj_var *[]){dy, weight}, 2, 2, node->attributes,
                                 sizeof(conv));
    vj_gradient_add(graph, x, vj_node_result(graph, dx, &x->shape));
  }
  if (vj_wants_gradient(weight)) {
    vj_node *dw =
        vj_node_create(graph, &vj_op_conv2d_weight_gradient, (vj_var *[]){dy, x}, 2, 2, node->attributes, sizeof(conv));
    vj_gradient_add(graph, weight, vj_node_output(graph, dw, false, &weight->shape));
  }
  if (vj_wants_gradient(bias)) vj_gradient_add(graph, bias, vj_sum_leading(graph, dy, 1));
}

const vj_op vj_op_conv2d = {.name = "conv2d",
                            .summary = "spatial convolution [..,H,W,C] -> [..,H',W',O], any stride, padding, groups",
                            .form = VJ_MAP,
                            .run = conv2d_run,
                            .gradient = conv2d_gradient,
                            .scratch_bytes = scratch_bytes,
                            .flops = flops};

vj_var *vj_conv2d(vj_graph *graph, vj_var *x, vj_var *weight, vj_var *bias, const vj_conv2d_args *args) {
  if (!x || !weight) return NULL;
  const vj_shape xs = x->shape, ws = weight->shape;
  char a[128], b[128];
  const int64_t groups = args->groups ? args->groups : 1;
  if (!x->batched || xs.rank < 4 || ws.rank != 4 || xs.size[xs.rank - 1] != ws.size[3] * groups ||
      ws.size[0] % groups != 0)
    return vj_graph_fail(graph, VJ_SHAPE, "conv2d: x %s does not fit weight %s [O,kh,kw,C/groups] in %lld groups",
                         vj_shape_text(&xs, a), vj_shape_text(&ws, b), (long long)groups);
  conv c = {.images = vj_shape_count(&xs, 0, xs.rank - 3),
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
                           (long long)c.kernel[i], vj_shape_text(&xs, a), (long long)c.padding[i]);
    out_size[i] = (reach - 1) / c.stride[i] + 1;
  }
  if (bias && bias->count != c.out)
    return vj_graph_fail(graph, VJ_SHAPE, "conv2d: bias %s does not fit weight %s", vj_shape_text(&bias->shape, a),
                         vj_shape_text(&ws, b));
  c.out_height = out_size[0];
  c.out_width = out_size[1];
  c.patch = c.kernel[0] * c.kernel[1] * (c.channels / groups);
  c.tile = TILE_NUMBERS / c.patch > 64 ? TILE_NUMBERS / c.patch / 64 * 64 : 64;
  if (c.tile > pixels(&c)) c.tile = pixels(&c);
  vj_shape shape = xs;
  shape.size[shape.rank - 3] = c.out_height;
  shape.size[shape.rank - 2] = c.out_width;
  shape.size[shape.rank - 1] = c.out;
  vj_node *node = vj_node_create(graph, &vj_op_conv2d, (vj_var *[]){x, weight, bias}, 3, 2, &c, sizeof c);
  return vj_node_result(graph, node, &shape);
}
