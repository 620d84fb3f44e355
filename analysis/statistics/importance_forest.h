/* Functional analysis of variance of regression trees (Hutter, Hoos and Leyton-Brown, ICML 2014): a tree is constant on
 * boxes, so that its averages over all other factors are sums over its leaves. */
#ifndef VJ_ANALYSIS_STATISTICS_IMPORTANCE_FOREST_H
#define VJ_ANALYSIS_STATISTICS_IMPORTANCE_FOREST_H

#include "analysis/statistics/design.h"
#include "vj/status.h"

/* splits[trees]: each of one regression tree, grown on a bootstrap sample of the trials. */
VJ_MUST_USE vj_status vj_importance_by_forest(const vj_design *design, int trees, vj_split_of_variance *splits);

#endif
