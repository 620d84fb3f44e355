/* The logarithm of expected improvement (Ament et al. 2023, arXiv 2310.20708), with derivatives: where improvement is
 * all but impossible it still tells which point is the better one. Private to the room. */
#ifndef VJ_SWEEPS_SEARCH_EXPECTED_IMPROVEMENT_H
#define VJ_SWEEPS_SEARCH_EXPECTED_IMPROVEMENT_H

/* log E max(best - f, 0), f normal with this mean and deviation > 0; by_mean and by_deviation are its derivatives. */
double vj_log_expected_improvement(double best, double mean, double deviation, double *by_mean, double *by_deviation);

/* log Phi(z), the normal distribution, and its derivative. */
double vj_log_normal_cdf(double z, double *by_z);

#endif
