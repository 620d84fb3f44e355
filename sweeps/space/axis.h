/* One swept parameter, and the seeds: what stands in a sweep turned into lists of values. Not collective. */
#ifndef VJ_SWEEPS_SPACE_AXIS_H
#define VJ_SWEEPS_SPACE_AXIS_H

#include "sweeps/space/range.h"

typedef struct vj_axis {
  const char *key;
  const vj_yaml *key_node;
  const char *path;             /* of the parameter in errors: "sweep.parameters.<key>" */
  int64_t arm;                  /* the number of the only arm that has it; -1: all have */
  int64_t count;                /* of values, at least 1; of a sampled parameter: one for each sample */
  const vj_yaml *const *values; /* of a sampled parameter: NULL until vj_axis_draw() */

  const vj_yaml *drawn;   /* of a sampled parameter the key node that says how, e.g. "uniform"; else NULL */
  const vj_yaml *choices; /* choice: the list that values are drawn from */
  vj_range range;         /* the other sampled ones: what values are drawn from */

  const vj_yaml *when; /* what must be set for the parameter to exist; NULL: nothing */
  const vj_yaml *with; /* the key of the parameter that it walks together with; NULL: none */
} vj_axis;

/* [values], {values: [..]}, {log: [low, high], n: count}, {linear: [low, high], n: count}; or, sampled, {uniform: [low,
 * high]}, {log: [low, high]}, {integer: [low, high]}, {log_integer: [low, high]} or {choice: [..]}. Each map may have
 * `when`, and those that are not sampled `with`. */
VJ_MUST_USE vj_status vj_axis_read(vj_pool *pool, const vj_yaml *key, const vj_yaml *value, const char *path,
                                   vj_axis *axis);

/* Gives a sampled parameter its values: that of sample i is the one at u[i * stride]. */
VJ_MUST_USE vj_status vj_axis_draw(vj_pool *pool, const double *u, int64_t stride, int64_t count, vj_axis *axis);

/* A number n: seed, seed + 1, ... of the document's own seed; or a list. NULL: *seeds = NULL and *count = 1. */
VJ_MUST_USE vj_status vj_seeds_read(vj_pool *pool, const vj_yaml *root, const vj_yaml *node, int64_t most,
                                    const vj_yaml ***seeds, int64_t *count);

#endif
