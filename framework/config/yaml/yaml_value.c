/* What trees mean, however they are written. */
#include "framework/config/yaml/yaml.h"

#include <string.h>

#include "framework/config/nodes.h"
#include "vj/rng.h"

/* NULL: a map or list that no row read, which is what its parts are. */
static const char *meaning_of(const vj_yaml *node) {
  if (node->meaning) return node->meaning;
  return node->kind == VJ_YAML_SCALAR && !vj_yaml_is_null(node) ? node->text : NULL;
}

uint64_t vj_yaml_meaning_hash(const vj_yaml *node) {
  static const uint64_t mix = UINT64_C(0x9e3779b97f4a7c15);
  const char *meaning = meaning_of(node);
  uint64_t hash = meaning ? vj_hash_text(meaning) : (uint64_t)node->kind + 1;
  for (int64_t i = 0; !meaning && i < node->count; i++) {
    if (node->kind == VJ_YAML_MAP) hash = (hash ^ vj_hash_text(node->keys[i]->text)) * mix;
    hash = (hash ^ vj_yaml_meaning_hash(node->items[i])) * mix;
  }
  return hash;
}

bool vj_yaml_means_the_same(const vj_yaml *a, const vj_yaml *b) {
  const char *one = meaning_of(a), *other = meaning_of(b);
  if (one || other) return one && other && strcmp(one, other) == 0;
  if (a->kind != b->kind || a->count != b->count) return false;
  for (int64_t i = 0; i < a->count; i++) {
    if (a->kind == VJ_YAML_MAP && strcmp(a->keys[i]->text, b->keys[i]->text) != 0) return false;
    if (!vj_yaml_means_the_same(a->items[i], b->items[i])) return false;
  }
  return true;
}
