/* What the tests of softmax regression and of the probe that uses it share: a problem and its weights. */
#ifndef VJ_TESTS_COMPONENTS_SOFTMAX_TESTING_H
#define VJ_TESTS_COMPONENTS_SOFTMAX_TESTING_H

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "analysis/metrics/softmax_regression.h"
#include "tests/support/testing.h"

typedef struct fit {
  int64_t samples, features, classes;
  double *z, *weights; /* [N, D]; [K, D + 1], the intercept last */
  int64_t *label;
} fit;

static inline void destroy_fit(fit *f) {
  free(f->z);
  free(f->weights);
  free(f->label);
}

static inline void take_weights(fit *f, const vj_softmax_regression *regression) {
  double *weights = calloc((size_t)(f->classes * f->features), sizeof *weights);
  double *intercepts = calloc((size_t)f->classes, sizeof *intercepts);
  assert_true(weights && intercepts);
  vj_softmax_regression_weights(regression, weights, intercepts);
  for (int64_t k = 0; k < f->classes; k++) {
    memcpy(f->weights + k * (f->features + 1), weights + k * f->features, (size_t)f->features * sizeof *weights);
    f->weights[k * (f->features + 1) + f->features] = intercepts[k];
  }
  free(weights);
  free(intercepts);
}

#endif
