/* Cholesky's factor of a symmetric positive definite matrix, and what is solved with it: to the same bits on every
 * processor, since each number is one chain of fused multiply-adds, in the order of rows, whatever stands beside it in
 * a vector. Matrices are square, of `size` rows of as many numbers, a multiple of 8 (fill up with the identity).
 * Private to the room. */
#ifndef VJ_SWEEPS_SEARCH_CHOLESKY_H
#define VJ_SWEEPS_SEARCH_CHOLESKY_H

#include <stdint.h>

enum { VJ_CHOLESKY_MULTIPLE = 8 };

static inline int64_t vj_search_cholesky_size(int64_t count) {
  return (count + VJ_CHOLESKY_MULTIPLE - 1) / VJ_CHOLESKY_MULTIPLE * VJ_CHOLESKY_MULTIPLE;
}

/* A = L L' in place. Reads the upper triangle; then the lower one is L and the upper one L'. A pivot below `least` is
 * taken as that. */
void vj_search_cholesky_factor(int64_t size, double least, double *a);
/* L x = b, in place. */
void vj_search_cholesky_forward(int64_t size, const double *a, double *b);
/* L' x = b, in place. */
void vj_search_cholesky_backward(int64_t size, const double *a, double *b);
/* L X = B for `columns` right sides, b[size][columns], in place, to the bits of one after the other. */
void vj_search_cholesky_forward_many(int64_t size, const double *a, int64_t columns, double *b);
/* The lower triangle of the inverse of A; `work` is as large. */
void vj_search_cholesky_inverse(int64_t size, const double *a, double *work, double *inverse);

#endif
