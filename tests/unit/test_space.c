/* A sweep expands to the same trials every time, and says which trial is wrong. */
#include <stdlib.h>

#include "tests/unit/space_testing.h"

static void no_sweep_is_one_trial(void **state) {
  (void)state;
  const vj_space *space = make_space("seed: 7\n");
  assert_int_equal(space->trial_count, 1);
  assert_int_equal(space->key_count, 0);
  assert_int_equal(space->trials[0].setting_count, 0);
  assert_int_equal(space->trials[0].seed, 7);
  assert_string_equal(space->trials[0].arm, "");
  assert_true(space->trials[0].config->losses[1].weight == 10);
  assert_int_equal(make_space("sweep:\n")->trial_count, 1);
}

static void seeds_vary_fastest_and_the_first_parameter_slowest(void **state) {
  (void)state;
  const vj_space *space = make_space(
      "seed: 5\nsweep:\n  method: grid\n  seeds: 2\n  parameters:\n"
      "    losses.variance.weight: [0, 1]\n    model.encoder.channels: {values: [[8], [16, 32], [4]]}\n");
  assert_int_equal(space->trial_count, 12);
  assert_int_equal(space->key_count, 2);
  assert_string_equal(space->keys[1], "model.encoder.channels");
  for (int64_t t = 0; t < 12; t++) {
    const vj_trial *trial = &space->trials[t];
    assert_int_equal(trial->index, t);
    assert_int_equal(trial->seed, 5 + t % 2);
    assert_int_equal(trial->config->seed, 5 + t % 2);
    assert_setting(trial, 0, "losses.variance.weight", t < 6 ? "0" : "1");
    assert_true(trial->config->losses[1].weight == (t < 6 ? 0 : 1));
    const fake_encoder_config *encoder = trial->config->encoder.config;
    static const int64_t first[] = {8, 16, 4};
    assert_int_equal(encoder->channels.at[0], first[t / 2 % 3]);
  }
  assert_null(vj_yaml_find(space->trials[0].config->resolved, "sweep"));
  assert_string_equal(vj_yaml_find(space->trials[1].config->resolved, "seed")->text, "6");
}

static void listed_seeds_are_taken_as_they_are(void **state) {
  (void)state;
  const vj_space *space = make_space("seed: 5\nsweep: {seeds: [9, 0, 4]}\n");
  assert_int_equal(space->trial_count, 3);
  assert_int_equal(space->trials[0].seed, 9);
  assert_int_equal(space->trials[2].seed, 4);
}

static void ranges_are_exact_at_their_ends(void **state) {
  (void)state;
  static const char *const expected[] = {"0.001", "0.01", "0.1", "1"};
  const vj_space *space = make_space("sweep: {parameters: {losses.variance.weight: {log: [1.0e-3, 1.0], n: 4}}}\n");
  assert_int_equal(space->trial_count, 4);
  for (int64_t t = 0; t < 4; t++) assert_setting(&space->trials[t], 0, "losses.variance.weight", expected[t]);
  space = make_space("sweep: {parameters: {losses.variance.weight: {linear: [0.1, 0.7], n: 3}}}\n");
  assert_setting(&space->trials[1], 0, "losses.variance.weight", "0.4");
  /* Between them whole numbers stay whole, so that integers can be swept. */
  space = make_space("sweep: {parameters: {data.size: {log: [8, 64], n: 4}}}\n");
  assert_setting(&space->trials[1], 0, "data.size", "16");
  assert_setting(&space->trials[2], 0, "data.size", "32");
  space = make_space("sweep: {parameters: {optim.lr: {log: [0.1234567890123456, 0.3], n: 2}}}\n");
  assert_true(space->trials[0].config->optim.lr == 0.1234567890123456);
  assert_true(strtod(space->trials[0].settings[0].value->text, NULL) == 0.1234567890123456);
  assert_true(space->trials[1].config->optim.lr == 0.3);
}

static void arms_set_their_own_keys_and_the_grid_runs_within(void **state) {
  (void)state;
  const vj_space *space = make_space(
      "sweep:\n  parameters: {optim.lr: [0.1, 0.2]}\n  trials:\n    full:\n"
      "    collapse: {losses.variance.weight: 0}\n    wide: {data.size: 128, losses.variance.weight: 3}\n");
  assert_int_equal(space->trial_count, 6);
  assert_int_equal(space->key_count, 3);
  assert_string_equal(space->keys[0], "losses.variance.weight");
  assert_string_equal(space->keys[1], "data.size");
  assert_string_equal(space->keys[2], "optim.lr");
  assert_string_equal(space->trials[1].arm, "full");
  assert_int_equal(space->trials[1].setting_count, 1);
  assert_setting(&space->trials[1], 0, "optim.lr", "0.2");
  assert_string_equal(space->trials[2].arm, "collapse");
  assert_true(space->trials[2].config->losses[1].weight == 0);
  assert_string_equal(space->trials[5].arm, "wide");
  assert_setting(&space->trials[5], 0, "losses.variance.weight", "3");
  assert_setting(&space->trials[5], 1, "data.size", "128");
  assert_setting(&space->trials[5], 2, "optim.lr", "0.2");
  /* One trial's settings do not leak into the next. */
  assert_true(space->trials[0].config->losses[1].weight == 10);
}

static void trials_may_complete_the_base(void **state) {
  (void)state;
  vj_space *space;
  const char *text =
      "data: {dataset: squares}\nmodel: {predictor: {type: mlp}}\nlosses: {variance: }\noptim: {steps: 1}\n"
      "sweep: {parameters: {model.encoder.type: [cnn, vit]}}\n";
  assert_ok(vj_space_create(pool, read_text(text), &space));
  assert_string_equal(space->trials[1].config->encoder.component->name, "vit");
}

static void a_wrong_trial_is_named_with_its_settings(void **state) {
  (void)state;
  assert_refused("sweep:\n  parameters:\n    losses.variance.weight: [1, -1]\n  seeds: 3\n",
                 "trial 3 (losses.variance.weight=-1): a.yaml:11:33: losses.variance.weight: expected a number >= 0, "
                 "got \"-1\"");
  assert_refused("sweep: {parameters: {losses.variance.weigth: [1]}}\n",
                 "trial 0 (losses.variance.weigth=1): a.yaml:9:47: losses.variance: unknown key \"weigth\"; did you "
                 "mean \"weight\"?");
  assert_refused("sweep: {parameters: {optim.batch: [64, 60], optim.shards: [8]}}\n",
                 "trial 1 (optim.batch=60, optim.shards=8): a.yaml:9:40: optim.batch: 60 samples do not divide into 8 "
                 "shards; make optim.batch a multiple of optim.shards");
  assert_refused("sweep: {trials: {a: {data.dataset.x: 1}}}\n",
                 "trial 0 (data.dataset.x=1): a.yaml:9:38: \"data.dataset\" is a single value, not a map; it has no "
                 "keys");
  assert_refused("sweep: {parameters: {model.encoder.channels: [[8, 0]]}}\n",
                 "trial 0 (model.encoder.channels=[...]): a.yaml:9:51: model.encoder.channels[1]: expected an integer "
                 ">= 1, got \"0\"");
}

static void a_wrong_base_is_not_blamed_on_a_trial(void **state) {
  (void)state;
  assert_refused("logging: {every: 0}\nsweep: {parameters: {losses.variance.weight: [1, 2]}}\n",
                 "a.yaml:9:18: logging.every: expected an integer >= 1, got \"0\"");
  assert_refused("seed: x\nsweep: {seeds: 3}\n", "a.yaml:9:7: seed: expected an integer >= 0, got \"x\"");
}

static void wrong_sweeps_are_refused(void **state) {
  (void)state;
  assert_refused("sweep: {paramters: {}}\n",
                 "a.yaml:9:9: sweep: unknown key \"paramters\"; did you mean \"parameters\"?");
  assert_refused("sweep: 3\n", "a.yaml:9:8: sweep: expected a map of keys and values, got \"3\"");
  assert_refused("sweep: {method: sobl}\n",
                 "a.yaml:9:17: sweep.method: expected one of grid, random, sobol, halton, latin_hypercube, got "
                 "\"sobl\"; did you mean \"sobol\"?");
  assert_refused("sweep: {parameters: {a..b: [1]}}\n", "a.yaml:9:22: the key \"a..b\" has an empty part");
  assert_refused("sweep: {parameters: {seed: [1]}}\n",
                 "a.yaml:9:22: sweep.parameters.seed: seeds are not swept like this; list them under sweep.seeds");
  assert_refused("sweep: {parameters: {name: [a, b]}}\n",
                 "a.yaml:9:22: sweep.parameters.name: \"name\" is the same for all trials and cannot be swept");
  assert_refused("sweep: {parameters: {optim.lr: [1]}, trials: {a: {optim.lr: 2}}}\n",
                 "a.yaml:9:51: sweep.trials.a: \"optim.lr\" is swept under sweep.parameters too; set it in one place");
  assert_refused("sweep: {trials: {}}\n", "a.yaml:9:17: sweep.trials: expected at least one trial");
  assert_refused("sweep: {trials: {a: 3}}\n",
                 "a.yaml:9:21: sweep.trials.a: expected a map of keys and values, got \"3\"");
}

static void wrong_value_lists_are_refused(void **state) {
  (void)state;
  assert_refused("sweep: {parameters: {optim.lr: 3}}\n",
                 "a.yaml:9:32: sweep.parameters.optim.lr: expected a list of values, or a map with values, log, "
                 "linear, uniform, integer, log_integer or choice, got \"3\"");
  assert_refused("sweep: {parameters: {optim.lr: {n: 3}}}\n",
                 "a.yaml:9:32: sweep.parameters.optim.lr: expected a list of values, or a map with values, log, "
                 "linear, uniform, integer, log_integer or choice, got a map");
  assert_refused("sweep: {parameters: {optim.lr: {values: 3}}}\n",
                 "a.yaml:9:41: sweep.parameters.optim.lr: expected a list of values, got \"3\"");
  assert_refused("sweep: {parameters: {optim.lr: []}}\n",
                 "a.yaml:9:32: sweep.parameters.optim.lr: expected at least one value");
  assert_refused("sweep: {parameters: {optim.lr: {linear: [1, 2]}}}\n",
                 "a.yaml:9:32: sweep.parameters.optim.lr: missing key \"n\" (how many values, the two ends included)");
  assert_refused("sweep: {parameters: {optim.lr: {log: [0, 2], n: 3}}}\n",
                 "a.yaml:9:38: sweep.parameters.optim.lr: log: both ends must be greater than 0; use linear or "
                 "uniform, or list the values");
  assert_refused("sweep: {parameters: {optim.lr: {linear: [0, 1, 2], n: 3}}}\n",
                 "a.yaml:9:41: sweep.parameters.optim.lr: linear: expected the two ends of a range, got 3 numbers");
  assert_refused("sweep: {parameters: {optim.lr: {linear: [0, x], n: 3}}}\n",
                 "a.yaml:9:45: sweep.parameters.optim.lr.linear[1]: expected a number, got \"x\"");
  assert_refused("sweep: {parameters: {optim.lr: {linear: [0, 1], n: 1}}}\n",
                 "a.yaml:9:52: sweep.parameters.optim.lr.n: expected an integer between 2 and 100000, got \"1\"");
  assert_refused("sweep: {parameters: {optim.lr: {logs: [1, 2], n: 1}}}\n",
                 "a.yaml:9:33: sweep.parameters.optim.lr: unknown key \"logs\"; did you mean \"log\"?");
  assert_refused("sweep: {parameters: {optim.lr: {log: [1, 2], linear: [1, 2], n: 2}}}\n",
                 "a.yaml:9:46: sweep.parameters.optim.lr: unknown key \"linear\"; known keys are log, n, "
                 "when, with");
}

static void wrong_seeds_are_refused(void **state) {
  (void)state;
  assert_refused("sweep: {seeds: 0}\n",
                 "a.yaml:9:16: sweep.seeds: expected an integer between 1 and 100000, got \"0\"");
  assert_refused("sweep: {seeds: []}\n", "a.yaml:9:16: sweep.seeds: expected at least one seed");
  assert_refused("sweep: {seeds: [1, -1]}\n", "a.yaml:9:20: sweep.seeds[1]: expected an integer >= 0, got \"-1\"");
  assert_refused("seed: 9223372036854775807\nsweep: {seeds: 2}\n",
                 "a.yaml:10:16: sweep.seeds: 2 seeds from 9223372036854775807 on pass the largest seed");
}

static void a_map_that_would_replace_a_setting_is_refused(void **state) {
  (void)state;
  assert_refused("sweep: {parameters: {model.encoder.bias: [true], model.encoder: [{type: vit}]}}\n",
                 "a.yaml:9:50: sweep.parameters.model.encoder: it would replace \"model.encoder.bias\" above it; write "
                 "it before that");
  assert_refused("sweep: {parameters: {model.encoder: [{type: vit}]}, trials: {a: {model.encoder.bias: true}}}\n",
                 "a.yaml:9:66: sweep.trials.a: \"model.encoder.bias\" is swept under sweep.parameters too; set it in "
                 "one place");
}

static void too_many_trials_are_refused_before_they_are_made(void **state) {
  (void)state;
  assert_refused("sweep: {seeds: 100000, parameters: {optim.lr: {linear: [0, 1], n: 100000}}}\n",
                 "a.yaml:9:8: sweep: more than 100000 trials; sweep fewer values");
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test_setup_teardown(no_sweep_is_one_trial, setup, teardown),
      cmocka_unit_test_setup_teardown(seeds_vary_fastest_and_the_first_parameter_slowest, setup, teardown),
      cmocka_unit_test_setup_teardown(listed_seeds_are_taken_as_they_are, setup, teardown),
      cmocka_unit_test_setup_teardown(ranges_are_exact_at_their_ends, setup, teardown),
      cmocka_unit_test_setup_teardown(arms_set_their_own_keys_and_the_grid_runs_within, setup, teardown),
      cmocka_unit_test_setup_teardown(trials_may_complete_the_base, setup, teardown),
      cmocka_unit_test_setup_teardown(a_wrong_trial_is_named_with_its_settings, setup, teardown),
      cmocka_unit_test_setup_teardown(a_wrong_base_is_not_blamed_on_a_trial, setup, teardown),
      cmocka_unit_test_setup_teardown(wrong_sweeps_are_refused, setup, teardown),
      cmocka_unit_test_setup_teardown(wrong_value_lists_are_refused, setup, teardown),
      cmocka_unit_test_setup_teardown(wrong_seeds_are_refused, setup, teardown),
      cmocka_unit_test_setup_teardown(a_map_that_would_replace_a_setting_is_refused, setup, teardown),
      cmocka_unit_test_setup_teardown(too_many_trials_are_refused_before_they_are_made, setup, teardown),
  };
  return cmocka_run_group_tests(tests, register_fakes, NULL);
}
