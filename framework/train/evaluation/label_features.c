#include "framework/train/evaluation/label_features.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#include "vj/memory.h"

static int64_t numbers_of(const vj_label *label) {
  return label->kind == VJ_LABEL_CLASS ? label->width * label->classes : label->width;
}

vj_status vj_label_missing(const vj_probe_choice *choice, const char *name, const vj_loader *loader) {
  char known[512] = "";
  for (int64_t i = 0; i < loader->info.label_count; i++) {
    const size_t used = strlen(known);
    snprintf(known + used, sizeof known - used, "%s%s", i ? ", " : "", loader->info.labels[i].name);
  }
  return vj_fail(VJ_CONFIG, "eval.probes.%s: dataset %s has no label \"%s\"; it has: %s", choice->choice.key,
                 loader->component->name, name, known);
}

vj_status vj_label_features_width(const vj_probe_choice *choice, const vj_loader *loader, int64_t *width) {
  *width = 0;
  for (int64_t i = 0; i < choice->labels.count; i++) {
    int64_t offset;
    const char *name = choice->labels.at[i];
    const vj_label *label = vj_loader_label(loader, name, &offset);
    if (!label) return vj_label_missing(choice, name, loader);
    if (strcmp(name, choice->target) == 0)
      return vj_fail(VJ_CONFIG, "eval.probes.%s.labels: \"%s\" is the target itself", choice->choice.key, name);
    *width += numbers_of(label);
  }
  return VJ_OK;
}

static void take_label(const vj_label *label, const float *from, float *to) {
  for (int64_t j = 0; j < label->width; j++) {
    if (label->kind == VJ_LABEL_CLASS)
      for (int64_t k = 0; k < label->classes; k++) to[j * label->classes + k] = from[j] == (float)k;
    else
      to[j] = isnan(from[j]) ? 0 : from[j];
  }
}

vj_status vj_label_features(const vj_probe_choice *choice, const vj_loader *loader, int64_t samples,
                            const float *labels, float **features) {
  int64_t width, offset, at = 0;
  VJ_TRY(vj_label_features_width(choice, loader, &width));
  VJ_TRY(vj_allocate((size_t)(samples * width), sizeof **features, "labels to probe", features));
  for (int64_t i = 0; i < choice->labels.count; i++) {
    const vj_label *label = vj_loader_label(loader, choice->labels.at[i], &offset);
    for (int64_t s = 0; s < samples; s++)
      take_label(label, labels + s * loader->info.label_width + offset, *features + s * width + at);
    at += numbers_of(label);
  }
  return VJ_OK;
}
