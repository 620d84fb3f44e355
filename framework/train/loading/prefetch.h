/* Samples of coming steps, made by threads of their own while training runs. What they make is the same whoever makes
 * it, so no number depends on them. Not collective. */
#ifndef VJ_FRAMEWORK_TRAIN_LOADING_PREFETCH_H
#define VJ_FRAMEWORK_TRAIN_LOADING_PREFETCH_H

#include "vj/component.h"

typedef struct vj_ahead vj_ahead;

typedef struct vj_ahead_request {
  const vj_dataset_ops *ops;
  const void *dataset;
  int64_t samples; /* of a step, for this rank */
  int64_t pixels;  /* numbers of a sample's frames */
  int64_t labels;  /* numbers of a sample's labels */
  int threads;
} vj_ahead_request;

/* Steps for which there is room at once, within a bound of memory: 2 or more. */
int64_t vj_ahead_depth(const vj_ahead_request *request);

VJ_MUST_USE vj_status vj_ahead_create(const vj_ahead_request *request, vj_ahead **ahead);
/* Waits for samples that are being made. */
void vj_ahead_destroy(vj_ahead **ahead);

/* Orders a step's samples of the training split, `samples` numbers. Steps are taken in the order in which they were
 * ordered; no more than vj_ahead_depth of them may be ordered and not taken. */
void vj_ahead_order(vj_ahead *ahead, const int64_t *numbers);

/* Waits for the oldest step that was ordered and lends its frames [samples, pixels] and the samples' numbers until
 * vj_ahead_give_back. A sample that failed is this call's failure: of several, the first of the step. */
VJ_MUST_USE vj_status vj_ahead_take(vj_ahead *ahead, const float **frames, const int64_t **numbers);
void vj_ahead_give_back(vj_ahead *ahead);

#endif
