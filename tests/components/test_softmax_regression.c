/* Softmax regression: its gradients by differences, and its two ways of solving, which both reach the minimum. */
#include <math.h>

#include "analysis/metrics/softmax.h"
#include "tests/components/probe_testing.h"
#include "tests/components/softmax_testing.h"

static void cross_entropy_gradient(void **state) {
  (void)state;
  enum { CLASSES = 4, SAMPLES = 7, COUNT = CLASSES * SAMPLES };
  const int64_t label[SAMPLES] = {0, 3, 1, 1, 2, 0, 3};
  const double h = 1e-5;
  double scores[COUNT], gradient[COUNT], scratch[COUNT], curvature, unused, spread = 0;
  vj_rng rng = vj_rng_stream(3, VJ_RNG_TEST, 0, 0);
  for (int i = 0; i < COUNT; i++) scores[i] = 2 * vj_rng_normal(&rng);
  const double here = vj_softmax_loss(CLASSES, SAMPLES, scores, label, gradient, &curvature);
  for (int i = 0; i < COUNT; i++) {
    const double kept = scores[i];
    scores[i] = kept + h;
    const double above = vj_softmax_loss(CLASSES, SAMPLES, scores, label, scratch, &unused);
    scores[i] = kept - h;
    const double below = vj_softmax_loss(CLASSES, SAMPLES, scores, label, scratch, &unused);
    scores[i] = kept;
    assert_close(gradient[i], (above - below) / (2 * h), 1e-10);
    spread += (above - 2 * here + below) / (h * h);
  }
  assert_close(curvature, spread / (CLASSES - 1), 1e-4);
}

static void large_scores_do_not_overflow(void **state) {
  (void)state;
  const double scores[3] = {1e4, 9990, -1e4};
  const int64_t label = 1;
  double residual[3], curvature;
  assert_close(vj_softmax_loss(3, 1, scores, &label, residual, &curvature), 10 + log1p(exp(-10)), 1e-11);
  assert_close(residual[0] + residual[1] + residual[2], 0, 1e-11);
}

/* J(W, b), said once more. */
static double objective(const fit *f, double lambda) {
  double loss = 0, square = 0;
  for (int64_t i = 0; i < f->samples; i++) {
    double sum = 0, own = 0;
    for (int64_t k = 0; k < f->classes; k++) {
      const double *w = f->weights + k * (f->features + 1);
      double score = w[f->features];
      for (int64_t j = 0; j < f->features; j++) score += w[j] * f->z[i * f->features + j];
      sum += exp(score);
      if (k == f->label[i]) own = score;
    }
    loss += log(sum) - own;
  }
  for (int64_t k = 0; k < f->classes; k++)
    for (int64_t j = 0; j < f->features; j++) square += pow(f->weights[k * (f->features + 1) + j], 2);
  return loss / (double)f->samples + lambda / 2 * square;
}

/* Columns of mean 0 and different sizes, labels that follow some of them. */
static void create_fit(fit *f, int64_t samples, int64_t features, int64_t classes) {
  vj_rng rng = vj_rng_stream(8, VJ_RNG_TEST, 0, (uint64_t)samples);
  *f = (fit){.samples = samples, .features = features, .classes = classes};
  f->z = calloc((size_t)(samples * features), sizeof *f->z);
  f->weights = calloc((size_t)(classes * (features + 1)), sizeof *f->weights);
  f->label = calloc((size_t)samples, sizeof *f->label);
  assert_true(f->z && f->weights && f->label);
  for (int64_t j = 0; j < features; j++) {
    double mean = 0;
    for (int64_t i = 0; i < samples; i++) f->z[i * features + j] = vj_rng_normal(&rng) * (1 + (double)(j % 4));
    for (int64_t i = 0; i < samples; i++) mean += f->z[i * features + j] / (double)samples;
    for (int64_t i = 0; i < samples; i++) f->z[i * features + j] -= mean;
  }
  for (int64_t i = 0; i < samples; i++) {
    const double noisy = f->z[i * features] + 2 * f->z[i * features + 1] + vj_rng_normal(&rng);
    f->label[i] = i < classes ? i : (int64_t)fmin((double)classes - 1, fmax(0, floor(noisy / 2 + 1.5)));
  }
}

/* The derivative of J at the fitted weights, along random directions of length 1. */
static void assert_minimum(fit *f, double lambda) {
  const double h = 1e-4, here = objective(f, lambda);
  const int64_t count = f->classes * (f->features + 1);
  double *direction = calloc((size_t)count, sizeof *direction);
  assert_non_null(direction);
  for (int number = 0; number < 12; number++) {
    vj_rng rng = vj_rng_stream(9, VJ_RNG_TEST, (uint32_t)number, 0);
    double length = 0, sides_of[2];
    for (int64_t i = 0; i < count; i++) length = hypot(length, direction[i] = vj_rng_normal(&rng));
    for (int side = 0; side < 2; side++) {
      for (int64_t i = 0; i < count; i++) f->weights[i] += (side ? -2 * h : h) * direction[i] / length;
      sides_of[side] = objective(f, lambda);
    }
    for (int64_t i = 0; i < count; i++) f->weights[i] += h * direction[i] / length;
    assert_close((sides_of[0] - sides_of[1]) / (2 * h), 0, 1e-6);
    assert_true(sides_of[0] >= here - 1e-12 && sides_of[1] >= here - 1e-12);
  }
  free(direction);
}

static void check_path(int64_t samples, int64_t features) {
  static const double lambdas[] = {10, 0.3, 1e-2, 1e-4, 1};
  fit f;
  vj_softmax_regression *regression = NULL;
  create_fit(&f, samples, features, 3);
  const double start = objective(&f, 1);
  assert_ok(vj_softmax_regression_create(samples, features, 3, f.z, f.label, &regression));
  for (size_t i = 0; i < VJ_COUNT(lambdas); i++) {
    assert_ok(vj_softmax_regression_minimise(regression, lambdas[i], 1e-14));
    take_weights(&f, regression);
    assert_minimum(&f, lambdas[i]);
    assert_true(objective(&f, lambdas[i]) < start);
  }
  vj_softmax_regression_destroy(&regression);
  assert_null(regression);
  destroy_fit(&f);
}

static void more_samples_than_features_reach_the_minimum(void **state) {
  (void)state;
  check_path(80, 12);
}

static void more_features_than_samples_reach_the_minimum(void **state) {
  (void)state;
  check_path(40, 90);
}

/* Zeros as further features change no weight, but turn the one way of solving into the other. */
static void both_ways_of_solving_agree(void **state) {
  (void)state;
  enum { SAMPLES = 50, FEATURES = 20, PADDED = 70, CLASSES = 4 };
  fit narrow, wide = {SAMPLES, PADDED, CLASSES, NULL, NULL, NULL};
  vj_softmax_regression *regressions[2] = {NULL, NULL};
  create_fit(&narrow, SAMPLES, FEATURES, CLASSES);
  wide.z = calloc(SAMPLES * PADDED, sizeof *wide.z);
  wide.weights = calloc(CLASSES * (PADDED + 1), sizeof *wide.weights);
  assert_true(wide.z && wide.weights);
  for (int64_t i = 0; i < SAMPLES; i++) memcpy(wide.z + i * PADDED, narrow.z + i * FEATURES, FEATURES * sizeof *wide.z);
  const vj_status created[2] = {
      vj_softmax_regression_create(SAMPLES, FEATURES, CLASSES, narrow.z, narrow.label, &regressions[0]),
      vj_softmax_regression_create(SAMPLES, PADDED, CLASSES, wide.z, narrow.label, &regressions[1])};
  assert_true(created[0] == VJ_OK && created[1] == VJ_OK);
  for (double lambda = 1; lambda > 1e-4; lambda /= 10) {
    for (int i = 0; i < 2; i++) assert_ok(vj_softmax_regression_minimise(regressions[i], lambda, 1e-15));
    take_weights(&narrow, regressions[0]);
    take_weights(&wide, regressions[1]);
    for (int64_t k = 0; k < CLASSES; k++) {
      for (int64_t j = 0; j <= FEATURES; j++) {
        const double in_wide = wide.weights[k * (PADDED + 1) + (j < FEATURES ? j : PADDED)];
        assert_close(in_wide, narrow.weights[k * (FEATURES + 1) + j], 3e-5);
      }
    }
  }
  for (int i = 0; i < 2; i++) vj_softmax_regression_destroy(&regressions[i]);
  free(wide.z);
  free(wide.weights);
  destroy_fit(&narrow);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(cross_entropy_gradient),
      cmocka_unit_test(large_scores_do_not_overflow),
      cmocka_unit_test(more_samples_than_features_reach_the_minimum),
      cmocka_unit_test(more_features_than_samples_reach_the_minimum),
      cmocka_unit_test(both_ways_of_solving_agree),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
