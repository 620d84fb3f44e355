/* The error of a mean over clips of which some are of one video: those say less than as many of as many videos. Pure;
 * not collective. */
#ifndef VJ_ANALYSIS_METRICS_CLUSTERS_H
#define VJ_ANALYSIS_METRICS_CLUSTERS_H

#include <stdint.h>

#include "vj/status.h"

/* The standard error of sum_i sums[i] / sum_i counts[i], where samples of the same `cluster`, a number from 0 on,
 * belong together and clusters are independent of each other (Liang and Zeger, Biometrika 73, 1986, for a ratio):
 *   sqrt(G/(G-1) sum_g (sum_{i in g} sums[i] - m counts[i])^2) / sum_i counts[i],   m the mean, G clusters
 * `cluster` NULL: every sample is one of its own. `counts` NULL: 1 each. NaN with fewer than two clusters. */
VJ_MUST_USE vj_status vj_clustered_error(int64_t samples, const double *sums, const int64_t *counts,
                                         const int64_t *cluster, double *error);

#endif
