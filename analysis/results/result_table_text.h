/* The table of results for readers: what stands above and below it is result_table.c's. */
#ifndef VJ_ANALYSIS_RESULTS_RESULT_TABLE_TEXT_H
#define VJ_ANALYSIS_RESULTS_RESULT_TABLE_TEXT_H

#include "analysis/output/row_writer.h"
#include "analysis/results/result_rows.h"

/* As text for a terminal, as wide as that is, or as Markdown. */
VJ_MUST_USE vj_status vj_result_table_print_text(const vj_result_rows *rows, vj_format format, FILE *to);

#endif
