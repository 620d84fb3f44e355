/* The columns of the table of results where no report names them. */
#ifndef VJ_ANALYSIS_RESULTS_DEFAULT_COLUMNS_H
#define VJ_ANALYSIS_RESULTS_DEFAULT_COLUMNS_H

#include "analysis/results/sweep_results.h"

/* Losses, what shows collapse, probes: as many as the sweep has. Owned by the results' pool. */
VJ_MUST_USE vj_status vj_default_report(const vj_results *results, vj_report_spec *report);

#endif
