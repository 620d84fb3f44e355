/* Where the frames of a data set's videos are, kept from one clip to the next: a clip then costs a seek, and not the
 * reading of its whole file. Up to VJ_FRAME_INDEX_CACHE_BYTES a data set, that is a rank; once they are full, those
 * that came first stay, since training goes round and round. May be used by many threads at once. */
#ifndef VJ_DATASETS_VIDEO_FRAME_INDEX_CACHE_H
#define VJ_DATASETS_VIDEO_FRAME_INDEX_CACHE_H

#include "datasets/video/listed_video.h"

enum { VJ_FRAME_INDEX_CACHE_BYTES = 64 << 20 };

typedef struct vj_frame_index_cache vj_frame_index_cache;

/* For videos 0..count-1. */
VJ_MUST_USE vj_status vj_frame_index_cache_create(int64_t count, vj_frame_index_cache **cache);
void vj_frame_index_cache_destroy(vj_frame_index_cache **cache);
/* Keeps where the frames of a video are that had to be decoded, whether there is room or not; it goes with the cache.
 */
void vj_frame_index_cache_put(vj_frame_index_cache *cache, int64_t video, vj_video_index *index);
/* As vj_video_open, of video number `video`, by what is kept. A file that is not the one the data set has looked at is
 * read through. */
VJ_MUST_USE vj_status vj_frame_index_cache_open(const vj_frame_index_cache *cache, int64_t video,
                                                const vj_clip_video *about, vj_video **open);
/* As vj_video_read, of video number `video`, and keeps what was found. */
VJ_MUST_USE vj_status vj_frame_index_cache_read(vj_frame_index_cache *cache, int64_t video, const vj_clip_video *about,
                                                const vj_video_request *request, uint8_t *frames);
/* Bytes in use. */
size_t vj_frame_index_cache_bytes(vj_frame_index_cache *cache);

#endif
