/* Features of probes on labels: what is known of a clip without looking at it through a model. On the group's root; not
 * collective. */
#ifndef VJ_FRAMEWORK_TRAIN_EVALUATION_LABEL_FEATURES_H
#define VJ_FRAMEWORK_TRAIN_EVALUATION_LABEL_FEATURES_H

#include "framework/train/loading/loader.h"

/* How many numbers the probe's labels are together: of a class one for each, of others as many as the label is wide.
 * VJ_CONFIG where the data set has no such label, or it is the target. */
VJ_MUST_USE vj_status vj_label_features_width(const vj_probe_choice *choice, const vj_loader *loader, int64_t *width);

/* [samples, width] from rows of all labels, [samples, label_width]; classes as a 1 among zeros, what is missing as 0.
 * To be freed. The labels are there. */
VJ_MUST_USE vj_status vj_label_features(const vj_probe_choice *choice, const vj_loader *loader, int64_t samples,
                                        const float *labels, float **features);

/* VJ_CONFIG: a probe asks for a label that the data set does not have. */
VJ_MUST_USE vj_status vj_label_missing(const vj_probe_choice *choice, const char *name, const vj_loader *loader);

#endif
