/* Matrix products by OpenBLAS, single-threaded: its sums change with the number of threads, ours may not. */
#ifndef VJ_FRAMEWORK_OPS_PRODUCT_GEMM_H
#define VJ_FRAMEWORK_OPS_PRODUCT_GEMM_H

#include <stdbool.h>

#include "vj/graph.h"

/* Tells OpenBLAS to use one thread. */
void vj_gemm_setup(void);

/* c[m,n] = beta c + op(a)[m,k] op(b)[k,n], row-major with leading dimensions; op(a) = a' where a_transposed. */
void vj_gemm(bool a_transposed, bool b_transposed, int64_t m, int64_t n, int64_t k, const vj_real *a, int64_t lda,
             const vj_real *b, int64_t ldb, vj_real beta, vj_real *c, int64_t ldc);

#endif
