/* Who decodes which frames of a pack, and in which order. Each rank has a range of frames of its own that costs about
 * as much as any other's, in blocks that are decoded and then written by all ranks together. Blocks end where videos
 * do, if that is near, since a video that is cut is decoded from a key frame before the cut once more. A function of
 * its arguments; not collective. */
#ifndef VJ_DATASETS_VIDEO_PACK_PACK_SCHEDULE_H
#define VJ_DATASETS_VIDEO_PACK_PACK_SCHEDULE_H

#include <stdint.h>

#include "vj/status.h"

/* The videos of a pack: those without frames among them. */
typedef struct vj_pack_work {
  int64_t videos;
  const int64_t *first; /* [videos + 1]: of its frames, among all */
  const double *cost;   /* [videos]: of one frame, above 0, in any unit */
} vj_pack_work;

/* A rank's blocks: edges[k] to edges[k + 1], of `rounds`, each at most `most` frames, some of them without any. Ranks
 * follow each other in the pack, and all have as many rounds. The caller frees the edges. */
VJ_MUST_USE vj_status vj_pack_schedule(const vj_pack_work *work, int ranks, int64_t most, int rank, int64_t **edges,
                                       int64_t *rounds);

#endif
