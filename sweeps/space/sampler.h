/* Points of the unit cube, on which the sampled parameters of a sweep are drawn. Not collective. */
#ifndef VJ_SWEEPS_SPACE_SAMPLER_H
#define VJ_SWEEPS_SPACE_SAMPLER_H

#include <stdint.h>

#include "vj/status.h"

typedef enum vj_method {
  VJ_METHOD_GRID, /* none */
  VJ_METHOD_RANDOM,
  VJ_METHOD_SOBOL,
  VJ_METHOD_HALTON,
  VJ_METHOD_LATIN_HYPERCUBE
} vj_method;

/* The names of the methods, as a parameter row's choices, in the order above. */
#define VJ_METHOD_CHOICES "grid|random|sobol|halton|latin_hypercube"

/* The most dimensions that a method has points for. */
int64_t vj_sampler_most_dimensions(vj_method method);

/* Fills points[count][dimensions] with numbers of [0, 1); 1 <= dimensions <= the most there are; not for the grid.
 *
 *   random           independent uniform numbers
 *   sobol, halton    the low-discrepancy sequences of GSL (Sobol: Antonov & Saleev 1979, Bratley & Fox 1988), without
 *                    their first point, which is 0 in all dimensions. A seed above 0 moves all points by one random
 *                    vector, modulo 1 (Cranley & Patterson 1976).
 *   latin_hypercube  in each dimension one point in each of `count` strips, at random within it (McKay et al. 1979)
 *
 * All are functions of the seed. Except for latin_hypercube, point i does not depend on `count`, and the coordinates in
 * the first dimensions not on how many follow. */
VJ_MUST_USE vj_status vj_sampler_draw(vj_method method, uint64_t seed, int64_t count, int64_t dimensions,
                                      double *points);

#endif
