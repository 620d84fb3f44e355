/* Cluster learnability and intrinsic dimension: what they are of made clips, and where there is nothing to measure.
 * Called with a folder, the program writes its cases there instead, for tests/science/test_label_free.py. */
#include <cblas.h>
#include <math.h>
#include <stdlib.h>

#include "tests/components/probe_testing.h"
#include "vj/component.h"
#include "vj/rng.h"

extern const vj_component vj_probe_clid;

enum { LEARNABILITY, DIMENSION, METRICS };

static void evaluate(int64_t clips, int64_t steps, int64_t width, const float *values, double results[METRICS]) {
  const vj_probe_input input = {.split = {[VJ_VALIDATION] = {clips, steps, width, values, NULL}}};
  double *const rooms[] = {&results[LEARNABILITY], &results[DIMENSION]};
  assert_int_equal(vj_probe_clid.as.probe.metric_count, VJ_COUNT(rooms));
  assert_ok(vj_probe_clid.as.probe.evaluate(NULL, &input, rooms));
}

typedef struct shape {
  const char *name;
  int64_t clips, steps, width;
  int dimension, groups; /* on a plane of so many dimensions; around so many centres */
} shape;

/* A plane in general position, and groups along it, far apart. */
static float *made_clips(const shape *s) {
  const int64_t columns = s->steps * s->width;
  vj_rng rng = vj_rng_stream(5, VJ_RNG_TEST, 0, vj_hash_text(s->name));
  float *x = calloc((size_t)(s->clips * columns), sizeof *x);
  double *plane = normal_numbers(rng, s->dimension * columns), place[16];
  assert_true(x && s->dimension <= 16);
  rng = vj_rng_stream(6, VJ_RNG_TEST, 0, vj_hash_text(s->name));
  for (int64_t i = 0; i < s->clips; i++) {
    const int64_t group = vj_rng_integer(&rng, 0, s->groups - 1);
    for (int k = 0; k < s->dimension; k++)
      place[k] = 2 * vj_rng_uniform(&rng) + (k == group % s->dimension ? 9.0 * (double)group : 0);
    for (int64_t j = 0; j < columns; j++) {
      double sum = 3;
      for (int k = 0; k < s->dimension; k++) sum += place[k] * plane[k * columns + j];
      x[i * columns + j] = (float)sum;
    }
  }
  free(plane);
  return x;
}

static void a_plane_has_its_dimension(void **state) {
  (void)state;
  for (int dimension = 1; dimension <= 4; dimension++) {
    const shape s = {"plane", 800, 2, 24, dimension, 1};
    float *x = made_clips(&s);
    double results[METRICS];
    evaluate(s.clips, s.steps, s.width, x, results);
    assert_close(results[DIMENSION], dimension, 0.15 * dimension);
    free(x);
  }
}

/* 16 clips make 4 clusters: here four groups, in turn. The first clip of each but the first is not foreseen. */
static void groups_are_learnt_once_they_were_seen(void **state) {
  (void)state;
  float x[16 * 2];
  double results[METRICS];
  for (int i = 0; i < 16; i++) {
    x[2 * i] = (float)(100 * (i / 4) + i % 4);
    x[2 * i + 1] = (float)(i % 4);
  }
  evaluate(16, 1, 2, x, results);
  assert_close(results[LEARNABILITY], 12.0 / 15, 0);
}

static void nothing_to_tell_apart(void **state) {
  (void)state;
  float x[32];
  double results[METRICS];
  for (int i = 0; i < 32; i++) x[i] = 0.1F;
  evaluate(16, 1, 2, x, results);
  assert_true(isnan(results[LEARNABILITY]) && isnan(results[DIMENSION]));
  evaluate(3, 1, 2, x, results); /* too few clips */
  assert_true(isnan(results[LEARNABILITY]) && isnan(results[DIMENSION]));
}

static void same_bits_for_any_thread_count(void **state) {
  (void)state;
  const shape s = {"threads", 300, 3, 700, 8, 3};
  float *x = made_clips(&s);
  double results[2][METRICS];
  for (int i = 0; i < 2; i++) {
    openblas_set_num_threads(1 + i);
    evaluate(s.clips, s.steps, s.width, x, results[i]);
  }
  assert_memory_equal(results[0], results[1], sizeof results[0]);
  free(x);
}

static int export_cases(const char *folder) {
  static const shape cases[] = {
      {"round", 250, 3, 20, 6, 1},
      {"grouped", 300, 2, 16, 3, 5},
      {"wide", 120, 4, 600, 12, 2}, /* three blocks of features */
      {"many", 2500, 1, 9, 4, 3},   /* more clips than are looked at */
  };
  for (size_t i = 0; i < VJ_COUNT(cases); i++) {
    double results[METRICS];
    float *x = made_clips(&cases[i]);
    evaluate(cases[i].clips, cases[i].steps, cases[i].width, x, results);
    npy_write(folder, "clid", cases[i].name, "features", "<f4", cases[i].clips, cases[i].steps * cases[i].width, x);
    npy_write(folder, "clid", cases[i].name, "results", "<f8", 1, METRICS, results);
    free(x);
  }
  return 0;
}

int main(int count, char **arguments) {
  if (count == 2) return export_cases(arguments[1]);
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(a_plane_has_its_dimension),
      cmocka_unit_test(groups_are_learnt_once_they_were_seen),
      cmocka_unit_test(nothing_to_tell_apart),
      cmocka_unit_test(same_bits_for_any_thread_count),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
