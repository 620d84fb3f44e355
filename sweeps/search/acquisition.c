#include "sweeps/search/acquisition.h"

#include <math.h>

#include "sweeps/search/expected_improvement.h"
#include "vj/elementary.h"

/* How far a failure is felt: of the squared distances along all dimensions their mean, in units of the space. */
static const double reach = 0.15;

static void add_scaled(int64_t count, double by, const double *from, double *to) {
  for (int64_t i = 0; i < count; i++) to[i] += by * from[i];
}

/* log (1 + successes) / (1 + successes + failures), each counted as much as it is near: one failure does not close a
 * region in which others succeeded. */
static double log_success(const vj_acquisition *a, const double *z, double *gradient) {
  const double dimensions = (double)a->task->space->count, width = 2 * reach * reach * dimensions;
  double good = 1, all = 1, *by_good = a->work + 2 * a->features, *by_all = a->work + 3 * a->features;
  for (int64_t f = 0; f < a->features; f++) by_good[f] = by_all[f] = 0;
  for (int64_t i = 0; i < a->ended; i++) {
    const double *other = a->ended_z + i * a->features;
    double square = 0;
    for (int64_t f = 0; f < a->features; f++) square += (z[f] - other[f]) * (z[f] - other[f]);
    const double near = square < 700 * width ? vj_math_exp(-square / width) : 0;
    all += near;
    good += a->has_failed[i] ? 0 : near;
    for (int64_t f = 0; gradient && f < a->features; f++) {
      const double by = -2 * (z[f] - other[f]) / width * near;
      by_all[f] += by;
      by_good[f] += a->has_failed[i] ? 0 : by;
    }
  }
  if (gradient) add_scaled(a->features, 1 / good, by_good, gradient);
  if (gradient) add_scaled(a->features, -1 / all, by_all, gradient);
  return vj_math_log(good / all);
}

double vj_acquisition_success(const vj_acquisition *a, const double *z) { return vj_math_exp(log_success(a, z, NULL)); }

static double log_feasible(const vj_acquisition *a, int64_t k, const double *z, double *gradient) {
  double mean, variance, by_z, *by_mean = a->work, *by_variance = a->work + a->features;
  vj_gp_predict(&a->constraint[k], z, &mean, &variance, gradient ? by_mean : NULL, by_variance);
  const double deviation = sqrt(variance), score = (a->bound[k] - mean) / deviation;
  const double value = vj_log_normal_cdf(score, &by_z);
  if (gradient) add_scaled(a->features, -by_z / deviation, by_mean, gradient);
  if (gradient) add_scaled(a->features, -by_z * score / (2 * variance), by_variance, gradient);
  return value;
}

static double log_improvement(const vj_acquisition *a, const double *z, double *gradient) {
  double mean, variance, of_mean, of_deviation, *by_mean = a->work, *by_variance = a->work + a->features;
  vj_gp_predict(&a->objective, z, &mean, &variance, gradient ? by_mean : NULL, by_variance);
  const double deviation = sqrt(variance);
  const double value = vj_log_expected_improvement(a->best, mean, deviation, &of_mean, &of_deviation);
  if (gradient) add_scaled(a->features, of_mean, by_mean, gradient);
  if (gradient) add_scaled(a->features, of_deviation / (2 * deviation), by_variance, gradient);
  return value;
}

double vj_acquisition_at(const vj_acquisition *a, const double *z, double *gradient) {
  double value = 0;
  for (int64_t f = 0; gradient && f < a->features; f++) gradient[f] = 0;
  if (isfinite(a->best)) value += log_improvement(a, z, gradient);
  for (int64_t k = 0; k < a->task->search->constraint_count; k++) value += log_feasible(a, k, z, gradient);
  if (a->ended > 0) value += log_success(a, z, gradient);
  return value;
}
