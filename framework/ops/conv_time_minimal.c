/* Temporal convolutions of three taps by minimal filtering (Winograd 1980; Lavin and Gray 2015, arXiv 1509.09308).
 *
 * Tap by tap, m frames of y take 3 m products of a frame with a matrix. Polynomials do with m + 2: y = A'[(G g)(B'd)],
 * where d are m + 2 frames of x, g the taps, and the product in the middle is taken number by number of m + 2; of
 * matrices, it is m + 2 GEMMs. B' and A' are sums of a few frames with small factors, so the price is passes over
 * memory, and rounding: some times that of the direct sum for m = 4. The same three matrices give dweight = G'[(A dy)
 * (B'd)], and dx is the convolution of dy with the taps turned round. */
#include <string.h>

#include "ops/conv_time.h"
#include "ops/gemm.h"

enum { TAPS = 3, MOST = 6, LEAST_CHANNELS = 32, LEAST_PRODUCT = 64 * 64, BLOCK_ROWS = 192 };

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

/* --- which tile ---------------------------------------------------------------------------------------------- */

static int64_t tiles_of(const vj_conv_time_sizes *c) { return (c->out_frames + c->tile - 1) / c->tile; }

int64_t vj_conv_time_products(const vj_conv_time_sizes *c) {
  int64_t products = 0;
  for (int64_t t = 0; t < c->out_frames; t++)
    for (int64_t k = 0; k < c->taps; k++) {
      const int64_t frame = t + k - c->padding;
      products += frame >= 0 && frame < c->frames;
    }
  return products;
}

int64_t vj_conv_time_minimal_products(const vj_conv_time_sizes *c) { return tiles_of(c) * (c->tile + 2); }

int64_t vj_conv_time_tile(const vj_conv_time_sizes *c) {
  if (c->taps != TAPS || c->channels < LEAST_CHANNELS || c->out < LEAST_CHANNELS ||
      c->channels * c->out < LEAST_PRODUCT)
    return 0;
  int64_t best = 0, fewest = 4 * vj_conv_time_products(c) / 5 + 1; /* a fifth is to be saved at least */
  for (int64_t tile = 2; tile <= 4; tile++) {
    vj_conv_time_sizes with = *c;
    with.tile = tile;
    const int64_t products = vj_conv_time_minimal_products(&with);
    if (products >= fewest) continue;
    best = tile;
    fewest = products;
  }
  return best;
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

/* --- tiles ------------------------------------------------------------------------------------------------------ */

/* The rows of all GEMMs are (sample, tile, position), taken in blocks; a run is a part of a block that lies in one
 * tile, so that its frames are stretches of memory. */
typedef struct run {
  int64_t sample, tile, position, rows;
} run;

static run run_at(const vj_conv_time_sizes *c, int64_t row, int64_t end) {
  run r = {.position = row % c->positions};
  const int64_t tile = row / c->positions;
  r.tile = tile % tiles_of(c);
  r.sample = tile / tiles_of(c);
  r.rows = c->positions - r.position < end - row ? c->positions - r.position : end - row;
  return r;
}

static int64_t rows_of(const vj_conv_time_sizes *c) { return c->samples * tiles_of(c) * c->positions; }

/* Rows begin..end-1 of B'd, [tile+2,BLOCK_ROWS,C]. */
static void transform_x(const vj_conv_time_sizes *c, const vj_real *x, int64_t begin, int64_t end, vj_real *v) {
  const int64_t points = c->tile + 2;
  for (int64_t row = begin; row < end;) {
    const run r = run_at(c, row, end);
    const vj_real *in[MOST];
    vj_real *out[MOST];
    for (int64_t i = 0; i < points; i++) {
      const int64_t frame = r.tile * c->tile + i - c->padding;
      const bool inside = frame >= 0 && frame < c->frames;
      in[i] = inside ? x + ((r.sample * c->frames + frame) * c->positions + r.position) * c->channels : NULL;
      out[i] = v + (i * BLOCK_ROWS + row - begin) * c->channels;
    }
    combine(minimal_of(c->tile)->b, points, points, in, out, r.rows * c->channels);
    row += r.rows;
  }
}

/* The frame of y in which output i of a run's tile begins, or NULL past the last. */
static int64_t y_place(const vj_conv_time_sizes *c, const run *r, int64_t i) {
  const int64_t frame = r->tile * c->tile + i;
  if (frame >= c->out_frames) return -1;
  return ((r->sample * c->out_frames + frame) * c->positions + r->position) * c->out;
}

/* y = A'M + bias */
static void transform_back(const vj_conv_time_sizes *c, const vj_real *m, int64_t begin, int64_t end,
                           const vj_real *bias, vj_real *y) {
  const int64_t points = c->tile + 2;
  for (int64_t row = begin; row < end;) {
    const run r = run_at(c, row, end);
    const vj_real *in[MOST];
    vj_real *out[MOST];
    for (int64_t i = 0; i < points; i++) in[i] = m + (i * BLOCK_ROWS + row - begin) * c->out;
    for (int64_t i = 0; i < c->tile; i++) out[i] = y_place(c, &r, i) < 0 ? NULL : y + y_place(c, &r, i);
    combine(minimal_of(c->tile)->a, c->tile, points, in, out, r.rows * c->out);
    for (int64_t i = 0; i < c->tile && bias; i++)
      for (int64_t k = 0; k < r.rows && out[i]; k++)
        for (int64_t o = 0; o < c->out; o++) out[i][k * c->out + o] += bias[o];
    row += r.rows;
  }
}

void vj_conv_time_minimal(const vj_conv_time_sizes *c, const vj_real *x, const vj_real *filters, const vj_real *bias,
                          vj_real *y, void *scratch) {
  const int64_t points = c->tile + 2, rows = rows_of(c);
  vj_real *v = scratch, *m = v + points * BLOCK_ROWS * c->channels;
  for (int64_t begin = 0; begin < rows; begin += BLOCK_ROWS) {
    const int64_t end = begin + BLOCK_ROWS < rows ? begin + BLOCK_ROWS : rows;
    transform_x(c, x, begin, end, v);
    for (int64_t j = 0; j < points; j++)
      vj_gemm(false, false, end - begin, c->out, c->channels, v + j * BLOCK_ROWS * c->channels, c->channels,
              filters + j * c->channels * c->out, c->out, 0, m + j * BLOCK_ROWS * c->out, c->out);
    transform_back(c, m, begin, end, bias, y);
  }
}

size_t vj_conv_time_minimal_scratch(const vj_conv_time_sizes *c) {
  return (size_t)((c->tile + 2) * BLOCK_ROWS * (c->channels + c->out)) * sizeof(vj_real);
}

/* --- dweight -------------------------------------------------------------------------------------------------- */

/* Rows begin..end-1 of A dy, [tile+2,BLOCK_ROWS,O]. */
static void transform_dy(const vj_conv_time_sizes *c, const vj_real *dy, int64_t begin, int64_t end, vj_real *m) {
  const minimal *f = minimal_of(c->tile);
  const int64_t points = c->tile + 2;
  vj_real a[MOST * MOST];
  for (int64_t j = 0; j < points; j++)
    for (int64_t i = 0; i < c->tile; i++) a[j * c->tile + i] = f->a[i * points + j];
  for (int64_t row = begin; row < end;) {
    const run r = run_at(c, row, end);
    const vj_real *in[MOST];
    vj_real *out[MOST];
    for (int64_t i = 0; i < c->tile; i++) in[i] = y_place(c, &r, i) < 0 ? NULL : dy + y_place(c, &r, i);
    for (int64_t j = 0; j < points; j++) out[j] = m + (j * BLOCK_ROWS + row - begin) * c->out;
    combine(a, points, c->tile, in, out, r.rows * c->out);
    row += r.rows;
  }
}

void vj_conv_time_minimal_weight_gradient(const vj_conv_time_sizes *c, const vj_real *dy, const vj_real *x,
                                          vj_real *dweight, void *scratch) {
  const minimal *f = minimal_of(c->tile);
  const int64_t points = c->tile + 2, rows = rows_of(c), numbers = c->out * c->channels;
  vj_real *v = scratch, *m = v + points * BLOCK_ROWS * c->channels, *products = m + points * BLOCK_ROWS * c->out;
  for (int64_t begin = 0; begin < rows; begin += BLOCK_ROWS) {
    const int64_t end = begin + BLOCK_ROWS < rows ? begin + BLOCK_ROWS : rows;
    transform_x(c, x, begin, end, v);
    transform_dy(c, dy, begin, end, m);
    for (int64_t j = 0; j < points; j++)
      vj_gemm(true, false, c->out, c->channels, end - begin, m + j * BLOCK_ROWS * c->out, c->out,
              v + j * BLOCK_ROWS * c->channels, c->channels, begin > 0, products + j * numbers, c->channels);
  }
  vj_real g[TAPS * MOST];
  for (int64_t k = 0; k < TAPS; k++)
    for (int64_t j = 0; j < points; j++) g[k * points + j] = f->g[j * TAPS + k];
  for (int64_t o = 0; o < c->out; o++) {
    const vj_real *in[MOST];
    vj_real *out[TAPS];
    for (int64_t j = 0; j < points; j++) in[j] = products + j * numbers + o * c->channels;
    for (int64_t k = 0; k < TAPS; k++) out[k] = dweight + (o * TAPS + k) * c->channels;
    combine(g, TAPS, points, in, out, c->channels);
  }
}

size_t vj_conv_time_minimal_weight_gradient_scratch(const vj_conv_time_sizes *c) {
  return vj_conv_time_minimal_scratch(c) + (size_t)((c->tile + 2) * c->out * c->channels) * sizeof(vj_real);
}

/* --- filters --------------------------------------------------------------------------------------------------- */

typedef struct filters {
  int64_t out, channels, tile;
  bool backward;
} filters;

/* input weight [O,3,C]; output [tile+2,C,O], or for dx, with the taps turned round, [tile+2,O,C] */
static void conv_time_filters_run(const vj_call *call) {
  const filters *s = call->node->attributes;
  const minimal *f = minimal_of(s->tile);
  for (int64_t j = 0; j < s->tile + 2; j++) {
    const vj_real *g = f->g + j * TAPS;
    vj_real *u = call->out[0] + j * s->out * s->channels;
    for (int64_t o = 0; o < s->out; o++) {
      const vj_real *w = call->in[0] + o * TAPS * s->channels, *middle = w + s->channels;
      const vj_real *first = s->backward ? middle + s->channels : w, *last = s->backward ? w : middle + s->channels;
      for (int64_t c = 0; c < s->channels; c++)
        u[s->backward ? o * s->channels + c : c * s->out + o] = g[0] * first[c] + g[1] * middle[c] + g[2] * last[c];
    }
  }
}

const vj_op vj_op_conv_time_filters = {.name = "conv_time_filters",
                                       .summary = "filters of a temporal convolution by minimal filtering",
                                       .form = VJ_SHARED,
                                       .run = conv_time_filters_run};

vj_var *vj_conv_time_filters(vj_graph *graph, vj_var *weight, int64_t tile, bool backward) {
  const filters s = {weight->shape.size[0], weight->shape.size[2], tile, backward};
  vj_node *node = vj_node_create(graph, &vj_op_conv_time_filters, &weight, 1, 1, &s, sizeof s);
  return backward ? vj_node_result(graph, node, &VJ_SHAPE(tile + 2, s.out, s.channels))
                  : vj_node_result(graph, node, &VJ_SHAPE(tile + 2, s.channels, s.out));
}
