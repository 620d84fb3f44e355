/* Average precision: how far up positives stand in a ranking by score. Not collective. */
#ifndef VJ_ANALYSIS_METRICS_AVERAGE_PRECISION_H
#define VJ_ANALYSIS_METRICS_AVERAGE_PRECISION_H

#include <stdbool.h>
#include <stdint.h>

#include "vj/status.h"

typedef struct vj_average_precision {
  int64_t positives;
  /* With recall R_n and precision P_n when everything of at least the n-th largest distinct score counts as found:
   *   plain:    sum_n (R_n - R_{n-1}) P_n, scikit-learn's average_precision_score;
   *   envelope: the same with max_{m >= n} P_m for P_n, that of PASCAL VOC 2010 and of CATER.
   * NaN without a positive. */
  double plain, envelope;
} vj_average_precision;

/* Of scores [count], no NaN among them, and truths. */
VJ_MUST_USE vj_status vj_average_precision_of(int64_t count, const double *scores, const bool *truths,
                                              vj_average_precision *result);

#endif
