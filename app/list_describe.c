/* `vjvcr list` and `vjvcr describe`: the tables of components and records, as they are. */
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "framework/config/config.h"
#include "framework/config/nodes.h"
#include "sweeps/space/stopping.h"
#include "analysis/output/text_table.h"
#include "app/records.h"
#include "app/verb.h"

static int find_kind(const char *word) {
  for (int kind = 0; kind < VJ_KIND_COUNT; kind++)
    if (strcmp(word, vj_kind_name((vj_kind)kind)) == 0 || strcmp(word, vj_kind_plural((vj_kind)kind)) == 0) return kind;
  return -1;
}

/* `all`: also what can be described beside components. */
static vj_status unknown_kind(const char *word, bool all) {
  const char *names[] = {[VJ_KIND_COUNT] = "records", "stopping", "data", "target", "optim", "eval", "logging"};
  char hint[VJ_SUGGESTION_BYTES];
  for (int kind = 0; kind < VJ_KIND_COUNT; kind++) names[kind] = vj_kind_plural((vj_kind)kind);
  return vj_fail(VJ_USAGE, "there is no kind \"%s\"%s", word,
                 vj_suggestion(word, "kinds", names, all ? VJ_COUNT(names) : VJ_KIND_COUNT + 1, hint));
}

/* An experiment's plug-ins stand in the tables beside what is built in. */
static vj_status load_plugins(const vj_command *command) {
  const char *file = vj_command_text(command, "FILE.yaml");
  vj_yaml *root = NULL;
  if (!file) return VJ_OK;
  VJ_TRY(vj_yaml_read_file(command->pool, file, &root));
  return vj_config_load_plugins(command->pool, root);
}

static vj_status list(vj_command *command) {
  static const vj_format formats[] = {VJ_FORMAT_TEXT, VJ_FORMAT_JSON, VJ_FORMAT_MARKDOWN};
  const char *word = vj_command_text(command, "KIND");
  if (word && strcmp(word, "records") == 0) return vj_records_print(formats[vj_command_choice(command, "--format")]);
  if (vj_command_choice(command, "--format"))
    return vj_fail(VJ_USAGE, "--format is for records: vjvcr list records --format md");
  const int only = word ? find_kind(word) : -1;
  vj_table *table = NULL;
  if (word && only < 0) return unknown_kind(word, false);
  VJ_TRY(load_plugins(command));
  VJ_TRY(vj_table_create(&table));
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
  vj_table_end(&table, VJ_FORMAT_TEXT, stdout);
  return VJ_OK;
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

static vj_status print_rows(const vj_param *rows, size_t count) {
  vj_table *table = NULL;
  VJ_TRY(vj_table_create(&table));
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
  vj_table_end(&table, VJ_FORMAT_TEXT, stdout);
  return VJ_OK;
}

static void print_metrics(const vj_probe_ops *probe) {
  puts("\nmetrics:");
  for (int64_t i = 0; i < probe->metric_count; i++)
    printf("  %-20s %s\n", probe->metrics[i].name, probe->metrics[i].doc);
}

static void print_scale(const char *parameter) {
  printf(
      "\n%s is a scale. Behind an encoder that can give c times the same hidden states (its last map is linear, or "
      "its\n"
      "last norm has weights before a ReLU) another one only relabels weights: of c times the states, with %s c times "
      "as\n"
      "large, the prediction is c^2 times as large, this hinge c times, covariances c^4 times. Sweep the one or the "
      "others.\n",
      parameter, parameter);
}

static vj_status describe_stopping(const char *word) {
  static const char *const names[] = {[VJ_STOPPING_ASHA] = "asha", [VJ_STOPPING_MEDIAN] = "median"};
  char hint[VJ_SUGGESTION_BYTES];
  for (int type = 0; type < (int)VJ_COUNT(names); type++) {
    size_t count;
    const vj_param *rows = vj_stopping_rows((vj_stopping_type)type, &count);
    if (strcmp(word, names[type]) == 0) return print_rows(rows, count);
  }
  return vj_fail(VJ_USAGE, "there is no rule \"%s\" of early stopping%s", word,
                 vj_suggestion(word, "rules", names, VJ_COUNT(names), hint));
}

static vj_status describe_component(int kind, const char *name) {
  const vj_component *component = vj_component_find((vj_kind)kind, name);
  if (!component)
    return vj_fail(VJ_USAGE, "there is no %s \"%s\"; `vjvcr list %s` shows those there are",
                   vj_kind_name((vj_kind)kind), name, vj_kind_plural((vj_kind)kind));
  printf("%s %s: %s\n", vj_kind_name((vj_kind)kind), component->name, component->summary);
  if (component->source[0]) printf("source: %s\n", component->source);
  putchar('\n');
  if (component->param_count == 0) puts("no parameters");
  if (component->param_count) VJ_TRY(print_rows(component->params, component->param_count));
  if (kind == VJ_LOSS && component->as.loss.scale) print_scale(component->as.loss.scale);
  if (kind == VJ_PROBE) print_metrics(&component->as.probe);
  return VJ_OK;
}

static vj_status describe(vj_command *command) {
  const char *word = vj_command_text(command, "KIND"), *name = vj_command_text(command, "NAME");
  size_t count = 0;
  VJ_TRY(load_plugins(command));
  if (!name) {
    const vj_param *rows = vj_section_rows(word, &count);
    if (rows) return print_rows(rows, count);
  }
  const bool is_record = strcmp(word, "record") == 0 || strcmp(word, "records") == 0;
  if (is_record && name) return vj_record_describe(name);
  if (strcmp(word, "stopping") == 0 && name) return describe_stopping(name);
  const int kind = find_kind(word);
  if (kind < 0 && !is_record && strcmp(word, "stopping") != 0) return unknown_kind(word, true);
  if (!name)
    return vj_fail(VJ_USAGE, "expected the NAME of %s behind \"%s\"; `vjvcr describe --help` tells more",
                   is_record  ? "a record"
                   : kind < 0 ? "a rule, asha or median,"
                              : "a component",
                   word);
  return describe_component(kind, name);
}

/* --- the verbs ------------------------------------------------------------------------------------------------- */

#define ROW_PLUGINS \
  { "FILE.yaml", VJ_VALUE_FILE, .optional = true, .doc = "an experiment, whose plug-ins then stand beside the rest" }

static const vj_verb_row rows_of_list[] = {
    {"KIND", VJ_VALUE_KIND, .optional = true, .otherwise = "all kinds",
     .doc = "encoders, predictors, decoders, latents, losses, datasets, probes, or records: what sweep.h5 holds"},
    ROW_PLUGINS,
    {"--format", VJ_VALUE_CHOICE, .choices = "text|json|md", .fallback = "text", .doc = "how to print records"},
};

const vj_verb vj_verb_list = {.name = "list",
                              .summary = "the components and records there are",
                              .rows = rows_of_list,
                              .row_count = VJ_COUNT(rows_of_list),
                              .reads = "FILE.yaml and the plug-ins it names.\n",
                              .examples = "vjvcr list losses\nvjvcr list records --format md\n",
                              .run = list};

static const vj_verb_row rows_of_describe[] = {
    {"KIND", VJ_VALUE_KIND,
     .doc = "a kind of components; or record; or stopping; or, without NAME, a section of an experiment: data, target, "
            "optim, eval, "
            "logging"},
    {"NAME", VJ_VALUE_COMPONENT, .optional = true,
     .doc = "a component or record, as list has them; of stopping asha or median"},
    ROW_PLUGINS,
};

const vj_verb vj_verb_describe = {
    .name = "describe",
    .summary = "a component, a record of sweep.h5 or a section of an experiment, and what there is to it",
    .rows = rows_of_describe,
    .row_count = VJ_COUNT(rows_of_describe),
    .reads = "FILE.yaml and the plug-ins it names.\n",
    .examples = "vjvcr describe loss variance\nvjvcr describe optim\n",
    .run = describe};
