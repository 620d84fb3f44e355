/* Which listed videos a table means: people write file names, with other folders or none, with another extension or
 * none, with either slash. Not collective. */
#ifndef VJ_DATASETS_VIDEO_LIST_VIDEO_NAMES_H
#define VJ_DATASETS_VIDEO_LIST_VIDEO_NAMES_H

#include "datasets/video/clips.h"

/* A listed video. */
typedef struct vj_named_video {
  const char *stem; /* its file's name without folders and extension */
  const char *path;
  int64_t split, number;
} vj_named_video;

typedef struct vj_video_names {
  const vj_named_video *at; /* by stem, then by path */
  int64_t count;
} vj_video_names;

VJ_MUST_USE vj_status vj_video_names_make(vj_pool *pool, const vj_clip_list *list, vj_video_names *names);

/* The videos that a name means: places [*first, *first + *count) of `names`; several where one is listed several times,
 * none where none is called so. Of videos of one name in different folders those are meant whose folders are written;
 * VJ_DATA, beginning with `place`, where it may be either. */
VJ_MUST_USE vj_status vj_video_names_find(const vj_video_names *names, vj_pool *pool, const char *written,
                                          const char *place, int64_t *first, int64_t *count);

/* The stem of a path; NULL when memory is out. */
const char *vj_video_stem(vj_pool *pool, const char *path);

#endif
