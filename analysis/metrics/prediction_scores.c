#include "analysis/metrics/prediction_scores.h"

#include <math.h>
#include <stdlib.h>

#include "analysis/metrics/average_precision.h"
#include "analysis/metrics/features.h"
#include "analysis/metrics/softmax.h"
#include "vj/memory.h"

vj_status vj_score_check(const char *probe, const vj_label *label) {
  if (label->kind != VJ_LABEL_CLASS || label->width == 1) return VJ_OK;
  return vj_fail(VJ_CONFIG, "label \"%s\" has %lld classes for each sample, and %s predicts one", label->name,
                 (long long)label->width, probe);
}

int64_t vj_score_outputs(const vj_label *label) {
  return label->kind == VJ_LABEL_CLASS ? label->classes : label->width;
}

/* --- measured labels ----------------------------------------------------------------------------------------- */

/* Sums of an output's squares, over the samples that have it. */
typedef struct squares {
  double error, deviation, mean;
  int64_t known;
} squares;

static squares squares_of(const vj_features *split, int64_t width, int64_t output, const double *predicted) {
  squares s = {0};
  for (int64_t i = 0; i < split->samples; i++) {
    const float value = split->target[i * width + output];
    if (isnan(value)) continue;
    s.mean += value;
    s.known++;
  }
  s.mean /= (double)s.known;
  for (int64_t i = 0; i < split->samples; i++) {
    const double value = split->target[i * width + output], error = predicted[i * width + output] - value;
    if (isnan(value)) continue;
    s.error += error * error;
    s.deviation += (value - s.mean) * (value - s.mean);
  }
  return s;
}

static void score_numbers(const vj_label *label, const vj_features *split, const double *predicted, vj_scores *scores) {
  double error = 0, r2 = 0;
  int64_t known = 0, varying = 0;
  for (int64_t k = 0; k < label->width; k++) {
    const squares s = squares_of(split, label->width, k, predicted);
    if (!s.known) continue;
    error += s.error;
    known += s.known;
    if (!vj_column_varies(s.mean, sqrt(s.deviation / (double)s.known))) continue;
    r2 += 1 - s.error / s.deviation;
    varying++;
  }
  scores->mse = known ? error / (double)known : NAN;
  scores->r2 = varying ? r2 / (double)varying : NAN;
}

/* --- a class ------------------------------------------------------------------------------------------------- */

static void score_class(const vj_label *label, const vj_features *split, const double *predicted, vj_scores *scores) {
  const int64_t classes = label->classes;
  double right = 0, loss = 0;
  for (int64_t i = 0; i < split->samples; i++) {
    const double *row = predicted + i * classes;
    const int64_t truth = (int64_t)split->target[i];
    int64_t best = 0;
    for (int64_t k = 1; k < classes; k++)
      if (row[k] > row[best]) best = k;
    right += best == truth;
    loss += vj_log_sum_exp(classes, 1, row) - row[truth];
  }
  scores->accuracy = right / (double)split->samples;
  scores->cross_entropy = loss / (double)split->samples;
}

/* --- columns of 0 and 1 -------------------------------------------------------------------------------------- */

static vj_status score_flags(const vj_label *label, const vj_features *split, const double *predicted,
                             vj_scores *scores) {
  const int64_t n = split->samples, columns = label->width;
  double *column = NULL, sum = 0;
  bool *truths = NULL;
  int64_t counted = 0;
  vj_status status;
  VJ_TRY_GOTO(status, vj_allocate((size_t)n, sizeof *column, "scores", &column), done);
  VJ_TRY_GOTO(status, vj_allocate((size_t)n, sizeof *truths, "labels", &truths), done);
  for (int64_t c = 0; c < columns; c++) {
    vj_average_precision ap;
    for (int64_t i = 0; i < n; i++) {
      column[i] = predicted[i * columns + c];
      truths[i] = split->target[i * columns + c] > 0;
    }
    VJ_TRY_GOTO(status, vj_average_precision_of(n, column, truths, &ap), done);
    if (!ap.positives) continue;
    sum += ap.plain;
    counted++;
  }
  scores->map = counted ? sum / (double)counted : NAN;
done:
  free(truths);
  free(column);
  return status;
}

/* --- all of them --------------------------------------------------------------------------------------------- */

vj_status vj_score(const vj_label *label, const vj_features *split, const double *predicted, vj_scores *scores) {
  *scores = (vj_scores){NAN, NAN, NAN, NAN, NAN};
  switch (label->kind) {
    case VJ_LABEL_REAL:
      score_numbers(label, split, predicted, scores);
      return VJ_OK;
    case VJ_LABEL_CLASS:
      score_class(label, split, predicted, scores);
      return VJ_OK;
    case VJ_LABEL_FLAGS:
      return score_flags(label, split, predicted, scores);
  }
  return VJ_OK;
}

static bool is_less(double one, double other) { return one < other || (!isnan(one) && isnan(other)); }

bool vj_score_is_better(const vj_label *label, const vj_scores *one, const vj_scores *other) {
  if (label->kind == VJ_LABEL_REAL) return is_less(one->mse, other->mse);
  if (label->kind == VJ_LABEL_FLAGS) return is_less(-one->map, -other->map);
  if (one->accuracy != other->accuracy) return one->accuracy > other->accuracy;
  return is_less(one->cross_entropy, other->cross_entropy);
}

/* What is predicted of every sample without looking at it, [outputs]: mean, or share of each class. */
static void guess(const vj_probe_input *input, double *guessed) {
  const vj_features *train = &input->split[VJ_TRAIN];
  const int64_t outputs = vj_score_outputs(input->label), width = input->label->width;
  for (int64_t k = 0; k < outputs; k++) {
    double sum = 0, known = 0;
    for (int64_t i = 0; i < train->samples; i++) {
      const float value = train->target[i * width + (width == 1 ? 0 : k)];
      if (isnan(value)) continue;
      sum += input->label->kind == VJ_LABEL_CLASS ? (int64_t)value == k : value;
      known++;
    }
    guessed[k] = sum / known;
  }
}

static vj_status score_guess(const vj_probe_input *input, vj_scores *scores) {
  const vj_features *test = &input->split[VJ_TEST];
  const int64_t outputs = vj_score_outputs(input->label);
  double *predicted = NULL;
  VJ_TRY(vj_allocate((size_t)((test->samples + 1) * outputs), sizeof *predicted, "predictions", &predicted));
  double *guessed = predicted + test->samples * outputs;
  guess(input, guessed);
  for (int64_t i = 0; i < test->samples; i++)
    for (int64_t k = 0; k < outputs; k++) predicted[i * outputs + k] = guessed[k];
  const vj_status status = vj_score(input->label, test, predicted, scores);
  free(predicted);
  return status;
}

vj_status vj_score_report(const vj_probe_input *input, const vj_scores *test, const vj_scores *validation,
                          double *const *results) {
  vj_scores guessed;
  VJ_TRY(score_guess(input, &guessed));
  *results[VJ_SCORE_MSE] = test->mse;
  *results[VJ_SCORE_R2] = test->r2;
  *results[VJ_SCORE_MSE_VALIDATION] = validation->mse;
  *results[VJ_SCORE_BASELINE_MSE] = guessed.mse;
  *results[VJ_SCORE_ACCURACY] = test->accuracy;
  *results[VJ_SCORE_ACCURACY_VALIDATION] = validation->accuracy;
  *results[VJ_SCORE_CROSS_ENTROPY] = test->cross_entropy;
  *results[VJ_SCORE_MAJORITY_ACCURACY] = guessed.accuracy;
  *results[VJ_SCORE_MAP] = test->map;
  *results[VJ_SCORE_MAP_VALIDATION] = validation->map;
  *results[VJ_SCORE_BASELINE_MAP] = guessed.map;
  return VJ_OK;
}
