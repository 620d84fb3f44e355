/* Several objectives at once, all to be minimised: which points no other is better than in everything, and the volume
 * of what they are better than. Pure functions of values[count][objectives]. Not collective. */
#ifndef VJ_SWEEPS_SEARCH_PARETO_H
#define VJ_SWEEPS_SEARCH_PARETO_H

#include <stdbool.h>
#include <stdint.h>

#include "vj/status.h"

/* Whether a is at least as good as b in every objective and better in one. False where either has NaN. */
bool vj_pareto_dominates(int64_t objectives, const double *a, const double *b);

/* rank[count]: 0 on the Pareto front, 1 on the front of all others, and so on (nondominated sorting, Srinivas & Deb
 * 1994). Of equal points each has the rank of the others. */
VJ_MUST_USE vj_status vj_pareto_ranks(int64_t count, int64_t objectives, const double *values, int64_t *rank);

/* The volume that at least one point dominates within the box below `reference` (Zitzler & Thiele 1998), by exclusive
 * volumes (While, Bradstreet & Barone 2012): exact, and quick for some hundred points of two objectives or some dozens
 * of more. Points that are not better than the reference in everything add nothing. */
VJ_MUST_USE vj_status vj_hypervolume(int64_t count, int64_t objectives, const double *values, const double *reference,
                                     double *volume);

/* The part of it that is a point's alone: contribution[count]. */
VJ_MUST_USE vj_status vj_hypervolume_contributions(int64_t count, int64_t objectives, const double *values,
                                                   const double *reference, double *contribution);

#endif
