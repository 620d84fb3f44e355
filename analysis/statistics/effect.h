/* How large an effect is: a mean, or the difference or the ratio of two means, held against a bound. The interval and
 * the p-value are of the same test, so that p < 0.05 exactly where a bounded interval excludes the bound. Pure
 * functions. */
#ifndef VJ_ANALYSIS_STATISTICS_EFFECT_H
#define VJ_ANALYSIS_STATISTICS_EFFECT_H

#include <math.h>
#include <stdint.h>

/* Two means, and how far chance could have moved them. A mean that is held against nothing has b = bb = ab = 0. */
typedef struct vj_two_means {
  double a, b;
  double aa, bb, ab; /* variances of both, and their covariance */
  double freedom;    /* degrees of freedom of Student's t; INFINITY: the variances are known */
} vj_two_means;

typedef struct vj_effect {
  double size;      /* NaN where nothing is measured */
  double low, high; /* 95 % confidence interval; -INFINITY and INFINITY: not bounded; NaN where it is not known */
  double p; /* two-sided, of the hypothesis that the effect is the bound; NaN where the interval tells nothing */
} vj_effect;

/* Of so many pairs that belong together, all finite; b NULL: a alone. Variances are NaN below two. */
vj_two_means vj_two_means_of(const double *a, const double *b, int64_t count);

/* a - b. */
vj_effect vj_difference_effect(const vj_two_means *means, double bound);

/* a / b, a ratio of means, not a mean of ratios: the values r for which a - r b may be 0 (Fieller, J. R. Stat. Soc. B
 * 16, 1954). Not bounded where b itself may be 0. */
vj_effect vj_ratio_effect(const vj_two_means *means, double bound);

/* What holds for both: the interval that spans both, and the larger p. The size is that of `one`. */
vj_effect vj_effect_of_both(const vj_effect *one, const vj_effect *other);

#endif
