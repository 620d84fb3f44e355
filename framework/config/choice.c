#include "framework/config/choice.h"

#include <stdio.h>
#include <string.h>

#include "framework/config/nodes.h"

enum { PATH_BYTES = 512, MOST_NAMES = 64 };

vj_status vj_name_check(const vj_yaml *key, const char *path) {
  static const char allowed[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-";
  if (key->text[strspn(key->text, allowed)] != '\0')
    return vj_fail_node(key, path, "the name \"%s\" may only have letters, digits, \"_\" and \"-\"", key->text);
  return VJ_OK;
}

static int64_t names_of_kind(vj_kind kind, const char *names[MOST_NAMES]) {
  int64_t count = 0;
  for (const vj_component *at; count < MOST_NAMES && (at = vj_component_at(kind, (int)count)); count++)
    names[count] = at->name;
  return count;
}

static vj_status fail_missing_type(const vj_slot *slot) {
  const char *names[MOST_NAMES];
  char hint[VJ_SUGGESTION_BYTES];
  const int64_t count = names_of_kind(slot->kind, names);
  const vj_yaml *at = slot->map ? slot->map : slot->key_node;
  return vj_fail_node(at, slot->path, "missing key \"%s\"%s", slot->type_key,
                      vj_suggestion("", vj_kind_plural(slot->kind), names, count, hint));
}

/* The component named at the slot; `type` is the node that names it, NULL for the default. */
static vj_status find_component(const vj_slot *slot, const vj_yaml *type, const vj_component **component) {
  char path[PATH_BYTES], got[VJ_GOT_BYTES], hint[VJ_SUGGESTION_BYTES];
  const char *names[MOST_NAMES];
  snprintf(path, sizeof path, "%s%s%s", slot->path, type ? "." : "", type ? slot->type_key : "");
  if (type && (type->kind != VJ_YAML_SCALAR || vj_yaml_is_null(type)))
    return vj_fail_node(type, path, "expected the name of one of the %s, got %s", vj_kind_plural(slot->kind),
                        vj_node_got(type, got));
  if (!type && !slot->default_type) return fail_missing_type(slot);
  const char *name = type ? type->text : slot->default_type;
  *component = vj_component_find(slot->kind, name);
  if (*component) return VJ_OK;
  const int64_t count = names_of_kind(slot->kind, names);
  return vj_fail_node(type ? type : slot->key_node, path, "no %s \"%.80s\"%s", vj_kind_name(slot->kind), name,
                      vj_suggestion(name, vj_kind_plural(slot->kind), names, count, hint));
}

/* The type key and the names of rows, as a NULL-terminated list. */
static vj_status known_names(vj_pool *pool, const char *type_key, const vj_param *rows, size_t count,
                             const char *const **names) {
  const char **list = vj_pool_take(pool, (count + 2) * sizeof *list);
  if (!list) return vj_fail(VJ_MEMORY, "no memory for the names of %zu keys", count);
  list[0] = type_key;
  for (size_t i = 0; i < count; i++) list[i + 1] = rows[i].name;
  *names = list;
  return VJ_OK;
}

vj_status vj_choose(vj_pool *pool, const vj_slot *slot, vj_choice *choice, const void **common, vj_yaml *resolved) {
  const char *const *own = NULL, *const *shared = NULL;
  const vj_component *component = NULL;
  void *common_config = NULL, *config = NULL;
  VJ_TRY(vj_map_check(slot->map, slot->path));
  VJ_TRY(find_component(slot, vj_yaml_get(slot->map, slot->type_key), &component));
  VJ_TRY(known_names(pool, slot->type_key, component->params, component->param_count, &own));
  VJ_TRY(known_names(pool, slot->type_key, slot->rows, slot->row_count, &shared));
  VJ_TRY(vj_yaml_set(pool, resolved, slot->type_key, vj_yaml_scalar(pool, component->name, false, NULL)));
  VJ_TRY(vj_params_read(pool, slot->rows, slot->row_count, slot->struct_bytes, slot->map, slot->path, own,
                        &common_config, resolved));
  VJ_TRY(vj_params_read(pool, component->params, component->param_count, component->config_bytes, slot->map, slot->path,
                        shared, &config, resolved));
  const char *key = vj_pool_text(pool, slot->key);
  if (!key) return vj_fail(VJ_MEMORY, "%s: no memory for it", slot->path);
  *choice = (vj_choice){.key = key, .component = component, .config = config};
  *common = common_config;
  return VJ_OK;
}
