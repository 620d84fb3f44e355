#include "analysis/metrics/features.h"

#include <float.h>
#include <math.h>
#include <stdlib.h>

#include "vj/memory.h"

const char *vj_probe_split_name(vj_split split) {
  static const char *const names[VJ_SPLITS] = {"train", "validation", "test"};
  return names[split];
}

int64_t vj_first_not_finite(int64_t count, const float *values) {
  for (int64_t i = 0; i < count; i++)
    if (!isfinite(values[i])) return i;
  return -1;
}

static int64_t first_infinite(int64_t count, const float *values) {
  for (int64_t i = 0; i < count; i++)
    if (isinf(values[i])) return i;
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

static vj_status check_labels(const char *probe, const vj_features *features, vj_split split, const vj_label *label) {
  const int64_t count = features->samples * label->width;
  const int64_t bad =
      label->has_gaps ? first_infinite(count, features->target) : vj_first_not_finite(count, features->target);
  if (bad >= 0)
    return vj_fail(VJ_DATA, "%s: label \"%s\" of %s sample %lld is not a finite number; look at the data set", probe,
                   label->name, vj_probe_split_name(split), (long long)(bad / label->width));
  for (int64_t i = 0; i < count && label->kind == VJ_LABEL_FLAGS; i++)
    if (features->target[i] != 0 && features->target[i] != 1)
      return vj_fail(VJ_DATA, "%s: label \"%s\" of %s sample %lld is %g, expected 0 or 1; look at the data set", probe,
                     label->name, vj_probe_split_name(split), (long long)(i / label->width),
                     (double)features->target[i]);
  if (label->kind != VJ_LABEL_CLASS) return VJ_OK;
  for (int64_t i = 0; i < count; i++) {
    const float value = features->target[i];
    if (value < 0 || value >= (float)label->classes || value != floorf(value))
      return vj_fail(VJ_DATA,
                     "%s: label \"%s\" of %s sample %lld is %g, expected a class 0 to %lld; look at the data set",
                     probe, label->name, vj_probe_split_name(split), (long long)(i / label->width), (double)value,
                     (long long)(label->classes - 1));
  }
  return VJ_OK;
}

vj_status vj_probe_check_splits(const char *probe, const vj_probe_input *input) {
  static const char *const settings[VJ_SPLITS] = {"eval.probe_train", "eval.probe_validation", "eval.probe_test"};
  const vj_features *train = &input->split[VJ_TRAIN];
  for (vj_split split = VJ_TRAIN; split < VJ_SPLITS; split++) {
    const vj_features *features = &input->split[split];
    VJ_TRY(vj_features_check(probe, features, split, split == VJ_TRAIN ? 2 : 1, settings[split]));
    if (features->steps != train->steps || features->width != train->width)
      return vj_fail(VJ_SHAPE, "%s: train features are %lld steps x %lld, %s features are %lld steps x %lld", probe,
                     (long long)train->steps, (long long)train->width, vj_probe_split_name(split),
                     (long long)features->steps, (long long)features->width);
    VJ_TRY(check_labels(probe, features, split, input->label));
  }
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

void vj_label_moments(const vj_features *split, int64_t columns, double *mean, double *deviation, int64_t *known) {
  for (int64_t j = 0; j < columns; j++) mean[j] = deviation[j] = 0, known[j] = 0;
  for (int64_t i = 0; i < split->samples; i++) {
    for (int64_t j = 0; j < columns; j++) {
      const float value = split->target[i * columns + j];
      if (isnan(value)) continue;
      mean[j] += value;
      known[j]++;
    }
  }
  for (int64_t j = 0; j < columns; j++) mean[j] /= (double)known[j];
  for (int64_t i = 0; i < split->samples; i++) {
    for (int64_t j = 0; j < columns; j++) {
      const float value = split->target[i * columns + j];
      if (!isnan(value)) deviation[j] += (value - mean[j]) * (value - mean[j]);
    }
  }
  for (int64_t j = 0; j < columns; j++) deviation[j] = sqrt(deviation[j] / (double)known[j]);
}

bool vj_column_varies(double mean, double deviation) { return deviation > FLT_EPSILON * fabs(mean); }

double vj_deviation_floor(int64_t columns, const double *mean, const double *deviation) {
  double squares = 0;
  for (int64_t j = 0; j < columns; j++) squares += mean[j] * mean[j] + deviation[j] * deviation[j];
  return VJ_RELATIVE_FLOOR * sqrt(squares / (double)columns);
}

vj_status vj_standard_create(const vj_probe_input *input, vj_standard *standard) {
  const vj_features *train = &input->split[VJ_TRAIN];
  *standard = (vj_standard){.input = input, .features = train->steps * train->width};
  const size_t features = (size_t)standard->features;
  VJ_TRY(vj_allocate(features, sizeof *standard->mean, "feature means", &standard->mean));
  VJ_TRY(vj_allocate(features, sizeof *standard->scale, "feature scales", &standard->scale));
  vj_column_moments(train->samples, standard->features, train->values, standard->mean, standard->scale);
  const double floor = vj_deviation_floor(standard->features, standard->mean, standard->scale);
  for (int64_t j = 0; j < standard->features; j++)
    standard->scale[j] =
        vj_column_varies(standard->mean[j], standard->scale[j]) ? 1 / fmax(standard->scale[j], floor) : 0;
  return VJ_OK;
}

void vj_standard_destroy(vj_standard *standard) {
  free(standard->scale);
  free(standard->mean);
  *standard = (vj_standard){0};
}

void vj_standard_apply(const vj_standard *standard, vj_split split, int64_t first, int64_t count, double *z) {
  const int64_t d = standard->features;
  const float *values = standard->input->split[split].values + first * d;
  for (int64_t i = 0; i < count; i++)
    for (int64_t j = 0; j < d; j++) z[i * d + j] = (values[i * d + j] - standard->mean[j]) * standard->scale[j];
}
