/* cmocka, with what it wants to be included before it, and what calls that give a vj_status are asserted to give. */
#ifndef VJ_TESTS_SUPPORT_TESTING_H
#define VJ_TESTS_SUPPORT_TESTING_H

/* clang-format off */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>
/* clang-format on */

#include "vj/status.h"

/* The call succeeds; its sentence is printed if it does not. */
#define assert_ok(call) vj_assert_status((call), VJ_OK, #call, __FILE__, __LINE__)

/* The call fails with this status and this sentence, which is looked at after the call. */
#define assert_error(call, status, sentence)                       \
  do {                                                             \
    vj_assert_status((call), (status), #call, __FILE__, __LINE__); \
    assert_string_equal(vj_error_message(), (sentence));           \
  } while (0)

static inline void vj_assert_status(vj_status found, vj_status expected, const char *call, const char *file, int line) {
  if (found == expected) return;
  print_error("%s: %s, expected %s%s%s\n", call, vj_status_text(found), vj_status_text(expected),
              found == VJ_OK ? "" : ": ", found == VJ_OK ? "" : vj_error_message());
  _fail(file, line);
}

#endif
