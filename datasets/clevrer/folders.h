/* Where an unpacked CLEVRER has its files. Not collective. */
#ifndef VJ_DATASETS_CLEVRER_FOLDERS_H
#define VJ_DATASETS_CLEVRER_FOLDERS_H

#include <stdint.h>

#include "vj/memory.h"
#include "vj/status.h"

typedef struct vj_clevrer_file {
  int64_t number;
  const char *name;       /* of the video, below the root */
  const char *video;      /* its path */
  const char *annotation; /* where its annotation should be */
} vj_clevrer_file;

/* The videos of "train" or "validation" below `root`, by number, in the folders of the release or of one of the ways in
 * which it is unpacked: videos/train or video_train, each with video_00000-01000 and so on or without; the same for
 * annotations; validation may be val. VJ_DATA says what was looked for. Everything is taken from `pool`. */
VJ_MUST_USE vj_status vj_clevrer_find(const char *root, const char *split, vj_pool *pool, int64_t *count,
                                      const vj_clevrer_file **files);

#endif
