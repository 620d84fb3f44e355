/* Dense linear algebra in float64 for probes: thin calls into the LAPACK that OpenBLAS contains. Not collective.
 *
 * LAPACK is column-major: element (i, j) of a matrix with `stride` rows in memory lies at [j * stride + i].
 */
#ifndef VJ_ANALYSIS_METRICS_LAPACK_H
#define VJ_ANALYSIS_METRICS_LAPACK_H

#include <stdbool.h>
#include <stdint.h>

#include "vj/status.h"

/* Keeps OpenBLAS on the calling thread for the rest of the process: its results change bits with their number. */
void vj_lapack_single_thread(void);

/* One more block of rows of a tall matrix A whose QR factor R is wanted, Q is not: replaces the upper triangle R
 * (columns x columns) by the one with R'R + B'B, which is the R of the rows so far and of `block` (rows x columns),
 * by Householder reflections and so without squaring the condition number. Start with zeros; the lower triangle
 * stays as it is. Destroys `block`. Cost 2 rows columns^2. */
VJ_MUST_USE vj_status vj_triangle_update(int64_t rows, int64_t columns, double *block, double *triangle);

/* Singular values, descending, of the leading order x order part of a matrix; the matrix is kept. */
VJ_MUST_USE vj_status vj_singular_values(int64_t order, int64_t stride, const double *matrix, double *values);

/* The Cholesky factor of a symmetric A [order, order], of which the lower triangle (seen row-major) is read and
 * overwritten. `definite` is false where A is not positive definite within rounding. */
VJ_MUST_USE vj_status vj_cholesky_factor(int64_t order, double *matrix, bool *definite);

/* Solves A x = b for `count` right-hand sides with that factor: the first `order` of every `stride` numbers of
 * `sides` [count, stride], row-major, are a b and become its x. */
VJ_MUST_USE vj_status vj_cholesky_substitute(int64_t order, const double *factor, int64_t count, int64_t stride,
                                             double *sides);

/* Both, with stride = order; `sides` is unchanged where A is not positive definite. */
VJ_MUST_USE vj_status vj_cholesky_solve(int64_t order, double *matrix, int64_t count, double *sides, bool *definite);

#endif
