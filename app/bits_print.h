/* How verbs say that numbers are not the same. */
#ifndef VJ_APP_BITS_PRINT_H
#define VJ_APP_BITS_PRINT_H

#include "analysis/results/same_bits.h"

/* Two lines: how many values differ, and the first of them with what "one" and "other" have there. */
void vj_bits_print(const vj_bits_comparison *comparison, const char *one, const char *other);

#endif
