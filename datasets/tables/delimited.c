#include "datasets/tables/delimited.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* --- words ------------------------------------------------------------------------------------------------------- */

const char *vj_delimited_shown(const char *text, char shown[VJ_SHOWN_BYTES]) {
  const size_t length = strlen(text), most = length < VJ_SHOWN_BYTES - 4 ? length : VJ_SHOWN_BYTES - 4;
  for (size_t i = 0; i < most; i++)
    shown[i] = (unsigned char)text[i] < 32 || (unsigned char)text[i] == 127 ? '?' : text[i];
  memcpy(shown + most, most < length ? "..." : "", most < length ? 4 : 1);
  return shown;
}

static char lower(char letter) { return letter >= 'A' && letter <= 'Z' ? (char)(letter - 'A' + 'a') : letter; }

bool vj_delimited_same(const char *one, const char *other) {
  while (*one && lower(*one) == lower(*other)) one++, other++;
  return !*one && !*other;
}

/* --- records ----------------------------------------------------------------------------------------------------- */

/* A comma only where a line has nothing else that could divide it: tabs are no part of fields, and semicolons divide
 * where commas are decimal points. */
static char delimiter_of(const char *line, const char *end) {
  int64_t commas = 0, semicolons = 0;
  for (const char *at = line; at < end && *at != '\n'; at++) {
    if (*at == '\t') return '\t';
    commas += *at == ',';
    semicolons += *at == ';';
  }
  return semicolons > commas ? ';' : ',';
}

static bool is_space(char letter) { return letter == ' ' || letter == '\r'; }

/* Where a line ends, and the next one begins. */
static const char *line_end(const char *at, const char *end) {
  const char *const feed = memchr(at, '\n', (size_t)(end - at));
  return feed ? feed : end;
}

static bool is_empty(const char *at, const char *end) {
  while (at < end && (is_space(*at) || *at == '\t' || *at == ',' || *at == ';')) at++;
  return at == end;
}

static bool is_remark(const char *at, const char *end) {
  if (at < end && *at == '"') at++;
  return at < end && *at == '#';
}

/* Past lines that say nothing; remarks stand before the header alone. */
static void skip_lines(vj_delimited *t, bool remarks) {
  while (t->at < t->end) {
    const char *const stop = line_end(t->at, t->end);
    if (!is_empty(t->at, stop) && !(remarks && is_remark(t->at, stop))) return;
    t->at = stop < t->end ? stop + 1 : t->end;
    t->next_line++;
  }
}

static vj_status no_memory(const vj_delimited *t) { return vj_fail(VJ_MEMORY, "%s: no memory for its rows", t->path); }

/* Copies a field in quotes behind its first one; false where they do not end. */
static bool copy_quoted(vj_delimited *t, char **to) {
  for (t->at++; t->at < t->end; t->at++) {
    if (*t->at == '"' && !(t->at + 1 < t->end && t->at[1] == '"')) {
      t->at++;
      return true;
    }
    if (*t->at == '"') t->at++;
    t->next_line += *t->at == '\n';
    *(*to)++ = *t->at;
  }
  return false;
}

/* One field, up to what ends it. */
static vj_status copy_field(vj_delimited *t, char **to) {
  char *const first = *to, *kept;
  while (t->at < t->end && is_space(*t->at)) t->at++;
  if (t->at < t->end && *t->at == '"' && !copy_quoted(t, to))
    return vj_fail(VJ_DATA, "%s:%" PRId64 ": quotes that do not end", t->path, t->line);
  kept = *to; /* spaces within quotes stay */
  while (t->at < t->end && *t->at != t->delimiter && *t->at != '\n') *(*to)++ = *t->at++;
  while (*to > kept && is_space((*to)[-1])) --*to;
  *(*to)++ = 0;
  if (strlen(first) + 1 == (size_t)(*to - first)) return VJ_OK;
  return vj_fail(VJ_DATA, "%s:%" PRId64 ": a byte that is 0; expected text in UTF-8", t->path, t->line);
}

static vj_status grow_places(vj_delimited *t) {
  if (t->count < t->place_room) return VJ_OK;
  const int64_t room = t->place_room ? 2 * t->place_room : 64;
  const char **const larger = realloc(t->places, (size_t)room * sizeof *larger);
  if (!larger) return no_memory(t);
  t->places = larger;
  t->place_room = room;
  return VJ_OK;
}

static vj_status read_record(vj_delimited *t) {
  char *to = t->texts;
  t->line = t->next_line;
  for (t->count = 0;;) {
    if (t->count == VJ_DELIMITED_FIELDS)
      return vj_fail(VJ_DATA, "%s:%" PRId64 ": more than %d columns", t->path, t->line, VJ_DELIMITED_FIELDS);
    VJ_TRY(grow_places(t));
    t->places[t->count++] = to;
    VJ_TRY(copy_field(t, &to));
    if (t->at == t->end || *t->at == '\n') break;
    t->at++;
  }
  if (t->at < t->end) t->at++;
  t->next_line++;
  t->fields = t->places;
  return VJ_OK;
}

vj_status vj_delimited_next(vj_delimited *t, bool *more) {
  skip_lines(t, false);
  *more = t->at < t->end;
  return *more ? read_record(t) : VJ_OK;
}

/* Fields of a record, each with a 0 behind it, take no more room than the text and one byte. */
vj_status vj_delimited_open(const char *text, size_t length, const char *path, vj_delimited *table) {
  const bool marked = length >= 3 && memcmp(text, "\xEF\xBB\xBF", 3) == 0;
  *table = (vj_delimited){.path = path, .at = text + (marked ? 3 : 0), .end = text + length, .next_line = 1};
  table->texts = malloc(length + 2);
  if (!table->texts) return no_memory(table);
  skip_lines(table, true);
  if (table->at == table->end) return vj_fail(VJ_DATA, "%s: expected a table with a header, got nothing", path);
  table->delimiter = delimiter_of(table->at, table->end);
  return read_record(table);
}

void vj_delimited_close(vj_delimited *t) {
  free(t->texts);
  free(t->places);
  *t = (vj_delimited){0};
}

/* --- fields ------------------------------------------------------------------------------------------------------ */

const char *vj_delimited_field(const vj_delimited *t, int64_t column) {
  return column >= 0 && column < t->count ? t->fields[column] : "";
}

vj_number vj_delimited_number(const vj_delimited *t, const char *field, double *number) {
  enum { MOST = 64 };
  char copy[MOST], *end;
  const size_t length = strlen(field);
  if (length == 0 || vj_delimited_same(field, "NA") || vj_delimited_same(field, "NaN")) return VJ_NUMBER_MISSING;
  if (length >= MOST || field[strspn(field, "+-.,0123456789eE")]) return VJ_NUMBER_NONE;
  memcpy(copy, field, length + 1);
  char *const comma = t->delimiter == ';' ? strchr(copy, ',') : NULL;
  if (comma) *comma = '.';
  *number = strtod(copy, &end);
  return end == copy + length && isfinite(*number) ? VJ_NUMBER_GIVEN : VJ_NUMBER_NONE;
}
