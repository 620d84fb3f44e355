/* What a trial measures: every recorded metric with its name, axis, unit and meaning, known before training, so
 * that the sweep file can be created whole. Not collective. */
#ifndef VJ_FRAMEWORK_TRAIN_EVALUATION_METRICS_H
#define VJ_FRAMEWORK_TRAIN_EVALUATION_METRICS_H

#include "framework/store/records/records.h"
#include "framework/train/loading/loader.h"
#include "framework/train/model/model.h"

typedef enum vj_record_axis {
  VJ_AXIS_STEP,      /* one number a recorded training step */
  VJ_AXIS_EVAL,      /* one number an evaluation */
  VJ_AXIS_COMPONENT, /* `size` numbers an evaluation, one for each singular value */
  VJ_AXIS_HORIZON,   /* `size` numbers an evaluation, one for each target step */
  VJ_AXIS_CATEGORY,  /* `size` numbers an evaluation, one for each column of a label */
  VJ_AXIS_STATES,    /* hidden states of the newest evaluation alone: clips x steps x features */
  VJ_AXIS_SHARE,     /* `size` numbers an evaluation, one for each share of the train samples */
  VJ_AXIS_LABEL      /* `size` numbers an evaluation: samples x target steps x coordinates; 0 if none are kept */
} vj_record_axis;

typedef struct vj_recorded_metric {
  const vj_record *record; /* the row of its kind */
  const char *name, *units, *long_name;
  vj_record_axis axis;
  int rank, dimension[VJ_FILE_MAX_DIMENSIONS]; /* of its variable, vj_dimension */
  int64_t size;
  bool at_probes;   /* only measured when probes run */
  int64_t shape[3]; /* of LABEL: samples, target steps, coordinates; of STATES: clips, steps, features */
} vj_recorded_metric;

typedef struct vj_recorded_metrics {
  int64_t count, step_count; /* the first step_count have the step axis; the rest are of evaluations */
  vj_recorded_metric *at;
} vj_recorded_metrics;

/* In this order: train_loss, train_<loss>.., train_<report>.., gradient_norm, learning_rate; val_loss, val_<loss>..,
 * val_<report>..; for every hidden view the measures' metrics; with eval.states <view>_states of every hidden view; for
 * every probe its metrics, as vj_probe_records (probing.h) orders them. Probes are checked against
 * the labels: errors begin with "eval.probes.<name>: ". */
VJ_MUST_USE vj_status vj_recorded_metrics_list(vj_pool *pool, const vj_model *model, const vj_loader *loader,
                                               vj_recorded_metrics *list);

/* Training steps completed at each recorded row, and at each evaluation: true when `done` is one. */
bool vj_is_recorded(const vj_config *config, int64_t done);
bool vj_is_evaluated(const vj_config *config, int64_t done);
bool vj_is_probed(const vj_config *config, int64_t done);

/* Whether a probe is a measure that is taken of this hidden view. */
bool vj_is_measured(const vj_component *probe, const char *view);
/* The view that lies beside it, of a comparison. */
const char *vj_compared_with(const vj_component *probe);

/* Test samples that are kept to be looked at, the first ones: eval.pictures, or fewer if probes test on fewer. */
int64_t vj_shown_samples(const vj_config *config, const vj_loader *loader);

/* Validation samples behind losses and measures: eval.samples, or fewer if there are not as many. */
int64_t vj_eval_samples(const vj_config *config, const vj_loader *loader);
/* Test samples whose hidden states are recorded: eval.states, or fewer if there are not as many. */
int64_t vj_state_samples(const vj_config *config, const vj_loader *loader);

#endif
