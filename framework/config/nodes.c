#include "framework/config/nodes.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

vj_status vj_node_prefix(const vj_yaml *node, const char *path) {
  const char *colon = path[0] ? ": " : "";
  if (!node)
    vj_error_prefix("%s%s", path, colon);
  else if (node->line > 0)
    vj_error_prefix("%s:%d:%d: %s%s", node->source, node->line, node->column, path, colon);
  else
    vj_error_prefix("%s: %s%s", node->source, path, colon);
  return VJ_CONFIG;
}

const char *vj_node_got(const vj_yaml *node, char text[VJ_GOT_BYTES]) {
  if (vj_yaml_is_null(node))
    snprintf(text, VJ_GOT_BYTES, "nothing");
  else if (node->kind != VJ_YAML_SCALAR)
    snprintf(text, VJ_GOT_BYTES, "%s", node->kind == VJ_YAML_MAP ? "a map" : "a list");
  else
    snprintf(text, VJ_GOT_BYTES, "\"%.80s%s\"", node->text, strlen(node->text) > 80 ? "..." : "");
  return text;
}

bool vj_yaml_is_null(const vj_yaml *node) {
  return !node || (node->kind == VJ_YAML_SCALAR && !node->quoted && strcmp(node->text, "null") == 0);
}

vj_yaml *vj_yaml_new(vj_pool *pool, vj_yaml_kind kind, const vj_yaml *like) {
  vj_yaml *node = vj_pool_take(pool, sizeof *node);
  if (!node) return NULL;
  *node = (vj_yaml){.kind = kind, .source = "default", .text = kind == VJ_YAML_SCALAR ? "" : NULL};
  if (like) {
    node->source = like->source;
    node->line = like->line;
    node->column = like->column;
  }
  return node;
}

vj_yaml *vj_yaml_scalar(vj_pool *pool, const char *text, bool quoted, const vj_yaml *like) {
  vj_yaml *node = vj_yaml_new(pool, VJ_YAML_SCALAR, like);
  if (!node) return NULL;
  node->text = text;
  node->quoted = quoted;
  return node;
}

const char *vj_real_text(double number, char text[VJ_REAL_BYTES]) {
  for (int digits = 15; digits <= 17; digits++) {
    snprintf(text, VJ_REAL_BYTES, "%.*g", digits, number);
    if (strtod(text, NULL) == number) break;
  }
  return text;
}

/* Arrays with room for `extra` more entries. */
static bool copy_entries(vj_pool *pool, vj_yaml *to, const vj_yaml *from, int64_t extra) {
  const size_t bytes = (size_t)from->count * sizeof(vj_yaml *), more = (size_t)extra * sizeof(vj_yaml *);
  vj_yaml **items = vj_pool_take(pool, bytes + more);
  vj_yaml **keys = from->kind == VJ_YAML_MAP ? vj_pool_take(pool, bytes + more) : NULL;
  if (!items || (from->kind == VJ_YAML_MAP && !keys)) return false;
  if (bytes) memcpy(items, from->items, bytes);
  if (bytes && keys) memcpy(keys, from->keys, bytes);
  to->items = items;
  to->keys = keys;
  return true;
}

vj_yaml *vj_yaml_shallow(vj_pool *pool, const vj_yaml *node) {
  vj_yaml *copy = vj_pool_take(pool, sizeof *copy);
  if (!copy) return NULL;
  *copy = *node;
  if (node->kind == VJ_YAML_SCALAR) return copy;
  return copy_entries(pool, copy, node, 0) ? copy : NULL;
}

static int64_t index_of(const vj_yaml *map, const char *key) {
  if (!map || map->kind != VJ_YAML_MAP) return -1;
  for (int64_t i = 0; i < map->count; i++)
    if (strcmp(map->keys[i]->text, key) == 0) return i;
  return -1;
}

vj_yaml *vj_yaml_get(const vj_yaml *map, const char *key) {
  const int64_t i = index_of(map, key);
  return i < 0 ? NULL : map->items[i];
}

vj_yaml *vj_yaml_get_key(const vj_yaml *map, const char *key) {
  const int64_t i = index_of(map, key);
  return i < 0 ? NULL : map->keys[i];
}

vj_status vj_yaml_set(vj_pool *pool, vj_yaml *map, const char *key, vj_yaml *value) {
  const int64_t i = value ? index_of(map, key) : -1;
  if (i >= 0) {
    map->items[i] = value;
    return VJ_OK;
  }
  vj_yaml *key_node = value ? vj_yaml_scalar(pool, key, false, value) : NULL;
  if (!key_node || !copy_entries(pool, map, map, 1)) return vj_fail(VJ_MEMORY, "no memory for the key \"%s\"", key);
  map->keys[map->count] = key_node;
  map->items[map->count] = value;
  map->count++;
  return VJ_OK;
}
