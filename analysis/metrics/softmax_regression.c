#include "analysis/metrics/softmax_regression.h"

#include <cblas.h>
#include <math.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "analysis/metrics/lapack.h"
#include "analysis/metrics/softmax.h"
#include "vj/elementary.h"
#include "vj/memory.h"

enum { PAIRS = 10 /* steps remembered */, MOST_STEPS = 1000, MOST_HALVINGS = 40 };

static const double sufficient = 1e-4; /* share of the promised decrease that a step must bring (Armijo) */
static const double stale = 4;         /* the Hessian's guess is made anew when the curvature changed by this factor */

/* A direction or point in the space of (W, b), K rows of r numbers and an intercept. r is D, or N where W = A Z; then
 * `dual` holds the inner products with the samples, A Z Z', by which another vector's `at` is multiplied for the inner
 * product of the two. In the first case it is the same array as `at`. */
typedef struct vector {
  double *at, *dual;
} vector;

typedef struct pair {
  vector step;
  double *change;                     /* of the gradient */
  double product;                     /* <step, change> > 0 */
  double score_square, weight_square; /* |step's scores|^2 and |its W|^2, which make <step, M step> */
} pair;

struct vj_softmax_regression {
  int64_t samples, features, classes, order, row; /* N, D, K, r, r + 1 */
  bool in_span;                                   /* W = A Z */
  const double *z;
  const int64_t *label;
  double *gram;   /* [r, r], its lower triangle: Z'Z or Z Z' */
  double *factor; /* [r, r]: Cholesky factor of factor_curvature gram / N + factor_lambda I */
  double factor_curvature, factor_lambda;
  double lambda, loss, curvature; /* loss without the penalty */
  vector point, direction;
  double *gradient, *old_gradient; /* [K, row] */
  double *scores, *slopes, *trial; /* [K, N]: at the point, along the direction, in between */
  double *residual;                /* [K, N]: derivative of the loss by the scores */
  pair pairs[PAIRS];               /* the newest at (pair_end - 1) % PAIRS */
  int64_t pair_end, pair_count;
};

/* --- vectors ------------------------------------------------------------------------------------------------- */

static vj_status make_array(const vj_softmax_regression *r, int64_t columns, double **array) {
  return vj_allocate((size_t)(r->classes * columns), sizeof **array, "logistic regression", array);
}

static vj_status make_vector(const vj_softmax_regression *r, vector *v) {
  VJ_TRY(make_array(r, r->row, &v->at));
  v->dual = v->at;
  if (r->in_span) VJ_TRY(make_array(r, r->row, &v->dual));
  return VJ_OK;
}

static void free_vector(const vj_softmax_regression *r, vector *v) {
  if (r->in_span) free(v->dual);
  free(v->at);
}

/* y += a x */
static void add(const vj_softmax_regression *r, double a, const vector *x, vector *y) {
  const int count = (int)(r->classes * r->row);
  cblas_daxpy(count, a, x->at, 1, y->at, 1);
  if (r->in_span) cblas_daxpy(count, a, x->dual, 1, y->dual, 1);
}

static double inner(const vj_softmax_regression *r, const double *at, const vector *v) {
  return cblas_ddot((int)(r->classes * r->row), at, 1, v->dual, 1);
}

/* The same without intercepts, as the penalty wants it. */
static double inner_weights(const vj_softmax_regression *r, const vector *v, const vector *w) {
  const int k = (int)r->classes, row = (int)r->row;
  return inner(r, v->at, w) - cblas_ddot(k, v->at + r->order, row, w->at + r->order, row);
}

/* scores [K, N] of a vector */
static void score(const vj_softmax_regression *r, const vector *v, double *scores) {
  const int n = (int)r->samples, k = (int)r->classes, d = (int)r->features, row = (int)r->row;
  if (!r->in_span) cblas_dgemm(CblasRowMajor, CblasNoTrans, CblasTrans, k, n, d, 1, v->at, row, r->z, d, 0, scores, n);
  for (int64_t c = 0; c < r->classes; c++) {
    const double intercept = v->at[c * row + r->order];
    for (int64_t i = 0; i < n; i++)
      scores[c * n + i] = (r->in_span ? v->dual[c * row + i] : scores[c * n + i]) + intercept;
  }
}

/* The gradient of the whole objective at the point, from `residual`. */
static void differentiate(vj_softmax_regression *r) {
  const int n = (int)r->samples, k = (int)r->classes, d = (int)r->features, row = (int)r->row;
  if (!r->in_span)
    cblas_dgemm(CblasRowMajor, CblasNoTrans, CblasNoTrans, k, d, n, 1, r->residual, n, r->z, d, 0, r->gradient, row);
  for (int64_t c = 0; c < r->classes; c++) {
    double *g = r->gradient + c * row, sum = 0;
    const double *e = r->residual + c * n, *w = r->point.at + c * row;
    for (int64_t j = 0; j < r->order; j++) g[j] = (r->in_span ? e[j] : g[j]) + r->lambda * w[j];
    for (int64_t i = 0; i < n; i++) sum += e[i];
    g[r->order] = sum;
  }
}

/* --- the guess of the Hessian, M = c gram/N + lambda I; c alone for intercepts ---------------------------------- */

static vj_status factorise(vj_softmax_regression *r) {
  const size_t order = (size_t)r->order;
  bool definite = false;
  double greatest = 0;
  for (size_t j = 0; j < order; j++) greatest = fmax(greatest, r->gram[j * order + j]);
  r->factor_curvature = fmax(r->curvature, 1e-12);
  const double scale = r->factor_curvature / (double)r->samples;
  /* Any positive definite guess leads to the same minimum. */
  for (double floor = 1e-13 * scale * greatest; !definite; floor *= 100) {
    r->factor_lambda = fmax(r->lambda, floor);
    for (size_t i = 0; i < order; i++) {
      for (size_t j = 0; j <= i; j++) r->factor[i * order + j] = scale * r->gram[i * order + j];
      r->factor[i * order + i] += r->factor_lambda;
    }
    VJ_TRY(vj_cholesky_factor(r->order, r->factor, &definite));
  }
  return VJ_OK;
}

/* v <- M^-1 v, and what belongs into v.dual: gram z = (v - lambda z) N / c follows from the solution z itself. */
static vj_status precondition(const vj_softmax_regression *r, vector *v) {
  const double scale = (double)r->samples / r->factor_curvature;
  const size_t row = (size_t)r->row, order = (size_t)r->order;
  if (r->in_span) memcpy(v->dual, v->at, (size_t)r->classes * row * sizeof *v->at);
  VJ_TRY(vj_cholesky_substitute(r->order, r->factor, r->classes, r->row, v->at));
  for (size_t c = 0; c < (size_t)r->classes; c++) {
    v->at[c * row + order] /= r->factor_curvature;
    if (!r->in_span) continue;
    for (size_t j = 0; j < order; j++)
      v->dual[c * row + j] = scale * (v->dual[c * row + j] - r->factor_lambda * v->at[c * row + j]);
    v->dual[c * row + order] = v->at[c * row + order];
  }
  return VJ_OK;
}

/* --- L-BFGS -------------------------------------------------------------------------------------------------- */

static pair *recent(vj_softmax_regression *r, int64_t age) { return &r->pairs[(r->pair_end - 1 - age) % PAIRS]; }

/* The scale at which M has the curvature of the last step: <s, M s> / <s, change>. */
static double scale_of_guess(vj_softmax_regression *r) {
  const pair *last = recent(r, 0);
  const double curved = r->factor_curvature / (double)r->samples * last->score_square;
  return (curved + r->factor_lambda * last->weight_square) / last->product;
}

/* direction = -H gradient by the two loops over the remembered pairs. */
static vj_status choose_direction(vj_softmax_regression *r) {
  const int count = (int)(r->classes * r->row);
  double shares[PAIRS];
  const double scale = r->pair_count ? fmin(scale_of_guess(r), 1) : 1;
  vector *q = &r->direction;
  memcpy(q->at, r->gradient, (size_t)count * sizeof *q->at);
  for (int64_t age = 0; age < r->pair_count; age++) {
    const pair *p = recent(r, age);
    shares[age] = inner(r, q->at, &p->step) / p->product;
    cblas_daxpy(count, -shares[age], p->change, 1, q->at, 1);
  }
  VJ_TRY(precondition(r, q));
  cblas_dscal(count, -scale, q->at, 1);
  if (r->in_span) cblas_dscal(count, -scale, q->dual, 1);
  for (int64_t age = r->pair_count - 1; age >= 0; age--) {
    const pair *p = recent(r, age);
    add(r, -shares[age] - inner(r, p->change, q) / p->product, &p->step, q);
  }
  return VJ_OK;
}

static double evaluate(vj_softmax_regression *r, const double *scores) {
  return vj_softmax_loss(r->classes, r->samples, scores, r->label, r->residual, &r->curvature);
}

/* Halves the step from 1 on until it brings enough; moves the point, or leaves it and returns 0. The scores are linear
 * in the step, so that a trial needs no product with Z. */
static double search(vj_softmax_regression *r, double slope) {
  const int count = (int)(r->classes * r->samples);
  const double across = inner_weights(r, &r->point, &r->direction);
  const double square = inner_weights(r, &r->direction, &r->direction);
  double length = 1;
  score(r, &r->direction, r->slopes);
  for (int halvings = 0; halvings < MOST_HALVINGS; halvings++, length /= 2) {
    cblas_dcopy(count, r->scores, 1, r->trial, 1);
    cblas_daxpy(count, length, r->slopes, 1, r->trial, 1);
    const double loss = evaluate(r, r->trial);
    const double penalty = r->lambda * length * (across + length * square / 2);
    if (!(loss - r->loss + penalty <= sufficient * length * slope)) continue;
    double *const scores = r->scores;
    r->scores = r->trial;
    r->trial = scores;
    r->loss = loss;
    add(r, length, &r->direction, &r->point);
    return length;
  }
  r->loss = evaluate(r, r->scores); /* the residual of the point again */
  return 0;
}

static void remember(vj_softmax_regression *r, double length) {
  const size_t count = (size_t)(r->classes * r->row);
  pair *p = &r->pairs[r->pair_end % PAIRS];
  memset(p->step.at, 0, count * sizeof *p->step.at);
  memset(p->step.dual, 0, count * sizeof *p->step.dual);
  add(r, length, &r->direction, &p->step);
  for (size_t j = 0; j < count; j++) p->change[j] = r->gradient[j] - r->old_gradient[j];
  p->product = inner(r, p->change, &p->step);
  p->score_square = length * length * cblas_ddot((int)(r->classes * r->samples), r->slopes, 1, r->slopes, 1);
  p->weight_square = inner_weights(r, &p->step, &p->step);
  if (!(p->product > 0)) return; /* lost in rounding */
  r->pair_end++;
  if (r->pair_count < PAIRS) r->pair_count++;
}

static vj_status start(vj_softmax_regression *r, double lambda) {
  const int n = (int)r->order, k = (int)r->classes, row = (int)r->row;
  r->lambda = lambda;
  r->pair_count = 0;
  if (r->in_span) { /* anew, so that rounding does not add up over the lambdas */
    cblas_dsymm(CblasRowMajor, CblasRight, CblasLower, k, n, 1, r->gram, n, r->point.at, row, 0, r->point.dual, row);
    cblas_dcopy(k, r->point.at + n, row, r->point.dual + n, row);
  }
  score(r, &r->point, r->scores);
  r->loss = evaluate(r, r->scores);
  differentiate(r);
  return factorise(r);
}

vj_status vj_softmax_regression_minimise(vj_softmax_regression *r, double lambda, double excess) {
  VJ_TRY(start(r, lambda));
  for (int step = 0; step < MOST_STEPS; step++) {
    if (r->curvature * stale < r->factor_curvature || r->curvature > stale * r->factor_curvature) VJ_TRY(factorise(r));
    VJ_TRY(choose_direction(r));
    const double slope = inner(r, r->gradient, &r->direction);
    if (!(-slope / 2 > excess)) return VJ_OK;
    const double length = search(r, slope);
    if (length > 0) {
      double *const old = r->old_gradient;
      r->old_gradient = r->gradient;
      r->gradient = old;
      differentiate(r);
      remember(r, length);
    } else if (r->pair_count > 0) {
      r->pair_count = 0; /* what is remembered misleads: once more with the guess alone */
    } else {
      return VJ_OK;
    }
  }
  return VJ_OK;
}

/* --- creation and result ------------------------------------------------------------------------------------- */

static vj_status allocate(vj_softmax_regression *r) {
  const size_t square = (size_t)r->order * (size_t)r->order;
  double **const points[] = {&r->gradient, &r->old_gradient},
                 **const columns[] = {&r->scores, &r->slopes, &r->trial, &r->residual};
  VJ_TRY(vj_allocate(square, sizeof *r->gram, "products of features", &r->gram));
  VJ_TRY(vj_allocate(square, sizeof *r->factor, "Cholesky factor", &r->factor));
  VJ_TRY(make_vector(r, &r->point));
  VJ_TRY(make_vector(r, &r->direction));
  for (size_t i = 0; i < sizeof points / sizeof *points; i++) VJ_TRY(make_array(r, r->row, points[i]));
  for (size_t i = 0; i < sizeof columns / sizeof *columns; i++) VJ_TRY(make_array(r, r->samples, columns[i]));
  for (int i = 0; i < PAIRS; i++) {
    VJ_TRY(make_vector(r, &r->pairs[i].step));
    VJ_TRY(make_array(r, r->row, &r->pairs[i].change));
  }
  return VJ_OK;
}

static void set_shares(vj_softmax_regression *r) {
  for (int64_t i = 0; i < r->samples; i++) r->point.at[r->label[i] * r->row + r->order]++;
  for (int64_t k = 0; k < r->classes; k++) {
    double *intercept = &r->point.at[k * r->row + r->order];
    *intercept = vj_math_log(*intercept / (double)r->samples);
  }
}

vj_status vj_softmax_regression_create(int64_t samples, int64_t features, int64_t classes, const double *z,
                                       const int64_t *label, vj_softmax_regression **regression) {
  const bool in_span = samples < features;
  const int64_t order = in_span ? samples : features;
  *regression = NULL;
  VJ_TRY(vj_allocate(1, sizeof **regression, "logistic regression", regression));
  vj_softmax_regression *r = *regression;
  r->samples = samples, r->features = features, r->classes = classes;
  r->order = order, r->row = order + 1, r->in_span = in_span;
  r->z = z, r->label = label;
  const vj_status status = allocate(r);
  if (status != VJ_OK) {
    vj_softmax_regression_destroy(regression);
    return status;
  }
  set_shares(r);
  cblas_dsyrk(CblasRowMajor, CblasLower, in_span ? CblasNoTrans : CblasTrans, (int)order,
              (int)(in_span ? features : samples), 1, z, (int)features, 0, r->gram, (int)order);
  return VJ_OK;
}

void vj_softmax_regression_relabel(vj_softmax_regression *r, const int64_t *label) {
  const size_t bytes = (size_t)(r->classes * r->row) * sizeof *r->point.at;
  memset(r->point.at, 0, bytes);
  memset(r->point.dual, 0, bytes);
  r->label = label;
  set_shares(r);
}

void vj_softmax_regression_destroy(vj_softmax_regression **regression) {
  vj_softmax_regression *r = *regression;
  if (!r) return;
  for (int i = 0; i < PAIRS; i++) {
    free_vector(r, &r->pairs[i].step);
    free(r->pairs[i].change);
  }
  double *const arrays[] = {r->gram,   r->factor, r->gradient, r->old_gradient,
                            r->scores, r->slopes, r->trial,    r->residual};
  for (size_t i = 0; i < sizeof arrays / sizeof *arrays; i++) free(arrays[i]);
  free_vector(r, &r->direction);
  free_vector(r, &r->point);
  free(r);
  *regression = NULL;
}

void vj_softmax_regression_weights(const vj_softmax_regression *r, double *weights, double *intercepts) {
  const int k = (int)r->classes, n = (int)r->samples, d = (int)r->features, row = (int)r->row;
  if (r->in_span)
    cblas_dgemm(CblasRowMajor, CblasNoTrans, CblasNoTrans, k, d, n, 1, r->point.at, row, r->z, d, 0, weights, d);
  for (int64_t c = 0; c < k; c++) {
    if (!r->in_span) cblas_dcopy(d, r->point.at + c * row, 1, weights + c * d, 1);
    intercepts[c] = r->point.at[c * row + r->order];
  }
}
