/* A Gaussian process of numbers at points of a Euclidean space: Matern's kernel of 5/2 with a weight (one over a length
 * scale, squared) for each feature, mean 0, and noise that is known for each point, beside a nugget of all (Rasmussen &
 * Williams 2006). Private to the room. */
#ifndef VJ_SWEEPS_SEARCH_GP_MODEL_H
#define VJ_SWEEPS_SEARCH_GP_MODEL_H

#include <stdint.h>

#include "vj/status.h"

typedef struct vj_gp {
  int64_t count, features;
  int64_t size;   /* count, filled up as vj_search_cholesky_size has it; what is behind count is 0 */
  double *z;      /* [features][size] */
  double *y;      /* [size] */
  double *noise;  /* [size] variances, without the nugget */
  double *weight; /* [features] */
  double scale;   /* variance of the process */
  double nugget;  /* variance */
  double *factor; /* [size][size] as vj_search_cholesky_factor leaves it */
  double *slope;  /* [size][size] lower triangle: derivative of the kernel by the squared distance */
  double *alpha;  /* [size] (K + noise)^-1 y */
  double *work;   /* [3][size] and a point */
} vj_gp;

/* With room for `count` points; z, y, noise and weight are 0. vj_gp_free also frees what was not created, if it is 0.
 */
VJ_MUST_USE vj_status vj_gp_create(int64_t count, int64_t features, vj_gp *gp);
void vj_gp_free(vj_gp *gp);

/* The first of another process's points, as many as there is room for, and its parameters. */
void vj_gp_copy(const vj_gp *from, vj_gp *to);

/* Makes factor, slope and alpha of all others. */
void vj_gp_factor(vj_gp *gp);

/* Logarithm of the likelihood of y, of a factored process. The derivatives are by the logarithms of weights, scale and
 * nugget: gradient[features + 2]. `work` and `inverse` have [size][size]. */
double vj_gp_log_likelihood(const vj_gp *gp, double *work, double *inverse, double *gradient);

/* Mean and variance of the process, without noise, at point[features]. by_mean and by_variance, [features], may be
 * NULL: no derivatives. Uses gp->work. */
void vj_gp_predict(const vj_gp *gp, const double *point, double *mean, double *variance, double *by_mean,
                   double *by_variance);

/* The same for many points at once, [count][features], without derivatives; `work` has [size][count]. */
void vj_gp_predict_many(const vj_gp *gp, int64_t count, const double *points, double *work, double *mean,
                        double *variance);

#endif
