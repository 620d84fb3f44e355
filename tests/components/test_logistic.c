/* The logistic probe: closed forms, larger problems, its errors. Called with a folder, the program writes its cases
 * there instead, for tests/reference/test_probes.py. */
#include <cblas.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "analysis/metrics/features.h"
#include "tests/components/probe_testing.h"
#include "tests/components/softmax_testing.h"

extern const vj_component vj_probe_logistic;

enum { ACCURACY, ACCURACY_VALIDATION, CROSS_ENTROPY, MAJORITY_ACCURACY, CHANCE, LAMBDA, ACCURACY_ERROR, METRICS };

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

static void features_of_unequal_scale_count_alike(void **state) {
  (void)state;
  problem p;
  double before[METRICS], after[METRICS];
  create(&p, &(shape){"scale", 50, 3, 8, 3, 0.3, 0, false});
  assert_ok(evaluate(&defaults, &p.input, before));
  for (vj_split split = VJ_TRAIN; split < VJ_SPLITS; split++)
    for (int64_t i = 0; i < p.samples[split] * 24; i++) p.features[split][i] *= i % 2 ? 8.0F : -0.25F;
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
      cmocka_unit_test(separable_classes_are_found),
      cmocka_unit_test(noise_cannot_be_classified),
      cmocka_unit_test(features_of_unequal_scale_count_alike),
      cmocka_unit_test(same_bits_for_any_thread_count),
      cmocka_unit_test(labels_that_do_not_fit_are_refused_before_training),
      cmocka_unit_test(classes_out_of_range_are_named),
      cmocka_unit_test(splits_that_do_not_fit_are_refused),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
