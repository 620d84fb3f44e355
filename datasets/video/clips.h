/* What all data sets of videos share. A data set of its own is a thin file: it lists its videos and says what the
 * labels of a clip are; everything else is here. See datasets/video_list/video_list.c.
 *
 *   typedef struct my_config { vj_clip_params clips; const char *lists; } my_config;   (clips first)
 *   static const vj_param params[] = {VJ_CLIP_PARAMS("4", "4", "[0]"), VJ_TEXT(my_config, lists, ...)};
 *
 *   static vj_status prepare(const void *config, int threads, vj_clip_list *list) {
 *     ... entries of each split, labels, and what fill_labels needs, all from list->pool ...
 *   }
 *   static vj_status my_open(const void *config, const vj_clip_request *request, void **dataset) {
 *     return vj_clips_open("my", prepare, config, request, dataset);
 *   }
 *   .as.dataset = VJ_CLIPS_OPS(my_open)
 *
 * A clip is `input_frames + target_frames` frames of one video, `stride` frames apart. In training each video gives
 * `clips` of them, each beginning at random, not before `earliest`; in validation and test one for each of `starts`.
 * Samples are numbered so that the first ones are of as many videos, and of all of `starts` alike: they go once through
 * all videos, in a random order that depends on the seed of the data alone, before a video gives a second one. Videos
 * that can't be read are found when the data set opens, and skipped. A clip that meets damage which only decoding finds
 * is replaced by the same clip of the next video of its split, and so on: a rule that depends on nothing but the files.
 *
 * What was found about a file is remembered by its size and time of change in the file `index`, so that only the first
 * opening reads them all. Processes that open at the same time wait for the first one and read what it found. */
#ifndef VJ_DATASETS_VIDEO_CLIPS_H
#define VJ_DATASETS_VIDEO_CLIPS_H

#include "datasets/video/listed_video.h"
#include "vj/dataset.h"
#include "vj/memory.h"
#include "vj/param.h"

typedef struct vj_clip_params {
  const char *root, *pack, *index;
  vj_integer_list size, starts;
  int64_t stride, clips, earliest;
  bool grey;
} vj_clip_params;

/* A data set's configuration begins with its vj_clip_params, so that these rows, with its own defaults, are its rows.
 */
#define VJ_CLIP_PARAMS(stride_, clips_, starts_)                                                                 \
  VJ_TEXT(vj_clip_params, root, "", "folder with the videos and their lists; has to be given"),                  \
      VJ_INTEGERS(vj_clip_params, size, "64", 1, 4096, "px",                                                     \
                  "height and width of frames, averaged over areas; one number: a square"),                      \
      VJ_BOOL(vj_clip_params, grey, "false", "grey frames instead of RGB"),                                      \
      VJ_INTEGER(vj_clip_params, stride, stride_, 1, 1000000, "frames", "from one frame of a clip to the next"), \
      VJ_INTEGER(vj_clip_params, clips, clips_, 1, 1000000, "",                                                  \
                 "training clips of a video, each with its own random start"),                                   \
      VJ_INTEGER(vj_clip_params, earliest, "0", 0, INFINITY, "frames",                                           \
                 "first frame at which a training clip may begin, as far as the video is long enough"),          \
      VJ_INTEGERS(vj_clip_params, starts, starts_, 0, INFINITY, "frames",                                        \
                  "first frames of a video's validation and test clips"),                                        \
      VJ_TEXT(vj_clip_params, pack, "", "file made by `vjvcr data pack`: frames come from it"),                  \
      VJ_TEXT(vj_clip_params, index, "",                                                                         \
              "file that remembers what was found about videos; empty: one in the user's cache folder")

/* Which frames of its video a clip is: step t shows frame min(start + t stride, video_frames - 1). */
typedef struct vj_clip_window {
  int64_t start, stride, input_frames, target_frames, video_frames;
  double rate; /* frames of the video a second; 0: not known */
} vj_clip_window;

typedef struct vj_clip_list {
  const char *what;               /* the data set's name */
  const vj_clip_request *request; /* what is asked of it */
  int64_t count[VJ_SPLITS];
  const vj_clip_entry *entries[VJ_SPLITS];
  const vj_label *labels;
  int64_t label_count;
  /* Fills the labels of a clip, one label after the other. `video` is the entry's number in its split. Called by many
   * threads at once. */
  vj_status (*fill_labels)(const void *owner, vj_split split, int64_t video, const vj_clip_window *window,
                           float *labels);
  const void *owner;
  bool needs_rate;  /* labels depend on windows' rate: a video without one can't be used */
  int64_t others;   /* files beside the videos that are none, and are left out */
  const char *note; /* a line that `vjvcr data inspect` adds, on what the annotations are like; may be NULL */
  vj_pool *pool;    /* owns all of the above */
} vj_clip_list;

/* The data set; what components have as `dataset`. */
typedef struct vj_clips vj_clips;

/* Lists the videos and says what their labels are; `list` comes with its name, the request and its pool. */
typedef vj_status (*vj_clips_prepare)(const void *config, int threads, vj_clip_list *list);

/* Opens the data set `what`, whose configuration begins with its vj_clip_params. Errors: what the files say (VJ_DATA,
 * VJ_IO), settings that can't be (VJ_CONFIG), a pack that is of something else. A split without a usable video is an
 * error, unless the request only looks. */
VJ_MUST_USE vj_status vj_clips_open(const char *what, vj_clips_prepare prepare, const void *config,
                                    const vj_clip_request *request, void **dataset);
/* As in vj_dataset_ops. */
void vj_clips_info(const void *dataset, vj_clip_info *info);
vj_status vj_clips_sample(const void *dataset, vj_split split, int64_t number, float *frames, float *labels);
void vj_clips_close(void **dataset);
int64_t vj_clips_passed(const void *dataset, vj_split split, int64_t number, int64_t *videos);
int64_t vj_clips_video_of(const void *dataset, vj_split split, int64_t number);
const char *vj_clips_video_name(const void *dataset, vj_split split, int64_t video);
const struct vj_clips *vj_clips_of(const void *dataset);

#define VJ_CLIPS_OPS(open_)                                                                                           \
  {                                                                                                                   \
    .open = (open_), .info = vj_clips_info, .sample = vj_clips_sample, .close = vj_clips_close,                       \
    .passed = vj_clips_passed, .video_of = vj_clips_video_of, .video_name = vj_clips_video_name, .clips = vj_clips_of \
  }

/* --- for those who look at all videos: packing, inspection ------------------------------------------------------- */

/* Of a split, those that are skipped included. */
int64_t vj_clips_count(const vj_clips *clips, vj_split split);
const vj_clip_video *vj_clips_video(const vj_clips *clips, vj_split split, int64_t number);
/* One of them, by what is known of where its frames are. To be closed before the data set is. */
VJ_MUST_USE vj_status vj_clips_open_video(const vj_clips *clips, const vj_clip_video *about, vj_video **video);
/* VJ_DATA where a split has no video that can be used: it says which, and what is wrong with the first. */
VJ_MUST_USE vj_status vj_clips_check(const vj_clips *clips);
/* Whether a pack is of just these videos, as they are now, at this size; else VJ_DATA, VJ_IO. */
VJ_MUST_USE vj_status vj_clips_check_pack(const vj_clips *clips, const char *path);
const vj_clip_list *vj_clips_list(const vj_clips *clips);
/* Height, width and channels of frames; start, stride and count are those of a clip. */
vj_video_request vj_clips_request(const vj_clips *clips);
/* The clip of a video that begins at a frame. */
vj_clip_window vj_clips_window(const vj_clips *clips, const vj_clip_video *video, int64_t start);

#endif
