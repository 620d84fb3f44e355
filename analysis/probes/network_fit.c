#include "analysis/probes/network_fit.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "analysis/metrics/softmax.h"
#include "vj/elementary.h"
#include "vj/memory.h"
#include "vj/rng.h"

enum { BLOCK = 128 /* samples predicted together */, LOOKS = 10 };
enum { WEIGHTS = 2, BATCHES = 3 }; /* what random numbers are for */

typedef struct fit {
  const vj_network *network;
  const vj_fit_config *config;
  const vj_standard *standard;
  const vj_probe_input *input;
  int64_t samples, batch;            /* of train, of a step */
  double *mean, *deviation;          /* [width] of measured labels; deviation 0 where one does not vary */
  double *weights, *best;            /* [weights] */
  double *gradient, *first, *second; /* [weights]: moments of AdamW */
  double *z, *room, *out, *slopes;   /* of a batch or block */
  int64_t *order;                    /* of train samples in this epoch */
} fit;

vj_status vj_fit_check(const char *probe, const vj_fit_config *config, const vj_label *label) {
  if (config->lr.count < 1) return vj_fail(VJ_CONFIG, "lr: expected at least one learning rate, got none");
  return vj_score_check(probe, label);
}

/* --- the loss ------------------------------------------------------------------------------------------------ */

static void number_slopes(const fit *f, int64_t n, const int64_t *samples) {
  const int64_t width = f->network->outputs;
  int64_t known = 0;
  for (int64_t i = 0; i < n; i++) {
    for (int64_t k = 0; k < width; k++) {
      const double value = f->input->split[VJ_TRAIN].target[samples[i] * width + k];
      const bool counts = !isnan(value) && f->deviation[k] > 0;
      f->slopes[i * width + k] = counts ? 2 * (f->out[i * width + k] - (value - f->mean[k]) / f->deviation[k]) : 0;
      known += counts;
    }
  }
  for (int64_t i = 0; i < n * width && known; i++) f->slopes[i] /= (double)known;
}

static void class_slopes(const fit *f, int64_t n, const int64_t *samples) {
  const int64_t classes = f->network->outputs;
  for (int64_t i = 0; i < n; i++) {
    const double *scores = f->out + i * classes, all = vj_log_sum_exp(classes, 1, scores);
    const int64_t truth = (int64_t)f->input->split[VJ_TRAIN].target[samples[i]];
    for (int64_t k = 0; k < classes; k++)
      f->slopes[i * classes + k] = (vj_math_exp(scores[k] - all) - (k == truth)) / (double)n;
  }
}

static void flag_slopes(const fit *f, int64_t n, const int64_t *samples) {
  const int64_t columns = f->network->outputs;
  for (int64_t i = 0; i < n; i++) {
    for (int64_t k = 0; k < columns; k++) {
      const double score = f->out[i * columns + k], e = vj_math_exp(-fabs(score));
      const double probability = (score < 0 ? e : 1) / (1 + e);
      const double truth = f->input->split[VJ_TRAIN].target[samples[i] * columns + k];
      f->slopes[i * columns + k] = (probability - truth) / (double)(n * columns);
    }
  }
}

static void set_slopes(const fit *f, int64_t n, const int64_t *samples) {
  switch (f->input->label->kind) {
    case VJ_LABEL_REAL:
      number_slopes(f, n, samples);
      break;
    case VJ_LABEL_CLASS:
      class_slopes(f, n, samples);
      break;
    case VJ_LABEL_FLAGS:
      flag_slopes(f, n, samples);
      break;
  }
}

/* --- steps --------------------------------------------------------------------------------------------------- */

/* `step` from 1. */
static void adamw(const fit *f, double lr, int64_t step) {
  const double beta1 = 0.9, beta2 = 0.999, epsilon = 1e-8;
  const double unbias1 = 1 - vj_math_pow(beta1, (double)step), unbias2 = 1 - vj_math_pow(beta2, (double)step);
  for (int64_t i = 0; i < f->network->weights; i++) {
    const double g = f->gradient[i];
    f->first[i] = beta1 * f->first[i] + (1 - beta1) * g;
    f->second[i] = beta2 * f->second[i] + (1 - beta2) * g * g;
    const double change = f->first[i] / unbias1 / (sqrt(f->second[i] / unbias2) + epsilon);
    f->weights[i] -= lr * (change + f->config->weight_decay * f->weights[i]);
  }
}

/* Steps take the samples of an epoch one after the other; what is left at its end makes no batch. */
static const int64_t *take_batch(const fit *f, int64_t step) {
  const int64_t batches = f->samples / f->batch, place = step % batches;
  if (place == 0) {
    vj_rng rng = vj_rng_stream(0, VJ_RNG_PROBE, BATCHES, (uint64_t)(step / batches));
    vj_rng_permutation(&rng, f->samples, f->order);
  }
  return f->order + place * f->batch;
}

static void take_step(const fit *f, double peak, int64_t step) {
  const vj_network *network = f->network;
  const int64_t *samples = take_batch(f, step), n = f->batch;
  const double pi = 3.14159265358979323846,
               lr = peak * 0.5 * (1 + vj_math_cos(pi * (double)step / (double)f->config->steps));
  for (int64_t i = 0; i < n; i++) vj_standard_apply(f->standard, VJ_TRAIN, samples[i], 1, f->z + i * network->inputs);
  network->forward(network->shape, f->weights, n, f->z, f->room, f->out);
  set_slopes(f, n, samples);
  network->backward(network->shape, f->weights, n, f->z, f->room, f->slopes, f->gradient);
  adamw(f, lr, step + 1);
}

/* --- looking ------------------------------------------------------------------------------------------------- */

static vj_status score(const fit *f, const double *weights, vj_split split, vj_scores *scores) {
  const vj_network *network = f->network;
  const int64_t samples = f->input->split[split].samples, outputs = network->outputs;
  double *predicted = NULL;
  VJ_TRY(vj_allocate((size_t)(samples * outputs), sizeof *predicted, "predictions", &predicted));
  for (int64_t first = 0; first < samples; first += BLOCK) {
    const int64_t count = samples - first < BLOCK ? samples - first : BLOCK;
    vj_standard_apply(f->standard, split, first, count, f->z);
    network->forward(network->shape, weights, count, f->z, f->room, predicted + first * outputs);
  }
  for (int64_t i = 0; i < samples * outputs && f->input->label->kind == VJ_LABEL_REAL; i++)
    predicted[i] = f->mean[i % outputs] + f->deviation[i % outputs] * predicted[i];
  const vj_status status = vj_score(f->input->label, &f->input->split[split], predicted, scores);
  free(predicted);
  return status;
}

static void draw_weights(const fit *f) {
  const size_t bytes = (size_t)f->network->weights * sizeof(double);
  vj_rng rng = vj_rng_stream(0, VJ_RNG_PROBE, WEIGHTS, 0);
  vj_rng_normals(&rng, f->network->weights, f->weights);
  f->network->initialise(f->network->shape, f->weights);
  memset(f->first, 0, bytes);
  memset(f->second, 0, bytes);
}

/* The best on validation so far, and what it was. */
typedef struct chosen {
  bool any;
  vj_scores scores;
  double lr;
  int64_t steps;
} chosen;

static vj_status try_rate(const fit *f, double lr, chosen *best) {
  const int64_t steps = f->config->steps;
  draw_weights(f);
  for (int64_t step = 0; step < steps; step++) {
    vj_scores scores;
    take_step(f, lr, step);
    if ((step + 1) * LOOKS / steps == step * LOOKS / steps) continue;
    VJ_TRY(score(f, f->weights, VJ_VALIDATION, &scores));
    if (best->any && !vj_score_is_better(f->input->label, &scores, &best->scores)) continue;
    *best = (chosen){true, scores, lr, step + 1};
    memcpy(f->best, f->weights, (size_t)f->network->weights * sizeof *f->best);
  }
  return VJ_OK;
}

/* --- the whole ----------------------------------------------------------------------------------------------- */

static vj_status allocate(fit *f) {
  const vj_network *network = f->network;
  const size_t weights = (size_t)network->weights, outputs = (size_t)network->outputs;
  const size_t rows = (size_t)(f->batch > BLOCK ? f->batch : BLOCK);
  VJ_TRY(vj_allocate(outputs, sizeof *f->mean, "label means", &f->mean));
  VJ_TRY(vj_allocate(outputs, sizeof *f->deviation, "label deviations", &f->deviation));
  VJ_TRY(vj_allocate(5 * weights, sizeof *f->weights, "weights", &f->weights));
  f->best = f->weights + weights;
  f->gradient = f->best + weights;
  f->first = f->gradient + weights;
  f->second = f->first + weights;
  VJ_TRY(vj_allocate(rows * (size_t)network->inputs, sizeof *f->z, "features", &f->z));
  VJ_TRY(vj_allocate(rows * (size_t)network->room, sizeof *f->room, "layers", &f->room));
  VJ_TRY(vj_allocate(rows * outputs, sizeof *f->out, "predictions", &f->out));
  VJ_TRY(vj_allocate(rows * outputs, sizeof *f->slopes, "slopes", &f->slopes));
  return vj_allocate((size_t)f->samples, sizeof *f->order, "order of samples", &f->order);
}

static vj_status find_moments(const fit *f) {
  const int64_t width = f->network->outputs;
  int64_t *known = NULL;
  if (f->input->label->kind != VJ_LABEL_REAL) return VJ_OK;
  VJ_TRY(vj_allocate((size_t)width, sizeof *known, "counts of labels", &known));
  vj_label_moments(&f->input->split[VJ_TRAIN], width, f->mean, f->deviation, known);
  for (int64_t k = 0; k < width; k++) {
    if (known[k] == 0) f->mean[k] = 0;
    if (known[k] == 0 || !vj_column_varies(f->mean[k], f->deviation[k])) f->deviation[k] = 0;
  }
  free(known);
  return VJ_OK;
}

static vj_status fit_all(fit *f, double *const *results) {
  chosen best = {0};
  vj_scores test;
  VJ_TRY(allocate(f));
  VJ_TRY(find_moments(f));
  for (int64_t i = 0; i < f->config->lr.count; i++) VJ_TRY(try_rate(f, f->config->lr.at[i], &best));
  VJ_TRY(score(f, f->best, VJ_TEST, &test));
  *results[VJ_FIT_LEARNING_RATE] = best.lr;
  *results[VJ_FIT_STEPS] = (double)best.steps;
  return vj_score_report(f->input, &test, &best.scores, results);
}

vj_status vj_network_fit(const vj_network *network, const vj_fit_config *config, const vj_standard *standard,
                         double *const *results) {
  const int64_t samples = standard->input->split[VJ_TRAIN].samples;
  fit f = {.network = network,
           .config = config,
           .standard = standard,
           .input = standard->input,
           .samples = samples,
           .batch = config->batch < samples ? config->batch : samples};
  const vj_status status = fit_all(&f, results);
  free(f.order);
  free(f.slopes);
  free(f.out);
  free(f.room);
  free(f.z);
  free(f.weights);
  free(f.deviation);
  free(f.mean);
  return status;
}
