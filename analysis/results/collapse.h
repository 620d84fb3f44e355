/* Whether a hidden state has collapsed. */
#ifndef VJ_ANALYSIS_RESULTS_COLLAPSE_H
#define VJ_ANALYSIS_RESULTS_COLLAPSE_H

#include <stdint.h>

/* Shares of the largest RankMe that a view could have. */
extern const double vj_collapsed_below, vj_partly_collapsed_below;

/* "collapsed", "partly" or "no", by RankMe and the largest it could be; "" where they aren't known. */
const char *vj_collapse_verdict(double rankme, int64_t largest);

#endif
