/* Ways to put something out, without knowing what it is: text tables here; JSON and CSV (row_writer.h, csv.h), HTML
 * (html.h), pictures by gnuplot (plots.h), PNG and GIF (canvas.h). May see framework/base and vj/... alone. Begin here.
 *
 * Aligned text tables, for terminals and as Markdown. */
#ifndef VJ_ANALYSIS_OUTPUT_TEXT_TABLE_H
#define VJ_ANALYSIS_OUTPUT_TEXT_TABLE_H

#include <stdbool.h>
#include <stdio.h>

#include "vj/memory.h"

/* What a verb prints. */
typedef enum vj_format { VJ_FORMAT_TEXT, VJ_FORMAT_JSON, VJ_FORMAT_CSV, VJ_FORMAT_MARKDOWN } vj_format;

typedef struct vj_table vj_table;

VJ_MUST_USE vj_status vj_table_create(vj_table **table);
void vj_table_destroy(vj_table **table);
/* A column; words are set left, numbers right, with spreads (0.4±0.1) and marks (0.4*) below each other. */
void vj_table_column(vj_table *table, const char *heading, bool is_number);
/* The newest column is left out where there is no room; of several, those of the highest rank (>= 1) first, and of
 * these the last one. */
void vj_table_dispensable(vj_table *table, int rank);
/* The next cell, row by row. */
void vj_table_cell(vj_table *table, const char *format, ...) VJ_PRINTF(2, 3);
/* A line between the rows so far and those that follow. */
void vj_table_rule(vj_table *table);
/* Columns it takes on a terminal. */
int vj_table_width(const vj_table *table);
/* Prints and destroys it. Text is aligned, within the columns that vj_terminal_columns tells: first words are wrapped,
 * then dispensable columns are left out and named below. A table of GitHub's Markdown is whole, but has no rule. */
void vj_table_end(vj_table **table, vj_format format, FILE *to);

#endif
