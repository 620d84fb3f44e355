/* Controls of a report: rows that belong to no arm, against which those of arms are read. Data alone; not collective.
 */
#ifndef VJ_SWEEPS_SPACE_REPORT_CONTROLS_H
#define VJ_SWEEPS_SPACE_REPORT_CONTROLS_H

#include "framework/config/yaml/yaml.h"

typedef enum vj_control {
  VJ_CONTROL_UNTRAINED, /* the same quantity before training, of a calibrated random model */
  VJ_CONTROL_PIXELS,    /* the same probe on the frames themselves, x, */
  VJ_CONTROL_LABELS,    /* or on labels: what is known without a model */
  VJ_CONTROL_MEAN,      /* what is got by always saying the mean, */
  VJ_CONTROL_MAJORITY,  /* the commonest class, */
  VJ_CONTROL_RANDOM,    /* or a number drawn at random */
  VJ_CONTROLS
} vj_control;

/* "untrained", "pixels", "labels", "mean", "majority", "random": as the YAML has them, and as rows are called. */
extern const char *const vj_control_names[VJ_CONTROLS];

/* Whether a control is a probe of its own, of those in `eval.probes`: pixels and labels. */
bool vj_control_is_probe(vj_control control);
/* The quantity of the probe on x, or on labels, with the type and the target of a quantity's probe: probe_pixels_mse
 * for probe_speed_mse; NULL if `eval.probes` of the tree has none. Owned by the pool. */
const char *vj_control_probe_of(vj_pool *pool, const vj_yaml *root, vj_control control, const char *quantity);
/* What to say at a node that asks for one which is not there: VJ_CONFIG. `whose` is "this quantity's". */
vj_status vj_control_probe_missing(const vj_yaml *node, const char *path, vj_control control, const char *whose);

/* What is got without looking is a quantity of its own: probe_speed_baseline_mse for mean and probe_speed_mse,
 * probe_psi_majority_accuracy for majority, probe_actions_random_map for random; NULL if none of such a name is
 * recorded. Owned by the pool. */
const char *vj_control_guess_of(vj_pool *pool, vj_control control, const char *quantity,
                                bool (*is_recorded)(const void *context, const char *name), const void *context);

#endif
