/* cmocka, with what it wants to be included before it. */
#ifndef VJ_TESTS_SUPPORT_TESTING_H
#define VJ_TESTS_SUPPORT_TESTING_H

/* clang-format off */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>
/* clang-format on */

#endif
