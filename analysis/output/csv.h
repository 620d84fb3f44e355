/* Lines of comma-separated values in memory, as RFC 4180 has them, with a bare line feed at the end of each. */
#ifndef VJ_ANALYSIS_OUTPUT_CSV_H
#define VJ_ANALYSIS_OUTPUT_CSV_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

typedef struct vj_csv {
  char *text; /* owned */
  size_t length, room;
  bool in_line; /* a field of the current line is there */
  bool failed;  /* memory ran out; looked at when all is written */
} vj_csv;

/* Each appends one field to the current line. A text is quoted where it has to be. */
void vj_csv_text(vj_csv *csv, const char *text);
void vj_csv_integer(vj_csv *csv, int64_t value);
/* Digits that read back as the same number to the last bit: 15 if they do, else 17. NaN is an empty field, infinities
 * are inf and -inf. */
void vj_csv_number(vj_csv *csv, double value);
void vj_csv_end_line(vj_csv *csv);
/* Fields that are as they should be already, without the comma before them. */
void vj_csv_raw(vj_csv *csv, const char *fields, size_t length);
void vj_csv_clear(vj_csv *csv); /* keeps its room */
void vj_csv_free(vj_csv *csv);

#endif
