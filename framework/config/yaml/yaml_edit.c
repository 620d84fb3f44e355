#include <string.h>

#include "framework/config/nodes.h"
#include "framework/config/yaml/yaml.h"

enum { MAX_PARTS = 64 };

static int64_t index_of_part(const vj_yaml *map, const char *part, size_t length) {
  for (int64_t i = 0; i < map->count; i++)
    if (strncmp(map->keys[i]->text, part, length) == 0 && map->keys[i]->text[length] == '\0') return i;
  return -1;
}

vj_yaml *vj_yaml_find(const vj_yaml *root, const char *dotted_path) {
  vj_yaml *found = NULL;
  for (const char *part = dotted_path; root && root->kind == VJ_YAML_MAP;) {
    const size_t length = strcspn(part, ".");
    const int64_t i = index_of_part(root, part, length);
    found = i < 0 ? NULL : root->items[i];
    if (!found || part[length] == '\0') return found;
    part += length + 1;
    root = found;
  }
  return NULL;
}

vj_status vj_path_check(const char *dotted_path, const vj_yaml *at) {
  int parts = 1;
  for (const char *part = dotted_path;; parts++) {
    const size_t length = strcspn(part, ".");
    if (length == 0) return vj_fail_node(at, "", "the key \"%s\" has an empty part", dotted_path);
    if (parts > MAX_PARTS) return vj_fail_node(at, "", "the key has more than %d parts", MAX_PARTS);
    if (part[length] == '\0') return VJ_OK;
    part += length + 1;
  }
}

/* The map to go on in: a fresh one where there was nothing, else a copy of one level, so that trees may share their
 * branches. `upto` bytes of the path name it. */
static vj_status inner_map(vj_pool *pool, const vj_yaml *old, const char *dotted_path, size_t upto,
                           const vj_yaml *value, vj_yaml **inner) {
  const int length = (int)upto;
  if (old && old->kind == VJ_YAML_LIST)
    return vj_fail_node(value, "", "\"%.*s\" is a list; its items have no keys, so set the whole list", length,
                        dotted_path);
  if (!vj_yaml_is_null(old) && old->kind == VJ_YAML_SCALAR)
    return vj_fail_node(value, "", "\"%.*s\" is a single value, not a map; it has no keys", length, dotted_path);
  *inner = vj_yaml_is_null(old) ? vj_yaml_new(pool, VJ_YAML_MAP, value) : vj_yaml_shallow(pool, old);
  return *inner ? VJ_OK : vj_fail(VJ_MEMORY, "no memory for the key \"%s\"", dotted_path);
}

static vj_status set_part(vj_pool *pool, vj_yaml *map, const char *part, size_t length, vj_yaml *value) {
  const char *key = vj_pool_format(pool, "%.*s", (int)length, part);
  if (!key) return vj_fail(VJ_MEMORY, "no memory for the key \"%s\"", part);
  VJ_TRY(vj_yaml_set(pool, map, key, value));
  return VJ_OK;
}

/* What follows a beginning of a path; NULL where the path has another. */
static const char *behind(const char *path, const char *beginning) {
  const size_t length = strlen(beginning);
  return strncmp(path, beginning, length) == 0 ? path + length : NULL;
}

/* Bytes of a path's next key. Those under sweep.parameters, in an arm under sweep.trials and under its parameters, and
 * under tuning are paths themselves. */
static size_t part_length(const char *dotted_path, const char *part) {
  const char *swept = behind(dotted_path, "sweep.parameters."), *arm = behind(dotted_path, "sweep.trials.");
  if (!swept) swept = behind(dotted_path, "tuning.");
  if (arm) {
    const char *end = arm + strcspn(arm, ".");
    swept = *end ? end + 1 : end;
    if (behind(swept, "parameters.")) swept = behind(swept, "parameters.");
  }
  return part == swept ? strlen(part) : strcspn(part, ".");
}

vj_status vj_yaml_put(vj_pool *pool, vj_yaml *root, const char *dotted_path, vj_yaml *value) {
  if (root->kind != VJ_YAML_MAP)
    return vj_fail_node(value, "", "\"%s\" cannot be set: the document is not a map", dotted_path);
  VJ_TRY(vj_path_check(dotted_path, value));
  vj_yaml *map = root;
  for (const char *part = dotted_path;;) {
    const size_t length = part_length(dotted_path, part);
    if (part[length] == '\0') {
      VJ_TRY(set_part(pool, map, part, length, value));
      return VJ_OK;
    }
    vj_yaml *inner = NULL;
    const int64_t i = index_of_part(map, part, length);
    const size_t upto = (size_t)(part - dotted_path) + length;
    VJ_TRY(inner_map(pool, i < 0 ? NULL : map->items[i], dotted_path, upto, value, &inner));
    VJ_TRY(set_part(pool, map, part, length, inner));
    map = inner;
    part += length + 1;
  }
}

vj_status vj_yaml_override(vj_pool *pool, vj_yaml *root, const char *assignment) {
  const char *equals = strchr(assignment, '=');
  if (!equals) return vj_fail(VJ_CONFIG, "override \"%s\": expected key=value", assignment);
  if (equals == assignment) return vj_fail(VJ_CONFIG, "override \"%s\": expected a key before \"=\"", assignment);
  const char *key = vj_pool_format(pool, "%.*s", (int)(equals - assignment), assignment);
  const char *source = key ? vj_pool_format(pool, "override %s", key) : NULL;
  if (!source) return vj_fail(VJ_MEMORY, "override \"%s\": no memory for it", assignment);
  const char *text = equals + 1 + strspn(equals + 1, " ");
  vj_yaml *value = NULL;
  if (*text) {
    VJ_TRY(vj_yaml_parse(pool, text, strlen(text), source, false, &value));
  } else {
    const vj_yaml at = {.source = source};
    value = vj_yaml_scalar(pool, "null", false, &at);
    if (!value) return vj_fail(VJ_MEMORY, "override \"%s\": no memory for it", assignment);
  }
  VJ_TRY(vj_yaml_put(pool, root, key, value));
  return VJ_OK;
}

vj_yaml *vj_yaml_copy(vj_pool *pool, const vj_yaml *node) {
  vj_yaml *copy = vj_yaml_shallow(pool, node);
  if (!copy) return NULL;
  copy->source = vj_pool_text(pool, node->source);
  if (node->text) copy->text = vj_pool_text(pool, node->text);
  if (node->meaning) copy->meaning = vj_pool_text(pool, node->meaning);
  if (!copy->source || (node->text && !copy->text) || (node->meaning && !copy->meaning)) return NULL;
  for (int64_t i = 0; i < node->count; i++) {
    copy->items[i] = vj_yaml_copy(pool, node->items[i]);
    if (node->keys) copy->keys[i] = vj_yaml_copy(pool, node->keys[i]);
    if (!copy->items[i] || (node->keys && !copy->keys[i])) return NULL;
  }
  return copy;
}

void vj_yaml_remove(vj_yaml *map, const char *key) {
  const int64_t i = map->kind == VJ_YAML_MAP ? index_of_part(map, key, strlen(key)) : -1;
  if (i < 0) return;
  const size_t behind = (size_t)(map->count - i - 1) * sizeof(vj_yaml *);
  memmove(map->keys + i, map->keys + i + 1, behind);
  memmove(map->items + i, map->items + i + 1, behind);
  map->count--;
}
