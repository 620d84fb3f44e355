/* Functional analysis of variance of a table that has every combination of levels, all of them counting alike. */
#ifndef VJ_ANALYSIS_STATISTICS_IMPORTANCE_TABLE_H
#define VJ_ANALYSIS_STATISTICS_IMPORTANCE_TABLE_H

#include "analysis/statistics/design.h"
#include "vj/status.h"

/* The exact split of a design in which every combination of levels was tried: `plain` of the trials as they are,
 * splits[repeats] of bootstrap samples of them. */
VJ_MUST_USE vj_status vj_importance_by_table(const vj_design *design, int64_t cells, int repeats,
                                             vj_split_of_variance *splits, vj_split_of_variance *plain);

#endif
