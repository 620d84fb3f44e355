/* Several processes with one ledger: every trial goes to exactly one claimer, whichever of them is killed. */
#include <fcntl.h>
#include <signal.h>
#include <stdbool.h>
#include <sys/file.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "tests/store/ledger_testing.h"

static int64_t claim_all(int64_t trials, int report) {
  vj_ledger *ledger = NULL;
  int64_t trial = 0, attempt = 0;
  if (vj_ledger_open(path, trials, "host:1:2", &ledger) != VJ_OK) return 1;
  for (;;) {
    if (claim_lowest(ledger, &trial, &attempt) != VJ_OK) return 2;
    if (trial < 0) break;
    if (write(report, &trial, sizeof trial) != (ssize_t)sizeof trial) return 3;
    const vj_status status = trial % 5 == 0 ? vj_ledger_failed(ledger, trial, "five") : vj_ledger_done(ledger, trial);
    if (status != VJ_OK) return 4;
  }
  vj_ledger_close(&ledger);
  return 0;
}

static void many_claimers_share_every_trial_exactly_once(void **state) {
  (void)state;
  enum { CLAIMERS = 6, TRIALS = 120 };
  pid_t children[CLAIMERS];
  int ends[2], claims[TRIALS] = {0};
  int64_t trial = 0;
  assert_int_equal(pipe(ends), 0);
  for (int i = 0; i < CLAIMERS; i++) {
    children[i] = fork();
    assert_true(children[i] >= 0);
    if (children[i] == 0) _exit((int)claim_all(TRIALS, ends[1]));
  }
  close(ends[1]);
  while (read(ends[0], &trial, sizeof trial) == (ssize_t)sizeof trial) claims[trial]++;
  close(ends[0]);
  for (int i = 0; i < CLAIMERS; i++) {
    int result = 0;
    assert_int_equal(waitpid(children[i], &result, 0), children[i]);
    assert_true(WIFEXITED(result));
    assert_int_equal(WEXITSTATUS(result), 0);
  }
  vj_ledger *ledger = open_ledger(TRIALS);
  for (int64_t t = 0; t < TRIALS; t++) {
    assert_int_equal(claims[t], 1);
    assert_state(ledger, t, t % 5 == 0 ? VJ_TRIAL_FAILED : VJ_TRIAL_DONE, 1, t % 5 == 0 ? "five" : "");
  }
  vj_ledger_close(&ledger);
}

/* The child takes the lock as a claimer does, writes half a line, says so, and is killed there. */
static pid_t hold_lock_in_mid_write(int *said) {
  int ends[2];
  char byte = 0;
  assert_int_equal(pipe(ends), 0);
  const pid_t child = fork();
  assert_true(child >= 0);
  if (child == 0) {
    const int descriptor = open(path, O_RDWR | O_APPEND);
    const bool ready =
        descriptor >= 0 && flock(descriptor, LOCK_EX) == 0 && write(descriptor, "1 claim 0 1 ho", 14) == 14;
    if (!ready || write(ends[1], &byte, 1) != 1) _exit(1);
    for (;;) pause();
  }
  close(ends[1]);
  *said = ends[0];
  assert_int_equal(read(ends[0], &byte, 1), 1);
  return child;
}

static void kill_of_the_one_with_the_lock_frees_it(void **state) {
  (void)state;
  int said = -1, ends[2], result = 0;
  char byte = 0;
  vj_ledger *ledger = open_ledger(2);
  vj_ledger_close(&ledger);
  const pid_t holder = hold_lock_in_mid_write(&said);
  assert_int_equal(pipe(ends), 0);
  const pid_t claimer = fork();
  assert_true(claimer >= 0);
  if (claimer == 0) _exit((int)claim_all(2, ends[1]));
  close(ends[1]);
  /* As long as the lock is held, the claimer gets nothing. */
  assert_int_equal(fcntl(ends[0], F_SETFL, O_NONBLOCK), 0);
  nanosleep(&(struct timespec){.tv_nsec = 100000000}, NULL);
  assert_int_equal(read(ends[0], &byte, 1), -1);
  assert_int_equal(waitpid(claimer, &result, WNOHANG), 0);

  assert_int_equal(kill(holder, SIGKILL), 0);
  assert_int_equal(waitpid(holder, &result, 0), holder);
  assert_int_equal(waitpid(claimer, &result, 0), claimer);
  assert_true(WIFEXITED(result) && WEXITSTATUS(result) == 0);
  close(said);
  close(ends[0]);
  ledger = open_ledger(2);
  assert_state(ledger, 0, VJ_TRIAL_FAILED, 1, "five");
  assert_state(ledger, 1, VJ_TRIAL_DONE, 1, "");
  vj_ledger_close(&ledger);
}

/* Claimers that die at any moment leave a ledger that reads, and after a release every trial is done once. */
static void killed_claimers_lose_no_trial(void **state) {
  (void)state;
  enum { TRIALS = 400, KILLS = 10 };
  for (int i = 0; i < KILLS; i++) {
    int ends[2], result = 0;
    int64_t trial = 0;
    assert_int_equal(pipe(ends), 0);
    const pid_t child = fork();
    assert_true(child >= 0);
    if (child == 0) _exit((int)claim_all(TRIALS, ends[1]));
    close(ends[1]);
    assert_int_equal(read(ends[0], &trial, sizeof trial), sizeof trial);
    nanosleep(&(struct timespec){.tv_nsec = 300000 * (long)(i + 1)}, NULL);
    assert_int_equal(kill(child, SIGKILL), 0);
    assert_int_equal(waitpid(child, &result, 0), child);
    close(ends[0]);
    vj_ledger *ledger = open_ledger(TRIALS);
    release(ledger, NULL, NULL, 0);
    vj_ledger_close(&ledger);
  }
  int ends[2];
  assert_int_equal(pipe(ends), 0);
  assert_int_equal(fcntl(ends[1], F_SETFL, O_NONBLOCK), 0);
  assert_int_equal(claim_all(TRIALS, ends[1]), 0);
  close(ends[0]);
  close(ends[1]);
  vj_ledger *ledger = open_ledger(TRIALS);
  for (int64_t t = 0; t < TRIALS; t++) {
    vj_trial_state ended = VJ_TRIAL_WAITING;
    int64_t attempts = 0;
    const char *reason = NULL;
    assert_ok(vj_ledger_state(ledger, t, &ended, &attempts, &reason));
    assert_int_equal(ended, t % 5 == 0 ? VJ_TRIAL_FAILED : VJ_TRIAL_DONE);
  }
  vj_ledger_close(&ledger);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test_teardown(many_claimers_share_every_trial_exactly_once, remove_ledger),
      cmocka_unit_test_teardown(kill_of_the_one_with_the_lock_frees_it, remove_ledger),
      cmocka_unit_test_teardown(killed_claimers_lose_no_trial, remove_ledger),
  };
  return cmocka_run_group_tests(tests, make_folder, remove_folder);
}
