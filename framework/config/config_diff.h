/* What differs between two configurations, value by value. Not collective; all lives in the pool. */
#ifndef VJ_FRAMEWORK_CONFIG_CONFIG_DIFF_H
#define VJ_FRAMEWORK_CONFIG_CONFIG_DIFF_H

#include "framework/config/yaml/yaml.h"

typedef struct vj_difference {
  const char *key;               /* "losses.variance.weight" */
  const vj_yaml *before, *after; /* NULL: not there */
} vj_difference;

typedef struct vj_differences {
  int64_t count, room;
  vj_difference *at;
} vj_differences;

/* Maps are compared key by key, in any order; anything else as it is written. Adds to `found`, which starts zeroed. */
VJ_MUST_USE vj_status vj_differences_find(vj_pool *pool, const vj_yaml *before, const vj_yaml *after,
                                          vj_differences *found);

/* "losses.variance.weight was 10 and is 5 now (sweep.yaml:14:11)"; NULL when memory is out. */
const char *vj_difference_text(vj_pool *pool, const vj_difference *difference);

#endif
