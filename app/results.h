/* The outcome of a sweep as a table, from its file alone. */
#ifndef VJ_RESULTS_H
#define VJ_RESULTS_H

#include <stdbool.h>
#include <stdio.h>

#include "vj/status.h"

/* One row a trial, or, unless `by_trial`, one row for trials that differ only in their seed: means, and the spread
 * where there are several. Failed trials are listed below with their reasons. Not collective. */
VJ_MUST_USE vj_status vj_results_print(const char *folder, bool by_trial, FILE *to);

#endif
