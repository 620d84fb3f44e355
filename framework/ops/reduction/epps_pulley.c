/* The statistic of Epps and Pulley 1983 against N(0,1), and its gradient, column by column.
 *
 * For the numbers x_n of one column, with C(t) = mean cos(t x_n), S(t) = mean sin(t x_n) and phi(t) = exp(-t^2/2), the
 * characteristic function of N(0,1):
 *   N integral phi(t) |C(t) + i S(t) - phi(t)|^2 dt,
 *   gradient with respect to x_n: integral 2 t phi(t) [S(t) cos(t x_n) - (C(t) - phi(t)) sin(t x_n)] dt
 * Both integrands are even in t, and the first vanishes at t = 0, so only knots t > 0 are visited, for their pairs.
 * They are equally spaced: one cosine and one sine of a number give those of all knots by rotation, in double. */
#include "framework/base/kernel.h"
#include "framework/ops/build.h"
#include "framework/ops/op.h"
#include "vj/elementary.h"

enum { BLOCK_COLUMNS = 64 };

typedef struct quadrature {
  int64_t samples, columns; /* of one shard */
  double all_samples;       /* of the global batch */
  int64_t knots;            /* t > 0 */
  bool half; /* the first is at half a spacing (an even number of knots on both sides), else at a whole */
  double spacing;
} quadrature;

static const quadrature *quadrature_of(const vj_node *node) { return node->attributes; }

static double knot(const quadrature *q, int64_t k) { return ((double)k + (q->half ? 0.5 : 1.0)) * q->spacing; }

static double phi(double t) { return vj_math_exp(-0.5 * t * t); }

/* The trapezoidal rule's weight of the pair -t, t, times phi(t). */
static double weight(const quadrature *q, int64_t k) {
  return (k + 1 < q->knots ? 2 : 1) * q->spacing * phi(knot(q, k));
}

/* exp(i t x) for a block of columns at one knot, and the rotation to the next. */
typedef struct phasor {
  double cosine[BLOCK_COLUMNS], sine[BLOCK_COLUMNS], turn_cosine[BLOCK_COLUMNS], turn_sine[BLOCK_COLUMNS];
} phasor;

static void phasor_start(phasor *p, const quadrature *q, const vj_real *x, int64_t count) {
  double angle[BLOCK_COLUMNS] = {0};
  for (int64_t i = 0; i < count; i++) angle[i] = knot(q, 0) * (double)x[i];
  vj_math_sin_cos_array(count, angle, p->sine, p->cosine);
  for (int64_t i = 0; i < count; i++) {
    const double c = p->cosine[i], s = p->sine[i];
    p->turn_cosine[i] = q->half ? c * c - s * s : c;
    p->turn_sine[i] = q->half ? 2 * c * s : s;
  }
}

static VJ_INLINE void phasor_turn(phasor *p, int64_t count) {
  for (int64_t i = 0; i < count; i++) {
    const double c = p->cosine[i], s = p->sine[i];
    p->cosine[i] = fma(c, p->turn_cosine[i], -(s * p->turn_sine[i]));
    p->sine[i] = fma(s, p->turn_cosine[i], c * p->turn_sine[i]);
  }
}

static int64_t block_size(const quadrature *q, int64_t begin) {
  return begin + BLOCK_COLUMNS < q->columns ? BLOCK_COLUMNS : q->columns - begin;
}

/* Sums of cosines [knots,columns], then of sines. */
static int64_t sum_count(const vj_node *node) { return 2 * quadrature_of(node)->knots * quadrature_of(node)->columns; }

VJ_KERNEL(epps_pulley_reduce, (const vj_call *call), (call)) {
  const quadrature *q = quadrature_of(call->node);
  double *cosines = call->sums, *sines = call->sums + q->knots * q->columns;
  for (int64_t begin = 0; begin < q->columns; begin += BLOCK_COLUMNS) {
    const int64_t size = block_size(q, begin);
    for (int64_t r = 0; r < q->samples; r++) {
      phasor p;
      phasor_start(&p, q, call->in[0] + r * q->columns + begin, size);
      for (int64_t k = 0; k < q->knots; k++) {
        double *restrict cosine = cosines + k * q->columns + begin, *restrict sine = sines + k * q->columns + begin;
        for (int64_t i = 0; i < size; i++) cosine[i] += p.cosine[i];
        for (int64_t i = 0; i < size; i++) sine[i] += p.sine[i];
        phasor_turn(&p, size);
      }
    }
  }
}

/* outputs: the statistic [columns], and what the gradient needs of it: [2,knots,columns], the factors of -sin(t x_n)
 * and of cos(t x_n) */
static void epps_pulley_finish(const vj_call *call) {
  const quadrature *q = quadrature_of(call->node);
  double *sum = call->sums; /* over knots, in place of the first one's cosines */
  for (int64_t k = 0; k < q->knots; k++) {
    const double t = knot(q, k), w = weight(q, k), expected = phi(t);
    const double *cosines = call->sums + k * q->columns, *sines = cosines + q->knots * q->columns;
    vj_real *of_sine = call->out[1] + k * q->columns, *of_cosine = of_sine + q->knots * q->columns;
    for (int64_t c = 0; c < q->columns; c++) {
      const double real = cosines[c] / q->all_samples - expected, imaginary = sines[c] / q->all_samples;
      const double square = w * (real * real + imaginary * imaginary);
      of_sine[c] = (vj_real)(2 * w * t * real);
      of_cosine[c] = (vj_real)(2 * w * t * imaginary);
      sum[c] = k ? sum[c] + square : square;
    }
  }
  for (int64_t c = 0; c < q->columns; c++) call->out[0][c] = (vj_real)(q->all_samples * sum[c]);
}

/* inputs dy [columns], x, factors */
VJ_KERNEL(epps_pulley_gradient_run, (const vj_call *call), (call)) {
  const quadrature *q = quadrature_of(call->node);
  const vj_real *of_sine = call->in[2], *of_cosine = call->in[2] + q->knots * q->columns;
  for (int64_t begin = 0; begin < q->columns; begin += BLOCK_COLUMNS) {
    const int64_t size = block_size(q, begin);
    for (int64_t r = 0; r < q->samples; r++) {
      phasor p;
      double sum[BLOCK_COLUMNS] = {0};
      phasor_start(&p, q, call->in[1] + r * q->columns + begin, size);
      for (int64_t k = 0; k < q->knots; k++) {
        const vj_real *a = of_sine + k * q->columns + begin, *b = of_cosine + k * q->columns + begin;
        for (int64_t i = 0; i < size; i++)
          sum[i] = fma((double)b[i], p.cosine[i], fma(-(double)a[i], p.sine[i], sum[i]));
        phasor_turn(&p, size);
      }
      vj_real *dx = call->out[0] + r * q->columns + begin;
      for (int64_t i = 0; i < size; i++) dx[i] = call->in[0][begin + i] * (vj_real)sum[i];
    }
  }
}

const vj_op vj_op_epps_pulley_gradient = {.name = "epps_pulley_gradient",
                                          .summary = "integral of 2 t phi [S cos(t x) - (C - phi) sin(t x)]",
                                          .form = VJ_MAP,
                                          .run = epps_pulley_gradient_run};

static void epps_pulley_gradient(vj_graph *graph, vj_node *node) {
  vj_var *x = node->inputs[0];
  vj_gradient_by(graph, x, node, &vj_op_epps_pulley_gradient,
                 (vj_var *[]){node->outputs[0]->gradient, x, node->outputs[1]}, 3);
}

const vj_op vj_op_epps_pulley = {.name = "epps_pulley",
                                 .summary = "test of each column over the global batch against N(0,1)",
                                 .form = VJ_SUM,
                                 .reduce = epps_pulley_reduce,
                                 .finish = epps_pulley_finish,
                                 .gradient = epps_pulley_gradient,
                                 .sum_count = sum_count};

vj_var *vj_epps_pulley(vj_graph *graph, vj_var *x, int64_t knots, double t_max) {
  if (!x) return NULL;
  if (!x->batched || x->shape.rank < 2 || knots < 2 || !(t_max > 0))
    return vj_graph_fail(graph, VJ_SHAPE,
                         "epps_pulley: needs a batched [b,..], at least 2 knots and t_max > 0, not %s, %lld and %g",
                         VJ_SHAPE_TEXT(&x->shape), (long long)knots, t_max);
  vj_shape shape = {.rank = x->shape.rank - 1};
  for (int i = 0; i < shape.rank; i++) shape.size[i] = x->shape.size[i + 1];
  const quadrature q = {.samples = x->shape.size[0],
                        .columns = x->count / x->shape.size[0],
                        .all_samples = (double)vj_batch_samples(graph),
                        .knots = knots / 2,
                        .half = knots % 2 == 0,
                        .spacing = 2 * t_max / (double)(knots - 1)};
  vj_node *node = vj_node_create(graph, &vj_op_epps_pulley, (vj_var *[]){x}, 1, 1, &q, sizeof q);
  vj_var *statistic = vj_node_output(graph, node, false, &shape);
  vj_node_output(graph, node, false, &VJ_SHAPE(2, q.knots, q.columns));
  return statistic;
}
