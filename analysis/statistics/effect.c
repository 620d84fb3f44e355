#include "analysis/statistics/effect.h"

#include <gsl/gsl_cdf.h>

#include "analysis/statistics/summary.h"

static const vj_effect unknown = {.size = NAN, .low = NAN, .high = NAN, .p = NAN};

vj_two_means vj_two_means_of(const double *a, const double *b, int64_t count) {
  const double n = (double)count, scale = count > 1 ? 1 / (n * (n - 1)) : NAN;
  const vj_summary of_a = vj_summary_of(a, count), of_b = b ? vj_summary_of(b, count) : (vj_summary){0};
  double products = 0;
  for (int64_t i = 0; b && i < count; i++) products += (a[i] - of_a.mean) * (b[i] - of_b.mean);
  return (vj_two_means){.a = of_a.mean,
                        .b = of_b.mean,
                        .aa = of_a.squares * scale,
                        .bb = of_b.squares * scale,
                        .ab = products * scale,
                        .freedom = n - 1};
}

static double quantile(double freedom) {
  return isinf(freedom) ? gsl_cdf_ugaussian_Pinv(0.975) : gsl_cdf_tdist_Pinv(0.975, freedom);
}

/* Of a number that is `away` from 0. Without any error it is 0 for certain, or not at all. */
static double p_of(double away, double variance, double freedom) {
  const double t = fabs(away) / sqrt(fmax(0, variance));
  if (away == 0) return 1;
  if (isinf(t)) return 0;
  return 2 * (isinf(freedom) ? gsl_cdf_ugaussian_Q(t) : gsl_cdf_tdist_Q(t, freedom));
}

vj_effect vj_difference_effect(const vj_two_means *m, double bound) {
  const double variance = m->aa - 2 * m->ab + m->bb, size = m->a - m->b;
  vj_effect e = unknown;
  e.size = size;
  if (!isfinite(size) || !isfinite(variance)) return e;
  const double reach = variance > 0 ? quantile(m->freedom) * sqrt(variance) : 0;
  e.low = size - reach;
  e.high = size + reach;
  e.p = p_of(size - bound, variance, m->freedom);
  return e;
}

vj_effect vj_ratio_effect(const vj_two_means *m, double bound) {
  vj_effect e = unknown;
  e.size = m->b == 0 ? NAN : m->a / m->b;
  if (!isfinite(e.size) || !isfinite(m->aa + m->bb + m->ab)) return e;
  /* (a - r b)^2 = q^2 (aa - 2 r ab + r^2 bb), a quadratic in r */
  const double q = quantile(m->freedom), q2 = q * q;
  const double square = m->b * m->b - q2 * m->bb, half = m->a * m->b - q2 * m->ab, constant = m->a * m->a - q2 * m->aa;
  e.low = -INFINITY;
  e.high = INFINITY;
  if (square <= 0) return e;
  const double root = sqrt(fmax(0, half * half - square * constant));
  e.low = fmin(e.size, (half - root) / square);
  e.high = fmax(e.size, (half + root) / square);
  e.p = p_of(m->a - bound * m->b, m->aa - 2 * bound * m->ab + bound * bound * m->bb, m->freedom);
  return e;
}

vj_effect vj_effect_of_both(const vj_effect *one, const vj_effect *other) {
  if (isnan(one->low) || isnan(other->low)) return *one;
  return (vj_effect){.size = one->size,
                     .low = fmin(one->low, other->low),
                     .high = fmax(one->high, other->high),
                     .p = isnan(one->p) || isnan(other->p) ? NAN : fmax(one->p, other->p)};
}
