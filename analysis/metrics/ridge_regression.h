/* Ridge regression from frozen features, all steps side by side, to measured labels; lambda chosen on validation.
 *
 * With Z [N, D] the train features, each to mean 0 and variance 1, and Y [N, q] the train labels to mean 0,
 *   W = (Z'Z + lambda N I)^-1 Z'Y = Z' (Z Z' + lambda N I)^-1 Y,
 * the right-hand form where N < D (Hoerl and Kennard 1970). Z of the other splits uses the moments of train.
 * An output with gaps (NaN) in train is fitted by itself, N being the samples that have it; one that fewer than two
 * have is not known. Float64, on one thread; not collective. */
#ifndef VJ_ANALYSIS_METRICS_RIDGE_REGRESSION_H
#define VJ_ANALYSIS_METRICS_RIDGE_REGRESSION_H

#include <stdbool.h>
#include <stdint.h>

#include "analysis/metrics/features.h"
#include "analysis/metrics/penalty.h"

typedef struct vj_ridge {
  const vj_probe_input *input;
  int64_t samples, features, outputs, candidates; /* N, D, q, number of lambdas */
  vj_standard standard;
  double *target_mean, *target_deviation; /* [q] of the train labels; a mean is NaN where the output is not known */
  bool has_gaps;                          /* in train */
  double *weights;                        /* [candidates, q, D]; 0 for an output that is not known */
  double *intercepts;                     /* [candidates, q]; NaN for such an output */
  bool *solved;                           /* [candidates] */
  int64_t chosen;
  double lambda;           /* the chosen one */
  double validation_error; /* mean squared error on the validation split, the least over lambda */
} vj_ridge;

/* Checks the input, fits every lambda and chooses the one of the least squared error on validation. `probe` begins the
 * sentences of errors; VJ_NUMERIC where no lambda makes the system positive definite. Borrows `input`. Destroy the
 * result also after a failure. */
VJ_MUST_USE vj_status vj_ridge_fit(const char *probe, const vj_probe_input *input, const vj_penalties *penalties,
                                   vj_ridge *ridge);
void vj_ridge_destroy(vj_ridge *ridge);

/* Calls `take` with every sample of a split, in order: what the chosen weights predict for it and its label, [q],
 * either of them NaN where it is not known. */
VJ_MUST_USE vj_status vj_ridge_predict(const vj_ridge *ridge, vj_split split, void *context,
                                       void (*take)(void *context, const double *predicted, const float *target));

#endif
