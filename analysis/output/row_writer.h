/* Results for programs: rows of exact values under the names they have in sweep.h5, as JSON or CSV. Not collective. */
#ifndef VJ_ANALYSIS_OUTPUT_ROW_WRITER_H
#define VJ_ANALYSIS_OUTPUT_ROW_WRITER_H

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

#include "analysis/output/text_table.h"

/* Whether a program reads it: exact values, and nothing around them. */
bool vj_format_is_exact(vj_format format);

typedef struct vj_row_writer vj_row_writer;

VJ_MUST_USE vj_status vj_row_writer_create(vj_row_writer **records);
void vj_row_writer_destroy(vj_row_writer **records);
/* A column. All of them before the first value; names are copied. */
void vj_row_writer_column(vj_row_writer *records, const char *name);
/* The next value, row by row: whole numbers; numbers with all their digits; text, copied, NULL for none. In JSON what
 * is no finite number is null; in CSV NaN is empty, and infinity inf. */
void vj_row_writer_integer(vj_row_writer *records, int64_t value);
void vj_row_writer_number(vj_row_writer *records, double value);
void vj_row_writer_text(vj_row_writer *records, const char *value);

/* An array with an object for each row; the caller owns it. NULL without memory. */
json_t *vj_row_writer_array(const vj_row_writer *records);
/* JSON: that array. CSV: a line of names first; as csv.h has it. VJ_IO where it can't be written,
 * VJ_MEMORY where memory ran out on the way. */
VJ_MUST_USE vj_status vj_row_writer_print(const vj_row_writer *records, vj_format format, FILE *to);

/* The same of single values, for objects of one's own. */
json_t *vj_json_number(double value);
json_t *vj_json_text(const char *words);
/* Prints and releases it, by default indented; flags are Jansson's. NULL is VJ_MEMORY. */
VJ_MUST_USE vj_status vj_json_print(json_t *value, FILE *to);
VJ_MUST_USE vj_status vj_json_print_as(json_t *value, size_t flags, FILE *to);

#endif
