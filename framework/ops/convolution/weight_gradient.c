/* dweight of a convolution: for every tap, the product of dy with the pixels that the tap reads, over all pixels of the
 * shard. A pair of matrices is a line of y; some lines are one product, and these are added in double (long_sum.h).
 *
 * Columns are input channels; where these are few, they are output channels, and the rows patches. */
#include <string.h>

#include "framework/base/prefetch.h"
#include "framework/graph/plan.h"
#include "framework/ops/convolution/patches.h"
#include "framework/ops/product/bf16.h"
#include "framework/ops/product/long_sum.h"

static const vj_convolution *conv_of(const vj_node *node) { return node->attributes; }
static double flops(const vj_node *node) { return vj_convolution_flops(conv_of(node)); }
static double flops_done(const vj_node *node) { return vj_convolution_flops_inside(conv_of(node)); }

static bool by_patches(const vj_convolution *c) { return c->channels / c->groups < VJ_PATCH_CHANNELS; }

/* What one product is over: lines of y of whole images, or some lines of one. */
typedef struct stretch {
  int64_t images, lines;
} stretch;

static stretch stretch_of(const vj_convolution *c) {
  const int64_t fits = VJ_SUM_TERMS / c->out_width, lines = fits < 1 ? 1 : fits;
  if (lines < c->out_height) return (stretch){1, lines};
  const int64_t images = lines / c->out_height < c->images ? lines / c->out_height : c->images;
  return (stretch){images, images * c->out_height};
}

/* Of one tap of the width, for `rows` output channels. */
static const vj_product *tap_product(const vj_convolution *c, int64_t tx, int64_t rows) {
  const vj_axis axis = vj_convolution_axis(c, 1);
  int64_t begin, end;
  vj_axis_tap(&axis, tx, &begin, &end);
  return vj_product_find(&(vj_product_shape){.rows = rows,
                                             .columns = c->channels / c->groups,
                                             .depth = end - begin,
                                             .a_pitch = c->out,
                                             .b_pitch = c->stride[1] * c->channels,
                                             .c_pitch = c->channels / c->groups,
                                             .a_transposed = true});
}

static const vj_product *patch_product(const vj_convolution *c, int64_t lines, int64_t columns) {
  return vj_product_find(&(vj_product_shape){.rows = vj_patch_numbers(c),
                                             .columns = columns,
                                             .depth = lines * c->out_width,
                                             .a_pitch = vj_patch_numbers(c),
                                             .b_pitch = c->out,
                                             .c_pitch = columns,
                                             .a_transposed = true});
}

/* --- one range of output channels of one group ------------------------------------------------------------------- */

typedef struct range {
  int64_t group, begin, count; /* of output channels, counted over all groups */
} range;

typedef struct workspace {
  double *total;  /* [taps,count,C/groups], or [patch,count] */
  vj_real *part;  /* the same of one tap, or of all of them with patches */
  vj_real *patch; /* patches of some lines */
  vj_real *x;     /* images that went through their map */
  vj_real *dy;    /* that was bf16 */
  uint64_t *dy_at, *x_at;
  vj_prefetch next_dy, next_x; /* what the next products read */
} workspace;

static size_t rounded(size_t bytes) { return (bytes + 63) / 64 * 64; }

static size_t workspace_in(const vj_convolution *c, int64_t count, bool half, void *room, workspace *w) {
  const size_t numbers = (size_t)(count * vj_patch_numbers(c)), lines = (size_t)stretch_of(c).lines;
  const size_t mapped = c->mapped ? (size_t)(stretch_of(c).images * c->height * c->width * c->channels) : 0;
  const size_t patch = by_patches(c) ? lines * (size_t)(c->out_width * vj_patch_numbers(c)) : 0;
  const size_t widened = half ? (size_t)(stretch_of(c).images * c->out_height * c->out_width * c->out) : 0;
  const size_t bytes[] = {rounded(numbers * sizeof(double)), rounded(numbers * sizeof(vj_real)),
                          rounded(patch * sizeof(vj_real)),  rounded(mapped * sizeof(vj_real)),
                          rounded(lines * sizeof(uint64_t)), rounded(lines * sizeof(uint64_t)),
                          rounded(widened * sizeof(vj_real))};
  void *at[7] = {0};
  size_t total = 0;
  for (int i = 0; i < 7; i++) {
    if (room) at[i] = (char *)room + total;
    total += bytes[i];
  }
  if (room)
    *w = (workspace){
        .total = at[0], .part = at[1], .patch = at[2], .x = at[3], .dy_at = at[4], .x_at = at[5], .dy = at[6]};
  return total;
}

/* Lines first..first+lines-1 that a tap of the height reads at all: where dy and x begin. */
static int64_t list_lines(const vj_convolution *c, int64_t ty, int64_t first, int64_t lines, workspace *w) {
  int64_t count = 0;
  for (int64_t line = first; line < first + lines; line++) {
    const int64_t y = line % c->out_height * c->stride[0] - c->padding[0] + ty * c->dilation[0];
    if (y < 0 || y >= c->height) continue;
    w->dy_at[count] = (uint64_t)(line * c->out_width * c->out) * sizeof(vj_real);
    w->x_at[count++] = (uint64_t)((line / c->out_height * c->height + y) * c->width * c->channels) * sizeof(vj_real);
  }
  return count;
}

static void add_taps(const vj_convolution *c, const range *r, const vj_real *dy, const vj_real *x, int64_t first,
                     int64_t lines, workspace *w) {
  const int64_t channels = c->channels / c->groups, numbers = r->count * channels;
  const vj_axis axis = vj_convolution_axis(c, 1);
  for (int64_t ty = 0; ty < c->kernel[0]; ty++) {
    const int64_t pairs = list_lines(c, ty, first, lines, w);
    for (int64_t tx = 0; tx < c->kernel[1] && pairs; tx++) {
      int64_t begin, end;
      vj_axis_tap(&axis, tx, &begin, &end);
      if (begin == end) continue;
      const int64_t column = begin * c->stride[1] - c->padding[1] + tx * c->dilation[1];
      vj_product_run(tap_product(c, tx, r->count), pairs, dy + begin * c->out + r->begin, w->dy_at,
                     x + column * c->channels + r->group * channels, w->x_at, w->part);
      vj_long_sum_add(w->total + (ty * c->kernel[1] + tx) * numbers, w->part, numbers);
      vj_prefetch_piece(&w->next_dy);
      vj_prefetch_piece(&w->next_x);
    }
  }
}

static void add_patches(const vj_convolution *c, const range *r, const vj_real *dy, const vj_real *x, int64_t first,
                        int64_t lines, workspace *w) {
  vj_patches_gather(c, x, r->group, first, lines, w->patch);
  vj_product_once(patch_product(c, lines, r->count), w->patch, dy + first * c->out_width * c->out + r->begin, w->part);
  vj_long_sum_add(w->total, w->part, r->count * vj_patch_numbers(c));
}

/* From the order in which sums are kept to [count,taps,C/groups]. */
static void write_part(const vj_convolution *c, const range *r, const double *total, vj_real *part) {
  const int64_t channels = c->channels / c->groups, taps = c->kernel[0] * c->kernel[1], patch = taps * channels;
  for (int64_t o = 0; o < r->count; o++)
    for (int64_t tap = 0; tap < taps; tap++) {
      vj_real *to = part + o * patch + tap * channels;
      if (by_patches(c))
        for (int64_t i = 0; i < channels; i++) to[i] = (vj_real)total[(tap * channels + i) * r->count + o];
      else
        vj_long_sum_finish(total + (tap * r->count + o) * channels, to, channels);
    }
}

/* Images image..image+images-1, whose numbers are at x. */
static void add_images(const vj_convolution *c, const range *r, const vj_real *dy, const vj_real *x, int64_t images,
                       workspace *w) {
  const int64_t all = images * c->out_height, lines = stretch_of(c).lines;
  for (int64_t first = 0; first < all; first += lines)
    (by_patches(c) ? add_patches : add_taps)(c, r, dy, x, first, all - first < lines ? all - first : lines, w);
}

static void sum_range(const vj_convolution *c, const range *r, const vj_call *call, workspace *w) {
  const int64_t patch = vj_patch_numbers(c), pixels = c->height * c->width, step = stretch_of(c).images;
  const bool half = call->node->inputs[0]->half;
  memset(w->total, 0, (size_t)(r->count * patch) * sizeof *w->total);
  for (int64_t image = 0; image < c->images; image += step) {
    const int64_t images = c->images - image < step ? c->images - image : step;
    const vj_real *x = call->in[1] + image * pixels * c->channels;
    const int64_t after = image + images, next = c->images - after < step ? c->images - after : step;
    const int64_t y_image = c->out_height * c->out_width * c->out;
    const size_t taps = (size_t)(c->kernel[0] * c->kernel[1]);
    w->next_x = vj_prefetch_of(call->in[1] + after * pixels * c->channels,
                               (size_t)(next * pixels * c->channels) * sizeof(vj_real), taps);
    const void *dy = vj_numbers_from(call->in[0], half, image * y_image);
    w->next_dy = vj_prefetch_of(vj_numbers_from(call->in[0], half, after * y_image),
                                (size_t)(next * y_image * vj_number_bytes(half)), taps);
    if (c->mapped) vj_convolution_map(c, x, call->in[2], call->in[3], images, w->x);
    if (half) vj_bf16_widen(dy, images * y_image, w->dy);
    add_images(c, r, half ? w->dy : dy, c->mapped ? w->x : x, images, w);
  }
  write_part(c, r, w->total, call->part + (r->begin - call->begin) * patch);
}

/* The output channels from `begin` on that are of one group and before `end`. */
static range range_from(const vj_convolution *c, int64_t begin, int64_t end) {
  const int64_t out = c->out / c->groups, group = begin / out, last = (group + 1) * out;
  return (range){group, begin, (end < last ? end : last) - begin};
}

/* inputs dy (may be bf16, which says nothing of the products), x, scale and shift where x goes through a map */
static void reduce(const vj_call *call) {
  const vj_convolution *c = conv_of(call->node);
  for (int64_t begin = call->begin; begin < call->end;) {
    const range r = range_from(c, begin, call->end);
    workspace w = {0};
    workspace_in(c, r.count, call->node->inputs[0]->half, call->scratch, &w);
    sum_range(c, &r, call, &w);
    begin += r.count;
  }
}

static size_t scratch_bytes(const vj_node *node) {
  const vj_convolution *c = conv_of(node);
  const int64_t rows = vj_plan_rows(node), out = c->out / c->groups;
  return workspace_in(c, rows < out ? rows : out, node->inputs[0]->half, NULL, NULL);
}

static unsigned halves(const vj_node *node) {
  (void)node;
  return VJ_INPUT(0);
}

const vj_op vj_op_conv2d_weight_gradient = {.name = "conv2d_weight_gradient",
                                            .summary = "dweight = dy' x for every tap, summed over the batch",
                                            .form = VJ_WEIGHT,
                                            .splits_rows = true,
                                            .reduce = reduce,
                                            .halves = halves,
                                            .scratch_bytes = scratch_bytes,
                                            .flops = flops,
                                            .flops_done = flops_done};

/* Makes the kernels now. */
static bool find_products(vj_graph *graph, const vj_convolution *c, int64_t rows_at_once) {
  for (int64_t begin = 0; begin < c->out;) {
    const int64_t end = begin / rows_at_once * rows_at_once + rows_at_once;
    const range r = range_from(c, begin, end < c->out ? end : c->out);
    bool found = true;
    if (by_patches(c)) {
      const stretch one = stretch_of(c);
      const int64_t last = c->images % one.images * c->out_height, end_of_image = c->out_height % one.lines;
      found = patch_product(c, one.lines, r.count) && (last == 0 || patch_product(c, last, r.count)) &&
              (end_of_image == 0 || one.images > 1 || patch_product(c, end_of_image, r.count));
    } else {
      for (int64_t tx = 0; tx < c->kernel[1]; tx++) found = found && tap_product(c, tx, r.count);
    }
    if (!found) {
      vj_graph_fail(graph, VJ_MEMORY, "%s", vj_error_message());
      return false;
    }
    begin += r.count;
  }
  return true;
}

vj_var *vj_convolution_weight_gradient(vj_graph *graph, const vj_convolution_inputs *inputs, const vj_shape *weight,
                                       const vj_convolution *c) {
  if (c->bf16) return vj_convolution_weight_gradient_bf16(graph, inputs, weight, c);
  vj_var *list[] = {inputs->dy, inputs->x, inputs->scale, inputs->shift};
  vj_node *node = vj_node_create(graph, &vj_op_conv2d_weight_gradient, list, 4, 2, c, sizeof *c);
  vj_var *dw = vj_node_output(graph, node, false, weight);
  return dw && find_products(graph, c, vj_plan_rows(node)) ? dw : NULL;
}
