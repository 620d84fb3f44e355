/* `vjvcr export DIR --format csv`. A table has the axes of its quantities: one row for each trial and step, or each
 * trial, evaluation and component. A row that no quantity has a number in is left out: it is not measured yet, or
 * never in this trial. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "framework/base/threads.h"
#include "analysis/output/csv.h"
#include "analysis/export/export.h"
#include "framework/base/atomic_file.h"
#include "framework/train/trial.h"

enum { MOST_COLUMNS = 1024, BLOCK_BYTES = 1 << 26 };

/* Quantities of the same axes. */
typedef struct table {
  const char *name; /* "steps" */
  int rank;         /* 1: a row a trial */
  const char *axis, *inner;
  int64_t rows, width; /* of the axis, of the inner one (1 without) */
  const int64_t *places;
  int count, variables[MOST_COLUMNS];
} table;

typedef struct exporter {
  const vj_results *o;
  const vj_export_request *request;
  vj_export_outcome *outcome;
  vj_pool *pool;
} exporter;

static bool is_whole(const exporter *e, const table *t, int64_t trial, int64_t row) {
  return e->o->committed[trial] > 0 && t->places[row] <= e->o->committed[trial];
}

/* --- files ----------------------------------------------------------------------------------------------------- */

static vj_status write_csv(vj_atomic_file *file, const vj_csv *csv) {
  if (csv->failed) return vj_fail(VJ_MEMORY, "%s: no memory for its rows", file->path);
  return csv->length ? vj_atomic_file_write(file, csv->text, csv->length) : VJ_OK;
}

/* --- many rows a trial ------------------------------------------------------------------------------------------- */

/* What some trials have of all quantities of a table: [column][trial, row, inner]. */
typedef struct block {
  int64_t first, trials;
  double **values;
} block;

static vj_status read_block(const exporter *e, const table *t, block *b) {
  const int64_t start[] = {b->first, 0, 0}, count[] = {b->trials, t->rows, t->width};
  for (int c = 0; c < t->count; c++)
    VJ_TRY(vj_sweep_file_read(e->o->file, t->variables[c], start, count, b->values[c]));
  return VJ_OK;
}

static bool is_empty(const table *t, const block *b, int64_t at) {
  int c = 0;
  while (c < t->count && isnan(b->values[c][at])) c++;
  return c == t->count;
}

/* The fields that all rows of a trial begin with. */
static void put_trial(const exporter *e, int64_t trial, vj_csv *csv) {
  vj_csv_integer(csv, trial);
  vj_csv_text(csv, vj_results_text(e->o, VJ_RECORD_ARM, trial));
  vj_csv_integer(csv, e->o->seed[trial]);
}

static void put_rows(const exporter *e, const table *t, const block *b, int64_t i, const vj_csv *labels, vj_csv *csv) {
  for (int64_t row = 0; row < t->rows; row++) {
    if (!is_whole(e, t, b->first + i, row)) continue;
    for (int64_t k = 0; k < t->width; k++) {
      const int64_t at = (i * t->rows + row) * t->width + k;
      if (is_empty(t, b, at)) continue;
      vj_csv_raw(csv, labels->text, labels->length);
      vj_csv_integer(csv, t->places[row]);
      if (t->inner) vj_csv_integer(csv, k);
      for (int c = 0; c < t->count; c++) vj_csv_number(csv, b->values[c][at]);
      vj_csv_end_line(csv);
    }
  }
}

/* Trials of a block become text side by side, and are written in their order. `labels` and `texts` have room for as
 * many as a block holds. */
static vj_status write_block(const exporter *e, const table *t, const block *b, vj_csv *labels, vj_csv *texts,
                             vj_atomic_file *file) {
  for (int64_t i = 0; i < b->trials; i++) {
    vj_csv_clear(&labels[i]);
    put_trial(e, b->first + i, &labels[i]);
    if (labels[i].failed) return vj_fail(VJ_MEMORY, "%s: no memory for its rows", file->path);
  }
#pragma omp parallel for num_threads(vj_threads()) schedule(dynamic)
  for (int64_t i = 0; i < b->trials; i++) {
    vj_csv_clear(&texts[i]);
    put_rows(e, t, b, i, &labels[i], &texts[i]);
  }
  for (int64_t i = 0; i < b->trials; i++) VJ_TRY(write_csv(file, &texts[i]));
  return VJ_OK;
}

static vj_status write_head(const exporter *e, const table *t, vj_atomic_file *file) {
  vj_csv csv = {0};
  const char *const first[] = {VJ_NAME_TRIAL, VJ_RECORD_ARM, VJ_RECORD_SEED, t->axis, t->inner};
  for (int i = 0; i < 5; i++)
    if (first[i]) vj_csv_text(&csv, first[i]);
  for (int c = 0; c < t->count; c++) {
    vj_file_variable_info info;
    vj_sweep_file_variable(e->o->file, t->variables[c], &info);
    vj_csv_text(&csv, info.name);
  }
  vj_csv_end_line(&csv);
  const vj_status status = write_csv(file, &csv);
  vj_csv_free(&csv);
  return status;
}

static vj_status write_blocks(const exporter *e, const table *t, int64_t most, block *b, vj_atomic_file *file) {
  vj_csv *labels = calloc((size_t)most, sizeof *labels), *texts = calloc((size_t)most, sizeof *texts);
  vj_status status = labels && texts ? VJ_OK : vj_fail(VJ_MEMORY, "%s: no memory for its rows", file->path);
  for (b->first = 0; b->first < e->o->trials && status == VJ_OK; b->first += most) {
    const int64_t left = e->o->trials - b->first;
    b->trials = left < most ? left : most;
    status = read_block(e, t, b);
    if (status == VJ_OK) status = write_block(e, t, b, labels, texts, file);
  }
  for (int64_t i = 0; i < most && labels && texts; i++) {
    vj_csv_free(&labels[i]);
    vj_csv_free(&texts[i]);
  }
  free(labels);
  free(texts);
  return status;
}

static vj_status fill_long_table(const exporter *e, const table *t, vj_atomic_file *file) {
  const int64_t numbers = t->rows * t->width, bytes = numbers * t->count * (int64_t)sizeof(double);
  int64_t most = bytes < BLOCK_BYTES ? BLOCK_BYTES / (bytes ? bytes : 1) : 1;
  if (most > e->o->trials) most = e->o->trials;
  double *values[MOST_COLUMNS] = {NULL};
  block b = {.values = values};
  vj_status status = write_head(e, t, file);
  for (int c = 0; c < t->count && status == VJ_OK; c++)
    status = vj_allocate((size_t)(most * numbers), sizeof **values, t->name, &values[c]);
  if (status == VJ_OK) status = write_blocks(e, t, most, &b, file);
  for (int c = 0; c < t->count; c++) free(values[c]);
  return status;
}

/* --- one row a trial --------------------------------------------------------------------------------------------- */

static void put_value(const exporter *e, const vj_file_variable_info *info, const void *values, int64_t trial,
                      vj_csv *csv) {
  if (strcmp(info->name, VJ_RECORD_STATUS) == 0)
    vj_csv_text(csv, vj_trial_state_word(vj_results_state(e->o, trial)));
  else if (info->type == VJ_FILE_TEXT)
    vj_csv_text(csv, (const char *)values + trial * info->text_bytes);
  else if (info->type == VJ_FILE_INT64)
    vj_csv_integer(csv, ((const int64_t *)values)[trial]);
  else
    vj_csv_number(csv, ((const double *)values)[trial]);
}

/* The newest number that a trial has of a quantity with an axis. */
static vj_status put_newest(const exporter *e, const table *axes, int variable, int64_t trial, double *room,
                            vj_csv *csv) {
  int64_t row = axes->rows - 1;
  VJ_TRY(vj_sweep_file_read(e->o->file, variable, (int64_t[]){trial, 0}, (int64_t[]){1, axes->rows}, room));
  while (row >= 0 && (!is_whole(e, axes, trial, row) || isnan(room[row]))) row--;
  vj_csv_number(csv, row < 0 ? NAN : room[row]);
  return VJ_OK;
}

static vj_status read_columns(const exporter *e, const table *t, vj_file_variable_info *infos, void **values) {
  for (int c = 0; c < t->count; c++) {
    vj_file_variable_info *info = &infos[c];
    vj_sweep_file_variable(e->o->file, t->variables[c], info);
    const size_t bytes = info->type == VJ_FILE_TEXT ? (size_t)info->text_bytes : sizeof(double);
    values[c] = vj_pool_take(e->pool, (size_t)e->o->trials * bytes);
    if (!values[c]) return vj_fail(VJ_MEMORY, "no memory for %s", info->name);
    VJ_TRY(vj_sweep_file_read(e->o->file, t->variables[c], (int64_t[]){0}, &e->o->trials, values[c]));
  }
  return VJ_OK;
}

static vj_status put_trials(const exporter *e, const table *t, const table *axes, int axis_count, vj_csv *csv) {
  vj_file_variable_info infos[MOST_COLUMNS];
  void *values[MOST_COLUMNS];
  int64_t longest = 1;
  VJ_TRY(read_columns(e, t, infos, values));
  for (int a = 0; a < axis_count; a++)
    if (axes[a].rows > longest) longest = axes[a].rows;
  double *room = vj_pool_take(e->pool, (size_t)longest * sizeof *room);
  if (!room) return vj_fail(VJ_MEMORY, "no memory for a trial's numbers");
  for (int64_t i = 0; i < e->o->trials; i++) {
    vj_csv_integer(csv, i);
    for (int c = 0; c < t->count; c++) put_value(e, &infos[c], values[c], i, csv);
    for (int a = 0; a < axis_count; a++)
      for (int c = 0; c < axes[a].count && !axes[a].inner; c++)
        VJ_TRY(put_newest(e, &axes[a], axes[a].variables[c], i, room, csv));
    vj_csv_end_line(csv);
  }
  return VJ_OK;
}

static vj_status fill_trials(const exporter *e, const table *t, const table *axes, int axis_count,
                             vj_atomic_file *file) {
  vj_csv csv = {0};
  vj_csv_text(&csv, VJ_NAME_TRIAL);
  for (int a = -1; a < axis_count; a++) {
    const table *from = a < 0 ? t : &axes[a];
    for (int c = 0; c < from->count && !from->inner; c++) {
      vj_file_variable_info info;
      vj_sweep_file_variable(e->o->file, from->variables[c], &info);
      vj_csv_text(&csv, info.name);
    }
  }
  vj_csv_end_line(&csv);
  vj_status status = put_trials(e, t, axes, axis_count, &csv);
  if (status == VJ_OK) status = write_csv(file, &csv);
  vj_csv_free(&csv);
  return status;
}

/* --- tables ------------------------------------------------------------------------------------------------------ */

/* Reads the axis that a table's rows go along. */
static vj_status begin_table(const exporter *e, const vj_file_variable_info *info, table *t) {
  *t = (table){.rank = info->rank, .axis = info->dimension[1], .rows = info->size[1], .width = 1};
  if (info->rank > 2) {
    t->inner = info->dimension[2];
    t->width = info->size[2];
  }
  int64_t *places = vj_pool_take(e->pool, (size_t)t->rows * sizeof *places);
  const char *axis_name = t->inner ? t->inner : t->axis;
  const bool is_category = strcmp(axis_name, "category") == 0;
  t->name = is_category ? "categories" : vj_pool_format(e->pool, "%ss", axis_name);
  t->places = places;
  const int axis = vj_sweep_file_find(e->o->file, t->axis);
  if (!places || !t->name) return vj_fail(VJ_MEMORY, "no memory for a table");
  if (axis < 0) return vj_fail(VJ_DATA, "the sweep file has no axis %s", t->axis);
  return vj_sweep_file_read(e->o->file, axis, (int64_t[]){0}, &t->rows, places);
}

static vj_status add_to_table(const exporter *e, table *tables, int most, int *count, int variable,
                              const vj_file_variable_info *info) {
  int i = 0;
  while (i < *count && (tables[i].rank != info->rank || strcmp(tables[i].axis, info->dimension[1]) != 0 ||
                        (tables[i].inner && strcmp(tables[i].inner, info->dimension[2]) != 0)))
    i++;
  if (i == most) return VJ_OK;
  if (i == *count) VJ_TRY(begin_table(e, info, &tables[(*count)++]));
  if (tables[i].count == MOST_COLUMNS) return vj_fail(VJ_DATA, "more than %d columns of one table", MOST_COLUMNS);
  tables[i].variables[tables[i].count++] = variable;
  return VJ_OK;
}

/* What is one value a trial; the configuration is none of a table's columns. */
static bool is_of_trial(const vj_file_variable_info *info) {
  return info->rank == 1 && strcmp(info->dimension[0], VJ_NAME_TRIAL) == 0 && strcmp(info->name, VJ_NAME_TRIAL) != 0 &&
         strcmp(info->name, VJ_RECORD_CONFIG) != 0;
}

static bool has_axis(const vj_file_variable_info *info) {
  return (info->rank == 2 || info->rank == 3) && info->type == VJ_FILE_DOUBLE &&
         strcmp(info->dimension[0], VJ_NAME_TRIAL) == 0;
}

/* tables[0] is that of trials. */
static vj_status find_tables(const exporter *e, table *tables, int most, int *count) {
  tables[0] = (table){.name = "trials", .rank = 1, .width = 1, .axis = ""};
  *count = 1;
  for (int v = 0; v < vj_sweep_file_variable_count(e->o->file); v++) {
    vj_file_variable_info info;
    vj_sweep_file_variable(e->o->file, v, &info);
    if (is_of_trial(&info) && tables[0].count < MOST_COLUMNS) tables[0].variables[tables[0].count++] = v;
    if (has_axis(&info)) VJ_TRY(add_to_table(e, tables, most, count, v, &info));
  }
  return VJ_OK;
}

static vj_status write_table(const exporter *e, const table *tables, int count, int i) {
  vj_atomic_file file;
  const char *path = vj_export_path(e->pool, e->request, "", tables[i].name);
  if (!path) return vj_fail(VJ_MEMORY, "no memory for a path");
  VJ_TRY(vj_atomic_file_open(path, &file));
  const vj_status filled =
      i == 0 ? fill_trials(e, tables, tables + 1, count - 1, &file) : fill_long_table(e, &tables[i], &file);
  const vj_status closed = vj_atomic_file_close(&file, filled == VJ_OK);
  if (filled != VJ_OK || closed != VJ_OK) return filled == VJ_OK ? closed : filled;
  return vj_export_wrote(e->outcome, path);
}

vj_status vj_export_csv(const vj_results *results, const vj_export_request *request, vj_export_outcome *outcome) {
  enum { MOST_TABLES = 8 };
  exporter e = {.o = results, .request = request, .outcome = outcome};
  table *tables = NULL;
  int count = 0;
  vj_status status;
  VJ_TRY(vj_pool_create(&e.pool));
  VJ_TRY_GOTO(status, vj_allocate(MOST_TABLES, sizeof *tables, "tables", &tables), done);
  VJ_TRY_GOTO(status, find_tables(&e, tables, MOST_TABLES, &count), done);
  vj_export_make_folder(e.pool, request, "");
  for (int i = 0; i < count && status == VJ_OK; i++) status = write_table(&e, tables, count, i);
done:
  free(tables);
  vj_pool_destroy(&e.pool);
  return status;
}
