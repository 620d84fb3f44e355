/* k nearest neighbours: a label from those of the k train samples whose features, all steps side by side, are nearest.
 *
 * No parameter is learnt, so it tells what a view holds in its distances alone. Features lose the train mean; they are
 * compared by the cosine of the angle between them, or by Euclidean distance. Of neighbours that are equally near the
 * first train sample comes first. Predicted are the mean of the neighbours' numbers (a gap is left out; the train mean
 * where all have one), the share of 1 in each column, or the commonest class, the first of equally common ones; its
 * probability is (votes + 1) / (k + classes). k is the one that does best on the validation split, of equals the
 * largest (Cover and Hart 1967; on frozen features with the cosine: Wu et al. 2018, arXiv 1805.01978). */
#include <cblas.h>
#include <math.h>
#include <stdlib.h>

#include "analysis/metrics/features.h"
#include "analysis/metrics/lapack.h"
#include "analysis/metrics/prediction_scores.h"
#include "vj/component.h"
#include "vj/elementary.h"
#include "vj/memory.h"

enum { BLOCK = 256 /* samples predicted together */ };
enum { NEIGHBOURS = VJ_SCORES, METRICS };

typedef enum distance { COSINE, EUCLIDEAN } distance;

typedef struct knn_config {
  vj_integer_list neighbours;
  int distance;
} knn_config;

static const vj_param params[] = {
    VJ_INTEGERS(knn_config, neighbours, "[1, 2, 5, 10, 20, 50, 100, 200]", 1, 1000000, "samples",
                "values of k to choose from; more than there are train samples count as all of them"),
    VJ_CHOICE(knn_config, distance, "cosine|euclidean", "cosine", "what is near"),
};

static const vj_metric metrics[METRICS] = {
    VJ_SCORE_METRICS,
    [NEIGHBOURS] = {"neighbours", VJ_METRIC_SCALAR, "samples", "k chosen on the validation split"},
};

static vj_status check(const void *untyped, const vj_label *label) {
  const knn_config *config = untyped;
  if (config->neighbours.count < 1) return vj_fail(VJ_CONFIG, "neighbours: expected at least one k, got none");
  return vj_score_check("knn", label);
}

typedef struct neighbour {
  double distance;
  int64_t sample;
} neighbour;

typedef struct search {
  const vj_probe_input *input;
  const knn_config *config;
  int64_t samples, features, outputs;
  double *mean, *train, *square; /* [D], [N, D], [N] */
  double *guess;                 /* [outputs]: train mean of measured labels */
  double *block, *products;      /* [BLOCK, D], [BLOCK, N] */
  neighbour *all;                /* [N] of one sample */
} search;

/* --- distances ----------------------------------------------------------------------------------------------- */

static void prepare_rows(const search *s, vj_split split, int64_t first, int64_t count, double *rows) {
  const int d = (int)s->features;
  const float *values = s->input->split[split].values + first * s->features;
  for (int64_t i = 0; i < count * s->features; i++) rows[i] = values[i] - s->mean[i % s->features];
  for (int64_t i = 0; i < count && s->config->distance == COSINE; i++) {
    double *row = rows + i * s->features;
    const double square = cblas_ddot(d, row, 1, row, 1);
    if (square > 0) cblas_dscal(d, 1 / sqrt(square), row, 1);
  }
}

static int by_distance(const void *a, const void *b) {
  const neighbour *one = a, *other = b;
  if (one->distance != other->distance) return one->distance < other->distance ? -1 : 1;
  return (one->sample > other->sample) - (one->sample < other->sample);
}

/* The products of a row with all train rows -> neighbours, the nearest first. |x|^2 is the same for all. */
static void sort_neighbours(const search *s, const double *products) {
  for (int64_t i = 0; i < s->samples; i++)
    s->all[i] = (neighbour){s->config->distance == COSINE ? -products[i] : s->square[i] - 2 * products[i], i};
  qsort(s->all, (size_t)s->samples, sizeof *s->all, by_distance);
}

/* --- predicting ---------------------------------------------------------------------------------------------- */

static void vote(const search *s, int64_t k, double *predicted) {
  const float *target = s->input->split[VJ_TRAIN].target;
  for (int64_t c = 0; c < s->outputs; c++) predicted[c] = 0;
  for (int64_t i = 0; i < k; i++) predicted[(int64_t)target[s->all[i].sample]]++;
  for (int64_t c = 0; c < s->outputs; c++)
    predicted[c] = vj_math_log((predicted[c] + 1) / ((double)k + (double)s->outputs));
}

static void average(const search *s, int64_t k, double *predicted) {
  const float *target = s->input->split[VJ_TRAIN].target;
  for (int64_t c = 0; c < s->outputs; c++) {
    double sum = 0, known = 0;
    for (int64_t i = 0; i < k; i++) {
      const float value = target[s->all[i].sample * s->outputs + c];
      if (isnan(value)) continue;
      sum += value;
      known++;
    }
    predicted[c] = known > 0 ? sum / known : s->guess[c];
  }
}

static int64_t neighbours_at(const search *s, int64_t candidate) {
  const int64_t k = s->config->neighbours.at[candidate];
  return k < s->samples ? k : s->samples;
}

/* Candidates first..first+count-1 for every sample of a split -> predicted [count, samples, outputs]. */
static void predict(const search *s, vj_split split, int64_t first, int64_t count, double *predicted) {
  const int64_t samples = s->input->split[split].samples;
  for (int64_t start = 0; start < samples; start += BLOCK) {
    const int64_t rows = samples - start < BLOCK ? samples - start : BLOCK;
    prepare_rows(s, split, start, rows, s->block);
    cblas_dgemm(CblasRowMajor, CblasNoTrans, CblasTrans, (int)rows, (int)s->samples, (int)s->features, 1, s->block,
                (int)s->features, s->train, (int)s->features, 0, s->products, (int)s->samples);
    for (int64_t i = 0; i < rows; i++) {
      sort_neighbours(s, s->products + i * s->samples);
      for (int64_t c = 0; c < count; c++) {
        double *to = predicted + (c * samples + start + i) * s->outputs;
        const int64_t k = neighbours_at(s, first + c);
        s->input->label->kind == VJ_LABEL_CLASS ? vote(s, k, to) : average(s, k, to);
      }
    }
  }
}

/* Of equally good ones the largest k, whatever their order. */
static vj_status choose(const search *s, vj_scores *best, int64_t *chosen) {
  const vj_features *validation = &s->input->split[VJ_VALIDATION];
  const int64_t candidates = s->config->neighbours.count, one = validation->samples * s->outputs;
  double *predicted = NULL;
  vj_status status;
  VJ_TRY_GOTO(status, vj_allocate((size_t)(candidates * one), sizeof *predicted, "predictions", &predicted), done);
  predict(s, VJ_VALIDATION, 0, candidates, predicted);
  *chosen = -1;
  for (int64_t c = 0; c < candidates; c++) {
    vj_scores scores;
    VJ_TRY_GOTO(status, vj_score(s->input->label, validation, predicted + c * one, &scores), done);
    const bool worse = *chosen >= 0 && vj_score_is_better(s->input->label, best, &scores);
    const bool better = *chosen < 0 || vj_score_is_better(s->input->label, &scores, best);
    if (worse || (!better && neighbours_at(s, c) < neighbours_at(s, *chosen))) continue;
    *best = scores;
    *chosen = c;
  }
done:
  free(predicted);
  return status;
}

static vj_status report(const search *s, double *const *results) {
  const vj_features *test = &s->input->split[VJ_TEST];
  vj_scores validation, scores;
  double *predicted = NULL;
  int64_t chosen;
  VJ_TRY(choose(s, &validation, &chosen));
  VJ_TRY(vj_allocate((size_t)(test->samples * s->outputs), sizeof *predicted, "predictions", &predicted));
  predict(s, VJ_TEST, chosen, 1, predicted);
  const vj_status status = vj_score(s->input->label, test, predicted, &scores);
  free(predicted);
  VJ_TRY(status);
  *results[NEIGHBOURS] = (double)neighbours_at(s, chosen);
  return vj_score_report(s->input, &scores, &validation, results);
}

/* --- the whole ----------------------------------------------------------------------------------------------- */

static vj_status prepare(search *s) {
  const size_t n = (size_t)s->samples, d = (size_t)s->features, outputs = (size_t)s->outputs;
  double *unused = NULL;
  int64_t *known = NULL;
  vj_status status;
  VJ_TRY_GOTO(status, vj_allocate(d > outputs ? d : outputs, sizeof *unused, "deviations", &unused), done);
  VJ_TRY_GOTO(status, vj_allocate(outputs, sizeof *known, "counts of labels", &known), done);
  VJ_TRY_GOTO(status, vj_allocate(d, sizeof *s->mean, "feature means", &s->mean), done);
  VJ_TRY_GOTO(status, vj_allocate(outputs, sizeof *s->guess, "label means", &s->guess), done);
  VJ_TRY_GOTO(status, vj_allocate(n * d, sizeof *s->train, "train features", &s->train), done);
  VJ_TRY_GOTO(status, vj_allocate(n, sizeof *s->square, "lengths", &s->square), done);
  VJ_TRY_GOTO(status, vj_allocate(BLOCK * d, sizeof *s->block, "features", &s->block), done);
  VJ_TRY_GOTO(status, vj_allocate(BLOCK * n, sizeof *s->products, "products", &s->products), done);
  VJ_TRY_GOTO(status, vj_allocate(n, sizeof *s->all, "neighbours", &s->all), done);
  vj_column_moments(s->samples, s->features, s->input->split[VJ_TRAIN].values, s->mean, unused);
  if (s->input->label->kind != VJ_LABEL_CLASS)
    vj_label_moments(&s->input->split[VJ_TRAIN], s->outputs, s->guess, unused, known);
  prepare_rows(s, VJ_TRAIN, 0, s->samples, s->train);
  for (int64_t i = 0; i < s->samples; i++) {
    const double *row = s->train + i * s->features;
    s->square[i] = cblas_ddot((int)s->features, row, 1, row, 1);
  }
done:
  free(known);
  free(unused);
  return status;
}

static vj_status evaluate(const void *config, const vj_probe_input *input, double *const *results) {
  const vj_features *train = &input->split[VJ_TRAIN];
  search s = {.input = input,
              .config = config,
              .samples = train->samples,
              .features = train->steps * train->width,
              .outputs = vj_score_outputs(input->label)};
  vj_status status;
  VJ_TRY(vj_probe_check_splits("knn", input));
  vj_lapack_single_thread();
  VJ_TRY_GOTO(status, prepare(&s), done);
  VJ_TRY_GOTO(status, report(&s, results), done);
done:
  free(s.all);
  free(s.products);
  free(s.block);
  free(s.square);
  free(s.train);
  free(s.guess);
  free(s.mean);
  return status;
}

const vj_component vj_probe_knn = {
    .abi = VJ_ABI,
    .kind = VJ_PROBE,
    .name = "knn",
    .summary = "k nearest neighbours: a label of any kind from those of the nearest train samples",
    .source =
        "Cover and Hart, Nearest neighbor pattern classification (IEEE Trans. Inf. Theory 13, 1967); Wu et al. "
        "2018 (arXiv 1805.01978)",
    .params = params,
    .param_count = VJ_COUNT(params),
    .config_bytes = sizeof(knn_config),
    .as.probe = {.metrics = metrics,
                 .metric_count = METRICS,
                 VJ_SCORE_MASKS(1 << NEIGHBOURS),
                 .check = check,
                 .evaluate = evaluate},
};
