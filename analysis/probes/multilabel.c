/* A frozen linear tagger: for each column of a label, which says what a clip has and has not, a logistic regression
 * from a view's features, all steps side by side; judged by mean average precision.
 *
 * Features have mean 0 and variance 1 by train; with N train samples the weights of a column are the minimum of
 *   mean cross-entropy + lambda/2 |w|^2,
 * intercepts free (scikit-learn's C is 1 / (N lambda)). lambda, the same for all columns, is the one of the best mean
 * average precision on the validation split, and what is reported comes from the test split. A column that is constant
 * in train gets one score for all. Average precisions, analysis/metrics/average_precision.h, are averaged over the
 * columns that have a positive. Two controls say what a probe that sees nothing would get: one score for all (the
 * commonest guess), and scores drawn at random, mean of ten draws, as CATER has it. */
#include <cblas.h>
#include <math.h>
#include <stdlib.h>

#include "analysis/metrics/average_precision.h"
#include "analysis/metrics/features.h"
#include "analysis/metrics/lapack.h"
#include "analysis/metrics/penalty.h"
#include "analysis/metrics/softmax_regression.h"
#include "vj/component.h"
#include "vj/elementary.h"
#include "vj/memory.h"
#include "vj/rng.h"

enum { RANDOM_DRAWS = 10 };

/* Nats that the training objective may lie above its minimum: for every lambda, and for the chosen one. */
static const double rough = 1e-9, fine = 1e-14;

static const vj_param params[] = {VJ_PENALTY_ROWS("-4", "1", "6")};

enum {
  MAP,
  MAP_ENVELOPE,
  MAP_VALIDATION,
  BASELINE_MAP,
  CROSS_ENTROPY,
  LAMBDA,
  BASELINE_MAP_ENVELOPE,
  RANDOM_MAP,
  RANDOM_MAP_ENVELOPE,
  AP,
  AP_ENVELOPE,
  PREVALENCE,
  METRICS
};

static const vj_metric metrics[METRICS] = {
    [MAP] =
        {"map", VJ_METRIC_SCALAR, "",
         "mean average precision on the test split, by scikit-learn's definition, over the columns with a positive"},
    [MAP_ENVELOPE] = {"map_envelope", VJ_METRIC_SCALAR, "",
                      "the same with precision replaced by its largest value at no smaller recall, as CATER has it"},
    [MAP_VALIDATION] = {"map_validation", VJ_METRIC_SCALAR, "", "map of the validation split, the best over lambda"},
    [BASELINE_MAP] = {"baseline_map", VJ_METRIC_SCALAR, "", "map of one score for all: the mean share of positives"},
    [BASELINE_MAP_ENVELOPE] = {"baseline_map_envelope", VJ_METRIC_SCALAR, "", "the same, which is equal to it"},
    [RANDOM_MAP] = {"random_map", VJ_METRIC_SCALAR, "", "map of scores drawn at random, mean of ten draws"},
    [RANDOM_MAP_ENVELOPE] = {"random_map_envelope", VJ_METRIC_SCALAR, "", "the same by CATER's definition"},
    [CROSS_ENTROPY] =
        {"cross_entropy", VJ_METRIC_SCALAR, "nat",
         "mean -ln of the probability given to what is, over columns and test samples; infinite where the "
         "test split has what train never has"},
    [LAMBDA] = {"lambda", VJ_METRIC_SCALAR, "", "penalty chosen on the validation split, for each train sample"},
    [AP] = {"ap", VJ_METRIC_CATEGORY, "", "average precision of each column on the test split; NaN without a positive"},
    [AP_ENVELOPE] = {"ap_envelope", VJ_METRIC_CATEGORY, "", "the same by CATER's definition"},
    [PREVALENCE] = {"prevalence", VJ_METRIC_CATEGORY, "", "share of positives in the test split"},
};

static vj_status check(const void *config, const vj_label *label) {
  if (label->kind != VJ_LABEL_FLAGS)
    return vj_fail(VJ_CONFIG, "label \"%s\" is not columns of 0 and 1, which multilabel predicts; %s", label->name,
                   label->kind == VJ_LABEL_CLASS ? "one class needs a logistic probe" : "numbers need a ridge probe");
  return vj_penalties_check(config);
}

typedef struct tagger {
  const vj_probe_input *input;
  const vj_penalties *penalties;
  int64_t samples, features, columns, candidates; /* N, D, q, number of lambdas */
  vj_standard standard;
  double *z[VJ_SPLITS];              /* [samples, D] */
  int64_t *label;                    /* [N]: a column of train */
  double *share;                     /* [q]: positives of train */
  double *weights;                   /* [2, D], of the two classes of a column */
  double *tried;                     /* [candidates, q, validation samples], scores */
  double *scores;                    /* [q, test samples] */
  bool *truths;                      /* [samples], a column of a split */
  vj_softmax_regression *regression; /* NULL while all columns are constant in train */
} tagger;

/* --- fitting ------------------------------------------------------------------------------------------------- */

static vj_status allocate(tagger *t) {
  const size_t d = (size_t)t->features, q = (size_t)t->columns;
  int64_t most = 0;
  VJ_TRY(vj_standard_create(t->input, &t->standard));
  for (int s = 0; s < VJ_SPLITS; s++) {
    const int64_t samples = t->input->split[s].samples;
    VJ_TRY(vj_allocate((size_t)samples * d, sizeof **t->z, "probe features", &t->z[s]));
    vj_standard_apply(&t->standard, (vj_split)s, 0, samples, t->z[s]);
    most = samples > most ? samples : most;
  }
  const size_t validation = (size_t)t->input->split[VJ_VALIDATION].samples;
  VJ_TRY(vj_allocate((size_t)t->samples, sizeof *t->label, "a column of labels", &t->label));
  VJ_TRY(vj_allocate(q, sizeof *t->share, "shares of labels", &t->share));
  VJ_TRY(vj_allocate(2 * d, sizeof *t->weights, "logistic weights", &t->weights));
  VJ_TRY(vj_allocate((size_t)t->candidates * q * validation, sizeof *t->tried, "scores", &t->tried));
  VJ_TRY(vj_allocate(q * (size_t)t->input->split[VJ_TEST].samples, sizeof *t->scores, "scores", &t->scores));
  VJ_TRY(vj_allocate((size_t)most, sizeof *t->truths, "a column of labels", &t->truths));
  return VJ_OK;
}

static void release(tagger *t) {
  vj_softmax_regression_destroy(&t->regression);
  free(t->truths);
  free(t->scores);
  free(t->tried);
  free(t->weights);
  free(t->share);
  free(t->label);
  for (int s = 0; s < VJ_SPLITS; s++) free(t->z[s]);
  vj_standard_destroy(&t->standard);
}

static bool is_positive(const tagger *t, vj_split split, int64_t sample, int64_t column) {
  return t->input->split[split].target[sample * t->columns + column] > 0;
}

/* False where the column is constant in train, so that nothing can be learnt of it. */
static vj_status take_column(tagger *t, int64_t column, bool *varies) {
  int64_t positives = 0;
  for (int64_t i = 0; i < t->samples; i++) positives += t->label[i] = is_positive(t, VJ_TRAIN, i, column);
  t->share[column] = (double)positives / (double)t->samples;
  *varies = positives > 0 && positives < t->samples;
  if (!*varies) return VJ_OK;
  if (!t->regression)
    return vj_softmax_regression_create(t->samples, t->features, 2, t->z[VJ_TRAIN], t->label, &t->regression);
  vj_softmax_regression_relabel(t->regression, t->label);
  return VJ_OK;
}

/* Two classes with weights of opposite sign share the penalty: |W|^2 = |w|^2 / 2, w being their difference. */
static vj_status fit(tagger *t, int64_t candidate, double excess) {
  return vj_softmax_regression_minimise(t->regression, 2 * vj_penalty_at(t->penalties, candidate), excess);
}

static void score(const tagger *t, vj_split split, double *scores) {
  const int n = (int)t->input->split[split].samples, d = (int)t->features;
  double intercepts[2];
  vj_softmax_regression_weights(t->regression, t->weights, intercepts);
  cblas_daxpy(d, -1, t->weights, 1, t->weights + d, 1);
  for (int i = 0; i < n; i++) scores[i] = intercepts[1] - intercepts[0];
  cblas_dgemv(CblasRowMajor, CblasNoTrans, n, d, 1, t->z[split], d, t->weights + d, 1, 1, scores, 1);
}

static double *scores_of(const tagger *t, int64_t candidate, int64_t column) {
  return t->tried + (candidate * t->columns + column) * t->input->split[VJ_VALIDATION].samples;
}

static vj_status try_column(tagger *t, int64_t column) {
  bool varies;
  VJ_TRY(take_column(t, column, &varies));
  for (int64_t k = t->candidates - 1; k >= 0 && varies; k--) {
    VJ_TRY(fit(t, k, rough));
    score(t, VJ_VALIDATION, scores_of(t, k, column));
  }
  return VJ_OK;
}

/* To the end, for both splits. */
static vj_status fit_column(tagger *t, int64_t column, int64_t chosen) {
  bool varies;
  VJ_TRY(take_column(t, column, &varies));
  for (int64_t k = t->candidates - 1; k >= chosen && varies; k--) VJ_TRY(fit(t, k, k > chosen ? rough : fine));
  if (!varies) return VJ_OK;
  score(t, VJ_VALIDATION, scores_of(t, chosen, column));
  score(t, VJ_TEST, t->scores + column * t->input->split[VJ_TEST].samples);
  return VJ_OK;
}

/* --- judging ------------------------------------------------------------------------------------------------- */

typedef struct judgement {
  double plain, envelope, prevalence; /* means over the columns with a positive; NaN if there are none */
  double loss;                        /* mean over all */
} judgement;

/* -ln of the probability that a column's score gives to what is. */
static double loss_of(const tagger *t, int64_t column, double score_, bool truth) {
  const double share = t->share[column];
  if (!(share > 0 && share < 1)) return truth == (share > 0) ? 0 : INFINITY;
  const double against = truth ? -score_ : score_;
  return against > 0 ? against + vj_math_log1p(vj_math_exp(-against)) : vj_math_log1p(vj_math_exp(against));
}

/* `each`, if not NULL, gets the column's average precisions and prevalence. */
static vj_status judge(tagger *t, vj_split split, const double *scores, double *const *each, judgement *j) {
  const int64_t n = t->input->split[split].samples;
  int64_t counted = 0;
  *j = (judgement){0};
  for (int64_t c = 0; c < t->columns; c++) {
    vj_average_precision ap;
    for (int64_t i = 0; i < n; i++) {
      t->truths[i] = is_positive(t, split, i, c);
      j->loss += loss_of(t, c, scores[c * n + i], t->truths[i]) / ((double)n * (double)t->columns);
    }
    VJ_TRY(vj_average_precision_of(n, scores + c * n, t->truths, &ap));
    const double prevalence = (double)ap.positives / (double)n;
    if (each) each[AP][c] = ap.plain, each[AP_ENVELOPE][c] = ap.envelope, each[PREVALENCE][c] = prevalence;
    if (!ap.positives) continue;
    counted++;
    j->plain += ap.plain;
    j->envelope += ap.envelope;
    j->prevalence += prevalence;
  }
  const double columns = counted ? (double)counted : NAN;
  j->plain /= columns, j->envelope /= columns, j->prevalence /= columns;
  return VJ_OK;
}

static bool is_better(const judgement *one, const judgement *other) {
  if (one->plain != other->plain && !(isnan(one->plain) && isnan(other->plain))) return one->plain > other->plain;
  return one->loss < other->loss;
}

/* Of equally good ones the largest lambda. */
static vj_status choose(tagger *t, int64_t *chosen) {
  judgement best = {0};
  *chosen = -1;
  for (int64_t k = t->candidates - 1; k >= 0; k--) {
    judgement j;
    VJ_TRY(judge(t, VJ_VALIDATION, scores_of(t, k, 0), NULL, &j));
    if (*chosen >= 0 && !is_better(&j, &best)) continue;
    best = j;
    *chosen = k;
  }
  return VJ_OK;
}

/* Of the test split's labels alone: the same numbers for every view, arm and seed. */
static vj_status judge_random(tagger *t, double *plain, double *envelope) {
  const int64_t scores = t->columns * t->input->split[VJ_TEST].samples;
  *plain = *envelope = 0;
  for (uint32_t draw = 0; draw < RANDOM_DRAWS; draw++) {
    judgement j;
    vj_rng rng = vj_rng_stream(0, VJ_RNG_ANALYSIS, draw, 0);
    for (int64_t i = 0; i < scores; i++) t->scores[i] = vj_rng_uniform(&rng);
    VJ_TRY(judge(t, VJ_TEST, t->scores, NULL, &j));
    *plain += j.plain / RANDOM_DRAWS;
    *envelope += j.envelope / RANDOM_DRAWS;
  }
  return VJ_OK;
}

static vj_status measure(tagger *t, double *const *results) {
  int64_t chosen = 0;
  judgement validation, test;
  VJ_TRY(allocate(t));
  for (int64_t c = 0; c < t->columns; c++) VJ_TRY(try_column(t, c));
  VJ_TRY(choose(t, &chosen));
  for (int64_t c = 0; c < t->columns; c++) VJ_TRY(fit_column(t, c, chosen));
  VJ_TRY(judge(t, VJ_VALIDATION, scores_of(t, chosen, 0), NULL, &validation));
  VJ_TRY(judge(t, VJ_TEST, t->scores, results, &test));
  *results[MAP] = test.plain;
  *results[MAP_ENVELOPE] = test.envelope;
  *results[MAP_VALIDATION] = validation.plain;
  *results[BASELINE_MAP] = *results[BASELINE_MAP_ENVELOPE] = test.prevalence;
  *results[CROSS_ENTROPY] = test.loss;
  *results[LAMBDA] = vj_penalty_at(t->penalties, chosen);
  return judge_random(t, results[RANDOM_MAP], results[RANDOM_MAP_ENVELOPE]);
}

static vj_status evaluate(const void *config, const vj_probe_input *input, double *const *results) {
  const vj_features *train = &input->split[VJ_TRAIN];
  const vj_penalties *penalties = config;
  tagger t = {.input = input,
              .penalties = penalties,
              .samples = train->samples,
              .features = train->steps * train->width,
              .columns = input->label->width,
              .candidates = penalties->lambda_count};
  VJ_TRY(vj_probe_check_splits("multilabel", input));
  vj_lapack_single_thread();
  const vj_status status = measure(&t, results);
  release(&t);
  return status;
}

const vj_component vj_probe_multilabel = {
    .abi = VJ_ABI,
    .kind = VJ_PROBE,
    .name = "multilabel",
    .summary = "logistic regressions of columns of 0 and 1 from all steps of a view; mean average precision",
    .source =
        "average precision: scikit-learn's average_precision_score; the envelope: Everingham et al., PASCAL VOC "
        "(2010), "
        "as CATER (arXiv 1910.04744) uses it",
    .params = params,
    .param_count = VJ_COUNT(params),
    .config_bytes = sizeof(vj_penalties),
    .as.probe = {.metrics = metrics,
                 .metric_count = METRICS,
                 .by_label_share = 1 << MAP,
                 .by_horizon = 1 << MAP,
                 .check = check,
                 .evaluate = evaluate},
};
