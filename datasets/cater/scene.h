/* The files of CATER (Girdhar and Ramanan 2020, arXiv 1910.04744): scenes and lists. Parsers take memory. Not
 * collective; may be called by many threads at once. */
#ifndef VJ_DATASETS_CATER_SCENE_H
#define VJ_DATASETS_CATER_SCENE_H

#include <stddef.h>
#include <stdint.h>

#include "datasets/cater/labels.h"
#include "vj/memory.h"
#include "vj/status.h"

enum { VJ_CATER_FRAMES = 100000, VJ_CATER_OBJECTS = 1000, VJ_CATER_MOVEMENTS = 10000, VJ_CATER_CLASSES = 1000 };

typedef struct vj_cater_scene {
  int64_t shapes[VJ_CATER_SHAPES]; /* how many objects there are of each */
  int64_t movement_count;
  vj_cater_movement *movements;
  int64_t frames;
  float *snitch; /* [frames, 2]: x and y of the object `spl` */
} vj_cater_scene;

/* A scene's JSON. VJ_DATA, beginning with `name`, where it is no scene. Release it with vj_cater_scene_free. */
VJ_MUST_USE vj_status vj_cater_scene_parse(const char *text, size_t bytes, const char *name, vj_cater_scene *scene);
void vj_cater_scene_free(vj_cater_scene *scene);

typedef struct vj_cater_listed {
  const char *video; /* the file's name, without folders */
  int64_t count;
  const int64_t *classes; /* none: a video without labels */
} vj_cater_listed;

/* Lines "video class,class,...", each class below `classes`; empty lines are skipped. Everything is taken from `pool`.
 * VJ_DATA, as "name:line: ...", where a line is none. */
VJ_MUST_USE vj_status vj_cater_list_parse(const char *text, size_t bytes, const char *name, int64_t classes,
                                          vj_pool *pool, int64_t *count, const vj_cater_listed **listed);

#endif
