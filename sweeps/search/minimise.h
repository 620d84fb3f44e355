/* Local minima of smooth functions within bounds, by NLopt's limited-memory BFGS (Nocedal 1980, in Luksan's form),
 * which computes with nothing but sums, products, quotients and roots. It ends by a number of evaluations, never by
 * time. Private to the room. */
#ifndef VJ_SWEEPS_SEARCH_MINIMISE_H
#define VJ_SWEEPS_SEARCH_MINIMISE_H

#include <stdint.h>

#include "vj/status.h"

/* The function at x[n], with its gradient. */
typedef double vj_smooth(void *context, const double *x, double *gradient);

/* Moves x[n], which lies within low[n] .. high[n], to the best of `evaluations` points; *value is the function there.
 */
VJ_MUST_USE vj_status vj_minimise(int64_t n, vj_smooth *f, void *context, const double *low, const double *high,
                                  int evaluations, double *x, double *value);

#endif
