/* dweight by minimal filtering: dg = G'[(A dy)(B'd)], where the product in the middle is, for every point, a product of
 * matrices over all tiles and positions. Some lines at a time are one product, and these are added in double
 * (long_sum.h). */
#include <string.h>

#include "framework/graph/plan.h"
#include "framework/ops/convolution/winograd_plan.h"
#include "framework/ops/product/long_sum.h"

typedef struct plan {
  vj_winograd w;
  int64_t lines; /* in one product */
} plan;

static const plan *plan_for(const vj_node *node) { return node->attributes; }
static double flops(const vj_node *node) { return vj_convolution_flops(&plan_for(node)->w.c); }
static double flops_done(const vj_node *node) { return vj_winograd_flops_done(&plan_for(node)->w); }

/* Of `lines` lines, for `count` output channels. */
static const vj_product *product_of(const plan *p, int64_t lines, int64_t count) {
  return vj_product_find(&(vj_product_shape){.rows = count,
                                             .columns = p->w.c.channels,
                                             .depth = lines * p->w.line,
                                             .a_pitch = count,
                                             .b_pitch = p->w.c.channels,
                                             .c_pitch = p->w.c.channels,
                                             .a_transposed = true});
}

typedef struct workspace {
  double *total;  /* [points,kw,count,C] */
  vj_real *part;  /* of one point and tap: [count,C] */
  vj_real *sums;  /* of one output channel, twice: [points,taps,C] */
  vj_real *v, *m; /* B'd [points,rows,C], A dy [points,rows,count] */
  vj_real *zeros; /* a line of them */
  vj_real *spare; /* with tiles along the width: a line transformed along the height */
} workspace;

static size_t workspace_in(const plan *p, int64_t count, void *room, workspace *w) {
  const int64_t channels = p->w.c.channels, rows = vj_winograd_rows(&p->w, p->lines),
                points = vj_winograd_points(&p->w);
  const int64_t total = points * p->w.taps * count * channels;
  const int64_t widest = channels > p->w.c.out ? channels : p->w.c.out;
  const int64_t sizes[] = {count * channels,         2 * points * p->w.taps * channels,
                           points * rows * channels, points * rows * count,
                           p->w.reach * widest,      p->w.tile_x > 1 ? p->w.points * p->w.reach * widest : 0};
  size_t bytes = (size_t)total * sizeof(double);
  vj_real *at[6] = {0};
  for (int i = 0; i < 6; i++) {
    if (room) at[i] = (vj_real *)(void *)((char *)room + bytes);
    bytes += ((size_t)sizes[i] * sizeof(vj_real) + 63) / 64 * 64;
  }
  if (room) {
    *w = (workspace){room, at[0], at[1], at[2], at[3], at[4], at[5]};
    memset(w->zeros, 0, (size_t)sizes[4] * sizeof *w->zeros);
  }
  return bytes;
}

/* A dy of one line along the height, of output channels first..first+count-1: to [points,pitch,count], zero behind the
 * line's positions. */
static void height_of_dy(const vj_winograd *p, const vj_real *dy, int64_t line, int64_t first, int64_t count,
                         const vj_real *zeros, int64_t pitch, vj_real *m) {
  const vj_winograd_place at = vj_winograd_place_of(p, line);
  const int64_t positions = vj_winograd_positions(p, at), whole = count == p->c.out ? positions : 1;
  const int64_t all = p->tile_x > 1 ? p->part : p->line;
  const vj_real *in[VJ_MOST_POINTS];
  vj_real *out[VJ_MOST_POINTS];
  for (int64_t j = 0; j < p->points; j++) {
    out[j] = m + j * pitch * count;
    memset(out[j] + positions * count, 0, (size_t)((all - positions) * count) * sizeof *m);
  }
  for (int64_t k = 0; k < positions; k += whole) {
    for (int64_t i = 0; i < p->tile; i++) {
      const int64_t place = vj_winograd_output(p, at, i);
      in[i] = place < 0 ? zeros : dy + place + k * p->c.out + first;
    }
    vj_minimal_gradients(p->tile, in, out, whole * count);
    for (int64_t j = 0; j < p->points; j++) out[j] += whole * count;
  }
}

/* The same along the width, from [points along the height,part,count]. */
static void width_of_dy(const vj_winograd *p, const vj_real *spare, int64_t count, int64_t pitch, vj_real *m) {
  for (int64_t j = 0; j < p->points; j++)
    for (int64_t t = 0; t < p->line; t++) {
      const vj_real *in[VJ_MOST_POINTS];
      vj_real *out[VJ_MOST_POINTS];
      for (int64_t i = 0; i < p->tile_x; i++) in[i] = spare + (j * p->part + t * p->tile_x + i) * count;
      for (int64_t i = 0; i < p->points_x; i++) out[i] = m + ((j * p->points_x + i) * pitch + t) * count;
      vj_minimal_gradients(p->tile_x, in, out, count);
    }
}

/* Lines begin..end-1. */
static void add_lines(const plan *p, const vj_call *call, int64_t begin, int64_t end, const workspace *w) {
  const vj_winograd *g = &p->w;
  const int64_t channels = g->c.channels, count = call->end - call->begin, kw = g->taps;
  const int64_t rows = vj_winograd_rows(g, p->lines), numbers = count * channels;
  const vj_winograd_source source = {call->in[1], call->in[2], call->in[3], w->zeros};
  const vj_product *product = product_of(p, end - begin, count);
  vj_winograd_transform(g, &source, begin, end, rows, w->v, w->spare);
  for (int64_t line = begin; line < end; line++) {
    vj_real *m = w->m + (line - begin) * g->line * count;
    const bool twice = g->tile_x > 1;
    height_of_dy(g, call->in[0], line, call->begin, count, w->zeros, twice ? g->part : rows, twice ? w->spare : m);
    if (twice) width_of_dy(g, w->spare, count, rows, m);
  }
  for (int64_t j = 0; j < vj_winograd_points(g); j++)
    for (int64_t k = 0; k < kw; k++) {
      vj_product_once(product, w->m + j * rows * count, w->v + (j * rows + k) * channels, w->part);
      vj_long_sum_add(w->total + (j * kw + k) * numbers, w->part, numbers);
    }
}

/* G' of one output channel: from sums [points,kw,C], or [points,points along the width,C], to [3,kw,C]. */
static void taps_of(const plan *p, const double *total, int64_t pitch, const workspace *w, vj_real *part) {
  const vj_winograd *g = &p->w;
  const int64_t channels = g->c.channels, kw = g->c.kernel[1], inner = g->taps * g->points_x;
  const vj_minimal *f = vj_minimal_of(g->tile);
  vj_real *rows = w->sums + vj_winograd_points(g) * g->taps * channels; /* [3,inner,C] */
  for (int64_t i = 0; i < g->points * inner; i++)
    vj_long_sum_finish(total + i * pitch, w->sums + i * channels, channels);
  for (int64_t t = 0; t < VJ_TAPS; t++)
    for (int64_t k = 0; k < inner; k++) {
      const vj_real *in[VJ_MOST_POINTS];
      for (int64_t j = 0; j < g->points; j++) in[j] = w->sums + (j * inner + k) * channels;
      vj_minimal_sum(f->g + t, VJ_TAPS, g->points, in,
                     g->tile_x > 1 ? rows + (t * inner + k) * channels : part + (t * kw + k) * channels, channels);
    }
  if (g->tile_x == 1) return;
  const vj_minimal *across = vj_minimal_of(g->tile_x);
  for (int64_t t = 0; t < VJ_TAPS; t++)
    for (int64_t k = 0; k < kw; k++) {
      const vj_real *in[VJ_MOST_POINTS];
      for (int64_t i = 0; i < inner; i++) in[i] = rows + (t * inner + i) * channels;
      vj_minimal_sum(across->g + k, VJ_TAPS, inner, in, part + (t * kw + k) * channels, channels);
    }
}

/* inputs dy, x, scale and shift where x goes through a map; rows begin..end of dweight [O,3,kw,C] */
static void reduce(const vj_call *call) {
  const plan *p = plan_for(call->node);
  const int64_t channels = p->w.c.channels, count = call->end - call->begin, all = vj_winograd_lines(&p->w);
  workspace w = {0};
  workspace_in(p, count, call->scratch, &w);
  memset(w.total, 0, (size_t)(vj_winograd_points(&p->w) * p->w.taps * count * channels) * sizeof *w.total);
  for (int64_t begin = 0; begin < all; begin += p->lines)
    add_lines(p, call, begin, begin + p->lines < all ? begin + p->lines : all, &w);
  for (int64_t o = 0; o < count; o++)
    taps_of(p, w.total + o * channels, count * channels, &w, call->part + o * VJ_TAPS * p->w.c.kernel[1] * channels);
}

static size_t scratch_bytes(const vj_node *node) {
  return workspace_in(plan_for(node), vj_plan_rows(node), NULL, NULL);
}

const vj_op vj_op_minimal_convolution_weight_gradient = {
    .name = "minimal_convolution_weight_gradient",
    .summary = "dweight by minimal filtering, summed over the batch",
    .form = VJ_WEIGHT,
    .splits_rows = true,
    .reduce = reduce,
    .scratch_bytes = scratch_bytes,
    .flops = flops,
    .flops_done = flops_done};

/* Makes the kernels now. */
static bool find_products(vj_graph *graph, const plan *p, int64_t rows_at_once) {
  const int64_t all = vj_winograd_lines(&p->w), out = p->w.c.out;
  for (int i = 0; i < 4; i++) {
    const int64_t lines = i & 1 ? all % p->lines : p->lines, count = i & 2 ? out % rows_at_once : rows_at_once;
    if (lines == 0 || count == 0 || product_of(p, lines, count)) continue;
    vj_graph_fail(graph, VJ_MEMORY, "%s", vj_error_message());
    return false;
  }
  return true;
}

vj_var *vj_winograd_weight_gradient(vj_graph *graph, vj_var *dy, const vj_node *forward, const vj_shape *weight,
                                    const vj_winograd *w) {
  plan p = {.w = *w, .lines = VJ_SUM_TERMS > w->line ? VJ_SUM_TERMS / w->line : 1};
  const int64_t all = vj_winograd_lines(w);
  if (p.lines > all) p.lines = all;
  vj_var *inputs[] = {dy, forward->inputs[0], forward->inputs[3], forward->inputs[4]};
  vj_node *node = vj_node_create(graph, &vj_op_minimal_convolution_weight_gradient, inputs, 4, 2, &p, sizeof p);
  vj_var *dw = vj_node_output(graph, node, false, weight);
  return dw && find_products(graph, &p, vj_plan_rows(node)) ? dw : NULL;
}
