#include "framework/train/evaluation/reduction.h"

#include <cblas.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "framework/train/evaluation/probing.h"
#include "vj/memory.h"
#include "vj/rng.h"

/* The Fortran routine; the last three are the hidden lengths of its character arguments. */
void dsyevr_(const char *jobz, const char *range, const char *uplo, const int *n, double *a, const int *lda,
             const double *vl, const double *vu, const int *il, const int *iu, const double *abstol, int *m, double *w,
             double *z, const int *ldz, int *isuppz, double *work, const int *lwork, int *iwork, const int *liwork,
             int *info, size_t jobz_length, size_t range_length, size_t uplo_length);

enum { BLOCK = 256 /* rows at once */, PROJECTION = 1 /* what random numbers are for */ };

vj_status vj_reduction_check(const vj_probe_choice *choice, int64_t width) {
  if (choice->dimension > width)
    return vj_fail(VJ_CONFIG,
                   "dimension is %lld, and a step of view %s has %lld features; choose the smallest width of all arms, "
                   "or less",
                   (long long)choice->dimension, choice->on, (long long)width);
  if (choice->dimension && choice->reduction == VJ_REDUCE_PCA && width > VJ_MOST_PCA_FEATURES)
    return vj_fail(VJ_CONFIG,
                   "reduction: pca takes at most %d features, and a step of view %s has %lld; take projection",
                   VJ_MOST_PCA_FEATURES, choice->on, (long long)width);
  return VJ_OK;
}

/* Rows first.. of all steps of a split, less the mean: -> [count, d]. */
static int64_t take_rows(const vj_features *from, int64_t first, const double *mean, double *rows) {
  const int64_t all = from->samples * from->steps, d = from->width;
  const int64_t count = all - first < BLOCK ? all - first : BLOCK;
  for (int64_t i = 0; i < count; i++)
    for (int64_t j = 0; j < d; j++) rows[i * d + j] = from->values[(first + i) * d + j] - mean[j];
  return count;
}

static void mean_of(const vj_features *from, double *mean) {
  const int64_t all = from->samples * from->steps, d = from->width;
  for (int64_t j = 0; j < d; j++) mean[j] = 0;
  for (int64_t i = 0; i < all; i++)
    for (int64_t j = 0; j < d; j++) mean[j] += from->values[i * d + j];
  for (int64_t j = 0; j < d; j++) mean[j] /= (double)all;
}

/* Twice, so that rounding leaves nothing of the rows before. */
static void draw_directions(int64_t k, int64_t d, double *directions) {
  for (int64_t i = 0; i < k; i++) {
    double *row = directions + i * d;
    vj_rng rng = vj_rng_stream(0, VJ_RNG_PROBE, PROJECTION, (uint64_t)i);
    vj_rng_normals(&rng, d, row);
    for (int again = 0; again < 2; again++)
      for (int64_t other = 0; other < i; other++)
        cblas_daxpy((int)d, -cblas_ddot((int)d, row, 1, directions + other * d, 1), directions + other * d, 1, row, 1);
    cblas_dscal((int)d, 1 / sqrt(cblas_ddot((int)d, row, 1, row, 1)), row, 1);
  }
}

static vj_status eigenvectors(int64_t k, int64_t d, double *matrix, double *values, double *vectors) {
  const int n = (int)d, first = (int)(d - k + 1), query = -1;
  const double unused = 0, tolerance = 0;
  int found = 0, info = 0, integers_wanted = 0, *support = NULL, *integers = NULL;
  double wanted = 0, *work = NULL;
  vj_status status;
  VJ_TRY_GOTO(status, vj_allocate(2 * (size_t)d, sizeof *support, "principal components", &support), done);
  dsyevr_("V", "I", "U", &n, matrix, &n, &unused, &unused, &first, &n, &tolerance, &found, values, vectors, &n, support,
          &wanted, &query, &integers_wanted, &query, &info, 1, 1, 1);
  const int size = (int)wanted;
  VJ_TRY_GOTO(status, vj_allocate((size_t)size, sizeof *work, "principal components", &work), done);
  VJ_TRY_GOTO(status, vj_allocate((size_t)integers_wanted, sizeof *integers, "principal components", &integers), done);
  dsyevr_("V", "I", "U", &n, matrix, &n, &unused, &unused, &first, &n, &tolerance, &found, values, vectors, &n, support,
          work, &size, integers, &integers_wanted, &info, 1, 1, 1);
  if (info > 0) status = vj_fail(VJ_NUMERIC, "the principal components of %d features did not converge", n);
  if (info < 0) status = vj_fail(VJ_INTERNAL, "dsyevr refused its argument %d", -info);
done:
  free(integers);
  free(work);
  free(support);
  return status;
}

/* Ascending vectors [k, d] -> descending, each with its largest number positive. */
static void order_directions(int64_t k, int64_t d, const double *vectors, double *directions) {
  for (int64_t i = 0; i < k; i++) {
    const double *from = vectors + (k - 1 - i) * d;
    int64_t most = 0;
    for (int64_t j = 1; j < d; j++)
      if (fabs(from[j]) > fabs(from[most])) most = j;
    for (int64_t j = 0; j < d; j++) directions[i * d + j] = from[most] < 0 ? -from[j] : from[j];
  }
}

static vj_status find_components(const vj_features *train, int64_t k, const double *mean, double *directions) {
  const int64_t d = train->width, all = train->samples * train->steps;
  double *covariance = NULL, *rows = NULL, *values = NULL, *vectors = NULL;
  vj_status status;
  VJ_TRY_GOTO(status, vj_allocate((size_t)(d * d), sizeof *covariance, "a covariance", &covariance), done);
  VJ_TRY_GOTO(status, vj_allocate((size_t)(BLOCK * d), sizeof *rows, "features", &rows), done);
  VJ_TRY_GOTO(status, vj_allocate((size_t)d, sizeof *values, "eigenvalues", &values), done);
  VJ_TRY_GOTO(status, vj_allocate((size_t)(k * d), sizeof *vectors, "eigenvectors", &vectors), done);
  for (int64_t first = 0; first < all; first += BLOCK) {
    const int64_t count = take_rows(train, first, mean, rows);
    cblas_dsyrk(CblasRowMajor, CblasLower, CblasTrans, (int)d, (int)count, 1 / (double)all, rows, (int)d, 1, covariance,
                (int)d);
  }
  /* The lower triangle of a row-major matrix is the upper one of the column-major matrix in the same memory. */
  VJ_TRY_GOTO(status, eigenvectors(k, d, covariance, values, vectors), done);
  order_directions(k, d, vectors, directions);
done:
  free(vectors);
  free(values);
  free(rows);
  free(covariance);
  return status;
}

static vj_status apply(const vj_features *from, int64_t k, const double *mean, const double *directions, float **to) {
  const int64_t all = from->samples * from->steps, d = from->width;
  double *rows = NULL, *fewer = NULL;
  vj_status status;
  VJ_TRY_GOTO(status, vj_allocate((size_t)(BLOCK * d), sizeof *rows, "features", &rows), done);
  VJ_TRY_GOTO(status, vj_allocate((size_t)(BLOCK * k), sizeof *fewer, "fewer features", &fewer), done);
  VJ_TRY_GOTO(status, vj_allocate((size_t)(all * k), sizeof **to, "fewer features", to), done);
  for (int64_t first = 0; first < all; first += BLOCK) {
    const int64_t count = take_rows(from, first, mean, rows);
    cblas_dgemm(CblasRowMajor, CblasNoTrans, CblasTrans, (int)count, (int)k, (int)d, 1, rows, (int)d, directions,
                (int)d, 0, fewer, (int)k);
    for (int64_t i = 0; i < count * k; i++) (*to)[first * k + i] = (float)fewer[i];
  }
done:
  free(fewer);
  free(rows);
  return status;
}

vj_status vj_reduce(vj_reduction reduction, int64_t dimension, int count, const vj_features *from, float **to) {
  const int64_t d = from[VJ_TRAIN].width;
  double *mean = NULL, *directions = NULL;
  vj_status status;
  if (openblas_get_num_threads() != 1) openblas_set_num_threads(1); /* results change bits with their number */
  VJ_TRY_GOTO(status, vj_allocate((size_t)d, sizeof *mean, "feature means", &mean), done);
  VJ_TRY_GOTO(status, vj_allocate((size_t)(dimension * d), sizeof *directions, "directions", &directions), done);
  mean_of(&from[VJ_TRAIN], mean);
  if (reduction == VJ_REDUCE_PCA)
    VJ_TRY_GOTO(status, find_components(&from[VJ_TRAIN], dimension, mean, directions), done);
  else
    draw_directions(dimension, d, directions);
  for (int s = 0; s < count; s++) VJ_TRY_GOTO(status, apply(&from[s], dimension, mean, directions, &to[s]), done);
done:
  free(directions);
  free(mean);
  return status;
}
