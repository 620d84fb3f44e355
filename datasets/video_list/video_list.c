/* Labelled videos of any origin: V-JEPA's lists, Kinetics' CSV, Something-Something's JSON, or a folder for each class;
 * or without a class, and any of them with annotations in tables (annotated.h).
 *
 * Where nothing else is said, lists and folders have the names that these collections give them. A split for which
 * there is none is taken from the one before (split.c). What is no video is left out of folders, and unusable in lists.
 */
#include <dirent.h>
#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "datasets/video/file_kind.h"
#include "datasets/video_list/annotated.h"
#include "vj/component.h"

static const vj_param params[] = {
    VJ_CLIP_PARAMS("4", "4", "[0]"),
    VJ_CHOICE(video_list_config, layout, "list|folders|kinetics|something|unlabelled", "list",
              "`list`: lines `path label`; `folders`: one for each class; `kinetics`: CSV; `something`: JSON; "
              "`unlabelled`: lines `path`, or a folder with videos"),
    VJ_TEXT(video_list_config, train, "",
            "list of training videos, or folder of the classes' folders, below the root; empty: by its usual name"),
    VJ_TEXT(video_list_config, validation, "", "the same for validation"),
    VJ_TEXT(video_list_config, test, "", "the same for test"),
    VJ_TEXT(video_list_config, classes, "",
            "JSON with the numbers of classes; empty: of something by its usual name, of list none"),
    VJ_TEXT(video_list_config, videos, "",
            "of kinetics and something: folder of the videos below the root; empty: the usual ones are tried"),
    VJ_TEXT(
        video_list_config, intervals, "",
        "table (CSV, TSV) of intervals with labels, below the root; with a * one for each video, its name in place of "
        "the *; empty: none"),
    VJ_TEXT(video_list_config, frame_values, "", "the same with values of frames, also as DeepLabCut writes them"),
    VJ_TEXT(video_list_config, video_column, "", "column with the video's name; empty: with a usual name"),
    VJ_TEXT(video_list_config, start_column, "", "of intervals: column with their starts; empty: with a usual name"),
    VJ_TEXT(video_list_config, end_column, "",
            "of intervals: column with their ends; empty: the one that fits, or none"),
    VJ_TEXTS(
        video_list_config, label_columns, "[]",
        "of intervals: columns with labels; of several (ELAN's tiers) a label is `column: text`; none: with a usual "
        "name"),
    VJ_CHOICE(video_list_config, time_unit, "auto|seconds|milliseconds|frames", "auto",
              "of starts and ends; auto: as their columns' names say"),
    VJ_REAL(video_list_config, rate, "0", 0, 1e6, "frames/s", "for intervals in seconds; 0: each video's own"),
    VJ_TEXTS(video_list_config, actions, "[]", "labels of intervals that are meant, in this order; none: all, sorted"),
    VJ_INTEGER(video_list_config, min_overlap, "1", 1, 1000000000, "frames",
               "between the first and the last target frame that a label needs to be one of the clip's"),
    VJ_TEXT(video_list_config, frame_column, "",
            "of frame_values: column with the frame's number; empty: with a usual name"),
    VJ_TEXTS(video_list_config, value_columns, "[]",
             "of frame_values: columns to read, or their common part (nose for nose.x and nose.y); none: all"),
    VJ_REAL(video_list_config, min_likelihood, "0.6", 0, INFINITY, "",
            "of frame_values: a value whose likelihood is below is missing"),
    VJ_INTEGER(video_list_config, first_frame, "0", 0, 1000000, "", "number that tables give a video's first frame"),
};

static const char *const usual_classes = "something-something-v2-labels.json";

typedef struct owner {
  bool has_classes;
  int64_t *class[VJ_SPLITS]; /* of each video */
  vj_annotated *annotated;   /* NULL: there are no tables */
  vj_label labels[1 + VJ_ANNOTATED_LABELS];
} owner;

/* --- reading lists ----------------------------------------------------------------------------------------------- */

typedef vj_status (*parser)(vj_pool *pool, const char *text, size_t length, const char *path, vj_list_rows *rows);

static vj_status parse_file(vj_pool *pool, const char *path, parser parse, vj_list_rows *rows) {
  char *text = NULL;
  size_t length = 0;
  VJ_TRY(vj_list_read_file(path, &text, &length));
  const vj_status status = parse(pool, text, length, path, rows);
  free(text);
  return status;
}

static int by_text(const void *a, const void *b) { return strcmp(*(const char *const *)a, *(const char *const *)b); }

/* The names in a folder, sorted; hidden ones are left out. */
static vj_status read_folder(vj_pool *pool, const char *path, const char ***names, int64_t *count) {
  vj_list_rows found = {0};
  DIR *const folder = opendir(path);
  if (!folder) return vj_fail(VJ_DATA, "%s: can't be read: %s", path, strerror(errno));
  vj_status status = VJ_OK;
  for (const struct dirent *entry; status == VJ_OK && (entry = readdir(folder));) {
    if (entry->d_name[0] == '.') continue;
    const char *const name = vj_pool_text(pool, entry->d_name);
    status = name ? vj_list_add(pool, &found, name, NULL, -1) : no_memory();
  }
  closedir(folder);
  VJ_TRY(status);
  *count = found.count;
  *names = vj_pool_take(pool, (size_t)(found.count + 1) * sizeof **names);
  if (!*names) return no_memory();
  for (int64_t i = 0; i < found.count; i++) (*names)[i] = found.at[i].name;
  qsort(*names, (size_t)found.count, sizeof **names, by_text);
  return VJ_OK;
}

static bool is_folder(const char *path) {
  struct stat about;
  return stat(path, &about) == 0 && S_ISDIR(about.st_mode);
}

static vj_status add_file(maker *m, int split, const char *path, const char *class) {
  const char *const other = vj_file_no_video(path);
  if (!other) return vj_list_add(m->pool, &m->rows[split], path, class, -1);
  if (m->others++ == 0) m->first_other = path, m->first_kind = other;
  return VJ_OK;
}

/* root/<class>/<video>. The training folder may be the root, which then holds other splits' folders too. */
static vj_status read_class_folders(maker *m, int split) {
  const char **classes, **videos;
  int64_t class_count, video_count;
  VJ_TRY(read_folder(m->pool, m->source[split], &classes, &class_count));
  for (int64_t i = 0; i < class_count; i++) {
    const char *const folder = vj_video_list_below(m->pool, m->source[split], classes[i]);
    if (!folder) return no_memory();
    if (!is_folder(folder)) continue;
    VJ_TRY(read_folder(m->pool, folder, &videos, &video_count));
    for (int64_t k = 0; k < video_count; k++) {
      const char *const path = vj_video_list_below(m->pool, folder, videos[k]);
      if (!path) return no_memory();
      if (!is_folder(path)) VJ_TRY(add_file(m, split, path, classes[i]));
    }
  }
  return VJ_OK;
}

enum { DEEPEST = 16 /* folders in folders: links may lead back */ };

/* All videos below a folder. */
static vj_status read_below(maker *m, int split, const char *folder, int depth) {
  const char **names;
  int64_t count;
  VJ_TRY(read_folder(m->pool, folder, &names, &count));
  for (int64_t i = 0; i < count; i++) {
    const char *const path = vj_video_list_below(m->pool, folder, names[i]);
    if (!path) return no_memory();
    if (!is_folder(path))
      VJ_TRY(add_file(m, split, path, NULL));
    else if (depth < DEEPEST)
      VJ_TRY(read_below(m, split, path, depth + 1));
  }
  return VJ_OK;
}

static vj_status read_unlabelled(maker *m, int split) {
  const char *const path = m->source[split];
  return is_folder(path) ? read_below(m, split, path, 1)
                         : parse_file(m->pool, path, vj_list_parse_videos, &m->rows[split]);
}

static vj_status read_split(maker *m, int split) {
  const char *const path = m->source[split];
  if (!path) return VJ_OK;
  switch (m->config->layout) {
    case PATHS:
      return parse_file(m->pool, path, vj_list_parse_paths, &m->rows[split]);
    case KINETICS:
      return parse_file(m->pool, path, vj_list_parse_kinetics, &m->rows[split]);
    case SOMETHING:
      return parse_file(m->pool, path, vj_list_parse_something, &m->rows[split]);
    case UNLABELLED:
      return read_unlabelled(m, split);
    default:
      return read_class_folders(m, split);
  }
}

/* --- classes ----------------------------------------------------------------------------------------------------- */

static int by_class(const void *a, const void *b) {
  return strcmp(((const vj_list_row *)a)->class, ((const vj_list_row *)b)->class);
}

/* All names there are, sorted: a class's number is its place among them. */
static vj_status collect_classes(maker *m, vj_list_rows *classes) {
  for (int s = 0; s < VJ_SPLITS; s++)
    for (int64_t i = 0; i < m->rows[s].count; i++)
      VJ_TRY(vj_list_add(m->pool, classes, NULL, m->rows[s].at[i].class, -1));
  if (classes->count) qsort(classes->at, (size_t)classes->count, sizeof *classes->at, by_class);
  int64_t kept = 0;
  for (int64_t i = 0; i < classes->count; i++)
    if (i == 0 || by_class(&classes->at[i], &classes->at[kept - 1]) != 0) {
      classes->at[kept] = classes->at[i];
      classes->at[kept].number = kept;
      kept++;
    }
  classes->count = kept;
  return VJ_OK;
}

static vj_status read_classes(maker *m, vj_list_rows *classes) {
  const char *const name = m->config->classes[0] ? m->config->classes : usual_classes;
  const char *const path = vj_video_list_below(m->pool, m->config->clips.root, name);
  if (!path) return no_memory();
  if (access(path, F_OK) != 0) return vj_fail(VJ_CONFIG, "data.classes: there is no %s", path);
  VJ_TRY(parse_file(m->pool, path, vj_list_parse_classes, classes));
  if (classes->count) qsort(classes->at, (size_t)classes->count, sizeof *classes->at, by_class);
  return VJ_OK;
}

/* By number; one that has no name of its own is called by it. */
static vj_status name_classes(maker *m, const vj_list_rows *classes) {
  if (classes->count == 0) return VJ_OK;
  m->class_names = vj_pool_take(m->pool, (size_t)(m->classes + 2) * sizeof *m->class_names);
  if (!m->class_names) return no_memory();
  for (int64_t i = 0; i < classes->count; i++) m->class_names[classes->at[i].number] = classes->at[i].class;
  for (int64_t k = 0; k < m->classes || k < 2; k++)
    if (!m->class_names[k] && !(m->class_names[k] = vj_pool_format(m->pool, "%" PRId64, k))) return no_memory();
  return VJ_OK;
}

static vj_status number_classes(maker *m) {
  vj_list_rows classes = {0};
  const bool is_numbered = m->config->layout == PATHS && m->config->classes[0];
  if (m->config->layout == SOMETHING || is_numbered) VJ_TRY(read_classes(m, &classes));
  if (m->config->layout == FOLDERS || m->config->layout == KINETICS) VJ_TRY(collect_classes(m, &classes));
  for (int s = 0; s < VJ_SPLITS; s++)
    for (int64_t i = 0; i < m->rows[s].count; i++) {
      vj_list_row *const row = &m->rows[s].at[i];
      const vj_list_row *const class =
          row->class && classes.count ? bsearch(row, classes.at, (size_t)classes.count, sizeof *classes.at, by_class)
                                      : NULL;
      if (row->class && !class)
        return vj_fail(VJ_DATA, "%s: video %s: there is no class \"%s\"", m->source[s], row->name, row->class);
      if (class) row->number = class->number;
      if (row->number >= m->classes) m->classes = row->number + 1;
    }
  for (int64_t i = 0; i < classes.count; i++)
    if (classes.at[i].number >= m->classes) m->classes = classes.at[i].number + 1;
  return name_classes(m, &classes);
}

/* --- the data set ------------------------------------------------------------------------------------------------ */

static vj_status fill_labels(const void *context, vj_split split, int64_t video, const vj_clip_window *window,
                             float *labels) {
  const owner *const own = context;
  if (own->has_classes) *labels++ = (float)own->class[split][video];
  if (own->annotated) vj_annotated_fill(own->annotated, split, video, window, labels);
  return VJ_OK;
}

/* A list names what it likes; class folders have been looked through. */
static vj_status mark_other(maker *m, vj_clip_entry *entry) {
  const bool is_listed = m->config->layout == PATHS || m->config->layout == UNLABELLED;
  const char *const other = is_listed ? vj_file_no_video(entry->path) : NULL;
  if (!other) return VJ_OK;
  entry->broken = vj_pool_format(m->pool, "%s: not a video: %s", entry->path, other);
  return entry->broken ? VJ_OK : no_memory();
}

static vj_status take_note(const maker *m, vj_clip_list *list) {
  list->others = m->others;
  if (m->others == 0) return VJ_OK;
  list->note = vj_pool_format(m->pool, "%" PRId64 " file%s in the folders %s no video%s: %s is %s%s", m->others,
                              m->others == 1 ? "" : "s", m->others == 1 ? "is" : "are", m->others == 1 ? "" : "s",
                              m->first_other, m->first_kind, m->others == 1 ? "" : ", for one");
  return list->note ? VJ_OK : no_memory();
}

static vj_status take_entries(maker *m, vj_clip_list *list, owner *own) {
  for (int s = 0; s < VJ_SPLITS; s++) {
    const int64_t count = m->rows[s].count;
    vj_clip_entry *const entries = vj_pool_take(m->pool, (size_t)(count + 1) * sizeof *entries);
    own->class[s] = vj_pool_take(m->pool, (size_t)(count + 1) * sizeof *own->class[s]);
    if (!entries || !own->class[s]) return no_memory();
    for (int64_t i = 0; i < count; i++) {
      entries[i] = (vj_clip_entry){.name = vj_video_list_name(m, &m->rows[s].at[i]),
                                   .path = vj_video_list_find_video(m, s, &m->rows[s].at[i])};
      if (!entries[i].path) return no_memory();
      VJ_TRY(mark_other(m, &entries[i]));
      own->class[s][i] = m->rows[s].at[i].number;
    }
    list->entries[s] = m->entries[s] = entries;
    list->count[s] = count;
  }
  return VJ_OK;
}

static void list_labels(const maker *m, owner *own, vj_clip_list *list) {
  if (own->has_classes)
    own->labels[list->label_count++] = (vj_label){.name = "class",
                                                  .kind = VJ_LABEL_CLASS,
                                                  .width = 1,
                                                  .classes = m->classes < 2 ? 2 : m->classes,
                                                  .unit = "",
                                                  .doc = "of the whole video",
                                                  .names = m->class_names};
  if (own->annotated) list->label_count += vj_annotated_labels(own->annotated, own->labels + list->label_count);
  list->labels = own->labels;
}

static vj_status make_list(maker *m, int threads, vj_clip_list *list) {
  owner *const own = vj_pool_take(m->pool, sizeof *own);
  if (!own) return no_memory();
  own->has_classes = m->config->layout != UNLABELLED;
  VJ_TRY(vj_video_list_find_sources(m));
  for (int s = 0; s < VJ_SPLITS; s++) VJ_TRY(read_split(m, s));
  VJ_TRY(number_classes(m));
  VJ_TRY(vj_video_list_divide(m, VJ_TRAIN, VJ_VALIDATION, 10));
  VJ_TRY(vj_video_list_divide(m, VJ_VALIDATION, VJ_TEST, 2));
  VJ_TRY(take_entries(m, list, own));
  VJ_TRY(take_note(m, list));
  if (vj_is_annotated(m->config)) VJ_TRY(vj_annotated_read(m, threads, list, m->entries, &own->annotated));
  list_labels(m, own, list);
  list->fill_labels = fill_labels;
  list->owner = own;
  return VJ_OK;
}

static vj_status prepare(const void *config, int threads, vj_clip_list *list) {
  return make_list(&(maker){.config = config, .pool = list->pool}, threads, list);
}

static vj_status video_list_open(const void *config, const vj_clip_request *request, void **dataset) {
  return vj_clips_open("video_list", prepare, config, request, dataset);
}

const vj_component vj_dataset_video_list = {
    .abi = VJ_ABI,
    .kind = VJ_DATASET,
    .name = "video_list",
    .summary =
        "videos with labels: lists, Kinetics, Something-Something, folders; intervals and values of frames in tables",
    .source = "lists as of facebookresearch/jepa, Kinetics (arXiv 1705.06950), Something-Something (arXiv 1706.04261)",
    .params = params,
    .param_count = VJ_COUNT(params),
    .config_bytes = sizeof(video_list_config),
    .as.dataset = VJ_CLIPS_OPS(video_list_open),
};
