/* Whether what a report names is recorded. */
#include <stdio.h>
#include <string.h>

#include "framework/store/records/records.h"
#include "framework/config/nodes.h"
#include "sweeps/space/report_spec.h"

enum { PATH_BYTES = 512 };

/* A number that is recorded of each trial. */
typedef struct recorded {
  const char *name;
  int rank;            /* 1: one of each trial; 2: one at each place of an axis; 3: several there */
  const char *axis[3]; /* "trial", "step" or "eval", "component" or "horizon" */
  int64_t size[3];
  const int64_t *places; /* of axis 1: training steps completed */
} recorded;

/* Those recorded, names that begin most like the word first. */
static vj_status fail_quantity(vj_pool *pool, const vj_yaml *node, const char *path, const char *word, const char *of,
                               const recorded *all, int64_t count) {
  char hint[VJ_SUGGESTION_BYTES];
  const char **names = vj_pool_take(pool, (size_t)count * sizeof *names);
  int64_t known = 0;
  if (!names) return vj_fail(VJ_MEMORY, "%s: no memory for the names of quantities", path);
  for (size_t alike = strlen(word) + 1; alike-- > 0;)
    for (int64_t i = 0; i < count; i++) {
      size_t common = 0;
      while (word[common] && all[i].name[common] == word[common]) common++;
      if (common == alike) names[known++] = all[i].name;
    }
  return vj_fail_node(node, path, "no quantity \"%s\"%s%s", word, of,
                      vj_suggestion(word, "quantities", names, known, hint));
}

static vj_status check_index(const vj_report_column *column, const recorded *found, const char *path) {
  char index_path[PATH_BYTES + 16];
  const vj_yaml *node = vj_yaml_get(column->node, "index");
  snprintf(index_path, sizeof index_path, "%s.index", path);
  if (found->rank < 3 && column->index != VJ_REPORT_SCALAR)
    return vj_fail_node(node, index_path, "%s is a single number and has none", found->name);
  if (found->rank < 3) return VJ_OK;
  if (column->index == VJ_REPORT_SCALAR)
    return vj_fail_node(column->node, path, "%s has %lld numbers, one for each %s; say which: index: 0..%lld",
                        found->name, (long long)found->size[2], found->axis[2], (long long)found->size[2] - 1);
  if (column->index >= found->size[2])
    return vj_fail_node(node, index_path, "expected less than %lld, the number of values along %s, got %lld",
                        (long long)found->size[2], found->axis[2], (long long)column->index);
  return VJ_OK;
}

static vj_status check_at(const vj_report_column *column, const recorded *found, const char *path) {
  enum { SHOWN = 8 };
  char at_path[PATH_BYTES + 16], known[SHOWN * 24 + 8] = "";
  const vj_yaml *own = vj_yaml_get(column->node, "at"), *node = own ? own : column->node;
  snprintf(at_path, sizeof at_path, "%s.at", path);
  if (column->at == VJ_REPORT_LAST) return VJ_OK;
  if (found->rank < 2) return vj_fail_node(node, at_path, "%s is one number of a whole trial", found->name);
  for (int64_t i = 0; i < found->size[1]; i++)
    if (found->places[i] == column->at) return VJ_OK;
  for (int64_t i = 0; i < found->size[1] && i < SHOWN; i++)
    snprintf(known + strlen(known), 24, "%s%lld", i ? ", " : "", (long long)found->places[i]);
  return vj_fail_node(node, at_path, "%s is not recorded after %lld steps, but after %s%s", found->name,
                      (long long)column->at, known, found->size[1] > SHOWN ? ", ..." : "");
}

static vj_status check_column(vj_pool *pool, const vj_report_column *column, const char *path, const recorded *all,
                              int64_t count) {
  char quantity_path[PATH_BYTES + 16];
  int64_t k = 0;
  snprintf(quantity_path, sizeof quantity_path, "%s.quantity", path);
  while (k < count && strcmp(all[k].name, column->quantity) != 0) k++;
  if (k == count)
    return fail_quantity(pool, vj_yaml_get(column->node, "quantity"), quantity_path, column->quantity, "", all, count);
  VJ_TRY(check_index(column, &all[k], path));
  return check_at(column, &all[k], path);
}

static vj_status check_columns(vj_pool *pool, const vj_report_spec *report, const recorded *all, int64_t count) {
  for (int64_t i = 0; i < report->column_count; i++) {
    char path[PATH_BYTES];
    snprintf(path, sizeof path, "report.columns[%lld]", (long long)i);
    VJ_TRY(check_column(pool, &report->columns[i], path, all, count));
  }
  for (int64_t i = 0; i < report->figure_count; i++) {
    char path[PATH_BYTES];
    snprintf(path, sizeof path, "report.figures[%lld]", (long long)i);
    VJ_TRY(check_column(pool, &report->figures[i].column, path, all, count));
  }
  return VJ_OK;
}

static bool is_measured(const char *name, vj_file_type type, int rank) {
  return type == VJ_FILE_DOUBLE && rank <= 3 && !vj_record_is(name, VJ_RECORD_SETTING);
}

static vj_status list_layout(vj_pool *pool, const vj_file_layout *layout, recorded **all, int64_t *count) {
  *count = 0;
  *all = vj_pool_take(pool, (size_t)layout->variable_count * sizeof **all);
  if (!*all) return vj_fail(VJ_MEMORY, "no memory for the names of quantities");
  for (int64_t i = 0; i < layout->variable_count; i++) {
    const vj_file_variable *variable = &layout->variables[i];
    if (!is_measured(variable->name, variable->type, variable->rank)) continue;
    recorded *one = &(*all)[(*count)++];
    *one = (recorded){.name = variable->name, .rank = variable->rank};
    for (int d = 0; d < variable->rank; d++) {
      const vj_file_dimension *dimension = &layout->dimensions[variable->dimension[d]];
      one->axis[d] = dimension->name;
      one->size[d] = dimension->size;
      if (d == 1) one->places = dimension->values;
    }
  }
  return VJ_OK;
}

static vj_status list_file(vj_pool *pool, const vj_sweep_file *file, recorded **all, int64_t *count) {
  const int variables = vj_sweep_file_variable_count(file);
  *count = 0;
  *all = vj_pool_take(pool, (size_t)variables * sizeof **all);
  if (!*all) return vj_fail(VJ_MEMORY, "no memory for the names of quantities");
  for (int v = 0; v < variables; v++) {
    vj_file_variable_info info;
    vj_sweep_file_variable(file, v, &info);
    if (!is_measured(info.name, info.type, info.rank)) continue;
    recorded *one = &(*all)[(*count)++];
    *one = (recorded){.name = info.name, .rank = info.rank};
    memcpy(one->axis, info.dimension, (size_t)info.rank * sizeof *info.dimension);
    memcpy(one->size, info.size, (size_t)info.rank * sizeof *info.size);
    if (info.rank < 2) continue;
    int64_t *places = vj_pool_take(pool, (size_t)info.size[1] * sizeof *places);
    if (!places) return vj_fail(VJ_MEMORY, "no memory for the axis %s", info.dimension[1]);
    VJ_TRY(
        vj_sweep_file_read(file, vj_sweep_file_find(file, info.dimension[1]), (int64_t[]){0}, &info.size[1], places));
    one->places = places;
  }
  return VJ_OK;
}

static vj_status list(vj_pool *pool, const vj_file_layout *layout, const vj_sweep_file *file, recorded **all,
                      int64_t *count) {
  return layout ? list_layout(pool, layout, all, count) : list_file(pool, file, all, count);
}

vj_status vj_report_check_column(const vj_report_column *column, const char *path, const vj_file_layout *layout,
                                 const vj_sweep_file *file) {
  vj_pool *pool = NULL;
  recorded *all;
  int64_t count;
  VJ_TRY(vj_pool_create(&pool));
  vj_status status = list(pool, layout, file, &all, &count);
  if (status == VJ_OK) status = check_column(pool, column, path, all, count);
  vj_pool_destroy(&pool);
  return status;
}

bool vj_report_is_recorded(const char *quantity, const vj_file_layout *layout, const vj_sweep_file *file) {
  if (!layout) return vj_sweep_file_find(file, quantity) >= 0;
  for (int64_t i = 0; i < layout->variable_count; i++)
    if (strcmp(layout->variables[i].name, quantity) == 0) return true;
  return false;
}

static vj_status check(const vj_report_spec *report, const vj_file_layout *layout, const vj_sweep_file *file) {
  vj_pool *pool = NULL;
  recorded *all;
  int64_t count;
  if (!report) return VJ_OK;
  VJ_TRY(vj_pool_create(&pool));
  vj_status status = list(pool, layout, file, &all, &count);
  if (status == VJ_OK) status = check_columns(pool, report, all, count);
  vj_pool_destroy(&pool);
  return status;
}

vj_status vj_report_check_layout(const vj_report_spec *report, const vj_file_layout *layout) {
  VJ_TRY(check(report, layout, NULL));
  return VJ_OK;
}

vj_status vj_report_check_file(const vj_report_spec *report, const vj_sweep_file *file) {
  VJ_TRY(check(report, NULL, file));
  return VJ_OK;
}

static vj_status check_scalar(vj_pool *pool, const char *quantity, const vj_yaml *node, const char *path,
                              const recorded *all, int64_t count) {
  int64_t k = 0;
  while (k < count && strcmp(all[k].name, quantity) != 0) k++;
  if (k == count) return fail_quantity(pool, node, path, quantity, "", all, count);
  if (all[k].rank < 3) return VJ_OK;
  return vj_fail_node(node, path, "%s has %lld numbers, one for each %s; choose a quantity that is one number",
                      quantity, (long long)all[k].size[2], all[k].axis[2]);
}

vj_status vj_report_check_quantity(const char *quantity, const vj_yaml *node, const char *path,
                                   const vj_file_layout *layout, const vj_sweep_file *file) {
  vj_pool *pool = NULL;
  recorded *all;
  int64_t count;
  VJ_TRY(vj_pool_create(&pool));
  vj_status status = layout ? list_layout(pool, layout, &all, &count) : list_file(pool, file, &all, &count);
  if (status == VJ_OK) status = check_scalar(pool, quantity, node, path, all, count);
  vj_pool_destroy(&pool);
  return status;
}

static vj_status check_course(vj_pool *pool, const char *quantity, const vj_yaml *node, const char *path, recorded *all,
                              int64_t count, bool *is_of_steps) {
  int64_t k = 0, courses = 0;
  while (k < count && strcmp(all[k].name, quantity) != 0) k++;
  if (k == count) {
    for (int64_t i = 0; i < count; i++)
      if (all[i].rank == 2) all[courses++] = all[i];
    return fail_quantity(pool, node, path, quantity, " of steps or evaluations", all, courses);
  }
  if (all[k].rank == 1)
    return vj_fail_node(node, path, "%s is one number of a whole trial; choose a quantity of steps or evaluations",
                        quantity);
  if (all[k].rank == 3)
    return vj_fail_node(node, path, "%s has %lld numbers, one for each %s; choose a quantity that is one number",
                        quantity, (long long)all[k].size[2], all[k].axis[2]);
  *is_of_steps = strcmp(all[k].axis[1], VJ_NAME_STEP) == 0;
  return VJ_OK;
}

vj_status vj_report_check_course(const char *quantity, const vj_yaml *node, const char *path,
                                 const vj_file_layout *layout, const vj_sweep_file *file, bool *is_of_steps) {
  vj_pool *pool = NULL;
  recorded *all;
  int64_t count;
  VJ_TRY(vj_pool_create(&pool));
  vj_status status = list(pool, layout, file, &all, &count);
  if (status == VJ_OK) status = check_course(pool, quantity, node, path, all, count, is_of_steps);
  vj_pool_destroy(&pool);
  return status;
}
