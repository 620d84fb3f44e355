/* Where the frames of a data set's videos are, kept from one clip to the next: a clip then costs a seek, and not the
 * reading of its whole file. Up to VJ_KEPT_BYTES a data set, that is a rank; once they are full, those that came first
 * stay, since training goes round and round. May be used by many threads at once. */
#ifndef VJ_DATASETS_VIDEO_FRAME_INDEX_CACHE_H
#define VJ_DATASETS_VIDEO_FRAME_INDEX_CACHE_H

#include "datasets/video/clips.h"

enum { VJ_KEPT_BYTES = 64 << 20 };

typedef struct vj_kept vj_kept;

/* For videos 0..count-1. */
VJ_MUST_USE vj_status vj_kept_create(int64_t count, vj_kept **kept);
void vj_kept_destroy(vj_kept **kept);
/* As vj_video_read, of video number `video`. A file that is not the one the data set has looked at is read through. */
VJ_MUST_USE vj_status vj_kept_read(vj_kept *kept, int64_t video, const vj_clip_video *about,
                                   const vj_video_request *request, uint8_t *frames);
/* Bytes in use. */
size_t vj_kept_bytes(vj_kept *kept);

#endif
