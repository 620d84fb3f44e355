/* What the tests of probes share: comparing doubles, and writing arrays for the Python program that checks them. */
#ifndef VJ_TESTS_COMPONENTS_PROBE_TESTING_H
#define VJ_TESTS_COMPONENTS_PROBE_TESTING_H

#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "tests/support/testing.h"

/* NaN is not close to anything. */
#define assert_close(value, expected, tolerance) \
  assert_close_at((value), (expected), (tolerance), #value, __FILE__, __LINE__)

static inline void assert_close_at(double value, double expected, double tolerance, const char *text, const char *file,
                                   int line) {
  if (fabs(value - expected) <= tolerance) return;
  print_error("%s is %.17g, not %.17g within %g\n", text, value, expected, tolerance);
  _fail(file, line);
}

/* Writes folder/name.npy (NumPy's format 1.0), a matrix [rows, columns] of floats ("<f4") or doubles ("<f8"). */
static inline void npy_write(const char *folder, const char *name, const char *type, int64_t rows, int64_t columns,
                             const void *values) {
  enum { HEADER = 118 }; /* of the 128 bytes before the numbers, 10 are magic, version and length */
  const unsigned char start[10] = {0x93, 'N', 'U', 'M', 'P', 'Y', 1, 0, HEADER, 0};
  char path[1024], header[HEADER + 1];
  snprintf(path, sizeof path, "%s/%s.npy", folder, name);
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

#endif
