#include "framework/config/yaml/yaml_map.h"

#include <stdlib.h>
#include <string.h>

#include "framework/config/nodes.h"

vj_status vj_entries_add(vj_entries *entries, vj_yaml *key, vj_yaml *value) {
  if (!vj_pool_grow(entries->pool, &entries->at, entries->count, sizeof *entries->at))
    return vj_fail(VJ_MEMORY, "%s: no memory to read it", value->source);
  entries->at[entries->count] = (vj_entry){.key = key, .value = value, .order = entries->count};
  entries->count++;
  return VJ_OK;
}

vj_status vj_entries_merge(vj_entries *merged, const vj_yaml *value) {
  const bool is_list = value->kind == VJ_YAML_LIST;
  const int64_t maps = is_list ? value->count : 1;
  for (int64_t m = 0; m < maps; m++) {
    const vj_yaml *map = is_list ? value->items[m] : value;
    if (map->kind != VJ_YAML_MAP) return vj_fail_node(map, "", "expected a map or a list of maps behind \"<<\"");
    for (int64_t i = 0; i < map->count; i++) VJ_TRY(vj_entries_add(merged, map->keys[i], map->items[i]));
  }
  return VJ_OK;
}

static bool take_arrays(vj_pool *pool, vj_yaml *node, int64_t count) {
  const size_t bytes = (size_t)count * sizeof(vj_yaml *);
  node->items = vj_pool_take(pool, bytes);
  node->keys = node->kind == VJ_YAML_MAP ? vj_pool_take(pool, bytes) : NULL;
  return node->items && (node->keys || node->kind != VJ_YAML_MAP);
}

vj_status vj_entries_to_list(const vj_entries *items, vj_yaml *list) {
  if (!take_arrays(items->pool, list, items->count))
    return vj_fail(VJ_MEMORY, "%s: no memory to read it", list->source);
  for (int64_t i = 0; i < items->count; i++) list->items[i] = items->at[i].value;
  list->count = items->count;
  return VJ_OK;
}

static int by_key(const void *left, const void *right) {
  const vj_entry *a = left, *b = right;
  const int order = strcmp(a->key->text, b->key->text);
  return order ? order : (a->order > b->order) - (a->order < b->order);
}

static int by_order(const void *left, const void *right) {
  const vj_entry *a = left, *b = right;
  return (a->order > b->order) - (a->order < b->order);
}

/* Among equal keys, now neighbours, the first stays. Returns how many stay. The key that comes second earliest in
 * the text goes to *duplicate, the one it repeats to *first. */
static int64_t drop_hidden(vj_entry *entries, int64_t count, const vj_yaml **first, const vj_yaml **duplicate) {
  int64_t kept = 0, earliest = INT64_MAX;
  for (int64_t i = 0; i < count; i++) {
    const vj_yaml *winner = kept ? entries[kept - 1].key : NULL;
    const bool is_hidden = winner && strcmp(winner->text, entries[i].key->text) == 0;
    if (!is_hidden) {
      entries[kept++] = entries[i];
    } else if (!entries[i].is_merged && entries[i].order < earliest) {
      earliest = entries[i].order;
      *first = winner;
      *duplicate = entries[i].key;
    }
  }
  return kept;
}

static vj_status fail_duplicate(const vj_yaml *first, const vj_yaml *duplicate) {
  if (first->line > 0)
    return vj_fail_node(duplicate, "", "the key \"%s\" stands here a second time; it is already in line %d",
                        duplicate->text, first->line);
  return vj_fail_node(duplicate, "", "the key \"%s\" stands there twice", duplicate->text);
}

vj_status vj_entries_to_map(vj_entries *own, const vj_entries *merged, vj_yaml *map) {
  const vj_yaml *first = NULL, *duplicate = NULL;
  for (int64_t i = 0; i < merged->count; i++) {
    VJ_TRY(vj_entries_add(own, merged->at[i].key, merged->at[i].value));
    own->at[own->count - 1].is_merged = true;
  }
  if (own->count) qsort(own->at, (size_t)own->count, sizeof *own->at, by_key);
  const int64_t kept = drop_hidden(own->at, own->count, &first, &duplicate);
  if (duplicate) return fail_duplicate(first, duplicate);
  if (!take_arrays(own->pool, map, kept)) return vj_fail(VJ_MEMORY, "%s: no memory to read it", map->source);
  if (kept) qsort(own->at, (size_t)kept, sizeof *own->at, by_order);
  for (int64_t i = 0; i < kept; i++) {
    map->keys[i] = own->at[i].key;
    map->items[i] = own->at[i].value;
  }
  map->count = kept;
  return VJ_OK;
}
