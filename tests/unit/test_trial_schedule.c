/* Which trials run when, and on how many ranks: a pure function, and exact sentences where numbers don't fit. */
#include <math.h>
#include <string.h>

#include "sweeps/schedule/trial_schedule.h"
#include "sweeps/space/stopping.h"
#include "tests/unit/space_testing.h"

static int register_and_setup(void **state) { return register_fakes(state) == 0 ? setup(state) : -1; }

static vj_trial_schedule *make(const vj_space *space, int ranks, int ranks_per_trial) {
  vj_trial_schedule *schedule = NULL;
  assert_ok(vj_trial_schedule_create(pool, space, ranks, ranks_per_trial, &schedule));
  return schedule;
}

/* "0 3 1": trials in the order in which they are taken. */
static void assert_order(const vj_trial_schedule *schedule, const char *expected) {
  const char *found = "";
  for (int64_t i = 0; i < schedule->trial_count; i++)
    found = vj_pool_format(pool, "%s%s%lld", found, i ? " " : "", (long long)schedule->order[i]);
  assert_string_equal(found, expected);
}

static void assert_ranks_refused(const char *sweep, int ranks, int ranks_per_trial, const char *message) {
  vj_trial_schedule *schedule;
  assert_error(vj_trial_schedule_create(pool, make_space(sweep), ranks, ranks_per_trial, &schedule), VJ_USAGE, message);
}

static const char mixed[] =
    "sweep:\n  trials:\n    small: {}\n    big: {optim.ranks: 4}\n    middle: {optim.ranks: 2}\n  seeds: 2\n";

static void trials_get_what_they_ask_for_and_large_ones_come_first(void **state) {
  (void)state;
  const vj_trial_schedule *schedule = make(make_space(mixed), 8, 1);
  static const int expected[] = {1, 1, 4, 4, 2, 2};
  for (int i = 0; i < 6; i++) assert_int_equal(schedule->of_trial[i], expected[i]);
  assert_int_equal(schedule->most, 4);
  assert_int_equal(schedule->least, 1);
  assert_order(schedule, "2 3 4 5 0 1");
  assert_null(vj_trial_schedule_note(pool, schedule));
  assert_string_equal(vj_trial_schedule_text(pool, schedule), "2 on 4 ranks each, 2 on 2 ranks each, 2 on 1 rank");
}

static void ranks_per_trial_is_for_those_that_say_nothing(void **state) {
  (void)state;
  const vj_trial_schedule *schedule = make(make_space(mixed), 8, 2);
  assert_int_equal(schedule->of_trial[0], 2);
  assert_int_equal(schedule->of_trial[2], 4);
  assert_order(schedule, "2 3 0 1 4 5");
}

static void who_asks_for_more_than_there_are_gets_all_and_it_is_said(void **state) {
  (void)state;
  const vj_space *space = make_space(mixed);
  const vj_trial_schedule *schedule = make(space, 3, 1);
  assert_int_equal(schedule->of_trial[2], 2);
  assert_string_equal(vj_trial_schedule_note(pool, schedule),
                      "2 trials ask for up to 4 ranks (optim.ranks) and 3 are started: they run on 2, with the same "
                      "numbers");
  assert_string_equal(vj_trial_schedule_note(pool, make(space, 1, 1)),
                      "4 trials ask for up to 4 ranks (optim.ranks) and 1 is started: they run on 1, with the same "
                      "numbers");
}

static void ranks_start_in_the_largest_groups_and_every_leader_is_known(void **state) {
  (void)state;
  const vj_trial_schedule *schedule = make(make_space(mixed), 7, 1);
  static const int first[] = {0, 0, 0, 0, 4, 4, 6}, size[] = {4, 4, 4, 4, 2, 2, 1};
  for (int rank = 0; rank < 7; rank++) {
    int found_first, found_size;
    vj_trial_schedule_block(schedule, rank, &found_first, &found_size);
    assert_int_equal(found_first, first[rank]);
    assert_int_equal(found_size, size[rank]);
    assert_true(vj_trial_schedule_may_lead(schedule, rank));
  }
  schedule = make(make_space(mixed), 8, 2); /* no group is smaller than two */
  for (int rank = 0; rank < 8; rank++) assert_int_equal(vj_trial_schedule_may_lead(schedule, rank), rank % 2 == 0);
}

static void the_longest_comes_first_and_equal_ones_keep_their_order(void **state) {
  (void)state;
  const vj_space *space = make_space("sweep: {parameters: {losses.variance.weight: [1, 2, 3, 4, 5, 6]}}\n");
  static const double work[] = {1, 5, NAN, 5, 7, 1};
  vj_trial_schedule *schedule = make(space, 2, 1);
  assert_ok(vj_trial_schedule_sort(schedule, space, work));
  assert_order(schedule, "4 1 3 0 5 2");
}

/* A search that is stopped has compared everything on the samples it came to. */
static void samples_come_one_after_the_other(void **state) {
  (void)state;
  const vj_space *space = make_space(
      "sweep:\n  method: sobol\n  samples: 2\n  trials: {a: {}, b: {}}\n"
      "  parameters: {losses.variance.weight: {uniform: [0, 1]}}\n");
  static const double work[] = {1, 2, 3, 4};
  vj_trial_schedule *schedule = make(space, 2, 1);
  assert_int_equal(space->trials[1].sample, 0);
  assert_int_equal(space->trials[2].sample, 1);
  assert_ok(vj_trial_schedule_sort(schedule, space, work));
  assert_order(schedule, "1 0 3 2");
}

/* With early stopping nothing says how long a trial will be, and who comes first is compared with nobody. */
static void early_stopping_shuffles_a_grid_and_takes_samples_as_they_come(void **state) {
  (void)state;
  static const char stopping[] = "  stopping: {type: asha, metric: val_loss, mode: min, grace_steps: 5}\n";
  static const double work[] = {1, 2, 3, 4, 5, 6};
  const char *text =
      vj_pool_format(pool, "sweep:\n%s  parameters: {losses.variance.weight: [1, 2, 3, 4, 5, 6]}\n", stopping);
  const vj_space *space = make_space(text);
  vj_trial_schedule *schedule = make(space, 2, 1);
  int64_t order[6];
  vj_stopping_order(6, order);
  assert_ok(vj_trial_schedule_sort(schedule, space, work));
  assert_memory_equal(schedule->order, order, sizeof order);
  text = vj_pool_format(pool,
                        "sweep:\n%s  method: random\n  samples: 6\n"
                        "  parameters: {losses.variance.weight: {uniform: [0, 1]}}\n",
                        stopping);
  space = make_space(text);
  schedule = make(space, 2, 1);
  assert_ok(vj_trial_schedule_sort(schedule, space, work));
  assert_order(schedule, "0 1 2 3 4 5");
}

static void sorting_keeps_sizes_apart(void **state) {
  (void)state;
  const vj_space *space = make_space(mixed);
  static const double work[] = {60, 70, 10, 20, 40, 30};
  vj_trial_schedule *schedule = make(space, 8, 1);
  assert_ok(vj_trial_schedule_sort(schedule, space, work));
  assert_order(schedule, "3 2 4 5 1 0");
}

static void numbers_that_do_not_fit_are_refused(void **state) {
  (void)state;
  static const char plain[] = "sweep: {seeds: 3}\n", large[] = "sweep: {trials: {a: {optim.ranks: 4}}, seeds: 3}\n";
  assert_ranks_refused(plain, 3, 3, "3 ranks for a trial: expected a power of two, so that sums keep their order");
  assert_ranks_refused(
      plain, 16, 16,
      "16 ranks for a trial do not divide its 8 shards (optim.shards of trial 0); use 1, 2, 4, .. ranks for "
      "a trial, up to the number of shards");
  assert_ranks_refused(plain, 3, 2, "3 ranks cannot be split into groups of 2; start a multiple of 2");
  assert_ranks_refused(plain, 1, 2, "1 ranks cannot be split into groups of 2; start a multiple of 2");
  assert_ranks_refused(large, 6, 0, "6 ranks cannot be split into groups of 4; start a multiple of 4");
  assert_ranks_refused(plain, 4, 1, "4 ranks are more than can be used: 3 trials at 1 rank each need 3");
  assert_ranks_refused(mixed, 16, 1, "16 ranks are more than can be used: 6 trials need 14 together");
}

static void wrong_ranks_have_a_place(void **state) {
  (void)state;
  vj_space *space;
  assert_error(expand("sweep:\n  parameters:\n    optim.ranks: [1, 3]\n", &space), VJ_CONFIG,
               "trial 1 (optim.ranks=3): a.yaml:11:22: optim.ranks: expected a power of two, so that sums keep "
               "their order, got 3");
  assert_error(expand("sweep: {trials: {big: {optim.ranks: 16}}}\n", &space), VJ_CONFIG,
               "trial 0 (optim.ranks=16): a.yaml:9:37: optim.ranks: 16 ranks do not divide 8 shards "
               "(optim.shards); use 1, 2, 4, .. up to the number of shards");
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(trials_get_what_they_ask_for_and_large_ones_come_first),
      cmocka_unit_test(ranks_per_trial_is_for_those_that_say_nothing),
      cmocka_unit_test(who_asks_for_more_than_there_are_gets_all_and_it_is_said),
      cmocka_unit_test(ranks_start_in_the_largest_groups_and_every_leader_is_known),
      cmocka_unit_test(the_longest_comes_first_and_equal_ones_keep_their_order),
      cmocka_unit_test(samples_come_one_after_the_other),
      cmocka_unit_test(early_stopping_shuffles_a_grid_and_takes_samples_as_they_come),
      cmocka_unit_test(sorting_keeps_sizes_apart),
      cmocka_unit_test(numbers_that_do_not_fit_are_refused),
      cmocka_unit_test(wrong_ranks_have_a_place),
  };
  return cmocka_run_group_tests(tests, register_and_setup, teardown);
}
