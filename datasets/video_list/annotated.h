/* Labels of listed videos from tables: intervals become the actions of a clip, values of frames those of its target.
 * Not collective. */
#ifndef VJ_DATASETS_VIDEO_LIST_ANNOTATED_H
#define VJ_DATASETS_VIDEO_LIST_ANNOTATED_H

#include "datasets/video_list/video_list_private.h"

/* Whether the configuration names tables. */
bool vj_is_annotated(const video_list_config *config);

/* Reads the tables and finds whose they are. `entries` are those of `list`: a video whose own file is missing or can't
 * be read becomes broken. Sets list->needs_rate, and list->note where there is something to tell. VJ_CONFIG, VJ_DATA
 * and VJ_IO name the file and the line. Owned by the pool. */
VJ_MUST_USE vj_status vj_annotated_read(const maker *m, int threads, vj_clip_list *list, vj_clip_entry *const *entries,
                                        vj_annotated **annotated);

/* Its labels, room for VJ_ANNOTATED_LABELS; returns how many. */
enum { VJ_ANNOTATED_LABELS = 3 };
int64_t vj_annotated_labels(const vj_annotated *annotated, vj_label *labels);
/* Their numbers for a clip, one label after the other. */
void vj_annotated_fill(const vj_annotated *annotated, vj_split split, int64_t video, const vj_clip_window *window,
                       float *labels);

#endif
