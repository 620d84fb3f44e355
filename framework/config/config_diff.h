/* What differs between two configurations, value by value. Not collective; all lives in the pool. */
#ifndef VJ_FRAMEWORK_CONFIG_CONFIG_DIFF_H
#define VJ_FRAMEWORK_CONFIG_CONFIG_DIFF_H

#include "framework/config/yaml/yaml.h"

typedef struct vj_config_change {
  const char *key;               /* "losses.variance.weight" */
  const vj_yaml *before, *after; /* NULL: not there */
} vj_config_change;

typedef struct vj_config_diff {
  int64_t count;
  vj_config_change *at;
} vj_config_diff;

/* Maps are compared key by key, in any order; anything else as it is written. Adds to `found`, which starts zeroed. */
VJ_MUST_USE vj_status vj_config_diff_find(vj_pool *pool, const vj_yaml *before, const vj_yaml *after,
                                          vj_config_diff *found);

/* "losses.variance.weight was 10 and is 5 now (sweep.yaml:14:11)"; NULL when memory is out. */
const char *vj_config_change_text(vj_pool *pool, const vj_config_change *difference);

#endif
