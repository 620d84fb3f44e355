/* The trajectory probe: distances by hand, their order over steps and points, and its errors. Called with a folder, the
 * program writes its cases there instead, for tests/reference/test_probes.py. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "tests/components/probe_testing.h"

extern const vj_component vj_probe_trajectory;

enum {
  ERROR,
  ERROR_BY_HORIZON,
  WITHIN_2PX,
  BASELINE_ERROR,
  LAMBDA,
  PREDICTED,
  TRUE,
  PRIOR_ERROR,
  BEST_OF_K_ERROR,
  ERROR_VALIDATION,
  METRICS
};
enum { MOST_STEPS = 16, SHOWN = 2, MOST_NUMBERS = SHOWN * MOST_STEPS * 8 };

typedef struct results {
  double scalar[METRICS], by_horizon[MOST_STEPS], predicted[MOST_NUMBERS], truth[MOST_NUMBERS];
} results;

static const vj_penalties defaults = {-4, 4, 9}, one = {0, 0, 1}; /* lambda = 1 */

static vj_status evaluate(const vj_penalties *penalties, const vj_probe_input *input, results *r) {
  double *rooms[METRICS];
  for (int i = 0; i < METRICS; i++)
    rooms[i] = i == ERROR_BY_HORIZON ? r->by_horizon
               : i == PREDICTED      ? r->predicted
               : i == TRUE           ? r->truth
                                     : &r->scalar[i];
  return vj_probe_trajectory.as.probe.evaluate(penalties, input, rooms);
}

static vj_label position(int64_t width) {
  return (vj_label){.name = "position", .kind = VJ_LABEL_REAL, .width = width, .unit = "px"};
}

static void the_parameters_have_the_stated_defaults(void **state) {
  (void)state;
  assert_parameters_are(&vj_probe_trajectory, &defaults);
}

/* The features say -1 or 1 twice, once a step, and the positions swing about (10, 20) and (30, 5) by +-(3, 4) and
 * +-(0.6, 0.8). With two equal features the prediction has the share 2 / (2 + lambda) of the swing: two thirds. */
static void distances_are_euclidean_for_each_step(void **state) {
  (void)state;
  const vj_label label = position(4);
  const float twice[4] = {-1, -1, 1, 1}, swings[8] = {7, 16, 29.4F, 4.2F, 13, 24, 30.6F, 5.8F};
  const vj_probe_input input = same_splits((vj_features){2, 2, 1, twice, swings}, &label);
  results r;
  assert_ok(evaluate(&one, &input, &r));
  assert_close(r.by_horizon[0], 5.0 / 3, 1e-6);
  assert_close(r.by_horizon[1], 1.0 / 3, 1e-6);
  assert_close(r.scalar[ERROR], 1, 1e-6);
  assert_close(r.scalar[BASELINE_ERROR], 3, 1e-6);
  assert_close(r.scalar[WITHIN_2PX], 1, 0);
  assert_close(r.scalar[LAMBDA], 1, 1e-15);
  assert_close(r.scalar[ERROR_VALIDATION], 1, 1e-6);
}

/* Where the validation clips rest in the middle, two thirds of the swing are wrong: 10/3 and 2/3. */
static void validation_has_an_error_of_its_own(void **state) {
  (void)state;
  const vj_label label = position(4);
  const float twice[4] = {-1, -1, 1, 1}, swings[8] = {7, 16, 29.4F, 4.2F, 13, 24, 30.6F, 5.8F};
  const float middle[8] = {10, 20, 30, 5, 10, 20, 30, 5};
  vj_probe_input input = same_splits((vj_features){2, 2, 1, twice, swings}, &label);
  input.split[VJ_VALIDATION].target = middle;
  results r;
  assert_ok(evaluate(&one, &input, &r));
  assert_close(r.scalar[ERROR_VALIDATION], 2, 1e-6);
  assert_close(r.scalar[ERROR], 1, 1e-6);
}

/* Of the first clip alone where one is asked for: two thirds of the swing, and the truth. */
static void shown_clips_have_their_paths(void **state) {
  (void)state;
  const vj_label label = position(4);
  const float twice[4] = {-1, -1, 1, 1}, swings[8] = {7, 16, 29, 4, 13, 24, 31, 6};
  const double expected[4] = {8, 52.0 / 3, 88.0 / 3, 13.0 / 3};
  vj_probe_input input = same_splits((vj_features){2, 2, 1, twice, swings}, &label);
  input.shown = 1;
  results r = {.predicted = {[4] = 17}, .truth = {[4] = 17}};
  assert_ok(evaluate(&one, &input, &r));
  for (int i = 0; i < 4; i++) {
    assert_close(r.predicted[i], expected[i], 1e-12);
    assert_close(r.truth[i], swings[i], 0);
  }
  assert_true(r.predicted[4] == 17 && r.truth[4] == 17);
}

/* Two points, one at rest and one that swings by +-(6, 8) at step 0 and +-(12, 16) at step 1; a third of that stays. */
static void points_of_a_step_are_averaged(void **state) {
  (void)state;
  const vj_label label = position(8);
  const float twice[4] = {-1, -1, 1, 1}, places[16] = {1, 2, -6, -8, 1, 2, -12, -16, 1, 2, 6, 8, 1, 2, 12, 16};
  const vj_probe_input input = same_splits((vj_features){2, 2, 1, twice, places}, &label);
  results r;
  assert_ok(evaluate(&one, &input, &r));
  assert_close(r.by_horizon[0], 10.0 / 6, 1e-14);
  assert_close(r.by_horizon[1], 20.0 / 6, 1e-14);
  assert_close(r.scalar[ERROR], 2.5, 1e-14);
  assert_close(r.scalar[BASELINE_ERROR], 7.5, 1e-14);
  assert_close(r.scalar[WITHIN_2PX], 0.5, 0);
}

/* Clips without a position change nothing, and neither do steps: step 1 is missing everywhere. */
static void missing_positions_are_left_out(void **state) {
  (void)state;
  vj_label label = position(2), two_steps = position(4);
  const float swings[8] = {7, 16, 13, 24, NAN, NAN, NAN, NAN}, sides[4] = {-1, 1, -1, 1};
  const float both[8] = {-1, -1, 1, 1, -1, -1, 1, 1};
  const float first_alone[16] = {7, 16, NAN, NAN, 13, 24, NAN, NAN, NAN, NAN, NAN, NAN, NAN, NAN, NAN, NAN};
  results whole, gaps;
  const vj_probe_input known = same_splits((vj_features){2, 1, 1, sides, swings}, &label);
  assert_ok(evaluate(&one, &known, &whole));
  vj_label with_gaps = label;
  with_gaps.has_gaps = two_steps.has_gaps = true;
  const vj_probe_input some = same_splits((vj_features){4, 1, 1, sides, swings}, &with_gaps);
  assert_ok(evaluate(&one, &some, &gaps));
  assert_close(gaps.scalar[ERROR], whole.scalar[ERROR], 1e-12);
  assert_close(gaps.scalar[BASELINE_ERROR], whole.scalar[BASELINE_ERROR], 1e-12);
  assert_close(gaps.scalar[WITHIN_2PX], whole.scalar[WITHIN_2PX], 0);
  const vj_probe_input half = same_splits((vj_features){4, 2, 1, both, first_alone}, &two_steps);
  assert_ok(evaluate(&one, &half, &gaps));
  assert_true(isnan(gaps.by_horizon[1]) && gaps.by_horizon[0] == gaps.scalar[ERROR]);
}

static void collapsed_features_score_the_baseline(void **state) {
  (void)state;
  const vj_label label = position(2);
  const float constant[3] = {0.3F, 0.3F, 0.3F}, places[6] = {1, 5, 9, 2, 2, 2};
  const vj_probe_input input = same_splits((vj_features){3, 1, 1, constant, places}, &label);
  results r;
  assert_ok(evaluate(&defaults, &input, &r));
  assert_close(r.scalar[ERROR], r.scalar[BASELINE_ERROR], 1e-15);
  assert_close(r.by_horizon[0], (hypot(3, 2) + hypot(5, 1) + hypot(2, 1)) / 3, 1e-14);
  assert_close(r.scalar[LAMBDA], 1e4, 1e-9); /* of equals the largest */
}

/* --- larger problems: points that move in straight lines, seen through a linear map, with noise ------------------ */

typedef struct shape {
  const char *name;
  int64_t train, steps, width, points;
  double noise; /* of the features */
} shape;

static void fill_split(problem *p, const shape *s, vj_split split, const double *map) {
  vj_rng rng = vj_rng_stream(7, VJ_RNG_TEST, (uint32_t)split, vj_hash_text(s->name));
  const int64_t d = s->steps * s->width, n = p->samples[split], seen = 4 * s->points;
  double motion[64];
  assert_true(seen <= 64);
  for (int64_t i = 0; i < n; i++) {
    for (int64_t k = 0; k < seen; k++) motion[k] = (k % 4 < 2 ? 10 : 1) * vj_rng_normal(&rng); /* x, y, dx, dy */
    for (int64_t j = 0; j < d; j++) {
      double sum = s->noise * vj_rng_normal(&rng);
      for (int64_t k = 0; k < seen; k++) sum += map[j * seen + k] * motion[k];
      p->features[split][i * d + j] = (float)sum;
    }
    for (int64_t k = 0; k < p->label.width; k++) {
      const int64_t step = k / (2 * s->points), from = k / 2 % s->points * 4 + k % 2;
      p->targets[split][i * p->label.width + k] = (float)(30 + motion[from] + (double)step * motion[from + 2]);
    }
  }
}

static void create(problem *p, const shape *s) {
  const int64_t count = s->steps * s->width * 4 * s->points;
  double *map = normal_numbers(vj_rng_stream(7, VJ_RNG_TEST, 99, vj_hash_text(s->name)), count);
  create_problem(p, position(s->steps * s->points * 2), s->train, s->steps, s->width);
  for (vj_split split = VJ_TRAIN; split < VJ_SPLITS; split++) fill_split(p, s, split, map);
  free(map);
}

static void straight_motion_is_followed(void **state) {
  (void)state;
  problem p;
  results r;
  create(&p, &(shape){"straight", 200, 6, 5, 2, 0});
  assert_ok(evaluate(&defaults, &p.input, &r));
  assert_true(r.scalar[ERROR] < 0.02);
  assert_close(r.scalar[WITHIN_2PX], 1, 0);
  assert_close(r.scalar[BASELINE_ERROR], 13, 2); /* 10 sqrt(pi / 2) at step 0, more later */
  destroy_problem(&p);
}

static void the_error_is_the_mean_over_the_horizon(void **state) {
  (void)state;
  problem p;
  results r;
  create(&p, &(shape){"horizon", 200, 8, 5, 1, 20});
  assert_ok(evaluate(&defaults, &p.input, &r));
  double mean = 0;
  for (int step = 0; step < 8; step++) mean += r.by_horizon[step] / 8;
  assert_close(r.scalar[ERROR], mean, 1e-14 * mean);
  assert_true(r.by_horizon[7] > r.by_horizon[0]); /* the velocity counts seven times there */
  assert_true(r.scalar[ERROR] < r.scalar[BASELINE_ERROR]);
  destroy_problem(&p);
}

/* --- errors -------------------------------------------------------------------------------------------------- */

static void labels_that_are_no_positions_are_refused_before_training(void **state) {
  (void)state;
  const vj_probe_ops *probe = &vj_probe_trajectory.as.probe;
  const vj_label digit = {.name = "digit", .kind = VJ_LABEL_CLASS, .width = 2, .classes = 10};
  const vj_label speed = {.name = "speed", .kind = VJ_LABEL_REAL, .width = 1}, pair = position(2);
  assert_ok(probe->check(&defaults, &pair));
  assert_error(probe->check(&defaults, &digit), VJ_CONFIG,
               "label \"digit\" is one of 10 classes, and trajectory predicts positions; classes need a "
               "logistic probe");
  assert_error(probe->check(&defaults, &speed), VJ_CONFIG,
               "label \"speed\" has an odd number of values, 1, and trajectory predicts pairs (x, y); other "
               "measured labels need a ridge probe");
  assert_error(probe->check(&(vj_penalties){2, 1.5, 3}, &pair), VJ_CONFIG,
               "lambda_max is 1.5, below lambda_min, which is 2; give the smaller exponent first");
}

static void a_label_of_other_steps_is_refused(void **state) {
  (void)state;
  const vj_label label = position(4);
  const float values[12] = {1, 2, 3, 4, 5, 6, 7, 8, 9, 1, 2, 3};
  const vj_probe_input input = same_splits((vj_features){2, 3, 2, values, values}, &label);
  results r;
  assert_error(evaluate(&defaults, &input, &r), VJ_SHAPE,
               "trajectory: label \"position\" has 4 values, and 3 steps of positions (x, y) are a multiple of "
               "6; probe a view with as many steps as the label has, or another label");
}

static void errors_of_the_ridge_name_this_probe(void **state) {
  (void)state;
  const vj_label label = position(2);
  const float values[3] = {1, 2, NAN}, places[6] = {1, 5, 9, 2, 2, 2};
  results r;
  vj_probe_input input = same_splits((vj_features){2, 1, 1, values, places}, &label);
  input.split[VJ_TEST].samples = 3;
  assert_error(evaluate(&defaults, &input, &r), VJ_NUMERIC,
               "trajectory: test sample 2 has a feature that is not a finite number; the hidden state has "
               "diverged, try a lower optim.lr");
  input.split[VJ_TRAIN].samples = 1;
  assert_error(evaluate(&defaults, &input, &r), VJ_DATA,
               "trajectory: needs at least 2 train samples, got 1; raise eval.probe_train");
}

/* --- cases for Python ---------------------------------------------------------------------------------------- */

static void export_case(const char *folder, const shape *s) {
  results r;
  problem p;
  create(&p, s);
  assert_ok(evaluate(&defaults, &p.input, &r));
  write_problem(folder, "trajectory", s->name, &p);
  r.scalar[ERROR_BY_HORIZON] = 0; /* in an array of its own */
  npy_write(folder, "trajectory", s->name, "results", "<f8", 1, PREDICTED, r.scalar);
  npy_write(folder, "trajectory", s->name, "horizon", "<f8", 1, s->steps, r.by_horizon);
  destroy_problem(&p);
}

static int export_cases(const char *folder) {
  static const shape cases[] = {
      {"primal", 260, 6, 8, 1, 10},
      {"dual", 60, 12, 10, 2, 10},
      {"exact", 120, 4, 12, 2, 0},
  };
  for (size_t i = 0; i < VJ_COUNT(cases); i++) export_case(folder, &cases[i]);
  return 0;
}

int main(int count, char **arguments) {
  if (count == 2) return export_cases(arguments[1]);
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(the_parameters_have_the_stated_defaults),
      cmocka_unit_test(distances_are_euclidean_for_each_step),
      cmocka_unit_test(validation_has_an_error_of_its_own),
      cmocka_unit_test(shown_clips_have_their_paths),
      cmocka_unit_test(points_of_a_step_are_averaged),
      cmocka_unit_test(missing_positions_are_left_out),
      cmocka_unit_test(collapsed_features_score_the_baseline),
      cmocka_unit_test(straight_motion_is_followed),
      cmocka_unit_test(the_error_is_the_mean_over_the_horizon),
      cmocka_unit_test(labels_that_are_no_positions_are_refused_before_training),
      cmocka_unit_test(a_label_of_other_steps_is_refused),
      cmocka_unit_test(errors_of_the_ridge_name_this_probe),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
