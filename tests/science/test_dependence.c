/* What the measure `dependence` sees of a dependence that covariances do not. With a folder as argument it writes
 * problems and results for test_dependence_against_numpy.py. */
#include "tests/components/probe_testing.h"

extern const vj_component vj_probe_dependence;

enum { CLIPS = 300, STEPS = 3, WIDTH = 5, Z = 2, METRICS = 4 };
enum { LINEAR, RBF, DISTANCE, STATIC_R2 };

typedef struct pair {
  float z[CLIPS][Z], hx[CLIPS][STEPS][WIDTH];
} pair;

typedef enum tie { NONE, SQUARE, LINE } tie;

static void fill(pair *p, tie how) {
  for (int i = 0; i < CLIPS; i++) {
    vj_rng rng = vj_rng_stream(31, VJ_RNG_TEST, (uint32_t)how, (uint64_t)i);
    double told = vj_rng_normal(&rng);
    p->z[i][0] = (float)told;
    p->z[i][1] = (float)vj_rng_normal(&rng);
    if (how == NONE) told = vj_rng_normal(&rng);
    if (how == SQUARE) told = told * told;
    for (int t = 0; t < STEPS; t++)
      for (int j = 0; j < WIDTH; j++)
        p->hx[i][t][j] = (float)(told * (j + 1) + 0.2 * vj_rng_normal(&rng) + (t - 1) * vj_rng_normal(&rng));
  }
}

static void measure(const pair *p, double *found) {
  double *results[METRICS] = {found, found + 1, found + 2, found + 3};
  const vj_probe_input input = {.split = {[VJ_VALIDATION] = {CLIPS, 1, Z, p->z[0], NULL}},
                                .truth = {CLIPS, STEPS, WIDTH, p->hx[0][0], NULL}};
  assert_int_equal(vj_probe_dependence.as.probe.metric_count, METRICS);
  assert_ok(vj_probe_dependence.as.probe.evaluate(NULL, &input, results));
}

static void a_square_is_seen_by_all_but_covariances(void **state) {
  (void)state;
  static pair p;
  double found[METRICS];
  fill(&p, SQUARE);
  measure(&p, found);
  assert_true(found[LINEAR] < 0.05);
  assert_true(found[RBF] > 0.15);
  assert_true(found[DISTANCE] > 0.1);
  assert_true(found[STATIC_R2] > 0.5);
}

static void nothing_is_seen_where_nothing_is(void **state) {
  (void)state;
  static pair p;
  double found[METRICS];
  fill(&p, NONE);
  measure(&p, found);
  for (int i = 0; i < STATIC_R2; i++) assert_true(fabs(found[i]) < 0.03);
  assert_true(found[STATIC_R2] < 0.05);
}

static void what_does_not_vary_tells_nothing(void **state) {
  (void)state;
  static pair p;
  double found[METRICS];
  fill(&p, LINE);
  memset(p.z, 0, sizeof p.z);
  measure(&p, found);
  for (int i = 0; i < STATIC_R2; i++) assert_true(isnan(found[i]));
}

static void write_all(const char *folder) {
  static const char *const names[] = {"none", "square", "line"};
  static pair p;
  for (int how = NONE; how <= LINE; how++) {
    double found[METRICS];
    fill(&p, (tie)how);
    measure(&p, found);
    npy_write(folder, "dependence", names[how], "z", "<f4", CLIPS, Z, p.z);
    npy_write(folder, "dependence", names[how], "hx", "<f4", CLIPS, STEPS * WIDTH, p.hx);
    npy_write(folder, "dependence", names[how], "results", "<f8", 1, METRICS, found);
  }
}

int main(int argc, char **argv) {
  if (argc > 1) {
    write_all(argv[1]);
    return 0;
  }
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(a_square_is_seen_by_all_but_covariances),
      cmocka_unit_test(nothing_is_seen_where_nothing_is),
      cmocka_unit_test(what_does_not_vary_tells_nothing),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
