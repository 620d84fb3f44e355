#include "sweeps/run/data_places.h"

#include <string.h>

#include "framework/config/nodes.h"

/* Rows of a data set that are texts are paths. */
static bool names_a_place(const vj_param *row) { return row->type == VJ_PARAM_TEXT; }

bool vj_data_place_is(const vj_component *dataset, const char *setting) {
  const char *key = strncmp(setting, "data.", 5) == 0 ? setting + 5 : "";
  const size_t length = strcspn(key, "=");
  for (size_t i = 0; i < dataset->param_count; i++) {
    const vj_param *row = &dataset->params[i];
    if (names_a_place(row) && strlen(row->name) == length && strncmp(row->name, key, length) == 0) return true;
  }
  return false;
}

const char *vj_data_places_text(vj_pool *pool, const vj_component *dataset) {
  const char *text = "";
  for (size_t i = 0; i < dataset->param_count && text; i++)
    if (names_a_place(&dataset->params[i]))
      text = vj_pool_format(pool, "%s%sdata.%s=...", text, text[0] ? " or " : "", dataset->params[i].name);
  return text ? text : "";
}

const char *vj_data_place_used(vj_pool *pool, const vj_config *config) {
  const vj_component *dataset = config->dataset.component;
  const vj_yaml *data = vj_yaml_get(config->resolved, "data");
  for (size_t i = 0; i < dataset->param_count; i++) {
    const vj_param *row = &dataset->params[i];
    const vj_yaml *value = names_a_place(row) ? vj_yaml_get(data, row->name) : NULL;
    if (value && value->kind == VJ_YAML_SCALAR && strcmp(value->text, row->fallback) != 0)
      return vj_pool_format(pool, "data.%s", row->name);
  }
  return NULL;
}
