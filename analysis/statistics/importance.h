/* What of a sweep mattered: functional analysis of variance of a response over the settings that were varied.
 *
 * The response is taken as a function of the factors, each with the levels it had and their shares of the trials as its
 * distribution, independent of the others. Its variance splits into that of each factor alone, that which each pair
 * adds, and the rest. Where every combination of levels was tried, the function is the table of their means and the
 * split is exact; its uncertainty is that of the trials, by bootstrap within the combinations. Elsewhere the function
 * is a forest of regression trees, and each tree gives a split, whose mean and spread are told (Hutter, Hoos and
 * Leyton-Brown, An efficient approach for assessing hyperparameter importance, ICML 2014). Not collective. */
#ifndef VJ_ANALYSIS_STATISTICS_IMPORTANCE_H
#define VJ_ANALYSIS_STATISTICS_IMPORTANCE_H

#include "analysis/statistics/design.h"
#include "vj/status.h"

typedef struct vj_share {
  double share;     /* of the variance; NaN where the response does not vary */
  double deviation; /* its standard deviation over bootstrap samples or trees; NaN where it isn't known */
} vj_share;

typedef struct vj_importance {
  bool is_exact;
  int repeats; /* bootstrap samples, or trees */
  vj_share main[VJ_MOST_FACTORS];
  vj_share pair[VJ_MOST_FACTORS][VJ_MOST_FACTORS]; /* [i][j], i < j: beyond what both have alone */
  vj_share rest;                                   /* three factors and more */
  double within; /* share of the trials' sum of squares that lies between trials of the same levels; NaN if there are
                  * no such trials */
} vj_importance;

VJ_MUST_USE vj_status vj_importance_find(const vj_design *design, vj_importance *importance);

#endif
