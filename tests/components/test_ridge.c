/* The ridge probe: closed forms, its two ways of solving, and its errors. Called with a folder, the program writes
 * its cases there instead, for tests/reference/test_probes.py. */
#include <cblas.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "tests/components/probe_testing.h"

extern const vj_component vj_probe_ridge;

enum { MSE, R2, MSE_VALIDATION, BASELINE_MSE, LAMBDA, MSE_STANDARDISED, MSE_ERROR, METRICS };

typedef struct settings {
  _Alignas(16) unsigned char bytes[64];
} settings;

static void set(settings *config, const char *name, double value) {
  for (size_t i = 0; i < vj_probe_ridge.param_count; i++) {
    const vj_param *row = &vj_probe_ridge.params[i];
    const int64_t whole = (int64_t)value;
    if (strcmp(row->name, name) != 0) continue;
    if (row->type == VJ_PARAM_INTEGER) memcpy(config->bytes + row->offset, &whole, sizeof whole);
    if (row->type == VJ_PARAM_REAL) memcpy(config->bytes + row->offset, &value, sizeof value);
    return;
  }
  fail_msg("ridge has no parameter %s", name);
}

static settings defaults(void) {
  settings config = {0};
  assert_true(vj_probe_ridge.config_bytes <= sizeof config.bytes);
  for (size_t i = 0; i < vj_probe_ridge.param_count; i++)
    set(&config, vj_probe_ridge.params[i].name, strtod(vj_probe_ridge.params[i].fallback, NULL));
  return config;
}

static settings one_lambda(double exponent) {
  settings config = defaults();
  set(&config, "lambda_min", exponent);
  set(&config, "lambda_max", exponent);
  set(&config, "lambda_count", 1);
  return config;
}

static vj_status evaluate(const settings *config, const vj_probe_input *input, double results[METRICS]) {
  double *rooms[METRICS];
  for (int i = 0; i < METRICS; i++) rooms[i] = &results[i];
  return vj_probe_ridge.as.probe.evaluate(config->bytes, input, rooms);
}

static const vj_label speed = {.name = "speed", .kind = VJ_LABEL_REAL, .width = 1, .unit = "px/frame"};

static const float signs[4] = {-1, 1, -1, 1}, thrice_plus_five[4] = {2, 8, 2, 8};

/* x is -1 or 1 and y = 3 x + 5: the weight is 3 / (1 + lambda). */
static void one_feature_has_the_closed_form(void **state) {
  (void)state;
  const settings config = one_lambda(0);
  const vj_probe_input input = same_splits((vj_features){4, 1, 1, signs, thrice_plus_five}, &speed);
  double results[METRICS];
  assert_ok(evaluate(&config, &input, results));
  assert_close(results[MSE], 2.25, 1e-14);
  assert_close(results[MSE_VALIDATION], 2.25, 1e-14);
  assert_close(results[R2], 0.75, 1e-14);
  assert_close(results[BASELINE_MSE], 9, 1e-14);
  assert_close(results[LAMBDA], 1, 1e-14);
}

/* Validation follows y = 1.5 x + 5, which of the weights 3 / (1 + lambda) the one of lambda = 1 meets. */
static void lambda_is_chosen_on_validation(void **state) {
  (void)state;
  const settings config = defaults();
  const float halved[4] = {3.5F, 6.5F, 3.5F, 6.5F};
  vj_probe_input input = same_splits((vj_features){4, 1, 1, signs, thrice_plus_five}, &speed);
  input.split[VJ_VALIDATION].target = halved;
  double results[METRICS];
  assert_ok(evaluate(&config, &input, results));
  assert_close(results[LAMBDA], 1, 1e-14);
  assert_close(results[MSE_VALIDATION], 0, 1e-14);
  assert_close(results[MSE], 2.25, 1e-14);
}

static void collapsed_features_score_the_baseline(void **state) {
  (void)state;
  const settings config = defaults();
  const float constant[8] = {0.1F, 0.7F, 0.1F, 0.7F, 0.1F, 0.7F, 0.1F, 0.7F};
  const vj_probe_input input = same_splits((vj_features){4, 1, 2, constant, thrice_plus_five}, &speed);
  double results[METRICS];
  assert_ok(evaluate(&config, &input, results));
  assert_close(results[MSE], results[BASELINE_MSE], 0);
  assert_close(results[R2], 0, 1e-14);
  assert_close(results[LAMBDA], 1e4, 1e-9); /* of equals the largest */
}

static void r2_leaves_out_constant_outputs(void **state) {
  (void)state;
  const settings config = one_lambda(0);
  const vj_label pair = {.name = "pair", .kind = VJ_LABEL_REAL, .width = 2};
  const float target[8] = {2, 7, 8, 7, 2, 7, 8, 7}, constant[8] = {7, 7, 7, 7, 7, 7, 7, 7};
  vj_probe_input input = same_splits((vj_features){4, 1, 1, signs, target}, &pair);
  double results[METRICS];
  assert_ok(evaluate(&config, &input, results));
  assert_close(results[R2], 0.75, 1e-14);
  assert_close(results[MSE], 2.25 / 2, 1e-14);
  input.split[VJ_TEST].target = constant;
  assert_ok(evaluate(&config, &input, results));
  assert_true(isnan(results[R2]));
}

/* Two outputs that half of the samples have each: what is said of them is what two probes of one output say, each of
 * the samples that have it. In test the second has one number, far from what it was taught. */
static void gaps_are_left_out(void **state) {
  (void)state;
  const settings config = one_lambda(0);
  const vj_label pair = {.name = "pair", .kind = VJ_LABEL_REAL, .width = 2, .has_gaps = true};
  const float x[6] = {-1, 1, 3, -1, 1, 3}, both[12] = {2, NAN, 8, NAN, 14, NAN, NAN, 0, NAN, -2, NAN, -4};
  const float x_test[3] = {-1, 3, 1}, both_test[6] = {2, NAN, 15, NAN, NAN, 5};
  const float some_x[3] = {-1, 1, 3}, one[3] = {2, 8, 14}, other[3] = {0, -2, -4}, x_other[1] = {1}, five[1] = {5};
  const float one_test[2] = {2, 15};
  double together[METRICS], first[METRICS], second[METRICS];
  const vj_features train = {6, 1, 1, x, both}, test = {3, 1, 1, x_test, both_test};
  assert_ok(evaluate(&config, &(vj_probe_input){.split = {train, train, test}, .label = &pair}, together));
  const vj_features train_one = {3, 1, 1, some_x, one}, test_one = {2, 1, 1, x_test, one_test};
  assert_ok(evaluate(&config, &(vj_probe_input){.split = {train_one, train_one, test_one}, .label = &speed}, first));
  const vj_features train_other = {3, 1, 1, some_x, other}, test_other = {1, 1, 1, x_other, five};
  assert_ok(
      evaluate(&config, &(vj_probe_input){.split = {train_other, train_other, test_other}, .label = &speed}, second));
  assert_close(together[MSE], (2 * first[MSE] + second[MSE]) / 3, 1e-12);
  assert_close(together[BASELINE_MSE], (2 * first[BASELINE_MSE] + second[BASELINE_MSE]) / 3, 1e-12);
  assert_close(together[MSE_VALIDATION], (first[MSE_VALIDATION] + second[MSE_VALIDATION]) / 2, 1e-12);
  assert_close(together[MSE_STANDARDISED], (2 * first[MSE_STANDARDISED] + second[MSE_STANDARDISED]) / 3, 1e-12);
}

/* An output that train never has is neither learnt nor judged. */
static void what_train_lacks_is_not_judged(void **state) {
  (void)state;
  const settings config = one_lambda(0);
  const vj_label pair = {.name = "pair", .kind = VJ_LABEL_REAL, .width = 2, .has_gaps = true};
  const float missing[8] = {2, NAN, 8, NAN, 2, NAN, 8, NAN}, there[8] = {2, 7, 8, 7, 2, 7, 8, 7};
  vj_probe_input input = same_splits((vj_features){4, 1, 1, signs, missing}, &pair);
  double results[METRICS];
  input.split[VJ_TEST].target = there;
  assert_ok(evaluate(&config, &input, results));
  assert_close(results[MSE], 2.25, 1e-14);
  assert_close(results[MSE_STANDARDISED], 0.25, 1e-14);
  const float none[8] = {NAN, NAN, NAN, NAN, NAN, NAN, NAN, NAN};
  input.split[VJ_VALIDATION].target = none;
  input.split[VJ_TRAIN].target = missing;
  assert_error(evaluate(&config, &input, results), VJ_DATA,
               "ridge: no number of label \"pair\" that two train samples have is in a validation sample; raise "
               "eval.probe_train or eval.probe_validation");
}

/* --- larger problems: labels are a linear map of features, plus noise --------------------------------------- */

typedef struct shape {
  const char *name;
  int64_t train, steps, width, outputs;
  double signal, noise;
  int64_t constant; /* every so-manieth feature repeats one number; 0: none does */
} shape;

static void fill_split(problem *p, const shape *s, vj_split split, const double *map) {
  vj_rng rng = vj_rng_stream(5, VJ_RNG_TEST, (uint32_t)split, vj_hash_text(s->name));
  const int64_t d = s->steps * s->width, n = p->samples[split];
  for (int64_t i = 0; i < n; i++) {
    float *x = p->features[split] + i * d, *y = p->targets[split] + i * s->outputs;
    for (int64_t j = 0; j < d; j++) {
      const double scale = 1 + (double)(j % 7), offset = 10 * (double)(j % 3);
      x[j] = s->constant && j % s->constant == 0 ? 0.3F : (float)(offset + scale * vj_rng_normal(&rng));
    }
    for (int64_t k = 0; k < s->outputs; k++) {
      double sum = 2 + s->noise * vj_rng_normal(&rng);
      for (int64_t j = 0; j < d; j++) sum += s->signal * map[k * d + j] * x[j];
      y[k] = (float)sum;
    }
  }
}

static void create(problem *p, const shape *s) {
  const int64_t d = s->steps * s->width;
  double *map = normal_numbers(vj_rng_stream(5, VJ_RNG_TEST, 99, vj_hash_text(s->name)), s->outputs * d);
  create_problem(p, (vj_label){.name = "speed", .kind = VJ_LABEL_REAL, .width = s->outputs}, s->train, s->steps,
                 s->width);
  for (vj_split split = VJ_TRAIN; split < VJ_SPLITS; split++) fill_split(p, s, split, map);
  free(map);
}

static void a_noise_free_linear_map_is_found(void **state) {
  (void)state;
  const settings config = defaults();
  problem p;
  create(&p, &(shape){"linear", 200, 4, 3, 2, 1, 0, 0});
  double results[METRICS];
  assert_ok(evaluate(&config, &p.input, results));
  assert_true(results[R2] > 1 - 1e-6 && results[R2] <= 1);
  assert_true(results[MSE] < 1e-6 * results[BASELINE_MSE]);
  assert_close(results[LAMBDA], 1e-4, 1e-12);
  destroy_problem(&p);
}

static void noise_cannot_be_predicted(void **state) {
  (void)state;
  const settings config = defaults();
  problem p;
  create(&p, &(shape){"noise", 150, 4, 20, 3, 0, 1, 0});
  double results[METRICS];
  assert_ok(evaluate(&config, &p.input, results));
  assert_true(results[R2] < 0.02 && results[R2] > -0.2);
  assert_close(results[BASELINE_MSE], 1, 0.2);
  destroy_problem(&p);
}

/* Constant features change no weight, but there are more features than samples then: the dual form is taken. */
static void dual_equals_primal(void **state) {
  (void)state;
  enum { STEPS = 2, WIDTH = 9, PADDED = 60 };
  const settings config = defaults();
  problem p;
  create(&p, &(shape){"dual", 40, STEPS, WIDTH, 3, 1, 30, 0});
  double primal[METRICS], dual[METRICS];
  assert_ok(evaluate(&config, &p.input, primal));
  float *padded[VJ_SPLITS];
  for (vj_split split = VJ_TRAIN; split < VJ_SPLITS; split++) {
    const int64_t rows = p.samples[split] * STEPS;
    padded[split] = calloc((size_t)(rows * PADDED), sizeof(float));
    assert_non_null(padded[split]);
    for (int64_t i = 0; i < rows * PADDED; i++)
      padded[split][i] = i % PADDED < WIDTH ? p.features[split][i / PADDED * WIDTH + i % PADDED] : 0.7F;
    p.input.split[split].values = padded[split];
    p.input.split[split].width = PADDED;
  }
  assert_ok(evaluate(&config, &p.input, dual));
  for (int i = 0; i < METRICS; i++) assert_close(dual[i], primal[i], 1e-10 * fabs(primal[i]));
  assert_true(primal[LAMBDA] > 1e-4 && primal[LAMBDA] < 1e4); /* the case is not a trivial one */
  for (vj_split split = VJ_TRAIN; split < VJ_SPLITS; split++) free(padded[split]);
  destroy_problem(&p);
}

static void features_constant_in_train_are_ignored(void **state) {
  (void)state;
  const settings config = one_lambda(-2);
  const float train[8] = {-1, 0.1F, 1, 0.1F, -1, 0.1F, 1, 0.1F}, test[8] = {-1, 50, 1, -9, -1, 3, 1, 1e6F};
  vj_probe_input input = same_splits((vj_features){4, 1, 2, train, thrice_plus_five}, &speed);
  double constant[METRICS], moving[METRICS];
  assert_ok(evaluate(&config, &input, constant));
  input.split[VJ_TEST].values = test;
  assert_ok(evaluate(&config, &input, moving));
  assert_memory_equal(constant, moving, sizeof constant);
}

static void features_of_unequal_scale_count_alike(void **state) {
  (void)state;
  const settings config = defaults();
  problem p;
  create(&p, &(shape){"scale", 50, 3, 8, 2, 1, 3, 0});
  double before[METRICS], after[METRICS];
  assert_ok(evaluate(&config, &p.input, before));
  for (vj_split split = VJ_TRAIN; split < VJ_SPLITS; split++)
    for (int64_t i = 0; i < p.samples[split] * 24; i++) p.features[split][i] *= i % 2 ? 8.0F : -0.25F;
  assert_ok(evaluate(&config, &p.input, after));
  for (int i = 0; i < METRICS; i++) assert_close(after[i], before[i], 1e-11 * fabs(before[i]));
  destroy_problem(&p);
}

static void same_bits_for_any_thread_count(void **state) {
  (void)state;
  const settings config = defaults();
  problem p;
  create(&p, &(shape){"threads", 300, 4, 50, 6, 1, 3, 0});
  double one[METRICS], two[METRICS];
  openblas_set_num_threads(1);
  assert_ok(evaluate(&config, &p.input, one));
  openblas_set_num_threads(2);
  assert_ok(evaluate(&config, &p.input, two));
  assert_memory_equal(one, two, sizeof one);
  destroy_problem(&p);
}

/* --- errors -------------------------------------------------------------------------------------------------- */

static void a_class_is_refused_before_training(void **state) {
  (void)state;
  const settings config = defaults();
  const vj_label digit = {.name = "digit", .kind = VJ_LABEL_CLASS, .width = 1, .classes = 10};
  assert_error(vj_probe_ridge.as.probe.check(config.bytes, &digit), VJ_CONFIG,
               "label \"digit\" is one of 10 classes, and ridge predicts measured numbers; classes need a "
               "logistic probe");
  assert_ok(vj_probe_ridge.as.probe.check(config.bytes, &speed));
}

static void lambdas_in_the_wrong_order_are_refused(void **state) {
  (void)state;
  settings config = defaults();
  set(&config, "lambda_min", 2);
  set(&config, "lambda_max", -2.5);
  assert_error(vj_probe_ridge.as.probe.check(config.bytes, &speed), VJ_CONFIG,
               "lambda_max is -2.5, below lambda_min, which is 2; give the smaller exponent first");
}

static void numbers_that_are_not_finite_are_named(void **state) {
  (void)state;
  const settings config = defaults();
  const float broken[4] = {-1, 1, NAN, 1}, infinite[4] = {2, 8, 2, INFINITY};
  double results[METRICS];
  vj_probe_input input = same_splits((vj_features){4, 1, 1, signs, thrice_plus_five}, &speed);
  input.split[VJ_TEST].values = broken;
  assert_error(evaluate(&config, &input, results), VJ_NUMERIC,
               "ridge: test sample 2 has a feature that is not a finite number; the hidden state has diverged, "
               "try a lower optim.lr");
  input.split[VJ_VALIDATION].target = infinite;
  assert_error(evaluate(&config, &input, results), VJ_DATA,
               "ridge: label \"speed\" of validation sample 3 is not a finite number; look at the data set");
}

static void splits_that_do_not_fit_are_refused(void **state) {
  (void)state;
  const settings config = defaults();
  double results[METRICS];
  vj_probe_input input = same_splits((vj_features){4, 1, 1, signs, thrice_plus_five}, &speed);
  input.split[VJ_TRAIN].samples = 1;
  assert_error(evaluate(&config, &input, results), VJ_DATA,
               "ridge: needs at least 2 train samples, got 1; raise eval.probe_train");
  input.split[VJ_TRAIN].samples = 4;
  input.split[VJ_TEST].samples = 0;
  assert_error(evaluate(&config, &input, results), VJ_DATA,
               "ridge: needs at least 1 test sample, got 0; raise eval.probe_test");
  input.split[VJ_TEST] = (vj_features){2, 2, 1, signs, thrice_plus_five};
  assert_error(evaluate(&config, &input, results), VJ_SHAPE,
               "ridge: train features are 1 steps x 1, test features are 2 steps x 1");
}

/* Twice the same feature: singular without a penalty, and the smallest lambda is lost in rounding. */
static void a_singular_system_moves_on_to_the_next_lambda(void **state) {
  (void)state;
  settings config = one_lambda(-16);
  const float twice[8] = {-1, -1, 1, 1, -1, -1, 1, 1};
  double results[METRICS];
  const vj_probe_input input = same_splits((vj_features){4, 1, 2, twice, thrice_plus_five}, &speed);
  assert_error(evaluate(&config, &input, results), VJ_NUMERIC,
               "ridge: no lambda from 1e-16 to 1e-16 makes the system of 4 train samples and 2 features "
               "positive definite; raise lambda_max");
  set(&config, "lambda_count", 2);
  set(&config, "lambda_max", -8);
  assert_ok(evaluate(&config, &input, results));
  assert_close(results[LAMBDA], 1e-8, 1e-20);
  assert_close(results[MSE], 0, 1e-12);
}

/* --- cases for Python ---------------------------------------------------------------------------------------- */

static void export_case(const char *folder, const shape *s) {
  const settings config = defaults();
  double results[METRICS];
  problem p;
  create(&p, s);
  assert_ok(evaluate(&config, &p.input, results));
  write_problem(folder, "ridge", s->name, &p);
  npy_write(folder, "ridge", s->name, "results", "<f8", 1, METRICS, results);
  destroy_problem(&p);
}

static int export_cases(const char *folder) {
  static const shape cases[] = {
      {"primal", 260, 3, 16, 4, 1, 30, 0},
      {"dual", 60, 12, 10, 24, 1, 10, 0},
      {"constant", 90, 2, 20, 1, 1, 20, 5},
      {"exact", 120, 1, 30, 2, 1, 0, 0},
  };
  for (size_t i = 0; i < VJ_COUNT(cases); i++) export_case(folder, &cases[i]);
  return 0;
}

int main(int count, char **arguments) {
  if (count == 2) return export_cases(arguments[1]);
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(one_feature_has_the_closed_form),
      cmocka_unit_test(lambda_is_chosen_on_validation),
      cmocka_unit_test(collapsed_features_score_the_baseline),
      cmocka_unit_test(r2_leaves_out_constant_outputs),
      cmocka_unit_test(gaps_are_left_out),
      cmocka_unit_test(what_train_lacks_is_not_judged),
      cmocka_unit_test(a_noise_free_linear_map_is_found),
      cmocka_unit_test(noise_cannot_be_predicted),
      cmocka_unit_test(dual_equals_primal),
      cmocka_unit_test(features_constant_in_train_are_ignored),
      cmocka_unit_test(features_of_unequal_scale_count_alike),
      cmocka_unit_test(same_bits_for_any_thread_count),
      cmocka_unit_test(a_class_is_refused_before_training),
      cmocka_unit_test(lambdas_in_the_wrong_order_are_refused),
      cmocka_unit_test(numbers_that_are_not_finite_are_named),
      cmocka_unit_test(splits_that_do_not_fit_are_refused),
      cmocka_unit_test(a_singular_system_moves_on_to_the_next_lambda),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
