/* The verdict on collapse has two axes: four made hidden states, through the measures that are recorded; and what a
 * single measure, or one that is missing, may say. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "analysis/results/collapse.h"
#include "tests/components/probe_testing.h"
#include "vj/component.h"
#include "vj/rng.h"

extern const vj_component vj_probe_spectrum;

enum { CLIPS = 200, STEPS = 3, WIDTH = 64, ROWS = CLIPS * STEPS };

/* `directions` that vary alike, mixed into all features; the others vary `rest` times as much. */
static vj_collapse made(int directions, double rest, double scale, double mean, double tau) {
  float *x = calloc((size_t)ROWS * WIDTH, sizeof *x);
  double *mix = normal_numbers(vj_rng_stream(1, VJ_RNG_TEST, 0, 0), (int64_t)WIDTH * WIDTH);
  double *drawn = normal_numbers(vj_rng_stream(2, VJ_RNG_TEST, 0, 0), (int64_t)ROWS * WIDTH);
  double values[WIDTH], explained[WIDTH], s[7];
  assert_non_null(x);
  for (int i = 0; i < ROWS; i++)
    for (int j = 0; j < WIDTH; j++) {
      double sum = 0;
      for (int k = 0; k < WIDTH; k++) sum += (k < directions ? 1 : rest) * drawn[i * WIDTH + k] * mix[k * WIDTH + j];
      x[i * WIDTH + j] = (float)(mean + scale * sum / sqrt(directions));
    }
  const vj_probe_input input = {.split = {[VJ_VALIDATION] = {CLIPS, STEPS, WIDTH, x, NULL}}};
  double *const rooms[] = {values, &s[0], &s[1], explained, &s[2], &s[3], &s[4], &s[5], &s[6]};
  assert_ok(vj_probe_spectrum.as.probe.evaluate(NULL, &input, rooms));
  vj_collapse c = {.spread = s[4] / tau, .rankme = s[0] / WIDTH, .alpha = s[5], .first_share = explained[WIDTH / 20]};
  vj_collapse_grade_of(&c);
  free(drawn);
  free(mix);
  free(x);
  return c;
}

static void four_made_cases(void **state) {
  (void)state;
  const vj_collapse healthy = made(WIDTH, 1, 1, 0, 1), complete = made(WIDTH, 1, 0.01, 0, 1),
                    dimensional = made(3, 1e-3, 1, 0, 1), both = made(3, 1e-3, 0.01, 0, 1);
  assert_string_equal(vj_collapse_word(&healthy), "no");
  assert_string_equal(vj_collapse_word(&complete), "complete");
  assert_string_equal(vj_collapse_word(&dimensional), "dimensional");
  assert_string_equal(vj_collapse_word(&both), "both");
  assert_true(complete.rankme > 0.5); /* RankMe alone would call it healthy */
}

/* Around a point far from 0 RankMe finds one direction; the other two see through that. */
static void a_large_mean_is_no_collapse(void **state) {
  (void)state;
  const vj_collapse c = made(WIDTH, 1, 1, 1000, 1);
  assert_true(c.rankme < vj_collapse_rankme.yes);
  assert_string_equal(vj_collapse_word(&c), "no");
}

static void wherever_there_is_no_collapse_by_scale(void **state) {
  (void)state;
  const vj_collapse small = made(WIDTH, 1, 0.01, 0, 0.01), partly = made(WIDTH, 1, 0.26, 0, 1);
  assert_string_equal(vj_collapse_word(&small), "no");
  assert_string_equal(vj_collapse_word(&partly), "partly complete");
}

static void words_of(double spread, double rankme, double alpha, double share, const char *word) {
  vj_collapse c = {.spread = spread, .rankme = rankme, .alpha = alpha, .first_share = share};
  vj_collapse_grade_of(&c);
  assert_string_equal(vj_collapse_word(&c), word);
}

static void two_of_three_must_agree(void **state) {
  (void)state;
  words_of(1, 0.05, 1, 0.3, "no");
  words_of(1, 0.5, 9, 0.3, "no");
  words_of(1, 0.5, 1, 0.99, "no");
  words_of(1, 0.05, 9, 0.3, "dimensional");
  words_of(1, 0.5, 9, 0.99, "dimensional");
  words_of(1, 0.05, 1.5, 0.3, "partly dimensional");
  words_of(0.3, 0.2, 1.5, 0.3, "partly both");
  words_of(0.05, 0.2, 1.5, 0.3, "complete, partly dimensional");
  words_of(0.3, 0.05, 9, 0.3, "dimensional, partly complete");
}

/* Files of earlier versions have no alpha, and no spread without a tau. */
static void what_is_missing_is_not_held_against_it(void **state) {
  (void)state;
  words_of(1, 0.05, NAN, 0.99, "dimensional");
  words_of(1, 0.05, NAN, 0.3, "no");
  words_of(NAN, 0.05, NAN, 0.99, "dimensional");
  words_of(NAN, 0.5, 1, 0.3, "not dimensional");
  words_of(0.01, NAN, NAN, NAN, "complete");
  words_of(1, NAN, NAN, NAN, "not complete");
  words_of(NAN, NAN, NAN, NAN, "");
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(four_made_cases),
      cmocka_unit_test(a_large_mean_is_no_collapse),
      cmocka_unit_test(wherever_there_is_no_collapse_by_scale),
      cmocka_unit_test(two_of_three_must_agree),
      cmocka_unit_test(what_is_missing_is_not_held_against_it),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
