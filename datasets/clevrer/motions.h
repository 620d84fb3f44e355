/* What is kept of CLEVRER's annotations. */
#ifndef VJ_DATASETS_CLEVRER_MOTIONS_H
#define VJ_DATASETS_CLEVRER_MOTIONS_H

#include "datasets/clevrer/annotation.h"
#include "datasets/video/annotations.h"

typedef struct vj_clevrer_motion {
  int64_t frames;
  int count, collision_count;
  double rate;                      /* as in vj_clevrer_annotation */
  const int *slots;                 /* [count] */
  const vj_clevrer_moment *moments; /* [frames, count] */
  const int64_t *collisions;
} vj_clevrer_motion;

extern const vj_annotation_form vj_clevrer_motions;
/* What was kept of an annotation, where it lies. */
vj_clevrer_motion vj_clevrer_motion_of(const void *kept);

#endif
