/* `report.figures`: pictures that answer what was asked. */
#include <stdio.h>
#include <string.h>

#include "framework/config/config.h"
#include "framework/config/nodes.h"
#include "sweeps/space/report_spec.h"

enum { PATH_BYTES = 512 };

typedef struct figure_section {
  const char *quantity, *title, *by, *across;
  int64_t at, index;
} figure_section;
static const vj_param figure_rows[] = {
    VJ_TEXT(figure_section, quantity, NULL, "the name of a recorded quantity"),
    VJ_TEXT(figure_section, title, "", "what stands below the picture"),
    VJ_TEXT(figure_section, by, NULL, "a key of sweep.parameters: from left to right"),
    VJ_TEXT(figure_section, across, "", "another one: from below to above, in cells; without it a line for each arm"),
    VJ_INTEGER(figure_section, at, "0", 0, INFINITY, "steps", "training steps completed; by default all of them"),
    VJ_INTEGER(figure_section, index, "0", 0, INFINITY, "", "number of the component or horizon, from 0"),
};

/* Whether `sweep.parameters` has the key. */
static vj_status check_key(vj_pool *pool, const vj_yaml *root, const char *key, const vj_yaml *node, const char *path) {
  const vj_yaml *parameters = vj_yaml_find(root, "sweep.parameters");
  const int64_t count = parameters && parameters->kind == VJ_YAML_MAP ? parameters->count : 0;
  char hint[VJ_SUGGESTION_BYTES];
  const char **names = vj_pool_take(pool, (size_t)(count + 1) * sizeof *names);
  if (!names) return vj_fail(VJ_MEMORY, "%s: no memory for it", path);
  for (int64_t i = 0; i < count; i++) {
    names[i] = parameters->keys[i]->text;
    if (strcmp(names[i], key) == 0) return VJ_OK;
  }
  return vj_fail_node(node, path, "sweep.parameters has no \"%s\"%s", key,
                      vj_suggestion(key, "parameters", names, count, hint));
}

static vj_status read_figure(vj_pool *pool, const vj_yaml *root, const vj_yaml *map, int64_t i,
                             vj_report_figure *figure) {
  static const char *const also_known[] = {"where", NULL};
  char path[PATH_BYTES], own[PATH_BYTES + 16];
  void *read = NULL;
  snprintf(path, sizeof path, "report.figures[%lld]", (long long)i);
  VJ_TRY(vj_params_read(pool, figure_rows, VJ_COUNT(figure_rows), sizeof(figure_section), map, path, also_known, &read,
                        NULL));
  const figure_section *section = read;
  *figure = (vj_report_figure){.by = section->by, .across = section->across};
  figure->column = (vj_report_column){.quantity = section->quantity,
                                      .title = section->title[0] ? section->title : section->quantity,
                                      .at = vj_yaml_get(map, "at") ? section->at : VJ_REPORT_LAST,
                                      .index = vj_yaml_get(map, "index") ? section->index : VJ_REPORT_SCALAR,
                                      .node = map};
  snprintf(own, sizeof own, "%s.by", path);
  VJ_TRY(check_key(pool, root, figure->by, vj_yaml_get(map, "by"), own));
  snprintf(own, sizeof own, "%s.across", path);
  if (figure->across[0]) VJ_TRY(check_key(pool, root, figure->across, vj_yaml_get(map, "across"), own));
  VJ_TRY(vj_where_read(pool, map, path, &figure->where, &figure->where_count));
  snprintf(own, sizeof own, "%s.where", path);
  const vj_yaml *where = vj_yaml_get(map, "where");
  for (int64_t k = 0; k < figure->where_count; k++)
    VJ_TRY(check_key(pool, root, figure->where[k].key, where->keys[k], own));
  return VJ_OK;
}

vj_status vj_report_figures_read(vj_pool *pool, const vj_yaml *root, const vj_report_figure **figures, int64_t *count) {
  const vj_yaml *list = vj_yaml_find(root, "report.figures");
  char got[VJ_GOT_BYTES];
  *count = 0;
  if (vj_yaml_is_null(list)) return VJ_OK;
  if (list->kind != VJ_YAML_LIST)
    return vj_fail_node(list, "report.figures", "expected a list, got %s", vj_node_got(list, got));
  vj_report_figure *all = vj_pool_take(pool, (size_t)(list->count + 1) * sizeof *all);
  if (!all) return vj_fail(VJ_MEMORY, "report.figures: no memory for %lld of them", (long long)list->count);
  for (int64_t i = 0; i < list->count; i++) VJ_TRY(read_figure(pool, root, list->items[i], i, &all[i]));
  *figures = all;
  *count = list->count;
  return VJ_OK;
}
