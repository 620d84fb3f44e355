/* dweight by minimal filtering: dg = G'[(A dy)(B'd)], where the product in the middle is, for every point, a product of
 * matrices over all tiles and positions. Point by point, so that its sums stay in the second cache; some lines are one
 * product, some of these are added in double (long_sum.h). */
#include <string.h>

#include "framework/graph/plan.h"
#include "framework/ops/convolution/winograd_plan.h"
#include "framework/ops/product/long_sum.h"

enum { ROWS_AT_ONCE = 256 };

typedef struct plan {
  vj_winograd w;
  int64_t lines; /* in one product */
} plan;

static const plan *plan_for(const vj_node *node) { return node->attributes; }
static double flops(const vj_node *node) { return vj_convolution_flops(&plan_for(node)->w.c); }
static double flops_done(const vj_node *node) { return vj_winograd_flops_done(&plan_for(node)->w); }

/* Of `lines` lines, for `count` output channels. */
static const vj_product *product_of(const plan *p, int64_t lines, int64_t count, bool add) {
  return vj_product_find(&(vj_product_shape){.rows = count,
                                             .columns = p->w.c.channels,
                                             .depth = lines * p->w.line,
                                             .a_pitch = count,
                                             .b_pitch = p->w.c.channels,
                                             .c_pitch = p->w.c.channels,
                                             .a_transposed = true,
                                             .add = add});
}

typedef struct workspace {
  double *total;   /* of a point: [kw,count,C] */
  vj_real *part;   /* the same, of the lines since it was last added */
  vj_real *points; /* all points' sums: [points,kw,count,C] */
  vj_real *v, *m;  /* of a point: B'd [rows,C], A dy [rows,count] */
} workspace;

static size_t workspace_in(const plan *p, int64_t count, void *room, workspace *w) {
  const int64_t sums = p->w.c.kernel[1] * count * p->w.c.channels, rows = vj_winograd_rows(&p->w, p->lines);
  if (room) {
    w->total = room;
    w->part = (vj_real *)(void *)(w->total + sums);
    w->points = w->part + sums;
    w->v = w->points + p->w.points * sums;
    w->m = w->v + rows * p->w.c.channels;
  }
  return (size_t)sums * sizeof(double) +
         (size_t)((1 + p->w.points) * sums + rows * (p->w.c.channels + count)) * sizeof(vj_real);
}

/* Lines begin..end-1 of row `point` of B'd, and zeros behind the last. */
static void transform_x(const vj_winograd *p, int64_t point, const vj_real *x, int64_t begin, int64_t end, vj_real *v) {
  const int64_t channels = p->c.channels;
  const vj_real *b = vj_minimal_of(p->tile)->b + point * p->points;
  for (int64_t line = begin; line < end; line++, v += p->line * channels) {
    const vj_winograd_input in = vj_winograd_input_of(p, x, vj_winograd_place_of(p, line));
    memset(v, 0, (size_t)(in.before * channels) * sizeof *v);
    memset(v + in.end * channels, 0, (size_t)((p->line - in.end) * channels) * sizeof *v);
    vj_minimal_sum(b, 1, p->points, in.row, v + in.before * channels, (in.end - in.before) * channels);
  }
  memset(v, 0, (size_t)((p->c.kernel[1] - 1) * channels) * sizeof *v);
}

/* Row `point` of A dy, of output channels first..first+count-1, zero behind a line's positions. */
static void transform_dy(const vj_winograd *p, int64_t point, const vj_real *dy, int64_t begin, int64_t end,
                         int64_t first, int64_t count, vj_real *m) {
  const vj_real *a = vj_minimal_of(p->tile)->a + point;
  for (int64_t line = begin; line < end; line++, m += p->line * count) {
    const vj_winograd_place at = vj_winograd_place_of(p, line);
    const int64_t positions = vj_winograd_positions(p, at), whole = count == p->c.out ? positions : 1;
    const vj_real *in[VJ_MOST_POINTS];
    for (int64_t i = 0; i < p->tile; i++) {
      const int64_t place = vj_winograd_output(p, at, i);
      in[i] = place < 0 ? NULL : dy + place + first;
    }
    for (int64_t k = 0; k < positions; k += whole) {
      vj_minimal_sum(a, p->points, p->tile, in, m + k * count, whole * count);
      for (int64_t i = 0; i < p->tile; i++)
        if (in[i]) in[i] += p->c.out;
    }
    memset(m + positions * count, 0, (size_t)((p->line - positions) * count) * sizeof *m);
  }
}

/* The sums of one point. */
static void sum_point(const plan *p, int64_t point, const vj_call *call, const workspace *w, vj_real *sum) {
  const vj_winograd *g = &p->w;
  const int64_t channels = g->c.channels, count = call->end - call->begin, numbers = count * channels;
  const int64_t all = vj_winograd_lines(g), kw = g->c.kernel[1];
  int64_t terms = 0;
  memset(w->total, 0, (size_t)(kw * numbers) * sizeof *w->total);
  for (int64_t begin = 0; begin < all; begin += p->lines) {
    const int64_t end = begin + p->lines < all ? begin + p->lines : all;
    transform_x(g, point, call->in[1], begin, end, w->v);
    transform_dy(g, point, call->in[0], begin, end, call->begin, count, w->m);
    const vj_product *product = product_of(p, end - begin, count, terms > 0);
    for (int64_t k = 0; k < kw; k++) vj_product_once(product, w->m, w->v + k * channels, w->part + k * numbers);
    terms += (end - begin) * g->line;
    if (terms + p->lines * g->line <= VJ_SUM_TERMS && end < all) continue;
    vj_long_sum_add(w->total, w->part, kw * numbers);
    terms = 0;
  }
  vj_long_sum_finish(w->total, sum, kw * numbers);
}

/* inputs dy, x; rows begin..end of dweight [O,3,kw,C] */
static void reduce(const vj_call *call) {
  const plan *p = plan_for(call->node);
  const int64_t channels = p->w.c.channels, count = call->end - call->begin, kw = p->w.c.kernel[1];
  const vj_minimal *f = vj_minimal_of(p->w.tile);
  workspace w = {0};
  workspace_in(p, count, call->scratch, &w);
  for (int64_t j = 0; j < p->w.points; j++) sum_point(p, j, call, &w, w.points + j * kw * count * channels);
  for (int64_t o = 0; o < count; o++)
    for (int64_t k = 0; k < kw; k++) {
      const vj_real *in[VJ_MOST_POINTS];
      for (int64_t j = 0; j < p->w.points; j++) in[j] = w.points + ((j * kw + k) * count + o) * channels;
      for (int64_t t = 0; t < VJ_TAPS; t++)
        vj_minimal_sum(f->g + t, VJ_TAPS, p->w.points, in, call->part + ((o * VJ_TAPS + t) * kw + k) * channels,
                       channels);
    }
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
  for (int i = 0; i < 8; i++) {
    const int64_t lines = i & 1 ? all % p->lines : p->lines, count = i & 2 ? out % rows_at_once : rows_at_once;
    if (lines == 0 || count == 0 || product_of(p, lines, count, i & 4)) continue;
    vj_graph_fail(graph, VJ_MEMORY, "%s", vj_error_message());
    return false;
  }
  return true;
}

vj_var *vj_winograd_weight_gradient(vj_graph *graph, vj_var *dy, vj_var *x, const vj_shape *weight,
                                    const vj_winograd *w) {
  plan p = {.w = *w, .lines = ROWS_AT_ONCE > w->line ? ROWS_AT_ONCE / w->line : 1};
  const int64_t all = vj_winograd_lines(w);
  if (p.lines > all) p.lines = all;
  vj_node *node =
      vj_node_create(graph, &vj_op_minimal_convolution_weight_gradient, (vj_var *[]){dy, x}, 2, 2, &p, sizeof p);
  vj_var *dw = vj_node_output(graph, node, false, weight);
  return dw && find_products(graph, &p, vj_plan_rows(node)) ? dw : NULL;
}
