/* A frozen linear classifier: multinomial logistic regression from a view's features, all steps side by side, to a
 * class.
 *
 * Features have mean 0 and variance 1 by train; with N train samples the weights are the minimum of
 *   mean cross-entropy + lambda/2 |W|^2,
 * intercepts free (scikit-learn's C is 1 / (N lambda)); see analysis/metrics/softmax_regression.h. lambda is the one of
 * the best accuracy on the validation split, and what is reported comes from the test split. A class that train does
 * not show has probability 0, which is where its intercept would go. */
#include <cblas.h>
#include <math.h>
#include <stdlib.h>

#include "analysis/metrics/clusters.h"
#include "analysis/metrics/features.h"
#include "analysis/metrics/lapack.h"
#include "analysis/metrics/penalty.h"
#include "analysis/metrics/softmax.h"
#include "analysis/metrics/softmax_regression.h"
#include "vj/component.h"
#include "vj/memory.h"

enum { BLOCK = 256 /* samples predicted together */ };

/* Nats that the training objective may lie above its minimum: for every lambda, and for the chosen one. An excess e
 * moves the train probabilities by about sqrt e. */
static const double rough = 1e-9, fine = 1e-14;

static const vj_param params[] = {VJ_PENALTY_ROWS("-4", "1", "6")};

enum { ACCURACY, ACCURACY_VALIDATION, CROSS_ENTROPY, MAJORITY_ACCURACY, CHANCE, LAMBDA, ACCURACY_ERROR, METRICS };

static const vj_metric metrics[METRICS] = {
    [ACCURACY] = {"accuracy", VJ_METRIC_SCALAR, "",
                  "share of the test split that a frozen linear classifier gets right"},
    [ACCURACY_VALIDATION] = {"accuracy_validation", VJ_METRIC_SCALAR, "",
                             "the same of the validation split, the best over lambda"},
    [CROSS_ENTROPY] = {"cross_entropy", VJ_METRIC_SCALAR, "nat",
                       "mean -ln of the probability given to the true class on the test split; infinite where the test "
                       "split has a class that train has not"},
    [MAJORITY_ACCURACY] = {"majority_accuracy", VJ_METRIC_SCALAR, "",
                           "share of the test split that is of the commonest class of train"},
    [CHANCE] = {"chance", VJ_METRIC_SCALAR, "", "1 / number of classes"},
    [LAMBDA] = {"lambda", VJ_METRIC_SCALAR, "", "penalty chosen on the validation split, for each train sample"},
    [ACCURACY_ERROR] = {"accuracy_se", VJ_METRIC_SCALAR, "",
                        "standard error of accuracy over the test clips, those of one video taken together"},
};

static vj_status check(const void *config, const vj_label *label) {
  if (label->kind == VJ_LABEL_FLAGS)
    return vj_fail(VJ_CONFIG,
                   "label \"%s\" is columns of 0 and 1, and logistic predicts one class; it needs a multilabel probe",
                   label->name);
  if (label->kind != VJ_LABEL_CLASS)
    return vj_fail(VJ_CONFIG, "label \"%s\" is measured, and logistic predicts a class; numbers need a ridge probe",
                   label->name);
  if (label->width != 1)
    return vj_fail(VJ_CONFIG, "label \"%s\" has %lld classes for each sample, and logistic predicts one", label->name,
                   (long long)label->width);
  return vj_penalties_check(config);
}

typedef struct classifier {
  const vj_probe_input *input;
  const vj_penalties *penalties;
  int64_t samples, features, classes, candidates; /* N, D, K in train, number of lambdas */
  vj_standard standard;
  int64_t *known;     /* [label->classes]: 0..K-1, or -1 of a class that is not in train */
  int64_t *number;    /* [K]: the label of a known class */
  int64_t commonest;  /* label */
  double *z;          /* [N, D] of train */
  int64_t *label;     /* [N] of train, 0..K-1 */
  double *weights;    /* [candidates, K, D] */
  double *intercepts; /* [candidates, K] */
  vj_softmax_regression *regression;
} classifier;

/* What one classifier does on a split. */
typedef struct tally {
  int64_t right, unknown; /* unknown: samples of classes that are not in train */
  double loss;            /* sum over the others */
} tally;

static int64_t class_of(const classifier *c, vj_split split, int64_t sample) {
  return (int64_t)c->input->split[split].target[sample];
}

/* --- fitting ------------------------------------------------------------------------------------------------- */

static vj_status allocate(classifier *c) {
  const size_t n = (size_t)c->samples, d = (size_t)c->features, all = (size_t)c->input->label->classes;
  const size_t models = (size_t)c->candidates * all;
  VJ_TRY(vj_standard_create(c->input, &c->standard));
  VJ_TRY(vj_allocate(all, sizeof *c->known, "classes", &c->known));
  VJ_TRY(vj_allocate(all, sizeof *c->number, "classes", &c->number));
  VJ_TRY(vj_allocate(n * d, sizeof *c->z, "train features", &c->z));
  VJ_TRY(vj_allocate(n, sizeof *c->label, "train labels", &c->label));
  VJ_TRY(vj_allocate(models * d, sizeof *c->weights, "logistic weights", &c->weights));
  VJ_TRY(vj_allocate(models, sizeof *c->intercepts, "logistic intercepts", &c->intercepts));
  return VJ_OK;
}

static void release(classifier *c) {
  vj_softmax_regression_destroy(&c->regression);
  free(c->intercepts);
  free(c->weights);
  free(c->label);
  free(c->z);
  free(c->number);
  free(c->known);
  vj_standard_destroy(&c->standard);
}

/* Numbers the classes that train has; of equally common ones the first is the commonest. */
static void list_classes(classifier *c) {
  int64_t most = 0;
  for (int64_t i = 0; i < c->samples; i++) c->known[class_of(c, VJ_TRAIN, i)]++;
  for (int64_t k = 0; k < c->input->label->classes; k++) {
    if (c->known[k] > most) {
      most = c->known[k];
      c->commonest = k;
    }
    const bool occurs = c->known[k] > 0;
    c->known[k] = occurs ? c->classes : -1;
    if (occurs) c->number[c->classes++] = k;
  }
  for (int64_t i = 0; i < c->samples; i++) c->label[i] = c->known[class_of(c, VJ_TRAIN, i)];
}

static vj_status fit_one(classifier *c, int64_t candidate, double excess) {
  double *weights = c->weights + candidate * c->classes * c->features;
  VJ_TRY(vj_softmax_regression_minimise(c->regression, vj_penalty_at(c->penalties, candidate), excess));
  vj_softmax_regression_weights(c->regression, weights, c->intercepts + candidate * c->classes);
  return VJ_OK;
}

static vj_status fit_all(classifier *c) {
  VJ_TRY(allocate(c));
  list_classes(c);
  vj_standard_apply(&c->standard, VJ_TRAIN, 0, c->samples, c->z);
  VJ_TRY(vj_softmax_regression_create(c->samples, c->features, c->classes, c->z, c->label, &c->regression));
  for (int64_t k = c->candidates - 1; k >= 0; k--) VJ_TRY(fit_one(c, k, rough));
  return VJ_OK;
}

/* --- predicting ---------------------------------------------------------------------------------------------- */

static void count(const classifier *c, int64_t truth, const double *scores, tally *result) {
  int64_t best = 0;
  for (int64_t k = 1; k < c->classes; k++)
    if (scores[k] > scores[best]) best = k;
  const int64_t index = c->known[truth];
  result->right += c->number[best] == truth;
  if (index < 0)
    result->unknown++;
  else
    result->loss += vj_log_sum_exp(c->classes, 1, scores) - scores[index];
}

/* Candidates first..first+models-1 on a split -> tallies [models], and for one candidate `right` [samples], 1 where it
 * is right; or NULL. */
static vj_status try_on(const classifier *c, vj_split split, int64_t first, int64_t models, tally *tallies,
                        double *right) {
  const int64_t samples = c->input->split[split].samples, d = c->features, all = models * c->classes;
  const double *weights = c->weights + first * c->classes * d, *intercepts = c->intercepts + first * c->classes;
  double *z = NULL, *scores = NULL;
  vj_status status;
  VJ_TRY_GOTO(status, vj_allocate((size_t)(BLOCK * d), sizeof *z, "features", &z), done);
  VJ_TRY_GOTO(status, vj_allocate((size_t)(BLOCK * all), sizeof *scores, "scores", &scores), done);
  for (int64_t m = 0; m < models; m++) tallies[m] = (tally){0};
  for (int64_t start = 0; start < samples; start += BLOCK) {
    const int64_t rows = samples - start < BLOCK ? samples - start : BLOCK;
    vj_standard_apply(&c->standard, split, start, rows, z);
    for (int64_t i = 0; i < rows; i++) cblas_dcopy((int)all, intercepts, 1, scores + i * all, 1);
    cblas_dgemm(CblasRowMajor, CblasNoTrans, CblasTrans, (int)rows, (int)all, (int)d, 1, z, (int)d, weights, (int)d, 1,
                scores, (int)all);
    for (int64_t i = 0; i < rows; i++)
      for (int64_t m = 0; m < models; m++) {
        const int64_t before = tallies[m].right;
        count(c, class_of(c, split, start + i), scores + i * all + m * c->classes, &tallies[m]);
        if (right) right[start + i] = (double)(tallies[m].right - before);
      }
  }
done:
  free(scores);
  free(z);
  return status;
}

/* The best accuracy on validation; of equal ones the least cross-entropy, then the largest lambda. */
static vj_status choose(const classifier *c, int64_t *chosen) {
  tally *tallies = NULL;
  VJ_TRY(vj_allocate((size_t)c->candidates, sizeof *tallies, "validation results", &tallies));
  const vj_status status = try_on(c, VJ_VALIDATION, 0, c->candidates, tallies, NULL);
  *chosen = c->candidates - 1;
  for (int64_t k = c->candidates - 2; k >= 0; k--) {
    const tally *best = &tallies[*chosen];
    if (tallies[k].right > best->right || (tallies[k].right == best->right && tallies[k].loss < best->loss))
      *chosen = k;
  }
  free(tallies);
  return status;
}

static double majority_share(const classifier *c) {
  const int64_t samples = c->input->split[VJ_TEST].samples;
  int64_t right = 0;
  for (int64_t i = 0; i < samples; i++) right += class_of(c, VJ_TEST, i) == c->commonest;
  return (double)right / (double)samples;
}

static vj_status try_on_test(const classifier *c, int64_t chosen, tally *result, double *error) {
  const int64_t samples = c->input->split[VJ_TEST].samples;
  double *right = NULL;
  VJ_TRY(vj_allocate((size_t)samples, sizeof *right, "results of samples", &right));
  vj_status status = try_on(c, VJ_TEST, chosen, 1, result, right);
  if (status == VJ_OK) status = vj_clustered_error(samples, right, NULL, c->input->test_videos, error);
  free(right);
  return status;
}

static vj_status report(classifier *c, int64_t chosen, double *const *results) {
  const double validation = (double)c->input->split[VJ_VALIDATION].samples;
  const double test = (double)c->input->split[VJ_TEST].samples;
  tally result;
  VJ_TRY(fit_one(c, chosen, fine));
  VJ_TRY(try_on(c, VJ_VALIDATION, chosen, 1, &result, NULL));
  *results[ACCURACY_VALIDATION] = (double)result.right / validation;
  VJ_TRY(try_on_test(c, chosen, &result, results[ACCURACY_ERROR]));
  *results[ACCURACY] = (double)result.right / test;
  *results[CROSS_ENTROPY] = result.unknown ? INFINITY : result.loss / test;
  *results[MAJORITY_ACCURACY] = majority_share(c);
  *results[CHANCE] = 1 / (double)c->input->label->classes;
  *results[LAMBDA] = vj_penalty_at(c->penalties, chosen);
  return VJ_OK;
}

static vj_status evaluate(const void *config, const vj_probe_input *input, double *const *results) {
  const vj_features *train = &input->split[VJ_TRAIN];
  const vj_penalties *penalties = config;
  classifier c = {.input = input,
                  .penalties = penalties,
                  .samples = train->samples,
                  .features = train->steps * train->width,
                  .candidates = penalties->lambda_count};
  int64_t chosen = 0;
  vj_status status;
  VJ_TRY(vj_probe_check_splits("logistic", input));
  vj_lapack_single_thread();
  VJ_TRY_GOTO(status, fit_all(&c), done);
  VJ_TRY_GOTO(status, choose(&c, &chosen), done);
  VJ_TRY_GOTO(status, report(&c, chosen, results), done);
done:
  release(&c);
  return status;
}

const vj_component vj_probe_logistic = {
    .abi = VJ_ABI,
    .kind = VJ_PROBE,
    .name = "logistic",
    .summary = "multinomial logistic regression of a class from all steps of a view",
    .source = "Cox, The regression analysis of binary sequences (J. R. Stat. Soc. B 20, 1958)",
    .params = params,
    .param_count = VJ_COUNT(params),
    .config_bytes = sizeof(vj_penalties),
    .as.probe = {.metrics = metrics,
                 .metric_count = METRICS,
                 .by_label_share = 1 << ACCURACY | 1 << CROSS_ENTROPY,
                 .by_horizon = 1 << ACCURACY | 1 << CROSS_ENTROPY,
                 .check = check,
                 .evaluate = evaluate},
};
