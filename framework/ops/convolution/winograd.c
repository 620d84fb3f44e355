/* Convolutions of three rows of taps by minimal filtering (Winograd 1980; Lavin and Gray 2015, arXiv 1509.09308), along
 * the height of a frame, or along time, whose frames are then rows.
 *
 * By their definition m rows of y take 3 m products of a row with a matrix. Polynomials do with m + 2: y = A'[(G
 * g)(B'd)], where d are m + 2 rows of x, g the taps, and the product in the middle is taken number by number of m + 2;
 * of matrices, it is m + 2 GEMMs. B' and A' are sums of a few rows with small factors, so the price is passes over
 * memory, and rounding: some times that of the direct sum for m = 4. The same three matrices give dweight = G'[(A dy)
 * (B'd)], and dx is the convolution of dy with the taps turned round. Taps along the width are summed as they are. */
#include "framework/ops/convolution/winograd.h"

#include <string.h>

#include "framework/ops/build.h"
#include "framework/ops/product/gemm.h"

enum { TAPS = 3, MOST = 6, LEAST_CHANNELS = 32, LEAST_PRODUCT = 64 * 64 };
/* Rows of a GEMM: many, for weights are read once for each block, but its factors shall stay in the second cache. */
enum { BLOCK_NUMBERS = 96 * 1024, LEAST_ROWS = 64, MOST_ROWS = 384 };

typedef struct minimal {
  int64_t tile;
  vj_real b[MOST * MOST]; /* B', [tile+2,tile+2] */
  vj_real a[MOST * MOST]; /* A', [tile,tile+2] */
  vj_real g[MOST * TAPS]; /* G, [tile+2,3] */
} minimal;

/* Points 0, 1, -1, infinity; then 2; then -2. */
static const minimal of_two = {2,
                               {1, 0, -1, 0, 0, 1, 1, 0, 0, -1, 1, 0, 0, -1, 0, 1},
                               {1, 1, 1, 0, 0, 1, -1, 1},
                               {1, 0, 0, 1. / 2, 1. / 2, 1. / 2, 1. / 2, -1. / 2, 1. / 2, 0, 0, 1}};
static const minimal of_three = {
    3,
    {2, -1, -2, 1, 0, 0, -2, -1, 1, 0, 0, 2, -3, 1, 0, 0, -1, 0, 1, 0, 0, 2, -1, -2, 1},
    {1, 1, 1, 1, 0, 0, 1, -1, 2, 0, 0, 1, 1, 4, 1},
    {1. / 2, 0, 0, -1. / 2, -1. / 2, -1. / 2, -1. / 6, 1. / 6, -1. / 6, 1. / 6, 1. / 3, 2. / 3, 0, 0, 1}};
static const minimal of_four = {4,
                                {4, 0,  -5, 0, 1, 0, 0, -4, -4, 1,  1, 0, 0, 4, -4, -1, 1, 0,
                                 0, -2, -1, 2, 1, 0, 0, 2,  -1, -2, 1, 0, 0, 4, 0,  -5, 0, 1},
                                {1, 1, 1, 1, 1, 0, 0, 1, -1, 2, -2, 0, 0, 1, 1, 4, 4, 0, 0, 1, -1, 8, -8, 1},
                                {1. / 4, 0, 0, -1. / 6, -1. / 6, -1. / 6, -1. / 6, 1. / 6, -1. / 6, 1. / 24, 1. / 12,
                                 1. / 6, 1. / 24, -1. / 12, 1. / 6, 0, 0, 1}};

static const minimal *minimal_of(int64_t tile) { return tile == 2 ? &of_two : tile == 3 ? &of_three : &of_four; }

/* --- shapes --------------------------------------------------------------------------------------------------- */

/* GEMMs go over lines: the positions of a row, or of a part of a wide one, with room at the end for what the taps along
 * the width reach beyond. Lines of several tiles and images make a block. */
typedef struct plan {
  vj_convolution c;
  int64_t tile, points; /* outputs, and products, of a tile: points = tile + 2 */
  int64_t tiles, parts; /* of an image, of a row */
  int64_t part, line;   /* positions of y in a part; of x: part + kw - 1 */
  int64_t lines;        /* in a block */
  bool backward;        /* dx from dy: c is that convolution */
  double flops;
  vj_var *weight; /* which gets the gradient */
} plan;

static int64_t products_of(const vj_convolution *c) {
  int64_t products = 0;
  for (int64_t y = 0; y < c->out_height; y++)
    for (int64_t k = 0; k < c->kernel[0]; k++) {
      const int64_t row = y + k - c->padding[0];
      products += row >= 0 && row < c->height;
    }
  return products;
}

static plan plan_of(const vj_convolution *c, int64_t tile) {
  plan p = {.c = *c, .tile = tile, .points = tile + 2, .tiles = (c->out_height + tile - 1) / tile};
  int64_t rows = BLOCK_NUMBERS / (c->channels + c->out);
  rows = rows < LEAST_ROWS ? LEAST_ROWS : rows > MOST_ROWS ? MOST_ROWS : rows;
  p.parts = (c->out_width + rows - 1) / rows;
  p.part = (c->out_width + p.parts - 1) / p.parts;
  p.line = p.part + c->kernel[1] - 1;
  p.lines = rows > p.line ? rows / p.line : 1;
  return p;
}

/* Products of a row of x with a matrix, counting the ends of lines. */
static double cost_of(const plan *p) {
  return (double)(p->tiles * p->points * p->parts * p->line) / (double)p->c.out_width;
}

int64_t vj_winograd_tile(const vj_convolution *c) {
  const bool plain = c->kernel[0] == TAPS && c->stride[0] == 1 && c->stride[1] == 1 && c->dilation[0] == 1 &&
                     c->dilation[1] == 1 && c->groups == 1 && c->padding[0] < TAPS && c->padding[1] < c->kernel[1];
  if (!plain || c->channels < LEAST_CHANNELS || c->out < LEAST_CHANNELS || c->channels * c->out < LEAST_PRODUCT)
    return 0;
  int64_t best = 0;
  double least = 0.8 * (double)products_of(c) * (1 + 1e-9);
  for (int64_t tile = 2; tile <= 4; tile++) {
    const plan p = plan_of(c, tile);
    if (cost_of(&p) >= least) continue;
    best = tile;
    least = cost_of(&p);
  }
  return best;
}

static const plan *plan_for(const vj_node *node) { return node->attributes; }
static double flops(const vj_node *node) { return plan_for(node)->flops; }

static double flops_done(const vj_node *node) {
  const plan *p = plan_for(node);
  return 2.0 * (double)p->c.images * cost_of(p) * (double)(p->c.out_width * p->c.kernel[1]) * (double)p->c.channels *
         (double)p->c.out;
}

/* --- sums of a few frames ------------------------------------------------------------------------------------- */

/* out = sum of factor[k] in[k], of `terms` frames. */
#define VJ_DEFINE_SUM(terms)                                                                                       \
  static void sum_##terms(const vj_real *const *in, const vj_real *factor, vj_real *restrict out, int64_t count) { \
    for (int64_t i = 0; i < count; i++) {                                                                          \
      vj_real sum = factor[0] * in[0][i];                                                                          \
      for (int k = 1; k < (terms); k++) sum += factor[k] * in[k][i];                                               \
      out[i] = sum;                                                                                                \
    }                                                                                                              \
  }
VJ_DEFINE_SUM(1)
VJ_DEFINE_SUM(2)
VJ_DEFINE_SUM(3)
VJ_DEFINE_SUM(4)
VJ_DEFINE_SUM(5)
VJ_DEFINE_SUM(6)

/* out[j] = sum over k of matrix[j,k] in[k]; NULL in `in` is zero, NULL in `out` is not wanted. In stretches that stay
 * in the nearest cache while all outputs read them. */
static void combine(const vj_real *matrix, int64_t outs, int64_t ins, const vj_real *const *in, vj_real *const *out,
                    int64_t count) {
  static void (*const sums[])(const vj_real *const *, const vj_real *, vj_real *, int64_t) = {sum_1, sum_2, sum_3,
                                                                                              sum_4, sum_5, sum_6};
  enum { STRETCH = 512 };
  for (int64_t at = 0; at < count; at += STRETCH) {
    const int64_t length = count - at < STRETCH ? count - at : STRETCH;
    for (int64_t j = 0; j < outs; j++) {
      const vj_real *from[MOST];
      vj_real factor[MOST];
      int terms = 0;
      for (int64_t k = 0; k < ins; k++) {
        if (!in[k] || matrix[j * ins + k] == 0) continue;
        from[terms] = in[k] + at;
        factor[terms++] = matrix[j * ins + k];
      }
      if (!out[j]) continue;
      if (terms)
        sums[terms - 1](from, factor, out[j] + at, length);
      else
        memset(out[j] + at, 0, (size_t)length * sizeof **out);
    }
  }
}

/* --- lines ------------------------------------------------------------------------------------------------------ */

static int64_t lines_of(const plan *p) { return p->c.images * p->tiles * p->parts; }
static int64_t block_rows(const plan *p) { return p->lines * p->line + p->c.kernel[1] - 1; } /* the last reach beyond */

typedef struct place {
  int64_t image, tile, part;
} place;

static place place_of(const plan *p, int64_t line) {
  return (place){line / p->parts / p->tiles, line / p->parts % p->tiles, line % p->parts};
}

/* A line of B'd, [points,..,C]: zeros where it reaches beyond the image. `v` is the line's place in the first of them.
 */
static void transform_x(const plan *p, const vj_real *x, place at, vj_real *v) {
  const vj_convolution *c = &p->c;
  const int64_t first = at.part * p->part - c->padding[1]; /* column of the line's first position */
  const int64_t before = first < 0 ? -first : 0;
  const int64_t end = c->width - first < p->line ? c->width - first : p->line, rows = block_rows(p);
  const vj_real *in[MOST];
  vj_real *out[MOST];
  for (int64_t i = 0; i < p->points; i++) {
    const int64_t row = at.tile * p->tile + i - c->padding[0];
    const bool inside = row >= 0 && row < c->height;
    in[i] = inside ? x + ((at.image * c->height + row) * c->width + first + before) * c->channels : NULL;
    vj_real *line = v + i * rows * c->channels;
    out[i] = line + before * c->channels;
    memset(line, 0, (size_t)(before * c->channels) * sizeof *line);
    memset(line + end * c->channels, 0, (size_t)((p->line - end) * c->channels) * sizeof *line);
  }
  combine(minimal_of(p->tile)->b, p->points, p->points, in, out, (end - before) * c->channels);
}

/* Where in y output i of a tile lies, or -1 past the last row; and how many of the line's positions there are. */
static int64_t y_place(const plan *p, place at, int64_t i) {
  const int64_t row = at.tile * p->tile + i;
  if (row >= p->c.out_height) return -1;
  return ((at.image * p->c.out_height + row) * p->c.out_width + at.part * p->part) * p->c.out;
}

static int64_t y_positions(const plan *p, place at) {
  const int64_t left = p->c.out_width - at.part * p->part;
  return left < p->part ? left : p->part;
}

/* y = A'M + bias, of a line. */
static void transform_back(const plan *p, const vj_real *m, place at, const vj_real *bias, vj_real *y) {
  const int64_t out_channels = p->c.out, positions = y_positions(p, at);
  const vj_real *in[MOST];
  vj_real *out[MOST];
  for (int64_t i = 0; i < p->points; i++) in[i] = m + i * p->lines * p->line * out_channels;
  for (int64_t i = 0; i < p->tile; i++) out[i] = y_place(p, at, i) < 0 ? NULL : y + y_place(p, at, i);
  combine(minimal_of(p->tile)->a, p->tile, p->points, in, out, positions * out_channels);
  for (int64_t i = 0; i < p->tile && bias; i++)
    for (int64_t k = 0; k < positions && out[i]; k++)
      for (int64_t o = 0; o < out_channels; o++) out[i][k * out_channels + o] += bias[o];
}

/* A line of A dy, [points,..,O], zero behind its positions. */
static void transform_dy(const plan *p, const vj_real *dy, place at, vj_real *m) {
  const minimal *f = minimal_of(p->tile);
  const int64_t positions = y_positions(p, at);
  vj_real a[MOST * MOST];
  const vj_real *in[MOST];
  vj_real *out[MOST];
  for (int64_t j = 0; j < p->points; j++)
    for (int64_t i = 0; i < p->tile; i++) a[j * p->tile + i] = f->a[i * p->points + j];
  for (int64_t i = 0; i < p->tile; i++) in[i] = y_place(p, at, i) < 0 ? NULL : dy + y_place(p, at, i);
  for (int64_t j = 0; j < p->points; j++) {
    out[j] = m + j * p->lines * p->line * p->c.out;
    memset(out[j] + positions * p->c.out, 0, (size_t)((p->line - positions) * p->c.out) * sizeof **out);
  }
  combine(a, p->points, p->tile, in, out, positions * p->c.out);
}

/* --- kernels ---------------------------------------------------------------------------------------------------- */

static size_t lines_bytes(const plan *p) {
  return (size_t)(p->points * (block_rows(p) * p->c.channels + p->lines * p->line * p->c.out)) * sizeof(vj_real);
}

static size_t minimal_scratch(const vj_node *node) { return lines_bytes(plan_for(node)); }

/* Lines begin..end-1 of B'd, and zeros behind the last. */
static void transform_lines(const plan *p, const vj_real *x, int64_t begin, int64_t end, vj_real *v) {
  const int64_t channels = p->c.channels, rows = block_rows(p);
  for (int64_t line = begin; line < end; line++)
    transform_x(p, x, place_of(p, line), v + (line - begin) * p->line * channels);
  for (int64_t j = 0; j < p->points; j++)
    memset(v + (j * rows + (end - begin) * p->line) * channels, 0,
           (size_t)((p->c.kernel[1] - 1) * channels) * sizeof *v);
}

/* inputs x, filters [points,kw,C,O], bias (may be NULL); or dy, filters for dx */
static void minimal_run(const vj_call *call) {
  const plan *p = plan_for(call->node);
  const int64_t channels = p->c.channels, out = p->c.out, all = lines_of(p), kw = p->c.kernel[1];
  vj_real *v = call->scratch, *m = v + p->points * block_rows(p) * channels;
  const vj_real *bias = p->backward ? NULL : call->in[2];
  for (int64_t begin = 0; begin < all; begin += p->lines) {
    const int64_t end = begin + p->lines < all ? begin + p->lines : all;
    transform_lines(p, call->in[0], begin, end, v);
    for (int64_t j = 0; j < p->points; j++)
      for (int64_t k = 0; k < kw; k++)
        vj_gemm(false, false, (end - begin) * p->line, out, channels, v + (j * block_rows(p) + k) * channels, channels,
                call->in[1] + (j * kw + k) * channels * out, out, k > 0, m + j * p->lines * p->line * out, out);
    for (int64_t line = begin; line < end; line++)
      transform_back(p, m + (line - begin) * p->line * out, place_of(p, line), bias, call->out[0]);
  }
}

/* inputs dy, x */
static void minimal_weight_gradient_reduce(const vj_call *call) {
  const plan *p = plan_for(call->node);
  const minimal *f = minimal_of(p->tile);
  const int64_t channels = p->c.channels, out = p->c.out, all = lines_of(p), kw = p->c.kernel[1];
  const int64_t numbers = out * channels;
  vj_real *v = call->scratch, *m = v + p->points * block_rows(p) * channels;
  vj_real *products = m + p->points * p->lines * p->line * out; /* [points,kw,O,C] */
  for (int64_t begin = 0; begin < all; begin += p->lines) {
    const int64_t end = begin + p->lines < all ? begin + p->lines : all;
    transform_lines(p, call->in[1], begin, end, v);
    for (int64_t line = begin; line < end; line++)
      transform_dy(p, call->in[0], place_of(p, line), m + (line - begin) * p->line * out);
    for (int64_t j = 0; j < p->points; j++)
      for (int64_t k = 0; k < kw; k++)
        vj_gemm(true, false, out, channels, (end - begin) * p->line, m + j * p->lines * p->line * out, out,
                v + (j * block_rows(p) + k) * channels, channels, begin > 0, products + (j * kw + k) * numbers,
                channels);
  }
  vj_real g[TAPS * MOST];
  for (int64_t t = 0; t < TAPS; t++)
    for (int64_t j = 0; j < p->points; j++) g[t * p->points + j] = f->g[j * TAPS + t];
  for (int64_t o = 0; o < out; o++)
    for (int64_t k = 0; k < kw; k++) {
      const vj_real *in[MOST];
      vj_real *to[TAPS];
      for (int64_t j = 0; j < p->points; j++) in[j] = products + (j * kw + k) * numbers + o * channels;
      for (int64_t t = 0; t < TAPS; t++) to[t] = call->part + ((o * TAPS + t) * kw + k) * channels;
      combine(g, TAPS, p->points, in, to, channels);
    }
}

static size_t minimal_weight_gradient_scratch(const vj_node *node) {
  const plan *p = plan_for(node);
  return lines_bytes(p) + (size_t)(p->points * p->c.kernel[1] * p->c.out * p->c.channels) * sizeof(vj_real);
}

/* input weight OHWI; output [points,kw,C,O], or for dx, with the taps turned round, [points,kw,O,C] */
static void minimal_filters_run(const vj_call *call) {
  const plan *p = plan_for(call->node);
  const minimal *f = minimal_of(p->tile);
  const int64_t kw = p->c.kernel[1], weight_out = p->backward ? p->c.channels : p->c.out;
  const int64_t channels = p->backward ? p->c.out : p->c.channels, tap = kw * channels;
  for (int64_t j = 0; j < p->points; j++)
    for (int64_t k = 0; k < kw; k++) {
      const vj_real *g = f->g + j * TAPS;
      vj_real *u = call->out[0] + (j * kw + k) * weight_out * channels;
      for (int64_t o = 0; o < weight_out; o++) {
        const vj_real *w = call->in[0] + (o * TAPS * kw + (p->backward ? kw - 1 - k : k)) * channels;
        const vj_real *first = p->backward ? w + 2 * tap : w, *middle = w + tap, *last = p->backward ? w : w + 2 * tap;
        for (int64_t c = 0; c < channels; c++)
          u[p->backward ? o * channels + c : c * weight_out + o] = g[0] * first[c] + g[1] * middle[c] + g[2] * last[c];
      }
    }
}

/* --- ops ---------------------------------------------------------------------------------------------------------- */

const vj_op vj_op_minimal_filters = {.name = "minimal_filters",
                                     .summary = "a weight as minimal filtering wants it",
                                     .form = VJ_SHARED,
                                     .run = minimal_filters_run};

const vj_op vj_op_minimal_convolution_input_gradient = {.name = "minimal_convolution_input_gradient",
                                                        .summary = "dx by minimal filtering",
                                                        .form = VJ_MAP,
                                                        .run = minimal_run,
                                                        .scratch_bytes = minimal_scratch,
                                                        .flops = flops,
                                                        .flops_done = flops_done};

const vj_op vj_op_minimal_convolution_weight_gradient = {
    .name = "minimal_convolution_weight_gradient",
    .summary = "dweight by minimal filtering, summed over the batch",
    .form = VJ_WEIGHT,
    .reduce = minimal_weight_gradient_reduce,
    .scratch_bytes = minimal_weight_gradient_scratch,
    .flops = flops,
    .flops_done = flops_done};

static vj_var *filters(vj_graph *graph, vj_var *weight, const plan *p) {
  vj_node *node = vj_node_create(graph, &vj_op_minimal_filters, &weight, 1, 1, p, sizeof *p);
  return vj_node_result(graph, node, &VJ_SHAPE(p->points, p->c.kernel[1], p->c.channels, p->c.out));
}

/* dx is the convolution of dy with the taps turned round. */
static plan turned_round(const plan *p) {
  vj_convolution c = p->c;
  c.height = p->c.out_height;
  c.width = p->c.out_width;
  c.channels = p->c.out;
  c.out_height = p->c.height;
  c.out_width = p->c.width;
  c.out = p->c.channels;
  for (int i = 0; i < 2; i++) c.padding[i] = c.kernel[i] - 1 - c.padding[i];
  const int64_t tile = vj_winograd_tile(&c);
  plan back = plan_of(&c, tile ? tile : p->tile);
  back.backward = true;
  back.flops = p->flops;
  return back;
}

static void minimal_convolution_gradient(vj_graph *graph, vj_node *node) {
  const plan *p = plan_for(node);
  vj_var *x = node->inputs[0], *weight = p->weight, *bias = node->inputs[2];
  vj_var *dy = node->outputs[0]->gradient;
  if (vj_wants_gradient(weight)) {
    vj_node *dw =
        vj_node_create(graph, &vj_op_minimal_convolution_weight_gradient, (vj_var *[]){dy, x}, 2, 2, p, sizeof *p);
    vj_gradient_add(graph, weight, vj_node_output(graph, dw, false, &weight->shape));
  }
  if (vj_wants_gradient(x)) {
    const plan back = turned_round(p);
    vj_node *dx = vj_node_create(graph, &vj_op_minimal_convolution_input_gradient,
                                 (vj_var *[]){dy, filters(graph, weight, &back)}, 2, 2, &back, sizeof back);
    vj_gradient_add(graph, x, vj_node_result(graph, dx, &x->shape));
  }
  if (vj_wants_gradient(bias)) vj_gradient_add(graph, bias, vj_sum_leading(graph, dy, 1));
}

const vj_op vj_op_minimal_convolution = {.name = "minimal_convolution",
                                         .summary = "convolution by minimal filtering",
                                         .form = VJ_MAP,
                                         .run = minimal_run,
                                         .gradient = minimal_convolution_gradient,
                                         .scratch_bytes = minimal_scratch,
                                         .flops = flops,
                                         .flops_done = flops_done};

vj_var *vj_winograd_convolution(vj_graph *graph, vj_var *x, vj_var *weight, vj_var *bias, const vj_convolution *c,
                                const vj_shape *shape, double shard_flops) {
  const int64_t tile = vj_winograd_tile(c);
  if (tile == 0) return NULL;
  plan p = plan_of(c, tile);
  p.flops = shard_flops;
  p.weight = weight;
  vj_var *inputs[] = {x, filters(graph, weight, &p), bias};
  vj_node *node = vj_node_create(graph, &vj_op_minimal_convolution, inputs, 3, 2, &p, sizeof p);
  return vj_node_result(graph, node, shape);
}
