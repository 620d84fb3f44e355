#include "features.h"

#include <float.h>
#include <math.h>

const char *vj_probe_split_name(vj_split split) {
  static const char *const names[VJ_SPLITS] = {"train", "validation", "test"};
  return names[split];
}

int64_t vj_first_not_finite(int64_t count, const float *values) {
  for (int64_t i = 0; i < count; i++)
    if (!isfinite(values[i])) return i;
  return -1;
}

vj_status vj_features_check(const char *probe, const vj_features *features, vj_split split, int64_t least,
                            const char *setting) {
  if (features->samples < least)
    return vj_fail(VJ_DATA, "%s: needs at least %lld %s sample%s, got %lld; raise %s", probe, (long long)least,
                   vj_probe_split_name(split), least == 1 ? "" : "s", (long long)features->samples, setting);
  const int64_t columns = features->steps * features->width;
  const int64_t bad = vj_first_not_finite(features->samples * columns, features->values);
  if (bad >= 0)
    return vj_fail(VJ_NUMERIC,
                   "%s: %s sample %lld has a feature that is not a finite number; the hidden state has diverged, "
                   "try a lower optim.lr",
                   probe, vj_probe_split_name(split), (long long)(bad / columns));
  return VJ_OK;
}

void vj_column_moments(int64_t rows, int64_t columns, const float *values, double *mean, double *deviation) {
  for (int64_t j = 0; j < columns; j++) mean[j] = deviation[j] = 0;
  for (int64_t i = 0; i < rows; i++)
    for (int64_t j = 0; j < columns; j++) mean[j] += values[i * columns + j];
  for (int64_t j = 0; j < columns; j++) mean[j] /= (double)rows;
  for (int64_t i = 0; i < rows; i++) {
    for (int64_t j = 0; j < columns; j++) {
      const double centred = values[i * columns + j] - mean[j];
      deviation[j] += centred * centred;
    }
  }
  for (int64_t j = 0; j < columns; j++) deviation[j] = sqrt(deviation[j] / (double)rows);
}

bool vj_column_varies(double mean, double deviation) { return deviation > FLT_EPSILON * fabs(mean); }
