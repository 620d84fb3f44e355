#include "analysis/metrics/penalty.h"

#include <math.h>

#include "vj/elementary.h"

vj_status vj_penalties_check(const vj_penalties *penalties) {
  if (penalties->lambda_max < penalties->lambda_min)
    return vj_fail(VJ_CONFIG, "lambda_max is %g, below lambda_min, which is %g; give the smaller exponent first",
                   penalties->lambda_max, penalties->lambda_min);
  return VJ_OK;
}

double vj_penalty_at(const vj_penalties *penalties, int64_t k) {
  /* In this order whole exponents stay whole. */
  const double last = penalties->lambda_count > 1 ? (double)(penalties->lambda_count - 1) : 1, at = (double)k;
  return vj_math_pow(10, (penalties->lambda_min * (last - at) + penalties->lambda_max * at) / last);
}
