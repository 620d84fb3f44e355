/* The data set of an experiment, for `vjvcr data`: videos, whatever the rest of the experiment is. */
#ifndef VJ_APP_DATA_DATA_SET_H
#define VJ_APP_DATA_DATA_SET_H

#include "framework/config/config.h"
#include "datasets/video/clips.h"
#include "app/experiment.h"

typedef struct vj_data_set {
  const vj_component *component;
  const vj_config *config; /* of the first trial */
  const char *pack;        /* data.pack of the experiment; "" if there is none */
  void *dataset;
  const vj_clips *clips;
} vj_data_set;

/* Opens the data set of an experiment's first trial, from its videos though it may name a pack; `only_looks`: also
 * where a split is empty. VJ_USAGE where it is not made of videos. Not collective. */
VJ_MUST_USE vj_status vj_data_set_open(vj_experiment *experiment, bool only_looks, vj_data_set *set);
void vj_data_set_close(vj_data_set *set);

#endif
