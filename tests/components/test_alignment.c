/* Alignment of hy_pred with hy: closed forms, limits and errors. Called with a folder, the program writes a case there
 * instead, for tests/reference/test_measures.py. */
#include <math.h>
#include <stdlib.h>

#include "tests/components/probe_testing.h"
#include "vj/component.h"
#include "vj/rng.h"

extern const vj_component vj_probe_alignment;

enum { STEPS = 4, SCALARS = 3 /* cosine, centred cosine, normalised error */ };

typedef struct alignment {
  double scalar[SCALARS], by_step[SCALARS][STEPS];
} alignment;

static vj_status evaluate(vj_features predicted, vj_features truth, alignment *a) {
  const vj_probe_input input = {.split = {[VJ_VALIDATION] = predicted}, .truth = truth};
  double *const rooms[] = {&a->scalar[0], a->by_step[0], &a->scalar[1], a->by_step[1], &a->scalar[2], a->by_step[2]};
  assert_int_equal(vj_probe_alignment.as.probe.metric_count, VJ_COUNT(rooms));
  return vj_probe_alignment.as.probe.evaluate(NULL, &input, rooms);
}

static alignment alignment_of(int64_t clips, int64_t steps, int64_t width, const float *predicted, const float *truth) {
  alignment a = {0};
  assert_ok(evaluate((vj_features){clips, steps, width, predicted, NULL},
                     (vj_features){clips, steps, width, truth, NULL}, &a));
  return a;
}

static void a_perfect_prediction(void **state) {
  (void)state;
  const float h[8] = {1, 2, 3, 5, 7, 1, 0, 4};
  const alignment a = alignment_of(2, 2, 2, h, h);
  assert_close(a.scalar[0], 1, 1e-15);
  assert_close(a.scalar[1], 1, 1e-15);
  assert_close(a.scalar[2], 0, 0);
}

/* Truth 10 +- 1 in both features; the mean is predicted, then the mirrored deviation. */
static void a_common_direction_hides_nothing(void **state) {
  (void)state;
  const float truth[4] = {11, 9, 9, 11}, mean[4] = {10, 10, 10, 10}, mirrored[4] = {9, 11, 11, 9};
  const alignment a = alignment_of(2, 1, 2, mean, truth), b = alignment_of(2, 1, 2, mirrored, truth);
  assert_close(a.scalar[0], 20 / sqrt(2 * 202), 1e-14);
  assert_close(a.scalar[1], 0, 0);
  assert_close(a.scalar[2], 1, 1e-15);
  assert_close(b.scalar[0], 198.0 / 202, 1e-15);
  assert_close(b.scalar[1], -1, 1e-15);
  assert_close(b.scalar[2], 4, 1e-15);
}

/* Steps are told apart, and the mean is that of a step. */
static void each_step_by_itself(void **state) {
  (void)state;
  const float truth[4] = {1, 100, -1, 300}, predicted[4] = {1, 200, -1, 200};
  const alignment a = alignment_of(2, 2, 1, predicted, truth);
  assert_close(a.by_step[2][0], 0, 0);
  assert_close(a.by_step[2][1], 1, 1e-15);
  assert_close(a.by_step[1][0], 1, 0);
  assert_close(a.by_step[1][1], 0, 0);
  assert_close(a.scalar[1], 0.5, 1e-15);
  assert_close(a.scalar[2], 20000.0 / 20002, 1e-15);
}

static void collapsed_states_have_no_normalised_error(void **state) {
  (void)state;
  const float truth[6] = {0.1F, 0, 0.1F, 0, 0.1F, 0}, zero[6] = {0};
  const alignment a = alignment_of(3, 1, 2, truth, truth), b = alignment_of(3, 1, 2, zero, zero);
  assert_close(a.scalar[0], 1, 1e-15);
  assert_true(isnan(a.scalar[2]));
  assert_true(isnan(a.by_step[2][0]));
  assert_close(b.scalar[0], 0, 0);
  assert_close(b.scalar[1], 0, 0);
}

static void what_does_not_fit_is_refused(void **state) {
  (void)state;
  const float x[6] = {1, 2, 3, NAN, 5, 6}, y[6] = {1, 2, 3, 4, 5, 6};
  alignment a;
  assert_error(evaluate((vj_features){1, 2, 3, y, NULL}, (vj_features){1, 3, 2, y, NULL}, &a), VJ_SHAPE,
               "alignment: predicted are 2 steps x 3, true hidden states 3 steps x 2");
  assert_error(evaluate((vj_features){3, 1, 2, x, NULL}, (vj_features){3, 1, 2, y, NULL}, &a), VJ_NUMERIC,
               "alignment: validation sample 1 has a feature that is not a finite number; the hidden state has "
               "diverged, try a lower optim.lr");
}

static int export_cases(const char *folder) {
  enum { CLIPS = 50, WIDTH = 17, COUNT = CLIPS * STEPS * WIDTH };
  float *truth = calloc(COUNT, sizeof *truth), *predicted = calloc(COUNT, sizeof *predicted);
  vj_rng rng = vj_rng_stream(9, VJ_RNG_TEST, 0, 0);
  assert_true(truth && predicted);
  for (int i = 0; i < COUNT; i++) {
    truth[i] = (float)(2 + i % 3 + vj_rng_normal(&rng));
    predicted[i] = (float)(truth[i] + 0.2 * (1 + i / WIDTH % STEPS) * vj_rng_normal(&rng));
  }
  const alignment a = alignment_of(CLIPS, STEPS, WIDTH, predicted, truth);
  npy_write(folder, "alignment", "made", "truth", "<f4", CLIPS * STEPS, WIDTH, truth);
  npy_write(folder, "alignment", "made", "predicted", "<f4", CLIPS * STEPS, WIDTH, predicted);
  npy_write(folder, "alignment", "made", "scalars", "<f8", 1, SCALARS, a.scalar);
  npy_write(folder, "alignment", "made", "horizon", "<f8", SCALARS, STEPS, a.by_step);
  free(predicted);
  free(truth);
  return 0;
}

int main(int count, char **arguments) {
  if (count == 2) return export_cases(arguments[1]);
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(a_perfect_prediction),         cmocka_unit_test(a_common_direction_hides_nothing),
      cmocka_unit_test(each_step_by_itself),          cmocka_unit_test(collapsed_states_have_no_normalised_error),
      cmocka_unit_test(what_does_not_fit_is_refused),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
