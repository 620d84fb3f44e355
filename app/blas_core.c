#include "app/blas_core.h"

#include <cblas.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <unistd.h>

#include "vj/memory.h"
#include "vj/param.h"

/* Set for the program started again: the core that OpenBLAS had before. */
#define BEFORE "VJVCR_BLAS_CORE_BEFORE"
/* Known to every OpenBLAS with AVX-512 kernels; 0.3.21 does not accept the name of a later core. */
#define AVX512_CORE "SkylakeX"

enum { NAME_BYTES = 64 };

/* What vj_blas_core_choose found; written once, before there are threads. */
static struct {
  char wish[NAME_BYTES];   /* VJVCR_BLAS_CORE, or "" */
  char before[NAME_BYTES]; /* the core that was replaced, or "" */
  bool refused;            /* the wish cannot run on this processor */
} choice;

bool vj_blas_core_has_avx512(void) {
#if defined(__x86_64__)
  __builtin_cpu_init();
  return __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512cd") &&
         __builtin_cpu_supports("avx512bw") && __builtin_cpu_supports("avx512dq") && __builtin_cpu_supports("avx512vl");
#else
  return false;
#endif
}

static bool is_avx512_core(const char *core) {
  static const char *const names[] = {"SkylakeX", "Cooperlake", "SapphireRapids"};
  for (size_t i = 0; i < VJ_COUNT(names); i++)
    if (strcasecmp(core, names[i]) == 0) return true;
  return false;
}

/* The core to start again with, or NULL to stay. */
static const char *better_core(const char *core) {
  if (strcmp(choice.wish, "keep") == 0) return NULL;
  /* A library built for one processor alone has no choice to offer. */
  if (!strstr(openblas_get_config(), "DYNAMIC_ARCH")) return NULL;
  if (*choice.wish) {
    choice.refused = is_avx512_core(choice.wish) && !vj_blas_core_has_avx512();
    return choice.refused || strcasecmp(choice.wish, core) == 0 ? NULL : choice.wish;
  }
  return vj_blas_core_has_avx512() && !is_avx512_core(core) ? AVX512_CORE : NULL;
}

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

void vj_blas_core_choose(int argc, char **argv) {
  const char *wish = getenv("VJVCR_BLAS_CORE");
  const char *before = getenv(BEFORE);
  const char *core = openblas_get_corename();
  snprintf(choice.wish, sizeof choice.wish, "%s", wish ? wish : "");
  if (before) {
    snprintf(choice.before, sizeof choice.before, "%s", before);
    unsetenv(BEFORE); /* children choose for themselves */
    return;
  }
  const char *target = better_core(core);
  if (!target || argc < 1) return;

  const char *user_value = getenv("OPENBLAS_CORETYPE");
  char *kept = user_value ? strdup(user_value) : NULL;
  if (user_value && !kept) return;
  if (setenv("OPENBLAS_CORETYPE", target, 1) == 0 && setenv(BEFORE, core, 1) == 0) start_again(argv);
  unsetenv(BEFORE);
  if (kept)
    setenv("OPENBLAS_CORETYPE", kept, 1);
  else
    unsetenv("OPENBLAS_CORETYPE");
  free(kept);
}

const char *vj_blas_core_origin(char *buffer, size_t bytes) {
  const bool changed = *choice.before && strcasecmp(choice.before, openblas_get_corename()) != 0;
  const char *coretype = getenv("OPENBLAS_CORETYPE");
  if (strcmp(choice.wish, "keep") == 0)
    snprintf(buffer, bytes, "kept as it was by VJVCR_BLAS_CORE=keep");
  else if (choice.refused)
    snprintf(buffer, bytes, "VJVCR_BLAS_CORE=%s refused: the processor has no AVX-512", choice.wish);
  else if (*choice.wish)
    snprintf(buffer, bytes, "VJVCR_BLAS_CORE=%s%s%s", choice.wish, changed ? " instead of " : "",
             changed ? choice.before : "");
  else if (changed)
    snprintf(buffer, bytes, "chosen by vjvcr instead of %s", choice.before);
  else if (coretype && !*choice.before)
    snprintf(buffer, bytes, "OPENBLAS_CORETYPE=%s", coretype);
  else
    snprintf(buffer, bytes, "OpenBLAS's own choice");
  return buffer;
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
  const char *core = openblas_get_corename();
  const char *other = strcasecmp(core, "Haswell") == 0 ? "Sandybridge" : "Haswell";
  return vj_fail(VJ_NUMERIC,
                 "OpenBLAS computes wrongly on this machine: with its core %s, %s %c%c of %d x %d x %d gives %g at "
                 "[%d,%d], not %g; set VJVCR_BLAS_CORE=%s",
                 core, routine, p->a_transposed ? 'T' : 'N', p->b_transposed ? 'T' : 'N', p->m, p->n, p->k, got, row,
                 column, expected, other);
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

static vj_status check_wish(void) {
  const bool named = *choice.wish && strcmp(choice.wish, "keep") != 0;
  if (choice.refused)
    return vj_fail(VJ_USAGE, "VJVCR_BLAS_CORE=%s needs AVX-512, which this processor does not have; unset it",
                   choice.wish);
  if (named && strcasecmp(choice.wish, openblas_get_corename()) != 0)
    return vj_fail(VJ_USAGE,
                   "VJVCR_BLAS_CORE=%s: this OpenBLAS has no such core and took %s; name one that it has, such as "
                   "Haswell or SkylakeX, or unset it",
                   choice.wish, openblas_get_corename());
  return VJ_OK;
}

vj_status vj_blas_self_check(void) {
  vj_status status = VJ_OK;
  float *floats = NULL;
  double *doubles = NULL, *expected = NULL;
  VJ_TRY_GOTO(status, check_wish(), cleanup);
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
