/* The settings of a sweep's trials as columns and as JSON, for all who print trials. Not collective. */
#ifndef VJ_ANALYSIS_RESULTS_SETTING_ROWS_H
#define VJ_ANALYSIS_RESULTS_SETTING_ROWS_H

#include "analysis/output/row_writer.h"
#include "analysis/results/sweep_results.h"

/* Columns param.<key> for all that the sweep sets, and a trial's values of them; null where it has none. */
void vj_row_writer_setting_columns(vj_row_writer *records, const vj_results *results);
void vj_row_writer_settings(vj_row_writer *records, const vj_results *results, int64_t trial);

/* An object of a trial's settings, without those that it does not have. The caller owns it. */
json_t *vj_json_settings(const vj_results *results, int64_t trial);

#endif
