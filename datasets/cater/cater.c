/* CATER (Girdhar and Ramanan 2020, arXiv 1910.04744): solids that slide, rotate, are picked, placed and contained.
 *
 * Its three tasks are lists of videos with their classes: which actions happen (14, any number of them), which happen
 * before, during or after which (301), and in which cell of the plane the snitch is at the end. Training clips come
 * from train_subsetT, validation clips from train_subsetV, test clips from val. Labels are those of the lists, of whole
 * videos, or those of a clip: from the movements in the video's scene that overlap it, or its target frames. */
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "datasets/cater/motions.h"
#include "datasets/video/clips.h"
#include "datasets/video/lists.h"
#include "vj/component.h"

typedef enum task { ACTIONS, ORDERS, PLACE } task;
typedef enum label_source { OF_LIST, OF_CLIP, OF_TARGET } label_source;

typedef struct cater_config {
  vj_clip_params clips; /* first */
  int task, labels;
  int64_t min_overlap, grid;
} cater_config;

static const vj_param params[] = {
    VJ_CLIP_PARAMS("8", "4", "[0, 90, 180]"),
    VJ_CHOICE(cater_config, task, "actions|orders|place", "actions",
              "actions: which of 14 happen; orders: which happen before, during or after which, 301; place: where the "
              "snitch is at the end"),
    VJ_CHOICE(cater_config, labels, "video|clip|target", "clip",
              "video: of the lists, for whole videos; clip: from the scene's movements that overlap the clip; target: "
              "from those that overlap its target frames"),
    VJ_INTEGER(cater_config, min_overlap, "1", 1, 100000, "frames",
               "of the video, from the first to the last frame of the clip or its target, that a movement has to "
               "last in"),
    VJ_INTEGER(cater_config, grid, "6", 4, 8, "", "rows and columns of the task place: 4, 6 or 8"),
};

/* The task's own; and, where scenes are read, what is known without the target. */
enum { OF_TASK, INPUT_ACTIONS, SHAPES, LABELS };

typedef struct cater {
  task task;
  label_source source;
  int64_t min_overlap, grid, classes;
  const vj_cater_listed *listed[VJ_SPLITS];
  const vj_cater_motion *motions[VJ_SPLITS]; /* of labels of clips */
  vj_label labels[LABELS];
  const char *present_names[VJ_CATER_PRESENT];
} cater;

/* --- labels ------------------------------------------------------------------------------------------------------ */

static void fill_from_list(const cater *d, const vj_cater_listed *listed, float *labels) {
  if (d->task == PLACE) {
    labels[0] = (float)listed->classes[0];
    return;
  }
  for (int64_t i = 0; i < d->classes; i++) labels[i] = 0;
  for (int64_t i = 0; i < listed->count; i++) labels[listed->classes[i]] = 1;
}

/* What stands on the grid's edge belongs to its last cell. */
static double inside(float coordinate) { return fmin(fmax((double)coordinate, -3), 2.999999); }

static void fill_from_scene(const cater *d, const vj_cater_motion *m, const vj_clip_window *w, float *labels) {
  int64_t last = w->start + (w->input_frames + w->target_frames - 1) * w->stride;
  if (last > w->video_frames - 1) last = w->video_frames - 1;
  const int64_t first = w->start + (d->source == OF_TARGET ? w->input_frames * w->stride : 0);
  const vj_cater_span span = {first, last, d->min_overlap};
  if (d->task == ACTIONS) vj_cater_label_present(m->movements, m->movement_count, &span, labels);
  if (d->task == ORDERS) vj_cater_label_orders(m->movements, m->movement_count, &span, labels);
  if (d->task == PLACE) {
    if (last > m->frames - 1) last = m->frames - 1;
    labels[0] = (float)vj_cater_label_place(inside(m->snitch[2 * last]), inside(m->snitch[2 * last + 1]), d->grid);
  }
  labels += d->labels[OF_TASK].width;
  const vj_cater_span input = {w->start, w->start + (w->input_frames - 1) * w->stride, 1};
  vj_cater_label_present(m->movements, m->movement_count, &input, labels);
  for (int s = 0; s < VJ_CATER_SHAPES; s++) labels[VJ_CATER_PRESENT + s] = (float)m->shapes[s];
}

static vj_status fill_labels(const void *owner, vj_split split, int64_t video, const vj_clip_window *window,
                             float *labels) {
  const cater *d = owner;
  if (d->source == OF_LIST)
    fill_from_list(d, &d->listed[split][video], labels);
  else
    fill_from_scene(d, &d->motions[split][video], window, labels);
  return VJ_OK;
}

/* Of actions and of their orders; of places column and row of the cell. */
static vj_status name_classes(cater *d, vj_pool *pool) {
  char name[VJ_CATER_NAME_BYTES];
  for (int64_t k = 0; k < VJ_CATER_PRESENT; k++) {
    d->present_names[k] = vj_pool_text(pool, vj_cater_present_name(k, name));
    if (!d->present_names[k]) return vj_fail(VJ_MEMORY, "no memory for the data set cater");
  }
  const char **const names = vj_pool_take(pool, (size_t)d->classes * sizeof *names);
  if (!names) return vj_fail(VJ_MEMORY, "no memory for the data set cater");
  for (int64_t k = 0; k < d->classes; k++) {
    names[k] = d->task == ACTIONS ? d->present_names[k]
               : d->task == ORDERS
                   ? vj_pool_text(pool, vj_cater_order_name(k, name))
                   : vj_pool_format(pool, "(%lld, %lld)", (long long)(k % d->grid), (long long)(k / d->grid));
    if (!names[k]) return vj_fail(VJ_MEMORY, "no memory for the data set cater");
  }
  d->labels[OF_TASK].names = names;
  return VJ_OK;
}

static void describe_label(const cater *d, vj_label *label) {
  const bool clip = d->source == OF_CLIP, list = d->source == OF_LIST;
  *label = (vj_label){.kind = VJ_LABEL_FLAGS, .width = d->classes, .unit = ""};
  if (d->task == ACTIONS) {
    label->name = "actions";
    label->doc = list   ? "1 for each of CATER's 14 actions in the video"
                 : clip ? "1 for each of CATER's 14 actions that overlaps the clip"
                        : "1 for each of CATER's 14 actions that overlaps the target frames";
  } else if (d->task == ORDERS) {
    label->name = "orders";
    label->doc = list   ? "1 for each of CATER's 301 ordered pairs of actions in the video"
                 : clip ? "1 for each of CATER's 301 ordered pairs of actions that overlap the clip"
                        : "1 for each of CATER's 301 ordered pairs of actions that overlap the target frames";
  } else {
    *label = (vj_label){.name = "place",
                        .kind = VJ_LABEL_CLASS,
                        .width = 1,
                        .classes = d->classes,
                        .unit = "",
                        .doc = list ? "cell of the plane where the snitch is at the video's end"
                                    : "cell of the plane where the snitch is at the clip's end"};
  }
}

static void describe_what_is_known(cater *d) {
  d->labels[INPUT_ACTIONS] = (vj_label){.name = "input_actions",
                                        .kind = VJ_LABEL_FLAGS,
                                        .width = VJ_CATER_PRESENT,
                                        .unit = "",
                                        .doc = "1 for each of CATER's 14 actions that overlaps the input frames",
                                        .names = d->present_names};
  d->labels[SHAPES] = (vj_label){.name = "shapes",
                                 .kind = VJ_LABEL_REAL,
                                 .width = VJ_CATER_SHAPES,
                                 .unit = "",
                                 .doc = "how many cubes, spheres, cylinders, cones and snitches there are"};
}

/* --- files ------------------------------------------------------------------------------------------------------- */

static bool is_file(const char *path) {
  struct stat about;
  return path && stat(path, &about) == 0 && S_ISREG(about.st_mode);
}

/* "<root>/<folder>/<name><extension>" where it is there, also under the other of the two prefixes that such files have;
 * else NULL. A name ends before its last dot. */
static const char *find_file(vj_pool *pool, const char *root, const char *folder, const char *name,
                             const char *extension) {
  static const char *const prefixes[] = {"CATER_new_", "CLEVR_new_"};
  const char *dot = strrchr(name, '.');
  const int stem = dot ? (int)(dot - name) : (int)strlen(name);
  const char *path = vj_pool_format(pool, "%s/%s/%.*s%s", root, folder, stem, name, extension);
  if (is_file(path)) return path;
  for (int i = 0; i < 2; i++) {
    const int length = (int)strlen(prefixes[i]);
    if (strncmp(name, prefixes[i], (size_t)length) != 0 || stem < length) continue;
    path =
        vj_pool_format(pool, "%s/%s/%s%.*s%s", root, folder, prefixes[1 - i], stem - length, name + length, extension);
    return is_file(path) ? path : NULL;
  }
  return NULL;
}

/* A video that is not there keeps the path where it should be. */
static const char *find_video(vj_pool *pool, const char *root, const char *name) {
  const char *extension = strrchr(name, '.') ? strrchr(name, '.') : ".avi";
  const char *path = find_file(pool, root, "videos", name, extension);
  if (!path) path = find_file(pool, root, "images", name, extension);
  return path ? path : vj_pool_format(pool, "%s/videos/%s", root, name);
}

static const char *list_folder(const cater_config *c) {
  if (c->task == ACTIONS) return "actions_present";
  if (c->task == ORDERS) return "actions_order_uniq";
  return c->grid == 4 ? "localize_4x4" : c->grid == 8 ? "localize_8x8" : "localize";
}

static vj_status read_list(const cater_config *c, const char *name, cater *d, vj_split split, vj_clip_list *list) {
  char *text = NULL;
  size_t bytes = 0;
  const char *path = vj_pool_format(list->pool, "%s/lists/%s/%s.txt", c->clips.root, list_folder(c), name);
  if (!path) return vj_fail(VJ_MEMORY, "no memory for the data set cater");
  if (!is_file(path))
    return vj_fail(VJ_CONFIG,
                   "%s: there is no such list; cater reads train_subsetT, train_subsetV and val in the folder "
                   "lists/%s of data.root",
                   path, list_folder(c));
  VJ_TRY(vj_list_read_file(path, &text, &bytes));
  const vj_status status =
      vj_cater_list_parse(text, bytes, path, d->classes, list->pool, &list->count[split], &d->listed[split]);
  free(text);
  return status;
}

/* --- opening ----------------------------------------------------------------------------------------------------- */

/* Of the videos' scenes, what is kept; a video without one, or with one that can't be read, is broken. */
static vj_status take_scenes(const char *root, const vj_cater_listed *listed, vj_annotations *annotations, int threads,
                             vj_pool *pool, int64_t count, vj_clip_entry *entries, vj_cater_motion *motions) {
  vj_annotation *const read = vj_pool_take(pool, (size_t)(count + 1) * sizeof *read);
  if (!read) return vj_fail(VJ_MEMORY, "no memory for the data set cater");
  for (int64_t i = 0; i < count; i++) {
    read[i].path = find_file(pool, root, "scenes", listed[i].video, ".json");
    if (read[i].path) continue;
    read[i].broken = vj_pool_format(pool, "%s/scenes: there is no scene of %s", root, listed[i].video);
    if (!read[i].broken) return vj_fail(VJ_MEMORY, "no memory for the data set cater");
  }
  VJ_TRY(vj_annotations_read(annotations, threads, pool, count, read));
  for (int64_t i = 0; i < count; i++) {
    entries[i].broken = read[i].broken;
    if (read[i].kept) motions[i] = vj_cater_motion_of(read[i].kept);
  }
  return VJ_OK;
}

static vj_status list_videos(const char *root, const cater *d, vj_split split, vj_clip_list *list,
                             vj_clip_entry **own) {
  const int64_t count = list->count[split];
  const vj_cater_listed *const listed = d->listed[split];
  vj_clip_entry *const entries = *own = vj_pool_take(list->pool, (size_t)(count + 1) * sizeof *entries);
  if (!entries) return vj_fail(VJ_MEMORY, "no memory for the data set cater");
  for (int64_t i = 0; i < count; i++) {
    entries[i].name = vj_pool_format(list->pool, "videos/%s", listed[i].video);
    entries[i].path = find_video(list->pool, root, listed[i].video);
    if (!entries[i].name || !entries[i].path) return vj_fail(VJ_MEMORY, "no memory for the data set cater");
    if (listed[i].count == 0 && d->source == OF_LIST) entries[i].broken = "it has no label in its list";
  }
  list->entries[split] = entries;
  return VJ_OK;
}

static vj_status list_scenes(const char *root, cater *d, vj_annotations *annotations, int threads, vj_clip_list *list,
                             vj_clip_entry *const *entries) {
  for (int s = 0; s < VJ_SPLITS; s++) {
    vj_cater_motion *motions = vj_pool_take(list->pool, (size_t)(list->count[s] + 1) * sizeof *motions);
    if (!motions) return vj_fail(VJ_MEMORY, "no memory for the data set cater");
    VJ_TRY(take_scenes(root, d->listed[s], annotations, threads, list->pool, list->count[s], entries[s], motions));
    d->motions[s] = motions;
  }
  return VJ_OK;
}

/* Of the videos of all splits. */
static vj_status read_scenes(const cater_config *c, cater *d, int threads, vj_clip_list *list,
                             vj_clip_entry *const *entries) {
  vj_annotations *annotations = NULL;
  VJ_TRY(vj_annotations_open(&vj_cater_motions, &c->clips, list->what, &annotations));
  const vj_status status = list_scenes(c->clips.root, d, annotations, threads, list, entries);
  vj_annotations_close(&annotations);
  return status;
}

/* Of a whole clip or of its target, as labels are. */
static vj_status check_overlap(const cater_config *c, const vj_clip_request *request) {
  const int64_t steps = request->target_frames + (c->labels == OF_CLIP ? request->input_frames : 0);
  const int64_t frames = (steps - 1) * c->clips.stride + 1;
  if (c->labels == OF_LIST || c->min_overlap <= frames) return VJ_OK;
  return vj_fail(VJ_CONFIG, "data.min_overlap: %lld frames, and %s is %lld long", (long long)c->min_overlap,
                 c->labels == OF_CLIP ? "a clip" : "the target of a clip", (long long)frames);
}

static vj_status check(const cater_config *c) {
  struct stat about;
  if (!c->clips.root[0])
    return vj_fail(
        VJ_CONFIG,
        "data.root: expected the folder of a variant of CATER, with videos and lists; `vjvcr data make cater "
        "DIR` makes a small stand-in, DIR/max2action");
  if (c->grid != 4 && c->grid != 6 && c->grid != 8)
    return vj_fail(VJ_CONFIG, "data.grid: expected 4, 6 or 8, got %lld", (long long)c->grid);
  if (stat(c->clips.root, &about) != 0 || !S_ISDIR(about.st_mode))
    return vj_fail(VJ_CONFIG,
                   "data.root: %s: there is no such folder; it is one of CATER's variants, and `vjvcr data make cater "
                   "DIR` makes a small stand-in, DIR/max2action",
                   c->clips.root);
  return VJ_OK;
}

static vj_status prepare(const void *config, int threads, vj_clip_list *list) {
  const cater_config *const c = config;
  static const char *const names[VJ_SPLITS] = {"train_subsetT", "train_subsetV", "val"};
  vj_clip_entry *entries[VJ_SPLITS];
  VJ_TRY(check(c));
  VJ_TRY(check_overlap(c, list->request));
  cater *d = vj_pool_take(list->pool, sizeof *d);
  if (!d) return vj_fail(VJ_MEMORY, "no memory for the data set cater");
  *d = (cater){.task = (task)c->task,
               .source = (label_source)c->labels,
               .min_overlap = c->min_overlap,
               .grid = c->grid,
               .classes = c->task == ACTIONS  ? (int64_t)VJ_CATER_PRESENT
                          : c->task == ORDERS ? (int64_t)VJ_CATER_ORDERS
                                              : c->grid * c->grid};
  describe_label(d, &d->labels[OF_TASK]);
  describe_what_is_known(d);
  VJ_TRY(name_classes(d, list->pool));
  list->labels = d->labels;
  list->label_count = d->source == OF_LIST ? 1 : LABELS;
  list->fill_labels = fill_labels;
  list->owner = d;
  for (int s = 0; s < VJ_SPLITS; s++) {
    VJ_TRY(read_list(c, names[s], d, (vj_split)s, list));
    VJ_TRY(list_videos(c->clips.root, d, (vj_split)s, list, &entries[s]));
  }
  return d->source == OF_LIST ? VJ_OK : read_scenes(c, d, threads, list, entries);
}

static vj_status cater_open(const void *config, const vj_clip_request *request, void **dataset) {
  return vj_clips_open("cater", prepare, config, request, dataset);
}

const vj_component vj_dataset_cater = {
    .abi = VJ_ABI,
    .kind = VJ_DATASET,
    .name = "cater",
    .summary = "videos of solids that slide, rotate, are picked, placed and contained, with these actions",
    .source = "Girdhar and Ramanan 2020, CATER (arXiv 1910.04744)",
    .params = params,
    .param_count = VJ_COUNT(params),
    .config_bytes = sizeof(cater_config),
    .as.dataset = VJ_CLIPS_OPS(cater_open),
};
