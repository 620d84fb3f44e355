/* What is kept of CLEVRER's annotations, and reading them all. */
#ifndef VJ_CLEVRER_MOTIONS_H
#define VJ_CLEVRER_MOTIONS_H

#include "annotation.h"
#include "folders.h"
#include "../video/clips.h"
#include "../video/remembered.h"

typedef struct vj_clevrer_motion {
  int64_t frames;
  int count, collision_count;
  double rate;                      /* as in vj_clevrer_annotation */
  const int *slots;                 /* [count] */
  const vj_clevrer_moment *moments; /* [frames, count] */
  const int64_t *collisions;
} vj_clevrer_motion;

/* What the bytes that are remembered are. */
#define VJ_CLEVRER_FORM "clevrer motions 1"

/* Fills entries and motions of all videos, by so many threads: from what is remembered, else from the annotations,
 * which then are. An annotation that can't be read makes its entry a broken one. Everything is taken from `pool`. */
VJ_MUST_USE vj_status vj_clevrer_read_motions(vj_pool *pool, vj_remembered *remembered, int threads,
                                              const vj_clevrer_file *files, int64_t count, vj_clip_entry *entries,
                                              vj_clevrer_motion *motions);

#endif
