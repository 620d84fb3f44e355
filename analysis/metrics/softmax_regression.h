/* Multinomial logistic regression, fitted to the end: for weights W [K, D] and intercepts b [K], the minimum of
 *   J(W, b) = -1/N sum_i ln softmax(W z_i + b)_{c_i} + lambda/2 |W|^2,
 * by L-BFGS (Nocedal 1980) whose first guess of the Hessian is c Z'Z/N + lambda I, c being the mean curvature of the
 * softmax at hand. Z must have columns of mean 0: W and b are then independent in that guess.
 *
 * Where N < D everything happens in the span of the samples: W = A Z with A [K, N]. Inner products of two such W are
 * sums over A and the scores A Z Z' of the other, so that a step costs one triangular solve with N x N numbers and no
 * product with Z. It is the same sequence of W, in exact arithmetic.
 *
 * Float64, deterministic on one thread; not collective. */
#ifndef VJ_ANALYSIS_METRICS_SOFTMAX_REGRESSION_H
#define VJ_ANALYSIS_METRICS_SOFTMAX_REGRESSION_H

#include <stdint.h>

#include "vj/status.h"

typedef struct vj_softmax_regression vj_softmax_regression;

/* Starts at W = 0 and b = ln of the classes' shares, the minimum for infinite lambda. Borrows z [samples, features],
 * row-major, and label [samples], in which each of the classes 0..classes-1 occurs. */
VJ_MUST_USE vj_status vj_softmax_regression_create(int64_t samples, int64_t features, int64_t classes, const double *z,
                                                   const int64_t *label, vj_softmax_regression **regression);
void vj_softmax_regression_destroy(vj_softmax_regression **regression);

/* Begins anew with other labels of the same classes and samples. */
void vj_softmax_regression_relabel(vj_softmax_regression *regression, const int64_t *label);

/* Goes on from where it is to the minimum for lambda > 0, until the quadratic model promises a further decrease of
 * at most `excess` nats, rounding forbids one, or 1000 steps are done. Going from large to small lambda is fastest. */
VJ_MUST_USE vj_status vj_softmax_regression_minimise(vj_softmax_regression *regression, double lambda, double excess);

/* Copies W [K, D], row-major, and b [K]. */
void vj_softmax_regression_weights(const vj_softmax_regression *regression, double *weights, double *intercepts);

#endif
