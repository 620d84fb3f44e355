/* The loss of a linear classifier: mean cross-entropy of softmax, in nats, with its gradient. Not collective. */
#ifndef VJ_ANALYSIS_METRICS_SOFTMAX_H
#define VJ_ANALYSIS_METRICS_SOFTMAX_H

#include <stdint.h>

/* ln sum_k exp f_k over `count` scores that lie `stride` apart, without overflow. */
double vj_log_sum_exp(int64_t count, int64_t stride, const double *scores);

/* With p_ki = exp f_ki / sum_l exp f_li for scores f [classes, samples], row-major, and the class c_i of each sample:
 * returns -1/N sum_i ln p_{c_i,i} and writes its derivative by the scores, (p_ki - [k = c_i]) / N, to residual
 * [classes, samples]. `curvature` receives 1/N sum_ki p_ki (1 - p_ki) / (classes - 1), the mean of N times the second
 * derivatives over the classes - 1 directions in which scores matter; 0 for one class. */
double vj_softmax_loss(int64_t classes, int64_t samples, const double *scores, const int64_t *label, double *residual,
                       double *curvature);

#endif
