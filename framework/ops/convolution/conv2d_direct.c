/* Spatial convolution without patches. Images are copied with zeros around them; a patch's numbers are then found at
 * the pixel's place plus the tap's place, and all sums are products that read one factor through these two lists:
 *
 *   y        rows: output pixels   sums over (ky, kx, c)        vectors of output channels
 *   dx       rows: input pixels    sums over (ky, kx, o) of dy  vectors of input channels
 *   dweight  rows: (ky, kx, c)     sums over output pixels      vectors of output channels
 *
 * Where y's channels do not fill vectors, a small block of output pixels is taken for one pixel with all their
 * channels: it sees all that they see, through a weight with zeros where one of them sees nothing. For dweight the
 * roles turn instead:
 *
 *   dweight  rows: (ky, kx, o)     sums over input pixels       vectors of input channels
 *
 * With stride 1, dx is the convolution of dy with the weight turned around. With another, input pixels fall into
 * classes that see the same taps; a class is one product. */
#include <string.h>

#include "framework/ops/convolution/conv2d.h"
#include "framework/ops/convolution/implicit_gemm.h"

/* Images are copied with their zeros so many numbers at a time; more where output pixels would be few, because sums
 * over pixels begin anew with each tile. */
enum { TILE_NUMBERS = 16 * 1024, TILE_PIXELS = 512 };

/* Of a weight, up to which its gradient's sums in double stay near the processor. */
enum { WEIGHT_NUMBERS = 512 * 1024 };

/* A block may see so many times the taps of one pixel; beyond, GEMM's poor use of narrow layers is the better one. */
enum { BLOCK_TAPS = 4 };

static int64_t larger(int64_t a, int64_t b) { return a > b ? a : b; }

static int64_t tap_count(const vj_convolution *c) { return c->kernel[0] * c->kernel[1]; }

/* --- blocks of output pixels ----------------------------------------------------------------------------------- */

typedef struct blocks {
  int64_t size[2];   /* output pixels of a block */
  int64_t count[2];  /* blocks of an image; the last may reach past it */
  int64_t window[2]; /* input pixels from a block's first to its last, gaps of the dilation included */
  int64_t taps[2];   /* rows and columns of the window that some pixel sees */
  int64_t width;     /* a block's numbers: size[0] size[1] O */
} blocks;

/* Which tap a pixel of the block sees at a row (dimension 0) or column (1) of the window, or -1. */
static int64_t tap_at(const vj_convolution *c, int dimension, int64_t at, int64_t pixel) {
  const int64_t from = at - pixel * c->stride[dimension], step = c->dilation[dimension];
  return from >= 0 && from % step == 0 && from / step < c->kernel[dimension] ? from / step : -1;
}

static bool block_sees(const vj_convolution *c, const blocks *b, int dimension, int64_t at) {
  for (int64_t pixel = 0; pixel < b->size[dimension]; pixel++)
    if (tap_at(c, dimension, at, pixel) >= 0) return true;
  return false;
}

static blocks blocks_of(const vj_convolution *c, int64_t rows, int64_t columns) {
  blocks b = {.size = {rows, columns}, .width = rows * columns * c->out};
  const int64_t out[2] = {c->out_height, c->out_width};
  for (int i = 0; i < 2; i++) {
    b.count[i] = (out[i] + b.size[i] - 1) / b.size[i];
    b.window[i] = (c->kernel[i] - 1) * c->dilation[i] + (b.size[i] - 1) * c->stride[i] + 1;
    for (int64_t at = 0; at < b.window[i]; at++) b.taps[i] += block_sees(c, &b, i, at);
  }
  return b;
}

static blocks single_pixels(const vj_convolution *c) { return blocks_of(c, 1, 1); }

/* Single pixels where their channels fill vectors; else the fewest that do, in as many columns as rows or twice. */
static blocks full_blocks(const vj_convolution *c) {
  int64_t pixels = VJ_LANES, rows = 1;
  for (int64_t out = c->out; out % 2 == 0 && pixels > 1; out /= 2) pixels /= 2;
  while (4 * rows * rows <= pixels) rows *= 2;
  return blocks_of(c, rows, pixels / rows);
}

/* --- images with zeros around them ----------------------------------------------------------------------------- */

typedef struct frame {
  int64_t top, left, height, width, channels;
  int64_t images; /* in a tile */
} frame;

static frame frame_of(const vj_convolution *c, frame f) {
  f.images = larger(TILE_NUMBERS / (f.height * f.width * f.channels), TILE_PIXELS / (c->out_height * c->out_width));
  if (f.images > c->images) f.images = c->images;
  if (f.images < 1) f.images = 1;
  return f;
}

/* x as y sees it: a block's window begins at its place times its size and the stride. */
static frame input_frame(const vj_convolution *c, const blocks *b) {
  return frame_of(c, (frame){.top = c->padding[0],
                             .left = c->padding[1],
                             .height = (b->count[0] - 1) * b->size[0] * c->stride[0] + b->window[0],
                             .width = (b->count[1] - 1) * b->size[1] * c->stride[1] + b->window[1],
                             .channels = c->channels});
}

/* dy as dx sees it: input pixel y through tap ky is dy's row (y + py - ky dy) / sy, where that divides. */
static frame output_frame(const vj_convolution *c) {
  const int64_t top = (c->kernel[0] - 1) * c->dilation[0] / c->stride[0],
                left = (c->kernel[1] - 1) * c->dilation[1] / c->stride[1];
  return frame_of(c, (frame){.top = top,
                             .left = left,
                             .height = top + (c->height - 1 + c->padding[0]) / c->stride[0] + 1,
                             .width = left + (c->width - 1 + c->padding[1]) / c->stride[1] + 1,
                             .channels = c->out});
}

static int64_t frame_numbers(const frame *f) { return f->images * f->height * f->width * f->channels; }

/* Copies images [height,width,channels] into a tile whose zeros stand; what the convolution does not reach is left. */
static void copy_images(const frame *f, const vj_real *from, int64_t images, int64_t height, int64_t width,
                        vj_real *tile) {
  const int64_t rows = height < f->height - f->top ? height : f->height - f->top;
  const int64_t columns = width < f->width - f->left ? width : f->width - f->left;
  for (int64_t image = 0; image < images; image++)
    for (int64_t y = 0; y < rows && columns > 0; y++)
      memcpy(tile + ((image * f->height + f->top + y) * f->width + f->left) * f->channels,
             from + (image * height + y) * width * f->channels, (size_t)(columns * f->channels) * sizeof *tile);
}

/* --- scratch --------------------------------------------------------------------------------------------------- */

/* How many numbers of each kind an op needs. */
typedef struct rooms {
  int64_t pixels, taps, places, tile, weight, start, result, sums;
} rooms;

typedef struct work {
  int32_t *pixel, *tap, *place; /* lists of places */
  vj_real *tile;                /* images with zeros; all zero at first */
  vj_real *weight;              /* in the product's order */
  vj_real *start, *result;      /* of blocks: the bias, and what is not yet in y's order */
  double *sums;                 /* of a weight's gradient; zero at first */
} work;

static void *take(char *scratch, size_t *end, int64_t count, size_t size) {
  void *at = scratch ? scratch + *end : NULL;
  *end += ((size_t)count * size + 63) / 64 * 64;
  return at;
}

/* Returns the size in bytes; without scratch only that. */
static size_t divide(const rooms *r, char *scratch, work *w) {
  size_t end = 0;
  w->pixel = take(scratch, &end, r->pixels, sizeof(int32_t));
  w->tap = take(scratch, &end, r->taps, sizeof(int32_t));
  w->place = take(scratch, &end, r->places, sizeof(int32_t));
  w->tile = take(scratch, &end, r->tile, sizeof(vj_real));
  w->weight = take(scratch, &end, r->weight, sizeof(vj_real));
  w->start = take(scratch, &end, r->start, sizeof(vj_real));
  w->result = take(scratch, &end, r->result, sizeof(vj_real));
  w->sums = take(scratch, &end, r->sums, sizeof(double));
  if (!scratch) return end;
  memset(w->tile, 0, (size_t)r->tile * sizeof *w->tile);
  memset(w->sums, 0, (size_t)r->sums * sizeof *w->sums);
  return end;
}

static rooms forward_rooms(const vj_convolution *c) {
  const blocks b = full_blocks(c);
  const frame f = input_frame(c, &b);
  const int64_t pixels = f.images * b.count[0] * b.count[1], taps = b.taps[0] * b.taps[1] * c->channels;
  return (rooms){.pixels = pixels,
                 .taps = taps,
                 .places = pixels,
                 .tile = frame_numbers(&f),
                 .weight = taps * b.width,
                 .start = b.width,
                 .result = b.width == c->out ? 0 : pixels * b.width};
}

/* For what reads dy in its frame: dx, and dweight with the roles turned. */
static rooms output_frame_rooms(const vj_convolution *c) {
  const frame f = output_frame(c);
  const int64_t pixels = f.images * c->height * c->width, taps = tap_count(c) * c->out;
  return (rooms){.pixels = pixels,
                 .taps = taps,
                 .places = larger(pixels, taps),
                 .tile = frame_numbers(&f),
                 .weight = taps * c->channels,
                 .sums = taps * c->channels};
}

static rooms weight_gradient_rooms(const vj_convolution *c) {
  const blocks b = single_pixels(c);
  const frame f = input_frame(c, &b);
  return (rooms){.pixels = f.images * c->out_height * c->out_width,
                 .taps = c->patch,
                 .places = c->patch,
                 .tile = frame_numbers(&f),
                 .sums = c->patch * c->out};
}

/* Places are 32 bits wide. */
static bool fits(const rooms *r, int64_t channels) {
  return r->tile < INT32_MAX && larger(r->pixels, r->taps) * channels < INT32_MAX;
}

/* --- lists of places ------------------------------------------------------------------------------------------- */

/* Where the windows of output pixels, or blocks of them, begin in a tile of x. */
static void list_windows(const vj_convolution *c, const blocks *b, const frame *f, int32_t *pixel) {
  const int64_t down = b->size[0] * c->stride[0], right = b->size[1] * c->stride[1];
  for (int64_t image = 0; image < f->images; image++)
    for (int64_t y = 0; y < b->count[0]; y++)
      for (int64_t x = 0; x < b->count[1]; x++)
        *pixel++ = (int32_t)(((image * f->height + y * down) * f->width + x * right) * f->channels);
}

/* From there, the places (y, x, channel) that are seen. */
static void list_taps(const vj_convolution *c, const blocks *b, const frame *f, int32_t *tap) {
  for (int64_t y = 0; y < b->window[0]; y++)
    for (int64_t x = 0; x < b->window[1]; x++)
      for (int64_t i = 0; i < c->channels && block_sees(c, b, 0, y) && block_sees(c, b, 1, x); i++)
        *tap++ = (int32_t)((y * f->width + x) * f->channels + i);
}

static void list_multiples(int64_t count, int64_t step, int32_t *place) {
  for (int64_t i = 0; i < count; i++) place[i] = (int32_t)(i * step);
}

/* Input pixels whose place plus padding leaves the remainder `by` on division by the stride: where they are in a tile
 * of dy and in dx. Returns their number in an image. */
static int64_t list_input_pixels(const vj_convolution *c, const frame *f, const int64_t *by, int32_t *pixel,
                                 int32_t *place) {
  const int64_t sy = c->stride[0], sx = c->stride[1], py = c->padding[0], px = c->padding[1];
  int64_t count = 0;
  for (int64_t image = 0; image < f->images; image++)
    for (int64_t y = ((by[0] - py) % sy + sy) % sy; y < c->height; y += sy)
      for (int64_t x = ((by[1] - px) % sx + sx) % sx; x < c->width; x += sx, count++) {
        const int64_t row = image * f->height + (y + py) / sy + f->top;
        pixel[count] = (int32_t)((row * f->width + (x + px) / sx + f->left) * f->channels);
        place[count] = (int32_t)(((image * c->height + y) * c->width + x) * c->channels);
      }
  return count / f->images;
}

/* The taps that these see, as places (ky, kx, o) back in a tile of dy, and their weights [taps O,C]; `weight` and
 * `arranged` may be NULL. Returns taps O. */
static int64_t list_taps_back(const vj_convolution *c, const frame *f, const int64_t *by, const vj_real *weight,
                              int32_t *tap, vj_real *arranged) {
  const int64_t sy = c->stride[0], sx = c->stride[1], kw = c->kernel[1], channels = c->channels;
  int64_t count = 0;
  for (int64_t ky = 0; ky < c->kernel[0]; ky++)
    for (int64_t kx = 0; kx < kw; kx++) {
      const int64_t y = ky * c->dilation[0], x = kx * c->dilation[1];
      if (y % sy != by[0] || x % sx != by[1]) continue;
      for (int64_t o = 0; o < c->out; o++, count++) {
        tap[count] = (int32_t)(o - ((y / sy) * f->width + x / sx) * f->channels);
        if (weight)
          memcpy(arranged + count * channels, weight + o * c->patch + (ky * kw + kx) * channels,
                 (size_t)channels * sizeof *weight);
      }
    }
  return count;
}

/* --- y, and dx for stride 1 ------------------------------------------------------------------------------------ */

/* weight [O,kh,kw,C] to [taps C, pixels of a block, O], zero where a pixel does not see what another does. */
static void spread_weight(const vj_convolution *c, const blocks *b, const vj_real *weight, vj_real *spread) {
  memset(spread, 0, (size_t)(b->taps[0] * b->taps[1] * c->channels * b->width) * sizeof *spread);
  for (int64_t y = 0; y < b->window[0]; y++)
    for (int64_t x = 0; x < b->window[1]; x++) {
      if (!block_sees(c, b, 0, y) || !block_sees(c, b, 1, x)) continue;
      for (int64_t pixel = 0; pixel < b->size[0] * b->size[1]; pixel++) {
        const int64_t ky = tap_at(c, 0, y, pixel / b->size[1]), kx = tap_at(c, 1, x, pixel % b->size[1]);
        const vj_real *from = weight + (ky * c->kernel[1] + kx) * c->channels;
        for (int64_t o = 0; o < c->out && ky >= 0 && kx >= 0; o++)
          for (int64_t i = 0; i < c->channels; i++) spread[i * b->width + pixel * c->out + o] = from[o * c->patch + i];
      }
      spread += c->channels * b->width;
    }
}

/* Blocks [images, count, size, O] to y [images,H',W',O]. */
static void copy_blocks(const vj_convolution *c, const blocks *b, int64_t images, const vj_real *from, vj_real *y) {
  for (int64_t image = 0; image < images; image++, from += b->count[0] * b->count[1] * b->width)
    for (int64_t oy = 0; oy < c->out_height; oy++)
      for (int64_t ox = 0; ox < c->out_width; ox += b->size[1]) {
        const int64_t block = oy / b->size[0] * b->count[1] + ox / b->size[1];
        const int64_t pixels = c->out_width - ox < b->size[1] ? c->out_width - ox : b->size[1];
        const vj_real *row = from + block * b->width + oy % b->size[0] * b->size[1] * c->out;
        for (int64_t i = 0; i < pixels * c->out; i++) *y++ = row[i];
      }
}

/* y = x through the weight, plus bias, which may be NULL. */
static void convolve(const vj_convolution *c, const vj_real *x, const vj_real *weight, const vj_real *bias, vj_real *y,
                     char *scratch) {
  const rooms r = forward_rooms(c);
  const blocks b = full_blocks(c);
  const frame f = input_frame(c, &b);
  const int64_t image_in = c->height * c->width * c->channels, image_out = c->out_height * c->out_width * c->out;
  const bool single = b.width == c->out;
  work w;
  divide(&r, scratch, &w);
  list_windows(c, &b, &f, w.pixel);
  list_taps(c, &b, &f, w.tap);
  list_multiples(r.places, b.width, w.place);
  spread_weight(c, &b, weight, w.weight);
  for (int64_t i = 0; i < b.width; i++) w.start[i] = bias ? bias[i % c->out] : 0;
  for (int64_t first = 0; first < c->images; first += f.images) {
    const int64_t images = c->images - first < f.images ? c->images - first : f.images;
    vj_real *to = y + first * image_out;
    copy_images(&f, x + first * image_in, images, c->height, c->width, w.tile);
    vj_implicit_gemm_run(&(vj_implicit_gemm){.a = w.tile,
                                             .row = w.pixel,
                                             .column = w.tap,
                                             .rows = images * b.count[0] * b.count[1],
                                             .depth = r.taps,
                                             .b = w.weight,
                                             .pitch = b.width,
                                             .width = b.width,
                                             .start = w.start,
                                             .c = single ? to : w.result,
                                             .place = w.place});
    if (!single) copy_blocks(c, &b, images, w.result, to);
  }
}

/* inputs x, weight, bias (may be NULL) */
static void forward_run(const vj_call *call) {
  convolve(call->node->attributes, call->in[0], call->in[1], call->in[2], call->out[0], call->scratch);
}

/* The convolution that leads from dy to dx, for stride 1. */
static vj_convolution turned(const vj_convolution *c) {
  vj_convolution t = *c;
  t.height = c->out_height;
  t.width = c->out_width;
  t.channels = c->out;
  t.out_height = c->height;
  t.out_width = c->width;
  t.out = c->channels;
  t.patch = tap_count(c) * c->out;
  for (int i = 0; i < 2; i++) t.padding[i] = c->dilation[i] * (c->kernel[i] - 1) - c->padding[i];
  return t;
}

/* inputs dy, weight */
static void turned_input_gradient_run(const vj_call *call) {
  const vj_convolution *c = call->node->attributes, t = turned(c);
  const int64_t taps = tap_count(c);
  const vj_real *weight = call->in[1];
  size_t end = 0;
  vj_real *around = take(call->scratch, &end, c->patch * c->out, sizeof *around); /* [C,kh,kw,O] */
  for (int64_t o = 0; o < c->out; o++)
    for (int64_t k = 0; k < taps; k++)
      for (int64_t i = 0; i < c->channels; i++)
        around[(i * taps + taps - 1 - k) * c->out + o] = weight[(o * taps + k) * c->channels + i];
  convolve(&t, call->in[0], around, NULL, call->out[0], (char *)call->scratch + end);
}

/* --- dx for other strides -------------------------------------------------------------------------------------- */

/* inputs dy, weight */
static void strided_input_gradient_run(const vj_call *call) {
  const vj_convolution *c = call->node->attributes;
  const frame f = output_frame(c);
  const rooms r = output_frame_rooms(c);
  const int64_t image_in = c->height * c->width * c->channels, image_out = c->out_height * c->out_width * c->out;
  work w;
  divide(&r, call->scratch, &w);
  for (int64_t k = 0; k < c->stride[0] * c->stride[1]; k++) {
    const int64_t by[2] = {k / c->stride[1], k % c->stride[1]};
    const int64_t pixels = list_input_pixels(c, &f, by, w.pixel, w.place);
    const int64_t taps = list_taps_back(c, &f, by, call->in[1], w.tap, w.weight);
    for (int64_t first = 0; first < c->images; first += f.images) {
      const int64_t images = c->images - first < f.images ? c->images - first : f.images;
      copy_images(&f, call->in[0] + first * image_out, images, c->out_height, c->out_width, w.tile);
      vj_implicit_gemm_run(&(vj_implicit_gemm){.a = w.tile,
                                               .row = w.pixel,
                                               .column = w.tap,
                                               .rows = images * pixels,
                                               .depth = taps,
                                               .b = w.weight,
                                               .pitch = c->channels,
                                               .width = c->channels,
                                               .c = call->out[0] + first * image_in,
                                               .place = w.place});
    }
  }
}

/* --- dweight ----------------------------------------------------------------------------------------------------- */

static void add_to_sums(const vj_real *part, int64_t count, double *sums) {
  for (int64_t i = 0; i < count; i++) sums[i] += (double)part[i];
}

/* inputs dy, x */
static void weight_gradient_reduce(const vj_call *call) {
  const vj_convolution *c = call->node->attributes;
  const blocks b = single_pixels(c);
  const frame f = input_frame(c, &b);
  const rooms r = weight_gradient_rooms(c);
  const int64_t image_in = c->height * c->width * c->channels, image_out = c->out_height * c->out_width;
  work w;
  divide(&r, call->scratch, &w);
  list_windows(c, &b, &f, w.pixel);
  list_taps(c, &b, &f, w.tap);
  list_multiples(c->patch, c->out, w.place);
  for (int64_t first = 0; first < c->images; first += f.images) {
    const int64_t images = c->images - first < f.images ? c->images - first : f.images;
    copy_images(&f, call->in[1] + first * image_in, images, c->height, c->width, w.tile);
    vj_implicit_gemm_run(&(vj_implicit_gemm){.a = w.tile,
                                             .row = w.tap,
                                             .column = w.pixel,
                                             .rows = c->patch,
                                             .depth = images * image_out,
                                             .b = call->in[0] + first * image_out * c->out,
                                             .pitch = c->out,
                                             .width = c->out,
                                             .c = call->part,
                                             .place = w.place});
    add_to_sums(call->part, c->patch * c->out, w.sums);
  }
  for (int64_t k = 0; k < c->patch; k++)
    for (int64_t o = 0; o < c->out; o++) call->part[o * c->patch + k] = (vj_real)w.sums[k * c->out + o];
}

/* inputs dy, x; for stride 1 */
static void turned_weight_gradient_reduce(const vj_call *call) {
  const vj_convolution *c = call->node->attributes;
  const frame f = output_frame(c);
  const int64_t image_in = c->height * c->width, image_out = c->out_height * c->out_width * c->out;
  const int64_t taps = tap_count(c), by[2] = {0, 0};
  const rooms r = output_frame_rooms(c);
  work w;
  divide(&r, call->scratch, &w);
  list_input_pixels(c, &f, by, w.pixel, w.place);
  list_taps_back(c, &f, by, NULL, w.tap, NULL);
  for (int64_t k = 0; k < taps; k++)
    for (int64_t o = 0; o < c->out; o++) w.place[k * c->out + o] = (int32_t)((o * taps + k) * c->channels);
  for (int64_t first = 0; first < c->images; first += f.images) {
    const int64_t images = c->images - first < f.images ? c->images - first : f.images;
    copy_images(&f, call->in[0] + first * image_out, images, c->out_height, c->out_width, w.tile);
    vj_implicit_gemm_run(&(vj_implicit_gemm){.a = w.tile,
                                             .row = w.tap,
                                             .column = w.pixel,
                                             .rows = taps * c->out,
                                             .depth = images * image_in,
                                             .b = call->in[1] + first * image_in * c->channels,
                                             .pitch = c->channels,
                                             .width = c->channels,
                                             .c = call->part,
                                             .place = w.place});
    add_to_sums(call->part, c->patch * c->out, w.sums);
  }
  for (int64_t i = 0; i < c->patch * c->out; i++) call->part[i] = (vj_real)w.sums[i];
}

/* --- which ------------------------------------------------------------------------------------------------------- */

static size_t bytes_of(rooms r) {
  work unused;
  return divide(&r, NULL, &unused);
}

static size_t forward_bytes(const vj_convolution *c) { return bytes_of(forward_rooms(c)); }

static size_t output_frame_bytes(const vj_convolution *c) { return bytes_of(output_frame_rooms(c)); }

static size_t weight_gradient_bytes(const vj_convolution *c) { return bytes_of(weight_gradient_rooms(c)); }

static size_t turned_bytes(const vj_convolution *c) {
  const vj_convolution t = turned(c);
  size_t end = 0;
  take(NULL, &end, c->patch * c->out, sizeof(vj_real));
  return end + forward_bytes(&t);
}

static bool fills_vectors(int64_t channels) { return channels % VJ_PRODUCT_WIDTH == 0; }

static bool has_stride_1(const vj_convolution *c) { return c->stride[0] == 1 && c->stride[1] == 1; }

static bool suits_blocks(const vj_convolution *c) {
  if (c->padding[0] < 0 || c->padding[1] < 0) return false;
  const blocks b = full_blocks(c);
  const rooms r = forward_rooms(c);
  return b.taps[0] * b.taps[1] <= BLOCK_TAPS * tap_count(c) && fits(&r, b.width);
}

const vj_conv2d_way *vj_conv2d_direct(const vj_convolution *c) {
  static const vj_conv2d_way way = {forward_run, forward_bytes};
  return c->groups == 1 && suits_blocks(c) ? &way : NULL;
}

const vj_conv2d_way *vj_conv2d_input_gradient_direct(const vj_convolution *c) {
  static const vj_conv2d_way unit = {turned_input_gradient_run, turned_bytes},
                             strided = {strided_input_gradient_run, output_frame_bytes};
  const vj_convolution t = turned(c);
  if (c->groups > 1) return NULL;
  if (has_stride_1(c) && suits_blocks(&t)) return &unit;
  const rooms r = output_frame_rooms(c);
  return fills_vectors(c->channels) && fits(&r, c->channels) ? &strided : NULL;
}

const vj_conv2d_way *vj_conv2d_weight_gradient_direct(const vj_convolution *c) {
  static const vj_conv2d_way plain = {weight_gradient_reduce, weight_gradient_bytes},
                             roles_turned = {turned_weight_gradient_reduce, output_frame_bytes};
  if (c->groups > 1 || c->patch * c->out > WEIGHT_NUMBERS) return NULL;
  const rooms of_x = weight_gradient_rooms(c), of_dy = output_frame_rooms(c);
  if (fills_vectors(c->out) && fits(&of_x, c->out)) return &plain;
  return has_stride_1(c) && fills_vectors(c->channels) && fits(&of_dy, c->channels) ? &roles_turned : NULL;
}
