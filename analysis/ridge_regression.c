#include "ridge_regression.h"

#include <cblas.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "lapack.h"
#include "vj/memory.h"

enum { BLOCK = 256 /* samples predicted together */ };

/* --- fitting ------------------------------------------------------------------------------------------------- */

static vj_status prepare(vj_ridge *r) {
  const vj_features *train = &r->input->split[VJ_TRAIN];
  const size_t features = (size_t)r->features, outputs = (size_t)r->outputs, candidates = (size_t)r->candidates;
  double *deviation = NULL;
  VJ_TRY(vj_standard_create(r->input, &r->standard));
  VJ_TRY(vj_allocate(outputs, sizeof *r->target_mean, "label means", &r->target_mean));
  VJ_TRY(vj_allocate(candidates * outputs * features, sizeof *r->weights, "ridge weights", &r->weights));
  VJ_TRY(vj_allocate(candidates, sizeof *r->solved, "ridge candidates", &r->solved));
  VJ_TRY(vj_allocate(outputs, sizeof *deviation, "label deviations", &deviation));
  vj_column_moments(r->samples, r->outputs, train->target, r->target_mean, deviation);
  free(deviation);
  return VJ_OK;
}

/* The train labels to mean 0 -> y [q, N], row-major. */
static void centre_labels(const vj_ridge *r, double *y) {
  const float *target = r->input->split[VJ_TRAIN].target;
  for (int64_t i = 0; i < r->samples; i++)
    for (int64_t k = 0; k < r->outputs; k++) y[k * r->samples + i] = target[i * r->outputs + k] - r->target_mean[k];
}

/* Solves (system + lambda N I) x = side for every lambda: sides [q, order] -> solutions [candidates, q, order]. */
static vj_status solve_path(const vj_ridge *r, const vj_penalties *penalties, int64_t order, const double *system,
                            const double *sides, double *solutions) {
  const size_t square = (size_t)(order * order), block = (size_t)(r->outputs * order);
  double *factor = NULL;
  vj_status status;
  VJ_TRY_GOTO(status, vj_allocate(square, sizeof *factor, "Cholesky factor", &factor), done);
  for (int64_t k = 0; k < r->candidates; k++) {
    double *solution = solutions + (size_t)k * block;
    memcpy(factor, system, square * sizeof *factor);
    memcpy(solution, sides, block * sizeof *solution);
    for (int64_t i = 0; i < order; i++) factor[i * order + i] += vj_penalty_at(penalties, k) * (double)r->samples;
    VJ_TRY_GOTO(status, vj_cholesky_solve(order, factor, r->outputs, solution, &r->solved[k]), done);
  }
done:
  free(factor);
  return status;
}

/* N >= D: with Z'Z. */
static vj_status fit_primal(vj_ridge *r, const vj_penalties *penalties, const double *z, const double *y) {
  const int n = (int)r->samples, d = (int)r->features, q = (int)r->outputs;
  double *system = NULL, *sides = NULL;
  vj_status status;
  VJ_TRY_GOTO(status, vj_allocate((size_t)d * (size_t)d, sizeof *system, "ridge system", &system), done);
  VJ_TRY_GOTO(status, vj_allocate((size_t)q * (size_t)d, sizeof *sides, "ridge right-hand sides", &sides), done);
  cblas_dsyrk(CblasRowMajor, CblasLower, CblasTrans, d, n, 1, z, d, 0, system, d);
  cblas_dgemm(CblasRowMajor, CblasNoTrans, CblasNoTrans, q, d, n, 1, y, n, z, d, 0, sides, d);
  VJ_TRY_GOTO(status, solve_path(r, penalties, d, system, sides, r->weights), done);
done:
  free(sides);
  free(system);
  return status;
}

/* N < D: with Z Z', then W = Z' A. */
static vj_status fit_dual(vj_ridge *r, const vj_penalties *penalties, const double *z, const double *y) {
  const int n = (int)r->samples, d = (int)r->features, all = (int)(r->candidates * r->outputs);
  double *system = NULL, *duals = NULL;
  vj_status status;
  VJ_TRY_GOTO(status, vj_allocate((size_t)n * (size_t)n, sizeof *system, "ridge system", &system), done);
  VJ_TRY_GOTO(status, vj_allocate((size_t)all * (size_t)n, sizeof *duals, "dual weights", &duals), done);
  cblas_dsyrk(CblasRowMajor, CblasLower, CblasNoTrans, n, d, 1, z, d, 0, system, n);
  VJ_TRY_GOTO(status, solve_path(r, penalties, n, system, y, duals), done);
  cblas_dgemm(CblasRowMajor, CblasNoTrans, CblasNoTrans, all, d, n, 1, duals, n, z, d, 0, r->weights, d);
done:
  free(duals);
  free(system);
  return status;
}

static vj_status fit_all(vj_ridge *r, const vj_penalties *penalties) {
  double *z = NULL, *y = NULL;
  vj_status status;
  VJ_TRY_GOTO(status, vj_allocate((size_t)(r->samples * r->features), sizeof *z, "train features", &z), done);
  VJ_TRY_GOTO(status, vj_allocate((size_t)(r->samples * r->outputs), sizeof *y, "train labels", &y), done);
  vj_standard_apply(&r->standard, VJ_TRAIN, 0, r->samples, z);
  centre_labels(r, y);
  if (r->samples < r->features)
    VJ_TRY_GOTO(status, fit_dual(r, penalties, z, y), done);
  else
    VJ_TRY_GOTO(status, fit_primal(r, penalties, z, y), done);
done:
  free(y);
  free(z);
  return status;
}

/* --- predicting ---------------------------------------------------------------------------------------------- */

/* Calls `take` with every sample of a split: what `models` sets of weights [models, q, D] predict, [models, q]. */
static vj_status predict(const vj_ridge *r, vj_split split, int64_t models, const double *weights, void *context,
                         void (*take)(void *context, const double *predicted, const float *target)) {
  const vj_features *features = &r->input->split[split];
  const int64_t all = models * r->outputs, d = r->features;
  double *z = NULL, *predicted = NULL;
  vj_status status;
  VJ_TRY_GOTO(status, vj_allocate((size_t)(BLOCK * d), sizeof *z, "features", &z), done);
  VJ_TRY_GOTO(status, vj_allocate((size_t)(BLOCK * all), sizeof *predicted, "predictions", &predicted), done);
  for (int64_t first = 0; first < features->samples; first += BLOCK) {
    const int64_t count = features->samples - first < BLOCK ? features->samples - first : BLOCK;
    vj_standard_apply(&r->standard, split, first, count, z);
    cblas_dgemm(CblasRowMajor, CblasNoTrans, CblasTrans, (int)count, (int)all, (int)d, 1, z, (int)d, weights, (int)d, 0,
                predicted, (int)all);
    for (int64_t i = 0; i < count; i++) {
      for (int64_t k = 0; k < all; k++) predicted[i * all + k] += r->target_mean[k % r->outputs];
      take(context, predicted + i * all, features->target + (first + i) * r->outputs);
    }
  }
done:
  free(predicted);
  free(z);
  return status;
}

vj_status vj_ridge_predict(const vj_ridge *ridge, vj_split split, void *context,
                           void (*take)(void *context, const double *predicted, const float *target)) {
  const double *weights = ridge->weights + ridge->chosen * ridge->outputs * ridge->features;
  VJ_TRY(predict(ridge, split, 1, weights, context, take));
  return VJ_OK;
}

/* --- choosing lambda ----------------------------------------------------------------------------------------- */

typedef struct candidate_squares {
  int64_t outputs, count; /* q, candidates * q */
  double *at;             /* [candidates, q], sums of squared errors */
} candidate_squares;

static void add_squares(void *context, const double *predicted, const float *target) {
  const candidate_squares *squares = context;
  for (int64_t k = 0; k < squares->count; k++) {
    const double error = predicted[k] - target[k % squares->outputs];
    squares->at[k] += error * error;
  }
}

/* The lambda of the least validation error; of equal ones the largest, which claims least. */
static void choose(vj_ridge *r, const double *squares) {
  r->chosen = -1;
  r->validation_error = INFINITY;
  for (int64_t k = 0; k < r->candidates; k++) {
    double sum = 0;
    for (int64_t output = 0; output < r->outputs; output++) sum += squares[k * r->outputs + output];
    const double error = sum / ((double)r->input->split[VJ_VALIDATION].samples * (double)r->outputs);
    if (!r->solved[k] || error > r->validation_error) continue;
    r->validation_error = error;
    r->chosen = k;
  }
}

static vj_status choose_on_validation(const char *probe, const vj_penalties *penalties, vj_ridge *r) {
  candidate_squares squares = {.outputs = r->outputs, .count = r->candidates * r->outputs};
  VJ_TRY(vj_allocate((size_t)squares.count, sizeof *squares.at, "squared errors", &squares.at));
  const vj_status status = predict(r, VJ_VALIDATION, r->candidates, r->weights, &squares, add_squares);
  if (status == VJ_OK) choose(r, squares.at);
  free(squares.at);
  VJ_TRY(status);
  if (r->chosen < 0)
    return vj_fail(VJ_NUMERIC,
                   "%s: no lambda from 1e%g to 1e%g makes the system of %lld train samples and %lld features "
                   "positive definite; raise lambda_max",
                   probe, penalties->lambda_min, penalties->lambda_max, (long long)r->samples, (long long)r->features);
  r->lambda = vj_penalty_at(penalties, r->chosen);
  return VJ_OK;
}

vj_status vj_ridge_fit(const char *probe, const vj_probe_input *input, const vj_penalties *penalties, vj_ridge *ridge) {
  const vj_features *train = &input->split[VJ_TRAIN];
  *ridge = (vj_ridge){.input = input,
                      .samples = train->samples,
                      .features = train->steps * train->width,
                      .outputs = input->label->width,
                      .candidates = penalties->lambda_count};
  VJ_TRY(vj_probe_check_splits(probe, input));
  vj_lapack_single_thread();
  VJ_TRY(prepare(ridge));
  VJ_TRY(fit_all(ridge, penalties));
  VJ_TRY(choose_on_validation(probe, penalties, ridge));
  return VJ_OK;
}

void vj_ridge_destroy(vj_ridge *ridge) {
  free(ridge->solved);
  free(ridge->weights);
  free(ridge->target_mean);
  vj_standard_destroy(&ridge->standard);
  *ridge = (vj_ridge){0};
}
