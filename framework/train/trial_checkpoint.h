/* What of a trial outlives its process, in a checkpoint: parameters, states, the optimizer's moments, where it stands,
 * what probes on the frames themselves found, and which videos were damaged. Random numbers are functions of counters
 * and need no place here.
 *
 * Not collective: the group's root saves and loads, and the caller passes on what was loaded. */
#ifndef VJ_FRAMEWORK_TRAIN_TRIAL_CHECKPOINT_H
#define VJ_FRAMEWORK_TRAIN_TRIAL_CHECKPOINT_H

#include "framework/train/loading/bad_samples.h"
#include "framework/train/model/optimizer.h"
#include "framework/train/trial.h"

typedef enum vj_stage { VJ_STAGE_TRAINING, VJ_STAGE_DECODER } vj_stage; /* whose moments the optimizer has */

#define VJ_TIME_FIELD(field, name) double field;
typedef struct vj_trial_times {
  VJ_TRIAL_TIMES(VJ_TIME_FIELD)
} vj_trial_times;
#undef VJ_TIME_FIELD

/* Where a trial stands; plain bytes, to be broadcast. */
typedef struct vj_position {
  int64_t done;         /* training steps */
  int64_t decoder_done; /* steps of training the decoder afterwards */
  int stage;            /* vj_stage */
  bool evaluated;       /* the evaluation that is due after `done` steps, if any, is recorded */
  bool frames_probed;   /* probes on x, y and labels have run */
  vj_trial_times seconds;
} vj_position;

/* A trial's parts; all borrowed. */
typedef struct vj_trial_parts {
  const char *path; /* of its checkpoints */
  int64_t trial;
  uint64_t config_hash;
  const vj_config *config;
  vj_parameters *parameters;
  vj_optimizer_state *optimizer;
  const vj_recorded_metrics *list;
  double *const *results; /* of the list's evaluation metrics */
  vj_bad_samples *bad_samples;
} vj_trial_parts;

/* Of the configuration, without what changes no number (vj_config_measured). */
VJ_MUST_USE vj_status vj_trial_checkpoint_hash(vj_pool *pool, const vj_config *config, uint64_t *hash);

/* Bytes of one checkpoint, estimated from above; nothing need be allocated. */
double vj_trial_checkpoint_estimate(const vj_config *config, const vj_parameters *parameters,
                                    const vj_recorded_metrics *list);

VJ_MUST_USE vj_status vj_trial_checkpoint_save(const vj_trial_parts *parts, const vj_position *position,
                                               uint64_t serial);

/* Writes what stays of a trial that has ended: parameters and states alone, with the configuration as an attribute, in
 * the form of a checkpoint. `path` is the file's own name; weights.h reads it. */
VJ_MUST_USE vj_status vj_trial_checkpoint_keep(const vj_trial_parts *parts, const vj_position *position,
                                               const char *path);

typedef struct vj_trial_checkpoint vj_trial_checkpoint;
typedef void vj_warning(void *context, const char *sentence);
/* The newest whole checkpoint that is of this trial; NULL if there is none. Those that are damaged or of another
 * configuration are passed over with a warning. *serial: of the next to be written. */
VJ_MUST_USE vj_status vj_trial_checkpoint_find(const vj_trial_parts *parts, vj_warning *warn, void *context,
                                               vj_trial_checkpoint **checkpoint, vj_position *position,
                                               uint64_t *serial);
/* Fills parameters, states, moments (of an optimizer of the position's stage), results and damage. */
VJ_MUST_USE vj_status vj_trial_checkpoint_load(const vj_trial_checkpoint *checkpoint, const vj_trial_parts *parts);
void vj_trial_checkpoint_close(vj_trial_checkpoint **checkpoint);

#endif
