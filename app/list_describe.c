/* `vjvcr list` and `vjvcr describe`: the component tables, as they are. */
#include <math.h>
#include <string.h>

#include "framework/config/config.h"
#include "sweeps/space/stopping.h"
#include "analysis/output/text_table.h"
#include "app/verbs.h"

static int find_kind(const char *word) {
  for (int kind = 0; kind < VJ_KIND_COUNT; kind++)
    if (strcmp(word, vj_kind_name((vj_kind)kind)) == 0 || strcmp(word, vj_kind_plural((vj_kind)kind)) == 0) return kind;
  return -1;
}

static int unknown_kind(const char *word) {
  fprintf(stderr, "vjvcr: there is no kind \"%s\"; there are:", word);
  for (int kind = 0; kind < VJ_KIND_COUNT; kind++)
    fprintf(stderr, "%s %s", kind ? "," : "", vj_kind_plural((vj_kind)kind));
  fputs("\n", stderr);
  return 2;
}

/* An experiment's plug-ins stand in the tables beside what is built in. */
static vj_status load_plugins(const char *file) {
  vj_pool *pool = NULL;
  vj_yaml *root = NULL;
  VJ_TRY(vj_pool_create(&pool));
  vj_status status = vj_yaml_read_file(pool, file, &root);
  if (status == VJ_OK) status = vj_config_load_plugins(pool, root);
  vj_pool_destroy(&pool);
  return status;
}

/* No kind has a dot in its name, and every file of an experiment has. */
static const char *take_file(int *argc, char **argv) {
  return *argc > 1 && strchr(argv[*argc - 1], '.') ? argv[--*argc] : NULL;
}

int vj_verb_list(int argc, char **argv) {
  const char *file = take_file(&argc, argv);
  if (argc > 2) return vj_print_failure(vj_fail(VJ_USAGE, "usage: vjvcr list [KIND] [FILE.yaml]"));
  const int only = argc > 1 ? find_kind(argv[1]) : -1;
  if (argc > 1 && only < 0) return unknown_kind(argv[1]);
  vj_table *table = NULL;
  vj_status status = file ? load_plugins(file) : VJ_OK;
  if (status == VJ_OK) status = vj_table_create(&table);
  if (status != VJ_OK) return vj_print_failure(status);
  vj_table_column(table, "kind", false);
  vj_table_column(table, "name", false);
  vj_table_column(table, "summary", false);
  for (int kind = 0; kind < VJ_KIND_COUNT; kind++) {
    const vj_component *component;
    for (int i = 0; (component = vj_component_at((vj_kind)kind, i)) && (only < 0 || only == kind); i++) {
      vj_table_cell(table, "%s", vj_kind_name((vj_kind)kind));
      vj_table_cell(table, "%s", component->name);
      vj_table_cell(table, "%s", component->summary);
    }
  }
  vj_table_print(table, stdout);
  vj_table_destroy(&table);
  return 0;
}

static const char *type_name(const vj_param *row) {
  static const char *const names[] = {"integer", "number", "true|false", "text", "", "integers", "numbers", "texts"};
  return row->type == VJ_PARAM_CHOICE ? row->choices : names[row->type];
}

static void bound_cell(vj_table *table, const vj_param *row) {
  const bool number = row->type == VJ_PARAM_INTEGER || row->type == VJ_PARAM_REAL ||
                      row->type == VJ_PARAM_INTEGER_LIST || row->type == VJ_PARAM_REAL_LIST;
  if (!number)
    vj_table_cell(table, "%s", "");
  else if (isinf(row->maximum))
    vj_table_cell(table, ">= %g", row->minimum);
  else
    vj_table_cell(table, "%g..%g", row->minimum, row->maximum);
}

static int print_rows(const vj_param *rows, size_t count) {
  vj_table *table = NULL;
  const vj_status status = vj_table_create(&table);
  if (status != VJ_OK) return vj_print_failure(status);
  const char *const headings[] = {"parameter", "type", "default", "bounds", "unit", "meaning"};
  for (size_t i = 0; i < VJ_COUNT(headings); i++) vj_table_column(table, headings[i], false);
  for (size_t i = 0; i < count; i++) {
    vj_table_cell(table, "%s", rows[i].name);
    vj_table_cell(table, "%s", type_name(&rows[i]));
    vj_table_cell(table, "%s", !rows[i].fallback ? "(required)" : rows[i].fallback[0] ? rows[i].fallback : "\"\"");
    bound_cell(table, &rows[i]);
    vj_table_cell(table, "%s", rows[i].unit);
    vj_table_cell(table, "%s", rows[i].doc);
  }
  vj_table_print(table, stdout);
  vj_table_destroy(&table);
  return 0;
}

static void print_metrics(const vj_probe_ops *probe) {
  puts("\nmetrics:");
  for (int64_t i = 0; i < probe->metric_count; i++)
    printf("  %-20s %s\n", probe->metrics[i].name, probe->metrics[i].doc);
}

static int describe_stopping(const char *word) {
  static const char *const names[] = {[VJ_STOPPING_ASHA] = "asha", [VJ_STOPPING_MEDIAN] = "median"};
  for (int type = 0; type < (int)VJ_COUNT(names); type++) {
    size_t count;
    const vj_param *rows = vj_stopping_rows((vj_stopping_type)type, &count);
    if (strcmp(word, names[type]) == 0) return print_rows(rows, count);
  }
  fprintf(stderr, "vjvcr: there is no rule \"%s\" of early stopping; there are: asha, median\n", word);
  return 2;
}

int vj_verb_describe(int argc, char **argv) {
  const char *file = take_file(&argc, argv);
  const vj_status status = file ? load_plugins(file) : VJ_OK;
  if (status != VJ_OK) return vj_print_failure(status);
  if (argc == 2) { /* a section of the configuration */
    size_t count = 0;
    const vj_param *rows = vj_section_rows(argv[1], &count);
    if (rows) return print_rows(rows, count);
  }
  if (argc == 3 && strcmp(argv[1], "stopping") == 0) return describe_stopping(argv[2]);
  if (argc != 3) {
    fputs(
        "usage: vjvcr describe KIND NAME [FILE.yaml], vjvcr describe stopping asha|median, or vjvcr describe "
        "data|target|optim|eval|logging\n",
        stderr);
    return 2;
  }
  const int kind = find_kind(argv[1]);
  if (kind < 0) return unknown_kind(argv[1]);
  const vj_component *component = vj_component_find((vj_kind)kind, argv[2]);
  if (!component) {
    fprintf(stderr, "vjvcr: there is no %s \"%s\"; `vjvcr list %s` shows those there are\n",
            vj_kind_name((vj_kind)kind), argv[2], vj_kind_plural((vj_kind)kind));
    return 2;
  }
  printf("%s %s: %s\n", vj_kind_name((vj_kind)kind), component->name, component->summary);
  if (component->source[0]) printf("source: %s\n", component->source);
  putchar('\n');
  if (component->param_count == 0) puts("no parameters");
  if (component->param_count && print_rows(component->params, component->param_count)) return 1;
  if (kind == VJ_PROBE) print_metrics(&component->as.probe);
  return 0;
}
