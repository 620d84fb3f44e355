/* Fewer features a step, as many whatever the model has, so that probes of models of unequal width compare. Float64, on
 * one thread; not collective.
 *
 * Every step h [d] becomes P (h - m) [k], m being the mean of all steps of the train samples:
 *   projection: the rows of P are orthonormal, drawn from the rotations of R^d alike (Gaussian numbers, then
 *               Gram-Schmidt), the same for every trial with this d;
 *   pca:        they are the eigenvectors of the largest eigenvalues of the covariance of the train samples' steps,
 * each with the sign that makes its largest number positive. */
#ifndef VJ_FRAMEWORK_TRAIN_EVALUATION_REDUCTION_H
#define VJ_FRAMEWORK_TRAIN_EVALUATION_REDUCTION_H

#include "framework/config/config.h"

/* Width beyond which principal components would take a matrix too large. */
enum { VJ_MOST_PCA_FEATURES = 8192 };

/* to[i] [samples, steps, dimension] of each from[i], of which the first are the train samples; to be freed by the
 * caller, also after a failure. dimension is at most the width. */
VJ_MUST_USE vj_status vj_reduce(vj_reduction reduction, int64_t dimension, int count, const vj_features *from,
                                float **to);

#endif
