/* A sweep expands to the same trials every time, and says which trial is wrong. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/unit/space_testing.h"

static void assert_refused(const char *sweep, const char *message) {
  vj_space *space;
  assert_error(expand(sweep, &space), VJ_CONFIG, message);
}

static void assert_setting(const vj_trial *trial, int64_t i, const char *key, const char *text) {
  assert_true(i < trial->setting_count);
  assert_string_equal(trial->settings[i].key, key);
  assert_string_equal(trial->settings[i].value->text, text);
}

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

/* --- samples ---------------------------------------------------------------------------------------------------- */

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

/* With one point in each 60th, shares are exact. */
static void whole_numbers_and_choices_are_equally_likely(void **state) {
  (void)state;
  static const char *const numbers[] = {"8", "9", "10", "11", "12", "13"};
  const vj_space *space = make_space(
      "sweep: {method: latin_hypercube, samples: 60, sampling_seed: 4, parameters: {data.size: {integer: [8, 13]}, "
      "losses.variance.weight: {choice: [0.5, 1, 2]}}}\n");
  for (int i = 0; i < 6; i++) assert_int_equal(count_of(space, 0, numbers[i]), 10);
  assert_int_equal(count_of(space, 1, "0.5"), 20);
  assert_int_equal(count_of(space, 1, "1"), 20);
  assert_int_equal(count_of(space, 1, "2"), 20);
  /* log((k + 1) / k) / log 4 of 1000. */
  space = make_space(
      "sweep: {method: latin_hypercube, samples: 1000, parameters: {optim.warmup: {log_integer: [1, 3]}}}\n");
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

/* --- parameters that know of each other -------------------------------------------------------------------------- */

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
  static const char *const types[] = {"vit", "vit", "cnn", "cnn", "cnn", "cnn"};
  assert_int_equal(space->trial_count, 6);
  for (int64_t t = 0; t < 6; t++) assert_setting(&space->trials[t], 0, "model.encoder.type", types[t]);
  assert_setting(&space->trials[3], 2, "optim.lr", "0.75"); /* sample 2 in the second dimension */
  assert_int_equal(space->trials[4].setting_count, 2);
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
      cmocka_unit_test_setup_teardown(samples_are_the_values_at_the_points_of_the_sequence, setup, teardown),
      cmocka_unit_test_setup_teardown(whole_numbers_and_choices_are_equally_likely, setup, teardown),
      cmocka_unit_test_setup_teardown(samples_run_slowest_then_arms_then_the_grid_then_seeds, setup, teardown),
      cmocka_unit_test_setup_teardown(more_samples_are_added_behind_and_change_none_before, setup, teardown),
      cmocka_unit_test_setup_teardown(samples_depend_on_the_sampling_seed_alone, setup, teardown),
      cmocka_unit_test_setup_teardown(wrong_samples_are_refused, setup, teardown),
      cmocka_unit_test_setup_teardown(wrong_distributions_are_refused, setup, teardown),
      cmocka_unit_test_setup_teardown(more_dimensions_than_a_sequence_has_are_refused, setup, teardown),
      cmocka_unit_test_setup_teardown(a_conditional_parameter_multiplies_only_the_trials_that_have_it, setup, teardown),
      cmocka_unit_test_setup_teardown(conditions_look_at_what_is_written_in_arms_parameters_and_the_file, setup,
                                      teardown),
      cmocka_unit_test_setup_teardown(a_sampled_parameter_may_be_conditional_and_decide, setup, teardown),
      cmocka_unit_test_setup_teardown(linked_parameters_walk_together, setup, teardown),
      cmocka_unit_test_setup_teardown(wrong_conditions_are_refused, setup, teardown),
      cmocka_unit_test_setup_teardown(a_sampled_parameter_that_is_never_set_is_refused, setup, teardown),
      cmocka_unit_test_setup_teardown(wrong_links_are_refused, setup, teardown),
      cmocka_unit_test_setup_teardown(a_map_that_would_replace_a_setting_is_refused, setup, teardown),
      cmocka_unit_test_setup_teardown(too_many_trials_are_refused_before_they_are_made, setup, teardown),
  };
  return cmocka_run_group_tests(tests, register_fakes, NULL);
}
