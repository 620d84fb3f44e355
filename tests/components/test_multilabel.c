/* The multi-label probe and average precision: known rankings, limits and errors. Called with a folder, the program
 * writes its cases there instead, for tests/reference/test_measures.py. */
#include <cblas.h>
#include <math.h>
#include <stdlib.h>

#include "analysis/metrics/average_precision.h"
#include "tests/components/probe_testing.h"

extern const vj_component vj_probe_multilabel;

enum { MAP, MAP_ENVELOPE, MAP_VALIDATION, BASELINE, CROSS_ENTROPY, LAMBDA, BASELINE_ENVELOPE, RANDOM, RANDOM_ENVELOPE };
enum { SCALARS = RANDOM_ENVELOPE + 1, COLUMNS = 4, SAMPLES = 300 };
static const vj_penalties defaults = {-4, 1, 6};

typedef struct result {
  double scalar[SCALARS], ap[COLUMNS], envelope[COLUMNS], prevalence[COLUMNS];
} result;

static vj_status evaluate(const vj_probe_input *input, result *r) {
  double *rooms[SCALARS + 3] = {NULL};
  for (int i = 0; i < SCALARS; i++) rooms[i] = &r->scalar[i];
  rooms[SCALARS] = r->ap, rooms[SCALARS + 1] = r->envelope, rooms[SCALARS + 2] = r->prevalence;
  assert_int_equal(vj_probe_multilabel.as.probe.metric_count, VJ_COUNT(rooms));
  return vj_probe_multilabel.as.probe.evaluate(&defaults, input, rooms);
}

/* --- average precision ----------------------------------------------------------------------------------------- */

static void ties_are_found_together(void **state) {
  (void)state;
  const double scores[6] = {0.9, 0.8, 0.5, 0.5, 0.5, 0.1};
  const bool truths[6] = {false, true, true, false, true, false};
  vj_average_precision ap;
  assert_ok(vj_average_precision_of(6, scores, truths, &ap));
  assert_close(ap.plain, 17.0 / 30, 1e-15); /* 0.566667 */
  assert_close(ap.envelope, 0.6, 1e-15);
  assert_int_equal(ap.positives, 3);
}

static void the_ends_of_average_precision(void **state) {
  (void)state;
  const double up[4] = {4, 3, 2, 1}, same[4] = {7, 7, 7, 7};
  const bool first[4] = {true, true, false, false}, last[4] = {false, false, false, true}, none[4] = {false};
  vj_average_precision ap;
  assert_ok(vj_average_precision_of(4, up, first, &ap));
  assert_close(ap.plain, 1, 0);
  assert_ok(vj_average_precision_of(4, up, last, &ap));
  assert_close(ap.plain, 0.25, 0);
  assert_ok(vj_average_precision_of(4, same, first, &ap));
  assert_close(ap.plain, 0.5, 0); /* the share of positives */
  assert_close(ap.envelope, 0.5, 0);
  assert_ok(vj_average_precision_of(4, up, none, &ap));
  assert_true(isnan(ap.plain) && isnan(ap.envelope));
}

/* --- the probe ------------------------------------------------------------------------------------------------- */

/* Column c follows one direction, the more noisily the larger c; it is rare where c is odd. */
static void create(problem *p, int64_t train, int64_t width, double noise, uint32_t stream) {
  p->label = (vj_label){.name = "walls", .kind = VJ_LABEL_FLAGS, .width = COLUMNS};
  for (vj_split split = VJ_TRAIN; split < VJ_SPLITS; split++) {
    const int64_t n = split == VJ_TRAIN ? train : SAMPLES;
    vj_rng rng = vj_rng_stream(10, VJ_RNG_TEST, stream, (uint64_t)split);
    p->features[split] = calloc((size_t)(n * width), sizeof(float));
    p->targets[split] = calloc((size_t)(n * COLUMNS), sizeof(float));
    assert_true(p->features[split] && p->targets[split]);
    for (int64_t i = 0; i < n; i++) {
      for (int64_t k = 0; k < width; k++)
        p->features[split][i * width + k] = (float)((double)(k % 3) + (1 + (double)(k % 4)) * vj_rng_normal(&rng));
      for (int64_t c = 0; c < COLUMNS; c++) {
        const double signal = (p->features[split][i * width + c] - (double)(c % 3)) / (1 + (double)(c % 4));
        p->targets[split][i * COLUMNS + c] =
            signal + noise * (double)(1 + c) * vj_rng_normal(&rng) > (c % 2 ? 1.0 : 0.0) ? 1.0F : 0.0F;
      }
    }
    p->input.split[split] = (vj_features){n, 1, width, p->features[split], p->targets[split]};
  }
  p->input.label = &p->label;
}

static void columns_that_follow_from_features_are_found(void **state) {
  (void)state;
  problem p;
  result r;
  create(&p, 400, 8, 0, 1);
  assert_ok(evaluate(&p.input, &r));
  assert_true(r.scalar[MAP] > 0.99);
  assert_true(r.scalar[MAP_ENVELOPE] >= r.scalar[MAP]);
  assert_true(r.scalar[BASELINE] < 0.5);
  destroy_problem(&p);
}

/* 300 samples and ten draws: the map of a random score lies within some hundredths of the share of positives. */
static void random_scores_get_the_share_of_positives(void **state) {
  (void)state;
  problem p;
  result r, again;
  create(&p, 400, 8, 0, 1);
  assert_ok(evaluate(&p.input, &r));
  assert_close(r.scalar[RANDOM], r.scalar[BASELINE], 0.03);
  assert_true(r.scalar[RANDOM_ENVELOPE] > r.scalar[RANDOM]);
  assert_true(r.scalar[RANDOM_ENVELOPE] < r.scalar[BASELINE] + 0.06);
  assert_close(r.scalar[BASELINE_ENVELOPE], r.scalar[BASELINE], 0);
  for (int64_t i = 0; i < 400 * 8; i++) p.features[VJ_TRAIN][i] *= -1; /* the probe sees something else now */
  assert_ok(evaluate(&p.input, &again));
  assert_close(again.scalar[RANDOM], r.scalar[RANDOM], 0);
  destroy_problem(&p);
}

static void the_mean_is_over_columns_with_a_positive(void **state) {
  (void)state;
  problem p;
  result r;
  create(&p, 300, 8, 0.3, 2);
  for (int64_t i = 0; i < SAMPLES; i++) p.targets[VJ_TEST][i * COLUMNS + 2] = 0;
  assert_ok(evaluate(&p.input, &r));
  assert_true(isnan(r.ap[2]) && isnan(r.envelope[2]));
  assert_close(r.prevalence[2], 0, 0);
  assert_close(r.scalar[MAP], (r.ap[0] + r.ap[1] + r.ap[3]) / 3, 1e-15);
  assert_close(r.scalar[BASELINE], (r.prevalence[0] + r.prevalence[1] + r.prevalence[3]) / 3, 1e-15);
  destroy_problem(&p);
}

/* Nothing can be learnt of column 1; of column 3 what train always has. */
static void columns_constant_in_train_get_one_score(void **state) {
  (void)state;
  problem p;
  result r;
  create(&p, 200, 8, 0.3, 3);
  for (int64_t i = 0; i < 200; i++) p.targets[VJ_TRAIN][i * COLUMNS + 1] = 0;
  for (int64_t i = 0; i < 200; i++) p.targets[VJ_TRAIN][i * COLUMNS + 3] = 1;
  assert_ok(evaluate(&p.input, &r));
  assert_close(r.ap[1], r.prevalence[1], 1e-15);
  assert_close(r.ap[3], r.prevalence[3], 1e-15);
  assert_true(r.ap[0] > r.prevalence[0] + 0.2);
  assert_true(isinf(r.scalar[CROSS_ENTROPY]));
  destroy_problem(&p);
}

static void no_positive_at_all_is_no_number(void **state) {
  (void)state;
  problem p;
  result r;
  create(&p, 50, 8, 0.3, 4);
  for (vj_split split = VJ_TRAIN; split < VJ_SPLITS; split++)
    for (int64_t i = 0; i < p.input.split[split].samples * COLUMNS; i++) p.targets[split][i] = 0;
  assert_ok(evaluate(&p.input, &r));
  assert_true(isnan(r.scalar[MAP]) && isnan(r.scalar[MAP_VALIDATION]) && isnan(r.scalar[BASELINE]));
  assert_close(r.scalar[CROSS_ENTROPY], 0, 0);
  destroy_problem(&p);
}

static void same_bits_for_any_thread_count(void **state) {
  (void)state;
  problem p;
  result r[2];
  memset(r, 0, sizeof r);
  create(&p, 80, 120, 0.3, 5);
  for (int i = 0; i < 2; i++) {
    openblas_set_num_threads(1 + i);
    assert_ok(evaluate(&p.input, &r[i]));
  }
  assert_memory_equal(&r[0], &r[1], sizeof r[0]);
  destroy_problem(&p);
}

/* --- errors ---------------------------------------------------------------------------------------------------- */

static void labels_that_do_not_fit_are_refused(void **state) {
  (void)state;
  const vj_probe_ops *probe = &vj_probe_multilabel.as.probe;
  const vj_label walls = {.name = "walls", .kind = VJ_LABEL_FLAGS, .width = 4};
  const vj_label digit = {.name = "digit", .kind = VJ_LABEL_CLASS, .width = 1, .classes = 10};
  const vj_label speed = {.name = "speed", .kind = VJ_LABEL_REAL, .width = 1};
  problem p;
  result r;
  assert_ok(probe->check(&defaults, &walls));
  assert_int_equal(probe->check(&defaults, &digit), VJ_CONFIG);
  assert_string_equal(
      vj_error_message(),
      "label \"digit\" is not columns of 0 and 1, which multilabel predicts; one class needs a logistic "
      "probe");
  assert_int_equal(probe->check(&defaults, &speed), VJ_CONFIG);
  assert_string_equal(
      vj_error_message(),
      "label \"speed\" is not columns of 0 and 1, which multilabel predicts; numbers need a ridge probe");
  create(&p, 20, 8, 0.3, 6);
  p.targets[VJ_VALIDATION][7 * COLUMNS + 1] = 0.5F;
  assert_int_equal(evaluate(&p.input, &r), VJ_DATA);
  assert_string_equal(
      vj_error_message(),
      "multilabel: label \"walls\" of validation sample 7 is 0.5, expected 0 or 1; look at the data set");
  destroy_problem(&p);
}

/* --- cases for Python ------------------------------------------------------------------------------------------ */

static int export_cases(const char *folder) {
  static const struct {
    const char *name;
    int64_t train, width;
    double noise;
  } cases[] = {{"tall", 300, 12, 0.2}, {"wide", 60, 100, 0.1}, {"noisy", 200, 30, 1}};
  for (size_t i = 0; i < VJ_COUNT(cases); i++) {
    problem p;
    result r;
    create(&p, cases[i].train, cases[i].width, cases[i].noise, 20 + (uint32_t)i);
    assert_ok(evaluate(&p.input, &r));
    write_problem(folder, "multilabel", cases[i].name, &p);
    npy_write(folder, "multilabel", cases[i].name, "results", "<f8", 1, SCALARS, r.scalar);
    double columns[3][COLUMNS];
    memcpy(columns[0], r.ap, sizeof r.ap);
    memcpy(columns[1], r.envelope, sizeof r.envelope);
    memcpy(columns[2], r.prevalence, sizeof r.prevalence);
    npy_write(folder, "multilabel", cases[i].name, "columns", "<f8", 3, COLUMNS, columns);
    destroy_problem(&p);
  }
  return 0;
}

int main(int count, char **arguments) {
  if (count == 2) return export_cases(arguments[1]);
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(ties_are_found_together),
      cmocka_unit_test(the_ends_of_average_precision),
      cmocka_unit_test(columns_that_follow_from_features_are_found),
      cmocka_unit_test(random_scores_get_the_share_of_positives),
      cmocka_unit_test(the_mean_is_over_columns_with_a_positive),
      cmocka_unit_test(columns_constant_in_train_get_one_score),
      cmocka_unit_test(no_positive_at_all_is_no_number),
      cmocka_unit_test(same_bits_for_any_thread_count),
      cmocka_unit_test(labels_that_do_not_fit_are_refused),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
