#include "analysis/results/tuned_text.h"

#include <stdlib.h>
#include <string.h>

#include "framework/config/nodes.h"

vj_status vj_results_tuned(const vj_results *o, const vj_tuned **tuned) {
  vj_yaml *root = NULL;
  *tuned = NULL;
  VJ_TRY(vj_results_experiment(o, "sweep", &root));
  return root ? vj_tuned_read(o->pool, root, tuned) : VJ_OK;
}

static bool is_on_edge(const vj_tuned_arm *arm, const char *key) {
  for (int64_t i = 0; i < arm->edges.count; i++)
    if (strcmp(arm->edges.at[i], key) == 0) return true;
  return false;
}

/* A drawn number has more digits than anyone reads. */
static const char *shown(vj_pool *pool, const vj_yaml *value) {
  const char *text = vj_yaml_value_text(pool, value);
  char *end = NULL;
  const double number = text ? strtod(text, &end) : 0;
  return text && value->kind == VJ_YAML_SCALAR && end > text && !*end ? vj_pool_format(pool, "%.6g", number) : text;
}

const char *vj_tuned_values_text(vj_pool *pool, const vj_yaml *values) {
  const char *text = "";
  for (int64_t i = 0; i < values->count && text; i++) {
    const char *value = shown(pool, values->items[i]);
    text = value ? vj_pool_format(pool, "%s%s%s=%s", text, i ? ", " : "", values->keys[i]->text, value) : NULL;
  }
  return text;
}

const char *vj_tuned_chosen_text(vj_pool *pool, const vj_tuned_arm *arm) {
  const vj_yaml *space = arm->spaces->items[arm->spaces->count - 1];
  const char *text = "";
  for (int64_t i = 0; i < space->count && text; i++) {
    const char *key = space->keys[i]->text, *range = vj_yaml_print_line(pool, space->items[i]);
    const vj_yaml *value = vj_yaml_get(arm->chosen, key);
    const char *number = value ? shown(pool, value) : "none";
    if (!range || !number) return NULL;
    text = vj_pool_format(pool, "%s%s%s=%s of %s%s", text, i ? ", " : "", key, number, range,
                          is_on_edge(arm, key) ? " (on an edge)" : "");
  }
  return text;
}

void vj_tuned_print(vj_pool *pool, const vj_tuned *tuned, FILE *to) {
  if (!tuned) return;
  const char *effort = vj_tuned_effort(pool, tuned);
  fprintf(to, "settings: %s\n", effort ? effort : "");
  for (int64_t i = 0; i < tuned->arm_count; i++) {
    const vj_tuned_arm *arm = &tuned->arms[i];
    const char *text = vj_tuned_chosen_text(pool, arm);
    fprintf(to, "  %s: %s%s\n", arm->name, text ? text : "", arm->spaces->count > 1 ? ", extended" : "");
  }
}
