/* Reading the annotations of videos, such as a file for each: by many threads, and once for all ranks and openings,
 * since what is kept of them is remembered beside the index of videos. Not collective. */
#ifndef VJ_DATASETS_VIDEO_ANNOTATIONS_H
#define VJ_DATASETS_VIDEO_ANNOTATIONS_H

#include <stdbool.h>

#include "datasets/video/clips.h"

enum { VJ_FORM_NAME_BYTES = 24 };

typedef struct vj_annotation_form {
  const char *name;    /* with a number that changes when what is kept does; up to VJ_FORM_NAME_BYTES with its 0 */
  const char *file;    /* what is remembered is in <index>.<file> */
  const void *context; /* of keep: what is asked of a file, if that can be set; then the name depends on it */
  /* What is kept of a file's text: one block, which the caller frees, without pointers. VJ_DATA, beginning with `path`,
   * where it is no annotation. By many threads at once. */
  vj_status (*keep)(const void *context, const char *text, size_t bytes, const char *path, void **kept, size_t *count);
  /* May `keep` have made these bytes? */
  bool (*fits)(const void *kept, size_t count);
} vj_annotation_form;

typedef struct vj_annotation {
  const char *path;
  const void *kept;   /* aligned to 8 bytes; NULL: nothing, and `broken` says why. Owned by the pool */
  const char *broken; /* set by the caller: there is nothing to read */
} vj_annotation;

typedef struct vj_annotations vj_annotations;

/* Of the data set `what`; while it is open, other processes wait here. */
VJ_MUST_USE vj_status vj_annotations_open(const vj_annotation_form *form, const vj_clip_params *clips, const char *what,
                                          vj_annotations **annotations);
/* Fills `kept` or `broken` of each, by so many threads. */
VJ_MUST_USE vj_status vj_annotations_read(vj_annotations *annotations, int threads, vj_pool *pool, int64_t count,
                                          vj_annotation *all);
void vj_annotations_close(vj_annotations **annotations);

#endif
