/* Where lists and videos are, by what the configuration says or by the names that collections give them. */
#include "datasets/video_list/video_list_private.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* The usual names, most usual first. */
enum { LAYOUTS = UNLABELLED + 1, USUAL = 5 };
static const char *const usual[LAYOUTS][VJ_SPLITS][USUAL] = {
    [PATHS] = {{"train.txt", "lists/train.txt", "train.csv"},
               {"validation.txt", "val.txt", "lists/validation.txt", "val.csv"},
               {"test.txt", "lists/test.txt", "test.csv"}},
    [FOLDERS] = {{"train", "."}, {"validation", "val"}, {"test"}},
    [KINETICS] = {{"train.csv"}, {"validate.csv", "validation.csv", "val.csv"}, {"test.csv"}},
    [SOMETHING] = {{"something-something-v2-train.json"}, {"something-something-v2-validation.json"}, {NULL}},
    [UNLABELLED] = {{"train.txt", "lists/train.txt", "train", "."},
                    {"validation.txt", "val.txt", "lists/validation.txt", "validation", "val"},
                    {"test.txt", "lists/test.txt", "test"}},
};
static const char *const split_names[VJ_SPLITS] = {"train", "validation", "test"};
static const char *const extensions[] = {"mp4", "webm", "mkv", "avi", "mov", "MP4", "WEBM", "MKV", "AVI", "MOV"};

/* --- where lists are --------------------------------------------------------------------------------------------- */

static bool exists(const char *path) { return access(path, F_OK) == 0; }

const char *vj_video_list_below(vj_pool *pool, const char *folder, const char *name) {
  return name[0] == '/' ? vj_pool_text(pool, name) : vj_pool_format(pool, "%s/%s", folder, name);
}

static vj_status nothing_found(const maker *m, int split) {
  const char *const *const names = usual[m->config->layout][split];
  char tried[256] = "";
  for (int i = 0; i < USUAL && names[i]; i++)
    snprintf(tried + strlen(tried), sizeof tried - strlen(tried), "%s%s", i ? ", " : "", names[i]);
  return vj_fail(VJ_CONFIG, "data.%s: nothing to be found in %s; looked for %s", split_names[split],
                 m->config->clips.root, tried);
}

static vj_status find_source(maker *m, int split) {
  const video_list_config *const c = m->config;
  const char *const said[VJ_SPLITS] = {c->train, c->validation, c->test};
  const char *const *const names = usual[c->layout][split];
  if (said[split][0]) {
    m->source[split] = vj_video_list_below(m->pool, c->clips.root, said[split]);
    if (!m->source[split]) return no_memory();
    if (exists(m->source[split])) return VJ_OK;
    return vj_fail(VJ_CONFIG, "data.%s: there is no %s", split_names[split], m->source[split]);
  }
  for (int i = 0; i < USUAL && names[i] && !m->source[split]; i++) {
    const char *const path = vj_video_list_below(m->pool, c->clips.root, names[i]);
    if (!path) return no_memory();
    if (exists(path)) m->source[split] = path;
  }
  return split == VJ_TRAIN && !m->source[split] ? nothing_found(m, split) : VJ_OK;
}

static vj_status check_root(const video_list_config *c) {
  struct stat about;
  if (!c->clips.root[0])
    return vj_fail(VJ_CONFIG, "data.root: expected the folder with the videos and their lists, got nothing");
  if (stat(c->clips.root, &about) != 0)
    return vj_fail(VJ_CONFIG,
                   "data.root: %s: can't be opened: %s; `vjvcr data make videos DIR` makes small videos with lists",
                   c->clips.root, strerror(errno));
  return S_ISDIR(about.st_mode) ? VJ_OK : vj_fail(VJ_CONFIG, "data.root: %s: is no folder", c->clips.root);
}

vj_status vj_video_list_find_sources(maker *m) {
  VJ_TRY(check_root(m->config));
  for (int s = 0; s < VJ_SPLITS; s++) VJ_TRY(find_source(m, s));
  const bool may_be_root = m->config->layout == FOLDERS || m->config->layout == UNLABELLED;
  if (may_be_root && strcmp(m->source[VJ_TRAIN] + strlen(m->config->clips.root), "/.") == 0)
    m->source[VJ_VALIDATION] = m->source[VJ_TEST] = NULL;
  return VJ_OK;
}

/* --- where videos are -------------------------------------------------------------------------------------------- */

/* The first of folder/name.<extension> that is there; NULL: none. */
static const char *with_extension(vj_pool *pool, const char *folder, const char *name) {
  for (size_t i = 0; i < VJ_COUNT(extensions); i++) {
    const char *const path = vj_pool_format(pool, "%s/%s.%s", folder, name, extensions[i]);
    if (path && exists(path)) return path;
  }
  return NULL;
}

const char *vj_video_list_name(const maker *m, const vj_list_row *row) {
  const size_t length = strlen(m->config->clips.root);
  const char *name = row->name;
  const bool was_found =
      m->config->layout == FOLDERS || m->config->layout == UNLABELLED; /* in a folder, below the root */
  if (was_found && strncmp(name, m->config->clips.root, length) == 0) name += length;
  while (*name == '/' && name != row->name) name++;
  return strncmp(name, "./", 2) == 0 ? name + 2 : name;
}

/* Kinetics' videos lie in one folder, or in one for each split, or in one for each class in these. */
static const char *find_kinetics(const maker *m, int split, const vj_list_row *row) {
  static const char *const folders[VJ_SPLITS][3] = {{"train"}, {"validate", "validation", "val"}, {"test"}};
  const char *const folder =
      vj_video_list_below(m->pool, m->config->clips.root, m->config->videos[0] ? m->config->videos : ".");
  const char *path = folder ? with_extension(m->pool, folder, row->name) : NULL;
  for (int s = 0; s < 3 * VJ_SPLITS && !path && folder; s++) {
    const char *const name = folders[(split + s / 3) % VJ_SPLITS][s % 3]; /* its own split's first */
    const char *const inner = name ? vj_pool_format(m->pool, "%s/%s", folder, name) : NULL;
    if (inner) path = with_extension(m->pool, inner, row->name);
    const char *const class = inner && !path ? vj_pool_format(m->pool, "%s/%s", inner, row->class) : NULL;
    if (class) path = with_extension(m->pool, class, row->name);
  }
  return path ? path : vj_pool_format(m->pool, "%s/%s.mp4", folder, row->name);
}

static const char *find_something(const maker *m, const vj_list_row *row) {
  static const char *const folders[] = {"20bn-something-something-v2", "videos", "."};
  const char *path = NULL;
  const char *const said = m->config->videos;
  for (size_t i = 0; i < (said[0] ? 1 : VJ_COUNT(folders)) && !path; i++) {
    const char *const folder = vj_video_list_below(m->pool, m->config->clips.root, said[0] ? said : folders[i]);
    if (folder) path = with_extension(m->pool, folder, row->name);
  }
  return path ? path
              : vj_pool_format(m->pool, "%s/%s/%s.webm", m->config->clips.root, said[0] ? said : folders[0], row->name);
}

/* A relative path stands below the root, or, as V-JEPA reads it, below the current folder. */
static const char *find_path(const maker *m, const vj_list_row *row) {
  const char *const path = vj_video_list_below(m->pool, m->config->clips.root, row->name);
  return path && !exists(path) && exists(row->name) ? row->name : path;
}

const char *vj_video_list_find_video(const maker *m, int split, const vj_list_row *row) {
  switch (m->config->layout) {
    case KINETICS:
      return find_kinetics(m, split, row);
    case SOMETHING:
      return find_something(m, row);
    default:
      return find_path(m, row);
  }
}
