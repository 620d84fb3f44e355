/* What probes share: checks of frozen features, and the moments of their columns in float64. Not collective. */
#ifndef VJ_ANALYSIS_FEATURES_H
#define VJ_ANALYSIS_FEATURES_H

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

/* Mean and standard deviation (denominator `rows`) of each column of values [rows, columns], row-major, rows >= 1.
 * Two passes: a column that repeats one number has exactly that mean and the deviation 0. */
void vj_column_moments(int64_t rows, int64_t columns, const float *values, double *mean, double *deviation);

/* False where a column moves by no more than the rounding of its floats, which says nothing. */
bool vj_column_varies(double mean, double deviation);

#endif
