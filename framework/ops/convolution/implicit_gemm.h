/* Matrix products whose left factor is read through two lists of places, so that a convolution's patches need not be
 * copied to rows: c[i] = start + sum over k of a[row[i] + column[k]] b[k]. */
#ifndef VJ_FRAMEWORK_OPS_CONVOLUTION_IMPLICIT_GEMM_H
#define VJ_FRAMEWORK_OPS_CONVOLUTION_IMPLICIT_GEMM_H

#include <stdint.h>

#include "vj/graph.h"

/* Vectors as wide as the processor's own; compilers make shorter ones of them where they have to. */
#if defined(__AVX512F__)
enum { VJ_LANES = 64 / sizeof(vj_real) };
#elif defined(__AVX__)
enum { VJ_LANES = 32 / sizeof(vj_real) };
#else
enum { VJ_LANES = 16 / sizeof(vj_real) };
#endif
/* The columns of b and c come in multiples of this: half a vector. */
enum { VJ_PRODUCT_WIDTH = VJ_LANES / 2 };

typedef struct vj_implicit_gemm {
  const vj_real *a;
  const int32_t *row, *column; /* a[row[i] + column[k]]: of places in a, i < rows, k < depth */
  int64_t rows, depth;
  const vj_real *b; /* [depth,width], rows `pitch` apart */
  int64_t pitch, width;
  const vj_real *start; /* [width], or NULL: zero */
  vj_real *c;           /* row i goes to c + place[i] */
  const int32_t *place;
} vj_implicit_gemm;

/* Each number of c is summed in the order of k, some hundreds of products at a time, to which `start` is added; so it
 * depends on neither the number of rows nor the width of vectors. c may not overlap the rest. */
void vj_implicit_gemm_run(const vj_implicit_gemm *product);

#endif
