/* What the kinds of stand-ins share. */
#ifndef VJ_DATASETS_STANDINS_STANDIN_PRIVATE_H
#define VJ_DATASETS_STANDINS_STANDIN_PRIVATE_H

#include <jansson.h>

#include "datasets/standins/encode.h"
#include "datasets/standins/render.h"
#include "datasets/standins/standins.h"
#include "vj/memory.h"
#include "vj/param.h"
#include "vj/rng.h"

typedef struct vj_standin_kind_ops {
  const char *name, *about;
  int64_t videos[VJ_SPLITS], share[VJ_SPLITS]; /* by default; how a number is split */
  int64_t most[VJ_SPLITS];                     /* videos that files have numbers for */
  int64_t frames, width, height;
  int64_t fewest_frames;
  bool has_variants;
  /* The folders a set needs, below the set's. */
  vj_status (*make_folders)(const vj_standin *set);
  vj_status (*make)(const vj_standin *set, vj_split split, int64_t number, bool *made);
  vj_status (*finish)(const vj_standin *set);
} vj_standin_kind_ops;

extern const vj_standin_kind_ops vj_standin_clevrer, vj_standin_cater, vj_standin_videos_kind;

struct vj_standin {
  vj_standin_request request; /* with all defaults in place */
  const vj_standin_kind_ops *kind;
  vj_pool *pool; /* owns the texts */
};

enum { VJ_STANDIN_PATH = 4096 };

/* "<folder>/<the rest>" -> path [VJ_STANDIN_PATH]; VJ_USAGE where it is too long. */
VJ_MUST_USE vj_status vj_standin_path(const vj_standin *set, char *path, const char *format, ...) VJ_PRINTF(3, 4);
/* The folder and what it lies in, if it is not there. */
VJ_MUST_USE vj_status vj_standin_folder(const vj_standin *set, const char *format, ...) VJ_PRINTF(2, 3);
bool vj_standin_is_there(const char *path);

/* The stream of random numbers of one video. */
vj_rng vj_standin_stream(const vj_standin *set, vj_split split, int64_t number);

/* Writes a whole file under another name and renames it. `json` NULL or with an error is VJ_MEMORY; it is released. */
VJ_MUST_USE vj_status vj_standin_write_json(const char *path, json_t *json, int64_t digits);
VJ_MUST_USE vj_status vj_standin_write_text(const char *path, const char *text);

/* A video: asks for the solids of each frame and renames the file when it is whole. */
typedef int64_t (*vj_standin_pose)(const void *context, int64_t frame, vj_solid *solids);
VJ_MUST_USE vj_status vj_standin_film(const char *path, const vj_encoding *encoding, const vj_camera *camera,
                                      double shade, int64_t frames, vj_standin_pose pose, const void *context);

/* A text that grows. Failures are kept and told by vj_standin_write_growing, which releases it. */
typedef struct vj_growing_text {
  char *bytes;
  size_t length, room;
  bool failed;
} vj_growing_text;
void vj_growing_add(vj_growing_text *text, const char *format, ...) VJ_PRINTF(2, 3);
VJ_MUST_USE vj_status vj_standin_write_growing(const char *path, vj_growing_text *text);

#endif
