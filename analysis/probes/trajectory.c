/* Where things go: ridge regression from all steps of a view to positions (x, y) at every target step.
 *
 * The label is steps x points x (x, y), e.g. MovingMNIST's `position`; the ridge is that of
 * analysis/metrics/ridge_regression.h, all coordinates at once. What is reported is the Euclidean distance between
 * predicted and true position on the test split, by target step and over all: far steps are where a forecast must
 * follow the motion. Where a label has gaps (NaN), a position that lacks a coordinate is left out. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "analysis/metrics/ridge_regression.h"
#include "vj/component.h"
#include "vj/elementary.h"
#include "vj/memory.h"

static const vj_param params[] = {VJ_PENALTY_ROWS("-4", "4", "9")};

enum {
  ERROR,
  ERROR_BY_HORIZON,
  WITHIN_2PX,
  BASELINE_ERROR,
  LAMBDA,
  PREDICTED,
  TRUE,
  PRIOR_ERROR,
  BEST_OF_K_ERROR,
  ERROR_VALIDATION,
  METRICS
};

static const vj_metric metrics[METRICS] = {
    [ERROR] = {"error", VJ_METRIC_SCALAR, "label",
               "mean Euclidean distance between predicted and true position on the test split"},
    [ERROR_BY_HORIZON] = {"error_by_horizon", VJ_METRIC_HORIZON, "label", "the same for each target step"},
    [WITHIN_2PX] = {"within_2px", VJ_METRIC_SCALAR, "",
                    "share of the test positions that are predicted at most 2 (in the label's unit, px) away"},
    [BASELINE_ERROR] = {"baseline_error", VJ_METRIC_SCALAR, "label",
                        "mean Euclidean distance between the train mean of the position and the test positions"},
    [LAMBDA] = {"lambda", VJ_METRIC_SCALAR, "", "ridge penalty chosen on the validation split, for each train sample"},
    [PREDICTED] = {"predicted", VJ_METRIC_LABEL, "label", "predicted positions (x, y) in the first test clips"},
    [TRUE] = {"true", VJ_METRIC_LABEL, "label", "true positions (x, y) in the first test clips"},
    [PRIOR_ERROR] = {"prior_error", VJ_METRIC_SCALAR, "label",
                     "error of predictions with z drawn from the prior, mean over draws; error itself is an oracle's"},
    [BEST_OF_K_ERROR] = {"best_of_k_error", VJ_METRIC_SCALAR, "label",
                         "of each clip the least error over eval.prior_draws draws, mean over clips"},
    [ERROR_VALIDATION] = {"error_validation", VJ_METRIC_SCALAR, "label", "error on the validation split"},
};

static const double near = 2; /* of WITHIN_2PX */

static vj_status check(const void *config, const vj_label *label) {
  if (label->kind == VJ_LABEL_CLASS)
    return vj_fail(VJ_CONFIG,
                   "label \"%s\" is one of %lld classes, and trajectory predicts positions; classes need a logistic "
                   "probe",
                   label->name, (long long)label->classes);
  if (label->kind == VJ_LABEL_FLAGS)
    return vj_fail(VJ_CONFIG,
                   "label \"%s\" is columns of 0 and 1, and trajectory predicts positions; it needs a multilabel probe",
                   label->name);
  if (label->width % 2 != 0)
    return vj_fail(VJ_CONFIG,
                   "label \"%s\" has an odd number of values, %lld, and trajectory predicts pairs (x, y); other "
                   "measured labels need a ridge probe",
                   label->name, (long long)label->width);
  return vj_penalties_check(config);
}

static vj_status check_steps(const vj_probe_input *input) {
  const int64_t steps = input->split[VJ_TRAIN].steps, width = input->label->width;
  if (width % (2 * steps) == 0) return VJ_OK;
  return vj_fail(VJ_SHAPE,
                 "trajectory: label \"%s\" has %lld values, and %lld steps of positions (x, y) are a multiple of %lld; "
                 "probe a view with as many steps as the label has, or another label",
                 input->label->name, (long long)width, (long long)steps, (long long)(2 * steps));
}

typedef struct distances {
  const vj_ridge *ridge;
  int64_t steps, points;     /* points in a step */
  double *by_step, *within;  /* sums of distances [steps]; number of near positions */
  double *known;             /* number of positions that were compared [steps] */
  double *baseline;          /* sum of distances from the train mean */
  int64_t shown;             /* test samples still to be shown, */
  double *predicted, *truth; /* where to */
} distances;

static void show(distances *sums, const double *predicted, const float *target) {
  const int64_t width = 2 * sums->steps * sums->points;
  if (sums->shown-- <= 0) return;
  for (int64_t k = 0; k < width; k++) {
    *sums->predicted++ = predicted[k];
    *sums->truth++ = target[k];
  }
}

static void add_distances(void *context, const double *predicted, const float *target) {
  distances *sums = context;
  const double *mean = sums->ridge->target_mean;
  for (int64_t k = 0; k < sums->steps * sums->points; k++) {
    const double distance = vj_math_hypot(predicted[2 * k] - target[2 * k], predicted[2 * k + 1] - target[2 * k + 1]);
    const double from_mean = vj_math_hypot(mean[2 * k] - target[2 * k], mean[2 * k + 1] - target[2 * k + 1]);
    if (isnan(distance)) continue; /* then the other one is, too */
    sums->by_step[k / sums->points] += distance;
    sums->known[k / sums->points]++;
    if (distance <= near) ++*sums->within;
    *sums->baseline += from_mean;
  }
  show(sums, predicted, target);
}

/* Sums become means; a step in which nothing was compared has none. *error: over all steps. */
static void take_means(const distances *sums, double *error) {
  double positions = 0, steps = 0;
  for (int64_t step = 0; step < sums->steps; step++) {
    positions += sums->known[step];
    steps += sums->known[step] > 0;
  }
  for (int64_t step = 0; step < sums->steps; step++) {
    sums->by_step[step] = sums->known[step] > 0 ? sums->by_step[step] / sums->known[step] : NAN;
    if (sums->known[step] > 0) *error += sums->by_step[step] / steps;
  }
  if (positions == 0) *error = NAN;
  *sums->within = positions > 0 ? *sums->within / positions : NAN;
  *sums->baseline = positions > 0 ? *sums->baseline / positions : NAN;
}

/* Compares a split with what is predicted for it; `sums` is complete but for its sums and the room for counts. */
static vj_status compare(distances *sums, vj_split split, double *error) {
  *sums->within = *sums->baseline = *error = 0;
  for (int64_t step = 0; step < sums->steps; step++) sums->by_step[step] = 0;
  VJ_TRY(vj_allocate((size_t)sums->steps, sizeof *sums->known, "counts of positions", &sums->known));
  const vj_status status = vj_ridge_predict(sums->ridge, split, sums, add_distances);
  if (status == VJ_OK) take_means(sums, error);
  free(sums->known);
  return status;
}

static vj_status score(const vj_ridge *ridge, double *const *results) {
  const int64_t steps = ridge->input->split[VJ_TEST].steps;
  double within = 0, baseline = 0;
  /* By step, those of validation clips are room that the test's takes next. */
  distances sums = {.ridge = ridge,
                    .steps = steps,
                    .points = ridge->outputs / (2 * steps),
                    .by_step = results[ERROR_BY_HORIZON],
                    .within = &within,
                    .baseline = &baseline};
  VJ_TRY(compare(&sums, VJ_VALIDATION, results[ERROR_VALIDATION]));
  sums.within = results[WITHIN_2PX];
  sums.baseline = results[BASELINE_ERROR];
  sums.shown = ridge->input->shown;
  sums.predicted = results[PREDICTED];
  sums.truth = results[TRUE];
  *results[LAMBDA] = ridge->lambda;
  return compare(&sums, VJ_TEST, results[ERROR]);
}

/* --- forecasts ----------------------------------------------------------------------------------------------- */

typedef struct draw_errors {
  int64_t points, sample; /* positions of a clip; the next clip */
  double *error, *least;  /* of this draw, of the best so far, [samples] */
} draw_errors;

static void add_error(void *context, const double *predicted, const float *target) {
  draw_errors *e = context;
  double sum = 0, known = 0;
  for (int64_t k = 0; k < e->points; k++) {
    const double distance = vj_math_hypot(predicted[2 * k] - target[2 * k], predicted[2 * k + 1] - target[2 * k + 1]);
    if (isnan(distance)) continue;
    sum += distance;
    known++;
  }
  e->error[e->sample] = known > 0 ? sum / known : NAN;
  e->least[e->sample] = fmin(e->least[e->sample], e->error[e->sample]);
  e->sample++;
}

/* The ridge that was fitted with z from the target reads the test predictions of one draw, [samples, row]. */
static vj_status read_draw(const vj_ridge *ridge, int64_t draw, float *rows, draw_errors *errors) {
  vj_probe_input input = *ridge->input;
  vj_ridge of_draw = *ridge;
  const int64_t row = ridge->features;
  for (int64_t i = 0; i < input.drawn.samples; i++)
    memcpy(rows + i * row, input.drawn.values + (i * input.draws + draw) * row, (size_t)row * sizeof *rows);
  input.split[VJ_TEST].values = rows;
  of_draw.input = of_draw.standard.input = &input;
  errors->sample = 0;
  return vj_ridge_predict(&of_draw, VJ_TEST, errors, add_error);
}

static vj_status score_draws(const vj_ridge *ridge, double *const *results) {
  const int64_t samples = ridge->input->drawn.samples, draws = ridge->input->draws;
  draw_errors errors = {.points = ridge->outputs / 2};
  float *rows = NULL;
  double *room = NULL, sum = 0, least = 0, clips = 0;
  vj_status status;
  *results[PRIOR_ERROR] = *results[BEST_OF_K_ERROR] = NAN;
  if (!ridge->input->drawn.values) return VJ_OK;
  VJ_TRY_GOTO(status, vj_allocate((size_t)(samples * ridge->features), sizeof *rows, "features", &rows), done);
  VJ_TRY_GOTO(status, vj_allocate(2 * (size_t)samples, sizeof *room, "errors", &room), done);
  errors.error = room;
  errors.least = room + samples;
  for (int64_t i = 0; i < samples; i++) errors.least[i] = INFINITY;
  for (int64_t k = 0; k < draws; k++) {
    VJ_TRY_GOTO(status, read_draw(ridge, k, rows, &errors), done);
    for (int64_t i = 0; i < samples; i++)
      if (!isnan(errors.error[i])) sum += errors.error[i];
  }
  for (int64_t i = 0; i < samples; i++) { /* a clip has positions in all draws or in none */
    if (!isfinite(errors.least[i])) continue;
    least += errors.least[i];
    clips++;
  }
  *results[PRIOR_ERROR] = clips > 0 ? sum / (clips * (double)draws) : NAN;
  *results[BEST_OF_K_ERROR] = clips > 0 ? least / clips : NAN;
done:
  free(room);
  free(rows);
  return status;
}

static vj_status evaluate(const void *config, const vj_probe_input *input, double *const *results) {
  vj_ridge ridge = {0};
  vj_status status;
  VJ_TRY(check_steps(input));
  VJ_TRY_GOTO(status, vj_ridge_fit("trajectory", input, config, &ridge), done);
  VJ_TRY_GOTO(status, score(&ridge, results), done);
  VJ_TRY_GOTO(status, score_draws(&ridge, results), done);
done:
  vj_ridge_destroy(&ridge);
  return status;
}

const vj_component vj_probe_trajectory = {
    .abi = VJ_ABI,
    .kind = VJ_PROBE,
    .name = "trajectory",
    .summary = "ridge regression of positions at every target step from all steps of a view",
    .source = "Hoerl and Kennard, Ridge regression (Technometrics 12, 1970)",
    .params = params,
    .param_count = VJ_COUNT(params),
    .config_bytes = sizeof(vj_penalties),
    .as.probe = {.metrics = metrics,
                 .metric_count = METRICS,
                 .by_label_share = 1 << ERROR,
                 .of_prior = 1 << PRIOR_ERROR | 1 << BEST_OF_K_ERROR,
                 .check = check,
                 .evaluate = evaluate},
};
