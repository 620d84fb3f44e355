/* How far each column's numbers are from N(0,1): the squared 2-Wasserstein distance to its quantiles, and its gradient.
 *
 * With x_(1) <= .. <= x_(N) the numbers of a column in order and q_n = Phi^-1(n / (N + 1)):
 *   1/N sum_n (x_(n) - q_n)^2,   gradient with respect to x_(n): 2/N (x_(n) - q_n)
 * Equal numbers are in the order of their rows. NaN comes last. */
#include <stdlib.h>

#include "framework/base/lanes.h"
#include "framework/ops/build.h"
#include "framework/ops/op.h"
#include "vj/elementary.h"

typedef struct sizes {
  int64_t rows, columns;
} sizes;

typedef struct ranked {
  vj_real value;
  int32_t row;
} ranked;

static int by_value(const void *a, const void *b) {
  const ranked *x = a, *y = b;
  if (isnan(x->value) != isnan(y->value)) return isnan(x->value) ? 1 : -1;
  if (x->value < y->value) return -1;
  if (x->value > y->value) return 1;
  return (x->row > y->row) - (x->row < y->row);
}

/* inputs x [N,columns], quantiles [N]; outputs: distances [columns], gradients [N,columns] */
static void normal_distance_run(const vj_call *call) {
  const sizes *s = call->node->attributes;
  const vj_real *quantiles = call->in[1];
  ranked *column = call->scratch;
  for (int64_t c = call->begin; c < call->end; c++) {
    double sum = 0;
    for (int64_t r = 0; r < s->rows; r++) column[r] = (ranked){call->in[0][r * s->columns + c], (int32_t)r};
    qsort(column, (size_t)s->rows, sizeof *column, by_value);
    for (int64_t n = 0; n < s->rows; n++) {
      const vj_real away = column[n].value - quantiles[n];
      sum += (double)away * (double)away;
      call->out[1][column[n].row * s->columns + c] = (vj_real)(2.0 / (double)s->rows) * away;
    }
    call->out[0][c] = (vj_real)(sum / (double)s->rows);
  }
}

static int64_t pieces(const vj_node *node) { return ((const sizes *)node->attributes)->columns; }

static size_t scratch_bytes(const vj_node *node) {
  return (size_t)((const sizes *)node->attributes)->rows * sizeof(ranked);
}

static void normal_distance_gradient(vj_graph *graph, vj_node *node) {
  vj_var *x = node->inputs[0], *dy = node->outputs[0]->gradient;
  if (!vj_wants_gradient(x)) return;
  vj_gradient_add(graph, x, vj_mul(graph, node->outputs[1], vj_repeat_rows(graph, dy, x->shape.size[0])));
}

const vj_op vj_op_normal_distance = {.name = "normal_distance",
                                     .summary = "squared 2-Wasserstein distance of each column to N(0,1)",
                                     .form = VJ_SHARED,
                                     .run = normal_distance_run,
                                     .pieces = pieces,
                                     .scratch_bytes = scratch_bytes,
                                     .gradient = normal_distance_gradient};

/* Phi^-1(p) for p <= 1/2, by halving an interval until it holds no further number. */
static double lower_quantile(double p) {
  const double root = sqrt(2);
  double low = -40, high = 0;
  for (;;) {
    const double middle = low + (high - low) / 2;
    if (middle == low || middle == high) return middle;
    *(vj_math_erfc(-middle / root) / 2 < p ? &low : &high) = middle;
  }
}

static vj_var *normal_quantiles(vj_graph *graph, int64_t count) {
  vj_real *values = vj_pool_take(graph->pool, (size_t)count * sizeof *values);
  if (!values)
    return vj_graph_fail(graph, VJ_MEMORY, "normal_distance: no memory for %lld quantiles", (long long)count);
  for (int64_t n = 0; n < count / 2; n++) {
    values[n] = (vj_real)lower_quantile((double)(n + 1) / (double)(count + 1));
    values[count - 1 - n] = -values[n];
  }
  return vj_constant_tensor(graph, &VJ_SHAPE(count), values);
}

vj_var *vj_normal_distance(vj_graph *graph, vj_var *x) {
  if (!x) return NULL;
  if (!x->batched || x->shape.rank < 2)
    return vj_graph_fail(graph, VJ_SHAPE, "normal_distance: needs a batched [b,..], not %s", VJ_SHAPE_TEXT(&x->shape));
  vj_var *all = vj_gather_batch(graph, x);
  if (!all) return NULL;
  vj_shape shape = {.rank = all->shape.rank - 1};
  for (int i = 0; i < shape.rank; i++) shape.size[i] = all->shape.size[i + 1];
  const sizes s = {all->shape.size[0], all->count / all->shape.size[0]};
  vj_var *const inputs[] = {all, normal_quantiles(graph, s.rows)};
  vj_node *node = vj_node_create(graph, &vj_op_normal_distance, inputs, 2, 2, &s, sizeof s);
  vj_var *distance = vj_node_output(graph, node, false, &shape);
  vj_node_output(graph, node, false, &all->shape);
  return distance;
}
