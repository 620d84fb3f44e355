/* The one quantity by which trials of a sweep are compared. Not collective. */
#ifndef VJ_ANALYSIS_RESULTS_OBJECTIVE_H
#define VJ_ANALYSIS_RESULTS_OBJECTIVE_H

#include "analysis/results/sweep_results.h"

/* By default: the first column of the sweep's report that has `best:`, else the first probe's first metric. With
 * neither, `quantity` is NULL. Owned by the results. */
VJ_MUST_USE vj_status vj_objective_default(const vj_results *results, const char *folder, vj_report_column *objective);

/* A named quantity at the end of training, with what the report, or else its name, says is good; VJ_BEST_NONE where
 * neither does. Names that are not recorded are an error that begins with `place`, the argument's name, and suggests
 * others. */
VJ_MUST_USE vj_status vj_objective_by(const vj_results *results, const char *folder, const char *place,
                                      const char *quantity, vj_report_column *objective);

/* "lowest" or "highest". */
const char *vj_best_word(int best);

#endif
