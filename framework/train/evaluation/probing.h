/* One of eval.probes: on all that it is given, on shares of the train samples, on each step alone. What every probe can
 * be asked for stands here, so that a probe itself need not know of it. On the group's root; not collective. */
#ifndef VJ_FRAMEWORK_TRAIN_EVALUATION_PROBING_H
#define VJ_FRAMEWORK_TRAIN_EVALUATION_PROBING_H

#include "framework/config/config.h"

typedef enum vj_probed { VJ_PROBED_WHOLE, VJ_PROBED_BY_SHARE, VJ_PROBED_BY_HORIZON } vj_probed;

/* What is recorded of a probe, in this order: its metrics, as far as the label has them; those that depend on
 * `label_share`, and the number of train samples; those of each step alone. */
typedef struct vj_probe_record {
  vj_probed kind;
  int64_t metric; /* of the component; -1: the number of train samples */
} vj_probe_record;

/* The i-th; false past the last. */
bool vj_probe_record_at(const vj_probe_choice *choice, const vj_label *label, int64_t i, vj_probe_record *record);

/* VJ_CONFIG where a step of `width` features can't be made the probe's `dimension`. */
VJ_MUST_USE vj_status vj_reduction_check(const vj_probe_choice *choice, int64_t width);

/* Fills results[i] of all of these. Errors begin with "eval.probes.<name>: ". */
VJ_MUST_USE vj_status vj_probe_run(const vj_probe_choice *choice, const vj_probe_input *input, double *const *results);

#endif
