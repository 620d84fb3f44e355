/* Means, spreads and differences of a few numbers, as a report of a sweep needs them. NaN among the numbers stands for
 * "not measured" and is passed over. Pure functions; not collective. */
#ifndef VJ_ANALYSIS_STATISTICS_STATISTICS_H
#define VJ_ANALYSIS_STATISTICS_STATISTICS_H

#include <stdbool.h>
#include <stdint.h>

typedef struct vj_summary {
  int64_t count;    /* of the numbers that are finite */
  double mean;      /* NaN without any */
  double deviation; /* standard deviation, denominator count - 1; NaN below two */
} vj_summary;

vj_summary vj_summary_of(const double *values, int64_t count);

/* a - b, with Student's t. */
typedef struct vj_mean_difference {
  bool paired;
  int64_t count;    /* pairs, or the smaller of the two counts */
  double mean;      /* NaN where nothing can be compared */
  double low, high; /* 95 % confidence interval; NaN below two */
  double p;         /* two-sided, of the hypothesis that the means are equal; NaN below two */
} vj_mean_difference;

/* Of pairs: a[i] and b[i] belong together, e.g. by their seed. */
vj_mean_difference vj_paired_difference(const double *a, const double *b, int64_t count);

/* Of two samples that have nothing to do with each other and may differ in variance (Welch, Biometrika 34, 1947). */
vj_mean_difference vj_welch_difference(const double *a, int64_t a_count, const double *b, int64_t b_count);

/* Makes p-values of a family of tests fit to be read together (Holm, Scand. J. Statist. 6, 1979): each is at least as
 * large as before, and the chance of one false alarm among all stays below the level they are held against. NaN stays,
 * and does not count as a test. */
void vj_holm(double *p, int64_t count);

#endif
