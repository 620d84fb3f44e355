/* Controls of a report: rows that belong to no arm, against which those of arms are read. Data alone; not collective.
 */
#ifndef VJ_SWEEPS_SPACE_REPORT_CONTROLS_H
#define VJ_SWEEPS_SPACE_REPORT_CONTROLS_H

#include "framework/config/yaml/yaml.h"

typedef enum vj_control {
  VJ_CONTROL_UNTRAINED, /* the same quantity before training, of a calibrated random model */
  VJ_CONTROL_PIXELS,    /* the same probe on the frames themselves, x */
  VJ_CONTROL_MEAN,      /* what is got by always saying the mean, */
  VJ_CONTROL_MAJORITY,  /* the commonest class, */
  VJ_CONTROL_RANDOM,    /* or a number drawn at random */
  VJ_CONTROLS
} vj_control;

/* "untrained", "pixels", "mean", "majority", "random": as the YAML has them, and as rows are called. */
extern const char *const vj_control_names[VJ_CONTROLS];

/* The quantity of the probe on x with the type and the target of a quantity's probe: probe_pixels_mse for
 * probe_speed_mse; NULL if `eval.probes` of the tree has none. Owned by the pool. */
const char *vj_control_pixels_of(vj_pool *pool, const vj_yaml *root, const char *quantity);

/* What is got without looking is a quantity of its own: probe_speed_baseline_mse for mean and probe_speed_mse,
 * probe_psi_majority_accuracy for majority, probe_actions_random_map for random; NULL if none of such a name is
 * recorded. Owned by the pool. */
const char *vj_control_guess_of(vj_pool *pool, vj_control control, const char *quantity,
                                bool (*is_recorded)(const void *context, const char *name), const void *context);

#endif
