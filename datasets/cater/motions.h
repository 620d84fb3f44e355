/* What is kept of CATER's scenes. */
#ifndef VJ_DATASETS_CATER_MOTIONS_H
#define VJ_DATASETS_CATER_MOTIONS_H

#include "datasets/cater/scene.h"
#include "datasets/video/annotations.h"

typedef struct vj_cater_motion {
  int64_t shapes[VJ_CATER_SHAPES]; /* as in vj_cater_scene */
  int64_t movement_count, frames;
  const vj_cater_movement *movements;
  const float *snitch; /* [frames, 2] */
} vj_cater_motion;

extern const vj_annotation_form vj_cater_motions;
/* What was kept of a scene, where it lies. */
vj_cater_motion vj_cater_motion_of(const void *kept);

#endif
