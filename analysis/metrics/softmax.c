#include "analysis/metrics/softmax.h"

#include <math.h>

#include "vj/elementary.h"

double vj_log_sum_exp(int64_t count, int64_t stride, const double *scores) {
  int64_t most = 0;
  double sum = 0; /* of the others, each at most 1 */
  for (int64_t k = 1; k < count; k++)
    if (scores[k * stride] > scores[most * stride]) most = k;
  for (int64_t k = 0; k < count; k++)
    if (k != most) sum += vj_math_exp(scores[k * stride] - scores[most * stride]);
  return scores[most * stride] + vj_math_log1p(sum);
}

double vj_softmax_loss(int64_t classes, int64_t samples, const double *scores, const int64_t *label, double *residual,
                       double *curvature) {
  const double share = 1 / (double)samples;
  double loss = 0, spread = 0;
  for (int64_t i = 0; i < samples; i++) {
    const double normaliser = vj_log_sum_exp(classes, samples, scores + i);
    loss += normaliser - scores[label[i] * samples + i];
    for (int64_t k = 0; k < classes; k++) {
      const double p = vj_math_exp(scores[k * samples + i] - normaliser);
      spread += p * (1 - p);
      residual[k * samples + i] = (p - (k == label[i])) * share;
    }
  }
  *curvature = classes > 1 ? spread * share / (double)(classes - 1) : 0;
  return loss * share;
}
