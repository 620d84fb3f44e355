/* Evaluation: validation losses, measures of every hidden view, hidden states, probes. Collective over the group. */
#ifndef VJ_FRAMEWORK_TRAIN_EVALUATION_EVALUATE_H
#define VJ_FRAMEWORK_TRAIN_EVALUATION_EVALUATE_H

#include "framework/train/evaluation/metrics.h"
#include "framework/train/stop_check.h"

/* Which probes run. Those on x and y, the frames themselves, find the same whatever was learnt: once is enough. */
typedef enum vj_probing { VJ_NO_PROBES, VJ_PROBES_ON_HIDDEN, VJ_ALL_PROBES } vj_probing;

/* Computes the list's evaluation metrics into results[i - list->step_count], each with room for its size; only the
 * group's root gets measures and probes. Metrics not measured now are left as they are. When it is time to stop it
 * breaks off, VJ_INTERRUPTED, with what it had. */
VJ_MUST_USE vj_status vj_evaluate(vj_model *model, vj_loader *loader, const vj_comm *comm,
                                  const vj_recorded_metrics *list, vj_probing probing, const vj_stop_check *stop,
                                  double *const *results);

/* What views, at most 64, which must be kept, hold for the first `samples` samples of a split: values[i] [samples, ..]
 * for each, on the root, which frees them; NULL elsewhere. Breaks off as vj_evaluate does. */
VJ_MUST_USE vj_status vj_evaluate_views(vj_model *model, vj_loader *loader, const vj_comm *comm, vj_split split,
                                        int64_t samples, const char *const *names, int count, const vj_stop_check *stop,
                                        float **values);

#endif
