/* For LD_PRELOAD: a program that cannot make code at run time, as security modules have it where they are strict. */
#include "tests/support/forbid_code.h"

#include <stdlib.h>

__attribute__((constructor)) static void begin(void) {
  if (!forbid_code()) abort();
}
