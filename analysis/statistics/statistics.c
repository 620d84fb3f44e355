#include "analysis/statistics/statistics.h"

#include <gsl/gsl_cdf.h>
#include <math.h>

vj_summary vj_summary_of(const double *values, int64_t count) {
  vj_summary m = {.mean = 0, .deviation = 0};
  for (int64_t i = 0; i < count; i++)
    if (isfinite(values[i])) m.mean += values[i], m.count++;
  m.mean = m.count ? m.mean / (double)m.count : NAN;
  for (int64_t i = 0; i < count; i++)
    if (isfinite(values[i])) m.deviation += (values[i] - m.mean) * (values[i] - m.mean);
  m.deviation = m.count > 1 ? sqrt(m.deviation / (double)(m.count - 1)) : NAN;
  return m;
}

/* A mean difference with its standard error. Where all numbers are equal the error is 0: then the means differ for
 * certain, or not at all. */
static void test(double error, double freedom, vj_mean_difference *d) {
  const double t = d->mean == 0 && error == 0 ? 0 : fabs(d->mean) / error;
  const double reach = error == 0 ? 0 : gsl_cdf_tdist_Pinv(0.975, freedom) * error;
  d->low = d->mean - reach;
  d->high = d->mean + reach;
  d->p = isinf(t) ? 0 : 2 * gsl_cdf_tdist_Q(t, freedom);
}

vj_mean_difference vj_paired_difference(const double *a, const double *b, int64_t count) {
  vj_mean_difference d = {.paired = true, .mean = 0, .low = NAN, .high = NAN, .p = NAN};
  double squares = 0;
  for (int64_t i = 0; i < count; i++)
    if (isfinite(a[i]) && isfinite(b[i])) d.mean += a[i] - b[i], d.count++;
  d.mean = d.count ? d.mean / (double)d.count : NAN;
  for (int64_t i = 0; i < count; i++)
    if (isfinite(a[i]) && isfinite(b[i])) squares += (a[i] - b[i] - d.mean) * (a[i] - b[i] - d.mean);
  const double n = (double)d.count;
  if (d.count > 1) test(sqrt(squares / (n - 1) / n), n - 1, &d);
  return d;
}

vj_mean_difference vj_welch_difference(const double *a, int64_t a_count, const double *b, int64_t b_count) {
  const vj_summary x = vj_summary_of(a, a_count), y = vj_summary_of(b, b_count);
  vj_mean_difference d = {
      .count = x.count < y.count ? x.count : y.count, .mean = x.mean - y.mean, .low = NAN, .high = NAN};
  d.p = NAN;
  if (d.count < 2) return d;
  const double u = x.deviation * x.deviation / (double)x.count, v = y.deviation * y.deviation / (double)y.count;
  const double freedom = u + v == 0
                             ? (double)(x.count + y.count - 2)
                             : (u + v) * (u + v) / (u * u / (double)(x.count - 1) + v * v / (double)(y.count - 1));
  test(sqrt(u + v), freedom, &d);
  return d;
}

void vj_holm(double *p, int64_t count) {
  int64_t tests = 0;
  double least = -1, floor = 0; /* p-values up to `least` are done with */
  for (int64_t i = 0; i < count; i++) tests += isfinite(p[i]);
  /* Done ones are kept as -1 - p, so that they can be told from the others. */
  for (int64_t rank = 0; rank < tests; rank++) {
    int64_t smallest = -1;
    for (int64_t i = 0; i < count; i++)
      if (isfinite(p[i]) && p[i] >= 0 && (smallest < 0 || p[i] < p[smallest])) smallest = i;
    least = fmin(1, p[smallest] * (double)(tests - rank));
    floor = fmax(floor, least);
    p[smallest] = -1 - floor;
  }
  for (int64_t i = 0; i < count; i++)
    if (p[i] < 0) p[i] = -1 - p[i];
}
