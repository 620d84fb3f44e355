/* An arm's parameters are its own: other arms neither have them nor change them. */
#include <stdlib.h>

#include "tests/unit/space_testing.h"
#include "sweeps/space/arm_space.h"
#include "sweeps/space/range.h"
#include "sweeps/space/tuning.h"

static const char *value_of(const vj_trial *trial, const char *key) {
  for (int64_t i = 0; i < trial->setting_count; i++)
    if (strcmp(trial->settings[i].key, key) == 0) return trial->settings[i].value->text;
  return NULL;
}

static void arms_have_parameters_and_ranges_of_their_own(void **state) {
  (void)state;
  const vj_space *space = make_space(
      "sweep:\n  method: sobol\n  samples: 3\n  seeds: 2\n  trials:\n"
      "    a: {parameters: {optim.lr: {uniform: [0, 1]}}}\n"
      "    b: {losses.variance.weight: 3, parameters: {optim.lr: {uniform: [10, 20]}, data.size: [8, 16]}}\n"
      "    c: {data.size: 32}\n");
  assert_int_equal(space->trial_count, 2 * (3 + 3 * 2 + 1));
  assert_int_equal(space->key_count, 3); /* losses.variance.weight, data.size, optim.lr */
  assert_string_equal(value_of(&space->trials[0], "optim.lr"), "0.5");
  assert_null(value_of(&space->trials[0], "data.size"));
  assert_string_equal(value_of(&space->trials[2], "optim.lr"), "15");
  assert_string_equal(value_of(&space->trials[2], "data.size"), "8");
  assert_string_equal(value_of(&space->trials[4], "data.size"), "16");
  assert_string_equal(space->trials[6].arm, "c");
  assert_int_equal(space->trials[6].setting_count, 1);
  assert_string_equal(space->trials[8].arm, "a"); /* nothing of c is sampled: it is there once */
  assert_string_equal(value_of(&space->trials[8], "optim.lr"), "0.75");
}

/* All values of an arm, as one text. */
static const char *values_of(const vj_space *space, const char *arm) {
  const char *text = "";
  for (int64_t t = 0; t < space->trial_count; t++)
    for (int64_t i = 0; strcmp(space->trials[t].arm, arm) == 0 && i < space->trials[t].setting_count; i++)
      text = vj_pool_format(pool, "%s %s=%s", text, space->trials[t].settings[i].key,
                            space->trials[t].settings[i].value->text);
  return text;
}

#define SAMPLED(method, samples) "sweep:\n  method: " method "\n  samples: " samples "\n  trials:\n"
#define ARM_A "    a: {parameters: {optim.lr: {log: [1.0e-4, 1.0e-2]}, losses.variance.weight: {uniform: [0, 9]}}}\n"
#define SHARED "  parameters: {losses.prediction.weight: {uniform: [1, 2]}}\n"

static void a_parameter_added_to_one_arm_leaves_the_values_of_others_alone(void **state) {
  (void)state;
  const vj_space *alone = make_space(SAMPLED("sobol", "6") ARM_A SHARED);
  const vj_space *with_others =
      make_space(SAMPLED("sobol", "6") "    b: {parameters: {optim.clip: {uniform: [0, 1]}}}\n" ARM_A SHARED);
  const vj_space *with_more = make_space(SAMPLED(
      "sobol", "6") "    b: {parameters: {optim.clip: {uniform: [0, 1]}, data.size: {integer: [8, "
                    "64]}, optim.lr: {uniform: [0, 1]}}}\n" ARM_A SHARED);
  assert_string_equal(values_of(with_others, "a"), values_of(alone, "a"));
  assert_string_equal(values_of(with_more, "a"), values_of(alone, "a"));
  assert_int_equal(with_more->trial_count, 12);
  /* shared parameters are the same points in all arms, and as if arms had none of their own */
  const vj_space *plain = make_space(
      "sweep: {method: sobol, samples: 6, parameters: {losses.prediction.weight: "
      "{uniform: [1, 2]}}}\n");
  for (int64_t s = 0; s < 6; s++) {
    const char *expected = value_of(&plain->trials[s], "losses.prediction.weight");
    assert_string_equal(value_of(&with_more->trials[2 * s], "losses.prediction.weight"), expected);
    assert_string_equal(value_of(&with_more->trials[2 * s + 1], "losses.prediction.weight"), expected);
  }
}

static void samples_go_on_where_others_ended(void **state) {
  (void)state;
  static const char *const methods[] = {"sobol", "halton", "random"};
  for (size_t m = 0; m < VJ_COUNT(methods); m++) {
    const char *text = vj_pool_format(pool,
                                      "sweep: {method: %s, samples: %s, trials: {a: {parameters: {optim.lr: "
                                      "{uniform: [0, 1]}}}}}\n",
                                      methods[m], "7");
    const char *rest = vj_pool_format(pool,
                                      "sweep: {method: %s, samples: %s, trials: {a: {parameters: {optim.lr: "
                                      "{uniform: [0, 1]}}}}}\n",
                                      methods[m], "3, skip: 4");
    const vj_space *all = make_space(text), *last = make_space(rest);
    assert_int_equal(last->trial_count, 3);
    for (int64_t t = 0; t < 3; t++)
      assert_string_equal(value_of(&last->trials[t], "optim.lr"), value_of(&all->trials[4 + t], "optim.lr"));
  }
}

static void conditions_and_links_stay_within_an_arm(void **state) {
  (void)state;
  const vj_space *space = make_space(
      "sweep:\n  trials:\n"
      "    a: {parameters: {model.encoder.type: [cnn, vit], optim.lr: {values: [1, 2], when: {model.encoder.type: "
      "vit}}}}\n"
      "    b: {parameters: {optim.lr: [1, 2, 3], data.size: {values: [8, 16, 32], with: optim.lr}}}\n");
  assert_int_equal(space->trial_count, 3 + 3);
  assert_null(value_of(&space->trials[0], "optim.lr"));
  assert_string_equal(value_of(&space->trials[2], "optim.lr"), "2");
  assert_string_equal(value_of(&space->trials[5], "data.size"), "32");
}

static void what_is_wrong_with_an_arms_parameters_has_its_place(void **state) {
  (void)state;
  assert_refused(
      "sweep: {trials: {a: {parameters: {optim.lr: {log: [1, 2]}}}}}\n",
      "a.yaml:9:46: sweep.trials.a.parameters.optim.lr: log without n is sampled; set sweep.method to random, "
      "sobol, halton or latin_hypercube, or add n: count");
  assert_refused("sweep: {trials: {a: {optim.lr: 1, parameters: {optim.lr: [1, 2]}}}}\n",
                 "a.yaml:9:22: sweep.trials.a: \"optim.lr\" is swept under the arm's parameters too; set it in one "
                 "place");
  assert_refused("sweep: {trials: {a: {parameters: {optim.lr: [1, 2]}}}, parameters: {optim.lr: [1]}}\n",
                 "a.yaml:9:35: sweep.trials.a.parameters.optim.lr: it is under sweep.parameters too; write it in one "
                 "place");
  assert_refused("sweep: {trials: {a: {parameters: [1]}}}\n",
                 "a.yaml:9:34: sweep.trials.a.parameters: expected a map of keys and values, got a list");
  assert_refused("sweep: {trials: {a: {parameters: {seed: [1]}}}}\n",
                 "a.yaml:9:35: sweep.trials.a.parameters.seed: seeds are not swept like this; list them under "
                 "sweep.seeds");
  assert_refused("sweep: {method: latin_hypercube, samples: 2, skip: 2, parameters: {optim.lr: {uniform: [0, 1]}}}\n",
                 "a.yaml:9:52: sweep.skip: a latin_hypercube of more samples is another one; use sobol or random");
}

static void a_range_grows_by_as_much_again_on_one_side(void **state) {
  (void)state;
  vj_range range = {.low = 1e-4, .high = 1e-2, .is_log = true};
  assert_true(vj_range_place(&range, 1e-3) == 0.5);
  assert_true(vj_range_extend(&range, true, 0, INFINITY) && range.high == 1 && range.low == 1e-4);
  range = (vj_range){.low = 1e-4, .high = 1e-2, .is_log = true};
  assert_true(vj_range_extend(&range, false, 0, INFINITY) && range.low == 1e-6 && range.high == 1e-2);
  range = (vj_range){.low = 0.25, .high = 0.75};
  assert_true(vj_range_extend(&range, true, 0, 1) && range.high == 1); /* the key allows no more */
  assert_false(vj_range_extend(&range, true, 0, 1));
  assert_true(vj_range_extend(&range, false, 0, 1) && range.low == 0);
  range = (vj_range){.low = 8, .high = 64, .is_log = true, .is_integer = true};
  assert_true(vj_range_extend(&range, false, 1, 512) && range.low == 1);
  range = (vj_range){.low = 1, .high = 4, .is_integer = true};
  assert_true(vj_range_place(&range, 4) == 1); /* the end of a few whole numbers is an edge */
  assert_true(vj_range_extend(&range, true, 0, INFINITY) && range.high == 7);
}

static void assert_edge(const vj_yaml *space, int64_t i, const char *value, vj_edge expected) {
  vj_edge edge;
  assert_ok(vj_arm_space_edge(pool, space, i, read_text(value), &edge));
  assert_int_equal(edge, expected);
}

static void the_outer_tenth_of_a_range_is_its_edge(void **state) {
  (void)state;
  vj_yaml *space = NULL, *extended = NULL;
  const vj_yaml *root = read_text(
      "sweep:\n  parameters: {optim.lr: {log: [1.0e-4, 1.0e-2]}, data.size: [8, 16]}\n"
      "  trials: {a: {parameters: {x: {choice: [1, 2]}, y: {uniform: [0, 1], when: {x: 1}}}}}\n");
  assert_ok(vj_arm_space_read(pool, root, "a", &space));
  assert_string_equal(vj_arm_space_text(pool, space),
                      "optim.lr {log: [1.0e-4, 1.0e-2]}, x {choice: [1, 2]}, y {uniform: [0, 1], when: {x: 1}}");
  assert_edge(space, 0, "0.0064", VJ_EDGE_HIGH);
  assert_edge(space, 0, "0.006", VJ_EDGE_NONE);
  assert_edge(space, 0, "0.00015", VJ_EDGE_LOW);
  assert_edge(space, 1, "2", VJ_EDGE_NONE); /* what is chosen has no order */
  assert_edge(space, 2, "0.1", VJ_EDGE_LOW);
  assert_ok(vj_arm_space_extend(pool, space, 2, VJ_EDGE_LOW, NULL, &extended));
  assert_string_equal(vj_yaml_print_line(pool, extended), "{uniform: [-1, 1], when: {x: 1}}");
  assert_ok(vj_arm_space_extend(pool, space, 1, VJ_EDGE_HIGH, NULL, &extended));
  assert_null(extended);
}

/* --- tuning ------------------------------------------------------------------------------------------------------ */

#define TUNED_SWEEP                                                                               \
  "sweep:\n  seeds: 2\n  parameters: {optim.lr: {log: [1.0e-4, 1.0e-2]}}\n  trials:\n    a: {}\n" \
  "    b: {losses.variance.weight: 3, parameters: {data.size: {integer: [8, 64]}}}\n"

static vj_status apply(const char *sweep, const char *tuning, vj_yaml **root) {
  *root = read_text(vj_pool_format(pool, "%s%s", FAKE_YAML, sweep));
  return vj_tuning_apply(pool, read_text(tuning), *root);
}

static void tuning_gives_every_arm_a_space_and_as_many_settings(void **state) {
  (void)state;
  vj_yaml *root = NULL;
  vj_space *space = NULL;
  assert_ok(apply(TUNED_SWEEP,
                  "{select: {metric: m, mode: max}, sweep.method: sobol, sweep.samples: 2, sweep.seeds: "
                  "[7]}\n",
                  &root));
  assert_string_equal(
      vj_yaml_print_line(pool, vj_yaml_find(root, "sweep.trials")),
      "{a: {parameters: {optim.lr: {log: [1.0e-4, 1.0e-2]}}}, b: {losses.variance.weight: 3, parameters: "
      "{optim.lr: {log: [1.0e-4, 1.0e-2]}, data.size: {integer: [8, 64]}}}}");
  assert_ok(vj_space_create(pool, root, &space));
  assert_int_equal(space->trial_count, 4);
  assert_int_equal(space->trials[0].seed, 7);
  assert_string_equal(value_of(&space->trials[0], "optim.lr"), "0.001");
  assert_string_equal(space->criterion->metric, "m");
  /* values in their place */
  const vj_yaml *values = read_text("{optim.lr: 0.002}");
  assert_ok(vj_tuning_put_values(pool, root, "a", values));
  assert_error(vj_tuning_check_chosen(pool, root), VJ_CONFIG,
               "a.yaml:11:27: sweep.trials.b.parameters.optim.lr: its value is to be chosen in the tuning sweep: run "
               "that with --tuning, then this with --tuned DIR, the folder of that");
  assert_ok(vj_tuning_put_values(pool, root, "b", values));
  assert_ok(vj_tuning_check_chosen(pool, root));
  assert_ok(vj_tuning_end_sampling(pool, root));
  assert_ok(vj_space_create(pool, root, &space));
  assert_int_equal(space->trial_count, 2);
  assert_string_equal(value_of(&space->trials[1], "losses.variance.weight"), "3");
}

static void assert_not_tuned(const char *sweep, const char *tuning, const char *message) {
  vj_yaml *root;
  assert_error(apply(sweep, tuning, &root), VJ_CONFIG, message);
}

static void tuning_that_is_not_equal_for_all_is_refused(void **state) {
  (void)state;
  assert_not_tuned(TUNED_SWEEP, "{select: {metric: m, mode: max}, sweep.seeds: [1]}",
                   "a.yaml:1:48: tuning: settings are chosen with seed 1, which the final sweep has, too, so that its "
                   "results would be those they were chosen by; give tuning seeds of its own, such as sweep.seeds: "
                   "[1000]");
  assert_not_tuned(TUNED_SWEEP, "{sweep.seeds: [9]}",
                   "a.yaml:1:1: tuning: missing key \"select\", by which settings are chosen, such as select: {metric: "
                   "probe_speed_mse_validation, mode: min}");
  assert_not_tuned(TUNED_SWEEP, "{select: {}, name: x}",
                   "a.yaml:1:14: tuning: \"name\" is the same for tuning and the final sweep");
  assert_not_tuned(TUNED_SWEEP, "{select: {}, sweep.parameters.data.size: [8, 16]}",
                   "a.yaml:1:42: sweep.parameters.data.size: it has 2 values in the tuning sweep, where one setting is "
                   "chosen for an "
                   "arm: give it one under tuning, as \"sweep.parameters.data.size: [VALUE]\", or move it into the "
                   "arms' parameters");
  assert_not_tuned("sweep: {seeds: 2}\n", "{select: {}}",
                   "a.yaml:9:8: tuning: there are no arms under sweep.trials to choose for");
  assert_not_tuned(TUNED_SWEEP, "{select: {}, sweep.stopping: {type: asha}}",
                   "a.yaml:1:30: sweep.stopping: a tuning sweep trains all settings to their end; add sweep.stopping: "
                   "null under tuning");
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test_setup_teardown(arms_have_parameters_and_ranges_of_their_own, setup, teardown),
      cmocka_unit_test_setup_teardown(a_parameter_added_to_one_arm_leaves_the_values_of_others_alone, setup, teardown),
      cmocka_unit_test_setup_teardown(samples_go_on_where_others_ended, setup, teardown),
      cmocka_unit_test_setup_teardown(conditions_and_links_stay_within_an_arm, setup, teardown),
      cmocka_unit_test_setup_teardown(what_is_wrong_with_an_arms_parameters_has_its_place, setup, teardown),
      cmocka_unit_test_setup_teardown(a_range_grows_by_as_much_again_on_one_side, setup, teardown),
      cmocka_unit_test_setup_teardown(the_outer_tenth_of_a_range_is_its_edge, setup, teardown),
      cmocka_unit_test_setup_teardown(tuning_gives_every_arm_a_space_and_as_many_settings, setup, teardown),
      cmocka_unit_test_setup_teardown(tuning_that_is_not_equal_for_all_is_refused, setup, teardown),
  };
  return cmocka_run_group_tests(tests, register_fakes, NULL);
}
