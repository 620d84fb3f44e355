#include "sweeps/space/condition.h"

#include <stdlib.h>
#include <string.h>

#include "framework/config/nodes.h"

vj_status vj_condition_check(const vj_yaml *when, const char *path) {
  char got[VJ_GOT_BYTES];
  if (when->kind != VJ_YAML_MAP || when->count == 0)
    return vj_fail_node(when, path,
                        "expected keys and the values they must have, like {model.latent.type: sparse}, got %s",
                        when->kind == VJ_YAML_MAP ? "an empty map" : vj_node_got(when, got));
  for (int64_t k = 0; k < when->count; k++) {
    const vj_yaml *wanted = when->items[k];
    VJ_TRY(vj_path_check(when->keys[k]->text, when->keys[k]));
    if (wanted->kind == VJ_YAML_MAP)
      return vj_fail_node(wanted, path, "%s: expected a value or a list of values, got a map; write its keys with dots",
                          when->keys[k]->text);
    if (wanted->kind == VJ_YAML_LIST && wanted->count == 0)
      return vj_fail_node(wanted, path, "%s: expected at least one value", when->keys[k]->text);
  }
  return VJ_OK;
}

static bool is_number(const vj_yaml *node, double *number) {
  char *end;
  if (node->quoted || node->text[0] == '\0') return false;
  *number = strtod(node->text, &end);
  return *end == '\0';
}

static bool is_equal(const vj_yaml *a, const vj_yaml *b) {
  double x, y;
  if (a->kind != b->kind || a->count != b->count) return false;
  if (a->kind == VJ_YAML_SCALAR) return is_number(a, &x) && is_number(b, &y) ? x == y : strcmp(a->text, b->text) == 0;
  for (int64_t i = 0; i < a->count; i++)
    if (a->kind == VJ_YAML_MAP || !is_equal(a->items[i], b->items[i])) return false;
  return true;
}

bool vj_condition_matches(const vj_yaml *wanted, const vj_yaml *setting) {
  if (!setting) return false;
  if (wanted->kind != VJ_YAML_LIST) return is_equal(wanted, setting);
  for (int64_t i = 0; i < wanted->count; i++)
    if (is_equal(wanted->items[i], setting)) return true;
  return false;
}

bool vj_key_is_inside(const char *key, const char *map_key) {
  const size_t length = strlen(map_key);
  return strncmp(key, map_key, length) == 0 && key[length] == '.';
}

bool vj_keys_touch(const char *one, const char *other) {
  return strcmp(one, other) == 0 || vj_key_is_inside(one, other) || vj_key_is_inside(other, one);
}
