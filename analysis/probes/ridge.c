/* A frozen linear probe: ridge regression from a view's features, all steps side by side, to measured labels.
 *
 * With Z [N, D] the train features, each to mean 0 and variance 1, and Y [N, q] the train labels to mean 0,
 *   W = (Z'Z + lambda N I)^-1 Z'Y = Z' (Z Z' + lambda N I)^-1 Y,
 * the right-hand form where N < D. lambda is the one of the least squared error on the validation split, and what is
 * reported comes from the test split (Hoerl and Kennard 1970). Z of the other splits uses the moments of train. */
#include <cblas.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "../features.h"
#include "../lapack.h"
#include "vj/component.h"
#include "vj/memory.h"

enum { BLOCK = 256 /* samples predicted together */ };

typedef struct ridge_config {
  double lambda_min, lambda_max;
  int64_t lambda_count;
} ridge_config;

static const vj_param params[] = {
    VJ_REAL(ridge_config, lambda_min, "-4", -16, 16, "",
            "smallest lambda, as a power of ten: the penalty for each train sample, on features of variance 1"),
    VJ_REAL(ridge_config, lambda_max, "4", -16, 16, "", "largest lambda, as a power of ten"),
    VJ_INTEGER(ridge_config, lambda_count, "9", 1, 64, "",
               "number of lambdas, evenly spaced in the exponent; 1: lambda_min alone"),
};

enum { MSE, R2, MSE_VALIDATION, BASELINE_MSE, LAMBDA, METRICS };

static const vj_metric metrics[METRICS] = {
    [MSE] = {"mse", VJ_METRIC_SCALAR, "label^2", "mean squared error of a frozen linear probe on the test split"},
    [R2] = {"r2", VJ_METRIC_SCALAR, "",
            "1 - squared error / squared deviation from the test mean; mean over the outputs that vary, NaN if none"},
    [MSE_VALIDATION] = {"mse_validation", VJ_METRIC_SCALAR, "label^2",
                        "mean squared error on the validation split, the least over lambda"},
    [BASELINE_MSE] = {"baseline_mse", VJ_METRIC_SCALAR, "label^2",
                      "mean squared error of predicting the train mean on the test split"},
    [LAMBDA] = {"lambda", VJ_METRIC_SCALAR, "", "ridge penalty chosen on the validation split, for each train sample"},
};

typedef struct regression {
  const vj_probe_input *input;
  int64_t samples, features, outputs, candidates; /* N, D, q, number of lambdas */
  double *mean, *deviation;                       /* [D] of the train features */
  double *scale;                                  /* [D], 1 / deviation; 0 where a feature is constant */
  double *target_mean, *target_deviation;         /* [q] of the train labels */
  double *weights;                                /* [candidates, q, D] */
  double *squares;                                /* [candidates, q], sums of squared errors of one split */
  bool *solved;                                   /* [candidates] */
} regression;

static double candidate_lambda(const ridge_config *ridge, int64_t k) {
  const double share = ridge->lambda_count > 1 ? (double)k / (double)(ridge->lambda_count - 1) : 0;
  return pow(10, ridge->lambda_min + share * (ridge->lambda_max - ridge->lambda_min));
}

static vj_status check(const void *config, const vj_label *label) {
  const ridge_config *ridge = config;
  if (label->kind != VJ_LABEL_REAL)
    return vj_fail(VJ_CONFIG,
                   "label \"%s\" is one of %lld classes, and ridge predicts measured numbers; classes need a logistic "
                   "probe",
                   label->name, (long long)label->classes);
  if (ridge->lambda_max < ridge->lambda_min)
    return vj_fail(VJ_CONFIG, "lambda_max is %g, below lambda_min, which is %g; give the smaller exponent first",
                   ridge->lambda_max, ridge->lambda_min);
  return VJ_OK;
}

static vj_status check_split(const vj_probe_input *input, vj_split split) {
  static const char *const settings[VJ_SPLITS] = {"eval.probe_train", "eval.probe_validation", "eval.probe_test"};
  const vj_features *features = &input->split[split], *train = &input->split[VJ_TRAIN];
  const int64_t outputs = input->label->width;
  VJ_TRY(vj_features_check("ridge", features, split, split == VJ_TRAIN ? 2 : 1, settings[split]));
  if (features->steps != train->steps || features->width != train->width)
    return vj_fail(VJ_SHAPE, "ridge: train features are %lld steps x %lld, %s features are %lld steps x %lld",
                   (long long)train->steps, (long long)train->width, vj_probe_split_name(split),
                   (long long)features->steps, (long long)features->width);
  const int64_t bad = vj_first_not_finite(features->samples * outputs, features->target);
  if (bad >= 0)
    return vj_fail(VJ_DATA, "ridge: label \"%s\" of %s sample %lld is not a finite number; look at the data set",
                   input->label->name, vj_probe_split_name(split), (long long)(bad / outputs));
  return VJ_OK;
}

static vj_status prepare(regression *r) {
  const vj_features *train = &r->input->split[VJ_TRAIN];
  const size_t features = (size_t)r->features, outputs = (size_t)r->outputs, candidates = (size_t)r->candidates;
  VJ_TRY(vj_allocate(features, sizeof *r->mean, "feature means", &r->mean));
  VJ_TRY(vj_allocate(features, sizeof *r->deviation, "feature deviations", &r->deviation));
  VJ_TRY(vj_allocate(features, sizeof *r->scale, "feature scales", &r->scale));
  VJ_TRY(vj_allocate(outputs, sizeof *r->target_mean, "label means", &r->target_mean));
  VJ_TRY(vj_allocate(outputs, sizeof *r->target_deviation, "label deviations", &r->target_deviation));
  VJ_TRY(vj_allocate(candidates * outputs * features, sizeof *r->weights, "ridge weights", &r->weights));
  VJ_TRY(vj_allocate(candidates * outputs, sizeof *r->squares, "squared errors", &r->squares));
  VJ_TRY(vj_allocate(candidates, sizeof *r->solved, "ridge candidates", &r->solved));
  vj_column_moments(r->samples, r->features, train->values, r->mean, r->deviation);
  vj_column_moments(r->samples, r->outputs, train->target, r->target_mean, r->target_deviation);
  /* A constant feature is zeroed and keeps its place; what it does elsewhere than in train is not known. */
  for (int64_t j = 0; j < r->features; j++)
    r->scale[j] = vj_column_varies(r->mean[j], r->deviation[j]) ? 1 / r->deviation[j] : 0;
  return VJ_OK;
}

static void release(regression *r) {
  free(r->solved);
  free(r->squares);
  free(r->weights);
  free(r->target_deviation);
  free(r->target_mean);
  free(r->scale);
  free(r->deviation);
  free(r->mean);
}

/* Samples first..first+count of a split -> z [count, D], row-major. */
static void standardise(const regression *r, vj_split split, int64_t first, int64_t count, double *z) {
  const float *values = r->input->split[split].values + first * r->features;
  for (int64_t i = 0; i < count; i++)
    for (int64_t j = 0; j < r->features; j++)
      z[i * r->features + j] = (values[i * r->features + j] - r->mean[j]) * r->scale[j];
}

/* The train labels to mean 0 -> y [q, N], row-major. */
static void centre_labels(const regression *r, double *y) {
  const float *target = r->input->split[VJ_TRAIN].target;
  for (int64_t i = 0; i < r->samples; i++)
    for (int64_t k = 0; k < r->outputs; k++) y[k * r->samples + i] = target[i * r->outputs + k] - r->target_mean[k];
}

/* Solves (system + lambda N I) x = side for every lambda: sides [q, order] -> solutions [candidates, q, order]. */
static vj_status solve_path(const regression *r, const ridge_config *ridge, int64_t order, const double *system,
                            const double *sides, double *solutions) {
  const size_t square = (size_t)(order * order), block = (size_t)(r->outputs * order);
  double *factor = NULL;
  vj_status status;
  VJ_TRY_GOTO(status, vj_allocate(square, sizeof *factor, "Cholesky factor", &factor), done);
  for (int64_t k = 0; k < r->candidates; k++) {
    double *solution = solutions + (size_t)k * block;
    memcpy(factor, system, square * sizeof *factor);
    memcpy(solution, sides, block * sizeof *solution);
    for (int64_t i = 0; i < order; i++) factor[i * order + i] += candidate_lambda(ridge, k) * (double)r->samples;
    VJ_TRY_GOTO(status, vj_cholesky_solve(order, factor, r->outputs, solution, &r->solved[k]), done);
  }
done:
  free(factor);
  return status;
}

/* N >= D: with Z'Z. */
static vj_status fit_primal(regression *r, const ridge_config *ridge, const double *z, const double *y) {
  const int n = (int)r->samples, d = (int)r->features, q = (int)r->outputs;
  double *system = NULL, *sides = NULL;
  vj_status status;
  VJ_TRY_GOTO(status, vj_allocate((size_t)d * (size_t)d, sizeof *system, "ridge system", &system), done);
  VJ_TRY_GOTO(status, vj_allocate((size_t)q * (size_t)d, sizeof *sides, "ridge right-hand sides", &sides), done);
  cblas_dsyrk(CblasRowMajor, CblasLower, CblasTrans, d, n, 1, z, d, 0, system, d);
  cblas_dgemm(CblasRowMajor, CblasNoTrans, CblasNoTrans, q, d, n, 1, y, n, z, d, 0, sides, d);
  VJ_TRY_GOTO(status, solve_path(r, ridge, d, system, sides, r->weights), done);
done:
  free(sides);
  free(system);
  return status;
}

/* N < D: with Z Z', then W = Z' A. */
static vj_status fit_dual(regression *r, const ridge_config *ridge, const double *z, const double *y) {
  const int n = (int)r->samples, d = (int)r->features, all = (int)(r->candidates * r->outputs);
  double *system = NULL, *duals = NULL;
  vj_status status;
  VJ_TRY_GOTO(status, vj_allocate((size_t)n * (size_t)n, sizeof *system, "ridge system", &system), done);
  VJ_TRY_GOTO(status, vj_allocate((size_t)all * (size_t)n, sizeof *duals, "dual weights", &duals), done);
  cblas_dsyrk(CblasRowMajor, CblasLower, CblasNoTrans, n, d, 1, z, d, 0, system, n);
  VJ_TRY_GOTO(status, solve_path(r, ridge, n, system, y, duals), done);
  cblas_dgemm(CblasRowMajor, CblasNoTrans, CblasNoTrans, all, d, n, 1, duals, n, z, d, 0, r->weights, d);
done:
  free(duals);
  free(system);
  return status;
}

static vj_status fit(regression *r, const ridge_config *ridge) {
  double *z = NULL, *y = NULL;
  vj_status status;
  VJ_TRY_GOTO(status, vj_allocate((size_t)(r->samples * r->features), sizeof *z, "train features", &z), done);
  VJ_TRY_GOTO(status, vj_allocate((size_t)(r->samples * r->outputs), sizeof *y, "train labels", &y), done);
  standardise(r, VJ_TRAIN, 0, r->samples, z);
  centre_labels(r, y);
  if (r->samples < r->features)
    VJ_TRY_GOTO(status, fit_dual(r, ridge, z, y), done);
  else
    VJ_TRY_GOTO(status, fit_primal(r, ridge, z, y), done);
done:
  free(y);
  free(z);
  return status;
}

/* Sums of squared errors on a split for `models` sets of weights [models, q, D] -> r->squares [models, q]. */
static vj_status squared_errors(regression *r, vj_split split, int64_t models, const double *weights) {
  const vj_features *features = &r->input->split[split];
  const int64_t all = models * r->outputs, d = r->features;
  double *z = NULL, *predicted = NULL;
  vj_status status;
  VJ_TRY_GOTO(status, vj_allocate((size_t)(BLOCK * d), sizeof *z, "features", &z), done);
  VJ_TRY_GOTO(status, vj_allocate((size_t)(BLOCK * all), sizeof *predicted, "predictions", &predicted), done);
  for (int64_t k = 0; k < all; k++) r->squares[k] = 0;
  for (int64_t first = 0; first < features->samples; first += BLOCK) {
    const int64_t count = features->samples - first < BLOCK ? features->samples - first : BLOCK;
    standardise(r, split, first, count, z);
    cblas_dgemm(CblasRowMajor, CblasNoTrans, CblasTrans, (int)count, (int)all, (int)d, 1, z, (int)d, weights, (int)d, 0,
                predicted, (int)all);
    for (int64_t i = 0; i < count; i++) {
      const float *target = features->target + (first + i) * r->outputs;
      for (int64_t k = 0; k < all; k++) {
        const int64_t output = k % r->outputs;
        const double error = predicted[i * all + k] + r->target_mean[output] - target[output];
        r->squares[k] += error * error;
      }
    }
  }
done:
  free(predicted);
  free(z);
  return status;
}

static double mean_square(const regression *r, vj_split split, const double *squares) {
  double sum = 0;
  for (int64_t k = 0; k < r->outputs; k++) sum += squares[k];
  return sum / ((double)r->input->split[split].samples * (double)r->outputs);
}

/* The lambda of the least validation error; of equal ones the largest, which claims least. */
static vj_status choose(regression *r, const ridge_config *ridge, int64_t *chosen, double *const *results) {
  VJ_TRY(squared_errors(r, VJ_VALIDATION, r->candidates, r->weights));
  *chosen = -1;
  double least = INFINITY;
  for (int64_t k = 0; k < r->candidates; k++) {
    const double error = mean_square(r, VJ_VALIDATION, r->squares + k * r->outputs);
    if (!r->solved[k] || error > least) continue;
    least = error;
    *chosen = k;
  }
  if (*chosen < 0)
    return vj_fail(VJ_NUMERIC,
                   "ridge: no lambda from 1e%g to 1e%g makes the system of %lld train samples and %lld features "
                   "positive definite; raise lambda_max",
                   ridge->lambda_min, ridge->lambda_max, (long long)r->samples, (long long)r->features);
  *results[MSE_VALIDATION] = least;
  *results[LAMBDA] = candidate_lambda(ridge, *chosen);
  return VJ_OK;
}

/* What the test labels do by themselves: sums of squares about their own mean and about the train mean, [q] each. */
static void label_squares(const regression *r, const double *mean, double *squares) {
  const vj_features *test = &r->input->split[VJ_TEST];
  for (int64_t k = 0; k < r->outputs; k++) squares[k] = 0;
  for (int64_t i = 0; i < test->samples; i++) {
    for (int64_t k = 0; k < r->outputs; k++) {
      const double deviation = test->target[i * r->outputs + k] - mean[k];
      squares[k] += deviation * deviation;
    }
  }
}

static vj_status score(regression *r, int64_t chosen, double *const *results) {
  const vj_features *test = &r->input->split[VJ_TEST];
  const size_t outputs = (size_t)r->outputs;
  double *mean = NULL; /* [q] each: mean, deviation, squares */
  VJ_TRY(squared_errors(r, VJ_TEST, 1, r->weights + chosen * r->outputs * r->features));
  VJ_TRY(vj_allocate(3 * outputs, sizeof *mean, "label moments", &mean));
  double *deviation = mean + outputs, *squares = mean + 2 * outputs;
  *results[MSE] = mean_square(r, VJ_TEST, r->squares);
  label_squares(r, r->target_mean, squares);
  *results[BASELINE_MSE] = mean_square(r, VJ_TEST, squares);
  vj_column_moments(test->samples, r->outputs, test->target, mean, deviation);
  label_squares(r, mean, squares);
  double sum = 0;
  int64_t counted = 0;
  for (int64_t k = 0; k < r->outputs; k++) {
    if (!vj_column_varies(mean[k], deviation[k])) continue;
    sum += 1 - r->squares[k] / squares[k];
    counted++;
  }
  *results[R2] = counted ? sum / (double)counted : NAN;
  free(mean);
  return VJ_OK;
}

static vj_status evaluate(const void *config, const vj_probe_input *input, double *const *results) {
  const ridge_config *ridge = config;
  const vj_features *train = &input->split[VJ_TRAIN];
  for (vj_split split = VJ_TRAIN; split < VJ_SPLITS; split++) VJ_TRY(check_split(input, split));
  vj_lapack_single_thread();
  regression r = {.input = input,
                  .samples = train->samples,
                  .features = train->steps * train->width,
                  .outputs = input->label->width,
                  .candidates = ridge->lambda_count};
  int64_t chosen = 0;
  vj_status status;
  VJ_TRY_GOTO(status, prepare(&r), done);
  VJ_TRY_GOTO(status, fit(&r, ridge), done);
  VJ_TRY_GOTO(status, choose(&r, ridge, &chosen, results), done);
  VJ_TRY_GOTO(status, score(&r, chosen, results), done);
done:
  release(&r);
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
    .config_bytes = sizeof(ridge_config),
    .as.probe = {.metrics = metrics, .metric_count = METRICS, .check = check, .evaluate = evaluate},
};
