/* Spearman's rank correlation; a pure function. */
#ifndef VJ_ANALYSIS_STATISTICS_RANK_CORRELATION_H
#define VJ_ANALYSIS_STATISTICS_RANK_CORRELATION_H

#include <stdint.h>

/* Pearson's correlation of ranks, equal values having the mean of theirs. NaN below three values, where one of both
 * does not vary, and where there is a value that is no number. */
double vj_rank_correlation(int64_t count, const double *x, const double *y);

#endif
