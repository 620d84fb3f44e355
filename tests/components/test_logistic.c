/* The logistic probe: closed forms, gradients by differences, its two ways of solving, its errors. Called with a
 * folder, the program writes its cases there instead, for tests/reference/test_probes.py. */
#include <cblas.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "analysis/metrics/features.h"
#include "analysis/metrics/softmax.h"
#include "analysis/metrics/softmax_regression.h"
#include "tests/components/probe_testing.h"

extern const vj_component vj_probe_logistic;

enum { ACCURACY, ACCURACY_VALIDATION, CROSS_ENTROPY, MAJORITY_ACCURACY, CHANCE, LAMBDA, METRICS };

static const vj_penalties defaults = {-4, 1, 6};

static vj_status evaluate(const vj_penalties *penalties, const vj_probe_input *input, double results[METRICS]) {
  double *rooms[METRICS];
  for (int i = 0; i < METRICS; i++) rooms[i] = &results[i];
  return vj_probe_logistic.as.probe.evaluate(penalties, input, rooms);
}

static const vj_label switched = {.name = "switched", .kind = VJ_LABEL_CLASS, .width = 1, .classes = 2};
static const vj_label digit = {.name = "digit", .kind = VJ_LABEL_CLASS, .width = 1, .classes = 10};
static const vj_label speed = {.name = "speed", .kind = VJ_LABEL_REAL, .width = 1, .unit = "px/frame"};

static const float signs[4] = {-1, 1, -1, 1}, sides[4] = {0, 1, 0, 1};

static void the_parameters_have_the_stated_defaults(void **state) {
  (void)state;
  assert_parameters_are(&vj_probe_logistic, &defaults);
}

/* --- closed forms -------------------------------------------------------------------------------------------- */

/* x is -1 or 1 and tells the class: W = (-w, w) with lambda w = 1 / (1 + exp 2w), so that w = ln(3) / 2 gives the true
 * class the probability 3/4. */
static double exponent_of_three_quarters(void) { return log10(0.25 / (log(3) / 2)); }

static void one_feature_has_the_closed_form(void **state) {
  (void)state;
  const vj_penalties one = {exponent_of_three_quarters(), 1, 1};
  const vj_probe_input input = same_splits((vj_features){4, 1, 1, signs, sides}, &switched);
  double results[METRICS];
  assert_ok(evaluate(&one, &input, results));
  assert_close(results[CROSS_ENTROPY], log(4.0 / 3), 1e-6);
  assert_close(results[ACCURACY], 1, 0);
  assert_close(results[ACCURACY_VALIDATION], 1, 0);
  assert_close(results[MAJORITY_ACCURACY], 0.5, 0);
  assert_close(results[CHANCE], 0.5, 0);
  assert_close(results[LAMBDA], 0.5 / log(3), 1e-14);
}

/* Three of four validation labels follow x, whatever lambda is: the accuracies are equal, and the least cross-entropy
 * is that of the lambda which gives the probability 3/4. */
static void equal_accuracies_are_told_apart_by_cross_entropy(void **state) {
  (void)state;
  const double middle = exponent_of_three_quarters();
  const vj_penalties three = {middle - 0.5, middle + 0.5, 3};
  const float x[4] = {-1, -1, 1, 1}, y[4] = {0, 0, 1, 0};
  vj_probe_input input = same_splits((vj_features){4, 1, 1, signs, sides}, &switched);
  input.split[VJ_VALIDATION] = (vj_features){4, 1, 1, x, y};
  double results[METRICS];
  assert_ok(evaluate(&three, &input, results));
  assert_close(results[LAMBDA], 0.5 / log(3), 1e-14);
  assert_close(results[ACCURACY_VALIDATION], 0.75, 0);
  assert_close(results[CROSS_ENTROPY], log(4.0 / 3), 1e-6);
}

/* The small lambda gets three of four right and is badly wrong in the fourth; the large one says 0 always. */
static void lambda_is_chosen_by_accuracy_first(void **state) {
  (void)state;
  const vj_penalties two = {-3, 3, 2};
  const float train_x[4] = {-1, -1, -1, 1}, train_y[4] = {0, 0, 0, 1}, x[4] = {1, 1, -1, 30}, y[4] = {1, 1, 0, 0};
  const vj_features split = {4, 1, 1, x, y};
  const vj_probe_input input = {.split = {{4, 1, 1, train_x, train_y}, split, split}, .label = &switched};
  double results[METRICS];
  assert_ok(evaluate(&two, &input, results));
  assert_close(results[LAMBDA], 1e-3, 1e-15);
  assert_close(results[ACCURACY], 0.75, 0);
  assert_true(results[CROSS_ENTROPY] > 10);
  const vj_penalties large = {3, 3, 1};
  assert_ok(evaluate(&large, &input, results));
  assert_close(results[ACCURACY], 0.5, 0);
  assert_close(results[MAJORITY_ACCURACY], 0.5, 0);
  assert_true(results[CROSS_ENTROPY] < 1);
}

static void collapsed_features_score_the_majority(void **state) {
  (void)state;
  const float constant[10] = {0.1F, 0.7F, 0.1F, 0.7F, 0.1F, 0.7F, 0.1F, 0.7F, 0.1F, 0.7F}, y[5] = {7, 3, 3, 7, 5};
  const vj_probe_input input = same_splits((vj_features){5, 1, 2, constant, y}, &digit);
  double results[METRICS];
  assert_ok(evaluate(&defaults, &input, results));
  assert_close(results[ACCURACY], 0.4, 0); /* of the equally common 3 and 7 the first */
  assert_close(results[MAJORITY_ACCURACY], 0.4, 0);
  assert_close(results[CROSS_ENTROPY], -(0.8 * log(0.4) + 0.2 * log(0.2)), 1e-14);
  assert_close(results[CHANCE], 0.1, 1e-17);
  assert_close(results[LAMBDA], 10, 1e-12); /* of equals the largest */
}

/* Classes 2 and 7 of ten; the numbers of the others must not shift theirs. */
static void a_class_absent_from_train_is_never_predicted(void **state) {
  (void)state;
  const float two_and_seven[4] = {2, 7, 2, 7}, with_nine[4] = {2, 7, 9, 7};
  vj_probe_input input = same_splits((vj_features){4, 1, 1, signs, two_and_seven}, &digit);
  double results[METRICS];
  assert_ok(evaluate(&defaults, &input, results));
  assert_close(results[ACCURACY], 1, 0);
  assert_true(results[CROSS_ENTROPY] < 0.01);
  input.split[VJ_TEST].target = input.split[VJ_VALIDATION].target = with_nine;
  assert_ok(evaluate(&defaults, &input, results));
  assert_close(results[ACCURACY], 0.75, 0);
  assert_close(results[ACCURACY_VALIDATION], 0.75, 0);
  assert_close(results[LAMBDA], 1e-4, 1e-16); /* by the cross-entropy of the classes that are known */
  assert_true(isinf(results[CROSS_ENTROPY]) && results[CROSS_ENTROPY] > 0);
}

static void a_single_class_in_train_is_always_predicted(void **state) {
  (void)state;
  const float one[4] = {1, 1, 1, 1};
  const vj_probe_input input = {.split = {{4, 1, 1, signs, one}, {4, 1, 1, signs, one}, {4, 1, 1, signs, sides}},
                                .label = &switched};
  double results[METRICS];
  assert_ok(evaluate(&defaults, &input, results));
  assert_close(results[ACCURACY_VALIDATION], 1, 0);
  assert_close(results[ACCURACY], 0.5, 0);
  assert_true(isinf(results[CROSS_ENTROPY]));
}

static void features_constant_in_train_are_ignored(void **state) {
  (void)state;
  const float train[8] = {-1, 0.1F, 1, 0.1F, -1, 0.1F, 1, 0.1F}, test[8] = {-1, 50, 1, -9, -1, 3, 1, 1e6F};
  vj_probe_input input = same_splits((vj_features){4, 1, 2, train, sides}, &switched);
  double constant[METRICS], moving[METRICS];
  assert_ok(evaluate(&defaults, &input, constant));
  input.split[VJ_TEST].values = test;
  assert_ok(evaluate(&defaults, &input, moving));
  assert_memory_equal(constant, moving, sizeof constant);
}

/* --- gradients and minima by differences --------------------------------------------------------------------- */

static void cross_entropy_gradient(void **state) {
  (void)state;
  enum { CLASSES = 4, SAMPLES = 7, COUNT = CLASSES * SAMPLES };
  const int64_t label[SAMPLES] = {0, 3, 1, 1, 2, 0, 3};
  const double h = 1e-5;
  double scores[COUNT], gradient[COUNT], scratch[COUNT], curvature, unused, spread = 0;
  vj_rng rng = vj_rng_stream(3, VJ_RNG_TEST, 0, 0);
  for (int i = 0; i < COUNT; i++) scores[i] = 2 * vj_rng_normal(&rng);
  const double here = vj_softmax_loss(CLASSES, SAMPLES, scores, label, gradient, &curvature);
  for (int i = 0; i < COUNT; i++) {
    const double kept = scores[i];
    scores[i] = kept + h;
    const double above = vj_softmax_loss(CLASSES, SAMPLES, scores, label, scratch, &unused);
    scores[i] = kept - h;
    const double below = vj_softmax_loss(CLASSES, SAMPLES, scores, label, scratch, &unused);
    scores[i] = kept;
    assert_close(gradient[i], (above - below) / (2 * h), 1e-10);
    spread += (above - 2 * here + below) / (h * h);
  }
  assert_close(curvature, spread / (CLASSES - 1), 1e-4);
}

static void large_scores_do_not_overflow(void **state) {
  (void)state;
  const double scores[3] = {1e4, 9990, -1e4};
  const int64_t label = 1;
  double residual[3], curvature;
  assert_close(vj_softmax_loss(3, 1, scores, &label, residual, &curvature), 10 + log1p(exp(-10)), 1e-11);
  assert_close(residual[0] + residual[1] + residual[2], 0, 1e-11);
}

typedef struct fit {
  int64_t samples, features, classes;
  double *z, *weights; /* [N, D]; [K, D + 1], the intercept last */
  int64_t *label;
} fit;

/* J(W, b), said once more. */
static double objective(const fit *f, double lambda) {
  double loss = 0, square = 0;
  for (int64_t i = 0; i < f->samples; i++) {
    double sum = 0, own = 0;
    for (int64_t k = 0; k < f->classes; k++) {
      const double *w = f->weights + k * (f->features + 1);
      double score = w[f->features];
      for (int64_t j = 0; j < f->features; j++) score += w[j] * f->z[i * f->features + j];
      sum += exp(score);
      if (k == f->label[i]) own = score;
    }
    loss += log(sum) - own;
  }
  for (int64_t k = 0; k < f->classes; k++)
    for (int64_t j = 0; j < f->features; j++) square += pow(f->weights[k * (f->features + 1) + j], 2);
  return loss / (double)f->samples + lambda / 2 * square;
}

/* Columns of mean 0 and different sizes, labels that follow some of them. */
static void create_fit(fit *f, int64_t samples, int64_t features, int64_t classes) {
  vj_rng rng = vj_rng_stream(8, VJ_RNG_TEST, 0, (uint64_t)samples);
  *f = (fit){.samples = samples, .features = features, .classes = classes};
  f->z = calloc((size_t)(samples * features), sizeof *f->z);
  f->weights = calloc((size_t)(classes * (features + 1)), sizeof *f->weights);
  f->label = calloc((size_t)samples, sizeof *f->label);
  assert_true(f->z && f->weights && f->label);
  for (int64_t j = 0; j < features; j++) {
    double mean = 0;
    for (int64_t i = 0; i < samples; i++) f->z[i * features + j] = vj_rng_normal(&rng) * (1 + (double)(j % 4));
    for (int64_t i = 0; i < samples; i++) mean += f->z[i * features + j] / (double)samples;
    for (int64_t i = 0; i < samples; i++) f->z[i * features + j] -= mean;
  }
  for (int64_t i = 0; i < samples; i++) {
    const double noisy = f->z[i * features] + 2 * f->z[i * features + 1] + vj_rng_normal(&rng);
    f->label[i] = i < classes ? i : (int64_t)fmin((double)classes - 1, fmax(0, floor(noisy / 2 + 1.5)));
  }
}

static void destroy_fit(fit *f) {
  free(f->z);
  free(f->weights);
  free(f->label);
}

static void take_weights(fit *f, const vj_softmax_regression *regression) {
  double *weights = calloc((size_t)(f->classes * f->features), sizeof *weights);
  double *intercepts = calloc((size_t)f->classes, sizeof *intercepts);
  assert_true(weights && intercepts);
  vj_softmax_regression_weights(regression, weights, intercepts);
  for (int64_t k = 0; k < f->classes; k++) {
    memcpy(f->weights + k * (f->features + 1), weights + k * f->features, (size_t)f->features * sizeof *weights);
    f->weights[k * (f->features + 1) + f->features] = intercepts[k];
  }
  free(weights);
  free(intercepts);
}

/* The derivative of J at the fitted weights, along random directions of length 1. */
static void assert_minimum(fit *f, double lambda) {
  const double h = 1e-4, here = objective(f, lambda);
  const int64_t count = f->classes * (f->features + 1);
  double *direction = calloc((size_t)count, sizeof *direction);
  assert_non_null(direction);
  for (int number = 0; number < 12; number++) {
    vj_rng rng = vj_rng_stream(9, VJ_RNG_TEST, (uint32_t)number, 0);
    double length = 0, sides_of[2];
    for (int64_t i = 0; i < count; i++) length = hypot(length, direction[i] = vj_rng_normal(&rng));
    for (int side = 0; side < 2; side++) {
      for (int64_t i = 0; i < count; i++) f->weights[i] += (side ? -2 * h : h) * direction[i] / length;
      sides_of[side] = objective(f, lambda);
    }
    for (int64_t i = 0; i < count; i++) f->weights[i] += h * direction[i] / length;
    assert_close((sides_of[0] - sides_of[1]) / (2 * h), 0, 1e-6);
    assert_true(sides_of[0] >= here - 1e-12 && sides_of[1] >= here - 1e-12);
  }
  free(direction);
}

static void check_path(int64_t samples, int64_t features) {
  static const double lambdas[] = {10, 0.3, 1e-2, 1e-4, 1};
  fit f;
  vj_softmax_regression *regression = NULL;
  create_fit(&f, samples, features, 3);
  const double start = objective(&f, 1);
  assert_ok(vj_softmax_regression_create(samples, features, 3, f.z, f.label, &regression));
  for (size_t i = 0; i < VJ_COUNT(lambdas); i++) {
    assert_ok(vj_softmax_regression_minimise(regression, lambdas[i], 1e-14));
    take_weights(&f, regression);
    assert_minimum(&f, lambdas[i]);
    assert_true(objective(&f, lambdas[i]) < start);
  }
  vj_softmax_regression_destroy(&regression);
  assert_null(regression);
  destroy_fit(&f);
}

static void more_samples_than_features_reach_the_minimum(void **state) {
  (void)state;
  check_path(80, 12);
}

static void more_features_than_samples_reach_the_minimum(void **state) {
  (void)state;
  check_path(40, 90);
}

/* Zeros as further features change no weight, but turn the one way of solving into the other. */
static void both_ways_of_solving_agree(void **state) {
  (void)state;
  enum { SAMPLES = 50, FEATURES = 20, PADDED = 70, CLASSES = 4 };
  fit narrow, wide = {SAMPLES, PADDED, CLASSES, NULL, NULL, NULL};
  vj_softmax_regression *regressions[2] = {NULL, NULL};
  create_fit(&narrow, SAMPLES, FEATURES, CLASSES);
  wide.z = calloc(SAMPLES * PADDED, sizeof *wide.z);
  wide.weights = calloc(CLASSES * (PADDED + 1), sizeof *wide.weights);
  assert_true(wide.z && wide.weights);
  for (int64_t i = 0; i < SAMPLES; i++) memcpy(wide.z + i * PADDED, narrow.z + i * FEATURES, FEATURES * sizeof *wide.z);
  const vj_status created[2] = {
      vj_softmax_regression_create(SAMPLES, FEATURES, CLASSES, narrow.z, narrow.label, &regressions[0]),
      vj_softmax_regression_create(SAMPLES, PADDED, CLASSES, wide.z, narrow.label, &regressions[1])};
  assert_true(created[0] == VJ_OK && created[1] == VJ_OK);
  for (double lambda = 1; lambda > 1e-4; lambda /= 10) {
    for (int i = 0; i < 2; i++) assert_ok(vj_softmax_regression_minimise(regressions[i], lambda, 1e-15));
    take_weights(&narrow, regressions[0]);
    take_weights(&wide, regressions[1]);
    for (int64_t k = 0; k < CLASSES; k++) {
      for (int64_t j = 0; j <= FEATURES; j++) {
        const double in_wide = wide.weights[k * (PADDED + 1) + (j < FEATURES ? j : PADDED)];
        assert_close(in_wide, narrow.weights[k * (FEATURES + 1) + j], 3e-5);
      }
    }
  }
  for (int i = 0; i < 2; i++) vj_softmax_regression_destroy(&regressions[i]);
  free(wide.z);
  free(wide.weights);
  destroy_fit(&narrow);
}

/* --- larger problems: features with some directions that tell the class, and noise ------------------------------ */

typedef struct shape {
  const char *name;
  int64_t train, steps, width, classes;
  double signal;
  int64_t constant; /* every so-manieth feature repeats one number; 0: none does */
  bool uneven;      /* the first classes are the commonest */
} shape;

static void fill_split(problem *p, const shape *s, vj_split split, const double *centres) {
  vj_rng rng = vj_rng_stream(6, VJ_RNG_TEST, (uint32_t)split, vj_hash_text(s->name));
  const int64_t d = s->steps * s->width, n = p->samples[split];
  for (int64_t i = 0; i < n; i++) {
    const double u = vj_rng_uniform(&rng);
    const int64_t class = (int64_t)((s->uneven ? u * u : u) * (double)s->classes);
    p->targets[split][i] = (float)class;
    for (int64_t j = 0; j < d; j++) {
      const double value = s->signal * centres[class * d + j] + vj_rng_normal(&rng);
      const bool constant = s->constant && j % s->constant == 0;
      p->features[split][i * d + j] = constant ? 0.3F : (float)(10 * (double)(j % 3) + (1 + (double)(j % 7)) * value);
    }
  }
}

static void create(problem *p, const shape *s) {
  const int64_t d = s->steps * s->width;
  double *centres = normal_numbers(vj_rng_stream(6, VJ_RNG_TEST, 99, vj_hash_text(s->name)), s->classes * d);
  create_problem(p, (vj_label){.name = "digit", .kind = VJ_LABEL_CLASS, .width = 1, .classes = s->classes}, s->train,
                 s->steps, s->width);
  for (vj_split split = VJ_TRAIN; split < VJ_SPLITS; split++) fill_split(p, s, split, centres);
  free(centres);
}

static void separable_classes_are_found(void **state) {
  (void)state;
  problem p;
  double results[METRICS];
  create(&p, &(shape){"separable", 150, 4, 20, 5, 3, 0, false});
  assert_ok(evaluate(&defaults, &p.input, results));
  assert_close(results[ACCURACY], 1, 0);
  assert_close(results[ACCURACY_VALIDATION], 1, 0);
  assert_true(results[CROSS_ENTROPY] < 1e-2);
  assert_close(results[LAMBDA], 1e-4, 1e-16); /* of equal accuracies the least cross-entropy */
  destroy_problem(&p);
}

static void noise_cannot_be_classified(void **state) {
  (void)state;
  problem p;
  double results[METRICS];
  create(&p, &(shape){"noise", 600, 4, 5, 4, 0, 0, false});
  assert_ok(evaluate(&defaults, &p.input, results));
  assert_close(results[ACCURACY], 0.25, 0.1);
  assert_close(results[CROSS_ENTROPY], log(4), 0.15);
  assert_close(results[CHANCE], 0.25, 0);
  destroy_problem(&p);
}

static void the_scale_of_features_does_not_matter(void **state) {
  (void)state;
  problem p;
  double before[METRICS], after[METRICS];
  create(&p, &(shape){"scale", 50, 3, 8, 3, 0.3, 0, false});
  assert_ok(evaluate(&defaults, &p.input, before));
  for (vj_split split = VJ_TRAIN; split < VJ_SPLITS; split++)
    for (int64_t i = 0; i < p.samples[split] * 24; i++) p.features[split][i] *= i % 2 ? 1024.0F : -0.125F;
  assert_ok(evaluate(&defaults, &p.input, after));
  for (int i = 0; i < METRICS; i++) assert_close(after[i], before[i], 1e-6 * fabs(before[i]));
  destroy_problem(&p);
}

static void same_bits_for_any_thread_count(void **state) {
  (void)state;
  problem p;
  double one[METRICS], two[METRICS];
  create(&p, &(shape){"threads", 200, 4, 60, 6, 0.2, 0, false});
  openblas_set_num_threads(1);
  assert_ok(evaluate(&defaults, &p.input, one));
  openblas_set_num_threads(2);
  assert_ok(evaluate(&defaults, &p.input, two));
  assert_memory_equal(one, two, sizeof one);
  destroy_problem(&p);
}

/* --- errors -------------------------------------------------------------------------------------------------- */

static void labels_that_do_not_fit_are_refused_before_training(void **state) {
  (void)state;
  const vj_probe_ops *probe = &vj_probe_logistic.as.probe;
  const vj_label actions = {.name = "actions", .kind = VJ_LABEL_CLASS, .width = 14, .classes = 2};
  assert_ok(probe->check(&defaults, &digit));
  assert_error(probe->check(&defaults, &speed), VJ_CONFIG,
               "label \"speed\" is measured, and logistic predicts a class; numbers need a ridge probe");
  assert_error(probe->check(&defaults, &actions), VJ_CONFIG,
               "label \"actions\" has 14 classes for each sample, and logistic predicts one");
  assert_error(probe->check(&(vj_penalties){1, -4, 6}, &digit), VJ_CONFIG,
               "lambda_max is -4, below lambda_min, which is 1; give the smaller exponent first");
}

static void classes_out_of_range_are_named(void **state) {
  (void)state;
  const float twelve[4] = {0, 1, 12, 1}, half[4] = {0, 1, 0, 0.5F}, undefined[4] = {0, NAN, 0, 1};
  double results[METRICS];
  vj_probe_input input = same_splits((vj_features){4, 1, 1, signs, twelve}, &digit);
  assert_error(evaluate(&defaults, &input, results), VJ_DATA,
               "logistic: label \"digit\" of train sample 2 is 12, expected a class 0 to 9; "
               "look at the data set");
  input.split[VJ_TRAIN].target = sides;
  input.split[VJ_VALIDATION].target = half;
  assert_error(evaluate(&defaults, &input, results), VJ_DATA,
               "logistic: label \"digit\" of validation sample 3 is 0.5, expected a class 0 "
               "to 9; look at the data set");
  input.split[VJ_VALIDATION].target = undefined;
  assert_error(evaluate(&defaults, &input, results), VJ_DATA,
               "logistic: label \"digit\" of validation sample 1 is not a finite number; "
               "look at the data set");
}

static void splits_that_do_not_fit_are_refused(void **state) {
  (void)state;
  const float broken[4] = {-1, 1, -INFINITY, 1};
  double results[METRICS];
  vj_probe_input input = same_splits((vj_features){4, 1, 1, signs, sides}, &switched);
  input.split[VJ_VALIDATION].samples = 0;
  assert_error(evaluate(&defaults, &input, results), VJ_DATA,
               "logistic: needs at least 1 validation sample, got 0; raise eval.probe_validation");
  input.split[VJ_VALIDATION] = (vj_features){2, 1, 2, signs, sides};
  assert_error(evaluate(&defaults, &input, results), VJ_SHAPE,
               "logistic: train features are 1 steps x 1, validation features are 1 steps x 2");
  input.split[VJ_TRAIN].values = broken;
  assert_error(evaluate(&defaults, &input, results), VJ_NUMERIC,
               "logistic: train sample 2 has a feature that is not a finite number; the hidden state has "
               "diverged, try a lower optim.lr");
}

/* --- cases for Python ---------------------------------------------------------------------------------------- */

/* The weights of one lambda, on standardised features: [K, D] and, below, the intercepts padded with zeros. */
static void export_weights(const char *folder, const char *name, const problem *p, double lambda) {
  const vj_features *train = &p->input.split[VJ_TRAIN];
  const int64_t d = train->steps * train->width, k = p->label.classes;
  vj_standard standard;
  fit f = {.samples = train->samples, .features = d, .classes = k};
  vj_softmax_regression *regression = NULL;
  f.z = calloc((size_t)(train->samples * d), sizeof *f.z);
  f.weights = calloc((size_t)(k * (d + 1)), sizeof *f.weights);
  f.label = calloc((size_t)train->samples, sizeof *f.label);
  assert_true(f.z && f.weights && f.label);
  assert_ok(vj_standard_create(&p->input, &standard));
  vj_standard_apply(&standard, VJ_TRAIN, 0, train->samples, f.z);
  for (int64_t i = 0; i < train->samples; i++) f.label[i] = (int64_t)train->target[i];
  assert_ok(vj_softmax_regression_create(f.samples, d, k, f.z, f.label, &regression));
  assert_ok(vj_softmax_regression_minimise(regression, lambda, 1e-14));
  take_weights(&f, regression);
  npy_write(folder, "logistic", name, "weights", "<f8", k, d + 1, f.weights);
  vj_softmax_regression_destroy(&regression);
  vj_standard_destroy(&standard);
  destroy_fit(&f);
}

static void export_case(const char *folder, const shape *s) {
  double results[METRICS];
  problem p;
  create(&p, s);
  assert_ok(evaluate(&defaults, &p.input, results));
  write_problem(folder, "logistic", s->name, &p);
  npy_write(folder, "logistic", s->name, "results", "<f8", 1, METRICS, results);
  export_weights(folder, s->name, &p, results[LAMBDA]);
  destroy_problem(&p);
}

static int export_cases(const char *folder) {
  static const shape cases[] = {
      {"primal", 260, 3, 16, 4, 0.15, 0, false},
      {"dual", 90, 12, 10, 5, 0.15, 0, false},
      {"constant", 120, 2, 20, 3, 0.2, 5, true},
      {"separable", 100, 4, 40, 10, 3, 0, false},
  };
  for (size_t i = 0; i < VJ_COUNT(cases); i++) export_case(folder, &cases[i]);
  return 0;
}

int main(int count, char **arguments) {
  if (count == 2) return export_cases(arguments[1]);
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(the_parameters_have_the_stated_defaults),
      cmocka_unit_test(one_feature_has_the_closed_form),
      cmocka_unit_test(equal_accuracies_are_told_apart_by_cross_entropy),
      cmocka_unit_test(lambda_is_chosen_by_accuracy_first),
      cmocka_unit_test(collapsed_features_score_the_majority),
      cmocka_unit_test(a_class_absent_from_train_is_never_predicted),
      cmocka_unit_test(a_single_class_in_train_is_always_predicted),
      cmocka_unit_test(features_constant_in_train_are_ignored),
      cmocka_unit_test(cross_entropy_gradient),
      cmocka_unit_test(large_scores_do_not_overflow),
      cmocka_unit_test(more_samples_than_features_reach_the_minimum),
      cmocka_unit_test(more_features_than_samples_reach_the_minimum),
      cmocka_unit_test(both_ways_of_solving_agree),
      cmocka_unit_test(separable_classes_are_found),
      cmocka_unit_test(noise_cannot_be_classified),
      cmocka_unit_test(the_scale_of_features_does_not_matter),
      cmocka_unit_test(same_bits_for_any_thread_count),
      cmocka_unit_test(labels_that_do_not_fit_are_refused_before_training),
      cmocka_unit_test(classes_out_of_range_are_named),
      cmocka_unit_test(splits_that_do_not_fit_are_refused),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
