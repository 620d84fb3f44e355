#include "app/blas_core.h"

#include <cblas.h>
#include <math.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <unistd.h>

#include "vj/memory.h"
#include "vj/param.h"

/* Needs what vjvcr itself needs, AVX2 and FMA, and is in every OpenBLAS that has cores to choose from. */
#define CORE "Haswell"

/* OpenBLAS reads its environment in its constructor. That runs before anything of ours can change the environment:
 * .preinit_array comes earlier, but what it sets is lost when the C library initialises itself. So the program is
 * started again. Returns only on failure. */
static void start_again(char **argv) {
  char path[4096];
  const ssize_t length = readlink("/proc/self/exe", path, sizeof path - 1);
  if (length > 0) {
    /* By its own path first, so that ps and debuggers show its name. */
    path[length] = '\0';
    execv(path, argv);
  }
  execv("/proc/self/exe", argv);
}

/* A library built for one processor alone has no choice to offer. */
static bool has_cores(void) { return strstr(openblas_get_config(), "DYNAMIC_ARCH") != NULL; }

static bool is_pinned(void) { return strcasecmp(openblas_get_corename(), CORE) == 0; }

void vj_blas_core_pin(int argc, char **argv) {
#if defined(__x86_64__)
  const char *asked = getenv("OPENBLAS_CORETYPE");
  const bool was_asked = asked && strcmp(asked, CORE) == 0; /* in vain, so it would be again */
  if (argc < 1 || is_pinned() || was_asked || !has_cores()) return;
  if (setenv("OPENBLAS_CORETYPE", CORE, 1) == 0) start_again(argv);
#else
  (void)argc;
  (void)argv;
#endif
}

const char *vj_blas_core_origin(void) {
  if (is_pinned()) return "pinned: the same on every processor";
  return has_cores() ? "OpenBLAS's own choice: it has no core " CORE : "the only one of this OpenBLAS";
}

/* --- the check --------------------------------------------------------------------------------------------- */

typedef struct product {
  bool a_transposed, b_transposed;
  int m, n, k;
  int beta; /* 0: what stood in c must not matter */
} product;

/* Edges of the kernels' tiles, every transposition, the path for small matrices and the packed one. */
static const product products[] = {
    {false, true, 1, 1, 1, 0},     {false, true, 7, 5, 3, 0},    {false, false, 16, 16, 16, 1},
    {true, false, 33, 65, 17, 0},  {true, true, 31, 15, 40, 1},  {false, true, 64, 48, 100, 0},
    {false, false, 49, 130, 9, 1}, {true, false, 96, 64, 40, 1}, {false, true, 67, 61, 257, 0},
};
enum { LARGEST = 67 * 257 }; /* numbers in the largest matrix above */

/* The matrices a, b, c, numbered 0, 1, 2. Small whole numbers: every partial sum is exact in float, in any order. */
static int entry(int matrix, int row, int column) { return (5 * matrix + 7 * row + 3 * column) % 9 - 4; }

/* beta c + a b, [m,n]; b is room for the matrix of that name. */
static void plain_product(const product *p, double *b, double *result) {
  for (int i = 0; i < p->k; i++)
    for (int column = 0; column < p->n; column++) b[i * p->n + column] = entry(1, i, column);
  for (int row = 0; row < p->m; row++) {
    double *sums = result + row * p->n;
    for (int column = 0; column < p->n; column++) sums[column] = p->beta * entry(2, row, column);
    for (int i = 0; i < p->k; i++) {
      const double factor = entry(0, row, i);
      for (int column = 0; column < p->n; column++) sums[column] += factor * b[i * p->n + column];
    }
  }
}

static vj_status wrong(const product *p, const char *routine, int row, int column, double got, double expected) {
  return vj_fail(VJ_NUMERIC,
                 "OpenBLAS computes wrongly on this machine: with its core %s, %s %c%c of %d x %d x %d gives %g at "
                 "[%d,%d], not %g; another version of the library is needed",
                 openblas_get_corename(), routine, p->a_transposed ? 'T' : 'N', p->b_transposed ? 'T' : 'N', p->m, p->n,
                 p->k, got, row, column, expected);
}

/* The same in both precisions; `room` holds three matrices, `expected` is [m,n]. */
#define CHECK(type, routine)                                                                                        \
  static void fill_##routine(type *values, int matrix, bool transposed, int rows, int columns) {                    \
    for (int row = 0; row < rows; row++)                                                                            \
      for (int column = 0; column < columns; column++)                                                              \
        values[transposed ? column * rows + row : row * columns + column] = (type)entry(matrix, row, column);       \
  }                                                                                                                 \
  static vj_status check_##routine(const product *p, type *room, const double *expected) {                          \
    type *a = room, *b = room + LARGEST, *c = room + 2 * LARGEST;                                                   \
    fill_##routine(a, 0, p->a_transposed, p->m, p->k);                                                              \
    fill_##routine(b, 1, p->b_transposed, p->k, p->n);                                                              \
    fill_##routine(c, 2, false, p->m, p->n);                                                                        \
    if (!p->beta) c[0] = c[p->m * p->n - 1] = (type)INFINITY;                                                       \
    cblas_##routine(CblasRowMajor, p->a_transposed ? CblasTrans : CblasNoTrans,                                     \
                    p->b_transposed ? CblasTrans : CblasNoTrans, p->m, p->n, p->k, 1, a,                            \
                    p->a_transposed ? p->m : p->k, b, p->b_transposed ? p->k : p->n, (type)p->beta, c, p->n);       \
    for (int i = 0; i < p->m * p->n; i++)                                                                           \
      if (!((double)c[i] == expected[i])) return wrong(p, #routine, i / p->n, i % p->n, (double)c[i], expected[i]); \
    return VJ_OK;                                                                                                   \
  }
CHECK(float, sgemm)
CHECK(double, dgemm)
#undef CHECK

vj_status vj_blas_self_check(void) {
  vj_status status = VJ_OK;
  float *floats = NULL;
  double *doubles = NULL, *expected = NULL;
  VJ_TRY_GOTO(status, vj_allocate(3 * LARGEST, sizeof *floats, "the check of OpenBLAS", &floats), cleanup);
  VJ_TRY_GOTO(status, vj_allocate(3 * LARGEST, sizeof *doubles, "the check of OpenBLAS", &doubles), cleanup);
  VJ_TRY_GOTO(status, vj_allocate(LARGEST, sizeof *expected, "the check of OpenBLAS", &expected), cleanup);
  for (size_t i = 0; i < VJ_COUNT(products); i++) {
    plain_product(&products[i], doubles, expected);
    VJ_TRY_GOTO(status, check_sgemm(&products[i], floats, expected), cleanup);
    VJ_TRY_GOTO(status, check_dgemm(&products[i], doubles, expected), cleanup);
  }
cleanup:
  free(floats);
  free(doubles);
  free(expected);
  return status;
}
