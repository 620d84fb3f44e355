/* How alike two representations of the same examples are: linear centred kernel alignment (Kornblith et al. 2019, arXiv
 * 1905.00414). It does not change when features are rotated, scaled in common or shifted, and representations may have
 * different numbers of features. Float64, one thread, not collective.
 *
 * With K = X X' and L = Y Y' of n examples, CKA = HSIC(K, L) / sqrt(HSIC(K, K) HSIC(L, L)), and HSIC is
 *   biased:    tr(K H L H) / (n - 1)^2, H = I - 1 1'/n; near 1 where there are more features than examples;
 *   debiased:  1/(n (n - 3)) (tr(K~ L~) + 1'K~ 1 1'L~ 1/((n - 1)(n - 2)) - 2/(n - 2) 1'K~ L~ 1), K~ and L~ without
 * their diagonals (Song et al. 2012, J. Mach. Learn. Res. 13, eq. 5; of CKA: Nguyen et al. 2021, arXiv 2010.15327): 0
 * in the mean where they have nothing to do with each other, and then below 0 half the time. */
#ifndef VJ_ANALYSIS_METRICS_CKA_H
#define VJ_ANALYSIS_METRICS_CKA_H

#include <stdint.h>

#include "vj/status.h"

typedef struct vj_cka {
  double biased, debiased; /* NaN where one of both does not vary; debiased also below 4 examples */
} vj_cka;

/* K [n, n] of X [n, features], row-major, after its columns are brought to mean 0, which changes neither estimator but
 * saves digits. */
VJ_MUST_USE vj_status vj_cka_gram(int64_t examples, int64_t features, const float *x, double *gram);

/* Of two such K. */
vj_cka vj_cka_of(int64_t examples, const double *one, const double *other);

#endif
