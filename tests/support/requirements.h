/* What a test needs, and what a machine can't do: requirements.py for tests in C. */
#ifndef VJ_TESTS_SUPPORT_REQUIREMENTS_H
#define VJ_TESTS_SUPPORT_REQUIREMENTS_H

#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/support/testing.h"

/* Declares that this machine can't do what the running test is about, and skips it. */
#define impossible(reason) vj_skip_declared(__func__, reason)

/* Fails where `there` is false; with VJ_SKIPS=allow it skips. `what` names what is missing. */
#define need(there, what)                     \
  do {                                        \
    if (!(there)) vj_missing(__func__, what); \
  } while (0)

#define need_program(name) need(system("command -v " name " >/dev/null") == 0, "the program " name)

static inline void vj_skip_declared(const char *test, const char *reason) {
  const char *const path = getenv("VJ_SKIPPED"), *const program = getenv("VJ_TEST");
  FILE *const file = path ? fopen(path, "a") : NULL;
  print_message("skipped: %s: %s\n", test, reason);
  if (file) {
    fprintf(file, "%s, %s: %s\n", program ? program : "a test", test, reason);
    fclose(file);
  }
  skip();
}

static inline void vj_missing(const char *test, const char *what) {
  const char *const skips = getenv("VJ_SKIPS");
  char reason[256];
  snprintf(reason, sizeof reason, "%s is missing", what);
  if (skips && strcmp(skips, "allow") == 0) vj_skip_declared(test, reason);
  fail_msg("%s, and this test needs it: ./vj test installs it, VJ_SKIPS=allow skips the test", reason);
}

#endif
