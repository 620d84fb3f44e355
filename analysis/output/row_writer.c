#include "analysis/output/row_writer.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "analysis/output/csv.h"
#include "framework/base/valid_utf8.h"

typedef enum kind { NOTHING, INTEGER, NUMBER, TEXT } kind;

typedef struct value {
  kind kind;
  int64_t integer;
  double number;
  const char *text;
} value;

struct vj_row_writer {
  vj_pool *pool;
  int columns, cells;
  const char **names;
  value *cell;
  bool failed; /* memory ran out: printing says so */
};

/* --- the format ------------------------------------------------------------------------------------------------ */

bool vj_format_is_exact(vj_format format) { return format == VJ_FORMAT_JSON || format == VJ_FORMAT_CSV; }

/* --- filling --------------------------------------------------------------------------------------------------- */

vj_status vj_row_writer_create(vj_row_writer **records) {
  vj_pool *pool = NULL;
  *records = NULL;
  VJ_TRY(vj_pool_create(&pool));
  *records = vj_pool_take(pool, sizeof **records);
  if (*records) {
    (*records)->pool = pool;
    return VJ_OK;
  }
  vj_pool_destroy(&pool);
  return vj_fail(VJ_MEMORY, "no memory for a list of results");
}

void vj_row_writer_destroy(vj_row_writer **records) {
  if (!*records) return;
  vj_pool *pool = (*records)->pool;
  vj_pool_destroy(&pool);
  *records = NULL;
}

void vj_row_writer_column(vj_row_writer *records, const char *name) {
  const char *copy = vj_pool_text(records->pool, name);
  records->failed = records->failed || !copy ||
                    !vj_pool_grow(records->pool, &records->names, records->columns, sizeof *records->names);
  if (!records->failed) records->names[records->columns++] = copy;
}

static void add(vj_row_writer *r, value v) {
  r->failed = r->failed || !vj_pool_grow(r->pool, &r->cell, r->cells, sizeof *r->cell);
  if (!r->failed) r->cell[r->cells++] = v;
}

void vj_row_writer_integer(vj_row_writer *records, int64_t number) {
  add(records, (value){.kind = INTEGER, .integer = number});
}

void vj_row_writer_number(vj_row_writer *records, double number) {
  add(records, (value){.kind = NUMBER, .number = number});
}

void vj_row_writer_text(vj_row_writer *records, const char *text) {
  const char *copy = text ? vj_pool_text(records->pool, text) : NULL;
  records->failed = records->failed || (text && !copy);
  add(records, (value){.kind = copy ? TEXT : NOTHING, .text = copy});
}

/* --- JSON ------------------------------------------------------------------------------------------------------ */

json_t *vj_json_number(double number) { return isfinite(number) ? json_real(number) : json_null(); }

json_t *vj_json_text(const char *words) {
  const void *valid = words;
  void *copy = NULL;
  if (words && vj_valid_utf8(words, 1, strlen(words) + 1, &valid, &copy) != VJ_OK) vj_error_clear();
  json_t *text = valid ? json_string(valid) : NULL;
  free(copy);
  return text ? text : json_null();
}

static json_t *json_of(const value *v) {
  return v->kind == INTEGER  ? json_integer(v->integer)
         : v->kind == NUMBER ? vj_json_number(v->number)
         : v->kind == TEXT   ? vj_json_text(v->text)
                             : json_null();
}

json_t *vj_row_writer_array(const vj_row_writer *r) {
  json_t *array = r->failed ? NULL : json_array();
  for (int i = 0; array && i + r->columns <= r->cells; i += r->columns) {
    json_t *object = json_object();
    for (int c = 0; c < r->columns; c++) json_object_set_new(object, r->names[c], json_of(&r->cell[i + c]));
    json_array_append_new(array, object);
  }
  return array;
}

vj_status vj_json_print_as(json_t *json, size_t flags, FILE *to) {
  if (!json) return vj_fail(VJ_MEMORY, "no memory for JSON");
  const int failed = json_dumpf(json, to, flags);
  const int cause = errno;
  json_decref(json);
  if (failed && !ferror(to)) return vj_fail(VJ_MEMORY, "no memory to print JSON");
  if (failed) return vj_fail(VJ_IO, "the JSON can't be written: %s", strerror(cause));
  return fputc('\n', to) == EOF ? vj_fail(VJ_IO, "the JSON can't be written: %s", strerror(errno)) : VJ_OK;
}

vj_status vj_json_print(json_t *json, FILE *to) { return vj_json_print_as(json, JSON_INDENT(2), to); }

/* --- CSV ------------------------------------------------------------------------------------------------------- */

static void put_value(const value *v, vj_csv *csv) {
  if (v->kind == INTEGER) vj_csv_integer(csv, v->integer);
  if (v->kind == NUMBER) vj_csv_number(csv, v->number);
  if (v->kind == TEXT || v->kind == NOTHING) vj_csv_text(csv, v->text ? v->text : "");
}

static vj_status print_csv(const vj_row_writer *r, FILE *to) {
  vj_csv csv = {0};
  for (int c = 0; c < r->columns; c++) vj_csv_text(&csv, r->names[c]);
  vj_csv_end_line(&csv);
  for (int i = 0; i + r->columns <= r->cells; i += r->columns) {
    for (int c = 0; c < r->columns; c++) put_value(&r->cell[i + c], &csv);
    vj_csv_end_line(&csv);
  }
  vj_status status = csv.failed ? vj_fail(VJ_MEMORY, "no memory for the CSV") : VJ_OK;
  if (status == VJ_OK && fwrite(csv.text, 1, csv.length, to) != csv.length)
    status = vj_fail(VJ_IO, "the CSV can't be written: %s", strerror(errno));
  vj_csv_free(&csv);
  return status;
}

vj_status vj_row_writer_print(const vj_row_writer *r, vj_format format, FILE *to) {
  if (r->failed) return vj_fail(VJ_MEMORY, "no memory for a list of results");
  return format == VJ_FORMAT_JSON ? vj_json_print(vj_row_writer_array(r), to) : print_csv(r, to);
}
