/* How good a probe's predictions are, for labels of every kind: the metrics of probes that predict any of them. A probe
 * whose metrics begin with VJ_SCORE_METRICS gives for each sample `outputs` numbers:
 *   measured labels: the numbers, in their unit;
 *   a class:         ln of each class's probability, up to a number that is the same for all of them;
 *   columns of 0, 1: a score each, the higher the likelier 1.
 * Gaps in measured labels are left out. Not collective. */
#ifndef VJ_ANALYSIS_METRICS_PREDICTION_SCORES_H
#define VJ_ANALYSIS_METRICS_PREDICTION_SCORES_H

#include <stdbool.h>

#include "vj/probe.h"

enum {
  VJ_SCORE_MSE,
  VJ_SCORE_R2,
  VJ_SCORE_MSE_VALIDATION,
  VJ_SCORE_BASELINE_MSE,
  VJ_SCORE_ACCURACY,
  VJ_SCORE_ACCURACY_VALIDATION,
  VJ_SCORE_CROSS_ENTROPY,
  VJ_SCORE_MAJORITY_ACCURACY,
  VJ_SCORE_MAP,
  VJ_SCORE_MAP_VALIDATION,
  VJ_SCORE_BASELINE_MAP,
  VJ_SCORES
};

/* Rows of vj_metric, in that order. */
#define VJ_SCORE_METRICS                                                                                             \
  [VJ_SCORE_MSE] = {"mse", VJ_METRIC_SCALAR, "label^2", "mean squared error on the test split"},                     \
  [VJ_SCORE_R2] = {"r2", VJ_METRIC_SCALAR, "",                                                                       \
                   "1 - squared error / squared deviation from the test mean; mean over the outputs that vary, NaN " \
                   "if none"},                                                                                       \
  [VJ_SCORE_MSE_VALIDATION] = {"mse_validation", VJ_METRIC_SCALAR, "label^2",                                        \
                               "mean squared error on the validation split, the least of what was tried"},           \
  [VJ_SCORE_BASELINE_MSE] = {"baseline_mse", VJ_METRIC_SCALAR, "label^2",                                            \
                             "mean squared error of predicting the train mean on the test split"},                   \
  [VJ_SCORE_ACCURACY] = {"accuracy", VJ_METRIC_SCALAR, "", "share of the test split that is predicted right"},       \
  [VJ_SCORE_ACCURACY_VALIDATION] = {"accuracy_validation", VJ_METRIC_SCALAR, "",                                     \
                                    "the same of the validation split, the best of what was tried"},                 \
  [VJ_SCORE_CROSS_ENTROPY] = {"cross_entropy", VJ_METRIC_SCALAR, "nat",                                              \
                              "mean -ln of the probability given to the true class on the test split"},              \
  [VJ_SCORE_MAJORITY_ACCURACY] = {"majority_accuracy", VJ_METRIC_SCALAR, "",                                         \
                                  "share of the test split that is of the commonest class of train"},                \
  [VJ_SCORE_MAP] = {"map", VJ_METRIC_SCALAR, "",                                                                     \
                    "mean average precision on the test split, over the columns with a positive"},                   \
  [VJ_SCORE_MAP_VALIDATION] = {"map_validation", VJ_METRIC_SCALAR, "",                                               \
                               "the same of the validation split, the best of what was tried"},                      \
  [VJ_SCORE_BASELINE_MAP] = {"baseline_map", VJ_METRIC_SCALAR, "",                                                   \
                             "map of one score for all: the mean share of positives"}

/* Of a vj_probe_ops whose own metrics, after VJ_SCORES of these, have the bits `own`. */
#define VJ_SCORE_MASKS(own)                                                                                            \
  .by_label_share =                                                                                                    \
      1 << VJ_SCORE_MSE | 1 << VJ_SCORE_R2 | 1 << VJ_SCORE_ACCURACY | 1 << VJ_SCORE_CROSS_ENTROPY | 1 << VJ_SCORE_MAP, \
  .by_horizon =                                                                                                        \
      1 << VJ_SCORE_MSE | 1 << VJ_SCORE_R2 | 1 << VJ_SCORE_ACCURACY | 1 << VJ_SCORE_CROSS_ENTROPY | 1 << VJ_SCORE_MAP, \
  .of_kind = {                                                                                                         \
      [VJ_LABEL_REAL] =                                                                                                \
          1 << VJ_SCORE_MSE | 1 << VJ_SCORE_R2 | 1 << VJ_SCORE_MSE_VALIDATION | 1 << VJ_SCORE_BASELINE_MSE | (own),    \
      [VJ_LABEL_CLASS] = 1 << VJ_SCORE_ACCURACY | 1 << VJ_SCORE_ACCURACY_VALIDATION | 1 << VJ_SCORE_CROSS_ENTROPY |    \
                         1 << VJ_SCORE_MAJORITY_ACCURACY | (own),                                                      \
      [VJ_LABEL_FLAGS] = 1 << VJ_SCORE_MAP | 1 << VJ_SCORE_MAP_VALIDATION | 1 << VJ_SCORE_BASELINE_MAP | (own)}

/* VJ_CONFIG for several classes a sample. */
VJ_MUST_USE vj_status vj_score_check(const char *probe, const vj_label *label);

/* Numbers predicted for a sample: the label's width, or the number of classes. */
int64_t vj_score_outputs(const vj_label *label);

/* Of one split. What does not belong to the label's kind is NaN. */
typedef struct vj_scores {
  double mse, r2, accuracy, cross_entropy, map;
} vj_scores;

/* predicted [samples, outputs] */
VJ_MUST_USE vj_status vj_score(const vj_label *label, const vj_features *split, const double *predicted,
                               vj_scores *scores);
/* By mse, accuracy (then cross-entropy) or map; a NaN is worse than any number. */
bool vj_score_is_better(const vj_label *label, const vj_scores *one, const vj_scores *other);

/* Fills results[0..VJ_SCORES-1] from the scores on test and validation, and what guessing by the train labels gets. */
VJ_MUST_USE vj_status vj_score_report(const vj_probe_input *input, const vj_scores *test, const vj_scores *validation,
                                      double *const *results);

#endif
