#include "framework/ops/convolution/narrow.h"

#include <string.h>

#include "framework/ops/convolution/patches.h"
#include "framework/ops/product/bf16.h"
#include "framework/ops/product/product.h"

/* Patches of some lines stay in the nearest cache. */
enum { PATCH_NUMBERS = 8 * 1024 };

struct vj_narrow {
  vj_convolution c;
  bool patches;
  int64_t lines;                  /* with patches: of y at once */
  const vj_product *whole, *rest; /* with patches: so many lines, and what is left at the end; else one line */
  int64_t padded[2];              /* of planes */
  uint64_t *weight_at, *plane_at; /* planes: where taps are, in bytes */
};

bool vj_narrow_wants_packed(const vj_convolution *c) { return c->channels / c->groups < VJ_PATCH_CHANNELS; }

bool vj_narrow_fits(const vj_convolution *c) {
  const bool planes = c->out / c->groups < VJ_PATCH_CHANNELS && c->stride[1] == 1 && c->out_width >= 8;
  return vj_narrow_wants_packed(c) || planes;
}

static const vj_product *patches_product(const vj_narrow *n, int64_t lines) {
  const vj_convolution *c = &n->c;
  return vj_product_find(&(vj_product_shape){.rows = lines * c->out_width,
                                             .columns = c->out / c->groups,
                                             .depth = vj_patch_numbers(c),
                                             .a_pitch = vj_patch_numbers(c),
                                             .b_pitch = c->out / c->groups,
                                             .c_pitch = c->out});
}

static const vj_product *plane_product(const vj_narrow *n) {
  const vj_convolution *c = &n->c;
  return vj_product_find(&(vj_product_shape){.rows = c->out / c->groups,
                                             .columns = c->out_width,
                                             .depth = c->channels / c->groups,
                                             .a_pitch = vj_patch_numbers(c),
                                             .b_pitch = n->padded[0] * n->padded[1],
                                             .c_pitch = c->out_height * c->out_width});
}

static bool plan_patches(vj_narrow *n) {
  const vj_convolution *c = &n->c;
  const int64_t all = c->images * c->out_height, fits = PATCH_NUMBERS / (c->out_width * vj_patch_numbers(c));
  n->lines = fits < 1 ? 1 : fits < all ? fits : all;
  n->whole = patches_product(n, n->lines);
  n->rest = all % n->lines ? patches_product(n, all % n->lines) : n->whole;
  return n->whole && n->rest;
}

static bool plan_planes(vj_graph *graph, vj_narrow *n) {
  const vj_convolution *c = &n->c;
  const int64_t taps = c->kernel[0] * c->kernel[1], channels = c->channels / c->groups;
  n->padded[0] = c->height + 2 * c->padding[0];
  n->padded[1] = c->width + 2 * c->padding[1];
  n->weight_at = vj_pool_take(graph->pool, (size_t)taps * sizeof *n->weight_at);
  n->plane_at = vj_pool_take(graph->pool, (size_t)taps * sizeof *n->plane_at);
  n->whole = plane_product(n);
  if (!n->weight_at || !n->plane_at) return false;
  for (int64_t tap = 0; tap < taps; tap++) {
    const int64_t y = tap / c->kernel[1] * c->dilation[0], x = tap % c->kernel[1] * c->dilation[1];
    n->weight_at[tap] = (uint64_t)(tap * channels) * sizeof(vj_real);
    n->plane_at[tap] = (uint64_t)(y * n->padded[1] + x) * sizeof(vj_real);
  }
  return n->whole;
}

const vj_narrow *vj_narrow_plan(vj_graph *graph, const vj_convolution *c) {
  vj_narrow *n = vj_pool_take(graph->pool, sizeof *n);
  if (n) *n = (vj_narrow){.c = *c, .patches = vj_narrow_wants_packed(c)};
  if (n && (n->patches ? plan_patches(n) : plan_planes(graph, n))) return n;
  vj_graph_fail(graph, VJ_MEMORY, "no memory for the plan of a convolution");
  return NULL;
}

size_t vj_narrow_scratch_bytes(const vj_narrow *n) {
  const vj_convolution *c = &n->c;
  const int64_t numbers = n->patches
                              ? n->lines * c->out_width * (vj_patch_numbers(c) + c->out)
                              : c->channels * n->padded[0] * n->padded[1] + c->out * c->out_height * c->out_width;
  return (size_t)numbers * sizeof(vj_real);
}

bool vj_narrow_may_round(const vj_narrow *n) { return n->patches; }

/* Where y is bf16, sums are made behind the patches. */
static void run_patches(const vj_narrow *n, const vj_real *x, const vj_real *packed, const vj_real *bias, void *y,
                        bool half, vj_real *patches) {
  const vj_convolution *c = &n->c;
  const int64_t all = c->images * c->out_height, out = c->out / c->groups, patch = vj_patch_numbers(c);
  vj_real *aside = patches + n->lines * c->out_width * patch;
  for (int64_t first = 0; first < all; first += n->lines) {
    const int64_t lines = all - first < n->lines ? all - first : n->lines, pixels = lines * c->out_width;
    void *to = vj_room_from(y, half, first * c->out_width * c->out);
    vj_real *sums = half ? aside : to;
    for (int64_t g = 0; g < c->groups; g++) {
      vj_patches_gather(c, x, g, first, lines, patches);
      vj_product_once(lines == n->lines ? n->whole : n->rest, patches, packed + g * patch * out, sums + g * out);
    }
    if (bias) vj_add_row(bias, pixels, c->out, sums, c->out);
    if (half) vj_bf16_round(sums, 0, 1, pixels * c->out, to, 0);
  }
}

/* [H,W,C] to [C,H+2p,W+2p], of which the borders are zero already. */
static void spread_planes(const vj_narrow *n, const vj_real *image, vj_real *planes) {
  const vj_convolution *c = &n->c;
  for (int64_t y = 0; y < c->height; y++)
    vj_transpose(image + y * c->width * c->channels, c->width, c->channels, c->channels,
                 planes + (y + c->padding[0]) * n->padded[1] + c->padding[1], n->padded[0] * n->padded[1]);
}

static void run_planes(const vj_narrow *n, const vj_real *x, const vj_real *weight, const vj_real *bias, vj_real *y,
                       vj_real *planes) {
  const vj_convolution *c = &n->c;
  const int64_t plane = n->padded[0] * n->padded[1], pixels = c->out_height * c->out_width;
  const int64_t channels = c->channels / c->groups, out = c->out / c->groups, taps = c->kernel[0] * c->kernel[1];
  vj_real *sums = planes + c->channels * plane; /* [O,OH,OW] */
  memset(planes, 0, (size_t)(c->channels * plane) * sizeof *planes);
  for (int64_t image = 0; image < c->images; image++) {
    spread_planes(n, x + image * c->height * c->width * c->channels, planes);
    for (int64_t g = 0; g < c->groups; g++)
      for (int64_t oy = 0; oy < c->out_height; oy++)
        vj_product_run(n->whole, taps, weight + g * out * taps * channels, n->weight_at,
                       planes + g * channels * plane + oy * c->stride[0] * n->padded[1], n->plane_at,
                       sums + g * out * pixels + oy * c->out_width);
    vj_transpose(sums, c->out, pixels, pixels, y + image * pixels * c->out, c->out);
    if (bias) vj_add_row(bias, pixels, c->out, y + image * pixels * c->out, c->out);
  }
}

void vj_narrow_run(const vj_narrow *n, const vj_real *x, const vj_real *weight, const vj_real *bias, void *y, bool half,
                   vj_real *scratch) {
  if (n->patches)
    run_patches(n, x, weight, bias, y, half, scratch);
  else
    run_planes(n, x, weight, bias, y, scratch);
}
