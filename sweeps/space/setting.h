/* A key of an experiment and what is set there. */
#ifndef VJ_SWEEPS_SPACE_SETTING_H
#define VJ_SWEEPS_SPACE_SETTING_H

#include "framework/config/yaml/yaml.h"

typedef struct vj_setting {
  const char *key; /* "losses.variance.weight" */
  const vj_yaml *value;
} vj_setting;

/* `where:` of a map, {data.background: flicker}: which trials are meant. None where there is no such key. In the pool,
 * keys and values are the tree's. */
VJ_MUST_USE vj_status vj_where_read(vj_pool *pool, const vj_yaml *map, const char *path, const vj_setting **settings,
                                    int64_t *count);

#endif
