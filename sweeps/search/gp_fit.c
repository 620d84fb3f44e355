#include "sweeps/search/gp_fit.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "sweeps/search/minimise.h"
#include "vj/elementary.h"
#include "vj/memory.h"

enum { MOST_POINTS = 160, STARTS = 2, BEST_SHARE = 2 };

/* Priors: normal distributions of logarithms. The centre of length scales grows with the root of the dimensions, as
 * distances do (Hvarfner et al. 2024, arXiv 2402.02229). */
typedef struct prior {
  double centre, deviation, low, high;
} prior;

static prior length_prior(int64_t dimensions) {
  return (prior){vj_math_log(0.4 * sqrt((double)dimensions)), 1.2, vj_math_log(0.01), vj_math_log(100)};
}
static prior scale_prior(void) { return (prior){0, 1.5, vj_math_log(1e-2), vj_math_log(1e3)}; }
static prior nugget_prior(void) { return (prior){vj_math_log(1e-5), 3, vj_math_log(1e-9), 0}; }

static double penalty(prior p, double x, double *by_x) {
  const double z = (x - p.centre) / p.deviation;
  *by_x = z / p.deviation;
  return 0.5 * z * z;
}

/* x: logarithms of the length scales, of the scale and of the nugget. */
typedef struct fit {
  vj_gp gp; /* of the points that are fitted */
  const int64_t *owner;
  int64_t dimensions;
  double *work, *inverse, *gradient;
} fit;

static void set_parameters(vj_gp *gp, const int64_t *owner, int64_t dimensions, const double *x) {
  for (int64_t f = 0; f < gp->features; f++) gp->weight[f] = vj_math_exp(-2 * x[owner[f]]);
  gp->scale = vj_math_exp(x[dimensions]);
  gp->nugget = vj_math_exp(x[dimensions + 1]);
}

/* What is minimised: minus the logarithm of the posterior. */
static double loss(void *untyped, const double *x, double *gradient) {
  fit *f = untyped;
  const int64_t dimensions = f->dimensions, features = f->gp.features;
  double by_prior;
  set_parameters(&f->gp, f->owner, dimensions, x);
  vj_gp_factor(&f->gp);
  double value = -vj_gp_log_likelihood(&f->gp, f->work, f->inverse, f->gradient);
  for (int64_t d = 0; d < dimensions; d++) {
    value += penalty(length_prior(dimensions), x[d], &by_prior);
    gradient[d] = by_prior;
  }
  for (int64_t i = 0; i < features; i++) gradient[f->owner[i]] += 2 * f->gradient[i];
  value += penalty(scale_prior(), x[dimensions], &by_prior);
  gradient[dimensions] = by_prior - f->gradient[features];
  value += penalty(nugget_prior(), x[dimensions + 1], &by_prior);
  gradient[dimensions + 1] = by_prior - f->gradient[features + 1];
  return value;
}

/* --- which points ------------------------------------------------------------------------------------------------- */

typedef struct ranked {
  double y;
  int64_t place;
} ranked;

static int by_y(const void *a, const void *b) {
  const ranked *x = a, *y = b;
  if (x->y != y->y) return x->y < y->y ? -1 : 1;
  return (x->place > y->place) - (x->place < y->place);
}

static vj_status copy_points(const vj_gp *from, int64_t count, vj_gp *to) {
  ranked *rows = NULL;
  VJ_TRY(vj_allocate((size_t)count, sizeof *rows, "a fit", &rows));
  for (int64_t i = 0; i < count; i++) rows[i] = (ranked){from->y[i], i};
  if (to->count < count) qsort(rows, (size_t)count, sizeof *rows, by_y);
  const int64_t best = to->count / BEST_SHARE, others = to->count - best;
  for (int64_t i = 0; i < to->count; i++) {
    const bool all = to->count == count || i < best;
    const int64_t place = rows[all ? i : best + (i - best) * (count - best) / others].place;
    to->y[i] = from->y[place];
    to->noise[i] = from->noise[place];
    for (int64_t f = 0; f < from->features; f++) to->z[f * to->size + i] = from->z[f * from->size + place];
  }
  free(rows);
  return VJ_OK;
}

/* --- fitting ------------------------------------------------------------------------------------------------------ */

static vj_status fit_from(fit *f, int start, int evaluations, double *x, double *value) {
  const prior priors[] = {length_prior(f->dimensions), scale_prior(), nugget_prior()};
  const int64_t n = f->dimensions + 2;
  double *low = NULL;
  VJ_TRY(vj_allocate((size_t)(2 * n), sizeof *low, "a fit", &low));
  double *high = low + n;
  for (int64_t i = 0; i < n; i++) {
    const prior *p = &priors[i < f->dimensions ? 0 : i - f->dimensions + 1];
    low[i] = p->low;
    high[i] = p->high;
    x[i] = p->centre;
  }
  if (start == 1) { /* rougher, and with noise */
    for (int64_t d = 0; d < f->dimensions; d++) x[d] -= 1;
    x[f->dimensions + 1] = vj_math_log(1e-2);
  }
  const vj_status status = vj_minimise(n, loss, f, low, high, evaluations, x, value);
  free(low);
  return status;
}

static vj_status best_start(fit *f, int evaluations, double *x) {
  const int64_t n = f->dimensions + 2;
  double best = INFINITY, *tried = NULL;
  VJ_TRY(vj_allocate((size_t)n, sizeof *tried, "a fit", &tried));
  vj_status status = VJ_OK;
  for (int start = 0; start < STARTS && status == VJ_OK; start++) {
    double value = INFINITY;
    status = fit_from(f, start, evaluations, tried, &value);
    if (start > 0 && !(value < best)) continue;
    best = value;
    memcpy(x, tried, (size_t)n * sizeof *x);
  }
  free(tried);
  return status;
}

vj_status vj_gp_fit(vj_gp *gp, int64_t count, const int64_t *owner, int64_t dimensions, int evaluations) {
  fit f = {.owner = owner, .dimensions = dimensions};
  double *x = NULL;
  vj_status status = vj_gp_create(count < MOST_POINTS ? count : MOST_POINTS, gp->features, &f.gp);
  if (status != VJ_OK) return status;
  const size_t square = (size_t)(f.gp.size * f.gp.size);
  VJ_TRY_GOTO(status, vj_allocate((size_t)dimensions + 2, sizeof *x, "a fit", &x), end);
  VJ_TRY_GOTO(status, vj_allocate(square, sizeof *f.work, "a fit", &f.work), end);
  VJ_TRY_GOTO(status, vj_allocate(square, sizeof *f.inverse, "a fit", &f.inverse), end);
  VJ_TRY_GOTO(status, vj_allocate((size_t)gp->features + 2, sizeof *f.gradient, "a fit", &f.gradient), end);
  VJ_TRY_GOTO(status, copy_points(gp, count, &f.gp), end);
  VJ_TRY_GOTO(status, best_start(&f, evaluations, x), end);
  set_parameters(gp, owner, dimensions, x);
end:
  vj_gp_free(&f.gp);
  free(x);
  free(f.work);
  free(f.inverse);
  free(f.gradient);
  return status;
}
