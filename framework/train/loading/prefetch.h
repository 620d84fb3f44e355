/* Samples of coming steps, made by threads of their own while training runs. What they make is the same whoever makes
 * it, so no number depends on them. Not collective. */
#ifndef VJ_FRAMEWORK_TRAIN_LOADING_PREFETCH_H
#define VJ_FRAMEWORK_TRAIN_LOADING_PREFETCH_H

#include "vj/component.h"

typedef struct vj_prefetch vj_prefetch;

typedef struct vj_prefetch_request {
  const vj_dataset_ops *ops;
  const void *dataset;
  int64_t samples; /* of a step, for this rank */
  int64_t pixels;  /* numbers of a sample's frames */
  int64_t labels;  /* numbers of a sample's labels */
  int threads;
} vj_prefetch_request;

/* Steps for which there is room at once, within a bound of memory: 2 or more. */
int64_t vj_prefetch_depth(const vj_prefetch_request *request);

VJ_MUST_USE vj_status vj_prefetch_create(const vj_prefetch_request *request, vj_prefetch **prefetch);
/* Waits for samples that are being made. */
void vj_prefetch_destroy(vj_prefetch **prefetch);

/* Enqueues a step's samples of the training split, `samples` numbers. Steps are taken in the order in which they were
 * enqueued; no more than vj_prefetch_depth of them may be enqueued and not taken. */
void vj_prefetch_enqueue(vj_prefetch *prefetch, const int64_t *numbers);

typedef struct vj_prefetched_step {
  const float *frames;    /* [samples, pixels] */
  const float *labels;    /* [samples, labels] */
  const int64_t *numbers; /* [samples] */
} vj_prefetched_step;

/* Waits for the oldest step that was enqueued and gives what was made, valid until vj_prefetch_release. A sample that
 * failed is this call's failure: of several, the first of the step. */
VJ_MUST_USE vj_status vj_prefetch_take(vj_prefetch *prefetch, vj_prefetched_step *step);
void vj_prefetch_release(vj_prefetch *prefetch);

#endif
