/* One swept parameter, and the seeds: what stands in a sweep turned into lists of values. Not collective. */
#ifndef VJ_AXIS_H
#define VJ_AXIS_H

#include "config/yaml.h"

typedef struct vj_axis {
  const char *key;
  int64_t count; /* at least 1 */
  const vj_yaml *const *values;
} vj_axis;

/* [values], {values: [..]}, {log: [low, high], n: count} or {linear: [low, high], n: count}. The two ends of a range
 * are exact; the points between are rounded to 12 digits, so that no library's last bit gets into a result. */
VJ_MUST_USE vj_status vj_axis_read(vj_pool *pool, const vj_yaml *key, const vj_yaml *value, const char *path,
                                   vj_axis *axis);

/* A number n: seed, seed + 1, ... of the document's own seed; or a list. NULL: *seeds = NULL and *count = 1. */
VJ_MUST_USE vj_status vj_seeds_read(vj_pool *pool, const vj_yaml *root, const vj_yaml *node, int64_t most,
                                    const vj_yaml ***seeds, int64_t *count);

#endif
