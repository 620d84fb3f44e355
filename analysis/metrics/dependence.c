/* What z tells of what is constant in a clip: of s_i, the mean over steps of hx of clip i = 1..n (the first 1024 at
 * most), four numbers, from what sees least to what sees most. With kernels K of z and L of s,
 *
 *   cka_linear:           debiased CKA (analysis/metrics/cka.h) of K = z z', L = s s': sees covariances alone;
 *   cka_rbf:              the same of K_ij = exp(-|z_i - z_j|^2 / m), m the median of these squares over pairs (Gretton
 * et al. 2005; the mean where the median is 0), L likewise; distance_correlation: bias-corrected (Szekely and Rizzo
 * 2013), which is the same of K_ij = -|z_i - z_j|, L likewise; static_r2:            kernel ridge regression with K of
 * cka_rbf, W = (K + lambda N I)^-1 (S - mean), on the first half of the clips, lambda of 1e-6 .. 1 by the least
 * leave-one-out error there, measured on the other half: 1 - sum |error|^2 / sum |s - mean|^2.
 *
 * The first three are 0 in the mean, and half the time below it, where z and s have nothing to do with each other; the
 * second and third are above 0 with whatever dependence there is, given clips enough (cf. Gretton et al.; Szekely et
 * al. 2007). NaN where one of both does not vary. */
#include <cblas.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "analysis/metrics/cka.h"
#include "analysis/metrics/features.h"
#include "analysis/metrics/lapack.h"
#include "vj/component.h"
#include "vj/elementary.h"
#include "vj/memory.h"

enum { MOST_CLIPS = 1024, LAMBDAS = 7 };
enum { LINEAR, RBF, DISTANCE, STATIC_R2, METRICS };

static const vj_metric metrics[METRICS] = {
    [LINEAR] = {"cka_linear", VJ_METRIC_SCALAR, "",
                "debiased linear CKA with the mean of hx over steps, which sees covariances alone,"},
    [RBF] = {"cka_rbf", VJ_METRIC_SCALAR, "", "debiased CKA with the mean of hx over steps, Gaussian kernels,"},
    [DISTANCE] = {"distance_correlation", VJ_METRIC_SCALAR, "",
                  "bias-corrected distance correlation with the mean of hx over steps,"},
    [STATIC_R2] =
        {"static_r2", VJ_METRIC_SCALAR, "",
         "share of the variance of the mean of hx over steps that kernel ridge regression finds on other clips"},
};

typedef struct view {
  int64_t columns;
  double *rows;    /* [n, columns], of mean 0 */
  double *squares; /* [n, n]: of distances */
  double *kernel;  /* [n, n] */
} view;

/* --- views ----------------------------------------------------------------------------------------------------- */

/* Means over steps, brought to mean 0 over clips; what moves by rounding alone becomes 0. */
static void centre(int64_t n, view *v) {
  for (int64_t j = 0; j < v->columns; j++) {
    double mean = 0, square = 0;
    for (int64_t i = 0; i < n; i++) mean += v->rows[i * v->columns + j];
    mean /= (double)n;
    for (int64_t i = 0; i < n; i++) {
      double *x = &v->rows[i * v->columns + j];
      *x -= mean;
      square += *x * *x;
    }
    const bool varies = vj_column_varies(mean, sqrt(square / (double)n));
    for (int64_t i = 0; i < n && !varies; i++) v->rows[i * v->columns + j] = 0;
  }
}

static vj_status take(int64_t n, const vj_features *from, view *v) {
  v->columns = from->width;
  VJ_TRY(vj_allocate((size_t)(n * v->columns), sizeof *v->rows, "features", &v->rows));
  VJ_TRY(vj_allocate((size_t)(n * n), sizeof *v->squares, "distances", &v->squares));
  VJ_TRY(vj_allocate((size_t)(n * n), sizeof *v->kernel, "a kernel", &v->kernel));
  for (int64_t i = 0; i < n; i++)
    for (int64_t t = 0; t < from->steps; t++)
      for (int64_t j = 0; j < v->columns; j++)
        v->rows[i * v->columns + j] +=
            (double)from->values[(i * from->steps + t) * v->columns + j] / (double)from->steps;
  centre(n, v);
  cblas_dgemm(CblasRowMajor, CblasNoTrans, CblasTrans, (int)n, (int)n, (int)v->columns, 1, v->rows, (int)v->columns,
              v->rows, (int)v->columns, 0, v->kernel, (int)n);
  for (int64_t i = 0; i < n; i++)
    for (int64_t j = 0; j < n; j++)
      v->squares[i * n + j] =
          i == j ? 0 : fmax(0, v->kernel[i * n + i] + v->kernel[j * n + j] - 2 * v->kernel[i * n + j]);
  return VJ_OK;
}

static void release(view *v) {
  free(v->kernel);
  free(v->squares);
  free(v->rows);
}

static int ascending(const void *a, const void *b) {
  const double x = *(const double *)a, y = *(const double *)b;
  return (x > y) - (x < y);
}

/* The median over pairs of the squared distances, of an even number the mean of both in the middle; `kernel` is room.
 */
static double bandwidth(int64_t n, const view *v) {
  int64_t count = 0;
  double sum = 0;
  for (int64_t i = 0; i < n; i++)
    for (int64_t j = i + 1; j < n; j++) sum += v->kernel[count++] = v->squares[i * n + j];
  qsort(v->kernel, (size_t)count, sizeof *v->kernel, ascending);
  const double median = (v->kernel[(count - 1) / 2] + v->kernel[count / 2]) / 2;
  return median > 0 ? median : sum / (double)count;
}

static void make_rbf(int64_t n, view *v) {
  const double width = bandwidth(n, v);
  for (int64_t i = 0; i < n * n; i++) v->kernel[i] = width > 0 ? vj_math_exp(-v->squares[i] / width) : 1;
}

static void make_distances(int64_t n, view *v) {
  for (int64_t i = 0; i < n * n; i++) v->kernel[i] = -sqrt(v->squares[i]);
}

/* --- the probe --------------------------------------------------------------------------------------------------- */

typedef struct regression {
  int64_t all, taught, outputs; /* clips, those of the first half, D */
  const double *kernel;         /* [all, all] */
  const double *rows;           /* [all, D] */
  double *mean;                 /* [D] of the first half */
  double *factor, *inverse;     /* [taught, taught] */
  double *weights, *best;       /* [D, taught] */
} regression;

static double truth(const regression *r, int64_t clip, int64_t output) {
  return r->rows[clip * r->outputs + output] - r->mean[output];
}

/* Leave-one-out: the error of clip i is w_i / (A^-1)_ii. */
static vj_status solve(const regression *r, double lambda, double *error, bool *solved) {
  const int64_t n = r->taught;
  memset(r->inverse, 0, (size_t)(n * n) * sizeof *r->inverse);
  for (int64_t i = 0; i < n; i++) {
    memcpy(r->factor + i * n, r->kernel + i * r->all, (size_t)n * sizeof *r->factor);
    r->factor[i * n + i] += lambda * (double)n;
    r->inverse[i * n + i] = 1;
    for (int64_t k = 0; k < r->outputs; k++) r->weights[k * n + i] = truth(r, i, k);
  }
  VJ_TRY(vj_cholesky_factor(n, r->factor, solved));
  if (!*solved) return VJ_OK;
  VJ_TRY(vj_cholesky_substitute(n, r->factor, n, n, r->inverse));
  VJ_TRY(vj_cholesky_substitute(n, r->factor, r->outputs, n, r->weights));
  *error = 0;
  for (int64_t k = 0; k < r->outputs; k++)
    for (int64_t i = 0; i < n; i++) {
      const double left_out = r->weights[k * n + i] / r->inverse[i * n + i];
      *error += left_out * left_out;
    }
  return VJ_OK;
}

static double test_r2(const regression *r) {
  double error = 0, deviation = 0;
  for (int64_t i = r->taught; i < r->all; i++)
    for (int64_t k = 0; k < r->outputs; k++) {
      const double value = truth(r, i, k);
      const double guess = cblas_ddot((int)r->taught, r->kernel + i * r->all, 1, r->best + k * r->taught, 1);
      error += (value - guess) * (value - guess);
      deviation += value * value;
    }
  return deviation > 0 ? 1 - error / deviation : NAN;
}

static vj_status fit(const regression *r, double *r2) {
  double least = INFINITY;
  for (int64_t i = 0; i < r->taught; i++)
    for (int64_t k = 0; k < r->outputs; k++) r->mean[k] += r->rows[i * r->outputs + k] / (double)r->taught;
  for (int k = 0; k < LAMBDAS; k++) {
    bool solved;
    double error = INFINITY;
    VJ_TRY(solve(r, vj_math_pow(10, k + 1 - LAMBDAS), &error, &solved));
    if (!solved || error >= least) continue;
    least = error;
    memcpy(r->best, r->weights, (size_t)(r->outputs * r->taught) * sizeof *r->best);
  }
  *r2 = isfinite(least) ? test_r2(r) : NAN;
  return VJ_OK;
}

static vj_status regress(int64_t n, const view *z, const view *s, double *r2) {
  regression r = {.all = n, .taught = n / 2, .outputs = s->columns, .kernel = z->kernel, .rows = s->rows};
  const size_t square = (size_t)(r.taught * r.taught), weights = (size_t)(r.outputs * r.taught);
  vj_status status;
  VJ_TRY_GOTO(status, vj_allocate((size_t)r.outputs, sizeof *r.mean, "means", &r.mean), done);
  VJ_TRY_GOTO(status, vj_allocate(square, sizeof *r.factor, "Cholesky factor", &r.factor), done);
  VJ_TRY_GOTO(status, vj_allocate(square, sizeof *r.inverse, "an inverse", &r.inverse), done);
  VJ_TRY_GOTO(status, vj_allocate(weights, sizeof *r.weights, "weights", &r.weights), done);
  VJ_TRY_GOTO(status, vj_allocate(weights, sizeof *r.best, "weights", &r.best), done);
  VJ_TRY_GOTO(status, fit(&r, r2), done);
done:
  free(r.best);
  free(r.weights);
  free(r.inverse);
  free(r.factor);
  free(r.mean);
  return status;
}

/* --- the whole --------------------------------------------------------------------------------------------------- */

static vj_status measure(int64_t n, view *z, view *s, double *const *results) {
  *results[LINEAR] = vj_cka_of(n, z->kernel, s->kernel).debiased;
  make_distances(n, z);
  make_distances(n, s);
  *results[DISTANCE] = vj_cka_of(n, z->kernel, s->kernel).debiased;
  make_rbf(n, z);
  make_rbf(n, s);
  *results[RBF] = vj_cka_of(n, z->kernel, s->kernel).debiased;
  return regress(n, z, s, results[STATIC_R2]);
}

static vj_status evaluate(const void *config, const vj_probe_input *input, double *const *results) {
  const vj_features *of = &input->split[VJ_VALIDATION], *with = &input->truth;
  const int64_t n = of->samples < MOST_CLIPS ? of->samples : MOST_CLIPS;
  view z = {0}, s = {0};
  vj_status status;
  (void)config;
  VJ_TRY(vj_features_check("dependence", of, VJ_VALIDATION, 1, "eval.samples"));
  VJ_TRY(vj_features_check("dependence", with, VJ_VALIDATION, 1, "eval.samples"));
  for (int i = 0; i < METRICS; i++) *results[i] = NAN;
  if (n < 4) return VJ_OK;
  vj_lapack_single_thread();
  VJ_TRY_GOTO(status, take(n, of, &z), done);
  VJ_TRY_GOTO(status, take(n, with, &s), done);
  VJ_TRY_GOTO(status, measure(n, &z, &s, results), done);
done:
  release(&s);
  release(&z);
  return status;
}

const vj_component vj_probe_dependence = {
    .abi = VJ_ABI,
    .kind = VJ_PROBE,
    .name = "dependence",
    .summary = "what z tells of the part of hx that is constant in a clip",
    .source =
        "Gretton et al., Measuring statistical dependence with Hilbert-Schmidt norms (ALT 2005); Szekely and "
        "Rizzo, The distance correlation t-test of independence in high dimension (J. Multivar. Anal. 117, 2013)",
    .as.probe = {.metrics = metrics,
                 .metric_count = METRICS,
                 .is_measure = true,
                 .is_comparison = true,
                 .compares = "z",
                 .with = "hx",
                 .evaluate = evaluate},
};
