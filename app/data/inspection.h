/* What `vjvcr data inspect` finds out about a data set of videos. */
#ifndef VJ_APP_DATA_INSPECTION_H
#define VJ_APP_DATA_INSPECTION_H

#include "app/data/data_set.h"

/* Videos of one form: codec in container, size as shown, frames a second. */
typedef struct vj_video_form {
  char text[96]; /* "h264 in mov, 128x96, 25/s" */
  int64_t count;
} vj_video_form;

/* A split's videos that can be read. */
typedef struct vj_split_facts {
  int64_t listed, broken, clips;
  int64_t fewest, median, most; /* frames of a video */
  double seconds;
  double bytes;
} vj_split_facts;

/* A label over a split's videos, for the clip that begins with the first frame. */
typedef struct vj_label_facts {
  const vj_label *label;
  vj_split split;
  int64_t videos;
  int64_t *counts;                     /* of each class or flag; NULL for real numbers */
  double mean, deviation, least, most; /* of real numbers */
} vj_label_facts;

/* Something that is wrong with a video: it can't be read, or frames can't be decoded. */
typedef struct vj_video_fault {
  vj_split split;
  const char *name, *reason;
} vj_video_fault;

typedef struct vj_inspection {
  vj_split_facts splits[VJ_SPLITS];
  vj_video_form *forms; /* the most frequent first */
  int64_t form_count;
  vj_label_facts *labels; /* of all labels, split by split */
  int64_t label_count;
  vj_video_fault *faults;
  int64_t fault_count;
  int64_t unsteady, turned; /* videos of variable rate, and such as are turned or mirrored before they are shown */
  bool decoded;
} vj_inspection;

/* Looks at all videos; with `decode` every frame is decoded. Owned by the pool. */
VJ_MUST_USE vj_status vj_inspect(vj_pool *pool, const vj_data_set *set, bool decode, vj_inspection *inspection);

#endif
