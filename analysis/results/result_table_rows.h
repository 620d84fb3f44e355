/* The table of results for programs: its rows with all their digits, without controls, ratios or notes. */
#ifndef VJ_ANALYSIS_RESULTS_RESULT_TABLE_ROWS_H
#define VJ_ANALYSIS_RESULTS_RESULT_TABLE_ROWS_H

#include "analysis/output/row_writer.h"
#include "analysis/results/result_rows.h"

/* As JSON or CSV. */
VJ_MUST_USE vj_status vj_result_table_print_rows(const vj_result_rows *rows, vj_format format, FILE *to);

#endif
