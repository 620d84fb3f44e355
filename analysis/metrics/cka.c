#include "analysis/metrics/cka.h"

#include <cblas.h>
#include <math.h>
#include <stdlib.h>

#include "analysis/metrics/features.h"
#include "analysis/metrics/lapack.h"
#include "vj/memory.h"

vj_status vj_cka_gram(int64_t examples, int64_t features, const float *x, double *gram) {
  const size_t count = (size_t)features;
  double *moments = NULL, *centred = NULL;
  vj_status status;
  VJ_TRY_GOTO(status, vj_allocate(2 * count, sizeof *moments, "feature means", &moments), done);
  VJ_TRY_GOTO(status, vj_allocate((size_t)examples * count, sizeof *centred, "centred features", &centred), done);
  vj_lapack_single_thread();
  vj_column_moments(examples, features, x, moments, moments + features);
  /* What moves by rounding alone does not vary. */
  for (int64_t i = 0; i < examples; i++)
    for (int64_t j = 0; j < features; j++)
      centred[i * features + j] =
          vj_column_varies(moments[j], moments[features + j]) ? x[i * features + j] - moments[j] : 0;
  cblas_dgemm(CblasRowMajor, CblasNoTrans, CblasTrans, (int)examples, (int)examples, (int)features, 1, centred,
              (int)features, centred, (int)features, 0, gram, (int)examples);
done:
  free(centred);
  free(moments);
  return status;
}

/* The columns of K have mean 0 already, so that H K H = K, and tr(K H L H) = <K, L>. */
static double biased(int64_t n, const double *k, const double *l) {
  double sum = 0;
  for (int64_t i = 0; i < n * n; i++) sum += k[i] * l[i];
  return sum / ((double)(n - 1) * (double)(n - 1));
}

static double debiased(int64_t n, const double *k, const double *l) {
  const double count = (double)n;
  double trace = 0, sum_k = 0, sum_l = 0, across = 0;
  for (int64_t i = 0; i < n; i++) {
    double row_k = 0, row_l = 0;
    for (int64_t j = 0; j < n; j++) {
      if (i == j) continue;
      trace += k[i * n + j] * l[i * n + j];
      row_k += k[i * n + j];
      row_l += l[i * n + j];
    }
    sum_k += row_k;
    sum_l += row_l;
    across += row_k * row_l;
  }
  const double products = sum_k * sum_l / ((count - 1) * (count - 2));
  return (trace + products - 2 / (count - 2) * across) / (count * (count - 3));
}

static double ratio(double across, double one, double other) {
  return one > 0 && other > 0 ? across / sqrt(one * other) : NAN;
}

vj_cka vj_cka_of(int64_t n, const double *k, const double *l) {
  vj_cka cka = {.biased = NAN, .debiased = NAN};
  if (n >= 2) cka.biased = ratio(biased(n, k, l), biased(n, k, k), biased(n, l, l));
  if (n >= 4) cka.debiased = ratio(debiased(n, k, l), debiased(n, k, k), debiased(n, l, l));
  return cka;
}
