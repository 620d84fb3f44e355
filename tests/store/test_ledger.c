/* The ledger, one process: what it says of every trial, and what it makes of torn and damaged lines. */
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include "tests/store/ledger_testing.h"

static void assert_claim(vj_ledger *ledger, int64_t trial, int64_t attempt) {
  int64_t claimed = -2, number = -2;
  assert_ok(claim_lowest(ledger, &claimed, &number));
  assert_int_equal(claimed, trial);
  assert_int_equal(number, attempt);
}

/* Compares the last sentence with the ledger's path and `rest`. */
static void assert_sentence(const char *rest) {
  char expected[1024];
  snprintf(expected, sizeof expected, "%s%s", path, rest);
  assert_string_equal(vj_error_message(), expected);
}

static void write_file(const char *bytes, size_t count, const char *mode) {
  FILE *stream = fopen(path, mode);
  assert_non_null(stream);
  assert_int_equal(fwrite(bytes, 1, count, stream), count);
  fclose(stream);
}

/* --- trials and their states ----------------------------------------------------------------------------------- */

static void trials_are_claimed_in_order_and_end(void **state) {
  (void)state;
  vj_ledger *ledger = open_ledger(3);
  assert_state(ledger, 0, VJ_TRIAL_WAITING, 0, "");
  assert_claim(ledger, 0, 1);
  assert_claim(ledger, 1, 1);
  assert_state(ledger, 0, VJ_TRIAL_RUNNING, 1, "");
  assert_ok(vj_ledger_done(ledger, 0));
  assert_ok(vj_ledger_failed(ledger, 1, "the loss became \"NaN\"\nat C:\\step 12"));
  assert_claim(ledger, 2, 1);
  assert_claim(ledger, -1, 0);
  vj_ledger_close(&ledger);
  assert_null(ledger);

  ledger = open_ledger(3);
  assert_state(ledger, 0, VJ_TRIAL_DONE, 1, "");
  assert_state(ledger, 1, VJ_TRIAL_FAILED, 1, "the loss became \"NaN\"\nat C:\\step 12");
  assert_state(ledger, 2, VJ_TRIAL_RUNNING, 1, "");
  vj_ledger_close(&ledger);
}

static void released_trials_run_again_and_others_do_not(void **state) {
  (void)state;
  vj_ledger *lost = open_ledger(3), *resumed = NULL;
  assert_claim(lost, 0, 1);
  assert_ok(vj_ledger_done(lost, 0));
  assert_claim(lost, 1, 1);
  assert_claim(lost, 2, 1);
  assert_ok(vj_ledger_failed(lost, 2, "bad data"));
  resumed = open_ledger(3);
  release(resumed, NULL, NULL, 0);
  assert_state(resumed, 1, VJ_TRIAL_WAITING, 1, "");
  assert_int_equal(vj_ledger_done(lost, 1), VJ_DATA);
  assert_sentence(": trial 1 can't be recorded as done: it is waiting, not running");
  assert_claim(resumed, 1, 2);
  assert_claim(resumed, -1, 0);
  /* The first run still lives, against all expectation; it may not end the attempt of the second. */
  assert_int_equal(vj_ledger_failed(lost, 1, "late"), VJ_DATA);
  assert_sentence(": trial 1 can't be recorded as failed: attempt 1 was given up and attempt 2 runs elsewhere");
  assert_ok(vj_ledger_done(resumed, 1));
  assert_state(lost, 1, VJ_TRIAL_DONE, 2, "");
  vj_ledger_close(&lost);
  vj_ledger_close(&resumed);
}

static bool is_alive(void *context, const char *who) {
  assert_string_equal(who, "host:1:2");
  return *(const bool *)context;
}

static void trials_of_the_living_are_left_alone(void **state) {
  (void)state;
  bool alive = true, owns = false;
  vj_ledger *ledger = open_ledger(2);
  assert_claim(ledger, 0, 1);
  assert_ok(vj_ledger_owns(ledger, 0, &owns));
  assert_true(owns);
  assert_int_equal(release(ledger, is_alive, &alive, 1), 0);
  assert_state(ledger, 0, VJ_TRIAL_RUNNING, 1, "");
  alive = false;
  assert_int_equal(release(ledger, is_alive, &alive, 2), 1);
  assert_state(ledger, 0, VJ_TRIAL_WAITING, 1, "");
  assert_ok(vj_ledger_owns(ledger, 0, &owns));
  assert_false(owns);
  vj_ledger_close(&ledger);
}

/* Deaths in a row count; one that saved something, and a stop, begin the count anew. */
static void a_trial_that_kills_its_runs_is_set_aside(void **state) {
  (void)state;
  static const char reason[] = "its run died 3 times in a row and had saved nothing (--max-attempts)";
  vj_ledger *ledger = open_ledger(2);
  assert_claim(ledger, 0, 1);
  release(ledger, NULL, NULL, 3);
  assert_claim(ledger, 0, 2);
  release(ledger, NULL, NULL, 3);
  assert_claim(ledger, 0, 3);
  assert_ok(vj_ledger_saved(ledger, 0));
  assert_state(ledger, 0, VJ_TRIAL_RUNNING, 3, "");
  release(ledger, NULL, NULL, 3);
  assert_claim(ledger, 0, 4);
  release(ledger, NULL, NULL, 3);
  assert_claim(ledger, 0, 5);
  assert_ok(vj_ledger_stop(ledger, 0));
  assert_state(ledger, 0, VJ_TRIAL_WAITING, 5, "");
  for (int64_t attempt = 6; attempt <= 8; attempt++) {
    assert_claim(ledger, 0, attempt);
    vj_ledger_close(&ledger); /* what is counted stands in the file */
    ledger = open_ledger(2);
    release(ledger, NULL, NULL, 3);
  }
  assert_state(ledger, 0, VJ_TRIAL_FAILED, 8, reason);
  assert_claim(ledger, 1, 1);
  vj_ledger_close(&ledger);
}

static void file_is_text_that_people_can_read(void **state) {
  (void)state;
  char bytes[FILE_BYTES];
  static const char expected[] = "vjvcr ledger 1 trials 12 55aec705\n1 claim 0 1 host:1:2 ";
  vj_ledger *ledger = open_ledger(12);
  assert_claim(ledger, 0, 1);
  assert_ok(vj_ledger_failed(ledger, 0, "no data"));
  vj_ledger_close(&ledger);
  read_file(bytes);
  /* The checksum of the first line by an independent calculation of CRC-32. */
  assert_int_equal(strncmp(bytes, expected, strlen(expected)), 0);
  assert_non_null(strstr(bytes, "\n1 failed 0 1 \"no data\" "));
}

static void wrong_uses_are_refused(void **state) {
  (void)state;
  vj_ledger *ledger = open_ledger(4), *other = NULL;
  assert_int_equal(vj_ledger_done(ledger, 2), VJ_DATA);
  assert_sentence(": trial 2 can't be recorded as done: it is waiting, not running");
  assert_int_equal(vj_ledger_done(ledger, 4), VJ_INTERNAL);
  assert_sentence(": there is no trial 4; the sweep has 4");
  assert_int_equal(vj_ledger_open(path, 3, "host:1:2", &other), VJ_DATA);
  assert_sentence(
      ": the ledger is of a sweep of 4 trials, but this sweep has 3; continue with the configuration it was started "
      "with, or choose another folder");
  assert_null(other);
  vj_ledger_close(&ledger);
}

static void a_sweep_that_grew_keeps_its_states(void **state) {
  (void)state;
  vj_ledger *ledger = open_ledger(2), *larger = NULL;
  assert_claim(ledger, 0, 1);
  assert_ok(vj_ledger_done(ledger, 0));
  larger = open_ledger(4);
  assert_state(larger, 0, VJ_TRIAL_DONE, 1, "");
  assert_state(larger, 3, VJ_TRIAL_WAITING, 0, "");
  /* Who worked on the smaller one can't go on: its file is not the sweep's any more. */
  int64_t trial, attempt;
  assert_int_equal(claim_lowest(ledger, &trial, &attempt), VJ_DATA);
  assert_sentence(
      ": the sweep was extended to 4 trials while this run worked on 2 of them; start it again with the new YAML and "
      "--resume");
  vj_ledger_close(&ledger);
  assert_int_equal(vj_ledger_open(path, 2, "host:1:2", &ledger), VJ_DATA);
  assert_claim(larger, 1, 1);
  assert_claim(larger, 2, 1);
  vj_ledger_close(&larger);
  larger = open_ledger(4); /* the record is there once */
  assert_state(larger, 2, VJ_TRIAL_RUNNING, 1, "");
  char bytes[FILE_BYTES];
  read_file(bytes);
  const char *record = strstr(bytes, "\n1 extend 4 0 host:1:2 ");
  assert_non_null(record);
  assert_null(strstr(record + strlen("\n1 extend"), "extend"));
  vj_ledger_close(&larger);
}

static void the_first_of_a_list_is_taken(void **state) {
  (void)state;
  static const int64_t mine[] = {3, 1};
  vj_ledger *ledger = open_ledger(4);
  int64_t trial, attempt;
  bool waits = false;
  for (int i = 0; i < 2; i++) {
    assert_ok(vj_ledger_waits(ledger, mine, 2, &waits));
    assert_true(waits);
    assert_ok(vj_ledger_claim(ledger, mine, 2, &trial, &attempt));
    assert_int_equal(trial, mine[i]);
  }
  assert_ok(vj_ledger_claim(ledger, mine, 2, &trial, &attempt));
  assert_int_equal(trial, -1);
  assert_ok(vj_ledger_waits(ledger, mine, 2, &waits));
  assert_false(waits);
  assert_claim(ledger, 0, 1);
  vj_ledger_close(&ledger);
}

static void other_files_are_left_alone(void **state) {
  (void)state;
  static const char *const contents[] = {"name: vcr-grid\nseed: 7\n", "no line end"};
  for (size_t i = 0; i < 2; i++) {
    char bytes[FILE_BYTES];
    vj_ledger *ledger = NULL;
    write_file(contents[i], strlen(contents[i]), "wb");
    assert_int_equal(vj_ledger_open(path, 5, "host:1:2", &ledger), VJ_DATA);
    assert_sentence(": this is no ledger: its first line should begin with \"vjvcr ledger \"");
    read_file(bytes);
    assert_string_equal(bytes, contents[i]);
  }
  vj_ledger *ledger = NULL;
  char missing[PATH_BYTES + 32], expected[PATH_BYTES + 128];
  snprintf(missing, sizeof missing, "%s/nowhere/ledger", folder);
  snprintf(expected, sizeof expected, "%s: can't be opened: No such file or directory", missing);
  assert_error(vj_ledger_open(missing, 5, "host:1:2", &ledger), VJ_IO, expected);
}

/* --- torn and damaged ---------------------------------------------------------------------------------------- */

/* A kill in mid-write leaves a line of any length without its end: it counts for nothing and disappears. */
static void torn_last_line_is_cut_off_wherever_it_broke(void **state) {
  (void)state;
  char whole[FILE_BYTES], after[FILE_BYTES];
  vj_ledger *ledger = open_ledger(3);
  assert_claim(ledger, 0, 1);
  const size_t kept = read_file(whole);
  assert_claim(ledger, 1, 1);
  const size_t all = read_file(whole);
  vj_ledger_close(&ledger);
  for (size_t end = kept; end < all; end++) {
    write_file(whole, end, "wb");
    ledger = open_ledger(3);
    assert_state(ledger, 1, VJ_TRIAL_WAITING, 0, "");
    assert_claim(ledger, 1, 1);
    vj_ledger_close(&ledger);
    assert_int_equal(read_file(after), all);
    assert_memory_equal(after, whole, all);
  }
  /* The first line may be torn as well. */
  const size_t header = strcspn(whole, "\n") + 1;
  for (size_t end = 0; end < header; end++) {
    write_file(whole, end, "wb");
    ledger = open_ledger(3);
    assert_state(ledger, 0, VJ_TRIAL_WAITING, 0, "");
    vj_ledger_close(&ledger);
    assert_int_equal(read_file(after), header);
    assert_memory_equal(after, whole, header);
  }
}

static void every_damaged_byte_is_noticed_and_its_line_named(void **state) {
  (void)state;
  char whole[FILE_BYTES], damaged[FILE_BYTES];
  vj_ledger *ledger = open_ledger(3);
  assert_claim(ledger, 0, 1);
  assert_ok(vj_ledger_failed(ledger, 0, "why not"));
  vj_ledger_close(&ledger);
  const size_t all = read_file(whole), first = strcspn(whole, "\n") + 1;
  const size_t second = first + strcspn(whole + first, "\n") + 1;
  for (size_t i = first; i + 1 < second; i++) {
    memcpy(damaged, whole, all);
    damaged[i] ^= 1;
    write_file(damaged, all, "wb");
    assert_int_equal(vj_ledger_open(path, 3, "host:1:2", &ledger), VJ_DATA);
    assert_sentence(
        ":2: this line is damaged: its checksum does not fit; restore the file, or remove the line to go on without "
        "that record");
  }
  write_file(whole, all, "wb");
  ledger = open_ledger(3);
  assert_state(ledger, 0, VJ_TRIAL_FAILED, 1, "why not");
  /* Damage that comes while the ledger is open, behind what was read already. */
  write_file("1 claim 1 1 host:1 00000000\n", 28, "ab");
  int64_t trial = 0, attempt = 0;
  for (int again = 0; again < 2; again++) {
    assert_int_equal(claim_lowest(ledger, &trial, &attempt), VJ_DATA);
    assert_sentence(
        ":4: this line is damaged: its checksum does not fit; restore the file, or remove the line to go on without "
        "that record");
    assert_int_equal(trial, -1);
  }
  vj_ledger_close(&ledger);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test_teardown(trials_are_claimed_in_order_and_end, remove_ledger),
      cmocka_unit_test_teardown(released_trials_run_again_and_others_do_not, remove_ledger),
      cmocka_unit_test_teardown(trials_of_the_living_are_left_alone, remove_ledger),
      cmocka_unit_test_teardown(a_trial_that_kills_its_runs_is_set_aside, remove_ledger),
      cmocka_unit_test_teardown(file_is_text_that_people_can_read, remove_ledger),
      cmocka_unit_test_teardown(wrong_uses_are_refused, remove_ledger),
      cmocka_unit_test_teardown(a_sweep_that_grew_keeps_its_states, remove_ledger),
      cmocka_unit_test_teardown(the_first_of_a_list_is_taken, remove_ledger),
      cmocka_unit_test_teardown(other_files_are_left_alone, remove_ledger),
      cmocka_unit_test_teardown(torn_last_line_is_cut_off_wherever_it_broke, remove_ledger),
      cmocka_unit_test_teardown(every_damaged_byte_is_noticed_and_its_line_named, remove_ledger),
  };
  return cmocka_run_group_tests(tests, make_folder, remove_folder);
}
