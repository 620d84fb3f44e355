/* The spectrum of a hidden state: closed forms, collapse, and errors. Called with a folder, the program writes its
 * cases there instead, for tests/reference/test_probes.py. */
#include <cblas.h>
#include <math.h>
#include <stdlib.h>

#include "tests/components/probe_testing.h"
#include "vj/component.h"
#include "vj/rng.h"

extern const vj_component vj_probe_spectrum;

enum { MAXIMUM = 64 /* components in the closed forms below */ };

enum { SCALARS = 7 };

typedef struct spectrum {
  double singular_values[MAXIMUM], rankme, effective_rank, explained_variance[MAXIMUM], feature_std, correlation;
  double feature_std_median, alpha_req, nesum;
} spectrum;

static vj_status evaluate(vj_features features, double *singular_values, double *explained_variance,
                          double scalars[SCALARS]) {
  const vj_probe_input input = {.split = {[VJ_VALIDATION] = features}};
  double *const rooms[] = {singular_values, &scalars[0], &scalars[1], explained_variance, &scalars[2],
                           &scalars[3],     &scalars[4], &scalars[5], &scalars[6]};
  assert_int_equal(vj_probe_spectrum.as.probe.metric_count, VJ_COUNT(rooms));
  return vj_probe_spectrum.as.probe.evaluate(NULL, &input, rooms);
}

static spectrum spectrum_of(int64_t samples, int64_t steps, int64_t width, const float *values) {
  spectrum s = {0};
  double scalars[SCALARS] = {0};
  assert_ok(
      evaluate((vj_features){samples, steps, width, values, NULL}, s.singular_values, s.explained_variance, scalars));
  s.rankme = scalars[0];
  s.effective_rank = scalars[1];
  s.feature_std = scalars[2];
  s.correlation = scalars[3];
  s.feature_std_median = scalars[4];
  s.alpha_req = scalars[5];
  s.nesum = scalars[6];
  return s;
}

/* A row of the Hadamard matrix: the sign is the parity of the common bits. */
static float hadamard(unsigned i, unsigned j) {
  unsigned common = i & j, parity = 0;
  for (; common; common &= common - 1) parity ^= 1;
  return parity ? -1.0F : 1.0F;
}

static void rank_of_orthogonal_features_is_their_number(void **state) {
  (void)state;
  float x[16 * 8];
  for (unsigned i = 0; i < 16; i++)
    for (unsigned j = 0; j < 8; j++) x[i * 8 + j] = hadamard(i, j);
  const spectrum s = spectrum_of(16, 1, 8, x);
  for (int k = 0; k < 8; k++) assert_close(s.singular_values[k], 4, 1e-14);
  assert_close(s.effective_rank, 8, 1e-12);
  const double p = 1.0 / 8 + 1e-7;
  assert_close(s.rankme, exp(-8 * p * log(p)), 1e-12);
  assert_close(s.correlation, 0, 1e-15);
}

/* Column k is 2^-2k in one row, and 0 elsewhere; squares of the last would vanish beside those of the first. */
static void small_singular_values_survive(void **state) {
  (void)state;
  enum { WIDTH = 20, ROWS = 24 };
  float x[ROWS * WIDTH] = {0};
  for (int k = 0; k < WIDTH; k++) x[(ROWS - 1 - k) * WIDTH + k] = (float)ldexp(1, -2 * k);
  const spectrum s = spectrum_of(ROWS, 1, WIDTH, x);
  for (int k = 0; k < WIDTH; k++) assert_close(s.singular_values[k], ldexp(1, -2 * k), 1e-15);
}

/* Rows (10 +- 3, 20 +- 1), all four: about their mean, the squares are 36 and 4. */
static void explained_variance_is_of_the_centred_matrix(void **state) {
  (void)state;
  const float x[8] = {13, 21, 13, 19, 7, 21, 7, 19};
  const spectrum s = spectrum_of(2, 2, 2, x);
  assert_close(s.explained_variance[0], 0.9, 1e-14);
  assert_close(s.explained_variance[1], 1, 0);
  assert_close(s.singular_values[0] * s.singular_values[0] + s.singular_values[1] * s.singular_values[1], 4 * 500 + 40,
               1e-11);
  assert_close(s.feature_std, (sqrt(12) + sqrt(4.0 / 3)) / 2, 1e-14);
}

/* b = -2 a, c is uncorrelated with both, e constant. */
static void correlation_is_absolute_and_skips_constants(void **state) {
  (void)state;
  const float x[16] = {1, -2, 1, 0.1F, -1, 2, 1, 0.1F, 1, -2, -1, 0.1F, -1, 2, -1, 0.1F};
  const spectrum s = spectrum_of(4, 1, 4, x);
  assert_close(s.correlation, 1.0 / 3, 1e-15);
}

static void a_matrix_of_zeros_has_rank_zero(void **state) {
  (void)state;
  const float x[12] = {0};
  const spectrum tall = spectrum_of(6, 1, 2, x), wide = spectrum_of(2, 1, 6, x);
  const spectrum *const both[] = {&tall, &wide};
  for (int i = 0; i < 2; i++) {
    assert_close(both[i]->rankme, 0, 0);
    assert_close(both[i]->effective_rank, 0, 0);
    assert_close(both[i]->feature_std, 0, 0);
    assert_close(both[i]->correlation, 0, 0);
    for (int k = 0; k < 2; k++) assert_close(both[i]->singular_values[k], 0, 0);
    for (int k = 0; k < 2; k++) assert_close(both[i]->explained_variance[k], 1, 0);
  }
}

/* Total collapse: every sample and step has the same hidden state. */
static void equal_rows_have_rank_one(void **state) {
  (void)state;
  float x[10 * 30];
  for (int i = 0; i < 300; i++) x[i] = (float)(0.1 * (1 + i % 30));
  const spectrum wide = spectrum_of(10, 1, 30, x);
  assert_close(wide.effective_rank, 1, 1e-9);
  assert_close(wide.rankme, 1, 1e-4);
  assert_close(wide.singular_values[0], sqrt(10 * 0.01 * 30 * 31 * 61 / 6.0), 1e-5);
  assert_close(wide.explained_variance[0], 1, 0);
  assert_close(wide.feature_std, 0, 0);
  for (int i = 0; i < 300; i++) x[i] = (float)(0.1 * (1 + i % 5));
  const spectrum tall = spectrum_of(30, 2, 5, x);
  assert_close(tall.effective_rank, 1, 1e-9);
  assert_close(tall.explained_variance[0], 1, 0);
  assert_close(tall.correlation, 0, 0);
}

static void normal_features(int64_t rows, int64_t width, float *x) {
  vj_rng rng = vj_rng_stream(3, VJ_RNG_TEST, (uint32_t)rows, (uint64_t)width);
  for (int64_t i = 0; i < rows * width; i++) x[i] = (float)(0.5 * (double)(i % width % 4) + vj_rng_normal(&rng));
}

/* Columns of zeros change nothing but the side on which the matrix is decomposed. */
static void wide_equals_tall(void **state) {
  (void)state;
  float x[20 * 10], padded[20 * 25] = {0};
  normal_features(20, 10, x);
  for (int i = 0; i < 200; i++) padded[i / 10 * 25 + i % 10] = x[i];
  const spectrum tall = spectrum_of(20, 1, 10, x), wide = spectrum_of(20, 1, 25, padded);
  for (int k = 0; k < 20; k++) {
    assert_close(wide.singular_values[k], k < 10 ? tall.singular_values[k] : 0, 1e-13);
    assert_close(wide.explained_variance[k], k < 10 ? tall.explained_variance[k] : 1, 1e-14);
  }
  assert_close(wide.effective_rank, tall.effective_rank, 1e-11);
  assert_close(wide.feature_std, tall.feature_std * 10 / 25, 1e-14);
  assert_close(wide.correlation, tall.correlation, 1e-14);
}

static void samples_and_steps_are_rows_alike(void **state) {
  (void)state;
  float x[24 * 5];
  normal_features(24, 5, x);
  const spectrum once = spectrum_of(24, 1, 5, x), steps = spectrum_of(2, 12, 5, x);
  assert_memory_equal(&once, &steps, sizeof once);
}

/* More rows than one block of the decomposition: repeating rows scales singular values by the root of their number. */
static void repeated_rows_scale_the_singular_values(void **state) {
  (void)state;
  enum { ROWS = 7, WIDTH = 6, TIMES = 400 };
  float x[ROWS * WIDTH];
  float *repeated = calloc((size_t)ROWS * WIDTH * TIMES, sizeof *repeated);
  assert_non_null(repeated);
  normal_features(ROWS, WIDTH, x);
  for (int i = 0; i < ROWS * WIDTH * TIMES; i++) repeated[i] = x[i % (ROWS * WIDTH)];
  const spectrum once = spectrum_of(ROWS, 1, WIDTH, x), many = spectrum_of(ROWS * TIMES, 1, WIDTH, repeated);
  for (int k = 0; k < WIDTH; k++) {
    assert_close(many.singular_values[k], 20 * once.singular_values[k], 1e-11);
    assert_close(many.explained_variance[k], once.explained_variance[k], 1e-13);
  }
  assert_close(many.rankme, once.rankme, 1e-11);
  assert_close(many.correlation, once.correlation, 1e-13);
  free(repeated);
}

/* More features than one tile, and more than are correlated: all are one signal or its negative. */
static void copies_of_one_signal_are_fully_correlated(void **state) {
  (void)state;
  enum { ROWS = 12 };
  const int64_t widths[] = {300, 5000};
  for (int w = 0; w < 2; w++) {
    float *x = calloc((size_t)(ROWS * widths[w]), sizeof *x);
    assert_non_null(x);
    for (int64_t i = 0; i < ROWS; i++)
      for (int64_t j = 0; j < widths[w]; j++) x[i * widths[w] + j] = (float)((i * i) % 7) * (j % 3 ? 1.0F : -2.0F);
    const spectrum s = spectrum_of(ROWS, 1, widths[w], x);
    assert_close(s.correlation, 1, 1e-13);
    assert_close(s.explained_variance[0], 1, 1e-14);
    free(x);
  }
}

/* Orthogonal columns of length k^-1: eigenvalues are k^-2. */
static void a_power_law_has_its_exponent(void **state) {
  (void)state;
  enum { WIDTH = 63 };
  float x[64 * WIDTH];
  double sum = 0;
  for (unsigned i = 0; i < 64; i++)
    for (unsigned k = 1; k <= WIDTH; k++) x[i * WIDTH + k - 1] = hadamard(i, k) / (float)k;
  for (int k = 1; k <= WIDTH; k++) sum += 1.0 / (k * k);
  const spectrum s = spectrum_of(64, 1, WIDTH, x);
  assert_close(s.alpha_req, 2, 1e-5);
  assert_close(s.nesum, sum, 1e-6);
  assert_close(s.feature_std_median, sqrt(64.0 / 63) / 32, 1e-8);
}

/* Of two directions there is no power law; the rounding of floats is none either. */
static void few_directions_have_no_exponent(void **state) {
  (void)state;
  float x[16 * 8];
  for (unsigned i = 0; i < 16; i++)
    for (unsigned j = 0; j < 8; j++)
      x[i * 8 + j] = 0.1F * (float)(j + 1) * hadamard(i, 1) + 0.3F * (float)(j * j) * hadamard(i, 2);
  const spectrum s = spectrum_of(16, 1, 8, x);
  assert_true(isnan(s.alpha_req));
  const float zeros[16] = {0};
  const spectrum none = spectrum_of(4, 1, 4, zeros);
  assert_true(isnan(none.alpha_req));
  assert_close(none.nesum, 0, 0);
  assert_close(none.feature_std_median, 0, 0);
}

static void one_row_is_enough(void **state) {
  (void)state;
  const float x[2] = {3, 4};
  const spectrum s = spectrum_of(1, 1, 2, x), single = spectrum_of(1, 1, 1, x);
  assert_close(s.singular_values[0], 5, 1e-15);
  assert_close(s.effective_rank, 1, 0);
  assert_close(s.feature_std, 0, 0);
  assert_close(s.correlation, 0, 0);
  assert_close(single.singular_values[0], 3, 1e-15);
}

static void same_bits_for_any_thread_count(void **state) {
  (void)state;
  enum { ROWS = 300, WIDTH = 200 };
  float *x = calloc((size_t)ROWS * WIDTH, sizeof *x);
  double values[2][WIDTH], explained[2][WIDTH], scalars[2][SCALARS];
  assert_non_null(x);
  normal_features(ROWS, WIDTH, x);
  for (int i = 0; i < 2; i++) {
    openblas_set_num_threads(1 + i);
    assert_ok(evaluate((vj_features){ROWS, 1, WIDTH, x, NULL}, values[i], explained[i], scalars[i]));
  }
  assert_memory_equal(values[0], values[1], sizeof values[0]);
  assert_memory_equal(explained[0], explained[1], sizeof explained[0]);
  assert_memory_equal(scalars[0], scalars[1], sizeof scalars[0]);
  free(x);
}

static void features_that_cannot_be_measured_are_refused(void **state) {
  (void)state;
  const float x[8] = {1, 2, 3, 4, 5, 6, NAN, 8};
  double values[4], explained[4], scalars[SCALARS];
  assert_error(evaluate((vj_features){2, 2, 2, x, NULL}, values, explained, scalars), VJ_NUMERIC,
               "spectrum: validation sample 1 has a feature that is not a finite number; the hidden state has "
               "diverged, try a lower optim.lr");
  assert_error(evaluate((vj_features){0, 2, 2, x, NULL}, values, explained, scalars), VJ_DATA,
               "spectrum: needs at least 1 validation sample, got 0; raise eval.samples");
}

/* --- cases for Python ---------------------------------------------------------------------------------------- */

typedef struct shape {
  const char *name;
  int64_t samples, steps, width, rank; /* rank 0: full */
} shape;

/* A product of two factors, rounded to float: beyond the rank, the spectrum is what rounding leaves. */
static void low_rank_features(const shape *s, float *x) {
  const int64_t rows = s->samples * s->steps;
  double *left = calloc((size_t)(rows * s->rank), sizeof *left);
  double *right = calloc((size_t)(s->rank * s->width), sizeof *right);
  assert_true(left && right);
  vj_rng rng = vj_rng_stream(4, VJ_RNG_TEST, 0, vj_hash_text(s->name));
  for (int64_t i = 0; i < rows * s->rank; i++) left[i] = vj_rng_normal(&rng);
  for (int64_t i = 0; i < s->rank * s->width; i++) right[i] = vj_rng_normal(&rng);
  for (int64_t i = 0; i < rows * s->width; i++) {
    double sum = 0;
    for (int64_t k = 0; k < s->rank; k++) sum += left[i / s->width * s->rank + k] * right[k * s->width + i % s->width];
    x[i] = (float)sum;
  }
  free(right);
  free(left);
}

static void export_case(const char *folder, const shape *s) {
  const int64_t rows = s->samples * s->steps, components = rows < s->width ? rows : s->width;
  float *x = calloc((size_t)(rows * s->width), sizeof *x);
  double *curves = calloc((size_t)(2 * components), sizeof *curves), scalars[SCALARS];
  assert_true(x && curves);
  if (s->rank)
    low_rank_features(s, x);
  else
    normal_features(rows, s->width, x);
  const vj_features features = {s->samples, s->steps, s->width, x, NULL};
  assert_ok(evaluate(features, curves, curves + components, scalars));
  npy_write(folder, "spectrum", s->name, "features", "<f4", rows, s->width, x);
  npy_write(folder, "spectrum", s->name, "curves", "<f8", 2, components, curves);
  npy_write(folder, "spectrum", s->name, "scalars", "<f8", 1, SCALARS, scalars);
  free(curves);
  free(x);
}

static int export_cases(const char *folder) {
  static const shape cases[] = {
      {"tall", 190, 12, 40, 0}, /* three blocks of rows */
      {"wide", 8, 3, 1500, 0},  /* two blocks of features */
      {"square", 16, 3, 48, 0},         {"low_rank", 50, 4, 64, 3},
      {"low_rank_wide", 20, 2, 300, 5}, {"many_features", 5, 2, 2500, 0}, /* more than are correlated */
  };
  for (size_t i = 0; i < VJ_COUNT(cases); i++) export_case(folder, &cases[i]);
  return 0;
}

int main(int count, char **arguments) {
  if (count == 2) return export_cases(arguments[1]);
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(rank_of_orthogonal_features_is_their_number),
      cmocka_unit_test(small_singular_values_survive),
      cmocka_unit_test(explained_variance_is_of_the_centred_matrix),
      cmocka_unit_test(correlation_is_absolute_and_skips_constants),
      cmocka_unit_test(a_matrix_of_zeros_has_rank_zero),
      cmocka_unit_test(equal_rows_have_rank_one),
      cmocka_unit_test(wide_equals_tall),
      cmocka_unit_test(samples_and_steps_are_rows_alike),
      cmocka_unit_test(repeated_rows_scale_the_singular_values),
      cmocka_unit_test(copies_of_one_signal_are_fully_correlated),
      cmocka_unit_test(a_power_law_has_its_exponent),
      cmocka_unit_test(few_directions_have_no_exponent),
      cmocka_unit_test(one_row_is_enough),
      cmocka_unit_test(same_bits_for_any_thread_count),
      cmocka_unit_test(features_that_cannot_be_measured_are_refused),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
