/* Standard errors of clips that share a video, against what can be said in closed form. */
#include "analysis/metrics/clusters.h"
#include "tests/components/probe_testing.h"

enum { COUNT = 6 };
static const double values[COUNT] = {1, 4, 2, 7, 0, 4};

static double error_of(int64_t samples, const double *sums, const int64_t *counts, const int64_t *cluster) {
  double error;
  assert_ok(vj_clustered_error(samples, sums, counts, cluster, &error));
  return error;
}

static void alone_it_is_the_textbooks(void **state) {
  (void)state;
  double mean = 0, squares = 0;
  for (int i = 0; i < COUNT; i++) mean += values[i] / COUNT;
  for (int i = 0; i < COUNT; i++) squares += (values[i] - mean) * (values[i] - mean);
  assert_close(error_of(COUNT, values, NULL, NULL), sqrt(squares / (COUNT - 1) / COUNT), 1e-15);
}

/* Twice the same of each video says no more than once. */
static void copies_add_nothing(void **state) {
  (void)state;
  double twice[2 * COUNT];
  int64_t video[2 * COUNT];
  for (int i = 0; i < 2 * COUNT; i++) {
    video[i] = (i * 5) % COUNT; /* in no order */
    twice[i] = values[video[i]];
  }
  assert_close(error_of(2 * COUNT, twice, NULL, video), error_of(COUNT, values, NULL, NULL), 1e-15);
  assert_true(error_of(2 * COUNT, twice, NULL, NULL) < 0.75 * error_of(COUNT, values, NULL, NULL));
}

/* A video whose clips lie on both sides of the mean says more. */
static void opposites_cancel(void **state) {
  (void)state;
  const double about_three[] = {1, 5, 2, 4, 0, 6};
  const int64_t video[] = {0, 0, 1, 1, 7, 7};
  assert_close(error_of(COUNT, about_three, NULL, video), 0, 1e-15);
}

/* Clips with gaps in their labels weigh as many numbers as they have. */
static void gaps_weigh_nothing(void **state) {
  (void)state;
  const double sums[] = {1, 4, 0, 7};
  const int64_t counts[] = {1, 2, 0, 2};
  const double mean = 12.0 / 5, a = 1 - mean, b = 4 - 2 * mean, c = 7 - 2 * mean;
  assert_close(error_of(4, sums, counts, NULL), sqrt(1.5 * (a * a + b * b + c * c)) / 5, 1e-15);
}

static void one_video_tells_nothing_of_others(void **state) {
  (void)state;
  const int64_t video[COUNT] = {0};
  assert_true(isnan(error_of(COUNT, values, NULL, video)));
}

int main(void) {
  const struct CMUnitTest tests[] = {cmocka_unit_test(alone_it_is_the_textbooks), cmocka_unit_test(copies_add_nothing),
                                     cmocka_unit_test(opposites_cancel), cmocka_unit_test(gaps_weigh_nothing),
                                     cmocka_unit_test(one_video_tells_nothing_of_others)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}
