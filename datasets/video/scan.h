/* What the videos of a list are, found by looking at each, and remembered from one opening to the next. */
#ifndef VJ_DATASETS_VIDEO_SCAN_H
#define VJ_DATASETS_VIDEO_SCAN_H

#include "datasets/video/listed_video.h"

/* Fills broken, changed and info of `count` videos whose entries are set; `threads` look at once. Broken videos are no
 * failure. Sentences are owned by the pool. `index` names the file in which results are remembered; NULL: none. One
 * that can't be read or written is done without. tables [count], NULL at first: where frames are in the videos that had
 * to be decoded, remembered in `<index>.frames`; the caller frees each. */
VJ_MUST_USE vj_status vj_scan_videos(vj_pool *pool, const char *index, int threads, vj_clip_video *videos,
                                     int64_t count, vj_video_index **tables);

/* Where a data set's index is when nothing else is said; NULL where the user has no cache folder. */
const char *vj_scan_cache_path(vj_pool *pool, const char *what, const char *root);

/* Size and time of a file's last change; VJ_IO says why there are none. */
VJ_MUST_USE vj_status vj_file_stamp(const char *path, int64_t *bytes, int64_t *changed);

#endif
