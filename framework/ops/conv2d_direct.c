/* Spatial convolution without patches. Images are copied with zeros around them; a patch's numbers are then found at
 * the pixel's place plus the tap's place, and all sums are products that read one factor through these two lists:
 *
 *   y        rows: output pixels   sums over (ky, kx, c)        vectors of output channels
 *   dx       rows: input pixels    sums over (ky, kx, o) of dy  vectors of input channels
 *   dweight  rows: (ky, kx, c)     sums over output pixels      vectors of output channels
 *
 * With a stride, input pixels fall into classes that see the same taps; a class is one product.
 *
 * Where output channels do not fill half a vector (the last layer of a decoder), y and dweight turn the roles around,
 * for stride 1: every input pixel's product with all taps is added up by output pixels, and dweight has
 *
 *   dweight  rows: (ky, kx, o)     sums over input pixels       vectors of input channels */
#include <string.h>

#include "ops/conv2d.h"
#include "ops/indexed_product.h"

/* Of images copied with their zeros at a time; more where one image has more. */
enum { TILE_NUMBERS = 16 * 1024 };

/* Taps of a narrow layer that one vector product takes. */
enum { NARROW_TAPS = 64 };

/* Images with zeros around them. */
typedef struct frame {
  int64_t top, left, height, width, channels;
  int64_t images; /* in a tile */
} frame;

static frame frame_of(const vj_convolution *c, frame f) {
  f.images = TILE_NUMBERS / (f.height * f.width * f.channels);
  if (f.images > c->images) f.images = c->images;
  if (f.images < 1) f.images = 1;
  return f;
}

/* x as y sees it: output pixel (oy, ox) begins at (oy sy, ox sx). */
static frame input_frame(const vj_convolution *c, int64_t channels) {
  const int64_t *k = c->kernel, *d = c->dilation;
  return frame_of(c, (frame){.top = c->padding[0],
                             .left = c->padding[1],
                             .height = (c->out_height - 1) * c->stride[0] + (k[0] - 1) * d[0] + 1,
                             .width = (c->out_width - 1) * c->stride[1] + (k[1] - 1) * d[1] + 1,
                             .channels = channels});
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

typedef struct work {
  int32_t *pixel, *tap, *place; /* lists of places */
  vj_real *tile, *weight;       /* images with zeros; the weight in another order */
  double *sums;                 /* [patch,O] or [O,patch] */
} work;

static int64_t larger(int64_t a, int64_t b) { return a > b ? a : b; }

static int64_t tile_pixels(const vj_convolution *c, const frame *f) {
  return f->images * larger(c->height * c->width, c->out_height * c->out_width);
}

static int64_t tap_count(const vj_convolution *c) { return c->kernel[0] * c->kernel[1]; }

/* kh kw O, rounded up to what a product takes. */
static int64_t narrow_width(const vj_convolution *c) {
  return (tap_count(c) * c->out + VJ_PRODUCT_WIDTH - 1) / VJ_PRODUCT_WIDTH * VJ_PRODUCT_WIDTH;
}

static size_t in_lines(int64_t count, size_t size) { return ((size_t)count * size + 63) / 64 * 64; }

/* Divides scratch, and returns its size in bytes; all ops take the most that any needs. */
static size_t divide(const vj_convolution *c, const frame *f, char *scratch, work *w) {
  const int64_t taps = tap_count(c) * larger(c->channels, c->out) + c->channels, pixels = tile_pixels(c, f),
                weights = larger(c->patch * c->out, c->channels * narrow_width(c));
  size_t at[6] = {0}, end = 0;
  const size_t sizes[6] = {in_lines(pixels, sizeof(int32_t)),
                           in_lines(taps, sizeof(int32_t)),
                           in_lines(larger(pixels, taps), sizeof(int32_t)),
                           in_lines(frame_numbers(f), sizeof(vj_real)),
                           in_lines(weights, sizeof(vj_real)),
                           in_lines(c->patch * c->out, sizeof(double))};
  for (int i = 0; i < 6; i++) {
    at[i] = end;
    end += sizes[i];
  }
  if (scratch)
    *w = (work){(int32_t *)(scratch + at[0]), (int32_t *)(scratch + at[1]), (int32_t *)(scratch + at[2]),
                (vj_real *)(scratch + at[3]), (vj_real *)(scratch + at[4]), (double *)(scratch + at[5])};
  return end;
}

/* Places are 32 bits wide. */
static bool fits(const vj_convolution *c, const frame *f) {
  return c->groups == 1 && frame_numbers(f) < INT32_MAX && tile_pixels(c, f) * larger(c->channels, c->out) < INT32_MAX;
}

static work work_of(const vj_call *call, const frame *f) {
  work w;
  divide(call->node->attributes, f, call->scratch, &w);
  memset(w.tile, 0, (size_t)frame_numbers(f) * sizeof *w.tile);
  return w;
}

/* --- lists of places ------------------------------------------------------------------------------------------- */

/* Where output pixels begin in a tile of x. */
static void list_output_pixels(const vj_convolution *c, const frame *f, int32_t *pixel) {
  for (int64_t image = 0; image < f->images; image++)
    for (int64_t y = 0; y < c->out_height; y++)
      for (int64_t x = 0; x < c->out_width; x++)
        *pixel++ = (int32_t)(((image * f->height + y * c->stride[0]) * f->width + x * c->stride[1]) * f->channels);
}

/* From there, the places of (ky, kx, channel). */
static void list_taps(const vj_convolution *c, const frame *f, int32_t *tap) {
  for (int64_t ky = 0; ky < c->kernel[0]; ky++)
    for (int64_t kx = 0; kx < c->kernel[1]; kx++)
      for (int64_t i = 0; i < f->channels; i++)
        *tap++ = (int32_t)((ky * c->dilation[0] * f->width + kx * c->dilation[1]) * f->channels + i);
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

/* --- the ops --------------------------------------------------------------------------------------------------- */

static void transpose(const vj_real *from, int64_t rows, int64_t columns, vj_real *to) {
  for (int64_t r = 0; r < rows; r++)
    for (int64_t k = 0; k < columns; k++) to[k * rows + r] = from[r * columns + k];
}

/* inputs x, weight, bias (may be NULL) */
static void forward_run(const vj_call *call) {
  const vj_convolution *c = call->node->attributes;
  const frame f = input_frame(c, c->channels);
  const int64_t image_in = c->height * c->width * c->channels, image_out = c->out_height * c->out_width;
  const work w = work_of(call, &f);
  list_output_pixels(c, &f, w.pixel);
  list_taps(c, &f, w.tap);
  list_multiples(f.images * image_out, c->out, w.place);
  transpose(call->in[1], c->out, c->patch, w.weight);
  for (int64_t first = 0; first < c->images; first += f.images) {
    const int64_t images = c->images - first < f.images ? c->images - first : f.images;
    copy_images(&f, call->in[0] + first * image_in, images, c->height, c->width, w.tile);
    vj_indexed_product_run(&(vj_indexed_product){.a = w.tile,
                                                 .row = w.pixel,
                                                 .column = w.tap,
                                                 .rows = images * image_out,
                                                 .depth = c->patch,
                                                 .b = w.weight,
                                                 .pitch = c->out,
                                                 .width = c->out,
                                                 .start = call->in[2],
                                                 .c = call->out[0] + first * image_out * c->out,
                                                 .place = w.place});
  }
}

/* inputs dy, weight */
static void input_gradient_run(const vj_call *call) {
  const vj_convolution *c = call->node->attributes;
  const frame f = output_frame(c);
  const int64_t image_in = c->height * c->width * c->channels, image_out = c->out_height * c->out_width * c->out;
  const work w = work_of(call, &f);
  for (int64_t k = 0; k < c->stride[0] * c->stride[1]; k++) {
    const int64_t by[2] = {k / c->stride[1], k % c->stride[1]};
    const int64_t pixels = list_input_pixels(c, &f, by, w.pixel, w.place);
    const int64_t taps = list_taps_back(c, &f, by, call->in[1], w.tap, w.weight);
    for (int64_t first = 0; first < c->images; first += f.images) {
      const int64_t images = c->images - first < f.images ? c->images - first : f.images;
      copy_images(&f, call->in[0] + first * image_out, images, c->out_height, c->out_width, w.tile);
      vj_indexed_product_run(&(vj_indexed_product){.a = w.tile,
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

static void add_to_sums(const vj_real *part, int64_t count, double *sums) {
  for (int64_t i = 0; i < count; i++) sums[i] += (double)part[i];
}

/* inputs dy, x */
static void weight_gradient_reduce(const vj_call *call) {
  const vj_convolution *c = call->node->attributes;
  const frame f = input_frame(c, c->channels);
  const int64_t image_in = c->height * c->width * c->channels, image_out = c->out_height * c->out_width;
  const work w = work_of(call, &f);
  memset(w.sums, 0, (size_t)(c->patch * c->out) * sizeof *w.sums);
  list_output_pixels(c, &f, w.pixel);
  list_taps(c, &f, w.tap);
  list_multiples(c->patch, c->out, w.place);
  for (int64_t first = 0; first < c->images; first += f.images) {
    const int64_t images = c->images - first < f.images ? c->images - first : f.images;
    copy_images(&f, call->in[1] + first * image_in, images, c->height, c->width, w.tile);
    vj_indexed_product_run(&(vj_indexed_product){.a = w.tile,
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

/* --- few output channels, stride 1 ----------------------------------------------------------------------------- */

/* y [images,H',W',O] = bias + for each tap what the input pixels' products hold for it, `width` numbers a pixel. */
static void add_taps(const vj_convolution *c, const frame *f, const int32_t *tap, int64_t images, const vj_real *tile,
                     const vj_real *bias, vj_real *y) {
  const int64_t taps = tap_count(c);
  for (int64_t image = 0; image < images; image++)
    for (int64_t oy = 0; oy < c->out_height; oy++)
      for (int64_t ox = 0; ox < c->out_width; ox++, y += c->out) {
        const vj_real *from = tile + ((image * f->height + oy) * f->width + ox) * f->channels;
        for (int64_t o = 0; o < c->out; o++) {
          vj_real sum = 0;
          for (int64_t k = 0; k < taps; k++) sum += from[tap[k] + o];
          y[o] = bias ? sum + bias[o] : sum;
        }
      }
}

/* weight [O,taps,C] -> [C,width], columns (tap, o), then zeros */
static void arrange_narrow(const vj_convolution *c, const vj_real *weight, vj_real *arranged) {
  const int64_t width = narrow_width(c), taps = tap_count(c);
  memset(arranged, 0, (size_t)(c->channels * width) * sizeof *arranged);
  for (int64_t o = 0; o < c->out; o++)
    for (int64_t k = 0; k < taps; k++)
      for (int64_t i = 0; i < c->channels; i++)
        arranged[i * width + k * c->out + o] = weight[(o * taps + k) * c->channels + i];
}

/* The taps' places in a tile of products, and where each input pixel's go. */
static void list_narrow(const vj_convolution *c, const frame *f, int32_t *tap, int32_t *place) {
  for (int64_t ky = 0; ky < c->kernel[0]; ky++)
    for (int64_t kx = 0; kx < c->kernel[1]; kx++)
      *tap++ = (int32_t)((ky * c->dilation[0] * f->width + kx * c->dilation[1]) * f->channels +
                         (ky * c->kernel[1] + kx) * c->out);
  for (int64_t image = 0; image < f->images; image++)
    for (int64_t y = 0; y < c->height; y++)
      for (int64_t x = 0; x < c->width; x++)
        *place++ = (int32_t)(((image * f->height + f->top + y) * f->width + f->left + x) * f->channels);
}

/* inputs x, weight, bias (may be NULL) */
static void narrow_forward_run(const vj_call *call) {
  const vj_convolution *c = call->node->attributes;
  const frame f = input_frame(c, narrow_width(c));
  const int64_t pixels = c->height * c->width, image_out = c->out_height * c->out_width * c->out;
  const work w = work_of(call, &f);
  int32_t *channel = w.tap + tap_count(c);
  list_narrow(c, &f, w.tap, w.place);
  list_multiples(f.images * pixels, c->channels, w.pixel);
  list_multiples(c->channels, 1, channel);
  arrange_narrow(c, call->in[1], w.weight);
  for (int64_t first = 0; first < c->images; first += f.images) {
    const int64_t images = c->images - first < f.images ? c->images - first : f.images;
    vj_indexed_product_run(&(vj_indexed_product){.a = call->in[0] + first * pixels * c->channels,
                                                 .row = w.pixel,
                                                 .column = channel,
                                                 .rows = images * pixels,
                                                 .depth = c->channels,
                                                 .b = w.weight,
                                                 .pitch = f.channels,
                                                 .width = f.channels,
                                                 .c = w.tile,
                                                 .place = w.place});
    add_taps(c, &f, w.tap, images, w.tile, call->in[2], call->out[0] + first * image_out);
  }
}

/* inputs dy, x */
static void narrow_weight_gradient_reduce(const vj_call *call) {
  const vj_convolution *c = call->node->attributes;
  const frame f = output_frame(c);
  const int64_t image_in = c->height * c->width, image_out = c->out_height * c->out_width * c->out;
  const int64_t taps = tap_count(c), by[2] = {0, 0};
  const work w = work_of(call, &f);
  memset(w.sums, 0, (size_t)(c->patch * c->out) * sizeof *w.sums);
  list_input_pixels(c, &f, by, w.pixel, w.place);
  list_taps_back(c, &f, by, NULL, w.tap, NULL);
  for (int64_t k = 0; k < taps; k++)
    for (int64_t o = 0; o < c->out; o++) w.place[k * c->out + o] = (int32_t)((o * taps + k) * c->channels);
  for (int64_t first = 0; first < c->images; first += f.images) {
    const int64_t images = c->images - first < f.images ? c->images - first : f.images;
    copy_images(&f, call->in[0] + first * image_out, images, c->out_height, c->out_width, w.tile);
    vj_indexed_product_run(&(vj_indexed_product){.a = w.tile,
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

/* --- which ----------------------------------------------------------------------------------------------------- */

static size_t input_frame_bytes(const vj_convolution *c) {
  const frame f = input_frame(c, c->channels);
  return divide(c, &f, NULL, NULL);
}

static size_t output_frame_bytes(const vj_convolution *c) {
  const frame f = output_frame(c);
  return divide(c, &f, NULL, NULL);
}

static size_t narrow_frame_bytes(const vj_convolution *c) {
  const frame f = input_frame(c, narrow_width(c));
  return divide(c, &f, NULL, NULL);
}

static bool fills_vectors(int64_t channels) { return channels % VJ_PRODUCT_WIDTH == 0; }

static bool is_narrow(const vj_convolution *c) {
  return c->stride[0] == 1 && c->stride[1] == 1 && tap_count(c) * c->out <= NARROW_TAPS;
}

const vj_conv2d_way *vj_conv2d_direct(const vj_convolution *c) {
  static const vj_conv2d_way wide = {forward_run, input_frame_bytes}, narrow = {narrow_forward_run, narrow_frame_bytes};
  const frame f = input_frame(c, c->channels), products = input_frame(c, narrow_width(c));
  if (fills_vectors(c->out) && fits(c, &f)) return &wide;
  return is_narrow(c) && fits(c, &products) ? &narrow : NULL;
}

const vj_conv2d_way *vj_conv2d_input_gradient_direct(const vj_convolution *c) {
  static const vj_conv2d_way way = {input_gradient_run, output_frame_bytes};
  const frame f = output_frame(c);
  return fills_vectors(c->channels) && fits(c, &f) ? &way : NULL;
}

const vj_conv2d_way *vj_conv2d_weight_gradient_direct(const vj_convolution *c) {
  static const vj_conv2d_way wide = {weight_gradient_reduce, input_frame_bytes},
                             narrow = {narrow_weight_gradient_reduce, output_frame_bytes};
  const frame of_x = input_frame(c, c->channels), of_dy = output_frame(c);
  if (fills_vectors(c->out) && fits(c, &of_x)) return &wide;
  return is_narrow(c) && fills_vectors(c->channels) && fits(c, &of_dy) ? &narrow : NULL;
}
