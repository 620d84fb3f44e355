/* LiDAR: closed forms, limits and errors. Called with a folder, the program writes its cases there instead, for
 * tests/reference/test_measures.py. */
#include <cblas.h>
#include <math.h>
#include <stdlib.h>

#include "tests/components/probe_testing.h"
#include "vj/component.h"
#include "vj/rng.h"

extern const vj_component vj_probe_lidar;

static vj_status evaluate(int64_t clips, int64_t steps, int64_t width, const float *values, double *lidar) {
  const vj_probe_input input = {.split = {[VJ_VALIDATION] = {clips, steps, width, values, NULL}}};
  assert_int_equal(vj_probe_lidar.as.probe.metric_count, 1);
  return vj_probe_lidar.as.probe.evaluate(NULL, &input, &lidar);
}

static double lidar_of(int64_t clips, int64_t steps, int64_t width, const float *values) {
  double lidar = -1;
  assert_ok(evaluate(clips, steps, width, values, &lidar));
  return lidar;
}

/* Two clips on each axis, at +a_k and -a_k, whose two steps stand s_k away from there on the same axis: S_b has a_k^2 /
 * K and S_w s_k^2 / K + delta on its diagonal. */
static void axes_fill(int width, const double *a, const double *s, float *x) {
  memset(x, 0, (size_t)(4 * width * width) * sizeof *x);
  for (int clip = 0; clip < 2 * width; clip++)
    for (int step = 0; step < 2; step++) {
      const int k = clip / 2;
      x[(clip * 2 + step) * width + k] = (float)((clip % 2 ? -a[k] : a[k]) + (step ? -s[k] : s[k]));
    }
}

static double axes_expected(int width, const double *a, const double *s) {
  double sum = 0, entropy = 0, values[8];
  for (int k = 0; k < width; k++) sum += values[k] = a[k] * a[k] / width / (s[k] * s[k] / width + 1e-4);
  for (int k = 0; k < width; k++) {
    const double p = values[k] / sum + 1e-7;
    entropy -= p * log(p);
  }
  return exp(entropy);
}

static void even_directions_count_fully(void **state) {
  (void)state;
  const double a[4] = {2, 2, 2, 2}, s[4] = {0.5, 0.5, 0.5, 0.5};
  float x[64];
  axes_fill(4, a, s, x);
  assert_close(lidar_of(8, 2, 4, x), axes_expected(4, a, s), 1e-12);
  assert_close(lidar_of(8, 2, 4, x), 4, 1e-4);
}

static void directions_that_move_within_a_clip_count_less(void **state) {
  (void)state;
  const double a[4] = {2, 2, 2, 2}, s[4] = {0.5, 0.5, 8, 16};
  float x[64];
  axes_fill(4, a, s, x);
  const double lidar = lidar_of(8, 2, 4, x);
  assert_close(lidar, axes_expected(4, a, s), 1e-12);
  assert_true(lidar < 2.05);
}

static void clips_that_do_not_differ_have_none(void **state) {
  (void)state;
  float x[6 * 3 * 4];
  for (int i = 0; i < 72; i++) x[i] = (float)(0.1 * (i % 12));
  assert_close(lidar_of(6, 3, 4, x), 0, 0);
  assert_close(lidar_of(2, 3, 12, x), 0, 0); /* of 6 rows and 12 features: by products of rows */
}

static void one_step_or_one_clip_says_nothing(void **state) {
  (void)state;
  const float x[8] = {1, 2, 3, 4, 5, 6, 7, 9};
  assert_true(isnan(lidar_of(4, 1, 2, x)));
  assert_true(isnan(lidar_of(1, 4, 2, x)));
}

static void normal_features(int64_t clips, int64_t steps, int64_t width, float *x) {
  vj_rng rng = vj_rng_stream(8, VJ_RNG_TEST, (uint32_t)(clips * steps), (uint64_t)width);
  for (int64_t i = 0; i < clips; i++)
    for (int64_t k = 0; k < width; k++) {
      const double place = 3.0 / (double)(1 + k % 5) * vj_rng_normal(&rng);
      for (int64_t t = 0; t < steps; t++)
        x[(i * steps + t) * width + k] = (float)(1 + place + 0.3 * (double)(1 + k % 3) * vj_rng_normal(&rng));
    }
}

static void same_bits_for_any_thread_count(void **state) {
  (void)state;
  enum { CLIPS = 60, STEPS = 4, WIDTH = 90 };
  float *x = calloc((size_t)CLIPS * STEPS * WIDTH, sizeof *x);
  double lidar[2];
  assert_non_null(x);
  normal_features(CLIPS, STEPS, WIDTH, x);
  for (int i = 0; i < 2; i++) {
    openblas_set_num_threads(1 + i);
    lidar[i] = lidar_of(CLIPS, STEPS, WIDTH, x);
  }
  assert_memory_equal(&lidar[0], &lidar[1], sizeof lidar[0]);
  free(x);
}

static void features_that_cannot_be_measured_are_refused(void **state) {
  (void)state;
  const float x[8] = {1, 2, 3, 4, 5, 6, INFINITY, 8};
  double lidar;
  assert_error(evaluate(2, 2, 2, x, &lidar), VJ_NUMERIC,
               "lidar: validation sample 1 has a feature that is not a finite number; the hidden state has "
               "diverged, try a lower optim.lr");
}

/* Next to 1e36, the 1e-4 that makes the scatter within clips invertible is nothing. */
static void a_scatter_lost_in_rounding_gives_no_number(void **state) {
  (void)state;
  float x[2 * 2 * 8];
  double lidar = 0;
  for (int i = 0; i < 32; i++) x[i] = (i / 8 % 2 ? -1e18F : 1e18F) * (float)(1 + i / 16);
  assert_ok(evaluate(2, 2, 8, x, &lidar));
  assert_true(isnan(lidar));
}

static int export_cases(const char *folder) {
  static const struct {
    const char *name;
    int64_t clips, steps, width;
  } cases[] = {{"tall", 70, 5, 40}, {"few_clips", 9, 12, 40}, {"wide", 12, 3, 200}, {"square", 16, 3, 48}};
  for (size_t i = 0; i < VJ_COUNT(cases); i++) {
    const int64_t n = cases[i].clips, q = cases[i].steps, d = cases[i].width;
    float *x = calloc((size_t)(n * q * d), sizeof *x);
    assert_non_null(x);
    normal_features(n, q, d, x);
    const double result[2] = {(double)n, lidar_of(n, q, d, x)};
    npy_write(folder, "lidar", cases[i].name, "features", "<f4", n * q, d, x);
    npy_write(folder, "lidar", cases[i].name, "results", "<f8", 1, 2, result);
    free(x);
  }
  return 0;
}

int main(int count, char **arguments) {
  if (count == 2) return export_cases(arguments[1]);
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(even_directions_count_fully),
      cmocka_unit_test(directions_that_move_within_a_clip_count_less),
      cmocka_unit_test(clips_that_do_not_differ_have_none),
      cmocka_unit_test(one_step_or_one_clip_says_nothing),
      cmocka_unit_test(same_bits_for_any_thread_count),
      cmocka_unit_test(features_that_cannot_be_measured_are_refused),
      cmocka_unit_test(a_scatter_lost_in_rounding_gives_no_number),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
