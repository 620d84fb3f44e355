/* What the sources of the data set video_list share. No one else includes this. */
#ifndef VJ_DATASETS_VIDEO_LIST_VIDEO_LIST_PRIVATE_H
#define VJ_DATASETS_VIDEO_LIST_VIDEO_LIST_PRIVATE_H

#include "datasets/video/clips.h"
#include "datasets/video/lists.h"

typedef enum layout { PATHS, FOLDERS, KINETICS, SOMETHING, UNLABELLED } layout;

typedef struct video_list_config {
  vj_clip_params clips; /* first */
  int layout;
  const char *train, *validation, *test, *classes, *videos;
  /* annotations in tables */
  const char *intervals, *frame_values;
  const char *video_column, *start_column, *end_column, *frame_column;
  vj_text_list label_columns, value_columns, actions;
  int time_unit; /* vj_time_unit */
  int64_t first_frame, min_overlap;
  double rate, min_likelihood;
} video_list_config;

typedef struct vj_annotated vj_annotated; /* annotated.h */

/* A data set on its way: rows of each split, then entries. */
typedef struct maker {
  const video_list_config *config;
  vj_pool *pool;
  const char *source[VJ_SPLITS]; /* list or folder; NULL: it is taken from the split before */
  vj_list_rows rows[VJ_SPLITS];
  int64_t classes;
  const char **class_names; /* of each; NULL: they have none */
  vj_clip_entry *entries[VJ_SPLITS];
  int64_t others;          /* files in the classes' folders that are no videos */
  const char *first_other; /* and what the first of them is */
  const char *first_kind;
} maker;

static inline vj_status no_memory(void) { return vj_fail(VJ_MEMORY, "no memory for the data set video_list"); }

/* "<folder>/<name>", or an absolute name itself; NULL when memory is out. */
const char *vj_video_list_below(vj_pool *pool, const char *folder, const char *name);

/* A name that does not depend on where the root is. */
const char *vj_video_list_name(const maker *m, const vj_list_row *row);
/* One of `parts` of a split's videos becomes the next split, unless that has a list of its own. */
VJ_MUST_USE vj_status vj_video_list_divide(maker *m, int from, int to, int64_t parts);

/* The root is a folder, and each split's list or folder of classes, as said or by its usual name. */
VJ_MUST_USE vj_status vj_video_list_find_sources(maker *m);
/* Where a video of a split is; where it should be if it is not there; NULL when memory is out. */
const char *vj_video_list_find_video(const maker *m, int split, const vj_list_row *row);

#endif
