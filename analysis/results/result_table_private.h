/* What the sources of the table of results share. No one else includes this. */
#ifndef VJ_ANALYSIS_RESULTS_RESULT_TABLE_PRIVATE_H
#define VJ_ANALYSIS_RESULTS_RESULT_TABLE_PRIVATE_H

#include "analysis/results/sweep_results.h"
#include "analysis/output/row_writer.h"

typedef struct summary {
  double mean, spread; /* NaN if there is nothing; spread 0 of a single number */
} summary;

/* Trials that differ only in their seed. */
typedef struct result_row {
  int64_t first, count;
  int64_t *done; /* trials of it that are done */
  int64_t done_count, pruned_count;
} result_row;

typedef struct result_table {
  const vj_results *results;
  const vj_report_spec *report;
  bool is_default; /* no report names the columns */
  bool by_trial;   /* every trial is a row */
  vj_format format;
  bool short_names; /* of settings */
  int64_t row_count;
  result_row *rows;
  summary *cells; /* [row_count, columns] */
} result_table;

/* The paper's value for an arm in a column; NULL if it has none. And whether the column has any. */
const vj_report_value *vj_result_table_paper(const result_table *r, const char *arm, int64_t column);
bool vj_result_table_has_paper(const result_table *r, int64_t column);

/* As JSON or CSV. */
VJ_MUST_USE vj_status vj_result_table_print_rows(const result_table *r, FILE *to);

#endif
