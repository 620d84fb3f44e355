#include "datasets/video/lists.h"

#include <errno.h>
#include <inttypes.h>
#include <jansson.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { MOST_BYTES = 1 << 30, SHOWN = 60 };

vj_status vj_list_read_file(const char *path, char **text, size_t *length) {
  size_t capacity = 1 << 16;
  *text = NULL, *length = 0;
  FILE *const file = fopen(path, "rb");
  if (!file) return vj_fail(VJ_IO, "%s: can't be opened: %s", path, strerror(errno));
  vj_status status = VJ_OK;
  for (bool more = true; more && status == VJ_OK; capacity *= 2) {
    char *const larger = realloc(*text, capacity);
    if (larger) *text = larger;
    if (!larger) status = vj_fail(VJ_MEMORY, "%s: no memory to read it", path);
    if (!larger) break;
    *length += fread(*text + *length, 1, capacity - 1 - *length, file);
    more = *length == capacity - 1;
    if (*length > MOST_BYTES) status = vj_fail(VJ_DATA, "%s: larger than 1 GiB, so no list of videos", path);
  }
  if (status == VJ_OK && ferror(file)) status = vj_fail(VJ_IO, "%s: can't be read: %s", path, strerror(errno));
  fclose(file);
  if (status == VJ_OK) (*text)[*length] = 0;
  if (status != VJ_OK) {
    free(*text);
    *text = NULL;
  }
  return status;
}

vj_status vj_list_add(vj_pool *pool, vj_list_rows *rows, const char *name, const char *class, int64_t number) {
  if (!vj_pool_grow(pool, &rows->at, rows->count, sizeof *rows->at))
    return vj_fail(VJ_MEMORY, "no memory for a list of %" PRId64 " videos", rows->count + 1);
  rows->at[rows->count++] = (vj_list_row){name, class, number};
  return VJ_OK;
}

static const char *copy(vj_pool *pool, const char *text, size_t length) {
  char *const own = vj_pool_take(pool, length + 1);
  if (own) memcpy(own, text, length);
  return own;
}

static vj_status no_memory(const char *path) { return vj_fail(VJ_MEMORY, "%s: no memory for its rows", path); }

/* --- lines ------------------------------------------------------------------------------------------------------- */

/* What is left of a text, line by line. */
typedef struct reader {
  const char *at, *end, *path;
  int64_t line;
} reader;

static reader reader_of(const char *text, size_t length, const char *path) {
  const bool marked = length >= 3 && memcmp(text, "\xEF\xBB\xBF", 3) == 0; /* some editors' mark of UTF-8 */
  return (reader){text + (marked ? 3 : 0), text + length, path, 0};
}

/* The next line without its end; false at the end of the text. */
static bool next_line(reader *r, const char **line, size_t *length) {
  if (r->at == r->end) return false;
  const char *const feed = memchr(r->at, '\n', (size_t)(r->end - r->at));
  *line = r->at;
  *length = (size_t)((feed ? feed : r->end) - r->at);
  r->at = feed ? feed + 1 : r->end;
  r->line++;
  if (*length > 0 && (*line)[*length - 1] == '\r') --*length;
  return true;
}

/* Fit to be shown in a sentence. */
static const char *shown(const char *text, size_t length, char shortened[SHOWN + 4]) {
  const size_t most = length < SHOWN ? length : SHOWN;
  for (size_t i = 0; i < most; i++) shortened[i] = (unsigned char)text[i] < 32 ? '?' : text[i];
  memcpy(shortened + most, most < length ? "..." : "", most < length ? 4 : 1);
  return shortened;
}

static bool parse_number(const char *text, size_t length, int64_t most, int64_t *number) {
  *number = 0;
  if (length == 0 || length > 18) return false;
  for (size_t i = 0; i < length; i++) {
    if (text[i] < '0' || text[i] > '9') return false;
    *number = *number * 10 + (text[i] - '0');
  }
  return *number <= most;
}

/* --- paths and numbers ------------------------------------------------------------------------------------------- */

static vj_status parse_path(vj_pool *pool, const reader *r, const char *line, size_t length, vj_list_rows *rows) {
  char shortened[SHOWN + 4];
  size_t cut = length;
  int64_t number;
  while (cut > 0 && line[cut - 1] != ' ') cut--;
  size_t name = cut; /* more than one space may be between the two */
  while (name > 0 && line[name - 1] == ' ') name--;
  if (name == 0 || memchr(line, 0, length) || !parse_number(line + cut, length - cut, VJ_LIST_CLASSES - 1, &number))
    return vj_fail(VJ_DATA, "%s:%" PRId64 ": expected `path label`, the label a number from 0 to %d, got \"%s\"",
                   r->path, r->line, VJ_LIST_CLASSES - 1, shown(line, length, shortened));
  const char *const own = copy(pool, line, name);
  return own ? vj_list_add(pool, rows, own, NULL, number) : no_memory(r->path);
}

vj_status vj_list_parse_paths(vj_pool *pool, const char *text, size_t length, const char *path, vj_list_rows *rows) {
  reader r = reader_of(text, length, path);
  const char *line;
  size_t bytes;
  *rows = (vj_list_rows){0};
  while (next_line(&r, &line, &bytes)) {
    while (bytes > 0 && line[bytes - 1] == ' ') bytes--;
    if (bytes > 0) VJ_TRY(parse_path(pool, &r, line, bytes, rows));
  }
  return VJ_OK;
}

static vj_status parse_video(vj_pool *pool, const reader *r, const char *line, size_t length, vj_list_rows *rows) {
  char shortened[SHOWN + 4];
  if (memchr(line, 0, length))
    return vj_fail(VJ_DATA, "%s:%" PRId64 ": expected the path of a video, got \"%s\"", r->path, r->line,
                   shown(line, length, shortened));
  const char *const own = copy(pool, line, length);
  return own ? vj_list_add(pool, rows, own, NULL, -1) : no_memory(r->path);
}

vj_status vj_list_parse_videos(vj_pool *pool, const char *text, size_t length, const char *path, vj_list_rows *rows) {
  reader r = reader_of(text, length, path);
  const char *line;
  size_t bytes;
  *rows = (vj_list_rows){0};
  while (next_line(&r, &line, &bytes)) {
    while (bytes > 0 && line[bytes - 1] == ' ') bytes--;
    if (bytes > 0) VJ_TRY(parse_video(pool, &r, line, bytes, rows));
  }
  return VJ_OK;
}

/* --- comma-separated values -------------------------------------------------------------------------------------- */

enum { LABEL, ID, START, END, COLUMNS };
static const char *const columns[COLUMNS] = {"label", "youtube_id", "time_start", "time_end"};
enum { MOST_FIELDS = 64 };

/* Copies a field that begins at `at`, without its quotes; returns where it ends. */
static const char *copy_field(const char *at, const char *end, char **to) {
  const bool quoted = at < end && *at == '"';
  if (quoted) at++;
  for (; at < end && (quoted || *at != ','); at++) {
    if (quoted && *at == '"' && !(at + 1 < end && at[1] == '"')) break;
    if (quoted && *at == '"') at++;
    *(*to)++ = *at;
  }
  *(*to)++ = 0;
  return quoted && at < end ? at + 1 : at;
}

/* The fields of one line, one behind the other in a copy of it. */
static vj_status split_line(vj_pool *pool, const reader *r, const char *line, size_t length, const char **fields,
                            int *count) {
  const char *at = line, *const end = line + length;
  char shortened[SHOWN + 4], *to = vj_pool_take(pool, length + 2);
  if (!to) return no_memory(r->path);
  for (*count = 0; *count < MOST_FIELDS;) {
    fields[(*count)++] = to;
    at = copy_field(at, end, &to);
    if (at == end || *at != ',') break;
    at++;
  }
  if (at == end && !memchr(line, 0, length)) return VJ_OK;
  return vj_fail(VJ_DATA, "%s:%" PRId64 ": expected comma-separated values, got \"%s\"", r->path, r->line,
                 shown(line, length, shortened));
}

static vj_status find_columns(vj_pool *pool, reader *r, int place[COLUMNS]) {
  const char *line = "", *fields[MOST_FIELDS];
  size_t length = 0;
  int count = 0;
  if (next_line(r, &line, &length)) VJ_TRY(split_line(pool, r, line, length, fields, &count));
  for (int c = 0; c < COLUMNS; c++) {
    place[c] = -1;
    for (int i = 0; i < count; i++)
      if (strcmp(fields[i], columns[c]) == 0) place[c] = i;
    if (place[c] < 0)
      return vj_fail(VJ_DATA,
                     "%s:1: there is no column %s; expected the header label,youtube_id,time_start,time_end,..",
                     r->path, columns[c]);
  }
  return VJ_OK;
}

static vj_status parse_record(vj_pool *pool, const reader *r, const char *line, size_t length, const int *place,
                              vj_list_rows *rows) {
  const char *fields[MOST_FIELDS];
  int64_t time[2];
  int count;
  VJ_TRY(split_line(pool, r, line, length, fields, &count));
  for (int c = 0; c < COLUMNS; c++)
    if (place[c] >= count || fields[place[c]][0] == 0)
      return vj_fail(VJ_DATA, "%s:%" PRId64 ": there is no %s", r->path, r->line, columns[c]);
  for (int c = START; c <= END; c++) {
    char *const point = strchr(fields[place[c]], '.'); /* some tables have 12.0 */
    const size_t digits = point && strspn(point + 1, "0") == strlen(point + 1) ? (size_t)(point - fields[place[c]])
                                                                               : strlen(fields[place[c]]);
    char shortened[SHOWN + 4];
    if (!parse_number(fields[place[c]], digits, 999999, &time[c - START]))
      return vj_fail(VJ_DATA, "%s:%" PRId64 ": %s: expected whole seconds, got \"%s\"", r->path, r->line, columns[c],
                     shown(fields[place[c]], strlen(fields[place[c]]), shortened));
  }
  const char *const name = vj_pool_format(pool, "%s_%06d_%06d", fields[place[ID]], (int)time[0], (int)time[1]);
  return name ? vj_list_add(pool, rows, name, fields[place[LABEL]], -1) : no_memory(r->path);
}

vj_status vj_list_parse_kinetics(vj_pool *pool, const char *text, size_t length, const char *path, vj_list_rows *rows) {
  reader r = reader_of(text, length, path);
  const char *line;
  size_t bytes;
  int place[COLUMNS];
  *rows = (vj_list_rows){0};
  VJ_TRY(find_columns(pool, &r, place));
  while (next_line(&r, &line, &bytes))
    if (bytes > 0) VJ_TRY(parse_record(pool, &r, line, bytes, place, rows));
  return VJ_OK;
}

/* --- JSON -------------------------------------------------------------------------------------------------------- */

static vj_status load(const char *text, size_t length, const char *path, json_t **root) {
  json_error_t error;
  *root = json_loadb(text, length, JSON_REJECT_DUPLICATES, &error);
  return *root ? VJ_OK : vj_fail(VJ_DATA, "%s:%d:%d: not JSON: %s", path, error.line, error.column, error.text);
}

static const char *without_brackets(vj_pool *pool, const char *template) {
  char *const own = vj_pool_text(pool, template);
  char *to = own;
  for (const char *c = template; own && *c; c++)
    if (*c != '[' && *c != ']') *to++ = *c;
  if (own) *to = 0;
  return own;
}

static vj_status take_records(vj_pool *pool, const json_t *root, const char *path, vj_list_rows *rows) {
  size_t i;
  const json_t *record;
  if (!json_is_array(root)) return vj_fail(VJ_DATA, "%s: expected an array of records", path);
  json_array_foreach(root, i, record) {
    const char *const id = json_string_value(json_object_get(record, "id"));
    const char *const template = json_string_value(json_object_get(record, "template"));
    if (!id || !*id || !template)
      return vj_fail(VJ_DATA, "%s: record %zu: expected texts \"id\" and \"template\"", path, i + 1);
    const char *const name = vj_pool_text(pool, id), *const class = without_brackets(pool, template);
    if (!name || !class) return no_memory(path);
    VJ_TRY(vj_list_add(pool, rows, name, class, -1));
  }
  return VJ_OK;
}

vj_status vj_list_parse_something(vj_pool *pool, const char *text, size_t length, const char *path,
                                  vj_list_rows *rows) {
  json_t *root = NULL;
  *rows = (vj_list_rows){0};
  VJ_TRY(load(text, length, path, &root));
  const vj_status status = take_records(pool, root, path, rows);
  json_decref(root);
  return status;
}

static vj_status take_classes(vj_pool *pool, json_t *root, const char *path, vj_list_rows *rows) {
  const char *key;
  json_t *value;
  if (!json_is_object(root)) return vj_fail(VJ_DATA, "%s: expected an object of classes and their numbers", path);
  json_object_foreach(root, key, value) {
    const char *const text = json_string_value(value);
    int64_t number = json_is_integer(value) ? (int64_t)json_integer_value(value) : -1;
    if (text && !parse_number(text, strlen(text), VJ_LIST_CLASSES - 1, &number)) number = -1;
    if (number < 0 || number >= VJ_LIST_CLASSES)
      return vj_fail(VJ_DATA, "%s: \"%s\": expected a number from 0 to %d", path, key, VJ_LIST_CLASSES - 1);
    const char *const class = vj_pool_text(pool, key);
    if (!class) return no_memory(path);
    VJ_TRY(vj_list_add(pool, rows, NULL, class, number));
  }
  return VJ_OK;
}

vj_status vj_list_parse_classes(vj_pool *pool, const char *text, size_t length, const char *path, vj_list_rows *rows) {
  json_t *root = NULL;
  *rows = (vj_list_rows){0};
  VJ_TRY(load(text, length, path, &root));
  const vj_status status = take_classes(pool, root, path, rows);
  json_decref(root);
  return status;
}
