#include "analysis/metrics/ridge_regression.h"

#include <cblas.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "analysis/metrics/lapack.h"
#include "vj/memory.h"

enum { BLOCK = 256 /* samples predicted together */ };

/* --- fitting ------------------------------------------------------------------------------------------------- */

/* What is solved at once: the samples that have all of some outputs. */
typedef struct ridge_system {
  int64_t samples, features, outputs, candidates;
  const double *z, *y; /* [samples, features], [outputs, samples] */
  double *weights;     /* [candidates, outputs, features] */
  bool *solved;        /* [candidates], cleared where a lambda does not do */
} ridge_system;

static vj_status prepare(vj_ridge *r) {
  const size_t features = (size_t)r->features, outputs = (size_t)r->outputs, candidates = (size_t)r->candidates;
  int64_t *known = NULL;
  VJ_TRY(vj_standard_create(r->input, &r->standard));
  VJ_TRY(vj_allocate(outputs, sizeof *r->target_mean, "label means", &r->target_mean));
  VJ_TRY(vj_allocate(outputs, sizeof *r->target_deviation, "label deviations", &r->target_deviation));
  VJ_TRY(vj_allocate(candidates * outputs * features, sizeof *r->weights, "ridge weights", &r->weights));
  VJ_TRY(vj_allocate(candidates * outputs, sizeof *r->intercepts, "ridge intercepts", &r->intercepts));
  VJ_TRY(vj_allocate(candidates, sizeof *r->solved, "ridge candidates", &r->solved));
  VJ_TRY(vj_allocate(outputs, sizeof *known, "counts of labels", &known));
  vj_label_moments(&r->input->split[VJ_TRAIN], r->outputs, r->target_mean, r->target_deviation, known);
  r->has_gaps = false;
  for (int64_t k = 0; k < r->outputs; k++) {
    r->has_gaps = r->has_gaps || known[k] < r->samples;
    if (known[k] < 2) r->target_mean[k] = NAN;
  }
  for (int64_t k = 0; k < r->candidates; k++) {
    r->solved[k] = true;
    memcpy(r->intercepts + k * r->outputs, r->target_mean, outputs * sizeof *r->intercepts);
  }
  free(known);
  return VJ_OK;
}

/* Solves (matrix + lambda N I) x = side for every lambda: sides [q, order] -> solutions [candidates, q, order]. */
static vj_status solve_path(const ridge_system *s, const vj_penalties *penalties, int64_t order, const double *matrix,
                            const double *sides, double *solutions) {
  const size_t square = (size_t)(order * order), block = (size_t)(s->outputs * order);
  double *factor = NULL;
  vj_status status;
  VJ_TRY_GOTO(status, vj_allocate(square, sizeof *factor, "Cholesky factor", &factor), done);
  for (int64_t k = 0; k < s->candidates; k++) {
    double *solution = solutions + (size_t)k * block;
    bool solved = false;
    memcpy(factor, matrix, square * sizeof *factor);
    memcpy(solution, sides, block * sizeof *solution);
    for (int64_t i = 0; i < order; i++) factor[i * order + i] += vj_penalty_at(penalties, k) * (double)s->samples;
    VJ_TRY_GOTO(status, vj_cholesky_solve(order, factor, s->outputs, solution, &solved), done);
    s->solved[k] = s->solved[k] && solved;
  }
done:
  free(factor);
  return status;
}

/* N >= D: with Z'Z. */
static vj_status fit_primal(const ridge_system *s, const vj_penalties *penalties) {
  const int n = (int)s->samples, d = (int)s->features, q = (int)s->outputs;
  double *matrix = NULL, *sides = NULL;
  vj_status status;
  VJ_TRY_GOTO(status, vj_allocate((size_t)d * (size_t)d, sizeof *matrix, "ridge system", &matrix), done);
  VJ_TRY_GOTO(status, vj_allocate((size_t)q * (size_t)d, sizeof *sides, "ridge right-hand sides", &sides), done);
  cblas_dsyrk(CblasRowMajor, CblasLower, CblasTrans, d, n, 1, s->z, d, 0, matrix, d);
  cblas_dgemm(CblasRowMajor, CblasNoTrans, CblasNoTrans, q, d, n, 1, s->y, n, s->z, d, 0, sides, d);
  VJ_TRY_GOTO(status, solve_path(s, penalties, d, matrix, sides, s->weights), done);
done:
  free(sides);
  free(matrix);
  return status;
}

/* N < D: with Z Z', then W = Z' A. */
static vj_status fit_dual(const ridge_system *s, const vj_penalties *penalties) {
  const int n = (int)s->samples, d = (int)s->features, all = (int)(s->candidates * s->outputs);
  double *matrix = NULL, *duals = NULL;
  vj_status status;
  VJ_TRY_GOTO(status, vj_allocate((size_t)n * (size_t)n, sizeof *matrix, "ridge system", &matrix), done);
  VJ_TRY_GOTO(status, vj_allocate((size_t)all * (size_t)n, sizeof *duals, "dual weights", &duals), done);
  cblas_dsyrk(CblasRowMajor, CblasLower, CblasNoTrans, n, d, 1, s->z, d, 0, matrix, n);
  VJ_TRY_GOTO(status, solve_path(s, penalties, n, matrix, s->y, duals), done);
  cblas_dgemm(CblasRowMajor, CblasNoTrans, CblasNoTrans, all, d, n, 1, duals, n, s->z, d, 0, s->weights, d);
done:
  free(duals);
  free(matrix);
  return status;
}

static vj_status fit_system(const ridge_system *s, const vj_penalties *penalties) {
  return s->samples < s->features ? fit_dual(s, penalties) : fit_primal(s, penalties);
}

/* All outputs at once: the train labels to mean 0 -> y [q, N], row-major. */
static vj_status fit_together(vj_ridge *r, const vj_penalties *penalties, const double *z, double *y) {
  const float *target = r->input->split[VJ_TRAIN].target;
  for (int64_t i = 0; i < r->samples; i++)
    for (int64_t k = 0; k < r->outputs; k++) y[k * r->samples + i] = target[i * r->outputs + k] - r->target_mean[k];
  const ridge_system s = {r->samples, r->features, r->outputs, r->candidates, z, y, r->weights, r->solved};
  return fit_system(&s, penalties);
}

/* The columns of rows [N, D] to mean 0. */
static void centre(int64_t n, int64_t d, double *rows, double *mean) {
  for (int64_t j = 0; j < d; j++) mean[j] = 0;
  for (int64_t i = 0; i < n; i++) cblas_daxpy((int)d, 1, rows + i * d, 1, mean, 1);
  cblas_dscal((int)d, 1 / (double)n, mean, 1);
  for (int64_t i = 0; i < n; i++) cblas_daxpy((int)d, -1, mean, 1, rows + i * d, 1);
}

/* One output, of the samples that have it. `rows` [N, D] and `own` [candidates + 1, D] are room. */
static vj_status fit_alone(vj_ridge *r, const vj_penalties *penalties, int64_t output, const double *z, double *y,
                           double *rows, double *own) {
  const float *target = r->input->split[VJ_TRAIN].target;
  const size_t row = (size_t)r->features * sizeof *rows;
  ridge_system s = {0, r->features, 1, r->candidates, rows, y, own, r->solved};
  for (int64_t i = 0; i < r->samples; i++) {
    const float value = target[i * r->outputs + output];
    if (isnan(value)) continue;
    memcpy(rows + s.samples * r->features, z + i * r->features, row);
    y[s.samples++] = value - r->target_mean[output];
  }
  double *mean = own + r->candidates * r->features;
  centre(s.samples, r->features, rows, mean);
  VJ_TRY(fit_system(&s, penalties));
  for (int64_t k = 0; k < r->candidates; k++) {
    memcpy(r->weights + (k * r->outputs + output) * r->features, own + k * r->features, row);
    r->intercepts[k * r->outputs + output] -= cblas_ddot((int)r->features, own + k * r->features, 1, mean, 1);
  }
  return VJ_OK;
}

static vj_status fit_each(vj_ridge *r, const vj_penalties *penalties, const double *z, double *y) {
  double *rows = NULL, *own = NULL;
  vj_status status = VJ_OK;
  VJ_TRY_GOTO(status, vj_allocate((size_t)(r->samples * r->features), sizeof *rows, "train features", &rows), done);
  VJ_TRY_GOTO(status, vj_allocate((size_t)((r->candidates + 1) * r->features), sizeof *own, "ridge weights", &own),
              done);
  for (int64_t k = 0; k < r->outputs; k++)
    if (!isnan(r->target_mean[k])) VJ_TRY_GOTO(status, fit_alone(r, penalties, k, z, y, rows, own), done);
done:
  free(own);
  free(rows);
  return status;
}

static vj_status fit_all(vj_ridge *r, const vj_penalties *penalties) {
  double *z = NULL, *y = NULL;
  vj_status status;
  VJ_TRY_GOTO(status, vj_allocate((size_t)(r->samples * r->features), sizeof *z, "train features", &z), done);
  VJ_TRY_GOTO(status, vj_allocate((size_t)(r->samples * r->outputs), sizeof *y, "train labels", &y), done);
  vj_standard_apply(&r->standard, VJ_TRAIN, 0, r->samples, z);
  if (r->has_gaps)
    VJ_TRY_GOTO(status, fit_each(r, penalties, z, y), done);
  else
    VJ_TRY_GOTO(status, fit_together(r, penalties, z, y), done);
done:
  free(y);
  free(z);
  return status;
}

/* --- predicting ---------------------------------------------------------------------------------------------- */

/* Calls `take` with every sample of a split: what so many sets of weights, from one on, predict, [models, q]. */
static vj_status predict(const vj_ridge *r, vj_split split, int64_t first_model, int64_t models, void *context,
                         void (*take)(void *context, const double *predicted, const float *target)) {
  const vj_features *features = &r->input->split[split];
  const int64_t all = models * r->outputs, d = r->features;
  const double *weights = r->weights + first_model * r->outputs * d;
  const double *intercepts = r->intercepts + first_model * r->outputs;
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
      for (int64_t k = 0; k < all; k++) predicted[i * all + k] += intercepts[k];
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
  return predict(ridge, split, ridge->chosen, 1, context, take);
}

/* --- choosing lambda ----------------------------------------------------------------------------------------- */

typedef struct candidate_squares {
  int64_t outputs, count; /* q, candidates * q */
  double *at;             /* [candidates, q], sums of squared errors */
  int64_t known;          /* labels that were compared, of one candidate */
} candidate_squares;

static void add_squares(void *context, const double *predicted, const float *target) {
  candidate_squares *squares = context;
  for (int64_t k = 0; k < squares->count; k++) {
    const double error = predicted[k] - target[k % squares->outputs];
    if (isnan(error)) continue;
    squares->at[k] += error * error;
    squares->known += k < squares->outputs;
  }
}

/* The lambda of the least validation error; of equal ones the largest, which claims least. */
static void choose(vj_ridge *r, const double *squares, int64_t known) {
  r->chosen = -1;
  r->validation_error = INFINITY;
  for (int64_t k = 0; k < r->candidates; k++) {
    double sum = 0;
    for (int64_t output = 0; output < r->outputs; output++) sum += squares[k * r->outputs + output];
    const double error = sum / (double)known;
    if (!r->solved[k] || error > r->validation_error) continue;
    r->validation_error = error;
    r->chosen = k;
  }
}

static vj_status choose_on_validation(const char *probe, const vj_penalties *penalties, vj_ridge *r) {
  candidate_squares squares = {.outputs = r->outputs, .count = r->candidates * r->outputs};
  VJ_TRY(vj_allocate((size_t)squares.count, sizeof *squares.at, "squared errors", &squares.at));
  const vj_status status = predict(r, VJ_VALIDATION, 0, r->candidates, &squares, add_squares);
  if (status == VJ_OK) choose(r, squares.at, squares.known);
  free(squares.at);
  VJ_TRY(status);
  if (squares.known == 0)
    return vj_fail(VJ_DATA,
                   "%s: no number of label \"%s\" that two train samples have is in a validation sample; raise "
                   "eval.probe_train or eval.probe_validation",
                   probe, r->input->label->name);
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
  return choose_on_validation(probe, penalties, ridge);
}

void vj_ridge_destroy(vj_ridge *ridge) {
  free(ridge->solved);
  free(ridge->weights);
  free(ridge->intercepts);
  free(ridge->target_deviation);
  free(ridge->target_mean);
  vj_standard_destroy(&ridge->standard);
  *ridge = (vj_ridge){0};
}
