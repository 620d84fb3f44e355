/* What is measured of features with LAPACK has, to the bit, the values it has had on other machines. Its last digits
 * are those of OpenBLAS's version, so there is one row for each version that a distribution has; test_trial_checksum.py
 * has everything else. CMake has this test run on the core of OpenBLAS that vjvcr runs on. */
#include <cblas.h>
#include <inttypes.h>
#include <zlib.h>

#include "analysis/metrics/cka.h"
#include "analysis/metrics/ridge_regression.h"
#include "analysis/metrics/softmax_regression.h"
#include "tests/components/probe_testing.h"
#include "tests/support/requirements.h"

extern const vj_component vj_probe_spectrum, vj_probe_lidar;

typedef enum figure { SPECTRUM, LIDAR, CKA, RIDGE, SOFTMAX, FIGURES } figure;

static const char *const names[FIGURES] = {"spectrum", "LiDAR", "CKA", "ridge regression", "softmax regression"};

/* CRC-32 of each; a new row is what the test prints where a version has none. Who changes these numbers on purpose
 * finds those of the other distribution by `./vj test --in trixie reference.lapack_checksum`. */
static const struct {
  const char *openblas;
  uint32_t crc[FIGURES];
} recorded[] = {
    {"0.3.21", {0x02287eca, 0x443cccde, 0x1b5bfa58, 0xb50725d1, 0x3c9d8265}}, /* Debian 12 */
    {"0.3.29", {0x90db14b7, 0x5b73d7f5, 0x1b5bfa58, 0x72c23f87, 0x3c9d8265}}, /* Debian 13 */
};

static uint32_t crc_of(uint32_t before, const double *numbers, int64_t count) {
  for (int64_t i = 0; i < count; i++) assert_true(isfinite(numbers[i]));
  return (uint32_t)crc32(before, (const unsigned char *)numbers, (uInt)((size_t)count * sizeof *numbers));
}

/* --- of features with fewer and with more rows than columns ------------------------------------------------------ */

enum { CLIPS = 90, STEPS = 2, WIDTH = 70, OUTPUTS = 3, CLASSES = 4 };

/* Neighbouring columns have something in common, and labels depend on the first. */
static void create(problem *p, int64_t train, vj_label label) {
  create_problem(p, label, train, STEPS, WIDTH);
  for (vj_split split = VJ_TRAIN; split < VJ_SPLITS; split++) {
    vj_rng rng = vj_rng_stream(1, VJ_RNG_TEST, (uint32_t)split, (uint64_t)train);
    double *numbers = normal_numbers(rng, p->samples[split] * STEPS * WIDTH);
    for (int64_t i = 0; i < p->samples[split] * STEPS * WIDTH; i++)
      p->features[split][i] = (float)(numbers[i] + (i % WIDTH ? 0.5 * numbers[i - 1] : 0));
    for (int64_t i = 0; i < p->samples[split] * label.width; i++)
      p->targets[split][i] = (float)(numbers[i / label.width * STEPS * WIDTH + i % label.width] + 0.25 * numbers[i]);
    free(numbers);
  }
}

/* Of the first `count` metrics: those behind them follow from these by arithmetic of our own. */
static uint32_t crc_of_measure(const vj_component *probe, const problem *p, int64_t count) {
  enum { MOST = 16 };
  const vj_probe_ops *ops = &probe->as.probe;
  double values[MOST][WIDTH] = {{0}}, *rooms[MOST];
  uint32_t crc = 0;
  assert_true(ops->metric_count <= MOST && count <= ops->metric_count);
  for (int i = 0; i < MOST; i++) rooms[i] = values[i];
  assert_ok(ops->evaluate(NULL, &p->input, rooms));
  for (int64_t i = 0; i < count; i++)
    crc = crc_of(crc, values[i], ops->metrics[i].axis == VJ_METRIC_COMPONENT ? WIDTH : 1);
  return crc;
}

static uint32_t crc_of_cka(const problem *p) {
  double *grams = calloc(2 * CLIPS * CLIPS, sizeof *grams);
  float *two = calloc((size_t)CLIPS * WIDTH, sizeof *two);
  assert_true(grams && two);
  for (int64_t i = 0; i < (int64_t)CLIPS * WIDTH; i++) two[i] = p->features[VJ_TEST][i] + p->features[VJ_TRAIN][i];
  assert_ok(vj_cka_gram(CLIPS, WIDTH, p->features[VJ_TRAIN], grams));
  assert_ok(vj_cka_gram(CLIPS, WIDTH, two, grams + CLIPS * CLIPS));
  const vj_cka cka = vj_cka_of(CLIPS, grams, grams + CLIPS * CLIPS);
  free(grams);
  free(two);
  return crc_of(0, (const double[]){cka.biased, cka.debiased}, 2);
}

static uint32_t crc_of_ridge(uint32_t before, const problem *p) {
  const vj_penalties penalties = {-4, 1, 3};
  vj_ridge ridge;
  assert_ok(vj_ridge_fit("ridge", &p->input, &penalties, &ridge));
  const uint32_t crc = crc_of(before, ridge.weights, ridge.candidates * ridge.outputs * ridge.features);
  vj_ridge_destroy(&ridge);
  return crc;
}

static uint32_t crc_of_softmax(uint32_t before, const problem *p, int64_t samples) {
  double *z = calloc((size_t)samples * WIDTH, sizeof *z), *weights = calloc(CLASSES * (WIDTH + 1), sizeof *weights);
  int64_t *classes = calloc((size_t)samples, sizeof *classes);
  vj_softmax_regression *regression = NULL;
  assert_true(z && weights && classes);
  for (int64_t i = 0; i < samples * WIDTH; i++) z[i] = (double)p->features[VJ_VALIDATION][i];
  for (int64_t i = 0; i < samples; i++) classes[i] = z[i * WIDTH] > 0 ? i % 2 : 2 + i % 2;
  assert_ok(vj_softmax_regression_create(samples, WIDTH, CLASSES, z, classes, &regression));
  assert_ok(vj_softmax_regression_minimise(regression, 1e-2, 1e-9));
  vj_softmax_regression_weights(regression, weights, weights + CLASSES * WIDTH);
  vj_softmax_regression_destroy(&regression);
  const uint32_t crc = crc_of(before, weights, CLASSES * (WIDTH + 1));
  free(z);
  free(weights);
  free(classes);
  return crc;
}

static void measure(uint32_t crc[FIGURES]) {
  problem few, many;
  create(&few, CLIPS, (vj_label){.name = "speed", .kind = VJ_LABEL_REAL, .width = OUTPUTS});
  create(&many, 4 * CLIPS, (vj_label){.name = "speed", .kind = VJ_LABEL_REAL, .width = OUTPUTS});
  crc[SPECTRUM] = crc_of_measure(&vj_probe_spectrum, &few, 6);
  crc[LIDAR] = crc_of_measure(&vj_probe_lidar, &few, 1);
  crc[CKA] = crc_of_cka(&few);
  crc[RIDGE] = crc_of_ridge(crc_of_ridge(0, &few), &many);
  crc[SOFTMAX] = crc_of_softmax(crc_of_softmax(0, &few, 50), &few, 300);
  destroy_problem(&few);
  destroy_problem(&many);
}

/* --- against other machines -------------------------------------------------------------------------------------- */

static void figures_are_those_of_other_machines(void **state) {
  (void)state;
  char version[32];
  uint32_t crc[FIGURES];
  if (strcmp(openblas_get_corename(), "Haswell") != 0) impossible("OpenBLAS has no core Haswell");
  assert_int_equal(sscanf(openblas_get_config(), "OpenBLAS %31s", version), 1);
  measure(crc);
  for (size_t row = 0; row < sizeof recorded / sizeof *recorded; row++) {
    if (strcmp(recorded[row].openblas, version) != 0) continue;
    int others = 0;
    for (int i = 0; i < FIGURES; i++) {
      if (crc[i] == recorded[row].crc[i]) continue;
      print_error("%s of OpenBLAS %s: 0x%08" PRIx32 ", elsewhere 0x%08" PRIx32 "\n", names[i], version, crc[i],
                  recorded[row].crc[i]);
      others++;
    }
    assert_int_equal(others, 0);
    return;
  }
  print_message("{\"%s\", {0x%08" PRIx32 ", 0x%08" PRIx32 ", 0x%08" PRIx32 ", 0x%08" PRIx32 ", 0x%08" PRIx32 "}},\n",
                version, crc[SPECTRUM], crc[LIDAR], crc[CKA], crc[RIDGE], crc[SOFTMAX]);
  impossible("nothing is recorded of this version of OpenBLAS");
}

int main(void) {
  const struct CMUnitTest tests[] = {cmocka_unit_test(figures_are_those_of_other_machines)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}
