/* Points of a search space as points of a Euclidean one, in which a Gaussian process measures distances. A number is
 * its coordinate, a choice one of n corners that are 1 apart (one-hot). A number that does not exist lies in the middle
 * and beside, 1/2 away from there, a choice that does not exist between its corners: so settings of different branches
 * are near each other in what they have in common. Private to the room. */
#ifndef VJ_SWEEPS_SEARCH_FEATURES_H
#define VJ_SWEEPS_SEARCH_FEATURES_H

#include "sweeps/search/search.h"

int64_t vj_features_count(const vj_search_space *space);
/* owner[features]: the dimension that each belongs to. */
void vj_features_owners(const vj_search_space *space, int64_t *owner);
/* z[features]. The point need not be settled, `present` must be its own. */
void vj_features_of(const vj_search_space *space, const double *at, const bool *present, double *z);
/* The feature that is the coordinate of a number. */
int64_t vj_features_place(const vj_search_space *space, int64_t dimension);

#endif
