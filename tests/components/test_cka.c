/* Centred kernel alignment: what it does not see, and what it is for unrelated features. */
#include <math.h>
#include <stdlib.h>

#include "analysis/metrics/cka.h"
#include "tests/components/probe_testing.h"
#include "vj/rng.h"

enum { N = 40, P = 3, MANY = 200 };

static vj_cka cka_of(int64_t n, int64_t p, const float *x, int64_t q, const float *y) {
  double *gram = calloc((size_t)(2 * n * n), sizeof *gram);
  assert_non_null(gram);
  assert_ok(vj_cka_gram(n, p, x, gram));
  assert_ok(vj_cka_gram(n, q, y, gram + n * n));
  const vj_cka cka = vj_cka_of(n, gram, gram + n * n);
  free(gram);
  return cka;
}

static void fill(uint32_t stream, int64_t count, float *x) {
  vj_rng rng = vj_rng_stream(11, VJ_RNG_TEST, stream, 0);
  for (int64_t i = 0; i < count; i++) x[i] = (float)vj_rng_normal(&rng);
}

/* (a, b, c) -> 3 (b, -a, c) + 7, with a fourth feature that is constant. */
static void rotation_scale_and_shift_are_not_seen(void **state) {
  (void)state;
  float x[N * P], y[N * 4];
  fill(0, N * P, x);
  for (int i = 0; i < N; i++) {
    y[4 * i] = 3 * x[P * i + 1] + 7, y[4 * i + 1] = -3 * x[P * i] + 7, y[4 * i + 2] = 3 * x[P * i + 2] + 7;
    y[4 * i + 3] = 1000;
  }
  const vj_cka cka = cka_of(N, P, x, 4, y);
  assert_close(cka.biased, 1, 1e-6); /* y was rounded to floats */
  assert_close(cka.debiased, 1, 1e-6);
  for (int i = 0; i < N; i++) y[4 * i + 2] *= 5;
  assert_true(cka_of(N, P, x, 4, y).biased < 0.9);
}

/* With more features than examples, the biased estimator calls anything alike. */
static void unrelated_features_are_near_zero_only_when_debiased(void **state) {
  (void)state;
  float *x = calloc(N * MANY, sizeof *x), *y = calloc(N * MANY, sizeof *y);
  assert_true(x && y);
  fill(1, N * MANY, x);
  fill(2, N * MANY, y);
  const vj_cka cka = cka_of(N, MANY, x, MANY, y);
  assert_true(cka.biased > 0.7);
  assert_close(cka.debiased, 0, 0.15);
  free(y);
  free(x);
}

static void what_does_not_vary_is_like_nothing(void **state) {
  (void)state;
  float x[N * P], same[N * P];
  fill(3, N * P, x);
  for (int i = 0; i < N * P; i++) same[i] = 0.1F;
  const vj_cka cka = cka_of(N, P, x, P, same), few = cka_of(3, P, x, P, x);
  assert_true(isnan(cka.biased) && isnan(cka.debiased));
  assert_close(few.biased, 1, 1e-15);
  assert_true(isnan(few.debiased)); /* of fewer than four examples */
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(rotation_scale_and_shift_are_not_seen),
      cmocka_unit_test(unrelated_features_are_near_zero_only_when_debiased),
      cmocka_unit_test(what_does_not_vary_is_like_nothing),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
