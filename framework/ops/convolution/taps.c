#include "framework/ops/convolution/taps.h"

#include <string.h>

#include "framework/base/prefetch.h"
#include "framework/ops/product/bf16.h"
#include "framework/ops/product/product.h"

/* Weights of a block of output channels stay in the second cache while all pixels pass. */
enum { BLOCK_BYTES = 384 * 1024, BLOCK_MULTIPLE = 64, BLOCK_LEAST = 32, MOST_BLOCKS = 2 };

/* In bf16 sums are made aside, since y may be bf16: of so many pixels at most, if a line has no more, which stay in a
 * near cache. */
enum { ROWS_ASIDE = 256 };

/* Pixels that see the same taps: `lines` products, equal but for where they begin. All in numbers of one image. */
typedef struct rectangle {
  const vj_product *product[MOST_BLOCKS]; /* for a whole block of output channels, and for the last one */
  int64_t pairs;
  uint64_t *in_at;                  /* [pairs], in bytes */
  uint64_t *weight_at[MOST_BLOCKS]; /* the same, by the number of channels in a block */
  int64_t lines, in_line, out_line, in_first, out_first;
  int64_t rows, out_pitch;
} rectangle;

struct vj_taps {
  int64_t groups;
  int64_t in_image, in_channels, out_image, out_channels; /* numbers of an image, channels of one group */
  int64_t weights;                                        /* numbers of one group */
  int64_t block;                                          /* output channels of a block */
  rectangle *rectangles;
  int count;
  bool bf16;
};

/* Of a factor. */
static size_t number_bytes(const vj_taps *t) { return t->bf16 ? sizeof(uint16_t) : sizeof(vj_real); }

static const void *forward(const vj_taps *t, const void *from, int64_t numbers) {
  return (const char *)from + numbers * (int64_t)number_bytes(t);
}

/* The image that is read, and the one that is written. */
typedef struct frames {
  int64_t in_width, in_channels, out_width, out_channels, kernel_width, groups;
} frames;

static void *take(vj_graph *graph, int64_t count, size_t size) {
  void *room = vj_pool_take(graph->pool, (size_t)(count > 0 ? count : 1) * size);
  if (!room) vj_graph_fail(graph, VJ_MEMORY, "no memory for the plan of a convolution");
  return room;
}

/* By floats, in either precision, so that packing needs no more than shapes. */
static int64_t block_of(int64_t taps, int64_t in_channels, int64_t out_channels) {
  const int64_t fits = BLOCK_BYTES / (taps * in_channels * (int64_t)sizeof(vj_real));
  if (fits >= out_channels) return out_channels;
  const int64_t block = fits / BLOCK_MULTIPLE * BLOCK_MULTIPLE;
  return block > BLOCK_LEAST ? block : BLOCK_LEAST < out_channels ? BLOCK_LEAST : out_channels;
}

/* Pairs in the order of taps, rows of the kernel first. */
static bool list_pairs(vj_graph *graph, const frames *f, const int64_t columns[MOST_BLOCKS], size_t bytes,
                       const vj_axis_run *y, const vj_axis_run *x, rectangle *r) {
  r->pairs = y->taps * x->taps;
  r->in_at = take(graph, r->pairs, sizeof *r->in_at);
  for (int i = 0; i < MOST_BLOCKS; i++) r->weight_at[i] = take(graph, r->pairs, sizeof *r->weight_at[i]);
  if (!r->in_at || !r->weight_at[0] || !r->weight_at[1]) return false;
  /* Offsets are counted from the lowest of the places that are read. */
  const int64_t low_y = y->tap_in_step < 0 ? (y->taps - 1) * y->tap_in_step : 0;
  const int64_t low_x = x->tap_in_step < 0 ? (x->taps - 1) * x->tap_in_step : 0;
  for (int64_t ty = 0; ty < y->taps; ty++)
    for (int64_t tx = 0; tx < x->taps; tx++) {
      const int64_t tap = (y->tap_first + ty * y->tap_step) * f->kernel_width + x->tap_first + tx * x->tap_step;
      const int64_t place = (ty * y->tap_in_step - low_y) * f->in_width + tx * x->tap_in_step - low_x;
      const int64_t pair = ty * x->taps + tx, tap_rows = tap * (f->in_channels / f->groups);
      r->in_at[pair] = (uint64_t)(place * f->in_channels) * bytes;
      for (int i = 0; i < MOST_BLOCKS; i++) r->weight_at[i][pair] = (uint64_t)(tap_rows * columns[i]) * bytes;
    }
  r->in_first = r->pairs ? ((y->in_first + low_y) * f->in_width + x->in_first + low_x) * f->in_channels : 0;
  r->out_first = (y->first * f->out_width + x->first) * f->out_channels;
  return true;
}

/* Rows of a product go along the longer side of the rectangle; along both where pixels lie at one distance. */
static int64_t lay_rows(const vj_taps *t, const frames *f, const vj_axis_run *y, const vj_axis_run *x, rectangle *r) {
  const int64_t in_x = x->in_step * f->in_channels, out_x = x->step * f->out_channels;
  const int64_t in_y = y->in_step * f->in_width * f->in_channels, out_y = y->step * f->out_width * f->out_channels;
  const bool along_y = y->count > x->count;
  r->rows = along_y ? y->count : x->count;
  r->lines = along_y ? x->count : y->count;
  r->in_line = along_y ? in_x : in_y;
  r->out_line = along_y ? out_x : out_y;
  r->out_pitch = along_y ? out_y : out_x;
  const int64_t in_pitch = along_y ? in_y : in_x;
  const bool may_join = !t->bf16 || r->rows * r->lines <= ROWS_ASIDE;
  if (may_join && r->in_line == r->rows * in_pitch && r->out_line == r->rows * r->out_pitch) {
    r->rows *= r->lines;
    r->lines = 1;
  }
  return in_pitch;
}

static bool plan_rectangle(vj_graph *graph, const vj_taps *t, const frames *f, const vj_axis_run *y,
                           const vj_axis_run *x, rectangle *r) {
  const int64_t in_pitch = lay_rows(t, f, y, x, r), columns[MOST_BLOCKS] = {t->block, t->out_channels % t->block};
  if (!list_pairs(graph, f, columns, number_bytes(t), y, x, r)) return false;
  for (int i = 0; i < MOST_BLOCKS; i++) {
    if (columns[i] == 0) continue;
    r->product[i] = vj_product_find(&(vj_product_shape){.rows = r->rows,
                                                        .columns = columns[i],
                                                        .depth = t->in_channels,
                                                        .a_pitch = in_pitch,
                                                        .b_pitch = columns[i],
                                                        .c_pitch = t->bf16 ? columns[i] : r->out_pitch,
                                                        .bf16 = t->bf16});
    if (!r->product[i]) {
      vj_graph_fail(graph, VJ_MEMORY, "%s", vj_error_message());
      return false;
    }
  }
  return true;
}

static const vj_taps *plan_axes(vj_graph *graph, vj_taps *t, const frames *f, const vj_axis_run *y, int y_count,
                                const vj_axis_run *x, int x_count) {
  t->rectangles = take(graph, (int64_t)y_count * x_count, sizeof *t->rectangles);
  if (!t->rectangles) return NULL;
  for (int i = 0; i < y_count; i++)
    for (int j = 0; j < x_count; j++) {
      t->rectangles[t->count] = (rectangle){0};
      if (!plan_rectangle(graph, t, f, &y[i], &x[j], &t->rectangles[t->count++])) return NULL;
    }
  return t;
}

const vj_taps *vj_taps_plan(vj_graph *graph, const vj_convolution *c, bool transposed, bool bf16) {
  const int64_t in_image = c->height * c->width * c->channels, out_image = c->out_height * c->out_width * c->out;
  const int64_t in = c->channels / c->groups, out = c->out / c->groups, taps = c->kernel[0] * c->kernel[1];
  vj_taps *t = take(graph, 1, sizeof *t);
  const vj_axis axes[2] = {vj_convolution_axis(c, 0), vj_convolution_axis(c, 1)};
  vj_axis_run *runs[2] = {0};
  int counts[2];
  for (int i = 0; i < 2; i++) {
    runs[i] = take(graph, transposed ? axes[i].in : axes[i].out, sizeof *runs[i]);
    if (!t || !runs[i]) return NULL;
    counts[i] = transposed ? vj_axis_transposed_runs(&axes[i], runs[i]) : vj_axis_runs(&axes[i], runs[i]);
  }
  *t = (vj_taps){.groups = c->groups,
                 .in_image = transposed ? out_image : in_image,
                 .in_channels = transposed ? out : in,
                 .out_image = transposed ? in_image : out_image,
                 .out_channels = transposed ? in : out,
                 .weights = taps * in * out,
                 .bf16 = bf16};
  t->block = block_of(taps, t->in_channels, t->out_channels);
  const frames f = {.in_width = transposed ? c->out_width : c->width,
                    .in_channels = t->in_channels * c->groups,
                    .out_width = transposed ? c->width : c->out_width,
                    .out_channels = t->out_channels * c->groups,
                    .kernel_width = c->kernel[1],
                    .groups = c->groups};
  return plan_axes(graph, t, &f, runs[0], counts[0], runs[1], counts[1]);
}

/* --- run -------------------------------------------------------------------------------------------------------- */

size_t vj_taps_scratch_bytes(const vj_taps *t) {
  int64_t rows = 0;
  for (int i = 0; i < t->count; i++) rows = t->rectangles[i].rows > rows ? t->rectangles[i].rows : rows;
  return t->bf16 ? (size_t)(rows * t->block) * sizeof(vj_real) : 0;
}

/* What is the same for all products of a run. */
typedef struct job {
  const vj_taps *taps;
  vj_real *aside;
  bool half; /* y is bf16 */
  vj_prefetch next;
} job;

static void put_rows(const vj_real *sums, int64_t rows, int64_t columns, void *out, int64_t out_pitch, bool half) {
  if (half)
    vj_bf16_round(sums, columns, rows, columns, out, out_pitch);
  else
    for (int64_t i = 0; i < rows; i++)
      memcpy((vj_real *)out + i * out_pitch, sums + i * columns, (size_t)columns * sizeof *sums);
}

static void run_rectangle(job *j, const rectangle *r, int last, int64_t columns, const void *in, const void *packed,
                          const vj_real *bias, void *out) {
  for (int64_t line = 0; line < r->lines; line++) {
    void *to = vj_room_from(out, j->half, r->out_first + line * r->out_line);
    vj_real *sums = j->taps->bf16 ? j->aside : to;
    const int64_t pitch = j->taps->bf16 ? columns : r->out_pitch;
    vj_product_run(r->product[last], r->pairs, forward(j->taps, in, r->in_first + line * r->in_line), r->in_at, packed,
                   r->weight_at[last], sums);
    vj_prefetch_piece(&j->next);
    if (bias) vj_add_row(bias, r->rows, columns, sums, pitch);
    if (j->taps->bf16) put_rows(sums, r->rows, columns, to, r->out_pitch, j->half);
  }
}

static size_t calls_of(const vj_taps *t) {
  int64_t lines = 0;
  for (int i = 0; i < t->count; i++) lines += t->rectangles[i].lines;
  return (size_t)(lines * t->groups * ((t->out_channels + t->block - 1) / t->block));
}

void vj_taps_run(const vj_taps *t, int64_t images, const void *in, const void *packed, const vj_real *bias, void *out,
                 bool half, void *scratch, const void *next, size_t next_bytes) {
  job j = {t, scratch, half, vj_prefetch_of(next, next_bytes, calls_of(t) * (size_t)images)};
  for (int64_t g = 0; g < t->groups; g++)
    for (int64_t block = 0; block < t->out_channels; block += t->block) {
      const bool last = t->out_channels - block < t->block;
      const int64_t columns = last ? t->out_channels - block : t->block, channel = g * t->out_channels + block;
      for (int64_t image = 0; image < images; image++)
        for (int i = 0; i < t->count; i++)
          run_rectangle(&j, &t->rectangles[i], last, columns, forward(t, in, image * t->in_image + g * t->in_channels),
                        forward(t, packed, g * t->weights + block * (t->weights / t->out_channels)),
                        bias ? bias + channel : NULL, vj_room_from(out, half, image * t->out_image + channel));
    }
}

/* One tap of a block of output channels. */
typedef struct piece {
  const vj_real *from;
  int64_t columns, at; /* at: place of its first number in what is packed */
} piece;

static int64_t blocks_of(const vj_convolution *c, bool transposed) {
  const int64_t in = c->channels / c->groups, out = c->out / c->groups, taps = c->kernel[0] * c->kernel[1];
  const int64_t all = transposed ? in : out, block = block_of(taps, transposed ? out : in, all);
  return (all + block - 1) / block;
}

int64_t vj_taps_pieces(const vj_convolution *c, bool transposed) {
  return c->groups * blocks_of(c, transposed) * c->kernel[0] * c->kernel[1];
}

static piece piece_of(const vj_convolution *c, bool transposed, const vj_real *weight, int64_t i) {
  const int64_t in = c->channels / c->groups, out = c->out / c->groups, taps = c->kernel[0] * c->kernel[1];
  const int64_t depth = transposed ? out : in, all = transposed ? in : out, block = block_of(taps, depth, all);
  const int64_t blocks = blocks_of(c, transposed), tap = i % taps, first = i / taps % blocks * block;
  const int64_t g = i / taps / blocks, columns = all - first < block ? all - first : block;
  return (piece){.from = weight + (g * out * taps + tap) * in + first * (transposed ? 1 : taps * in),
                 .columns = columns,
                 .at = (g * all + first) * taps * depth + tap * depth * columns};
}

void vj_taps_pack(const vj_convolution *c, bool transposed, const vj_real *weight, vj_real *packed, int64_t begin,
                  int64_t end) {
  const int64_t in = c->channels / c->groups, out = c->out / c->groups, pitch = c->kernel[0] * c->kernel[1] * in;
  for (int64_t i = begin; i < end; i++) {
    const piece p = piece_of(c, transposed, weight, i);
    vj_real *to = packed + p.at;
    if (!transposed)
      vj_transpose(p.from, p.columns, in, pitch, to, p.columns);
    else
      for (int64_t o = 0; o < out; o++) memcpy(to + o * p.columns, p.from + o * pitch, (size_t)p.columns * sizeof *to);
  }
}

/* Output channels by columns, of which a row of the weight is one: pairs of a row are rounded together, some rows at a
 * time, and turned. `pitch` from row to row. */
static void pack_pairs_of_rows(const vj_real *from, int64_t pitch, int64_t depth, int64_t columns, uint32_t *to) {
  enum { ROWS = 8, PAIRS = 64 };
  uint32_t pairs[ROWS * PAIRS];
  for (int64_t first = 0; first < columns; first += ROWS)
    for (int64_t k = 0; k < depth / 2; k += PAIRS) {
      const int64_t rows = columns - first < ROWS ? columns - first : ROWS;
      const int64_t count = depth / 2 - k < PAIRS ? depth / 2 - k : PAIRS;
      vj_bf16_round(from + first * pitch + 2 * k, pitch, rows, 2 * count, (uint16_t *)(void *)pairs, 2 * count);
      vj_bf16_transpose_pairs(pairs, rows, count, to + k * columns + first, columns);
    }
}

/* The other way round: two rows of the weight make one of pairs. */
static void pack_rows_of_pairs(const vj_real *from, int64_t pitch, int64_t depth, int64_t columns, uint32_t *to) {
  for (int64_t k = 0; k < depth; k += 2, to += columns)
    for (int64_t i = 0; i < columns; i++)
      to[i] = vj_round_bf16(from[k * pitch + i]) | (uint32_t)vj_round_bf16(from[(k + 1) * pitch + i]) << 16;
}

void vj_taps_pack_bf16(const vj_convolution *c, bool transposed, const vj_real *weight, uint16_t *packed, int64_t begin,
                       int64_t end) {
  const int64_t in = c->channels / c->groups, out = c->out / c->groups, pitch = c->kernel[0] * c->kernel[1] * in;
  for (int64_t i = begin; i < end; i++) {
    const piece p = piece_of(c, transposed, weight, i);
    uint32_t *to = (uint32_t *)(void *)packed + p.at / 2;
    if (transposed)
      pack_rows_of_pairs(p.from, pitch, out, p.columns, to);
    else
      pack_pairs_of_rows(p.from, pitch, in, p.columns, to);
  }
}
