#include "sweeps/space/condition.h"

#include <errno.h>
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

/* A number in decimal: 0x10 and inf are texts, and so is 001, which is a name more often. */
static bool is_number(const vj_yaml *node, double *number, long long *whole, bool *is_whole) {
  const char *digits = node->text + strspn(node->text, "+-");
  char *end;
  if (node->quoted || strspn(node->text, "+-.0123456789eE") != strlen(node->text)) return false;
  if (digits[0] == '0' && digits[1] >= '0' && digits[1] <= '9') return false;
  *number = strtod(node->text, &end);
  if (end == node->text || *end) return false;
  errno = 0;
  *whole = strtoll(node->text, &end, 10);
  *is_whole = !*end && errno == 0;
  return true;
}

static bool is_same_scalar(const vj_yaml *a, const vj_yaml *b) {
  double x, y;
  long long m, n;
  bool is_whole, both;
  if (!is_number(a, &x, &m, &is_whole) || !is_number(b, &y, &n, &both)) return strcmp(a->text, b->text) == 0;
  return is_whole && both ? m == n : x == y; /* beyond 2^53 doubles are too coarse */
}

static bool is_equal(const vj_yaml *a, const vj_yaml *b) {
  if (a->kind != b->kind || a->count != b->count) return false;
  if (a->kind == VJ_YAML_SCALAR) return is_same_scalar(a, b);
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
