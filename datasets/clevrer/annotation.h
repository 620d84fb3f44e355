/* The annotations of CLEVRER (Yi et al. 2020, arXiv 1910.01442): one JSON file a video. Not collective; may be called
 * by many threads at once. */
#ifndef VJ_DATASETS_CLEVRER_ANNOTATION_H
#define VJ_DATASETS_CLEVRER_ANNOTATION_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "vj/status.h"

/* Objects are told apart by shape, material and colour: 3 x 2 x 8 slots, since no two of a video are identical. */
enum { VJ_CLEVRER_SLOTS = 48, VJ_CLEVRER_COLLISIONS = 256, VJ_CLEVRER_FRAMES = 10000 };

typedef struct vj_clevrer_moment {
  float speed; /* |velocity| on the plane, in the file's units */
  bool in_view;
} vj_clevrer_moment;

typedef struct vj_clevrer_annotation {
  int64_t frames;
  int count;                   /* objects */
  int slots[VJ_CLEVRER_SLOTS]; /* of each object */
  vj_clevrer_moment *moments;  /* [frames, count]; an object that a frame does not tell of is out of view */
  int collision_count;
  int64_t collisions[VJ_CLEVRER_COLLISIONS]; /* their frames */
  double rate; /* median of speed over the way between frames: frames a second, if a speed is a way a second; NaN where
                  nothing moves */
} vj_clevrer_annotation;

/* (shape * 2 + material) * 8 + colour, shapes being cube, sphere, cylinder; -1 where a name is none of CLEVRER's. */
int vj_clevrer_slot(const char *shape, const char *material, const char *colour);
/* "red metal cube" into a buffer of 40 bytes; returns it. */
const char *vj_clevrer_slot_name(int slot, char *buffer);

/* Reads `bytes` of JSON. Collisions stand under `collision` or `collisions`. VJ_DATA, beginning with `name`, where it
 * is no annotation. Release it with free(annotation->moments). */
VJ_MUST_USE vj_status vj_clevrer_annotation_parse(const char *text, size_t bytes, const char *name,
                                                  vj_clevrer_annotation *annotation);

#endif
