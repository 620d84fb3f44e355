/* What the tests of the ledger share: a folder for one ledger, and what it says of a trial. */
#ifndef VJ_TESTS_STORE_LEDGER_TESTING_H
#define VJ_TESTS_STORE_LEDGER_TESTING_H

#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "framework/store/ledger/ledger.h"
#include "tests/support/testing.h"

enum { PATH_BYTES = 256, FILE_BYTES = 65536 };

static char folder[64], path[PATH_BYTES];

static inline vj_ledger *open_ledger(int64_t trials) {
  vj_ledger *ledger = NULL;
  assert_ok(vj_ledger_open(path, trials, "host:1:2", &ledger));
  assert_non_null(ledger);
  return ledger;
}

/* The lowest trial that waits. */
static inline vj_status claim_lowest(vj_ledger *ledger, int64_t *trial, int64_t *attempt) {
  int64_t all[1000];
  for (int64_t i = 0; i < 1000; i++) all[i] = i;
  return vj_ledger_claim(ledger, all, 1000, trial, attempt);
}

static inline int64_t release(vj_ledger *ledger, bool (*lives)(void *context, const char *who), void *context,
                              int64_t most) {
  int64_t count = -1;
  assert_ok(vj_ledger_release(ledger, lives, context, most, &count));
  return count;
}

static inline void assert_state(vj_ledger *ledger, int64_t trial, vj_trial_state expected, int64_t attempts,
                                const char *reason) {
  vj_trial_state state = VJ_TRIAL_WAITING;
  int64_t count = 0;
  const char *text = NULL;
  assert_ok(vj_ledger_state(ledger, trial, &state, &count, &text));
  assert_int_equal(state, expected);
  assert_int_equal(count, attempts);
  assert_string_equal(text, reason);
}

static inline size_t read_file(char bytes[FILE_BYTES]) {
  FILE *stream = fopen(path, "rb");
  assert_non_null(stream);
  const size_t count = fread(bytes, 1, FILE_BYTES - 1, stream);
  fclose(stream);
  bytes[count] = '\0';
  return count;
}

static inline int make_folder(void **state) {
  (void)state;
  snprintf(folder, sizeof folder, "/tmp/vjvcr-ledger-XXXXXX");
  if (!mkdtemp(folder)) return -1;
  snprintf(path, sizeof path, "%s/ledger", folder);
  return 0;
}

static inline int remove_ledger(void **state) {
  (void)state;
  return unlink(path);
}

static inline int remove_folder(void **state) {
  (void)state;
  return rmdir(folder);
}

#endif
