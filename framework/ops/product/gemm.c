#include "framework/ops/product/gemm.h"

#include <cblas.h>

#include "framework/base/threads.h"

void vj_gemm_setup(void) {
  (void)vj_threads(); /* before OpenBLAS sets OpenMP's number */
  openblas_set_num_threads(1);
}

void vj_gemm(bool a_transposed, bool b_transposed, int64_t m, int64_t n, int64_t k, const vj_real *a, int64_t lda,
             const vj_real *b, int64_t ldb, vj_real beta, vj_real *c, int64_t ldc) {
  const enum CBLAS_TRANSPOSE ta = a_transposed ? CblasTrans : CblasNoTrans;
  const enum CBLAS_TRANSPOSE tb = b_transposed ? CblasTrans : CblasNoTrans;
#ifdef VJ_DOUBLE
  cblas_dgemm(CblasRowMajor, ta, tb, (int)m, (int)n, (int)k, 1, a, (int)lda, b, (int)ldb, beta, c, (int)ldc);
#else
  cblas_sgemm(CblasRowMajor, ta, tb, (int)m, (int)n, (int)k, 1, a, (int)lda, b, (int)ldb, beta, c, (int)ldc);
#endif
}
