#include "sweeps/search/expected_improvement.h"

#include "vj/elementary.h"

/* Where sums of the normal distribution and its density begin to cancel. */
static const double tail = 2;
static const double log_root_two_pi = 0x1.d67f1c864beb5p-1, root_two_pi = 0x1.40d931ff62706p+1;
enum { FRACTIONS = 80 };

/* Mills' ratio (1 - Phi(t)) / phi(t) is 1 / (t + c) with this c = 1 / (t + 2 / (t + 3 / ..)), and 1 - t / (t + c), of
 * which improvement is made, c / (t + c): nothing cancels. */
static double fraction(double t) {
  double c = 0;
  for (int k = FRACTIONS; k >= 1; k--) c = k / (t + c);
  return c;
}

static double density(double z) { return vj_math_exp(-0.5 * z * z) / root_two_pi; }
static double distribution(double z) { return 0.5 * vj_math_erfc(-z * 0x1.6a09e667f3bcdp-1); }

/* log h, h = phi(z) + z Phi(z), and Phi / h, phi / h. */
static double log_improvement(double z, double *distribution_share, double *density_share) {
  if (z > -tail) {
    const double d = density(z), p = distribution(z), h = d + z * p;
    *distribution_share = p / h;
    *density_share = d / h;
    return vj_math_log(h);
  }
  const double c = fraction(-z);
  *distribution_share = 1 / c;
  *density_share = (c - z) / c;
  return -0.5 * z * z - log_root_two_pi + vj_math_log(c / (c - z));
}

double vj_log_expected_improvement(double best, double mean, double deviation, double *by_mean, double *by_deviation) {
  double distribution_share, density_share;
  const double value = log_improvement((best - mean) / deviation, &distribution_share, &density_share);
  *by_mean = -distribution_share / deviation;
  *by_deviation = density_share / deviation;
  return value + vj_math_log(deviation);
}

double vj_log_normal_cdf(double z, double *by_z) {
  if (z > -tail) {
    const double p = distribution(z);
    *by_z = density(z) / p;
    return vj_math_log(p);
  }
  const double c = fraction(-z);
  *by_z = c - z;
  return -0.5 * z * z - log_root_two_pi - vj_math_log(c - z);
}
