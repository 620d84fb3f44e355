/* Writing lines of the ledger: records, texts in quotes, checksums. */
#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <zlib.h>

#include "framework/config/nodes.h"
#include "framework/store/ledger/ledger_private.h"

void vj_lines_put(vj_lines *text, const char *bytes, size_t count) {
  if (text->failed) return;
  if (text->size - text->used < count) {
    const size_t size = 2 * (text->used + count) + 256;
    char *larger = realloc(text->bytes, size);
    text->failed = !larger;
    if (!larger) return;
    text->bytes = larger;
    text->size = size;
  }
  memcpy(text->bytes + text->used, bytes, count);
  text->used += count;
}

/* A backslash before quotes and backslashes, blanks for controls. */
void vj_lines_put_quoted(vj_lines *text, const char *reason) {
  vj_lines_put(text, "\"", 1);
  for (const char *c = reason; *c; c++) {
    if (*c == '"' || *c == '\\') vj_lines_put(text, "\\", 1);
    vj_lines_put(text, *c == '\n' ? "\\n" : (unsigned char)*c < ' ' ? " " : c, *c == '\n' ? 2 : 1);
  }
  vj_lines_put(text, "\"", 1);
}

void vj_lines_put_checksum(vj_lines *text, size_t start) {
  if (text->failed) return;
  char end[VJ_LEDGER_CRC_CHARACTERS + 3];
  const unsigned long crc = crc32(0, (const Bytef *)text->bytes + start, (uInt)(text->used - start));
  snprintf(end, sizeof end, " %08lx\n", crc & 0xffffffffUL);
  vj_lines_put(text, end, strlen(end));
}

char *vj_lines_unquote(const char *quoted) {
  char *text = malloc(strlen(quoted) + 1);
  size_t used = 0;
  if (!text) return NULL;
  for (const char *c = quoted; *c && *c != '"'; c++) {
    if (*c == '\\' && c[1]) {
      c++;
      text[used++] = *c == 'n' ? '\n' : *c;
    } else {
      text[used++] = *c;
    }
  }
  text[used] = '\0';
  return text;
}

void vj_ledger_put_record(vj_lines *text, const vj_ledger *ledger, int event, int64_t trial, int64_t attempt,
                          const char *reason) {
  const size_t start = text->used;
  char begin[80];
  snprintf(begin, sizeof begin, "%d %s %" PRId64 " %" PRId64 " ", VJ_LEDGER_VERSION, vj_ledger_events[event].name,
           trial, attempt);
  vj_lines_put(text, begin, strlen(begin));
  if (reason)
    vj_lines_put_quoted(text, reason);
  else
    vj_lines_put(text, ledger->who, strlen(ledger->who));
  vj_lines_put_checksum(text, start);
}

/* The signs of NaN differ between processors; one word for all of them. */
static const char *value_text(double value, char text[VJ_REAL_BYTES]) {
  return isnan(value) ? "nan" : vj_real_text(value, text);
}

void vj_ledger_put_decision(vj_lines *text, int event, int64_t attempt, const vj_ledger_measurement *mine,
                            double threshold, const char *reason) {
  const size_t start = text->used;
  char begin[160], value[VJ_REAL_BYTES], other[VJ_REAL_BYTES];
  snprintf(begin, sizeof begin, "%d %s %" PRId64 " %" PRId64 " %" PRId64 " %s %s ", VJ_LEDGER_VERSION,
           vj_ledger_events[event].name, mine->trial, attempt, mine->place, value_text(mine->value, value),
           value_text(threshold, other));
  vj_lines_put(text, begin, strlen(begin));
  vj_lines_put_quoted(text, reason);
  vj_lines_put_checksum(text, start);
}

void vj_ledger_put_header(vj_lines *text, int64_t trials) {
  const size_t start = text->used;
  char line[96];
  snprintf(line, sizeof line, VJ_LEDGER_HEADER "%d trials %" PRId64, VJ_LEDGER_VERSION, trials);
  vj_lines_put(text, line, strlen(line));
  vj_lines_put_checksum(text, start);
}
