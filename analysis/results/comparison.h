/* What two selections of a sweep's trials differ in: settings, results, hidden states. Not collective. */
#ifndef VJ_ANALYSIS_RESULTS_COMPARISON_H
#define VJ_ANALYSIS_RESULTS_COMPARISON_H

#include "analysis/metrics/cka.h"
#include "analysis/results/trial_selector.h"

/* A key of the configuration with two values; "" where one has it not. */
typedef struct vj_setting_difference {
  const char *key, *a, *b;
} vj_setting_difference;

/* A quantity at the end of training. With pairs, means are over the trials that are in one. */
typedef struct vj_result_difference {
  const char *quantity, *units;
  int64_t pairs, a_count, b_count;
  double a, b, difference;     /* means; that of b - a */
  double deviation, low, high; /* of the paired differences, denominator pairs - 1; 95% interval of their mean by
                                * Student's t. NaN with fewer than two pairs */
  double p, p_holm; /* of the hypothesis that they are 0, by the same t; made fit to be read with all others shown */
} vj_result_difference;

/* Means over pairs of trials, of vj_cka. */
typedef struct vj_view_similarity {
  const char *view;
  int64_t clips, pairs, within_a_pairs, within_b_pairs;
  vj_cka between;
  double within_a, within_b; /* debiased, of two trials of the same selection; NaN where there are no two */
  const vj_cka *matrix;      /* [n, n] of comparison.compared */
} vj_view_similarity;

typedef struct vj_comparison {
  const vj_results *results;
  vj_trial_selector a, b;
  const int64_t *partners; /* for each trial of a */
  int64_t pair_count;
  int64_t a_done, b_done, pairs_done; /* those that are done; pairs of which both are */
  int64_t setting_count, difference_count, view_count, compared_count;
  const vj_setting_difference *settings;
  vj_result_difference *differences; /* quantities that differ in any pair, or in the mean */
  int64_t same_count;                /* quantities that do not */
  const vj_view_similarity *views;
  const int64_t *compared; /* trials of a, then of b, that are done and have hidden states */
} vj_comparison;

/* `of`: the quantities that are compared, a list with commas; NULL for all. Everything is owned by the results. */
VJ_MUST_USE vj_status vj_compare(const vj_results *results, const char *a, const char *b, const char *of,
                                 vj_comparison *comparison);

#endif
