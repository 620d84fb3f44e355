#include "analysis/results/chosen_space.h"

#include "framework/config/nodes.h"

static vj_status find_values(const vj_sweep_pool *pool, const vj_selected *selected, vj_chosen_space *s) {
  const char *text = vj_results_text(selected->of, VJ_RECORD_CONFIG, selected->chosen->trials[0]);
  vj_yaml *config = NULL;
  if (s->space->count == 0) return VJ_OK;
  VJ_TRY(vj_yaml_read_text(pool->pool, text, "config", &config));
  for (int64_t i = 0; i < s->space->count; i++) {
    vj_yaml *value = vj_yaml_find(config, s->space->keys[i]->text);
    if (value) VJ_TRY(vj_yaml_set(pool->pool, s->values, s->space->keys[i]->text, value));
  }
  return VJ_OK;
}

vj_status vj_chosen_space_find(const vj_sweep_pool *pool, const vj_selected *selected, vj_chosen_space *s) {
  vj_yaml *space = NULL;
  *s = (vj_chosen_space){.arm = vj_results_text(selected->of, VJ_RECORD_ARM, selected->chosen->trials[0]),
                         .values = vj_yaml_new(pool->pool, VJ_YAML_MAP, NULL)};
  VJ_TRY(vj_arm_space_read(pool->pool, pool->roots[pool->count - 1], s->arm, &space));
  vj_edge *edges = vj_pool_take(pool->pool, (size_t)space->count * sizeof *edges);
  if (!s->values || !edges) return vj_fail(VJ_MEMORY, "no memory for the settings of an arm");
  s->space = space;
  s->edges = edges;
  VJ_TRY(find_values(pool, selected, s));
  for (int64_t i = 0; i < space->count; i++) {
    VJ_TRY(vj_arm_space_edge(pool->pool, space, i, vj_yaml_get(s->values, space->keys[i]->text), &edges[i]));
    s->edge_count += edges[i] != VJ_EDGE_NONE;
  }
  return VJ_OK;
}

const char *vj_chosen_space_edges(const vj_sweep_pool *pool, const vj_chosen_space *s) {
  const char *text = "";
  for (int64_t i = 0; i < s->space->count && text; i++) {
    if (s->edges[i] == VJ_EDGE_NONE) continue;
    const char *key = s->space->keys[i]->text, *range = vj_yaml_print_line(pool->pool, s->space->items[i]);
    text =
        range ? vj_pool_format(pool->pool, "%s%s%s=%s at the %s end of %s", text, text[0] ? ", " : "", key,
                               vj_yaml_get(s->values, key)->text, s->edges[i] == VJ_EDGE_LOW ? "lower" : "upper", range)
              : NULL;
  }
  return text ? text : "";
}
