/* What annotated.c and its two parts share, one for intervals and one for values of frames. No one else includes
 * this. */
#ifndef VJ_DATASETS_VIDEO_LIST_ANNOTATED_PRIVATE_H
#define VJ_DATASETS_VIDEO_LIST_ANNOTATED_PRIVATE_H

#include "datasets/tables/frame_values.h"
#include "datasets/tables/intervals.h"
#include "datasets/video_list/annotated.h"
#include "datasets/video_list/video_names.h"

/* What is kept of one table, and whose it is. */
typedef struct vj_table_source {
  const char *path;
  const void *kept;
  const vj_named_video *video; /* the only one; NULL: records name theirs */
} vj_table_source;

/* An interval of a video. */
typedef struct vj_action {
  int64_t split, video, label;
  double start, end;
  bool in_frames;
} vj_action;

/* Values of a video's frames. */
typedef struct vj_track {
  const vj_frame_row *rows; /* by frame */
  const float *values;
  int64_t count;
} vj_track;

typedef struct vj_span {
  int64_t first, count;
} vj_span;

struct vj_annotated {
  const video_list_config *config;
  vj_pool *pool;
  vj_video_names names;
  /* of intervals */
  bool has_actions;
  int64_t label_count;
  const char **label_names;   /* with "none" behind them */
  const vj_action *actions;   /* by video, label and start */
  vj_span *spans[VJ_SPLITS];  /* of each video */
  double rate;                /* 0: the videos' own */
  int64_t first_frame, least; /* of what is set: the configuration may be gone while the data set is open */
  /* of values of frames */
  vj_track *tracks[VJ_SPLITS]; /* of each video; NULL: there are no tables of values */
  int64_t columns, target_frames;
  const char *columns_doc, *unit;
};

VJ_MUST_USE vj_status vj_annotated_take_intervals(vj_annotated *a, const vj_table_source *sources, int64_t count,
                                                  vj_clip_list *list);
VJ_MUST_USE vj_status vj_annotated_take_values(vj_annotated *a, const vj_table_source *sources, int64_t count,
                                               vj_clip_list *list, vj_clip_entry *const *entries);
void vj_annotated_fill_actions(const vj_annotated *a, vj_span span, const vj_clip_window *window, float *flags,
                               float *main_action);
void vj_annotated_fill_values(const vj_annotated *a, const vj_track *track, const vj_clip_window *window,
                              float *values);

/* Whose records with this name of a video are: as vj_video_names_find, and where it is nobody's it is noted. */
typedef struct vj_strangers {
  int64_t count; /* names of videos that are not listed */
  const char *first;
} vj_strangers;
VJ_MUST_USE vj_status vj_annotated_owners(const vj_annotated *a, const vj_table_source *source, const char *written,
                                          int64_t line, vj_strangers *strangers, int64_t *first, int64_t *count);
/* One more sentence for `vjvcr data inspect`. */
VJ_MUST_USE vj_status vj_annotated_note(vj_pool *pool, vj_clip_list *list, const char *sentence);

#endif
