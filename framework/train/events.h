/* What a trial records, for TensorBoard too, as training goes: numbers under the names that sweep.h5 has, and the
 * configuration as text. On the group's root. Nothing here can fail a trial: what can't be written is warned of once,
 * and then no more is tried. A zeroed struct is one that writes nothing. */
#ifndef VJ_FRAMEWORK_TRAIN_EVENTS_H
#define VJ_FRAMEWORK_TRAIN_EVENTS_H

#include "framework/store/event_file.h"
#include "framework/train/evaluation/metrics.h"
#include "framework/train/trial_checkpoint.h"

typedef struct vj_events {
  vj_event_file *file; /* NULL: none is written */
  vj_event_scalar *scalars;
  int64_t capacity;
  vj_warning *warn;
  void *context; /* of warn */
} vj_events;

/* `first_step`: the first that will be written; what older files of the folder say of it and later ones is void. */
void vj_events_open(vj_events *events, const char *folder, const vj_config *config, int64_t first_step,
                    vj_warning *warn, void *context);
/* The numbers of a recorded step, one for each step metric. NaN, which stands for "not measured", is left out. */
void vj_events_step(vj_events *events, const vj_recorded_metrics *list, const double *row, int64_t done);
/* Those of an evaluation that are one number each; of probes only if they ran. */
void vj_events_evaluation(vj_events *events, const vj_recorded_metrics *list, double *const *results, int64_t done,
                          bool with_probes);
void vj_events_close(vj_events *events);

#endif
