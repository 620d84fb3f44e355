/* The table of results for programs: its rows with all their digits, without controls, ratios or notes. */
#ifndef VJ_ANALYSIS_RESULTS_RESULT_TABLE_ROWS_H
#define VJ_ANALYSIS_RESULTS_RESULT_TABLE_ROWS_H

#include "analysis/output/row_writer.h"
#include "analysis/results/answer.h"
#include "analysis/results/result_rows.h"

/* As CSV, or as a JSON array; where a question has been asked, `answer`, JSON is an object of `rows` and `question`. */
VJ_MUST_USE vj_status vj_result_table_print_rows(const vj_result_rows *rows, const vj_answer *answer, vj_format format,
                                                 FILE *to);

#endif
