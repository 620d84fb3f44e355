/* What the tests of probes share: comparing doubles, problems of some size, and writing arrays for the Python program
 * that checks them. */
#ifndef VJ_TESTS_COMPONENTS_PROBE_TESTING_H
#define VJ_TESTS_COMPONENTS_PROBE_TESTING_H

#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "analysis/metrics/penalty.h"
#include "tests/support/testing.h"
#include "vj/component.h"
#include "vj/rng.h"

/* NaN is not close to anything. */
#define assert_close(value, expected, tolerance) \
  assert_close_at((value), (expected), (tolerance), #value, __FILE__, __LINE__)

static inline void assert_close_at(double value, double expected, double tolerance, const char *text, const char *file,
                                   int line) {
  if (fabs(value - expected) <= tolerance) return;
  print_error("%s is %.17g, not %.17g within %g\n", text, value, expected, tolerance);
  _fail(file, line);
}

/* The same small numbers as every split. */
static inline vj_probe_input same_splits(vj_features features, const vj_label *label) {
  return (vj_probe_input){.split = {features, features, features}, .label = label};
}

/* The parameters of a probe are penalties and nothing else. */
static inline void assert_parameters_are(const vj_component *probe, const vj_penalties *defaults) {
  const char *const names[] = {"lambda_min", "lambda_max", "lambda_count"};
  const double values[] = {defaults->lambda_min, defaults->lambda_max, (double)defaults->lambda_count};
  assert_int_equal(probe->config_bytes, sizeof *defaults);
  assert_int_equal(probe->param_count, 3);
  for (size_t i = 0; i < 3; i++) {
    assert_string_equal(probe->params[i].name, names[i]);
    assert_close(strtod(probe->params[i].fallback, NULL), values[i], 0);
  }
}

/* --- larger problems ------------------------------------------------------------------------------------------- */

typedef struct problem {
  vj_label label;
  int64_t samples[VJ_SPLITS];
  float *features[VJ_SPLITS], *targets[VJ_SPLITS];
  vj_probe_input input; /* of all these */
} problem;

/* Features and targets of zeros. */
static inline void create_problem(problem *p, vj_label label, int64_t train, int64_t steps, int64_t width) {
  /* Of validation more than one block of predictions. */
  *p = (problem){.label = label, .samples = {[VJ_TRAIN] = train, [VJ_VALIDATION] = 300, [VJ_TEST] = 270}};
  p->input.label = &p->label;
  for (vj_split split = VJ_TRAIN; split < VJ_SPLITS; split++) {
    const int64_t n = p->samples[split];
    p->features[split] = calloc((size_t)(n * steps * width), sizeof(float));
    p->targets[split] = calloc((size_t)(n * label.width), sizeof(float));
    assert_true(p->features[split] && p->targets[split]);
    p->input.split[split] = (vj_features){n, steps, width, p->features[split], p->targets[split]};
  }
}

static inline void destroy_problem(problem *p) {
  for (vj_split split = VJ_TRAIN; split < VJ_SPLITS; split++) {
    free(p->features[split]);
    free(p->targets[split]);
  }
}

/* So many normal numbers, to be freed. */
static inline double *normal_numbers(vj_rng rng, int64_t count) {
  double *numbers = calloc((size_t)count, sizeof *numbers);
  assert_non_null(numbers);
  for (int64_t i = 0; i < count; i++) numbers[i] = vj_rng_normal(&rng);
  return numbers;
}

/* --- cases for Python ------------------------------------------------------------------------------------------ */

/* Writes folder/probe_name_what.npy (NumPy's format 1.0), a matrix [rows, columns] of floats ("<f4") or doubles
 * ("<f8"). */
static inline void npy_write(const char *folder, const char *probe, const char *name, const char *what,
                             const char *type, int64_t rows, int64_t columns, const void *values) {
  enum { HEADER = 118 }; /* of the 128 bytes before the numbers, 10 are magic, version and length */
  const unsigned char start[10] = {0x93, 'N', 'U', 'M', 'P', 'Y', 1, 0, HEADER, 0};
  char path[1024], header[HEADER + 1];
  snprintf(path, sizeof path, "%s/%s_%s_%s.npy", folder, probe, name, what);
  const int used =
      snprintf(header, sizeof header, "{'descr': '%s', 'fortran_order': False, 'shape': (%" PRId64 ", %" PRId64 "), }",
               type, rows, columns);
  memset(header + used, ' ', (size_t)(HEADER - used));
  header[HEADER - 1] = '\n';
  const size_t size = strcmp(type, "<f4") == 0 ? sizeof(float) : sizeof(double), count = (size_t)(rows * columns);
  FILE *file = fopen(path, "wb");
  assert_non_null(file);
  assert_int_equal(fwrite(start, 1, sizeof start, file), sizeof start);
  assert_int_equal(fwrite(header, 1, HEADER, file), HEADER);
  assert_int_equal(fwrite(values, size, count, file), count);
  assert_int_equal(fclose(file), 0);
}

static inline void write_problem(const char *folder, const char *probe, const char *name, const problem *p) {
  char what[32];
  for (int split = 0; split < VJ_SPLITS; split++) {
    const vj_features *of = &p->input.split[split];
    snprintf(what, sizeof what, "features%d", split);
    npy_write(folder, probe, name, what, "<f4", of->samples, of->steps * of->width, of->values);
    snprintf(what, sizeof what, "target%d", split);
    npy_write(folder, probe, name, what, "<f4", of->samples, p->label.width, of->target);
  }
}

#endif
