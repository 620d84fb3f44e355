/* Writes a pack: see docs/file-formats.md and datasets/video/pack/pack.h, which reads it. */
#ifndef VJ_DATASETS_PACKING_PACK_WRITER_H
#define VJ_DATASETS_PACKING_PACK_WRITER_H

#include "framework/comm/comm.h"
#include "datasets/video/clips.h"

typedef struct vj_pack_outcome {
  int64_t videos, broken, frames, damaged_frames;
  double bytes;
} vj_pack_outcome;

/* Decodes all videos of a data set, the work shared by the ranks and their threads, and writes `path`: collectively, to
 * a temporary name first, so that a file of that name is always whole. One that another process is making is VJ_USAGE;
 * what an interrupted one left is begun anew. `told`, on rank 0, hears how far it is, 0 to 1. Collective. */
VJ_MUST_USE vj_status vj_pack_file_write(const vj_comm *world, const vj_clips *clips, const char *path, int threads,
                                         void (*told)(double share), vj_pack_outcome *results);

#endif
