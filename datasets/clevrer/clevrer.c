/* CLEVRER (Yi et al. 2020, arXiv 1910.01442): solids that move and collide, with their velocities.
 *
 * Training clips come from the train videos. The release has no annotations of its test videos, so the first half of
 * the validation videos is for validation and the second for testing. A video whose annotation is missing or can't be
 * read is skipped and counted, as one that can't be decoded is.
 *
 * Speeds are lengths of the annotated velocities, in the annotation's units. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "datasets/clevrer/folders.h"
#include "datasets/clevrer/motions.h"
#include "datasets/video/clips.h"
#include "vj/component.h"

enum { SPEED, SPEEDS, OBJECT_SPEED, OBJECTS, COLLISION, CURRENT_SPEED, CURRENT_SPEEDS, CURRENT_OBJECTS, LABELS };
enum { FASTEST = 8 }; /* objects that `speeds` tells of; CLEVRER's videos have fewer */

typedef struct clevrer_config {
  vj_clip_params clips; /* first */
  int64_t most;
} clevrer_config;

static const vj_param params[] = {
    VJ_CLIP_PARAMS("4", "4", "[0, 32, 64]"),
    VJ_INTEGER(clevrer_config, most, "0", 0, 1000000, "", "videos of train, and of validation, at most; 0: all"),
};

/* --- labels ------------------------------------------------------------------------------------------------------ */

enum { RATES = 4096 };

typedef struct clevrer {
  int rate_count;
  double rates[RATES]; /* of the first annotations in which something moves */
  const vj_clevrer_motion *motions[VJ_SPLITS];
  vj_label labels[LABELS];
  const char *object_names[VJ_CLEVRER_SLOTS];
} clevrer;

static int64_t frame_at(const vj_clevrer_motion *m, const vj_clip_window *w, int64_t step) {
  int64_t frame = w->start + step * w->stride;
  if (frame > w->video_frames - 1) frame = w->video_frames - 1;
  return frame < m->frames ? frame : m->frames - 1;
}

static int by_falling_speed(const void *one, const void *other) {
  const float a = *(const float *)one, b = *(const float *)other;
  return (a < b) - (a > b);
}

/* The fastest first; NaN where there are fewer. Sorts `all`. */
static void label_fastest(float *all, int64_t count, float *speeds) {
  qsort(all, (size_t)count, sizeof *all, by_falling_speed);
  for (int64_t i = 0; i < FASTEST; i++) speeds[i] = i < count ? all[i] : NAN;
}

/* At the last input frame; NaN where nothing is in view. */
static void label_current(const vj_clevrer_motion *m, const vj_clip_window *w, float *speed, float *speeds,
                          float *objects) {
  const vj_clevrer_moment *const now = m->moments + frame_at(m, w, w->input_frames - 1) * m->count;
  float all[VJ_CLEVRER_SLOTS] = {0};
  double sum = 0;
  int64_t seen = 0;
  for (int k = 0; k < m->count; k++) {
    if (!now[k].in_view) continue;
    all[seen++] = now[k].speed;
    sum += (double)now[k].speed;
  }
  label_fastest(all, seen, speeds);
  *objects = (float)seen;
  *speed = seen > 0 ? (float)(sum / (double)seen) : NAN;
}

/* Means over the moments at which something is in view; NaN where it never is. */
static void label_speeds(const vj_clevrer_motion *m, const vj_clip_window *w, float *speed, float *speeds,
                         float *object_speed, float *objects) {
  float all[VJ_CLEVRER_SLOTS] = {0};
  double sum = 0;
  int64_t seen = 0, count = 0;
  for (int slot = 0; slot < VJ_CLEVRER_SLOTS; slot++) object_speed[slot] = NAN, objects[slot] = 0;
  for (int k = 0; k < m->count; k++) {
    double own = 0;
    int64_t own_seen = 0;
    for (int64_t t = 0; t < w->target_frames; t++) {
      const vj_clevrer_moment *at = &m->moments[frame_at(m, w, w->input_frames + t) * m->count + k];
      if (!at->in_view) continue;
      own += (double)at->speed;
      own_seen++;
    }
    if (own_seen == 0) continue;
    object_speed[m->slots[k]] = all[count++] = (float)(own / (double)own_seen);
    objects[m->slots[k]] = 1;
    sum += own;
    seen += own_seen;
  }
  label_fastest(all, count, speeds);
  *speed = seen > 0 ? (float)(sum / (double)seen) : NAN;
}

static vj_status fill_labels(const void *owner, vj_split split, int64_t video, const vj_clip_window *window,
                             float *labels) {
  const vj_clevrer_motion *m = &((const clevrer *)owner)->motions[split][video];
  float *const speeds = labels + 1, *const object_speed = speeds + FASTEST;
  float *const objects = object_speed + VJ_CLEVRER_SLOTS;
  float *const collision = objects + VJ_CLEVRER_SLOTS, *const current = collision + 1;
  const int64_t first = frame_at(m, window, window->input_frames);
  const int64_t last = frame_at(m, window, window->input_frames + window->target_frames - 1);
  label_speeds(m, window, labels, speeds, object_speed, objects);
  label_current(m, window, current, current + 1, current + 1 + FASTEST);
  *collision = 0;
  for (int i = 0; i < m->collision_count; i++)
    if (m->collisions[i] >= first && m->collisions[i] <= last) *collision = 1;
  return VJ_OK;
}

static vj_status name_objects(clevrer *d, vj_pool *pool) {
  char buffer[40];
  for (int slot = 0; slot < VJ_CLEVRER_SLOTS; slot++) {
    d->object_names[slot] = vj_pool_text(pool, vj_clevrer_slot_name(slot, buffer));
    if (!d->object_names[slot]) return vj_fail(VJ_MEMORY, "no memory for the data set clevrer");
  }
  return VJ_OK;
}

static void list_labels(clevrer *d) {
  static const char *const collision_names[] = {"collision"};
  d->labels[SPEED] = (vj_label){.name = "speed",
                                .kind = VJ_LABEL_REAL,
                                .width = 1,
                                .unit = "u/s",
                                .has_gaps = true,
                                .doc = "mean speed over the objects in view and the target frames; NaN if none is"};
  d->labels[SPEEDS] = (vj_label){.name = "speeds",
                                 .kind = VJ_LABEL_REAL,
                                 .width = FASTEST,
                                 .unit = "u/s",
                                 .has_gaps = true,
                                 .doc =
                                     "mean speed of each object while in view of the target frames, the fastest "
                                     "first, NaN where there are fewer"};
  d->labels[OBJECT_SPEED] = (vj_label){.name = "object_speed",
                                       .kind = VJ_LABEL_REAL,
                                       .width = VJ_CLEVRER_SLOTS,
                                       .has_gaps = true,
                                       .unit = "u/s",
                                       .doc =
                                           "mean speed of each object while in view of the target frames, NaN if it "
                                           "is not: cube, sphere, cylinder x metal, rubber x 8 colours"};
  d->labels[OBJECTS] = (vj_label){.name = "objects",
                                  .kind = VJ_LABEL_FLAGS,
                                  .width = VJ_CLEVRER_SLOTS,
                                  .unit = "",
                                  .doc = "1 for each object in view of the target frames, in that order",
                                  .names = d->object_names};
  d->labels[COLLISION] = (vj_label){.name = "collision",
                                    .kind = VJ_LABEL_FLAGS,
                                    .width = 1,
                                    .unit = "",
                                    .doc = "1 if objects collide between the first and the last target frame",
                                    .names = collision_names};
  d->labels[CURRENT_SPEED] = (vj_label){.name = "current_speed",
                                        .kind = VJ_LABEL_REAL,
                                        .width = 1,
                                        .unit = "u/s",
                                        .has_gaps = true,
                                        .doc = "mean speed over the objects in view at the last input frame"};
  d->labels[CURRENT_SPEEDS] = (vj_label){.name = "current_speeds",
                                         .kind = VJ_LABEL_REAL,
                                         .width = FASTEST,
                                         .unit = "u/s",
                                         .has_gaps = true,
                                         .doc =
                                             "speed of each object in view at the last input frame, the fastest "
                                             "first, NaN where there are fewer"};
  d->labels[CURRENT_OBJECTS] = (vj_label){.name = "current_objects",
                                          .kind = VJ_LABEL_REAL,
                                          .width = 1,
                                          .unit = "",
                                          .doc = "how many objects are in view at the last input frame"};
}

/* --- opening ----------------------------------------------------------------------------------------------------- */

static vj_status take_videos(const clevrer_config *c, const char *split, vj_annotations *annotations, int threads,
                             clevrer *d, vj_pool *pool, int64_t *count, vj_clip_entry **entries,
                             vj_clevrer_motion **motions) {
  const vj_clevrer_file *files;
  VJ_TRY(vj_clevrer_find(c->clips.root, split, pool, count, &files));
  if (c->most > 0 && *count > c->most) *count = c->most;
  *entries = vj_pool_take(pool, (size_t)(*count + 1) * sizeof **entries);
  *motions = vj_pool_take(pool, (size_t)(*count + 1) * sizeof **motions);
  vj_annotation *const read = vj_pool_take(pool, (size_t)(*count + 1) * sizeof *read);
  if (!*entries || !*motions || !read) return vj_fail(VJ_MEMORY, "no memory for the data set clevrer");
  for (int64_t i = 0; i < *count; i++) read[i].path = files[i].annotation;
  VJ_TRY(vj_annotations_read(annotations, threads, pool, *count, read));
  for (int64_t i = 0; i < *count; i++) {
    (*entries)[i] = (vj_clip_entry){.name = files[i].name, .path = files[i].video, .broken = read[i].broken};
    if (!read[i].kept) continue;
    (*motions)[i] = vj_clevrer_motion_of(read[i].kept);
    if (d->rate_count < RATES && isfinite((*motions)[i].rate)) d->rates[d->rate_count++] = (*motions)[i].rate;
  }
  return VJ_OK;
}

static vj_status list_videos(const clevrer_config *c, vj_annotations *annotations, int threads, clevrer *d,
                             vj_clip_list *list) {
  vj_clip_entry *entries;
  vj_clevrer_motion *motions;
  int64_t count;
  VJ_TRY(take_videos(c, "train", annotations, threads, d, list->pool, &list->count[VJ_TRAIN], &entries, &motions));
  list->entries[VJ_TRAIN] = entries;
  d->motions[VJ_TRAIN] = motions;
  VJ_TRY(take_videos(c, "validation", annotations, threads, d, list->pool, &count, &entries, &motions));
  list->count[VJ_VALIDATION] = (count + 1) / 2;
  list->count[VJ_TEST] = count / 2;
  list->entries[VJ_VALIDATION] = entries;
  list->entries[VJ_TEST] = entries + list->count[VJ_VALIDATION];
  d->motions[VJ_VALIDATION] = motions;
  d->motions[VJ_TEST] = motions + list->count[VJ_VALIDATION];
  return VJ_OK;
}

static int by_size(const void *one, const void *other) {
  const double a = *(const double *)one, b = *(const double *)other;
  return (a > b) - (a < b);
}

/* What a unit of velocity is, the files do not say. */
static vj_status take_note(clevrer *d, vj_clip_list *list) {
  if (d->rate_count == 0) return VJ_OK;
  qsort(d->rates, (size_t)d->rate_count, sizeof *d->rates, by_size);
  list->note =
      vj_pool_format(list->pool,
                     "velocities are %.4g times the way from a frame to the next (median): lengths a second at "
                     "that many frames a second",
                     d->rates[d->rate_count / 2]);
  return list->note ? VJ_OK : vj_fail(VJ_MEMORY, "no memory for the data set clevrer");
}

static vj_status prepare(const void *config, int threads, vj_clip_list *list) {
  const clevrer_config *const c = config;
  if (!c->clips.root[0])
    return vj_fail(VJ_CONFIG,
                   "data.root: expected the folder of CLEVRER; `vjvcr data make clevrer DIR` makes a small stand-in");
  clevrer *d = vj_pool_take(list->pool, sizeof *d);
  if (!d) return vj_fail(VJ_MEMORY, "no memory for the data set clevrer");
  list_labels(d);
  VJ_TRY(name_objects(d, list->pool));
  list->labels = d->labels;
  list->label_count = LABELS;
  list->fill_labels = fill_labels;
  list->owner = d;
  vj_annotations *annotations = NULL;
  VJ_TRY(vj_annotations_open(&vj_clevrer_motions, &c->clips, list->what, &annotations));
  const vj_status status = list_videos(c, annotations, threads, d, list);
  vj_annotations_close(&annotations);
  return status == VJ_OK ? take_note(d, list) : status;
}

static vj_status clevrer_open(const void *config, const vj_clip_request *request, void **dataset) {
  return vj_clips_open("clevrer", prepare, config, request, dataset);
}

const vj_component vj_dataset_clevrer = {
    .abi = VJ_ABI,
    .kind = VJ_DATASET,
    .name = "clevrer",
    .summary = "videos of solids that move and collide, with their speeds",
    .source = "Yi et al. 2020, CLEVRER (arXiv 1910.01442)",
    .params = params,
    .param_count = VJ_COUNT(params),
    .config_bytes = sizeof(clevrer_config),
    .as.dataset = VJ_CLIPS_OPS(clevrer_open),
};
