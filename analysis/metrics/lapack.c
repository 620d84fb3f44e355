#include "analysis/metrics/lapack.h"

#include <cblas.h>
#include <omp.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include "vj/memory.h"

/* The Fortran routines; the last size_t of some are the hidden lengths of their character arguments. */
void dtpqrt_(const int *m, const int *n, const int *l, const int *nb, double *a, const int *lda, double *b,
             const int *ldb, double *t, const int *ldt, double *work, int *info);
void dgesdd_(const char *jobz, const int *m, const int *n, double *a, const int *lda, double *s, double *u,
             const int *ldu, double *vt, const int *ldvt, double *work, const int *lwork, int *iwork, int *info,
             size_t jobz_length);
void dpotrf_(const char *uplo, const int *n, double *a, const int *lda, int *info, size_t uplo_length);
void dpotrs_(const char *uplo, const int *n, const int *nrhs, const double *a, const int *lda, double *b,
             const int *ldb, int *info, size_t uplo_length);

enum { REFLECTORS = 32 /* Householder vectors applied together */ };

/* OpenBLAS's newer versions go by OpenMP's number, the older by their own. */
void vj_lapack_single_thread(void) {
  if (omp_get_max_threads() != 1) omp_set_num_threads(1);
  if (openblas_get_num_threads() != 1) openblas_set_num_threads(1);
}

vj_status vj_triangle_update(int64_t rows, int64_t columns, double *block, double *triangle) {
  if (rows == 0 || columns == 0) return VJ_OK;
  const int m = (int)rows, n = (int)columns, pentagon = 0, width = n < REFLECTORS ? n : REFLECTORS;
  double *factors = NULL;
  VJ_TRY(vj_allocate(2 * (size_t)width * (size_t)n, sizeof *factors, "QR factors", &factors));
  double *work = factors + (size_t)width * (size_t)n;
  int info = 0;
  dtpqrt_(&m, &n, &pentagon, &width, triangle, &n, block, &m, factors, &width, work, &info);
  free(factors);
  return info == 0 ? VJ_OK : vj_fail(VJ_INTERNAL, "dtpqrt refused its argument %d", -info);
}

static vj_status destroyed_singular_values(int n, double *matrix, double *values) {
  const int one = 1, query = -1;
  int info = 0, *integers = NULL;
  double wanted = 0, *work = NULL, unused = 0;
  vj_status status;
  VJ_TRY_GOTO(status, vj_allocate(8 * (size_t)n, sizeof *integers, "singular values", &integers), done);
  dgesdd_("N", &n, &n, matrix, &n, values, &unused, &one, &unused, &one, &wanted, &query, integers, &info, 1);
  const int size = (int)wanted;
  VJ_TRY_GOTO(status, vj_allocate((size_t)size, sizeof *work, "singular values", &work), done);
  dgesdd_("N", &n, &n, matrix, &n, values, &unused, &one, &unused, &one, work, &size, integers, &info, 1);
  if (info > 0) status = vj_fail(VJ_NUMERIC, "the singular values of a %d x %d matrix did not converge", n, n);
  if (info < 0) status = vj_fail(VJ_INTERNAL, "dgesdd refused its argument %d", -info);
done:
  free(work);
  free(integers);
  return status;
}

vj_status vj_singular_values(int64_t order, int64_t stride, const double *matrix, double *values) {
  if (order == 0) return VJ_OK;
  const size_t column = (size_t)order;
  double *copy = NULL;
  VJ_TRY(vj_allocate(column * column, sizeof *copy, "matrix for singular values", &copy));
  for (size_t j = 0; j < column; j++) memcpy(copy + j * column, matrix + j * (size_t)stride, column * sizeof *copy);
  const vj_status status = destroyed_singular_values((int)order, copy, values);
  free(copy);
  return status;
}

vj_status vj_cholesky_factor(int64_t order, double *matrix, bool *definite) {
  const int n = (int)order;
  int info = 0;
  /* The lower triangle of a row-major matrix is the upper one of the column-major matrix in the same memory. */
  dpotrf_("U", &n, matrix, &n, &info, 1);
  *definite = info == 0;
  return info >= 0 ? VJ_OK : vj_fail(VJ_INTERNAL, "dpotrf refused its argument %d", -info);
}

vj_status vj_cholesky_substitute(int64_t order, const double *factor, int64_t count, int64_t stride, double *sides) {
  const int n = (int)order, columns = (int)count, leading = (int)stride;
  int info = 0;
  dpotrs_("U", &n, &columns, factor, &n, sides, &leading, &info, 1);
  return info == 0 ? VJ_OK : vj_fail(VJ_INTERNAL, "dpotrs refused its argument %d", -info);
}

vj_status vj_cholesky_solve(int64_t order, double *matrix, int64_t count, double *sides, bool *definite) {
  VJ_TRY(vj_cholesky_factor(order, matrix, definite));
  if (*definite) VJ_TRY(vj_cholesky_substitute(order, matrix, count, order, sides));
  return VJ_OK;
}
