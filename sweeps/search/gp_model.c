#include "sweeps/search/gp_model.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "framework/base/kernel.h"
#include "sweeps/search/cholesky.h"
#include "vj/elementary.h"
#include "vj/memory.h"

enum { WORKS = 3 };
static const double log_two_pi = 0x1.d67f1c864beb5p+0;
static const double least_pivot = 1e-14; /* of the scale */

vj_status vj_gp_create(int64_t count, int64_t features, vj_gp *gp) {
  const int64_t n = vj_search_cholesky_size(count);
  *gp = (vj_gp){.count = count, .features = features, .size = n, .scale = 1};
  const size_t vector = (size_t)n, square = (size_t)(n * n);
  vj_status status = VJ_OK;
  VJ_TRY_GOTO(status, vj_allocate((size_t)(features * n), sizeof(double), "a Gaussian process", &gp->z), failed);
  VJ_TRY_GOTO(status, vj_allocate(vector, sizeof(double), "a Gaussian process", &gp->y), failed);
  VJ_TRY_GOTO(status, vj_allocate(vector, sizeof(double), "a Gaussian process", &gp->noise), failed);
  VJ_TRY_GOTO(status, vj_allocate((size_t)features, sizeof(double), "a Gaussian process", &gp->weight), failed);
  VJ_TRY_GOTO(status, vj_allocate(square, sizeof(double), "a Gaussian process", &gp->factor), failed);
  VJ_TRY_GOTO(status, vj_allocate(square, sizeof(double), "a Gaussian process", &gp->slope), failed);
  VJ_TRY_GOTO(status, vj_allocate(vector, sizeof(double), "a Gaussian process", &gp->alpha), failed);
  VJ_TRY_GOTO(status, vj_allocate(WORKS * vector + (size_t)features, sizeof(double), "a Gaussian process", &gp->work),
              failed);
  return VJ_OK;
failed:
  vj_gp_free(gp);
  return status;
}

void vj_gp_free(vj_gp *gp) {
  double *parts[] = {gp->z, gp->y, gp->noise, gp->weight, gp->factor, gp->slope, gp->alpha, gp->work};
  for (size_t i = 0; i < sizeof parts / sizeof *parts; i++) free(parts[i]);
  *gp = (vj_gp){0};
}

void vj_gp_copy(const vj_gp *from, vj_gp *to) {
  const size_t bytes = (size_t)to->count * sizeof(double);
  for (int64_t f = 0; f < from->features; f++) memcpy(to->z + f * to->size, from->z + f * from->size, bytes);
  memcpy(to->y, from->y, bytes);
  memcpy(to->noise, from->noise, bytes);
  memcpy(to->weight, from->weight, (size_t)from->features * sizeof *to->weight);
  to->scale = from->scale;
  to->nugget = from->nugget;
}

/* --- kernel ------------------------------------------------------------------------------------------------------ */

/* Squared distances, weighted, of a point to `count` others, z[features][size]. */
VJ_KERNEL(distances,
          (int64_t count, int64_t size, int64_t features, const double *restrict z, const double *restrict weight,
           const double *restrict point, double *restrict square),
          (count, size, features, z, weight, point, square)) {
  for (int64_t i = 0; i < count; i++) square[i] = 0;
  for (int64_t f = 0; f < features; f++)
    for (int64_t i = 0; i < count; i++) {
      const double off = z[f * size + i] - point[f];
      square[i] = __builtin_fma(weight[f] * off, off, square[i]);
    }
}

/* Matern's kernel, in place of squared distances, and its derivatives by them. */
static void apply_kernel(int64_t count, double scale, double *square, double *slope) {
  for (int64_t i = 0; i < count; i++) {
    const double r = sqrt(5 * square[i]), e = r < 700 ? vj_math_exp(-r) : 0;
    square[i] = scale * (1 + r + r * r / 3) * e;
    slope[i] = -5.0 / 6 * scale * (1 + r) * e;
  }
}

static void gather(const vj_gp *gp, int64_t i, double *point) {
  for (int64_t f = 0; f < gp->features; f++) point[f] = gp->z[f * gp->size + i];
}

void vj_gp_factor(vj_gp *gp) {
  const int64_t n = gp->size;
  double *row = gp->work, *point = gp->work + WORKS * n;
  memset(gp->factor, 0, (size_t)(n * n) * sizeof *gp->factor);
  for (int64_t i = 0; i < n; i++) {
    if (i >= gp->count) {
      gp->factor[i * n + i] = 1;
      continue;
    }
    gather(gp, i, point);
    distances(i + 1, n, gp->features, gp->z, gp->weight, point, row);
    apply_kernel(i + 1, gp->scale, row, gp->slope + i * n);
    for (int64_t j = 0; j <= i; j++) gp->factor[j * n + i] = row[j];
    gp->factor[i * n + i] += gp->noise[i] + gp->nugget;
  }
  vj_search_cholesky_factor(n, least_pivot * gp->scale, gp->factor);
  memcpy(gp->alpha, gp->y, (size_t)n * sizeof *gp->alpha);
  vj_search_cholesky_forward(n, gp->factor, gp->alpha);
  vj_search_cholesky_backward(n, gp->factor, gp->alpha);
}

/* --- likelihood -------------------------------------------------------------------------------------------------- */

/* The derivative by the logarithm of a weight: sum of (alpha alpha' - K^-1) dK / 2 over all pairs. */
static double by_log_weight(const vj_gp *gp, const double *inverse, int64_t f) {
  const int64_t n = gp->size;
  const double *z = gp->z + f * n;
  double sum = 0;
  for (int64_t i = 0; i < gp->count; i++) {
    double row = 0;
    for (int64_t j = 0; j < i; j++) {
      const double off = z[i] - z[j];
      row += (gp->alpha[i] * gp->alpha[j] - inverse[i * n + j]) * gp->slope[i * n + j] * off * off;
    }
    sum += row;
  }
  return sum * gp->weight[f];
}

double vj_gp_log_likelihood(const vj_gp *gp, double *work, double *inverse, double *gradient) {
  const int64_t n = gp->size;
  double value = 0, trace = 0, noise = 0, fit = 0;
  vj_search_cholesky_inverse(n, gp->factor, work, inverse);
  for (int64_t f = 0; f < gp->features; f++) gradient[f] = by_log_weight(gp, inverse, f);
  for (int64_t i = 0; i < gp->count; i++) {
    const double own = gp->alpha[i] * gp->alpha[i] - inverse[i * n + i];
    value -= 0.5 * gp->y[i] * gp->alpha[i] + vj_math_log(gp->factor[i * n + i]) + 0.5 * log_two_pi;
    trace += own;
    noise += own * (gp->noise[i] + gp->nugget);
    fit += gp->y[i] * gp->alpha[i];
  }
  /* dK / d log scale = K without its noise, and alpha' (K + noise) alpha = y' alpha. */
  gradient[gp->features] = 0.5 * (fit - (double)gp->count - noise);
  gradient[gp->features + 1] = 0.5 * trace * gp->nugget;
  return value;
}

/* --- predictions ------------------------------------------------------------------------------------------------- */

static double dot(int64_t count, const double *x, const double *y) {
  double sum = 0;
  for (int64_t i = 0; i < count; i++) sum = __builtin_fma(x[i], y[i], sum);
  return sum;
}

/* What of the prior's variance is left; sums that cancel may leave less than nothing. */
static double left_of(double scale, double explained) { return fmax(scale - explained, 1e-14 * scale); }

void vj_gp_predict(const vj_gp *gp, const double *point, double *mean, double *variance, double *by_mean,
                   double *by_variance) {
  const int64_t n = gp->size;
  double *kernel = gp->work, *slope = kernel + n, *solved = slope + n;
  memset(kernel, 0, (size_t)n * sizeof *kernel);
  distances(gp->count, n, gp->features, gp->z, gp->weight, point, kernel);
  apply_kernel(gp->count, gp->scale, kernel, slope);
  *mean = dot(gp->count, kernel, gp->alpha);
  memcpy(solved, kernel, (size_t)n * sizeof *solved);
  vj_search_cholesky_forward(n, gp->factor, solved);
  *variance = left_of(gp->scale, dot(n, solved, solved));
  if (!by_mean) return;
  vj_search_cholesky_backward(n, gp->factor, solved);
  for (int64_t f = 0; f < gp->features; f++) {
    const double *z = gp->z + f * n;
    double of_mean = 0, of_variance = 0;
    for (int64_t i = 0; i < gp->count; i++) {
      const double by = slope[i] * (point[f] - z[i]);
      of_mean = __builtin_fma(by, gp->alpha[i], of_mean);
      of_variance = __builtin_fma(by, solved[i], of_variance);
    }
    by_mean[f] = 2 * gp->weight[f] * of_mean;
    by_variance[f] = -4 * gp->weight[f] * of_variance;
  }
}

void vj_gp_predict_many(const vj_gp *gp, int64_t count, const double *points, double *work, double *mean,
                        double *variance) {
  const int64_t n = gp->size;
  double *kernel = gp->work, *slope = kernel + n;
  memset(work, 0, (size_t)(n * count) * sizeof *work);
  for (int64_t p = 0; p < count; p++) {
    distances(gp->count, n, gp->features, gp->z, gp->weight, points + p * gp->features, kernel);
    apply_kernel(gp->count, gp->scale, kernel, slope);
    mean[p] = dot(gp->count, kernel, gp->alpha);
    for (int64_t i = 0; i < gp->count; i++) work[i * count + p] = kernel[i];
  }
  vj_search_cholesky_forward_many(n, gp->factor, count, work);
  for (int64_t p = 0; p < count; p++) variance[p] = 0;
  for (int64_t i = 0; i < n; i++)
    for (int64_t p = 0; p < count; p++)
      variance[p] = __builtin_fma(work[i * count + p], work[i * count + p], variance[p]);
  for (int64_t p = 0; p < count; p++) variance[p] = left_of(gp->scale, variance[p]);
}
