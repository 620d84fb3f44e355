/* Numbers from features: spectrum, LiDAR, alignment, CKA, regressions; and here what they share, checks of frozen
 * features and labels and the moments of columns in float64. May see vj/... alone, and is built in both precisions.
 * Begin here, then with ridge_regression.h. Not collective. */
#ifndef VJ_ANALYSIS_METRICS_FEATURES_H
#define VJ_ANALYSIS_METRICS_FEATURES_H

#include <stdbool.h>
#include <stdint.h>

#include "vj/probe.h"
#include "vj/status.h"

/* "train", "validation", "test". */
const char *vj_probe_split_name(vj_split split);

/* The first index that holds NaN or infinity, or -1. */
int64_t vj_first_not_finite(int64_t count, const float *values);

/* VJ_DATA where a split has fewer samples than `least` (`setting` is the configuration key that raises them), and
 * VJ_NUMERIC where a feature is NaN or infinite; the sentence begins with the probe's name. */
VJ_MUST_USE vj_status vj_features_check(const char *probe, const vj_features *features, vj_split split, int64_t least,
                                        const char *setting);

/* Everything that a probe with a target relies on: at least two train samples and one of each other split, features of
 * the same steps and width in all of them, and labels that are finite (or NaN where the label has gaps), of a CLASS one
 * of 0..classes-1, of FLAGS 0 or 1. VJ_DATA, VJ_SHAPE or VJ_NUMERIC; the sentence begins with the probe's name. */
VJ_MUST_USE vj_status vj_probe_check_splits(const char *probe, const vj_probe_input *input);

/* Mean and standard deviation (denominator `rows`) of each column of values [rows, columns], row-major, rows >= 1.
 * Two passes: a column that repeats one number has exactly that mean and the deviation 0. */
void vj_column_moments(int64_t rows, int64_t columns, const float *values, double *mean, double *deviation);

/* The same of each column of a split's labels, over those that are no NaN, and how many these are; NaN of none. */
void vj_label_moments(const vj_features *split, int64_t columns, double *mean, double *deviation, int64_t *known);

/* False where a column moves by no more than the rounding of its floats, which says nothing. */
bool vj_column_varies(double mean, double deviation);

/* A standard deviation below this share of the root mean square of all numbers of a view counts as that much: what
 * moves so little beside the others is rounding and noise, which variance 1 would make as loud as they are. */
#define VJ_RELATIVE_FLOOR 1e-3
double vj_deviation_floor(int64_t columns, const double *mean, const double *deviation);

/* Features brought to mean 0 and variance 1 by the moments of the train split, all steps side by side; deviations have
 * the relative floor. A feature that is constant in train becomes 0 everywhere and keeps its place: what it does
 * elsewhere is not known. */
typedef struct vj_standard {
  const vj_probe_input *input;
  int64_t features;     /* D = steps * width */
  double *mean, *scale; /* [D]; scale is 1 / (deviation or floor), or 0 */
} vj_standard;

/* Borrows `input`. Destroy it also after a failure. */
VJ_MUST_USE vj_status vj_standard_create(const vj_probe_input *input, vj_standard *standard);
void vj_standard_destroy(vj_standard *standard);
/* Samples first..first+count-1 of a split -> z [count, D], row-major. */
void vj_standard_apply(const vj_standard *standard, vj_split split, int64_t first, int64_t count, double *z);

#endif
