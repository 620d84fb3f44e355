#include "app/blas_core.h"

#include <cblas.h>
#include <math.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <unistd.h>

#include "analysis/metrics/lapack.h"
#include "framework/base/threads.h"
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

/* The matrices a, b, c, numbered 0, 1, 2. Small whole numbers: every partial sum is exact, in any order. */
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

static vj_status wrong_product(const product *p, int row, int column, double got, double expected) {
  return vj_fail(VJ_NUMERIC,
                 "OpenBLAS computes wrongly on this machine: with its core %s, dgemm %c%c of %d x %d x %d gives %g at "
                 "[%d,%d], not %g; another version of the library is needed",
                 openblas_get_corename(), p->a_transposed ? 'T' : 'N', p->b_transposed ? 'T' : 'N', p->m, p->n, p->k,
                 got, row, column, expected);
}

static void fill(double *values, int matrix, bool transposed, int rows, int columns) {
  for (int row = 0; row < rows; row++)
    for (int column = 0; column < columns; column++)
      values[transposed ? column * rows + row : row * columns + column] = entry(matrix, row, column);
}

/* `room` holds three matrices, `expected` is [m,n]. */
static vj_status check_product(const product *p, double *room, const double *expected) {
  double *a = room, *b = room + LARGEST, *c = room + 2 * LARGEST;
  fill(a, 0, p->a_transposed, p->m, p->k);
  fill(b, 1, p->b_transposed, p->k, p->n);
  fill(c, 2, false, p->m, p->n);
  if (!p->beta) c[0] = c[p->m * p->n - 1] = INFINITY;
  cblas_dgemm(CblasRowMajor, p->a_transposed ? CblasTrans : CblasNoTrans, p->b_transposed ? CblasTrans : CblasNoTrans,
              p->m, p->n, p->k, 1, a, p->a_transposed ? p->m : p->k, b, p->b_transposed ? p->k : p->n, p->beta, c,
              p->n);
  for (int i = 0; i < p->m * p->n; i++)
    if (!(c[i] == expected[i])) return wrong_product(p, i / p->n, i % p->n, c[i], expected[i]);
  return VJ_OK;
}

/* A = L L' with small whole numbers in L and 1 or 2 on its diagonal, so that no number of dsyrk, of the factorisation
 * or of the substitution is ever rounded: A x = b must give x. `room` holds three matrices. */
static vj_status check_solution(int order, double *room) {
  double *l = room, *a = room + LARGEST, *x = room + 2 * LARGEST;
  bool definite = false;
  for (int row = 0; row < order; row++)
    for (int column = 0; column < order; column++)
      l[row * order + column] = row > column ? entry(0, row, column) % 2 : row == column ? 1 + row % 2 : 0;
  cblas_dsyrk(CblasRowMajor, CblasLower, CblasNoTrans, order, order, 1, l, order, 0, a, order);
  for (int row = 0; row < order; row++) {
    x[row] = 0;
    for (int column = 0; column < order; column++)
      x[row] += entry(1, 0, column) * (row >= column ? a[row * order + column] : a[column * order + row]);
  }
  VJ_TRY(vj_cholesky_solve(order, a, 1, x, &definite));
  for (int i = 0; i < order; i++)
    if (!definite || !(x[i] == entry(1, 0, i)))
      return vj_fail(VJ_NUMERIC,
                     "OpenBLAS computes wrongly on this machine: with its core %s, %d linear equations have %g as "
                     "unknown %d, not %d; another version of the library is needed",
                     openblas_get_corename(), order, x[i], i, entry(1, 0, i));
  return VJ_OK;
}

vj_status vj_blas_self_check(void) {
  static const int orders[] = {1, 5, 48, 131}; /* 131: in blocks */
  vj_status status = VJ_OK;
  double *room = NULL, *expected = NULL;
  (void)vj_threads(); /* asked before OpenBLAS changes it */
  vj_lapack_single_thread();
  VJ_TRY_GOTO(status, vj_allocate(3 * LARGEST, sizeof *room, "the check of OpenBLAS", &room), cleanup);
  VJ_TRY_GOTO(status, vj_allocate(LARGEST, sizeof *expected, "the check of OpenBLAS", &expected), cleanup);
  for (size_t i = 0; i < VJ_COUNT(products); i++) {
    plain_product(&products[i], room, expected);
    VJ_TRY_GOTO(status, check_product(&products[i], room, expected), cleanup);
  }
  for (size_t i = 0; i < VJ_COUNT(orders); i++) VJ_TRY_GOTO(status, check_solution(orders[i], room), cleanup);
cleanup:
  free(room);
  free(expected);
  return status;
}
