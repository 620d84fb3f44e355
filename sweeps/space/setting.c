#include "sweeps/space/setting.h"

#include <stdio.h>

#include "framework/config/nodes.h"

enum { PATH_BYTES = 512 };

vj_status vj_where_read(vj_pool *pool, const vj_yaml *map, const char *path, const vj_setting **settings,
                        int64_t *count) {
  const vj_yaml *where = vj_yaml_get(map, "where");
  char own[PATH_BYTES];
  *settings = NULL;
  *count = 0;
  snprintf(own, sizeof own, "%s.where", path);
  if (vj_yaml_is_null(where)) return VJ_OK;
  VJ_TRY(vj_map_check(where, own));
  vj_setting *list = vj_pool_take(pool, (size_t)(where->count + 1) * sizeof *list);
  if (!list) return vj_fail(VJ_MEMORY, "%s: no memory for it", own);
  for (int64_t i = 0; i < where->count; i++) list[i] = (vj_setting){where->keys[i]->text, where->items[i]};
  *settings = list;
  *count = where->count;
  return VJ_OK;
}
