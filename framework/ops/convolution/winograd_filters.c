/* Weights as minimal filtering reads them: G g, for y and, with the taps turned round, for dx. Once for all shards. */
#include "framework/ops/convolution/winograd_plan.h"

static const vj_winograd *plan_for(const vj_node *node) { return node->attributes; }

/* The factors of a weight's 3 x kw taps in filter `k` of a point along the height: of one tap of the width, or of a
 * point along it. Both in the order of the taps that x passes, which dx passes from the last to the first. */
static int factors_of(const vj_winograd *p, int64_t point, int64_t k, vj_real *factor, int64_t *tap) {
  const vj_real *g = vj_minimal_of(p->tile)->g + point * VJ_TAPS;
  const vj_real *across = p->tile_x > 1 ? vj_minimal_of(p->tile_x)->g + k * VJ_TAPS : NULL;
  const int64_t kw = p->c.kernel[1];
  int count = 0;
  for (int64_t t = 0; t < VJ_TAPS; t++)
    for (int64_t i = 0; i < kw; i++) {
      if (!across && i != k) continue;
      factor[count] = across ? g[t] * across[i] : g[t];
      tap[count++] = p->backward ? (VJ_TAPS - 1 - t) * kw + kw - 1 - i : t * kw + i;
    }
  return count;
}

/* Output channels first..first+columns-1 of (G g) for one point along the height and tap, or point, along the width,
 * [C,columns]. */
static void filter_block(const vj_winograd *p, const vj_real *weight, int64_t point, int64_t k, int64_t first,
                         int64_t columns, vj_real *u, vj_real *spare) {
  const int64_t channels = p->backward ? p->c.out : p->c.channels, taps = VJ_TAPS * p->c.kernel[1];
  const int64_t rows = p->backward ? p->c.channels : columns, from = p->backward ? 0 : first;
  vj_real factor[VJ_MOST_TAPS];
  int64_t tap[VJ_MOST_TAPS];
  const int count = factors_of(p, point, k, factor, tap);
  for (int64_t o = 0; o < rows; o++) {
    const vj_real *in[VJ_MOST_TAPS];
    for (int i = 0; i < count; i++)
      in[i] = weight + ((from + o) * taps + tap[i]) * channels + (p->backward ? first : 0);
    if (p->backward)
      vj_minimal_sum(factor, 1, count, in, u + o * columns, columns);
    else
      vj_minimal_sum(factor, 1, count, in, spare + o * channels, channels);
  }
  if (!p->backward) vj_transpose(spare, columns, channels, channels, u, columns);
}

static size_t filters_scratch(const vj_node *node) {
  const vj_winograd *p = plan_for(node);
  return (size_t)(p->columns * p->c.channels) * sizeof(vj_real);
}

/* input weight OHWI; output by blocks of output channels [points,kw,C,columns]; for dx, with the taps turned round and
 * input and output channels exchanged */
static void minimal_filters_run(const vj_call *call) {
  const vj_winograd *p = plan_for(call->node);
  const int64_t across = p->taps * p->points_x, filters = p->points * across;
  for (int64_t i = call->begin; i < call->end; i++) {
    const int64_t first = i / filters * p->columns, filter = i % filters;
    const int64_t columns = p->c.out - first < p->columns ? p->c.out - first : p->columns;
    filter_block(p, call->in[0], filter / across, filter % across, first, columns,
                 call->out[0] + p->c.channels * (first * filters + filter * columns), call->scratch);
  }
}

static int64_t minimal_filters_pieces(const vj_node *node) {
  const vj_winograd *p = plan_for(node);
  return (p->c.out + p->columns - 1) / p->columns * p->points * p->taps * p->points_x;
}

const vj_op vj_op_minimal_filters = {.name = "minimal_filters",
                                     .summary = "a weight as minimal filtering wants it",
                                     .form = VJ_SHARED,
                                     .run = minimal_filters_run,
                                     .pieces = minimal_filters_pieces,
                                     .scratch_bytes = filters_scratch};

vj_var *vj_winograd_filters(vj_graph *graph, vj_var *weight, const vj_winograd *p) {
  vj_node *node = vj_node_create(graph, &vj_op_minimal_filters, &weight, 1, 1, p, sizeof *p);
  return vj_node_result(graph, node, &VJ_SHAPE(vj_winograd_points(p), p->taps, p->c.channels, p->c.out));
}
