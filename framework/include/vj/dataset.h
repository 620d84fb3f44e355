/* Data sets: global sample number -> frames and labels, a pure function of (seed, split, number).
 *
 * The simple way is four functions: open, info, sample, close; the others stay NULL. A sample is a clip of
 * info.frames = input_frames + target_frames consecutive frames. The trainer draws the order of samples and cuts clips
 * into input and target; a data set knows neither ranks nor batches. Random numbers come from vj/rng.h with
 * VJ_RNG_DATA, so that any rank or thread makes the same sample. */
#ifndef VJ_DATASET_H
#define VJ_DATASET_H

#include <stdbool.h>
#include <stdint.h>

#include "vj/status.h"

typedef enum vj_split { VJ_TRAIN, VJ_VALIDATION, VJ_TEST, VJ_SPLITS } vj_split;

typedef enum vj_label_kind {
  VJ_LABEL_REAL,  /* a measured number, e.g. a speed */
  VJ_LABEL_CLASS, /* one of 0..classes-1 */
  VJ_LABEL_FLAGS  /* 0 or 1 in each of `width` columns: which of so many things are there, any number of them */
} vj_label_kind;
enum { VJ_LABEL_KINDS = VJ_LABEL_FLAGS + 1 };

typedef struct vj_label {
  const char *name; /* "speed" */
  vj_label_kind kind;
  int64_t width;   /* numbers a sample, e.g. 12 target frames x 2 coordinates = 24 */
  int64_t classes; /* of a CLASS */
  const char *unit;
  const char *doc; /* one line: what the numbers are, in their order */
  bool has_gaps;   /* of a REAL: NaN where there is nothing to measure; probes leave these numbers out */
  int64_t steps;   /* where the numbers of each target step stand together: how many steps, width / steps for each */
  const char *const
      *names; /* of the classes of a CLASS, of the columns of FLAGS, each to be read; NULL: they have none */
} vj_label;

/* What is asked of a data set, beside its own parameters. */
typedef struct vj_clip_request {
  int64_t input_frames, target_frames; /* a clip is input then target frames, consecutive */
  uint64_t seed;                       /* of the data, not of the trial */
  int threads;                         /* that opening may use; 0 counts as 1 */
  bool only_looks;                     /* nobody asks for samples: a split may be empty */
} vj_clip_request;

typedef struct vj_clip_info {
  int64_t frames, height, width, channels;
  int64_t samples[VJ_SPLITS];
  const vj_label *labels; /* owned by the data set */
  int64_t label_count;
  int64_t label_width; /* sum of the labels' widths: numbers a sample */
  /* Of data sets that are read from files: videos in use, and those that are listed but can't be read. */
  int64_t videos[VJ_SPLITS], skipped[VJ_SPLITS];
  bool is_slow; /* making a sample takes long enough that samples should be prefetched, by threads of their own */
} vj_clip_info;

enum { VJ_MOST_PASSED = 64 }; /* videos that one sample may pass over */

struct vj_clips; /* datasets/video/clips.h */

typedef struct vj_dataset_ops {
  /* Opens files, checks them, reads what is small. Errors name the file and what was expected. On failure *dataset is
   * not used. Called on every rank, not collective. */
  vj_status (*open)(const void *config, const vj_clip_request *request, void **dataset);
  /* Fills all of `info`. */
  void (*info)(const void *dataset, vj_clip_info *info);
  /* Fills frames [T,H,W,C] with values in [0,1] and labels [label_width], one label after the other.
   * Called by many threads at once, each with its own number in 0..samples[split]-1. */
  vj_status (*sample)(const void *dataset, vj_split split, int64_t number, float *frames, float *labels);
  void (*close)(void **dataset);
  /* Of a data set that makes a sample from another video where its own turns out damaged; both NULL elsewhere. Writes
   * the numbers of the videos that were passed over to `videos`, room for VJ_MOST_PASSED, and returns how many: a pure
   * function of split and number, asked after sample() made that sample. Videos in use count from 0 in each split. */
  int64_t (*passed)(const void *dataset, vj_split split, int64_t number, int64_t *videos);
  /* The video that a sample is of, damaged or not; NULL for a data set that is not made of videos. Clips of one video
   * are no independent samples. */
  int64_t (*video_of)(const void *dataset, vj_split split, int64_t number);
  /* A video in use as lists name it; owned by the data set. */
  const char *(*video_name)(const void *dataset, vj_split split, int64_t video);
  /* The videos behind it, for `vjvcr data`; NULL for a data set that is not made of videos. */
  const struct vj_clips *(*clips)(const void *dataset);
} vj_dataset_ops;

#endif
