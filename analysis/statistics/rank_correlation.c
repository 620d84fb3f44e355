#include "analysis/statistics/rank_correlation.h"

#include <math.h>

/* Twice the rank, from 0, less twice its mean: whole numbers, so that sums of products are exact. */
static double centred_rank(int64_t count, const double *x, int64_t i) {
  int64_t below = 0, equal = 0;
  for (int64_t k = 0; k < count; k++) {
    below += x[k] < x[i];
    equal += x[k] == x[i];
  }
  return (double)(2 * below + equal - 1 - (count - 1));
}

double vj_rank_correlation(int64_t count, const double *x, const double *y) {
  double xx = 0, yy = 0, xy = 0;
  for (int64_t i = 0; i < count; i++) {
    if (isnan(x[i]) || isnan(y[i])) return NAN;
    const double a = centred_rank(count, x, i), b = centred_rank(count, y, i);
    xx += a * a, yy += b * b, xy += a * b;
  }
  return count >= 3 && xx > 0 && yy > 0 ? xy / sqrt(xx * yy) : NAN;
}
