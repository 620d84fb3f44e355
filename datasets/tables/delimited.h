/* Tables as programs export them: records of fields between commas, semicolons or tabs, the first one naming the
 * columns.
 *
 * The room is what annotations in tables need: this file reads records, intervals.h and frame_values.h what they say;
 * begin with intervals.h. Everything takes a text in memory, of any content; `path` is only what errors call it:
 * "events.csv:3: expected ...". VJ_DATA where the text is not what it should be. Not collective; many threads may read
 * tables of their own at once. */
#ifndef VJ_DATASETS_TABLES_DELIMITED_H
#define VJ_DATASETS_TABLES_DELIMITED_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "vj/status.h"

enum { VJ_DELIMITED_FIELDS = 16384 };

typedef struct vj_delimited {
  const char *path;
  int64_t line; /* of the record, from 1: where it begins */
  const char *const *fields;
  int64_t count;
  /* private */
  const char *at, *end;
  int64_t next_line;
  char delimiter;
  char *texts;
  const char **places;
  int64_t place_room;
} vj_delimited;

/* Goes to the first record, past a mark of UTF-8, empty lines and lines that begin with # (as ELAN's do), and reads it:
 * the header. Close it also after a failure. VJ_DATA where there is none. */
VJ_MUST_USE vj_status vj_delimited_open(const char *text, size_t length, const char *path, vj_delimited *table);
void vj_delimited_close(vj_delimited *table);

/* The next record that is not empty, or *more is false. Fields in quotes may hold delimiters, quotes (doubled) and ends
 * of lines; spaces around a field are left out. Fields are the table's, until the next call. */
VJ_MUST_USE vj_status vj_delimited_next(vj_delimited *table, bool *more);

/* A field of the record; "" where it has none. */
const char *vj_delimited_field(const vj_delimited *table, int64_t column);

typedef enum vj_number { VJ_NUMBER_GIVEN, VJ_NUMBER_MISSING, VJ_NUMBER_NONE } vj_number;
/* A field as a number: missing where it is empty, NA or NaN. Between semicolons a comma is a decimal point. */
vj_number vj_delimited_number(const vj_delimited *table, const char *field, double *number);

/* Fit to be shown in a sentence: one line, shortened. Returns `shown`. */
enum { VJ_SHOWN_BYTES = 64 };
const char *vj_delimited_shown(const char *text, char shown[VJ_SHOWN_BYTES]);

/* Whether two names of columns are the same but for capitals. */
bool vj_delimited_same(const char *one, const char *other);

#endif
