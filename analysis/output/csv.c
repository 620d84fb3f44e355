#include "analysis/output/csv.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Room for so many more bytes. */
static bool make_room(vj_csv *csv, size_t more) {
  if (csv->failed) return false;
  if (csv->room - csv->length >= more) return true;
  const size_t room = 2 * (csv->length + more);
  char *text = realloc(csv->text, room);
  csv->failed = !text;
  if (!text) return false;
  csv->text = text;
  csv->room = room;
  return true;
}

void vj_csv_raw(vj_csv *csv, const char *fields, size_t length) {
  if (!make_room(csv, length + 1)) return;
  if (csv->in_line) csv->text[csv->length++] = ',';
  memcpy(csv->text + csv->length, fields, length);
  csv->length += length;
  csv->in_line = true;
}

void vj_csv_text(vj_csv *csv, const char *text) {
  const size_t length = strlen(text);
  if (!strpbrk(text, ",\"\r\n")) {
    vj_csv_raw(csv, text, length);
    return;
  }
  vj_csv_raw(csv, "\"", 1);
  if (!make_room(csv, 2 * length + 1)) return;
  for (const char *c = text; *c; c++) {
    if (*c == '"') csv->text[csv->length++] = '"';
    csv->text[csv->length++] = *c;
  }
  csv->text[csv->length++] = '"';
}

void vj_csv_integer(vj_csv *csv, int64_t value) {
  char text[24];
  vj_csv_raw(csv, text, (size_t)snprintf(text, sizeof text, "%lld", (long long)value));
}

void vj_csv_number(vj_csv *csv, double value) {
  char text[32];
  int length = isnan(value) ? 0 : snprintf(text, sizeof text, "%.15g", value);
  if (isfinite(value) && strtod(text, NULL) != value) length = snprintf(text, sizeof text, "%.17g", value);
  vj_csv_raw(csv, text, (size_t)length);
}

void vj_csv_end_line(vj_csv *csv) {
  if (make_room(csv, 1)) csv->text[csv->length++] = '\n';
  csv->in_line = false;
}

void vj_csv_clear(vj_csv *csv) {
  csv->length = 0;
  csv->in_line = false;
}

void vj_csv_free(vj_csv *csv) {
  free(csv->text);
  *csv = (vj_csv){0};
}
