/* The statistics of few numbers: means and spreads over seeds here, differences in difference.h, what mattered of a
 * sweep in importance.h. May see vj/... alone. Begin here.
 *
 * NaN and infinities stand for "not measured" and are passed over. Pure functions; not collective. */
#ifndef VJ_ANALYSIS_STATISTICS_SUMMARY_H
#define VJ_ANALYSIS_STATISTICS_SUMMARY_H

#include <math.h>
#include <stdint.h>

typedef struct vj_summary {
  int64_t count;    /* of the numbers that are finite */
  double mean;      /* NaN without any */
  double deviation; /* standard deviation, denominator count - 1; NaN below two */
  double squares;   /* sum of squared distances from the mean */
} vj_summary;

/* Of no number yet. */
#define VJ_SUMMARY_NONE ((vj_summary){.mean = NAN, .deviation = NAN})

/* One number more (Welford, Technometrics 4, 1962). */
void vj_summary_add(vj_summary *summary, double value);
vj_summary vj_summary_of(const double *values, int64_t count);

/* For qsort and bsearch: doubles, ascending. */
int vj_ascending(const void *a, const void *b);

#endif
