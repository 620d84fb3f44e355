/* What is one trial, the resolved configuration decides: what repeats another is no trial, however it is written. */
#include "tests/unit/space_testing.h"

static int64_t trials_of(const char *sweep) { return make_space(sweep)->trial_count; }

static void one_number_in_many_spellings_is_one_value(void **state) {
  (void)state;
  assert_int_equal(trials_of("sweep: {parameters: {losses.variance.weight: [1, 1.0, 1e0, +1, 0.1e1, 01, 1.]}}\n"), 1);
  assert_int_equal(trials_of("sweep: {parameters: {losses.variance.weight: [.5, 0.5, 5e-1, 0.50, 0.6]}}\n"), 2);
  assert_int_equal(trials_of("sweep: {parameters: {data.size: [16, 016, +16, 17]}}\n"), 2);
  assert_int_equal(trials_of("sweep: {parameters: {model.encoder.channels: [[8], 8, [08], [8, 16], [8, +16]]}}\n"), 2);
  /* 2^53 and its neighbours are three whole numbers */
  assert_int_equal(trials_of("sweep: {seeds: [9007199254740992, 9007199254740993, 9007199254740994]}\n"), 3);
  assert_int_equal(trials_of("sweep: {seeds: [9223372036854775807, 9223372036854775806]}\n"), 2);
}

static void repeated_seeds_are_one(void **state) {
  (void)state;
  const vj_space *space = make_space("sweep: {seeds: [0, 0, 1, 00, +1]}\n");
  assert_int_equal(space->trial_count, 2);
  assert_int_equal(space->trials[0].seed, 0);
  assert_int_equal(space->trials[1].seed, 1);
  assert_int_equal(space->trials[1].index, 1);
  assert_string_equal(
      space->repeats,
      "3 of 5 combinations of the sweep repeat another to the last setting and seed; each is one trial, "
      "trained once. The first that repeats: seed 0");
  assert_null(make_space("sweep: {seeds: [0, 1]}\n")->repeats);
}

static void what_a_default_says_already_repeats_it(void **state) {
  (void)state;
  assert_int_equal(trials_of("sweep: {parameters: {model.encoder: [{type: cnn, channels: [8]}, {type: cnn, channels: "
                             "[8], bias: true}, {type: cnn, channels: [8], bias: false}]}}\n"),
                   2);
}

static void samples_and_ranges_that_meet_are_one(void **state) {
  (void)state;
  const vj_space *space =
      make_space("sweep: {method: random, samples: 50, parameters: {data.size: {integer: [8, 9]}}, seeds: 2}\n");
  assert_int_equal(space->trial_count, 4);
  for (int64_t i = 0; i < 4; i++) assert_int_equal(space->trials[i].index, i);
  assert_non_null(strstr(space->repeats, "96 of 100 combinations"));
  assert_int_equal(trials_of("sweep: {parameters: {optim.lr: {linear: [0.1, 0.1], n: 3}}}\n"), 1);
  assert_int_equal(trials_of("sweep: {method: random, samples: 9, parameters: {optim.lr: {choice: [1, 1.0]}}}\n"), 1);
}

static void arms_stay_and_are_told(void **state) {
  (void)state;
  const vj_space *space = make_space(
      "sweep: {trials: {a: {losses.variance.weight: 2}, b: {losses.variance.weight: 2.0}, c: {}}, seeds: [3, 3]}\n");
  assert_int_equal(space->trial_count, 3);
  assert_non_null(strstr(space->repeats, "3 of 6 combinations"));
  assert_string_equal(space->alike,
                      "arms \"a\" and \"b\" have the same settings in 1 trial; they are trained twice, and give the "
                      "same numbers");
}

static void conditions_compare_numbers_and_leave_texts_alone(void **state) {
  (void)state;
#define WHEN(values, value) \
  "sweep: {parameters: {optim.lr: [" values "], data.size: {values: [8, 9], when: {optim.lr: " value "}}}}\n"
  assert_int_equal(trials_of(WHEN("1, 2", "1.0")), 3);
  assert_int_equal(trials_of(WHEN("1e0, 2", "1")), 3);
  assert_refused(WHEN("1, 2", "0x1"),
                 "a.yaml:9:85: sweep.parameters.data.size.when: \"optim.lr\" never has this value, so \"data.size\" "
                 "would never be set");
#undef WHEN
}

static void ranges_refuse_what_a_double_does_not_hold(void **state) {
  (void)state;
  assert_refused(
      "sweep: {parameters: {data.seed: {linear: [9007199254740993, 9007199254740995], n: 2}}}\n",
      "a.yaml:9:43: sweep.parameters.data.seed: linear: whole numbers beyond 1e15 are not counted in ranges; "
      "list the values");
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test_setup_teardown(one_number_in_many_spellings_is_one_value, setup, teardown),
      cmocka_unit_test_setup_teardown(repeated_seeds_are_one, setup, teardown),
      cmocka_unit_test_setup_teardown(what_a_default_says_already_repeats_it, setup, teardown),
      cmocka_unit_test_setup_teardown(samples_and_ranges_that_meet_are_one, setup, teardown),
      cmocka_unit_test_setup_teardown(arms_stay_and_are_told, setup, teardown),
      cmocka_unit_test_setup_teardown(conditions_compare_numbers_and_leave_texts_alone, setup, teardown),
      cmocka_unit_test_setup_teardown(ranges_refuse_what_a_double_does_not_hold, setup, teardown),
  };
  return cmocka_run_group_tests(tests, register_fakes, NULL);
}
