/* Decisions on early ends: each is taken once, sees all that were taken before, and outlives whoever took it. */
#include <math.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "tests/store/ledger_testing.h"

static int64_t asked; /* how often the rule was */

/* Ends whoever has a value above the last one of the place. */
static vj_status rises(const void *context, const vj_ledger_measurement *earlier, int64_t count,
                       const vj_ledger_measurement *mine, vj_ledger_ruling *ruling) {
  asked++;
  for (int64_t i = 0; i < count; i++)
    if (earlier[i].place == mine->place) ruling->threshold = earlier[i].value;
  ruling->ends = mine->value > ruling->threshold;
  snprintf(ruling->reason, sizeof ruling->reason, "%s \"%g\"", (const char *)context, mine->value);
  return VJ_OK;
}

static vj_prune_decision decide(vj_ledger *ledger, int64_t trial, int64_t place, double value) {
  vj_prune_decision decision = VJ_DECISION_LOST;
  const vj_ledger_measurement mine = {trial, place, value};
  assert_ok(vj_ledger_decide(ledger, &mine, rises, "it has", &decision));
  return decision;
}

static int64_t claim(vj_ledger *ledger) {
  int64_t trial = -1, attempt = 0;
  assert_ok(claim_lowest(ledger, &trial, &attempt));
  return trial;
}

/* Without the checksums, which other tests look at. */
static void assert_records(const char *expected) {
  char bytes[FILE_BYTES], shown[FILE_BYTES] = "";
  read_file(bytes);
  for (char *line = strtok(bytes, "\n"); line; line = strtok(NULL, "\n")) {
    *strrchr(line, ' ') = '\0';
    strcat(strcat(shown, line), "\n");
  }
  assert_string_equal(shown, expected);
}

static void decisions_are_recorded_and_seen_by_later_ones(void **state) {
  (void)state;
  vj_ledger *ledger = open_ledger(3);
  for (int64_t i = 0; i < 3; i++) assert_int_equal(claim(ledger), i);
  assert_int_equal(decide(ledger, 0, 9, 0.5), VJ_DECISION_GO_ON);
  assert_int_equal(decide(ledger, 1, 9, 0.1), VJ_DECISION_GO_ON);
  assert_int_equal(decide(ledger, 0, 27, 7), VJ_DECISION_GO_ON);
  assert_int_equal(decide(ledger, 2, 9, 0.25), VJ_DECISION_PRUNE);
  assert_int_equal(decide(ledger, 1, 27, NAN), VJ_DECISION_GO_ON);
  assert_state(ledger, 0, VJ_TRIAL_RUNNING, 1, "");
  assert_state(ledger, 2, VJ_TRIAL_PRUNED, 1, "it has \"0.25\"");
  assert_ok(vj_ledger_done(ledger, 0));
  assert_int_equal(claim(ledger), -1);
  vj_ledger_close(&ledger);
  assert_records(
      "vjvcr ledger 1 trials 3\n"
      "1 claim 0 1 host:1:2\n"
      "1 claim 1 1 host:1:2\n"
      "1 claim 2 1 host:1:2\n"
      "1 passed 0 1 9 0.5 nan \"it has \\\"0.5\\\"\"\n"
      "1 passed 1 1 9 0.1 0.5 \"it has \\\"0.1\\\"\"\n"
      "1 passed 0 1 27 7 nan \"it has \\\"7\\\"\"\n"
      "1 ended 2 1 9 0.25 0.1 \"it has \\\"0.25\\\"\"\n"
      "1 passed 1 1 27 nan 7 \"it has \\\"nan\\\"\"\n"
      "1 done 0 1 host:1:2\n");
}

/* Also by another process, which claims the trial anew. */
static void what_was_decided_is_not_asked_again(void **state) {
  (void)state;
  char before[FILE_BYTES], after[FILE_BYTES];
  int64_t released = 0;
  vj_ledger *ledger = open_ledger(2);
  assert_int_equal(claim(ledger), 0);
  assert_int_equal(decide(ledger, 0, 9, 0.5), VJ_DECISION_GO_ON);
  assert_int_equal(claim(ledger), 1);
  assert_int_equal(decide(ledger, 1, 9, 0.25), VJ_DECISION_GO_ON);
  vj_ledger_close(&ledger);
  ledger = open_ledger(2);
  assert_ok(vj_ledger_release(ledger, NULL, NULL, 3, &released));
  assert_int_equal(released, 2);
  assert_int_equal(claim(ledger), 0);
  read_file(before);
  asked = 0;
  assert_int_equal(decide(ledger, 0, 9, 0.5), VJ_DECISION_GO_ON); /* now above the last */
  assert_int_equal(asked, 0);
  read_file(after);
  assert_string_equal(after, before);
  assert_int_equal(decide(ledger, 0, 10, 0.5), VJ_DECISION_GO_ON);
  assert_int_equal(asked, 1);
  vj_ledger_close(&ledger);
}

static void who_lost_a_trial_decides_nothing(void **state) {
  (void)state;
  char before[FILE_BYTES], after[FILE_BYTES];
  int64_t released = 0;
  vj_ledger *slow = open_ledger(1);
  assert_int_equal(claim(slow), 0);
  vj_ledger *other = open_ledger(1);
  assert_ok(vj_ledger_release(other, NULL, NULL, 3, &released));
  assert_int_equal(claim(other), 0);
  read_file(before);
  assert_int_equal(decide(slow, 0, 9, 0.5), VJ_DECISION_LOST);
  read_file(after);
  assert_string_equal(after, before);
  assert_int_equal(decide(other, 0, 9, 0.5), VJ_DECISION_GO_ON);
  assert_int_equal(decide(slow, 0, 9, 0.5), VJ_DECISION_LOST);
  vj_ledger_close(&slow);
  vj_ledger_close(&other);
}

/* A decision is no progress, and takes none away: of three deaths in a row one had saved something. */
static void a_decision_leaves_deaths_as_they_are(void **state) {
  (void)state;
  int64_t released;
  vj_ledger *ledger = open_ledger(1);
  for (int i = 0; i < 2; i++) {
    assert_int_equal(claim(ledger), 0);
    if (i == 0) assert_ok(vj_ledger_saved(ledger, 0));
    decide(ledger, 0, 9 + i, 1);
    assert_ok(vj_ledger_release(ledger, NULL, NULL, 2, &released));
    assert_state(ledger, 0, VJ_TRIAL_WAITING, i + 1, "");
  }
  assert_int_equal(claim(ledger), 0);
  decide(ledger, 0, 20, 1);
  assert_ok(vj_ledger_release(ledger, NULL, NULL, 2, &released));
  assert_state(ledger, 0, VJ_TRIAL_FAILED, 3, "its run died 2 times in a row and had saved nothing (--max-attempts)");
  vj_ledger_close(&ledger);
}

/* --- several processes ------------------------------------------------------------------------------------------- */

/* Records how many decisions it saw. */
static vj_status counts(const void *context, const vj_ledger_measurement *earlier, int64_t count,
                        const vj_ledger_measurement *mine, vj_ledger_ruling *ruling) {
  (void)context, (void)earlier, (void)mine;
  ruling->threshold = (double)count;
  ruling->ends = count % 3 == 2;
  return VJ_OK;
}

static int decide_all(int64_t trials) {
  vj_ledger *ledger = NULL;
  int64_t trial = 0, attempt;
  vj_prune_decision decision = VJ_DECISION_GO_ON;
  if (vj_ledger_open(path, trials, "host:9:9", &ledger) != VJ_OK) return 1;
  for (;;) {
    if (claim_lowest(ledger, &trial, &attempt) != VJ_OK) return 2;
    if (trial < 0) break;
    for (int64_t place = 1; place <= 3; place++) {
      const vj_ledger_measurement mine = {trial, place, 0};
      if (vj_ledger_decide(ledger, &mine, counts, NULL, &decision) != VJ_OK) return 3;
      if (decision == VJ_DECISION_PRUNE) break;
    }
    if (decision == VJ_DECISION_GO_ON && vj_ledger_done(ledger, trial) != VJ_OK) return 4;
  }
  vj_ledger_close(&ledger);
  return 0;
}

static void no_two_decisions_see_the_same_past(void **state) {
  (void)state;
  enum { PROCESSES = 4, TRIALS = 60 };
  char bytes[FILE_BYTES];
  pid_t children[PROCESSES];
  int result;
  int64_t seen = 0;
  for (int i = 0; i < PROCESSES; i++)
    if ((children[i] = fork()) == 0) _exit(decide_all(TRIALS));
  for (int i = 0; i < PROCESSES; i++) {
    assert_int_equal(waitpid(children[i], &result, 0), children[i]);
    assert_true(WIFEXITED(result));
    assert_int_equal(WEXITSTATUS(result), 0);
  }
  read_file(bytes);
  for (char *line = strtok(bytes, "\n"); line; line = strtok(NULL, "\n")) {
    char event[16];
    double threshold;
    if (sscanf(line, "1 %15s %*d 1 %*d 0 %lf \"", event, &threshold) != 2) continue;
    assert_true(threshold == (double)seen);
    assert_string_equal(event, seen++ % 3 == 2 ? "ended" : "passed");
  }
  assert_true(seen >= TRIALS);
}

/* --- main ---------------------------------------------------------------------------------------------------- */

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test_teardown(decisions_are_recorded_and_seen_by_later_ones, remove_ledger),
      cmocka_unit_test_teardown(what_was_decided_is_not_asked_again, remove_ledger),
      cmocka_unit_test_teardown(who_lost_a_trial_decides_nothing, remove_ledger),
      cmocka_unit_test_teardown(a_decision_leaves_deaths_as_they_are, remove_ledger),
      cmocka_unit_test_teardown(no_two_decisions_see_the_same_past, remove_ledger),
  };
  return cmocka_run_group_tests(tests, make_folder, remove_folder);
}
