/* dweight in bf16: as weight_gradient.c has it, but a product's terms are pixels in pairs. Of some lines of y, dy is
 * turned to [O,pixels], and of x the pixels that one tap reads are laid in pairs, zeros where they are outside. Lines
 * of odd length end with a zero. Linear maps are one line of all their rows, some rows at a time. */
#include <string.h>

#include "framework/graph/plan.h"
#include "framework/ops/product/bf16.h"
#include "framework/ops/convolution/conv2d.h"
#include "framework/ops/product/long_sum.h"

/* What one product is over: `lines` lines of y of `width` pixels, in `pairs` pairs of pixels each. */
typedef struct stretch {
  int64_t lines, width, pairs;
} stretch;

typedef struct workspace {
  double *total;  /* [taps,count,C/groups] */
  vj_real *part;  /* of one tap */
  uint32_t *dy;   /* [count,lines,pairs] */
  uint32_t *x;    /* [lines,pairs,C/groups] */
  uint32_t *rows; /* [lines pairs,count]: dy before it is turned */
  uint16_t *zeros;
  uint64_t *dy_at, *x_at;
  uint16_t *mapped; /* images that went through their map */
} workspace;

static size_t workspace_in(const stretch *s, int64_t taps, int64_t count, int64_t channels, int64_t mapped, void *room,
                           workspace *w) {
  const int64_t pairs = s->lines * s->pairs, most = count > channels ? count : channels;
  const size_t bytes[] = {(size_t)(taps * count * channels) * sizeof(double),
                          (size_t)(count * channels) * sizeof(vj_real),
                          (size_t)(pairs * count) * sizeof(uint32_t),
                          (size_t)(pairs * channels) * sizeof(uint32_t),
                          (size_t)(pairs * count) * sizeof(uint32_t),
                          (size_t)most * sizeof(uint16_t),
                          (size_t)s->lines * sizeof(uint64_t),
                          (size_t)s->lines * sizeof(uint64_t),
                          (size_t)mapped * sizeof(uint16_t)};
  void *at[9] = {0};
  size_t total = 0;
  for (int i = 0; i < 9; i++) {
    if (room) at[i] = (char *)room + total;
    total += (bytes[i] + 63) / 64 * 64;
  }
  if (room) {
    *w = (workspace){at[0], at[1], at[2], at[3], at[4], at[5], at[6], at[7], at[8]};
    memset(w->zeros, 0, bytes[5]);
  }
  return total;
}

static const vj_product *product_of(const stretch *s, int64_t count, int64_t channels) {
  return vj_product_find(&(vj_product_shape){.rows = count,
                                             .columns = channels,
                                             .depth = 2 * s->pairs,
                                             .a_pitch = 2 * s->lines * s->pairs,
                                             .b_pitch = channels,
                                             .c_pitch = channels,
                                             .bf16 = true});
}

/* --- convolutions ------------------------------------------------------------------------------------------------ */

static const vj_convolution *conv_of(const vj_node *node) { return node->attributes; }
static double flops(const vj_node *node) { return vj_convolution_flops(conv_of(node)); }
static double flops_done(const vj_node *node) { return vj_convolution_flops_inside(conv_of(node)); }

/* Lines of y of whole images, or some lines of one. */
static int64_t lines_at_once(const vj_convolution *c) {
  const int64_t fits = VJ_SUM_TERMS / c->out_width, lines = fits < 1 ? 1 : fits;
  if (lines < c->out_height) return lines;
  const int64_t images = lines / c->out_height < c->images ? lines / c->out_height : c->images;
  return images * c->out_height;
}

static stretch stretch_of(const vj_convolution *c, int64_t lines) {
  return (stretch){lines, c->out_width, (c->out_width + 1) / 2};
}

static int64_t images_at_once(const vj_convolution *c) {
  const int64_t images = lines_at_once(c) / c->out_height;
  return images < 1 ? 1 : images;
}

static int64_t mapped_numbers(const vj_convolution *c) {
  return c->mapped ? images_at_once(c) * c->height * c->width * c->channels : 0;
}

/* dy of output channels begin..begin+count-1, from pixel `at` of each line on, turned. */
static void turn_dy(const stretch *s, const uint16_t *dy, int64_t pitch, int64_t count, workspace *w) {
  for (int64_t line = 0; line < s->lines; line++)
    for (int64_t p = 0; p < s->pairs; p++) {
      const uint16_t *first = dy + (line * s->width + 2 * p) * pitch;
      vj_bf16_pair(first, 2 * p + 1 < s->width ? first + pitch : w->zeros, w->rows + (line * s->pairs + p) * count,
                   count);
    }
  vj_bf16_transpose_pairs(w->rows, s->lines * s->pairs, count, w->dy, s->lines * s->pairs);
}

static const uint16_t *pixel_of(const vj_convolution *c, const uint16_t *row, int64_t tx, int64_t ox,
                                const workspace *w) {
  const int64_t at = ox * c->stride[1] - c->padding[1] + tx * c->dilation[1];
  return ox < c->out_width && at >= 0 && at < c->width ? row + at * c->channels : w->zeros;
}

/* What one tap reads for the lines from `first` on: how many lines that are. */
static int64_t lay_x(const vj_convolution *c, const stretch *s, const uint16_t *x, int64_t first, int64_t ty,
                     int64_t tx, workspace *w) {
  const int64_t channels = c->channels / c->groups;
  int64_t count = 0;
  for (int64_t line = 0; line < s->lines; line++) {
    const int64_t image = (first + line) / c->out_height, oy = (first + line) % c->out_height;
    const int64_t y = oy * c->stride[0] - c->padding[0] + ty * c->dilation[0];
    if (y < 0 || y >= c->height) continue;
    const uint16_t *row = x + (image * c->height + y) * c->width * c->channels;
    uint32_t *to = w->x + count * s->pairs * channels;
    for (int64_t p = 0; p < s->pairs; p++)
      vj_bf16_pair(pixel_of(c, row, tx, 2 * p, w), pixel_of(c, row, tx, 2 * p + 1, w), to + p * channels, channels);
    w->dy_at[count] = (uint64_t)(line * s->pairs) * sizeof(uint32_t);
    w->x_at[count] = (uint64_t)(count * s->pairs * channels) * sizeof(uint32_t);
    count++;
  }
  return count;
}

/* Lines first..first+s->lines-1 of the images whose numbers are at dy and x. */
static void add_stretch(const vj_convolution *c, const stretch *s, const uint16_t *dy, const uint16_t *x, int64_t first,
                        int64_t count, workspace *w) {
  const int64_t taps = c->kernel[0] * c->kernel[1], channels = c->channels / c->groups;
  const vj_product *product = product_of(s, count, channels);
  turn_dy(s, dy + first * c->out_width * c->out, c->out, count, w);
  for (int64_t tap = 0; tap < taps; tap++) {
    const int64_t lines = lay_x(c, s, x, first, tap / c->kernel[1], tap % c->kernel[1], w);
    if (lines == 0) continue;
    vj_product_run(product, lines, w->dy, w->dy_at, w->x, w->x_at, w->part);
    vj_long_sum_add(w->total + tap * count * channels, w->part, count * channels);
  }
}

/* Output channels begin..begin+count-1, of one group. */
static void sum_range(const vj_call *call, int64_t begin, int64_t count) {
  const vj_convolution *c = conv_of(call->node);
  const int64_t taps = c->kernel[0] * c->kernel[1], channels = c->channels / c->groups, numbers = count * channels;
  const int64_t group = begin / (c->out / c->groups), pixels = c->height * c->width, once = lines_at_once(c);
  const stretch most = stretch_of(c, once);
  workspace w = {0};
  workspace_in(&most, taps, count, channels, mapped_numbers(c), call->scratch, &w);
  memset(w.total, 0, (size_t)(taps * numbers) * sizeof *w.total);
  for (int64_t image = 0; image < c->images; image += images_at_once(c)) {
    const int64_t left = c->images - image, images = left < images_at_once(c) ? left : images_at_once(c);
    const int64_t all = images * c->out_height;
    const bool half = call->node->inputs[1]->half;
    const void *x = vj_numbers_from(call->in[1], half, image * pixels * c->channels);
    if (c->mapped) vj_convolution_map_bf16(c, x, half, call->in[2], call->in[3], images, w.mapped);
    const uint16_t *dy = (const uint16_t *)(const void *)call->in[0] + image * c->out_height * c->out_width * c->out;
    for (int64_t first = 0; first < all; first += once) {
      const stretch s = stretch_of(c, all - first < once ? all - first : once);
      add_stretch(c, &s, dy + begin, (c->mapped ? w.mapped : (const uint16_t *)x) + group * channels, first, count, &w);
    }
  }
  for (int64_t o = 0; o < count; o++)
    for (int64_t tap = 0; tap < taps; tap++)
      vj_long_sum_finish(w.total + (tap * count + o) * channels,
                         call->part + ((begin - call->begin + o) * taps + tap) * channels, channels);
}

static int64_t group_end(const vj_convolution *c, int64_t begin, int64_t end) {
  const int64_t out = c->out / c->groups, last = (begin / out + 1) * out;
  return end < last ? end : last;
}

/* inputs dy in bf16, x in bf16, or x, scale and shift where it goes through a map */
static void reduce(const vj_call *call) {
  for (int64_t begin = call->begin; begin < call->end;) {
    const int64_t end = group_end(conv_of(call->node), begin, call->end);
    sum_range(call, begin, end - begin);
    begin = end;
  }
}

static size_t scratch_bytes(const vj_node *node) {
  const vj_convolution *c = conv_of(node);
  const int64_t rows = vj_plan_rows(node), out = c->out / c->groups;
  const stretch s = stretch_of(c, lines_at_once(c));
  return workspace_in(&s, c->kernel[0] * c->kernel[1], rows < out ? rows : out, c->channels / c->groups,
                      mapped_numbers(c), NULL, NULL);
}

static unsigned both_factors(const vj_node *node) {
  (void)node;
  return VJ_INPUT(0) | VJ_INPUT(1);
}

const vj_op vj_op_conv2d_weight_gradient_bf16 = {.name = "conv2d_weight_gradient_bf16",
                                                 .summary = "dweight = dy' x for every tap, of rounded numbers",
                                                 .form = VJ_WEIGHT,
                                                 .splits_rows = true,
                                                 .reduce = reduce,
                                                 .halves = both_factors,
                                                 .scratch_bytes = scratch_bytes,
                                                 .flops = flops,
                                                 .flops_done = flops_done};

vj_var *vj_convolution_weight_gradient_bf16(vj_graph *graph, const vj_convolution_inputs *inputs,
                                            const vj_shape *weight, const vj_convolution *c) {
  vj_var *list[] = {inputs->dy, inputs->x, inputs->scale, inputs->shift};
  vj_node *node = vj_node_create(graph, &vj_op_conv2d_weight_gradient_bf16, list, 4, 2, c, sizeof *c);
  vj_var *dw = vj_node_output(graph, node, false, weight);
  if (!dw) return NULL;
  const int64_t rows = vj_plan_rows(node), once = lines_at_once(c), channels = c->channels / c->groups;
  const int64_t ends[] = {once, images_at_once(c) * c->out_height % once,
                          c->images % images_at_once(c) * c->out_height % once};
  for (int64_t begin = 0; begin < c->out;) { /* makes the kernels now */
    const int64_t next = begin / rows * rows + rows, end = group_end(c, begin, next < c->out ? next : c->out);
    for (int i = 0; i < 3; i++) {
      const stretch s = stretch_of(c, ends[i]);
      if (ends[i] > 0 && !product_of(&s, end - begin, channels))
        return vj_graph_fail(graph, VJ_MEMORY, "%s", vj_error_message());
    }
    begin = end;
  }
  return dw;
}

/* --- linear maps ------------------------------------------------------------------------------------------------- */

typedef struct sizes {
  int64_t rows, in, out;
} sizes;

static const sizes *sizes_of(const vj_node *node) { return node->attributes; }

static double linear_flops(const vj_node *node) {
  const sizes *s = sizes_of(node);
  return 2.0 * (double)s->rows * (double)s->in * (double)s->out;
}

static stretch rows_of(const sizes *s, int64_t first) {
  const int64_t rows = s->rows - first < VJ_SUM_TERMS ? s->rows - first : VJ_SUM_TERMS;
  return (stretch){1, rows, (rows + 1) / 2};
}

/* inputs dy, x, both bf16; rows begin..end of the weight's gradient */
static void linear_reduce(const vj_call *call) {
  const sizes *z = sizes_of(call->node);
  const int64_t count = call->end - call->begin;
  const uint16_t *dy = (const uint16_t *)(const void *)call->in[0] + call->begin;
  const uint16_t *x = (const uint16_t *)(const void *)call->in[1];
  stretch s = rows_of(z, 0);
  workspace w = {0};
  workspace_in(&s, 1, count, z->in, 0, call->scratch, &w);
  const bool once = s.width == z->rows;
  if (!once) memset(w.total, 0, (size_t)(count * z->in) * sizeof *w.total);
  for (int64_t first = 0; first < z->rows; first += s.width) {
    s = rows_of(z, first);
    turn_dy(&s, dy + first * z->out, z->out, count, &w);
    for (int64_t p = 0; p < s.pairs; p++) {
      const uint16_t *row = x + (first + 2 * p) * z->in;
      vj_bf16_pair(row, 2 * p + 1 < s.width ? row + z->in : w.zeros, w.x + p * z->in, z->in);
    }
    vj_product_once(product_of(&s, count, z->in), w.dy, w.x, once ? call->part : w.part);
    if (!once) vj_long_sum_add(w.total, w.part, count * z->in);
  }
  if (!once) vj_long_sum_finish(w.total, call->part, count * z->in);
}

static size_t linear_scratch(const vj_node *node) {
  const sizes *z = sizes_of(node);
  const stretch s = rows_of(z, 0);
  return workspace_in(&s, 1, vj_plan_rows(node), z->in, 0, NULL, NULL);
}

const vj_op vj_op_linear_weight_gradient_bf16 = {.name = "linear_weight_gradient_bf16",
                                                 .summary = "dweight = dy' x of rounded numbers",
                                                 .form = VJ_WEIGHT,
                                                 .splits_rows = true,
                                                 .reduce = linear_reduce,
                                                 .halves = both_factors,
                                                 .scratch_bytes = linear_scratch,
                                                 .flops = linear_flops};

vj_var *vj_linear_weight_gradient_bf16(vj_graph *graph, const vj_convolution_inputs *inputs, const vj_shape *weight,
                                       const vj_convolution *c) {
  const sizes z = {c->height, c->channels, c->out};
  vj_node *node = vj_node_create(graph, &vj_op_linear_weight_gradient_bf16, (vj_var *[]){inputs->dy, inputs->x}, 2, 2,
                                 &z, sizeof z);
  vj_var *dw = vj_node_output(graph, node, false, weight);
  if (!dw) return NULL;
  const int64_t counts[] = {vj_plan_rows(node), z.out % vj_plan_rows(node)};
  const stretch whole = rows_of(&z, 0), last = rows_of(&z, z.rows - (z.rows - 1) % VJ_SUM_TERMS - 1);
  for (int i = 0; i < 2; i++)
    if (counts[i] > 0 && (!product_of(&whole, counts[i], z.in) || !product_of(&last, counts[i], z.in)))
      return vj_graph_fail(graph, VJ_MEMORY, "%s", vj_error_message());
  return dw;
}
