/* How well hy_pred foretells hy, step by step into the future, in two measures that losses do not scale away.
 *
 * With predictions p_it and truth h_it [d] of clip i = 1..n at target step t, and m_t the mean of h_it over clips:
 *
 *   cosine_t = 1/n sum_i <p_it, h_it> / (|p_it| |h_it|),
 *   centred cosine_t: the same of p_it - m_t and h_it - m_t,
 *   nmse_t = sum_i |p_it - h_it|^2 / sum_i |h_it - m_t|^2.
 *
 * Hidden states that all point the same way have a cosine near 1 whatever is predicted; the other two see through that:
 * to predict the mean is a centred cosine of 0 and an nmse of 1. A cosine with a vector of zeros counts as 0. */
#include <math.h>
#include <stdlib.h>

#include "analysis/metrics/features.h"
#include "vj/component.h"
#include "vj/memory.h"

enum { COSINE, COSINE_BY_HORIZON, CENTRED_COSINE, CENTRED_BY_HORIZON, NMSE, NMSE_BY_HORIZON, METRICS };

static const vj_metric metrics[METRICS] = {
    [COSINE] = {"cosine", VJ_METRIC_SCALAR, "",
                "cosine between predicted and true hidden state, mean over clips and steps"},
    [COSINE_BY_HORIZON] = {"cosine_by_horizon", VJ_METRIC_HORIZON, "", "the same for each target step"},
    [CENTRED_COSINE] = {"centred_cosine", VJ_METRIC_SCALAR, "",
                        "cosine between their differences from the step's mean true state, mean over clips and steps"},
    [CENTRED_BY_HORIZON] = {"centred_cosine_by_horizon", VJ_METRIC_HORIZON, "", "the same for each target step"},
    [NMSE] =
        {"nmse", VJ_METRIC_SCALAR, "",
         "squared error of the prediction / squared distance of true states from their mean of the step; 1: no better "
         "than the mean, NaN where nothing varies"},
    [NMSE_BY_HORIZON] = {"nmse_by_horizon", VJ_METRIC_HORIZON, "", "the same for each target step"},
};

static double cosine(int64_t width, const float *a, const float *b, const double *shift) {
  double product = 0, a_square = 0, b_square = 0;
  for (int64_t k = 0; k < width; k++) {
    const double x = a[k] - (shift ? shift[k] : 0), y = b[k] - (shift ? shift[k] : 0);
    product += x * y;
    a_square += x * x;
    b_square += y * y;
  }
  return a_square > 0 && b_square > 0 ? product / sqrt(a_square * b_square) : 0;
}

/* Sums over clips, of one step. */
typedef struct step_sums {
  double cosine, centred, error, deviation;
} step_sums;

static step_sums measure_step(const vj_features *predicted, const vj_features *truth, int64_t step, const double *mean,
                              const double *spread) {
  const int64_t d = truth->width, row = truth->steps * d;
  step_sums sums = {0};
  for (int64_t i = 0; i < truth->samples; i++) {
    const float *p = predicted->values + i * row + step * d, *h = truth->values + i * row + step * d;
    sums.cosine += cosine(d, p, h, NULL);
    sums.centred += cosine(d, p, h, mean);
    for (int64_t k = 0; k < d; k++) {
      const double error = (double)p[k] - h[k];
      sums.error += error * error;
    }
  }
  for (int64_t k = 0; k < d; k++) /* what moves by rounding alone does not vary */
    if (vj_column_varies(mean[k], spread[k])) sums.deviation += (double)truth->samples * spread[k] * spread[k];
  return sums;
}

static vj_status check_shapes(const vj_features *predicted, const vj_features *truth) {
  VJ_TRY(vj_features_check("alignment", predicted, VJ_VALIDATION, 1, "eval.samples"));
  VJ_TRY(vj_features_check("alignment", truth, VJ_VALIDATION, 1, "eval.samples"));
  if (predicted->samples == truth->samples && predicted->steps == truth->steps && predicted->width == truth->width)
    return VJ_OK;
  return vj_fail(VJ_SHAPE, "alignment: predicted are %lld steps x %lld, true hidden states %lld steps x %lld",
                 (long long)predicted->steps, (long long)predicted->width, (long long)truth->steps,
                 (long long)truth->width);
}

static vj_status evaluate(const void *config, const vj_probe_input *input, double *const *results) {
  (void)config;
  const vj_features *predicted = &input->split[VJ_VALIDATION], *truth = &input->truth;
  VJ_TRY(check_shapes(predicted, truth));
  const int64_t columns = truth->steps * truth->width;
  const double n = (double)truth->samples, steps = (double)truth->steps;
  double *mean = NULL, error = 0, deviation = 0;
  VJ_TRY(vj_allocate(2 * (size_t)columns, sizeof *mean, "means of hidden states", &mean));
  double *spread = mean + columns;
  vj_column_moments(truth->samples, columns, truth->values, mean, spread);
  *results[COSINE] = *results[CENTRED_COSINE] = 0;
  for (int64_t t = 0; t < truth->steps; t++) {
    const step_sums sums = measure_step(predicted, truth, t, mean + t * truth->width, spread + t * truth->width);
    results[COSINE_BY_HORIZON][t] = sums.cosine / n;
    results[CENTRED_BY_HORIZON][t] = sums.centred / n;
    results[NMSE_BY_HORIZON][t] = sums.deviation > 0 ? sums.error / sums.deviation : NAN;
    *results[COSINE] += sums.cosine / (n * steps);
    *results[CENTRED_COSINE] += sums.centred / (n * steps);
    error += sums.error;
    deviation += sums.deviation;
  }
  *results[NMSE] = deviation > 0 ? error / deviation : NAN;
  free(mean);
  return VJ_OK;
}

const vj_component vj_probe_alignment = {
    .abi = VJ_ABI,
    .kind = VJ_PROBE,
    .name = "alignment",
    .summary = "how well hy_pred foretells hy at each target step",
    .source = "cosine similarity and mean squared error over the variance of the target",
    .as.probe =
        {.metrics = metrics, .metric_count = METRICS, .is_measure = true, .is_comparison = true, .evaluate = evaluate},
};
