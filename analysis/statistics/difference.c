#include "analysis/statistics/difference.h"

#include <gsl/gsl_cdf.h>

/* A mean difference with its standard error. Where all numbers are equal the error is 0: then the means differ for
 * certain, or not at all. */
static void test(double error, double freedom, vj_mean_difference *d) {
  const double t = d->mean == 0 && error == 0 ? 0 : fabs(d->mean) / error;
  const double reach = error == 0 ? 0 : gsl_cdf_tdist_Pinv(0.975, freedom) * error;
  d->low = d->mean - reach;
  d->high = d->mean + reach;
  d->p = isinf(t) ? 0 : 2 * gsl_cdf_tdist_Q(t, freedom);
}

vj_mean_difference vj_paired_difference(const vj_summary *differences) {
  const double n = (double)differences->count;
  vj_mean_difference d = {
      .paired = true, .count = differences->count, .mean = differences->mean, .low = NAN, .high = NAN, .p = NAN};
  if (d.count > 1) test(differences->deviation / sqrt(n), n - 1, &d);
  return d;
}

vj_mean_difference vj_welch_difference(const vj_summary *a, const vj_summary *b) {
  vj_mean_difference d = {
      .count = a->count < b->count ? a->count : b->count, .mean = a->mean - b->mean, .low = NAN, .high = NAN, .p = NAN};
  if (d.count < 2) return d;
  const double u = a->deviation * a->deviation / (double)a->count, v = b->deviation * b->deviation / (double)b->count;
  const double freedom = u + v == 0
                             ? (double)(a->count + b->count - 2)
                             : (u + v) * (u + v) / (u * u / (double)(a->count - 1) + v * v / (double)(b->count - 1));
  test(sqrt(u + v), freedom, &d);
  return d;
}

void vj_holm(double *p, int64_t count) {
  int64_t tests = 0;
  double least = -1, floor = 0; /* p-values up to `least` are done with */
  for (int64_t i = 0; i < count; i++) tests += isfinite(p[i]);
  /* Done ones are kept with a minus sign, that of zero included, so that they can be told from the others. */
  for (int64_t rank = 0; rank < tests; rank++) {
    int64_t smallest = -1;
    for (int64_t i = 0; i < count; i++)
      if (isfinite(p[i]) && !signbit(p[i]) && (smallest < 0 || p[i] < p[smallest])) smallest = i;
    least = fmin(1, p[smallest] * (double)(tests - rank));
    floor = fmax(floor, least);
    p[smallest] = -floor;
  }
  for (int64_t i = 0; i < count; i++)
    if (isfinite(p[i])) p[i] = fabs(p[i]);
}
