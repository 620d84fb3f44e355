/* Entries gathered while a map or list is read: any number, then merge keys and duplicates settled in one go. */
#ifndef VJ_FRAMEWORK_CONFIG_YAML_YAML_MAP_H
#define VJ_FRAMEWORK_CONFIG_YAML_YAML_MAP_H

#include "framework/config/yaml/yaml.h"

typedef struct vj_entry {
  vj_yaml *key; /* NULL for an item of a list */
  vj_yaml *value;
  int64_t order;
  bool is_merged;
} vj_entry;

typedef struct vj_entries {
  vj_pool *pool;
  int64_t count;
  vj_entry *at;
} vj_entries;

VJ_MUST_USE vj_status vj_entries_add(vj_entries *entries, vj_yaml *key, vj_yaml *value);
/* Adds what stands behind a merge key: a map, or a list of maps of which the earlier win. */
VJ_MUST_USE vj_status vj_entries_merge(vj_entries *merged, const vj_yaml *value);
VJ_MUST_USE vj_status vj_entries_to_list(const vj_entries *items, vj_yaml *list);
/* Own entries in their order, then merged ones that no earlier entry hides. Two own entries of one key are an error. */
VJ_MUST_USE vj_status vj_entries_to_map(vj_entries *own, const vj_entries *merged, vj_yaml *map);

#endif
