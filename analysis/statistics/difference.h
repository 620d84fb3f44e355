/* Differences of means, with Student's t; pure functions. */
#ifndef VJ_ANALYSIS_STATISTICS_DIFFERENCE_H
#define VJ_ANALYSIS_STATISTICS_DIFFERENCE_H

#include <stdbool.h>

#include "analysis/statistics/summary.h"

typedef struct vj_mean_difference {
  bool paired;
  int64_t count;    /* pairs, or the smaller of the two counts */
  double mean;      /* NaN where nothing can be compared */
  double low, high; /* 95 % confidence interval; NaN below two */
  double p;         /* two-sided, of the hypothesis that the means are equal; NaN below two */
} vj_mean_difference;

/* Of the differences of pairs that belong together, e.g. by their seed. */
vj_mean_difference vj_paired_difference(const vj_summary *differences);

/* a - b, of two samples that have nothing to do with each other and may differ in variance (Welch, Biometrika 34,
 * 1947). */
vj_mean_difference vj_welch_difference(const vj_summary *a, const vj_summary *b);

/* Makes p-values of a family of tests fit to be read together (Holm, Scand. J. Statist. 6, 1979): each is at least as
 * large as before, and the chance of one false alarm among all stays below the level they are held against. NaN stays,
 * and does not count as a test. */
void vj_holm(double *p, int64_t count);

#endif
