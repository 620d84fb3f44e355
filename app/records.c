#include "app/records.h"

#include "analysis/output/text_table.h"
#include "framework/store/records/records.h"
#include "vj/component.h"

/* One table, printed in any form. */
typedef struct sheet {
  vj_format format;
  vj_table *table;     /* of TEXT */
  vj_row_writer *rows; /* of JSON */
  int columns, cells;
} sheet;

/* The first columns always have room; the others, in a terminal, where it is wide. */
enum { SHOWN_COLUMNS = 3 };

static const char *const dimension_columns[] = {"dimension", "long name", "units", "meaning"};
static const char *const record_columns[] = {"variable", "dimensions", "long name", "units",
                                             "type",     "there",      "meaning"};
static const char *const metric_columns[] = {"variable", "of", "meaning", "dimensions", "units"};

static vj_status sheet_start(sheet *s, vj_format format, const char *const *names, int columns) {
  *s = (sheet){.format = format, .columns = columns};
  if (format == VJ_FORMAT_TEXT) VJ_TRY(vj_table_create(&s->table));
  if (format == VJ_FORMAT_JSON) VJ_TRY(vj_row_writer_create(&s->rows));
  for (int c = 0; c < columns; c++) {
    if (s->table) vj_table_column(s->table, names[c], false);
    if (s->table && c >= SHOWN_COLUMNS) vj_table_dispensable(s->table, columns - c);
    if (s->rows) vj_row_writer_column(s->rows, names[c]);
    if (format == VJ_FORMAT_MARKDOWN) printf("| %s %s", names[c], c == columns - 1 ? "|\n" : "");
  }
  for (int c = 0; c < columns && format == VJ_FORMAT_MARKDOWN; c++)
    fputs(c == columns - 1 ? "|---|\n" : "|---", stdout);
  return VJ_OK;
}

/* The first cell of a row is a name. What stands between backticks is left as it is. */
static void markdown_cell(sheet *s, const char *text) {
  const bool first = s->cells % s->columns == 0;
  bool is_code = first;
  fputs(first ? "| `" : "| ", stdout);
  for (; *text; text++) {
    if (*text == '`') is_code = !is_code;
    if (*text == '|' || (*text == '<' && !is_code)) putchar('\\');
    putchar(*text);
  }
  fputs(first ? "` " : " ", stdout);
  if (s->cells % s->columns == s->columns - 1) fputs("|\n", stdout);
}

static void cell(sheet *s, const char *text) {
  if (!text) text = "";
  if (s->table) vj_table_cell(s->table, "%s", text);
  if (s->rows) vj_row_writer_text(s->rows, text);
  if (s->format == VJ_FORMAT_MARKDOWN) markdown_cell(s, text);
  s->cells++;
}

/* Prints it and nulls it; in JSON it becomes the object's member. */
static void sheet_end(sheet *s, json_t *object, const char *member) {
  if (s->table) vj_table_end(&s->table, s->format, stdout);
  if (s->rows) json_object_set_new(object, member, vj_row_writer_array(s->rows));
  vj_row_writer_destroy(&s->rows);
}

/* Those from the `first` on; of all, with what a metric adds. */
static const char *dimensions_text(const vj_record *record, vj_metric_axis metric, int first, char *text,
                                   size_t bytes) {
  int dimension[VJ_FILE_MAX_DIMENSIONS];
  const int rank = vj_record_dimensions(record, metric, dimension);
  size_t used = 0;
  text[0] = '\0';
  for (int d = first; d < rank && used < bytes; d++)
    used += (size_t)snprintf(text + used, bytes - used, "%s%s", d > first ? ", " : "",
                             vj_dimension_rows[dimension[d]].name);
  if (record->and_of_metric && first == 0 && used < bytes)
    snprintf(text + used, bytes - used, "%s", "; and those of the metric");
  return text;
}

static const char *type_text(const vj_record *record, char *text, size_t bytes) {
  static const char *const names[] = {[VJ_FILE_DOUBLE] = "float64",
                                      [VJ_FILE_FLOAT] = "float32",
                                      [VJ_FILE_INT64] = "int64",
                                      [VJ_FILE_UINT8] = "uint8",
                                      [VJ_FILE_TEXT] = "text"};
  if (record->text_bytes)
    snprintf(text, bytes, "text, %lld bytes", (long long)record->text_bytes);
  else
    snprintf(text, bytes, "%s%s", names[record->type], record->or_text ? " or text" : "");
  return text;
}

static void record_cells(sheet *s, const vj_record *record) {
  char text[160];
  cell(s, record->name);
  cell(s, dimensions_text(record, VJ_METRIC_SCALAR, 0, text, sizeof text));
  cell(s, record->long_name);
  cell(s, record->units);
  cell(s, type_text(record, text, sizeof text));
  cell(s, record->when ? record->when : "always");
  cell(s, record->meaning);
}

/* --- metrics of components ------------------------------------------------------------------------------------- */

static vj_status metric_cells(sheet *s, vj_pool *pool, const vj_component *probe, const vj_metric *metric) {
  const vj_record *record = vj_record_row(probe->as.probe.is_measure ? VJ_RECORD_MEASURE : VJ_RECORD_PROBE);
  const char *view = !probe->as.probe.is_comparison ? "<view>"
                     : probe->as.probe.compares     ? probe->as.probe.compares
                                                    : "hy_pred";
  const char *const words[] = {"view", view, "probe", "<probe>", "metric", metric->name, NULL};
  const char *name = vj_record_fill(pool, record->name, words);
  char text[160];
  if (!name) return vj_fail(VJ_MEMORY, "no memory for the name of a record");
  cell(s, name);
  cell(s, probe->name);
  cell(s, metric->doc);
  cell(s, dimensions_text(record, metric->axis, 2, text, sizeof text));
  cell(s, metric->unit);
  return VJ_OK;
}

static vj_status all_metrics(sheet *s) {
  vj_pool *pool = NULL;
  VJ_TRY(vj_pool_create(&pool));
  const vj_component *probe;
  vj_status status = VJ_OK;
  for (int i = 0; (probe = vj_component_at(VJ_PROBE, i)); i++)
    for (int64_t k = 0; k < probe->as.probe.metric_count && status == VJ_OK; k++)
      status = metric_cells(s, pool, probe, &probe->as.probe.metrics[k]);
  vj_pool_destroy(&pool);
  return status;
}

/* --- verbs ------------------------------------------------------------------------------------------------------- */

static void gap(vj_format format) {
  if (format != VJ_FORMAT_JSON) putchar('\n');
}

vj_status vj_records_print(vj_format format) {
  json_t *object = format == VJ_FORMAT_JSON ? json_object() : NULL;
  sheet s;
  if (format == VJ_FORMAT_CSV) return vj_fail(VJ_USAGE, "records are several tables: --format text, md or json");
  VJ_TRY(sheet_start(&s, format, dimension_columns, VJ_COUNT(dimension_columns)));
  for (int d = 0; d < VJ_DIMENSIONS; d++) {
    const vj_dimension_row *row = &vj_dimension_rows[d];
    cell(&s, row->name), cell(&s, row->long_name), cell(&s, row->units), cell(&s, row->meaning);
  }
  sheet_end(&s, object, "dimensions");
  gap(format);
  VJ_TRY(sheet_start(&s, format, record_columns, VJ_COUNT(record_columns)));
  for (int i = 0; vj_record_at(i); i++) record_cells(&s, vj_record_at(i));
  sheet_end(&s, object, "records");
  gap(format);
  VJ_TRY(sheet_start(&s, format, metric_columns, VJ_COUNT(metric_columns)));
  const vj_status status = all_metrics(&s);
  sheet_end(&s, object, "metrics");
  return status == VJ_OK && object ? vj_json_print(object, stdout) : status;
}

/* The rows of that very name; without one, those whose pattern it has. */
vj_status vj_record_describe(const char *name) {
  const vj_record *record, *exact = vj_record_row(name);
  bool found = false;
  for (int i = 0; (record = vj_record_at(i)); i++) {
    char dimensions[160], type[40];
    if (exact ? record != exact : !vj_record_is(name, record->name)) continue;
    printf("%s%s: %s\n", found ? "\n" : "", record->name, record->long_name);
    printf("(%s), %s%s%s\n", dimensions_text(record, VJ_METRIC_SCALAR, 0, dimensions, sizeof dimensions),
           type_text(record, type, sizeof type), record->units ? ", " : "", record->units ? record->units : "");
    printf("there: %s\n", record->when ? record->when : "always");
    if (record->meaning) printf("%s\n", record->meaning);
    found = true;
  }
  return found ? VJ_OK
               : vj_fail(VJ_USAGE, "there is no record \"%s\"; `vjvcr list records` shows those there are", name);
}
