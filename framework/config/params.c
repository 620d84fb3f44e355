#include <stdio.h>
#include <string.h>

#include "framework/config/config.h"
#include "framework/config/nodes.h"

vj_status vj_map_check(const vj_yaml *map, const char *path) {
  char got[VJ_GOT_BYTES];
  if (!vj_yaml_is_null(map) && map->kind != VJ_YAML_MAP)
    return vj_fail_node(map, path, "expected a map of keys and values, got %s", vj_node_got(map, got));
  return VJ_OK;
}

vj_status vj_keys_check(const vj_yaml *map, const char *path, const char *const *names, int64_t count) {
  char hint[VJ_SUGGESTION_BYTES];
  VJ_TRY(vj_map_check(map, path));
  if (vj_yaml_is_null(map)) return VJ_OK;
  for (int64_t k = 0; k < map->count; k++) {
    bool is_known = false;
    for (int64_t i = 0; i < count && !is_known; i++) is_known = strcmp(map->keys[k]->text, names[i]) == 0;
    if (is_known) continue;
    return vj_fail_node(map->keys[k], path, "unknown key \"%s\"%s", map->keys[k]->text,
                        vj_suggestion(map->keys[k]->text, "known keys", names, count, hint));
  }
  return VJ_OK;
}

static vj_status check_keys(vj_pool *pool, const vj_param *rows, size_t row_count, const char *const *also_known,
                            const vj_yaml *map, const char *path) {
  size_t also = 0;
  while (also_known && also_known[also]) also++;
  const char **names = vj_pool_take(pool, (row_count + also) * sizeof *names);
  if (!names) return vj_fail(VJ_MEMORY, "%s: no memory for its keys", path);
  for (size_t i = 0; i < also; i++) names[i] = also_known[i];
  for (size_t i = 0; i < row_count; i++) names[also + i] = rows[i].name;
  return vj_keys_check(map, path, names, (int64_t)(row_count + also));
}

/* A default without characters that mean something to YAML; nearly all are such, and a sweep reads many. */
static bool is_simple(const char *text) {
  return text[0] != '-' && strpbrk(text, "[]{}\"'#:,&*!|>%@`?~ \n") == NULL && strcmp(text, "null") != 0;
}

static bool is_list_type(vj_param_type type) {
  return type == VJ_PARAM_INTEGER_LIST || type == VJ_PARAM_REAL_LIST || type == VJ_PARAM_TEXT_LIST;
}

/* The row's default as a node. */
static vj_status default_node(vj_pool *pool, const vj_param *row, vj_yaml **node) {
  const char *text = row->fallback;
  if (text[0] == '\0')
    *node = is_list_type(row->type) ? vj_yaml_new(pool, VJ_YAML_LIST, NULL) : vj_yaml_scalar(pool, "", true, NULL);
  else if (is_simple(text))
    *node = vj_yaml_scalar(pool, text, false, NULL);
  else
    VJ_TRY(vj_yaml_parse(pool, text, strlen(text), "default", false, node));
  return *node ? VJ_OK : vj_fail(VJ_MEMORY, "%s: no memory for its default", row->name);
}

static vj_status read_row(vj_pool *pool, const vj_param *row, const vj_yaml *map, const char *path, void *config,
                          vj_yaml *resolved) {
  char row_path[512];
  vj_yaml *value = vj_yaml_get(map, row->name);
  const bool is_given = value != NULL;
  snprintf(row_path, sizeof row_path, "%s%s%s", path, path[0] ? "." : "", row->name);
  if (!value && !row->fallback) return vj_fail_node(map, path, "missing key \"%s\" (%s)", row->name, row->doc);
  if (!value) VJ_TRY(default_node(pool, row, &value));
  VJ_TRY(vj_value_read(pool, row, value, row_path, (char *)config + row->offset));
  if (!resolved) return VJ_OK;
  vj_yaml *copy = is_given ? vj_yaml_copy(pool, value) : value;
  VJ_TRY(vj_yaml_set(pool, resolved, row->name, copy));
  return vj_value_note(pool, row, (char *)config + row->offset, copy);
}

vj_status vj_params_read(vj_pool *pool, const vj_param *rows, size_t row_count, size_t struct_bytes, const vj_yaml *map,
                         const char *path, const char *const *also_known, void **config, vj_yaml *resolved) {
  *config = vj_pool_take(pool, struct_bytes ? struct_bytes : 1);
  if (!*config) return vj_fail(VJ_MEMORY, "%s: no memory for its parameters", path);
  VJ_TRY(check_keys(pool, rows, row_count, also_known, map, path));
  for (size_t i = 0; i < row_count; i++) VJ_TRY(read_row(pool, &rows[i], map, path, *config, resolved));
  return VJ_OK;
}
