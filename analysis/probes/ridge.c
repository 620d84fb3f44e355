/* Probes: components that a model's frozen features are measured with while it trains, a file each. May see vj/... and
 * analysis/metrics. Begin here.
 *
 * A frozen linear probe: ridge regression from a view's features, all steps side by side, to measured labels.
 *
 * See analysis/metrics/ridge_regression.h for the formula. lambda is the one of the least squared error on the
 * validation split, and what is reported comes from the test split (Hoerl and Kennard 1970). Where a label has gaps,
 * all of this is about the numbers that are there. */
#include <math.h>
#include <stdlib.h>

#include "analysis/metrics/clusters.h"
#include "analysis/metrics/ridge_regression.h"
#include "vj/component.h"
#include "vj/memory.h"

static const vj_param params[] = {VJ_PENALTY_ROWS("-4", "4", "9")};

enum { MSE, R2, MSE_VALIDATION, BASELINE_MSE, LAMBDA, MSE_STANDARDISED, MSE_ERROR, METRICS };

static const vj_metric metrics[METRICS] = {
    [MSE] = {"mse", VJ_METRIC_SCALAR, "label^2", "mean squared error of a frozen linear probe on the test split"},
    [R2] = {"r2", VJ_METRIC_SCALAR, "",
            "1 - squared error / squared deviation from the test mean; mean over the outputs that vary, NaN if none"},
    [MSE_VALIDATION] = {"mse_validation", VJ_METRIC_SCALAR, "label^2",
                        "mean squared error on the validation split, the least over lambda"},
    [BASELINE_MSE] = {"baseline_mse", VJ_METRIC_SCALAR, "label^2",
                      "mean squared error of predicting the train mean on the test split"},
    [LAMBDA] = {"lambda", VJ_METRIC_SCALAR, "", "ridge penalty chosen on the validation split, for each train sample"},
    [MSE_STANDARDISED] = {"mse_standardised", VJ_METRIC_SCALAR, "",
                          "mse of labels divided by their deviation in train, of those that vary there, NaN if none"},
    [MSE_ERROR] = {"mse_se", VJ_METRIC_SCALAR, "label^2",
                   "standard error of mse over the test clips, those of one video taken together"},
};

static vj_status check(const void *config, const vj_label *label) {
  if (label->kind == VJ_LABEL_CLASS)
    return vj_fail(VJ_CONFIG,
                   "label \"%s\" is one of %lld classes, and ridge predicts measured numbers; classes need a logistic "
                   "probe",
                   label->name, (long long)label->classes);
  return vj_penalties_check(config);
}

typedef struct test_squares {
  int64_t outputs;
  double *at;     /* [q], sums of squared errors */
  int64_t *known; /* [q], of how many */
  int64_t sample; /* the next one */
  double *of_sample;
  int64_t *known_of_sample; /* likewise, of all outputs */
} test_squares;

static void add_squares(void *context, const double *predicted, const float *target) {
  test_squares *squares = context;
  for (int64_t k = 0; k < squares->outputs; k++) {
    const double error = predicted[k] - target[k];
    if (isnan(error)) continue;
    squares->at[k] += error * error;
    squares->known[k]++;
    squares->of_sample[squares->sample] += error * error;
    squares->known_of_sample[squares->sample]++;
  }
  squares->sample++;
}

static double mean_square(const vj_ridge *r, const double *squares, const int64_t *known) {
  double sum = 0;
  int64_t count = 0;
  for (int64_t k = 0; k < r->outputs; k++) sum += squares[k], count += known[k];
  return count ? sum / (double)count : NAN;
}

static double mean_standardised_square(const vj_ridge *r, const double *squares, const int64_t *known) {
  double sum = 0;
  int64_t count = 0;
  for (int64_t k = 0; k < r->outputs; k++) {
    const double deviation = r->target_deviation[k];
    if (!known[k] || !vj_column_varies(r->target_mean[k], deviation)) continue;
    sum += squares[k] / (deviation * deviation);
    count += known[k];
  }
  return count ? sum / (double)count : NAN;
}

/* What the test labels do by themselves: sums of squares about a mean, [q] each; 0 about one that is NaN. */
static void label_squares(const vj_ridge *r, const double *mean, double *squares) {
  const vj_features *test = &r->input->split[VJ_TEST];
  for (int64_t k = 0; k < r->outputs; k++) squares[k] = 0;
  for (int64_t i = 0; i < test->samples; i++) {
    for (int64_t k = 0; k < r->outputs; k++) {
      const double deviation = test->target[i * r->outputs + k] - mean[k];
      if (!isnan(deviation)) squares[k] += deviation * deviation;
    }
  }
}

/* Room for numbers of each output. */
typedef struct moments {
  double *errors, *mean, *deviation, *squares;
  int64_t *known, *in_test;
} moments;

static double mean_r2(const vj_ridge *r, moments *m) {
  double sum = 0;
  int64_t counted = 0;
  vj_label_moments(&r->input->split[VJ_TEST], r->outputs, m->mean, m->deviation, m->in_test);
  label_squares(r, m->mean, m->squares);
  for (int64_t k = 0; k < r->outputs; k++) {
    if (!m->known[k] || !vj_column_varies(m->mean[k], m->deviation[k])) continue;
    sum += 1 - m->errors[k] / m->squares[k];
    counted++;
  }
  return counted ? sum / (double)counted : NAN;
}

static vj_status score_test(const vj_ridge *r, moments *m, double *error) {
  const int64_t samples = r->input->split[VJ_TEST].samples;
  test_squares squares = {.outputs = r->outputs, .at = m->errors, .known = m->known};
  vj_status status;
  VJ_TRY_GOTO(status, vj_allocate((size_t)samples, sizeof(double), "errors of samples", &squares.of_sample), done);
  VJ_TRY_GOTO(status, vj_allocate((size_t)samples, sizeof(int64_t), "counts of labels", &squares.known_of_sample),
              done);
  VJ_TRY_GOTO(status, vj_ridge_predict(r, VJ_TEST, &squares, add_squares), done);
  VJ_TRY_GOTO(status,
              vj_clustered_error(samples, squares.of_sample, squares.known_of_sample, r->input->test_videos, error),
              done);
done:
  free(squares.of_sample);
  free(squares.known_of_sample);
  return status;
}

static vj_status score_with(const vj_ridge *r, moments *m, double *const *results) {
  VJ_TRY(score_test(r, m, results[MSE_ERROR]));
  *results[MSE] = mean_square(r, m->errors, m->known);
  *results[MSE_STANDARDISED] = mean_standardised_square(r, m->errors, m->known);
  label_squares(r, r->target_mean, m->squares);
  *results[BASELINE_MSE] = mean_square(r, m->squares, m->known);
  *results[R2] = mean_r2(r, m);
  *results[MSE_VALIDATION] = r->validation_error;
  *results[LAMBDA] = r->lambda;
  return VJ_OK;
}

static vj_status score(const vj_ridge *r, double *const *results) {
  const size_t outputs = (size_t)r->outputs;
  double *room = NULL;
  int64_t *counts = NULL;
  vj_status status;
  VJ_TRY_GOTO(status, vj_allocate(4 * outputs, sizeof *room, "label moments", &room), done);
  VJ_TRY_GOTO(status, vj_allocate(2 * outputs, sizeof *counts, "counts of labels", &counts), done);
  moments m = {room, room + outputs, room + 2 * outputs, room + 3 * outputs, counts, counts + outputs};
  VJ_TRY_GOTO(status, score_with(r, &m, results), done);
done:
  free(counts);
  free(room);
  return status;
}

static vj_status evaluate(const void *config, const vj_probe_input *input, double *const *results) {
  vj_ridge ridge;
  vj_status status;
  VJ_TRY_GOTO(status, vj_ridge_fit("ridge", input, config, &ridge), done);
  VJ_TRY_GOTO(status, score(&ridge, results), done);
done:
  vj_ridge_destroy(&ridge);
  return status;
}

const vj_component vj_probe_ridge = {
    .abi = VJ_ABI,
    .kind = VJ_PROBE,
    .name = "ridge",
    .summary = "ridge regression of a measured label from all steps of a view",
    .source = "Hoerl and Kennard, Ridge regression (Technometrics 12, 1970)",
    .params = params,
    .param_count = VJ_COUNT(params),
    .config_bytes = sizeof(vj_penalties),
    .as.probe = {.metrics = metrics,
                 .metric_count = METRICS,
                 .by_label_share = 1 << MSE | 1 << R2,
                 .by_horizon = 1 << MSE | 1 << R2,
                 .check = check,
                 .evaluate = evaluate},
};
