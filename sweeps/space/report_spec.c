#include "sweeps/space/report_spec.h"

#include <stdio.h>
#include <string.h>

#include "framework/config/config.h"
#include "framework/config/nodes.h"

enum { PATH_BYTES = 512 };

typedef struct report_section {
  const char *title, *notes;
  bool verdict;
  vj_text_list controls;
} report_section;
static const vj_param report_rows[] = {
    VJ_TEXT(report_section, title, "", "printed above the table"),
    VJ_TEXT(report_section, notes, "", "printed below the table"),
    VJ_BOOL(report_section, verdict, "false", "a last column says whether hx has collapsed, and how"),
    VJ_TEXTS(report_section, controls, "[untrained, pixels, mean, majority, random]",
             "rows of no arm, below those of the arms, where a column is a probe's"),
};

static const vj_param column_rows[] = {
    VJ_TEXT(vj_report_column, quantity, NULL, "the name of a recorded quantity"),
    VJ_TEXT(vj_report_column, title, "", "heading of the column"),
    VJ_CHOICE(vj_report_column, best, "none|low|high", "none", "which mean is marked"),
    VJ_INTEGER(vj_report_column, at, "0", 0, INFINITY, "steps", "training steps completed; by default all of them"),
    VJ_INTEGER(vj_report_column, index, "0", 0, INFINITY, "", "number of the component or horizon, from 0"),
};

typedef struct ratio_section {
  const char *quantity, *of, *to;
} ratio_section;
static const vj_param ratio_rows[] = {
    VJ_TEXT(ratio_section, quantity, NULL, "the quantity of a column"),
    VJ_TEXT(ratio_section, of, NULL, "the arm that is divided"),
    VJ_TEXT(ratio_section, to, NULL, "the arm that it is divided by"),
};

typedef struct paper_section {
  const char *source;
} paper_section;
static const vj_param paper_rows[] = {VJ_TEXT(paper_section, source, "", "where the paper's numbers are from")};

/* What is being read, and of what. */
typedef struct report_reader {
  vj_pool *pool;
  const vj_yaml *root;
  vj_report_spec *report;
} report_reader;

/* --- names ----------------------------------------------------------------------------------------------------- */

vj_status vj_report_check_arm(vj_pool *pool, const vj_yaml *root, bool or_control, const char *arm, const vj_yaml *node,
                              const char *path) {
  const vj_yaml *arms = vj_yaml_find(root, "sweep.trials");
  const int64_t all = arms && arms->kind == VJ_YAML_MAP ? arms->count : 0;
  const char **names = vj_pool_take(pool, (size_t)(all + VJ_CONTROLS) * sizeof *names);
  char hint[VJ_SUGGESTION_BYTES];
  int64_t count = 0;
  if (!names) return vj_fail(VJ_MEMORY, "%s: no memory for it", path);
  while (count < all) names[count] = arms->keys[count]->text, count++;
  for (int i = 0; or_control && i < VJ_CONTROLS; i++) names[count++] = vj_control_names[i];
  for (int64_t i = 0; i < count; i++)
    if (strcmp(names[i], arm) == 0) return VJ_OK;
  return vj_fail_node(node, path, "no arm%s \"%s\"%s", or_control ? " or control" : "", arm,
                      vj_suggestion(arm, or_control ? "arms and controls" : "arms", names, count, hint));
}

const char *vj_report_column_name(vj_pool *pool, const vj_report_column *column) {
  const char *name = column->quantity;
  if (column->index != VJ_REPORT_SCALAR) name = vj_pool_format(pool, "%s[%lld]", name, (long long)column->index);
  if (name && column->at != VJ_REPORT_LAST) name = vj_pool_format(pool, "%s@%lld", name, (long long)column->at);
  return name;
}

int64_t vj_report_find(const vj_report_spec *report, const char *quantity) {
  for (int64_t i = 0; i < report->column_count; i++)
    if (report->columns[i].at == VJ_REPORT_LAST && strcmp(report->columns[i].quantity, quantity) == 0) return i;
  return -1;
}

static vj_status find_column(const report_reader *r, const char *quantity, const vj_yaml *node, const char *path,
                             int64_t *column) {
  const vj_report_spec *report = r->report;
  char hint[VJ_SUGGESTION_BYTES];
  int64_t count = 0;
  *column = vj_report_find(report, quantity);
  if (*column >= 0) return VJ_OK;
  const char **names = vj_pool_take(r->pool, (size_t)report->column_count * sizeof *names);
  if (!names) return vj_fail(VJ_MEMORY, "%s: no memory for it", path);
  for (int64_t i = 0; i < report->column_count; i++)
    if (report->columns[i].at == VJ_REPORT_LAST) names[count++] = report->columns[i].quantity;
  return vj_fail_node(node, path, "no column shows \"%s\" at the end of training%s", quantity,
                      vj_suggestion(quantity, "columns", names, count, hint));
}

/* --- reading --------------------------------------------------------------------------------------------------- */

static vj_status check_list(const vj_yaml *list, const char *path) {
  char got[VJ_GOT_BYTES];
  if (list->kind != VJ_YAML_LIST) return vj_fail_node(list, path, "expected a list, got %s", vj_node_got(list, got));
  return VJ_OK;
}

static vj_status read_column(const report_reader *r, const vj_yaml *map, int64_t i, vj_report_column *column) {
  char path[PATH_BYTES];
  void *read = NULL;
  snprintf(path, sizeof path, "report.columns[%lld]", (long long)i);
  VJ_TRY(vj_params_read(r->pool, column_rows, VJ_COUNT(column_rows), sizeof *column, map, path, NULL, &read, NULL));
  *column = *(vj_report_column *)read;
  column->node = map;
  if (!vj_yaml_get(map, "at")) column->at = VJ_REPORT_LAST;
  if (!vj_yaml_get(map, "index")) column->index = VJ_REPORT_SCALAR;
  if (column->title[0]) return VJ_OK;
  column->title = column->at == VJ_REPORT_LAST
                      ? column->quantity
                      : vj_pool_format(r->pool, "%s at %lld", column->quantity, (long long)column->at);
  return column->title ? VJ_OK : vj_fail(VJ_MEMORY, "%s: no memory for it", path);
}

static vj_status read_columns(const report_reader *r, const vj_yaml *section) {
  const vj_yaml *list = vj_yaml_get(section, "columns");
  if (!list) return vj_fail_node(section, "report", "missing key \"columns\" (the list of the table's columns)");
  VJ_TRY(check_list(list, "report.columns"));
  if (list->count == 0) return vj_fail_node(list, "report.columns", "expected at least one column");
  vj_report_column *columns = vj_pool_take(r->pool, (size_t)list->count * sizeof *columns);
  if (!columns) return vj_fail(VJ_MEMORY, "report.columns: no memory for %lld of them", (long long)list->count);
  for (int64_t i = 0; i < list->count; i++) VJ_TRY(read_column(r, list->items[i], i, &columns[i]));
  r->report->columns = columns;
  r->report->column_count = list->count;
  return VJ_OK;
}

/* One number of the paper's; `arm` is the key of its row. */
static vj_status read_value(const report_reader *r, const vj_yaml *arm, const vj_yaml *key, const vj_yaml *node,
                            vj_report_value *value) {
  const vj_param row = {.name = key->text, .type = VJ_PARAM_REAL, .minimum = -INFINITY, .maximum = INFINITY};
  char path[PATH_BYTES], value_path[PATH_BYTES];
  snprintf(path, sizeof path, "report.paper.rows.%s", arm->text);
  snprintf(value_path, sizeof value_path, "report.paper.rows.%s.%s", arm->text, key->text);
  *value = (vj_report_value){.arm = arm->text, .text = node->text};
  VJ_TRY(find_column(r, key->text, key, path, &value->column));
  return vj_value_read(r->pool, &row, node, value_path, &value->number);
}

static vj_status read_paper_rows(const report_reader *r, const vj_yaml *rows) {
  static const char path[] = "report.paper.rows";
  char got[VJ_GOT_BYTES];
  int64_t most = 0;
  if (rows->kind != VJ_YAML_MAP)
    return vj_fail_node(rows, path, "expected a map of arms, got %s", vj_node_got(rows, got));
  for (int64_t i = 0; i < rows->count; i++) {
    VJ_TRY(vj_report_check_arm(r->pool, r->root, false, rows->keys[i]->text, rows->keys[i], path));
    if (rows->items[i]->kind != VJ_YAML_MAP)
      return vj_fail_node(rows->items[i], path, "expected a map of quantities, got %s",
                          vj_node_got(rows->items[i], got));
    most += rows->items[i]->count;
  }
  vj_report_value *values = vj_pool_take(r->pool, (size_t)most * sizeof *values);
  if (!values) return vj_fail(VJ_MEMORY, "%s: no memory for them", path);
  r->report->values = values;
  for (int64_t i = 0; i < rows->count; i++)
    for (int64_t k = 0; k < rows->items[i]->count; k++)
      VJ_TRY(read_value(r, rows->keys[i], rows->items[i]->keys[k], rows->items[i]->items[k],
                        &values[r->report->value_count++]));
  return VJ_OK;
}

static vj_status read_paper(const report_reader *r, const vj_yaml *paper) {
  static const char *const also_known[] = {"rows", NULL};
  void *read = NULL;
  if (vj_yaml_is_null(paper)) return VJ_OK;
  VJ_TRY(vj_params_read(r->pool, paper_rows, VJ_COUNT(paper_rows), sizeof(paper_section), paper, "report.paper",
                        also_known, &read, NULL));
  r->report->source = ((const paper_section *)read)->source;
  const vj_yaml *rows = vj_yaml_get(paper, "rows");
  return vj_yaml_is_null(rows) ? VJ_OK : read_paper_rows(r, rows);
}

static vj_status read_ratio(const report_reader *r, const vj_yaml *map, int64_t i, vj_report_ratio *ratio) {
  char path[PATH_BYTES], key_path[PATH_BYTES + 16];
  void *read = NULL;
  snprintf(path, sizeof path, "report.ratios[%lld]", (long long)i);
  VJ_TRY(
      vj_params_read(r->pool, ratio_rows, VJ_COUNT(ratio_rows), sizeof(ratio_section), map, path, NULL, &read, NULL));
  const ratio_section *section = read;
  *ratio = (vj_report_ratio){.of = section->of, .to = section->to};
  snprintf(key_path, sizeof key_path, "%s.quantity", path);
  VJ_TRY(find_column(r, section->quantity, vj_yaml_get(map, "quantity"), key_path, &ratio->column));
  snprintf(key_path, sizeof key_path, "%s.of", path);
  VJ_TRY(vj_report_check_arm(r->pool, r->root, false, ratio->of, vj_yaml_get(map, "of"), key_path));
  snprintf(key_path, sizeof key_path, "%s.to", path);
  return vj_report_check_arm(r->pool, r->root, false, ratio->to, vj_yaml_get(map, "to"), key_path);
}

static vj_status read_ratios(const report_reader *r, const vj_yaml *list) {
  if (vj_yaml_is_null(list)) return VJ_OK;
  VJ_TRY(check_list(list, "report.ratios"));
  vj_report_ratio *ratios = vj_pool_take(r->pool, (size_t)list->count * sizeof *ratios);
  if (!ratios) return vj_fail(VJ_MEMORY, "report.ratios: no memory for %lld of them", (long long)list->count);
  for (int64_t i = 0; i < list->count; i++) VJ_TRY(read_ratio(r, list->items[i], i, &ratios[i]));
  r->report->ratios = ratios;
  r->report->ratio_count = list->count;
  return VJ_OK;
}

/* --- controls -------------------------------------------------------------------------------------------------- */

/* Asked for by name, a control that is a probe must be somewhere. */
static vj_status check_probe(const report_reader *r, const vj_yaml *root, const vj_yaml *list, vj_control control) {
  char path[64];
  for (int64_t i = 0; i < r->report->column_count; i++)
    if (vj_control_probe_of(r->pool, root, control, r->report->columns[i].quantity)) return VJ_OK;
  snprintf(path, sizeof path, "report.controls: %s", vj_control_names[control]);
  return vj_control_probe_missing(list, path, control, "a column's");
}

static vj_status read_controls(const report_reader *r, const vj_yaml *root, const vj_text_list *names,
                               const vj_yaml *list) {
  char hint[VJ_SUGGESTION_BYTES];
  for (int64_t i = 0; i < names->count; i++) {
    int control = 0;
    while (control < VJ_CONTROLS && strcmp(vj_control_names[control], names->at[i]) != 0) control++;
    if (control == VJ_CONTROLS)
      return vj_fail_node(list, "report.controls", "no control \"%s\"%s", names->at[i],
                          vj_suggestion(names->at[i], "controls", vj_control_names, VJ_CONTROLS, hint));
    r->report->controls[control] = true;
    if (list && vj_control_is_probe((vj_control)control)) VJ_TRY(check_probe(r, root, list, (vj_control)control));
  }
  return VJ_OK;
}

vj_status vj_report_read(vj_pool *pool, const vj_yaml *root, const vj_report_spec **report) {
  static const char *const also_known[] = {"columns", "paper", "ratios", "figures", NULL};
  const vj_yaml *section = vj_yaml_get(root, "report");
  void *read = NULL;
  *report = NULL;
  if (vj_yaml_is_null(section)) return VJ_OK;
  report_reader r = {.pool = pool, .root = root};
  r.report = vj_pool_take(pool, sizeof *r.report);
  if (!r.report) return vj_fail(VJ_MEMORY, "no memory for a report");
  VJ_TRY(vj_params_read(pool, report_rows, VJ_COUNT(report_rows), sizeof(report_section), section, "report", also_known,
                        &read, NULL));
  *r.report = (vj_report_spec){.title = ((const report_section *)read)->title,
                               .notes = ((const report_section *)read)->notes,
                               .source = "",
                               .verdict = ((const report_section *)read)->verdict};
  VJ_TRY(read_columns(&r, section));
  VJ_TRY(read_paper(&r, vj_yaml_get(section, "paper")));
  VJ_TRY(read_ratios(&r, vj_yaml_get(section, "ratios")));
  VJ_TRY(vj_report_figures_read(pool, root, &r.report->figures, &r.report->figure_count));
  VJ_TRY(read_controls(&r, root, &((const report_section *)read)->controls, vj_yaml_get(section, "controls")));
  *report = r.report;
  return VJ_OK;
}
