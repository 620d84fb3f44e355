/* Probes: frozen features and labels -> metrics. Computed in float64 on one rank; not collective.
 *
 * A probe lists its metrics and has one function, evaluate, which fits on the training split, chooses by the validation
 * split and reports on the test split. Features are of one view and do not change under it; the same features must
 * give the same bits: random numbers come from vj/rng.h, sums have a fixed order. */
#ifndef VJ_PROBE_H
#define VJ_PROBE_H

#include <stdbool.h>
#include <stdint.h>

#include "vj/dataset.h"
#include "vj/status.h"

/* Features of one split, frozen: `samples` x `steps` x `width`, row-major (sample slowest). */
typedef struct vj_features {
  int64_t samples, steps, width;
  const float *values;
  const float *target; /* samples x label->width; NULL for an unsupervised probe */
} vj_features;

typedef struct vj_probe_input {
  vj_features split[VJ_SPLITS];
  const vj_label *label;      /* of the target; NULL for an unsupervised probe */
  vj_features truth;          /* of a comparison: the other view of the validation samples */
  const int64_t *test_videos; /* the video that each test sample is of; NULL where none are of one video */
  int64_t shown;              /* the first test samples, which metrics with VJ_METRIC_LABEL are of */
  /* Of a probe on hy_pred, with a latent that has a prior: test predictions by z drawn from it, [samples, draws, steps,
   * width]; `values` NULL elsewhere. */
  vj_features drawn;
  int64_t draws;
  int64_t places; /* of a spatial state [H,W,C] H W, so that a step is H W places of C numbers; else 1 (or 0) */
} vj_probe_input;

typedef enum vj_metric_axis {
  VJ_METRIC_SCALAR,
  VJ_METRIC_COMPONENT, /* one value a component (singular value): min(samples * steps, width) of them */
  VJ_METRIC_HORIZON,   /* one value a target step */
  VJ_METRIC_CATEGORY,  /* one value a column of the label */
  VJ_METRIC_LABEL      /* the label's numbers, label->width of them, for each of the first `shown` test samples */
} vj_metric_axis;

typedef struct vj_metric {
  const char *name; /* "mse"; recorded as probe_<probe>_mse, or <view>_<name> for a measure */
  vj_metric_axis axis;
  const char *unit; /* "label": the target's unit; "label^2": its square; else as written */
  const char *doc;  /* one line, becomes the long_name */
} vj_metric;

typedef struct vj_probe_ops {
  const vj_metric *metrics;
  int64_t metric_count;
  /* A measure looks at the validation features of a view alone, needs no target, and is taken of every hidden
   * state at every evaluation. Other probes run where the configuration names them. */
  bool is_measure;
  /* A measure of one view alone, which is given another beside it, as `truth`. NULL: hy_pred and hy. */
  bool is_comparison;
  const char *compares, *with;
  /* Bits 1 << i of metrics[i], scalars: those also recorded for each of `label_share`, and with `by_horizon` for each
   * step of the view alone. */
  uint64_t by_label_share, by_horizon;
  /* Likewise which metrics labels of each vj_label_kind have; 0: all of them. Others are not recorded. */
  uint64_t of_kind[VJ_LABEL_KINDS];
  /* Those that need `drawn`; recorded where there is one. */
  uint64_t of_prior;
  /* Checks what can be checked before training: the label fits. `label` as in vj_probe_input. May be NULL. */
  vj_status (*check)(const void *config, const vj_label *label);
  /* Fills results[i], the values of metrics[i]: 1, min(samples * steps, width), steps, label->width or
   * shown * label->width doubles. NaN stands for what can't be measured. */
  vj_status (*evaluate)(const void *config, const vj_probe_input *input, double *const *results);
} vj_probe_ops;

#endif
