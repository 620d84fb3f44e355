/* The penalties lambda that a probe tries: powers of ten, evenly spaced in the exponent. Not collective. */
#ifndef VJ_ANALYSIS_METRICS_PENALTY_H
#define VJ_ANALYSIS_METRICS_PENALTY_H

#include <stdint.h>

#include "vj/param.h"
#include "vj/status.h"

/* The configuration of a probe that has no other parameters. */
typedef struct vj_penalties {
  double lambda_min, lambda_max; /* exponents of ten */
  int64_t lambda_count;
} vj_penalties;

/* Its parameter rows, with defaults written as in YAML. */
#define VJ_PENALTY_ROWS(least, most, count)                                                                    \
  VJ_REAL(vj_penalties, lambda_min, least, -16, 16, "",                                                        \
          "smallest lambda, as a power of ten: the penalty for each train sample, on features of variance 1"), \
      VJ_REAL(vj_penalties, lambda_max, most, -16, 16, "", "largest lambda, as a power of ten"),               \
      VJ_INTEGER(vj_penalties, lambda_count, count, 1, 64, "",                                                 \
                 "number of lambdas, evenly spaced in the exponent; 1: lambda_min alone")

/* VJ_CONFIG where the largest is below the smallest. */
VJ_MUST_USE vj_status vj_penalties_check(const vj_penalties *penalties);

/* The k-th lambda, ascending, 0 <= k < lambda_count. */
double vj_penalty_at(const vj_penalties *penalties, int64_t k);

#endif
