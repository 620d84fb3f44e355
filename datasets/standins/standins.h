/* Stand-ins for video data sets: small sets of real video files with annotations and lists in the formats and folders
 * of the data sets they stand for, made by the program.
 *
 * A set is a pure function of its request: annotations and lists are the same bytes on every machine, videos those of
 * one build of FFmpeg's libraries. It is made piece by piece, in any order and by any number of threads and ranks; each
 * file is written under another name and renamed when it is whole, so an interrupted set goes on where it was. */
#ifndef VJ_DATASETS_STANDINS_STANDINS_H
#define VJ_DATASETS_STANDINS_STANDINS_H

#include <stdbool.h>
#include <stdint.h>

#include "vj/dataset.h"
#include "vj/status.h"

/* What is 0 or NULL stands for the kind's default. */
typedef struct vj_standin_request {
  const char *kind; /* "clevrer", "cater", "videos" */
  const char *folder;
  bool has_videos;
  int64_t videos[VJ_SPLITS]; /* with has_videos; a split may have none */
  uint64_t seed;
  int64_t frames, width, height; /* px, even */
  const char *variant;           /* of cater: "max2action" (the default) or "all_actions" */
} vj_standin_request;

typedef struct vj_standin vj_standin;

/* The names of the kinds, NULL past the end; and a line on what each has by default. */
const char *vj_standin_kind(int index);
const char *vj_standin_about(int index);

/* Splits a number of videos as the kind's own data set is split. VJ_USAGE for a kind that is not there. */
VJ_MUST_USE vj_status vj_standin_share(const char *kind, int64_t total, int64_t videos[VJ_SPLITS]);

/* Checks the request and, on one rank, makes the folders and writes what is being made to standin.json there. A folder
 * with that file and the same request goes on; VJ_USAGE where it holds something else, or another request. */
VJ_MUST_USE vj_status vj_standin_open(const vj_standin_request *request, bool writes, vj_standin **set);
int64_t vj_standin_videos(const vj_standin *set);
/* The request with its defaults filled in; lives as long as the set. */
const vj_standin_request *vj_standin_resolved(const vj_standin *set);
/* Makes video `number` of 0..videos-1 with its annotation, unless it is there. May be called by many threads. */
VJ_MUST_USE vj_status vj_standin_make(const vj_standin *set, int64_t number, bool *made);
/* The lists, when all videos are made; on one rank. */
VJ_MUST_USE vj_status vj_standin_finish(const vj_standin *set);
void vj_standin_close(vj_standin **set);

#endif
