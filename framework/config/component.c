#include "vj/component.h"

#include <string.h>

/* Far more than anyone will write; a fixed table needs no care for memory. */
enum { MOST_OF_A_KIND = 256 };

static const vj_component *table[VJ_KIND_COUNT][MOST_OF_A_KIND];
static int counts[VJ_KIND_COUNT];

static const struct {
  const char *singular, *plural;
} kind_names[] = {
#define VJ_KIND_ROW(kind, singular, plural) {singular, plural},
    VJ_KIND_LIST(VJ_KIND_ROW)
#undef VJ_KIND_ROW
};

const char *vj_kind_name(vj_kind kind) {
  return (unsigned)kind < VJ_KIND_COUNT ? kind_names[kind].singular : "component of unknown kind";
}

const char *vj_kind_plural(vj_kind kind) {
  return (unsigned)kind < VJ_KIND_COUNT ? kind_names[kind].plural : "components of unknown kind";
}

const vj_component *vj_component_at(vj_kind kind, int index) {
  return (unsigned)kind < VJ_KIND_COUNT && index >= 0 && index < counts[kind] ? table[kind][index] : NULL;
}

const vj_component *vj_component_find(vj_kind kind, const char *name) {
  const vj_component *component;
  for (int i = 0; (component = vj_component_at(kind, i)) != NULL; i++)
    if (strcmp(component->name, name) == 0) return component;
  return NULL;
}

static size_t field_bytes(vj_param_type type) {
  switch (type) {
    case VJ_PARAM_INTEGER:
    case VJ_PARAM_REAL:
      return sizeof(int64_t);
    case VJ_PARAM_BOOL:
      return sizeof(bool);
    case VJ_PARAM_TEXT:
      return sizeof(const char *);
    case VJ_PARAM_CHOICE:
      return sizeof(int);
    default:
      return sizeof(vj_integer_list);
  }
}

/* A row that points outside its struct would corrupt memory when a configuration is read, long after the cause. */
static vj_status check_rows(const vj_component *component) {
  const char *kind = vj_kind_name(component->kind), *name = component->name;
  for (size_t i = 0; i < component->param_count; i++) {
    const vj_param *row = &component->params[i];
    if (!row->name || !row->name[0])
      return vj_fail(VJ_PLUGIN, "%s \"%s\": parameter row %zu has no name", kind, name, i);
    if (row->type == VJ_PARAM_CHOICE && !row->choices)
      return vj_fail(VJ_PLUGIN, "%s \"%s\": the row \"%s\" is a choice without choices", kind, name, row->name);
    if (row->offset + field_bytes(row->type) > component->config_bytes)
      return vj_fail(VJ_PLUGIN, "%s \"%s\": the row \"%s\" lies outside the config struct of %zu bytes", kind, name,
                     row->name, component->config_bytes);
  }
  return VJ_OK;
}

vj_status vj_component_register(const vj_component *component) {
  /* Nothing but the number may be read from a descriptor of another layout. */
  if (component->abi != VJ_ABI)
    return vj_fail(VJ_PLUGIN, "a component was built for ABI %d, this program has ABI %d; build it again",
                   component->abi, VJ_ABI);
  if ((unsigned)component->kind >= VJ_KIND_COUNT)
    return vj_fail(VJ_PLUGIN, "a component has the unknown kind %d", (int)component->kind);
  const char *kind = vj_kind_name(component->kind);
  if (!component->name || !component->name[0]) return vj_fail(VJ_PLUGIN, "a component of kind %s has no name", kind);
  if (vj_component_find(component->kind, component->name))
    return vj_fail(VJ_PLUGIN, "%s \"%s\": there is one of this name already; give it another", kind, component->name);
  if (counts[component->kind] == MOST_OF_A_KIND)
    return vj_fail(VJ_PLUGIN, "%s \"%s\": the table holds only %d", kind, component->name, MOST_OF_A_KIND);
  VJ_TRY(check_rows(component));
  table[component->kind][counts[component->kind]++] = component;
  return VJ_OK;
}
