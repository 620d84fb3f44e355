/* Sampled parameters: their values are those at the points of a sequence, and more samples change none before. */
#include <string.h>

#include "tests/unit/space_testing.h"

/* u = 1/2, 3/4, 1/4 in the first dimension and 1/2, 1/4, 3/4 in the second. */
static void samples_are_the_values_at_the_points_of_the_sequence(void **state) {
  (void)state;
  static const char *const expected[3][2] = {{"4", "0.001"}, {"6", "0.000316227766017"}, {"2", "0.00316227766017"}};
  const vj_space *space = make_space(
      "sweep: {method: sobol, samples: 3, parameters: {losses.variance.weight: {uniform: [0, 8]}, optim.lr: {log: "
      "[1.0e-4, 1.0e-2]}}}\n");
  assert_int_equal(space->trial_count, 3);
  assert_int_equal(space->key_count, 2);
  for (int64_t t = 0; t < 3; t++) {
    assert_setting(&space->trials[t], 0, "losses.variance.weight", expected[t][0]);
    assert_setting(&space->trials[t], 1, "optim.lr", expected[t][1]);
  }
  assert_true(space->trials[2].config->optim.lr == 0.00316227766017);
  static const char *const whole[3][2] = {{"13", "2"}, {"14", "1"}, {"11", "4"}}; /* 10 + floor(6u); floor(8^u) */
  space = make_space(
      "sweep: {method: sobol, samples: 3, parameters: {data.size: {integer: [10, 15]}, optim.warmup: {log_integer: "
      "[1, 7]}}}\n");
  for (int64_t t = 0; t < 3; t++) {
    assert_setting(&space->trials[t], 0, "data.size", whole[t][0]);
    assert_setting(&space->trials[t], 1, "optim.warmup", whole[t][1]);
  }
  static const int64_t channels[] = {16, 8, 4}; /* u = 1/2, 1/4, 3/4 of three choices */
  space = make_space(
      "sweep: {method: halton, samples: 3, parameters: {model.encoder.channels: {choice: [[8], [16], [4]]}}}\n");
  for (int64_t t = 0; t < 3; t++) {
    const fake_encoder_config *encoder = space->trials[t].config->encoder.config;
    assert_int_equal(encoder->channels.at[0], channels[t]);
  }
}

static int64_t count_of(const vj_space *space, int64_t setting, const char *text) {
  int64_t count = 0;
  for (int64_t t = 0; t < space->trial_count; t++)
    count += strcmp(space->trials[t].settings[setting].value->text, text) == 0;
  return count;
}

/* With one point in each 60th, shares are exact. Another parameter lets no two samples be one trial. */
static void whole_numbers_and_choices_are_equally_likely(void **state) {
  (void)state;
  static const char *const numbers[] = {"8", "9", "10", "11", "12", "13"};
  const vj_space *space = make_space(
      "sweep: {method: latin_hypercube, samples: 60, sampling_seed: 4, parameters: {data.size: {integer: [8, 13]}, "
      "losses.variance.weight: {choice: [0.5, 1, 2]}, optim.lr: {uniform: [0, 1]}}}\n");
  for (int i = 0; i < 6; i++) assert_int_equal(count_of(space, 0, numbers[i]), 10);
  assert_int_equal(count_of(space, 1, "0.5"), 20);
  assert_int_equal(count_of(space, 1, "1"), 20);
  assert_int_equal(count_of(space, 1, "2"), 20);
  /* log((k + 1) / k) / log 4 of 1000. */
  space = make_space(
      "sweep: {method: latin_hypercube, samples: 1000, parameters: {optim.warmup: {log_integer: [1, 3]}, optim.lr: "
      "{uniform: [0, 1]}}}\n");
  assert_in_range(count_of(space, 0, "1"), 499, 501);
  assert_in_range(count_of(space, 0, "2"), 291, 294);
  assert_in_range(count_of(space, 0, "3"), 206, 209);
}

static void samples_run_slowest_then_arms_then_the_grid_then_seeds(void **state) {
  (void)state;
  const vj_space *space = make_space(
      "sweep:\n  method: sobol\n  samples: 2\n  seeds: 2\n  trials: {a: {data.size: 32}, b: {}}\n  parameters:\n"
      "    losses.variance.weight: [0, 1, 2]\n    optim.lr: {uniform: [0, 1]}\n");
  static const char *const lr[] = {"0.5", "0.75"}, *const weight[] = {"0", "1", "2"};
  assert_int_equal(space->trial_count, 24);
  for (int64_t t = 0; t < 24; t++) {
    const vj_trial *trial = &space->trials[t];
    const bool is_a = t / 6 % 2 == 0;
    assert_string_equal(trial->arm, is_a ? "a" : "b");
    assert_int_equal(trial->seed, t % 2);
    assert_int_equal(trial->setting_count, is_a ? 3 : 2);
    assert_setting(trial, is_a, "losses.variance.weight", weight[t / 2 % 3]);
    assert_setting(trial, 1 + is_a, "optim.lr", lr[t / 12]);
  }
}

static void more_samples_are_added_behind_and_change_none_before(void **state) {
  (void)state;
  static const char *const methods[] = {"random", "sobol", "halton"};
  static const char sweep[] =
      "sweep: {method: %s, samples: %d, sampling_seed: %d, seeds: 2, parameters: {optim.lr: {log: [1.0e-4, 1]}, "
      "data.size: {integer: [8, 500]}}}\n";
  for (size_t m = 0; m < VJ_COUNT(methods); m++)
    for (int seed = 0; seed < 2; seed++) {
      const vj_space *few = make_space(vj_pool_format(pool, sweep, methods[m], 5, seed));
      const vj_space *many = make_space(vj_pool_format(pool, sweep, methods[m], 9, seed));
      assert_int_equal(few->trial_count, 10);
      assert_int_equal(many->trial_count, 18);
      for (int64_t t = 0; t < 10; t++)
        for (int64_t i = 0; i < 2; i++)
          assert_setting(&many->trials[t], i, few->trials[t].settings[i].key, few->trials[t].settings[i].value->text);
    }
}

/* The trial's own seed is not what samples are drawn by. */
static void samples_depend_on_the_sampling_seed_alone(void **state) {
  (void)state;
  static const char sweep[] =
      "seed: %d\nsweep: {method: random, samples: 3, sampling_seed: %d, parameters: {optim.lr: {uniform: [0, 1]}}}\n";
  const vj_space *one = make_space(vj_pool_format(pool, sweep, 0, 1)),
                 *same = make_space(vj_pool_format(pool, sweep, 9, 1));
  const vj_space *other = make_space(vj_pool_format(pool, sweep, 0, 2));
  for (int64_t t = 0; t < 3; t++) {
    const char *text = one->trials[t].settings[0].value->text;
    assert_setting(&same->trials[t], 0, "optim.lr", text);
    assert_string_not_equal(other->trials[t].settings[0].value->text, text);
  }
}

static void wrong_samples_are_refused(void **state) {
  (void)state;
  assert_refused("sweep: {parameters: {optim.lr: {uniform: [0, 1]}}}\n",
                 "a.yaml:9:33: sweep.parameters.optim.lr: uniform is sampled; set sweep.method to random, sobol, "
                 "halton or latin_hypercube, or list values");
  assert_refused("sweep: {method: grid, parameters: {optim.lr: {log: [0.1, 1]}}}\n",
                 "a.yaml:9:47: sweep.parameters.optim.lr: log without n is sampled; set sweep.method to random, "
                 "sobol, halton or latin_hypercube, or add n: count");
  assert_refused("sweep: {samples: 3, parameters: {optim.lr: [1]}}\n",
                 "a.yaml:9:9: sweep: \"samples\" is not for the grid; set sweep.method to random, sobol, halton or "
                 "latin_hypercube");
  assert_refused("sweep: {method: sobol, samples: 3, parameters: {optim.lr: [1]}}\n",
                 "a.yaml:9:17: sweep.method: no parameter is sampled; write one as uniform, log without n, integer, "
                 "log_integer or choice, or leave method out");
  assert_refused("sweep: {method: sobol, parameters: {optim.lr: {uniform: [0, 1]}}}\n",
                 "a.yaml:9:8: sweep: missing key \"samples\" (how often the sampled parameters are drawn)");
  assert_refused("sweep: {method: sobol, samples: 0, parameters: {optim.lr: {uniform: [0, 1]}}}\n",
                 "a.yaml:9:33: sweep.samples: expected an integer between 1 and 100000, got \"0\"");
  assert_refused("sweep: {method: sobol, samples: 1, sampling_seed: -1, parameters: {optim.lr: {uniform: [0, 1]}}}\n",
                 "a.yaml:9:51: sweep.sampling_seed: expected an integer >= 0, got \"-1\"");
  assert_refused("sweep: {method: random, samples: 50001, seeds: 2, parameters: {optim.lr: {uniform: [0, 1]}}}\n",
                 "a.yaml:9:8: sweep: more than 100000 trials; sweep fewer values");
}

static void wrong_distributions_are_refused(void **state) {
  (void)state;
#define REFUSED(parameter, message) \
  assert_refused("sweep: {method: random, samples: 2, parameters: {optim.lr: " parameter "}}\n", message)
  REFUSED("{uniform: [2, 1]}",
          "a.yaml:9:70: sweep.parameters.optim.lr: uniform: expected the lower end and then a higher one, got 2 and 1");
  REFUSED("{integer: [3, 3]}",
          "a.yaml:9:70: sweep.parameters.optim.lr: integer: expected the lower end and then a higher one, got 3 and 3");
  REFUSED("{log: [0, 1]}",
          "a.yaml:9:66: sweep.parameters.optim.lr: log: both ends must be greater than 0; use linear or uniform, or "
          "list the values");
  REFUSED("{log_integer: [0, 4]}",
          "a.yaml:9:75: sweep.parameters.optim.lr.log_integer[0]: expected an integer between 1 and 1e+15, got \"0\"");
  REFUSED("{integer: [1, 2.5]}",
          "a.yaml:9:74: sweep.parameters.optim.lr.integer[1]: expected an integer between -1e+15 and 1e+15, got "
          "\"2.5\"");
  REFUSED("{uniform: [1]}",
          "a.yaml:9:70: sweep.parameters.optim.lr: uniform: expected the two ends of a range, got 1 number");
  REFUSED("{choice: []}", "a.yaml:9:69: sweep.parameters.optim.lr: expected at least one value");
  REFUSED("{choice: big}", "a.yaml:9:69: sweep.parameters.optim.lr: expected a list of values, got \"big\"");
  REFUSED("{uniform: [1, 2], n: 3}",
          "a.yaml:9:78: sweep.parameters.optim.lr: unknown key \"n\"; known keys are uniform, when");
  REFUSED("{unifrm: [1, 2]}",
          "a.yaml:9:61: sweep.parameters.optim.lr: unknown key \"unifrm\"; did you mean \"uniform\"?");
#undef REFUSED
}

static void more_dimensions_than_a_sequence_has_are_refused(void **state) {
  (void)state;
  const char *sweep = "sweep:\n  samples: 1\n  method: sobol\n  parameters:\n";
  for (int i = 0; i < 41; i++) sweep = vj_pool_format(pool, "%s    a%d: {uniform: [0, 1]}\n", sweep, i);
  assert_refused(sweep,
                 "a.yaml:11:11: sweep.method: sobol has at most 40 dimensions, and 41 parameters are sampled; use "
                 "random or latin_hypercube");
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test_setup_teardown(samples_are_the_values_at_the_points_of_the_sequence, setup, teardown),
      cmocka_unit_test_setup_teardown(whole_numbers_and_choices_are_equally_likely, setup, teardown),
      cmocka_unit_test_setup_teardown(samples_run_slowest_then_arms_then_the_grid_then_seeds, setup, teardown),
      cmocka_unit_test_setup_teardown(more_samples_are_added_behind_and_change_none_before, setup, teardown),
      cmocka_unit_test_setup_teardown(samples_depend_on_the_sampling_seed_alone, setup, teardown),
      cmocka_unit_test_setup_teardown(wrong_samples_are_refused, setup, teardown),
      cmocka_unit_test_setup_teardown(wrong_distributions_are_refused, setup, teardown),
      cmocka_unit_test_setup_teardown(more_dimensions_than_a_sequence_has_are_refused, setup, teardown),
  };
  return cmocka_run_group_tests(tests, register_fakes, NULL);
}
