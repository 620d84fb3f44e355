/* Early stopping decides as a plain reading of its rules would, on made-up curves; its places are where a metric is
 * measured. */
#include <math.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "sweeps/space/stopping.h"
#include "tests/support/testing.h"
#include "vj/rng.h"

enum { TRIALS = 40, PLACES = 6, MOST = TRIALS * PLACES };

static bool better(int mode, double a, double b) {
  if (isnan(a) || isnan(b)) return !isnan(a) && isnan(b);
  return mode == VJ_STOPPING_MIN ? a < b : a > b;
}

/* --- oracles --------------------------------------------------------------------------------------------------- */

/* Sorts everyone at the rung, in the order of arrival where equal, and looks whether the last to come is in the part
 * that goes on. */
static bool asha_ends(const vj_stopping *s, const vj_ledger_measurement *all, int64_t count,
                      const vj_ledger_measurement *mine) {
  double ranked[TRIALS];
  int n = 0, at = 0;
  for (int64_t i = 0; i < count; i++) {
    if (all[i].place != mine->place) continue;
    int k = n++;
    for (; k > 0 && better(s->mode, all[i].value, ranked[k - 1]); k--) ranked[k] = ranked[k - 1];
    ranked[k] = all[i].value;
  }
  while (at < n && !better(s->mode, mine->value, ranked[at])) at++;
  const int go_on = (n + 1) / (int)s->reduction_factor;
  return at + 1 > (go_on > 1 ? go_on : 1);
}

static double mean_up_to(const vj_ledger_measurement *all, int64_t count, int64_t trial, int64_t place, bool *came) {
  double sum = 0;
  int n = 0;
  *came = false;
  for (int64_t i = 0; i < count; i++) {
    if (all[i].trial != trial || all[i].place > place) continue;
    sum += all[i].value;
    n++;
    *came = *came || all[i].place == place;
  }
  return sum / n;
}

static bool median_ends(const vj_stopping *s, const vj_ledger_measurement *all, int64_t count,
                        const vj_ledger_measurement *mine) {
  double means[TRIALS], best = mine->value;
  int n = 0;
  for (int64_t t = 0; t < TRIALS; t++) {
    bool came;
    const double mean = mean_up_to(all, count, t, mine->place, &came);
    if (!came || t == mine->trial) continue;
    int k = n++;
    for (; k > 0 && better(s->mode, mean, means[k - 1]); k--) means[k] = means[k - 1];
    means[k] = mean;
  }
  for (int64_t i = 0; i < count; i++)
    if (all[i].trial == mine->trial && all[i].place <= mine->place && better(s->mode, all[i].value, best))
      best = all[i].value;
  if (n < s->min_trials) return false;
  return better(s->mode, n % 2 ? means[n / 2] : (means[n / 2 - 1] + means[n / 2]) / 2, best);
}

/* --- random histories ------------------------------------------------------------------------------------------ */

/* Coarse, so that values are often equal; sometimes NaN or infinite. */
static double draw_value(vj_rng *rng) {
  const int64_t kind = vj_rng_integer(rng, 0, 19);
  return kind == 0 ? NAN : kind == 1 ? INFINITY : (double)vj_rng_integer(rng, -6, 6) / 4;
}

/* Trials come to their places in a random order; who ends comes to no other. Every decision is that of the oracle. */
static void decides_like(const vj_stopping *s, bool (*ends)(const vj_stopping *, const vj_ledger_measurement *, int64_t,
                                                            const vj_ledger_measurement *)) {
  int64_t ended = 0, passed = 0;
  for (uint64_t history = 0; history < 300; history++) {
    vj_rng rng = vj_rng_stream(history, VJ_RNG_TEST, 0, 0);
    vj_ledger_measurement all[MOST];
    int64_t count = 0, next[TRIALS] = {0};
    for (int64_t k = 0; k < 4 * TRIALS; k++) {
      const int64_t trial = vj_rng_integer(&rng, 0, TRIALS - 1);
      if (next[trial] == PLACES) continue;
      const vj_ledger_measurement mine = {trial, ++next[trial], draw_value(&rng)};
      const vj_stopping_question question = {s, mine.place};
      vj_ledger_ruling judgement = {.threshold = NAN};
      assert_ok(vj_stopping_rule(&question, all, count, &mine, &judgement));
      assert_int_equal(judgement.ends, ends(s, all, count, &mine));
      ended += judgement.ends;
      passed += !judgement.ends;
      if (judgement.ends) next[trial] = PLACES;
      all[count++] = mine;
    }
  }
  assert_true(ended > 1000 && passed > 1000);
}

static void asha_goes_by_rank(void **state) {
  (void)state;
  for (int mode = 0; mode < 2; mode++)
    for (int64_t factor = 2; factor < 6; factor++)
      decides_like(&(vj_stopping){.type = VJ_STOPPING_ASHA, .metric = "m", .mode = mode, .reduction_factor = factor},
                   asha_ends);
}

static void median_goes_by_means(void **state) {
  (void)state;
  for (int mode = 0; mode < 2; mode++)
    for (int64_t most = 1; most < 6; most += 2)
      decides_like(&(vj_stopping){.type = VJ_STOPPING_MEDIAN, .metric = "m", .mode = mode, .min_trials = most},
                   median_ends);
}

/* --- single cases ---------------------------------------------------------------------------------------------- */

static vj_ledger_ruling ask(const vj_stopping *s, const vj_ledger_measurement *all, int64_t count, double value) {
  const vj_ledger_measurement mine = {count, 1, value};
  vj_ledger_ruling judgement = {.threshold = NAN};
  assert_ok(vj_stopping_rule(&(vj_stopping_question){s, 20}, all, count, &mine, &judgement));
  return judgement;
}

static void asha_says_why(void **state) {
  (void)state;
  const vj_stopping s = {.type = VJ_STOPPING_ASHA, .metric = "val_loss", .reduction_factor = 3};
  const vj_ledger_measurement all[] = {{0, 1, 0.5}, {1, 1, 0.25}, {2, 1, NAN}, {3, 1, 0.75}, {4, 1, 0.625}};
  vj_ledger_ruling j = ask(&s, all, 0, 8);
  assert_false(j.ends);
  assert_true(isnan(j.threshold));
  assert_string_equal(j.reason, "val_loss 8 after step 20: number 1 of 1 at rung 1 so far, the best 1 goes on");
  j = ask(&s, all, 5, 0.5);
  assert_true(j.ends);
  assert_true(j.threshold == 0.5);
  assert_string_equal(j.reason, "val_loss 0.5 after step 20: number 3 of 6 at rung 1 so far, the best 2 go on");
  assert_false(ask(&s, all, 5, 0.4375).ends);
  j = ask(&s, all, 3, NAN);
  assert_true(j.ends);
  assert_string_equal(j.reason, "val_loss nan after step 20: number 4 of 4 at rung 1 so far, the best 1 goes on");
}

static void median_says_why(void **state) {
  (void)state;
  const vj_stopping s = {.type = VJ_STOPPING_MEDIAN, .metric = "val_r2", .mode = VJ_STOPPING_MAX, .min_trials = 3};
  const vj_ledger_measurement all[] = {{0, 1, 0.5}, {1, 1, 0.25}, {2, 1, 0.75}};
  vj_ledger_ruling j = ask(&s, all, 2, 0.125);
  assert_false(j.ends);
  assert_string_equal(j.reason, "val_r2 at best 0.125 up to step 20; 2 other trials came so far, 3 are needed");
  j = ask(&s, all, 3, 0.4375);
  assert_true(j.ends);
  assert_true(j.threshold == 0.5);
  assert_string_equal(j.reason, "val_r2 at best 0.4375 up to step 20; the median of 3 other trials' means is 0.5");
  assert_false(ask(&s, all, 3, 0.5).ends);
}

/* --- places ---------------------------------------------------------------------------------------------------- */

static void assert_places(const vj_stopping *s, vj_stopping_axis axis, const vj_config *config, const char *expected) {
  char found[512] = "";
  for (int64_t done = 0; done <= config->optim.steps; done++) {
    const int64_t place = vj_stopping_place(s, axis, config, done);
    if (place)
      snprintf(found + strlen(found), sizeof found - strlen(found), "%s%lld:%lld", found[0] ? " " : "",
               (long long)place, (long long)done);
  }
  assert_string_equal(found, expected);
}

static void places_are_where_it_is_measured(void **state) {
  (void)state;
  vj_config c = {.optim.steps = 100, .eval.every = 10, .logging.every = 4, .eval.probe_at = VJ_PROBE_ENDS};
  const vj_stopping asha = {.type = VJ_STOPPING_ASHA, .grace_steps = 3, .reduction_factor = 3};
  const vj_stopping median = {.type = VJ_STOPPING_MEDIAN, .grace_steps = 15, .interval_steps = 25};
  /* Rungs 3 and 9 fall on one evaluation, and the higher counts. The last step is never one. */
  assert_places(&asha, VJ_STOPPING_AT_EVALUATIONS, &c, "9:10 27:30 81:90");
  assert_places(&asha, VJ_STOPPING_AT_ROWS, &c, "3:4 9:12 27:28 81:84");
  assert_places(&asha, VJ_STOPPING_AT_PROBES, &c, "");
  assert_places(&median, VJ_STOPPING_AT_EVALUATIONS, &c, "15:20 40:40 65:70 90:90");
  c.eval.probe_at = VJ_PROBE_ALL;
  c.optim.steps = 90;
  assert_places(&asha, VJ_STOPPING_AT_PROBES, &c, "9:10 27:30");
}

static void the_expected_share_is_that_of_many_trials(void **state) {
  (void)state;
  const vj_config c = {.optim.steps = 81, .eval.every = 1};
  const vj_stopping asha = {.type = VJ_STOPPING_ASHA, .grace_steps = 3, .reduction_factor = 3};
  const vj_stopping median = {.type = VJ_STOPPING_MEDIAN, .grace_steps = 27, .interval_steps = 1};
  /* 3 steps of all, 6 of a third, 18 of a ninth, 54 of a twenty-seventh */
  assert_true(fabs(vj_stopping_expected_share(&asha, VJ_STOPPING_AT_EVALUATIONS, &c) - (3. + 2 + 2 + 2) / 81) < 1e-12);
  assert_true(fabs(vj_stopping_expected_share(&median, VJ_STOPPING_AT_EVALUATIONS, &c) - (27 + 27.) / 81) < 1e-12);
}

static void the_order_is_a_permutation_and_not_sorted(void **state) {
  (void)state;
  int64_t order[TRIALS], again[TRIALS], runs = 0;
  bool seen[TRIALS] = {false};
  vj_stopping_order(TRIALS, order);
  vj_stopping_order(TRIALS, again);
  assert_memory_equal(order, again, sizeof order);
  for (int i = 0; i < TRIALS; i++) seen[order[i]] = true;
  for (int i = 0; i < TRIALS; i++) assert_true(seen[i]);
  for (int i = 1; i < TRIALS; i++) runs += order[i] < order[i - 1];
  assert_true(runs > TRIALS / 4);
}

int main(void) {
  const struct CMUnitTest tests[] = {cmocka_unit_test(asha_goes_by_rank),
                                     cmocka_unit_test(median_goes_by_means),
                                     cmocka_unit_test(asha_says_why),
                                     cmocka_unit_test(median_says_why),
                                     cmocka_unit_test(places_are_where_it_is_measured),
                                     cmocka_unit_test(the_expected_share_is_that_of_many_trials),
                                     cmocka_unit_test(the_order_is_a_permutation_and_not_sorted)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}
