/* Codes under any smooth energy by proximal gradient steps, ISTA or FISTA with backtracking, unrolled in the graph.
 * Each row of numbers (a sample, or the whole batch) is a problem of its own and takes its own way without branches.
 * With a the extrapolated point and g the energy's gradient there,
 *
 *   u = prox(a - eta g, eta lambda)
 *   if E(u) > E(a) + <g, u - a> + |u - a|^2 / (2 eta):     the step was too long; eta halves
 *   else if E(u) + lambda |u| > E(z) + lambda |z|:         momentum misled; a goes back to z
 *   else:                                                  z becomes u
 *
 * until z changes by no more than the tolerance. */
#include <float.h>
#include <math.h>

#include "framework/base/lanes.h"
#include "framework/ops/elementwise/activation.h"
#include "framework/ops/build.h"
#include "framework/ops/op.h"

typedef struct rows {
  int64_t count, size; /* of one shard */
  vj_sparse_code_args args;
} rows;

/* What a row carries from one iteration to the next. */
enum { STEP_SIZE, MOMENTUM, ENERGY, ITERATIONS, DONE, PROGRESS };

static double rounding(void) { return 4 * (sizeof(vj_real) == sizeof(double) ? DBL_EPSILON : FLT_EPSILON); }

/* --- proximal_step -------------------------------------------------------------------------------------------- */

/* inputs extrapolated [r,n], gradient [r,n], progress [r,5], lambda; output the proposed code [r,n] */
static void proximal_step_run(const vj_call *call) {
  const rows *r = call->node->attributes;
  for (int64_t s = 0; s < r->count; s++) {
    const double step = (double)call->in[2][s * PROGRESS + STEP_SIZE], threshold = step * (double)call->in[3][0];
    for (int64_t i = s * r->size; i < (s + 1) * r->size; i++)
      call->out[0][i] =
          (vj_real)vj_shrink((double)call->in[0][i] - step * (double)call->in[1][i], threshold, r->args.positive);
  }
}

const vj_op vj_op_proximal_step = {.name = "proximal_step",
                                   .summary = "a gradient step, then shrinkage; a constant",
                                   .form = VJ_MAP,
                                   .run = proximal_step_run};

/* --- proximal_accept ------------------------------------------------------------------------------------------ */

/* Of one row: what was, and what is proposed. */
typedef struct proposal {
  const vj_real *z, *extrapolated, *u, *gradient;
  double energy_extrapolated, energy; /* at `extrapolated`, at u */
} proposal;

static bool below_bound(const proposal *p, int64_t n, double step) {
  const vj_real *u = p->u, *from = p->extrapolated, *gradient = p->gradient;
  VJ_LANE_SUM(double, slope, i, n, (double)gradient[i] * ((double)u[i] - (double)from[i]));
  VJ_LANE_SUM(double, square, i, n, ((double)u[i] - (double)from[i]) * ((double)u[i] - (double)from[i]));
  const double bound = p->energy_extrapolated + slope + square / (2 * step);
  return p->energy <= bound + rounding() * fabs(p->energy_extrapolated); /* not for NaN */
}

static double penalty(const vj_real *z, int64_t n) {
  VJ_LANE_SUM(double, sum, i, n, fabs((double)z[i]));
  return sum;
}

/* z becomes u, and momentum extrapolates from it. True when it hardly moved. */
static bool move(const rows *r, const proposal *p, vj_real *z, vj_real *extrapolated, vj_real *progress) {
  const double momentum = (double)progress[MOMENTUM], faster = (1 + sqrt(1 + 4 * momentum * momentum)) / 2;
  const double forward = r->args.accelerated ? (momentum - 1) / faster : 0;
  const vj_real *u = p->u, *old = p->z;
  for (int64_t i = 0; i < r->size; i++) {
    z[i] = u[i];
    extrapolated[i] = (vj_real)fma(forward, (double)u[i] - (double)old[i], (double)u[i]);
  }
  VJ_LANE_SUM(double, change, i, r->size, ((double)u[i] - (double)old[i]) * ((double)u[i] - (double)old[i]));
  VJ_LANE_SUM(double, length, i, r->size, (double)old[i] * (double)old[i]);
  progress[MOMENTUM] = r->args.accelerated ? (vj_real)faster : 1;
  progress[ENERGY] = (vj_real)p->energy;
  return change <= r->args.tolerance * r->args.tolerance * length; /* a code that stays at zero has converged */
}

static void advance(const rows *r, const proposal *p, double lambda, vj_real *z, vj_real *extrapolated,
                    vj_real *progress) {
  const double before = (double)progress[ENERGY] + lambda * penalty(p->z, r->size);
  for (int64_t i = 0; i < r->size; i++) {
    z[i] = p->z[i];
    extrapolated[i] = p->extrapolated[i];
  }
  if (progress[DONE] > 0) return;
  progress[ITERATIONS] += 1;
  if (!below_bound(p, r->size, (double)progress[STEP_SIZE])) {
    progress[STEP_SIZE] /= 2;
  } else if (p->energy + lambda * penalty(p->u, r->size) <= before) {
    progress[DONE] = move(r, p, z, extrapolated, progress);
  } else {
    progress[DONE] = progress[MOMENTUM] == 1; /* the step came from z itself: no better but for rounding */
    progress[MOMENTUM] = 1;
    for (int64_t i = 0; i < r->size; i++) extrapolated[i] = p->z[i];
  }
}

/* inputs z, extrapolated, proposed, gradient [r,n], energies at `extrapolated` and at the proposed [r], progress [r,5],
 * lambda; outputs z, extrapolated, progress */
static void proximal_accept_run(const vj_call *call) {
  const rows *r = call->node->attributes;
  for (int64_t s = 0; s < r->count; s++) {
    const int64_t at = s * r->size;
    const proposal p = {call->in[0] + at, call->in[1] + at,       call->in[2] + at,
                        call->in[3] + at, (double)call->in[4][s], (double)call->in[5][s]};
    vj_real *progress = call->out[2] + s * PROGRESS;
    for (int i = 0; i < PROGRESS; i++) progress[i] = call->in[6][s * PROGRESS + i];
    advance(r, &p, (double)call->in[7][0], call->out[0] + at, call->out[1] + at, progress);
  }
}

const vj_op vj_op_proximal_accept = {.name = "proximal_accept",
                                     .summary = "takes a proximal step, or halves the step size; a constant",
                                     .form = VJ_MAP,
                                     .run = proximal_accept_run};

/* --- unrolled ------------------------------------------------------------------------------------------------- */

typedef struct inference {
  vj_code_energy energy;
  const void *context;
  vj_var *lambda;
  int64_t size;
  rows rows;
  bool joint; /* rows.count is 1: the codes of the whole batch, shared */
} inference;

/* The energies of rows of codes, [r]. */
static vj_var *energies(vj_graph *graph, const inference *f, vj_var *codes) {
  if (!f->joint) return f->energy(graph, f->context, codes);
  vj_var *z = vj_scatter_batch(graph, vj_reshape(graph, codes, &VJ_SHAPE(vj_batch_samples(graph), f->size)));
  return vj_reshape(graph, vj_sum_batch(graph, f->energy(graph, f->context, z)), &VJ_SHAPE(1));
}

static vj_var *slope(vj_graph *graph, const inference *f, vj_var *codes, vj_var **energy) {
  vj_var *x = vj_differentiable(graph, codes);
  *energy = energies(graph, f, x);
  return vj_gradient_of(graph, *energy, x);
}

/* The numbers [r] as progress has them, a column. */
static vj_var *column(vj_graph *graph, const inference *f, vj_var *x) {
  return vj_reshape(graph, x, &VJ_SHAPE(f->rows.count, 1));
}

static vj_var *filled(vj_graph *graph, const inference *f, int64_t size, double value) {
  return vj_broadcast_to(graph, vj_constant(graph, value), !f->joint, &VJ_SHAPE(f->rows.count, size));
}

static vj_var *length(vj_graph *graph, vj_var *x) {
  return vj_sqrt(graph, vj_scale(graph, vj_sum_features(graph, vj_square(graph, x)), 1, 1e-30));
}

/* 1/L with L = |g(s) - g(0)| / |s| for an s along the first gradient, whose numbers are of the size 1/2: exact where
 * the energy is quadratic. */
static vj_var *first_step(vj_graph *graph, const inference *f, vj_var *gradient) {
  const double distance = 0.5 * sqrt((double)f->rows.size);
  vj_var *unit = vj_div(graph, gradient, vj_repeat_features(graph, length(graph, gradient), f->rows.size)), *energy;
  vj_var *there = slope(graph, f, vj_scale(graph, unit, -distance, 0), &energy);
  vj_var *change = length(graph, vj_sub(graph, there, gradient));
  return vj_div(graph, vj_constant(graph, distance), change);
}

static vj_node *accept(vj_graph *graph, const inference *f, vj_var *const *inputs) {
  return vj_node_create(graph, &vj_op_proximal_accept, inputs, 8, 8, &f->rows, sizeof f->rows);
}

static vj_var *unrolled(vj_graph *graph, const inference *f, vj_var **progress) {
  vj_var *z = filled(graph, f, f->rows.size, 0), *extrapolated = z, *energy, *gradient = slope(graph, f, z, &energy);
  vj_var *none = filled(graph, f, 1, 0);
  vj_var *start[PROGRESS] = {column(graph, f, first_step(graph, f, gradient)), filled(graph, f, 1, 1),
                             column(graph, f, energy), none, none};
  *progress = vj_concat(graph, start, PROGRESS, 1);
  for (int64_t i = 0; i < f->rows.args.steps && !vj_graph_failed(graph); i++) {
    if (i) gradient = slope(graph, f, extrapolated, &energy);
    vj_node *step =
        vj_node_create(graph, &vj_op_proximal_step, (vj_var *[]){extrapolated, gradient, *progress, f->lambda}, 4, 4,
                       &f->rows, sizeof f->rows);
    vj_var *u = vj_node_result(graph, step, &VJ_SHAPE(f->rows.count, f->rows.size));
    vj_node *node = accept(
        graph, f, (vj_var *[]){z, extrapolated, u, gradient, energy, energies(graph, f, u), *progress, f->lambda});
    z = vj_node_result(graph, node, &VJ_SHAPE(f->rows.count, f->rows.size));
    extrapolated = vj_node_result(graph, node, &VJ_SHAPE(f->rows.count, f->rows.size));
    *progress = vj_node_result(graph, node, &VJ_SHAPE(f->rows.count, PROGRESS));
  }
  return z;
}

vj_var *vj_proximal_code(vj_graph *graph, int64_t size, vj_code_energy energy, const void *context, vj_var *lambda,
                         const vj_sparse_code_args *args, bool joint, vj_var **iterations) {
  *iterations = NULL;
  if (!lambda) return NULL;
  const int64_t batch = vj_batch_samples(graph);
  const inference f = {.energy = energy,
                       .context = context,
                       .lambda = lambda,
                       .size = size,
                       .rows = {joint ? 1 : vj_shard_samples(graph), joint ? batch * size : size, *args},
                       .joint = joint};
  vj_var *progress = NULL;
  vj_freeze(graph);
  vj_var *z = unrolled(graph, &f, &progress), *taken = vj_slice(graph, progress, 1, ITERATIONS, 1);
  if (joint) {
    z = vj_scatter_batch(graph, vj_reshape(graph, z, &VJ_SHAPE(batch, size)));
    taken = vj_broadcast(graph, vj_reshape(graph, taken, &VJ_SHAPE(1)));
  }
  *iterations = vj_reshape(graph, taken, &VJ_SHAPE(vj_shard_samples(graph)));
  vj_thaw(graph);
  return z;
}
