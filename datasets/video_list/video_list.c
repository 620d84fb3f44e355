/* Labelled videos of any origin: V-JEPA's lists, Kinetics' CSV, Something-Something's JSON, or a folder for each class.
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
#include "datasets/video_list/video_list_private.h"
#include "vj/component.h"

static const vj_param params[] = {
    VJ_CLIP_PARAMS("4", "4", "[0]"),
    VJ_CHOICE(video_list_config, layout, "list|folders|kinetics|something", "list",
              "`list`: lines `path label`; `folders`: one for each class; `kinetics`: CSV; `something`: JSON"),
    VJ_TEXT(video_list_config, train, "",
            "list of training videos, or folder of the classes' folders, below the root; empty: by its usual name"),
    VJ_TEXT(video_list_config, validation, "", "the same for validation"),
    VJ_TEXT(video_list_config, test, "", "the same for test"),
    VJ_TEXT(video_list_config, classes, "", "of something: JSON with the numbers of classes; empty: by its usual name"),
    VJ_TEXT(video_list_config, videos, "",
            "of kinetics and something: folder of the videos below the root; empty: the usual ones are tried"),
};

static const char *const usual_classes = "something-something-v2-labels.json";

typedef struct owner {
  int64_t *class[VJ_SPLITS]; /* of each video */
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

static vj_status number_classes(maker *m) {
  vj_list_rows classes = {0};
  if (m->config->layout == SOMETHING) VJ_TRY(read_classes(m, &classes));
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
  return VJ_OK;
}

/* --- the data set ------------------------------------------------------------------------------------------------ */

static vj_status fill_labels(const void *context, vj_split split, int64_t video, const vj_clip_window *window,
                             float *labels) {
  (void)window;
  labels[0] = (float)((const owner *)context)->class[split][video];
  return VJ_OK;
}

/* A list names what it likes; class folders have been looked through. */
static vj_status mark_other(maker *m, vj_clip_entry *entry) {
  const char *const other = m->config->layout == PATHS ? vj_file_no_video(entry->path) : NULL;
  if (!other) return VJ_OK;
  entry->broken = vj_pool_format(m->pool, "%s: not a video: %s", entry->path, other);
  return entry->broken ? VJ_OK : no_memory();
}

static vj_status take_note(const maker *m, vj_clip_list *list) {
  list->others = m->others;
  if (m->others == 0) return VJ_OK;
  list->note =
      vj_pool_format(m->pool, "%" PRId64 " file%s in the classes' folders %s no video%s: %s is %s%s", m->others,
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
    list->entries[s] = entries;
    list->count[s] = count;
  }
  return VJ_OK;
}

static vj_status make_list(maker *m, vj_clip_list *list) {
  owner *const own = vj_pool_take(m->pool, sizeof *own);
  vj_label *const label = vj_pool_take(m->pool, sizeof *label);
  if (!own || !label) return no_memory();
  VJ_TRY(vj_video_list_find_sources(m));
  for (int s = 0; s < VJ_SPLITS; s++) VJ_TRY(read_split(m, s));
  VJ_TRY(number_classes(m));
  VJ_TRY(vj_video_list_divide(m, VJ_TRAIN, VJ_VALIDATION, 10));
  VJ_TRY(vj_video_list_divide(m, VJ_VALIDATION, VJ_TEST, 2));
  VJ_TRY(take_entries(m, list, own));
  VJ_TRY(take_note(m, list));
  *label = (vj_label){.name = "class",
                      .kind = VJ_LABEL_CLASS,
                      .width = 1,
                      .classes = m->classes < 2 ? 2 : m->classes,
                      .unit = "",
                      .doc = "of the whole video"};
  list->labels = label;
  list->label_count = 1;
  list->fill_labels = fill_labels;
  list->owner = own;
  return VJ_OK;
}

static vj_status prepare(const void *config, int threads, vj_clip_list *list) {
  (void)threads;
  return make_list(&(maker){.config = config, .pool = list->pool}, list);
}

static vj_status video_list_open(const void *config, const vj_clip_request *request, void **dataset) {
  return vj_clips_open("video_list", prepare, config, request, dataset);
}

const vj_component vj_dataset_video_list = {
    .abi = VJ_ABI,
    .kind = VJ_DATASET,
    .name = "video_list",
    .summary = "labelled videos: lists, Kinetics, Something-Something, or a folder for each class",
    .source = "lists as of facebookresearch/jepa, Kinetics (arXiv 1705.06950), Something-Something (arXiv 1706.04261)",
    .params = params,
    .param_count = VJ_COUNT(params),
    .config_bytes = sizeof(video_list_config),
    .as.dataset = VJ_CLIPS_OPS(video_list_open),
};
