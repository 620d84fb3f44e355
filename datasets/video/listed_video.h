/* A video as a data set lists it, and what is known of its file: what clips, packs and caches speak of. */
#ifndef VJ_DATASETS_VIDEO_LISTED_VIDEO_H
#define VJ_DATASETS_VIDEO_LISTED_VIDEO_H

#include "datasets/video/video.h"
#include "vj/dataset.h"
#include "vj/memory.h"

/* A video as a data set lists it. */
typedef struct vj_clip_entry {
  const char *name;   /* as it stands in lists; relative to the root */
  const char *path;   /* to open it */
  const char *broken; /* why it can't be used whatever the video is (an unreadable annotation); NULL: it can */
} vj_clip_entry;

typedef struct vj_clip_video {
  const vj_clip_entry *entry;
  const char *broken; /* NULL: it can be read */
  int64_t changed;    /* time of its last change, ns since 1970 */
  vj_video_info info; /* where it can be read; of one that is only in a pack, frames, bytes and rate */
} vj_clip_video;

#endif
