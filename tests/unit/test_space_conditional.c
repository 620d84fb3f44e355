/* Parameters that know of each other: those that exist under a condition, and those that walk together. */
#include "tests/unit/space_testing.h"

static void a_conditional_parameter_multiplies_only_the_trials_that_have_it(void **state) {
  (void)state;
  const vj_space *space = make_space(
      "sweep:\n  parameters:\n    model.encoder.type: [cnn, vit]\n"
      "    model.encoder.channels: {values: [[8], [16], [4]], when: {model.encoder.type: cnn}}\n"
      "    optim.lr: {linear: [0.1, 0.2], n: 2}\n");
  assert_int_equal(space->trial_count, 3 * 2 + 2);
  assert_int_equal(space->key_count, 3);
  assert_int_equal(space->trials[5].setting_count, 3);
  assert_setting(&space->trials[5], 0, "model.encoder.type", "cnn");
  assert_string_equal(space->trials[5].settings[1].key, "model.encoder.channels");
  assert_int_equal(space->trials[6].setting_count, 2);
  assert_setting(&space->trials[6], 0, "model.encoder.type", "vit");
  assert_setting(&space->trials[6], 1, "optim.lr", "0.1");
  assert_setting(&space->trials[7], 1, "optim.lr", "0.2");
}

static int64_t trials_of(const char *sweep) { return make_space(sweep)->trial_count; }

static void conditions_look_at_what_is_written_in_arms_parameters_and_the_file(void **state) {
  (void)state;
  /* in arms, there inside a map too; a list of values; several keys */
  assert_int_equal(
      trials_of("sweep: {trials: {a: {optim.lr: 0.1}, b: {optim.lr: 0.2}, c: {optim.lr: 0.3}}, parameters: "
                "{data.size: {values: [8, 16, 32, 64], when: {optim.lr: [0.1, 0.3]}}}}\n"),
      4 + 1 + 4);
  assert_int_equal(trials_of("sweep: {trials: {a: {model.encoder: {type: vit}}, b: {}}, parameters: "
                             "{data.size: {values: [8, 16], when: {model.encoder.type: cnn}}}}\n"),
                   1 + 2);
  assert_int_equal(trials_of("sweep: {parameters: {optim.lr: [0.1, 0.2], data.size: [8, 16], losses.prediction.weight: "
                             "{values: [1, 2, 3], when: {optim.lr: 0.1, data.size: 16}}}}\n"),
                   3 + 3);
  /* numbers are compared as numbers, texts as texts, lists item by item */
  assert_int_equal(trials_of("sweep: {parameters: {optim.lr: {values: [1, 2], when: {losses.variance.weight: 10}}}}\n"),
                   2);
  assert_int_equal(trials_of("sweep: {parameters: {model.encoder.channels: [[8], [8, 16]], optim.lr: {values: [1, 2], "
                             "when: {model.encoder.channels: [[8, 16]]}}}}\n"),
                   3);
  /* a condition on a parameter that is itself conditional, or on what stands there without it */
  assert_int_equal(trials_of("sweep: {parameters: {data.size: [8, 16], losses.variance.weight: {values: [1, 2], when: "
                             "{data.size: 8}}, optim.lr: {values: [1, 2, 3], when: {losses.variance.weight: 10}}}}\n"),
                   2 + 3);
  assert_int_equal(trials_of("sweep: {parameters: {model.encoder.type: [cnn, vit], model.encoder.bias: {values: [true, "
                             "false], when: {model.encoder.type: cnn}}, optim.lr: {values: [1, 2, 3], when: "
                             "{model.encoder.bias: true}}}}\n"),
                   3 + 1 + 1);
}

static void a_sampled_parameter_may_be_conditional_and_decide(void **state) {
  (void)state;
  /* decided by the grid: trials without anything sampled are there once, not once a sample */
  const vj_space *space = make_space(
      "sweep: {method: random, samples: 5, seeds: 2, parameters: {model.encoder.type: [cnn, vit], losses.variance.tau: "
      "{uniform: [0, 1], when: {model.encoder.type: cnn}}}}\n");
  assert_int_equal(space->trial_count, 2 * (5 + 1));
  assert_setting(&space->trials[2], 0, "model.encoder.type", "vit");
  assert_int_equal(space->trials[2].setting_count, 1);
  /* decided by a choice, which in turn decides how many values of the grid there are: u = 1/2, 3/4, 1/4, 3/8 */
  space = make_space(
      "sweep: {method: sobol, samples: 4, parameters: {model.encoder.type: {choice: [cnn, vit]}, model.encoder.bias: "
      "{values: [true, false], when: {model.encoder.type: cnn}}, optim.lr: {uniform: [0, 1], when: "
      "{model.encoder.bias: false}}}}\n");
  static const char *const types[] = {"vit", "cnn", "cnn", "cnn"}; /* of two that are the same the first */
  assert_int_equal(space->trial_count, 4);
  for (int64_t t = 0; t < 4; t++) assert_setting(&space->trials[t], 0, "model.encoder.type", types[t]);
  assert_int_equal(space->trials[1].setting_count, 2);
  assert_setting(&space->trials[2], 2, "optim.lr", "0.75"); /* sample 2 in the second dimension */
}

static void linked_parameters_walk_together(void **state) {
  (void)state;
  const vj_space *space = make_space(
      "sweep:\n  parameters:\n    losses.variance.weight: {log: [1, 100], n: 3}\n    optim.lr: [0.1, 0.2]\n"
      "    losses.variance.tau: {values: [5, 6, 7], with: losses.variance.weight}\n"
      "    data.size: {linear: [8, 10], n: 3, with: losses.variance.tau}\n");
  static const char *const weight[] = {"1", "10", "100"}, *const tau[] = {"5", "6", "7"},
                           *const size[] = {"8", "9", "10"};
  assert_int_equal(space->trial_count, 6);
  for (int64_t t = 0; t < 6; t++) {
    assert_setting(&space->trials[t], 0, "losses.variance.weight", weight[t / 2]);
    assert_setting(&space->trials[t], 1, "optim.lr", t % 2 ? "0.2" : "0.1");
    assert_setting(&space->trials[t], 2, "losses.variance.tau", tau[t / 2]);
    assert_setting(&space->trials[t], 3, "data.size", size[t / 2]);
  }
  /* and exist together */
  assert_int_equal(trials_of("sweep: {parameters: {model.encoder.type: [cnn, vit], optim.lr: {values: [1, 2], when: "
                             "{model.encoder.type: cnn}}, data.size: {values: [8, 16], with: optim.lr}}}\n"),
                   3);
}

static void wrong_conditions_are_refused(void **state) {
  (void)state;
#define REFUSED(when, message)                                                                     \
  assert_refused("sweep: {parameters: {data.size: [8, 16], optim.lr: {values: [1, 2], when: " when \
                 "}, optim.steps: [50, 60]}}\n",                                                   \
                 message)
  REFUSED("{data.sise: 8}",
          "a.yaml:9:76: sweep.parameters.optim.lr.when: no trial has the key \"data.sise\"; did you mean "
          "\"data.size\"?");
  REFUSED("{model.decoder.size: 8}",
          "a.yaml:9:76: sweep.parameters.optim.lr.when: no trial has the key \"model.decoder.size\"");
  REFUSED("{data.size: 9}",
          "a.yaml:9:87: sweep.parameters.optim.lr.when: \"data.size\" never has this value, so \"optim.lr\" would "
          "never be set");
  REFUSED("{model.encoder.type: vit}",
          "a.yaml:9:75: sweep.parameters.optim.lr.when: no trial has these values, so \"optim.lr\" would never be "
          "set");
  REFUSED("{losses.variance.tau: 1}",
          "a.yaml:9:76: sweep.parameters.optim.lr.when: in trial 0 \"losses.variance.tau\" has this value only by "
          "default; write it down");
  REFUSED("{optim.steps: 50}",
          "a.yaml:9:76: sweep.parameters.optim.lr.when: \"optim.steps\" is set by a parameter below; write "
          "\"optim.lr\" behind it");
  REFUSED("{optim.lr: 1}", "a.yaml:9:76: sweep.parameters.optim.lr.when: \"optim.lr\" is set by the parameter itself");
  REFUSED("{seed: 1}",
          "a.yaml:9:76: sweep.parameters.optim.lr.when: every trial runs with all seeds; a parameter cannot depend on "
          "them");
  REFUSED("data.size",
          "a.yaml:9:75: sweep.parameters.optim.lr.when: expected keys and the values they must have, like "
          "{model.latent.type: sparse}, got \"data.size\"");
  REFUSED("{}",
          "a.yaml:9:75: sweep.parameters.optim.lr.when: expected keys and the values they must have, like "
          "{model.latent.type: sparse}, got an empty map");
  REFUSED("{data.size: []}", "a.yaml:9:87: sweep.parameters.optim.lr.when: data.size: expected at least one value");
  REFUSED("{data: {size: 8}}",
          "a.yaml:9:82: sweep.parameters.optim.lr.when: data: expected a value or a list of values, got a map; write "
          "its keys with dots");
#undef REFUSED
}

static void a_sampled_parameter_that_is_never_set_is_refused(void **state) {
  (void)state;
  assert_refused(
      "sweep: {method: random, samples: 2, parameters: {optim.lr: {uniform: [0, 1]}, losses.variance.tau: "
      "{uniform: [0, 1], when: {model.encoder.type: vit}}}}\n",
      "a.yaml:9:124: sweep.parameters.losses.variance.tau.when: no trial has these values, so "
      "\"losses.variance.tau\" would never be set");
  assert_refused(
      "sweep: {method: random, samples: 1, parameters: {model.encoder.type: {choice: [cnn, vit]}, "
      "losses.variance.tau: {uniform: [0, 1], when: {model.encoder.type: cmn}}}}\n",
      "a.yaml:9:158: sweep.parameters.losses.variance.tau.when: \"model.encoder.type\" never has this value, "
      "so \"losses.variance.tau\" would never be set");
  /* Here it is chance: with more samples it would be set. */
  assert_int_equal(
      trials_of("sweep: {method: sobol, samples: 1, parameters: {model.encoder.type: {choice: [cnn, vit]}, "
                "losses.variance.tau: {uniform: [0, 1], when: {model.encoder.type: cnn}}}}\n"),
      1);
}

static void wrong_links_are_refused(void **state) {
  (void)state;
  assert_refused("sweep: {parameters: {data.size: [8, 16, 32], optim.lr: {values: [1, 2], with: data.size}}}\n",
                 "a.yaml:9:79: sweep.parameters.optim.lr: it has 2 values, but \"data.size\", with which it walks, has "
                 "3; give both as many");
  assert_refused("sweep: {parameters: {optim.lr: {values: [1, 2], with: data.size}, data.size: [8, 16]}}\n",
                 "a.yaml:9:55: sweep.parameters.optim.lr: with: expected the key of a parameter that is written above, "
                 "got \"data.size\"");
  assert_refused(
      "sweep: {method: random, samples: 2, parameters: {data.size: {integer: [8, 16]}, optim.lr: {values: "
      "[1, 2], with: data.size}}}\n",
      "a.yaml:9:114: sweep.parameters.optim.lr: with: \"data.size\" is sampled; only lists and ranges walk "
      "together, samples do so anyway");
  assert_refused(
      "sweep: {parameters: {data.size: [8, 16], optim.lr: {values: [1, 2], with: data.size, when: {a: "
      "1}}}}\n",
      "a.yaml:9:86: sweep.parameters.optim.lr: it exists where \"data.size\" does, with which it walks; put "
      "when there");
  assert_refused("sweep: {parameters: {data.size: [8], optim.lr: {values: [1], with: [data.size]}}}\n",
                 "a.yaml:9:68: sweep.parameters.optim.lr: with: expected the key of another parameter, got a list");
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test_setup_teardown(a_conditional_parameter_multiplies_only_the_trials_that_have_it, setup, teardown),
      cmocka_unit_test_setup_teardown(conditions_look_at_what_is_written_in_arms_parameters_and_the_file, setup,
                                      teardown),
      cmocka_unit_test_setup_teardown(a_sampled_parameter_may_be_conditional_and_decide, setup, teardown),
      cmocka_unit_test_setup_teardown(linked_parameters_walk_together, setup, teardown),
      cmocka_unit_test_setup_teardown(wrong_conditions_are_refused, setup, teardown),
      cmocka_unit_test_setup_teardown(a_sampled_parameter_that_is_never_set_is_refused, setup, teardown),
      cmocka_unit_test_setup_teardown(wrong_links_are_refused, setup, teardown),
  };
  return cmocka_run_group_tests(tests, register_fakes, NULL);
}
