#include "sweeps/space/tuned.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#include "framework/config/config.h"
#include "framework/config/nodes.h"

enum { PATH_BYTES = 512 };

static const vj_param rows[] = {
    VJ_TEXT(vj_tuned, metric, NULL, "the quantity of validation clips by which settings were chosen"),
    VJ_TEXT(vj_tuned, mode, NULL, "what is good of it: min or max"),
    VJ_TEXT(vj_tuned, method, NULL, "how settings were drawn"),
    VJ_INTEGERS(vj_tuned, seeds, NULL, 0, INFINITY, "", "that they were trained with"),
};

static const vj_param arm_rows[] = {
    VJ_INTEGER(vj_tuned_arm, settings, NULL, 0, INFINITY, "", "that were tried"),
    VJ_INTEGER(vj_tuned_arm, measured, NULL, 0, INFINITY, "", "that have a figure"),
    VJ_REAL(vj_tuned_arm, figure, NULL, -INFINITY, INFINITY, "", "of the chosen setting"),
    VJ_TEXTS(vj_tuned_arm, edges, "[]", "keys whose chosen value is on an edge"),
};

static vj_status no_memory(void) { return vj_fail(VJ_MEMORY, "no memory for how settings were chosen"); }

/* --- reading ----------------------------------------------------------------------------------------------------- */

static vj_status check_spaces(const vj_yaml *map, const char *path, const vj_tuned_arm *arm) {
  if (!arm->spaces || arm->spaces->kind != VJ_YAML_LIST || arm->spaces->count == 0)
    return vj_fail_node(map, path, "expected a list of maps under \"spaces\"");
  for (int64_t i = 0; i < arm->spaces->count; i++) VJ_TRY(vj_map_check(arm->spaces->items[i], path));
  if (!arm->chosen) return vj_fail_node(map, path, "missing key \"chosen\"");
  return vj_map_check(arm->chosen, path);
}

static vj_status read_arm(vj_pool *pool, const vj_yaml *key, const vj_yaml *map, vj_tuned_arm *arm) {
  static const char *const also_known[] = {"spaces", "chosen", NULL};
  char path[PATH_BYTES];
  void *read = NULL;
  snprintf(path, sizeof path, "tuned.arms.%s", key->text);
  VJ_TRY(vj_params_read(pool, arm_rows, VJ_COUNT(arm_rows), sizeof *arm, map, path, also_known, &read, NULL));
  *arm = *(vj_tuned_arm *)read;
  arm->name = key->text;
  arm->spaces = vj_yaml_get(map, "spaces");
  arm->chosen = vj_yaml_get(map, "chosen");
  return check_spaces(map, path, arm);
}

vj_status vj_tuned_read(vj_pool *pool, const vj_yaml *root, const vj_tuned **tuned) {
  static const char *const also_known[] = {"arms", NULL};
  const vj_yaml *map = vj_yaml_get(root, "tuned"), *arms = vj_yaml_get(map, "arms");
  void *read = NULL;
  *tuned = NULL;
  if (vj_yaml_is_null(map)) return VJ_OK;
  VJ_TRY(vj_params_read(pool, rows, VJ_COUNT(rows), sizeof **tuned, map, "tuned", also_known, &read, NULL));
  vj_tuned *fresh = read;
  VJ_TRY(vj_map_check(arms, "tuned.arms"));
  vj_tuned_arm *list = vj_pool_take(pool, (size_t)(arms ? arms->count : 0) * sizeof *list);
  if (!list) return no_memory();
  for (int64_t i = 0; arms && i < arms->count; i++) VJ_TRY(read_arm(pool, arms->keys[i], arms->items[i], &list[i]));
  fresh->arms = list;
  fresh->arm_count = arms ? arms->count : 0;
  *tuned = fresh;
  return VJ_OK;
}

/* --- writing ----------------------------------------------------------------------------------------------------- */

static vj_status set_text(vj_pool *pool, vj_yaml *map, const char *key, const char *text) {
  const char *kept = text ? vj_pool_text(pool, text) : NULL;
  return kept ? vj_yaml_set(pool, map, key, vj_yaml_scalar(pool, kept, false, map)) : no_memory();
}

static vj_status set_count(vj_pool *pool, vj_yaml *map, const char *key, int64_t count) {
  return set_text(pool, map, key, vj_pool_format(pool, "%lld", (long long)count));
}

static vj_status set_list(vj_pool *pool, vj_yaml *map, const char *key, int64_t count, const char *const *texts) {
  vj_yaml *list = vj_yaml_new(pool, VJ_YAML_LIST, map), **items = vj_pool_take(pool, (size_t)count * sizeof *items);
  if (!list || !items) return no_memory();
  for (int64_t i = 0; i < count; i++) {
    const char *kept = vj_pool_text(pool, texts[i]);
    items[i] = kept ? vj_yaml_scalar(pool, kept, false, map) : NULL;
    if (!items[i]) return no_memory();
  }
  list->items = items;
  list->count = count;
  return vj_yaml_set(pool, map, key, list);
}

static vj_status write_arm(vj_pool *pool, const vj_tuned_arm *arm, vj_yaml *arms) {
  char text[VJ_REAL_BYTES];
  vj_yaml *map = vj_yaml_new(pool, VJ_YAML_MAP, NULL);
  vj_yaml *spaces = vj_yaml_copy(pool, arm->spaces), *chosen = vj_yaml_copy(pool, arm->chosen);
  if (!map || !spaces || !chosen) return no_memory();
  VJ_TRY(set_count(pool, map, "settings", arm->settings));
  VJ_TRY(set_count(pool, map, "measured", arm->measured));
  VJ_TRY(set_text(pool, map, "figure", vj_real_text(arm->figure, text)));
  VJ_TRY(set_list(pool, map, "edges", arm->edges.count, arm->edges.at));
  VJ_TRY(vj_yaml_set(pool, map, "spaces", spaces));
  VJ_TRY(vj_yaml_set(pool, map, "chosen", chosen));
  return vj_yaml_set(pool, arms, arm->name, map);
}

vj_status vj_tuned_write(vj_pool *pool, const vj_tuned *tuned, vj_yaml *root) {
  vj_yaml *map = vj_yaml_new(pool, VJ_YAML_MAP, NULL), *arms = vj_yaml_new(pool, VJ_YAML_MAP, NULL);
  const char **seeds = vj_pool_take(pool, (size_t)tuned->seeds.count * sizeof *seeds);
  if (!map || !arms || !seeds) return no_memory();
  for (int64_t i = 0; i < tuned->seeds.count; i++) {
    seeds[i] = vj_pool_format(pool, "%lld", (long long)tuned->seeds.at[i]);
    if (!seeds[i]) return no_memory();
  }
  VJ_TRY(set_text(pool, map, "metric", tuned->metric));
  VJ_TRY(set_text(pool, map, "mode", tuned->mode));
  VJ_TRY(set_text(pool, map, "method", tuned->method));
  VJ_TRY(set_list(pool, map, "seeds", tuned->seeds.count, seeds));
  VJ_TRY(vj_yaml_set(pool, map, "arms", arms));
  for (int64_t i = 0; i < tuned->arm_count; i++) VJ_TRY(write_arm(pool, &tuned->arms[i], arms));
  return vj_yaml_set(pool, root, "tuned", map);
}

/* --- words ------------------------------------------------------------------------------------------------------- */

const char *vj_tuned_effort(vj_pool *pool, const vj_tuned *t) {
  int64_t least = INT64_MAX, most = 0;
  const char *seeds = "";
  for (int64_t i = 0; i < t->arm_count; i++) {
    if (t->arms[i].settings < least) least = t->arms[i].settings;
    if (t->arms[i].settings > most) most = t->arms[i].settings;
  }
  for (int64_t i = 0; i < t->seeds.count && seeds; i++)
    seeds = vj_pool_format(pool, "%s%s%lld", seeds, i ? ", " : "", (long long)t->seeds.at[i]);
  const char *count = least < most ? vj_pool_format(pool, "%lld to %lld", (long long)least, (long long)most)
                                   : vj_pool_format(pool, "%lld", (long long)most);
  if (!seeds || !count) return NULL;
  return vj_pool_format(pool, "%s setting%s an arm, %s; chosen by %s, %s, the mean over seed%s %s", count,
                        most == 1 ? "" : "s", t->method, t->metric, strcmp(t->mode, "max") == 0 ? "highest" : "lowest",
                        t->seeds.count == 1 ? "" : "s", seeds);
}
