#include "datasets/clevrer/folders.h"

#include <dirent.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/stat.h>

enum { PATH_BYTES = 4096, NAME_BYTES = 1024 };

typedef struct finder {
  const char *root, *annotations; /* annotations: their folder, below the root */
  vj_pool *pool;
  vj_clevrer_file *files;
  int64_t count;
} finder;

static bool is_folder(const char *root, const char *name) {
  char path[PATH_BYTES];
  struct stat about;
  return snprintf(path, sizeof path, "%s/%s", root, name) < PATH_BYTES && stat(path, &about) == 0 &&
         S_ISDIR(about.st_mode);
}

/* The first of "<what>s/<split>", "<what>_<split>", ... that is there, into `name`. */
static bool find_folder(const char *root, const char *what, const char *split, char name[NAME_BYTES]) {
  const char *const spellings[] = {split, strcmp(split, "validation") == 0 ? "val" : split};
  for (int i = 0; i < 2; i++) {
    snprintf(name, NAME_BYTES, "%ss/%s", what, spellings[i]);
    if (is_folder(root, name)) return true;
    snprintf(name, NAME_BYTES, "%s_%s", what, spellings[i]);
    if (is_folder(root, name)) return true;
  }
  return false;
}

static vj_status no_memory(const finder *f) {
  return vj_fail(VJ_MEMORY, "%s: no memory for its list of videos", f->root);
}

/* The annotation of a number: in the folder of its thousand, or without one. */
static const char *annotation_of(const finder *f, int64_t number) {
  const long long low = number / 1000 * 1000;
  char thousand[NAME_BYTES];
  snprintf(thousand, sizeof thousand, "%s/annotation_%05lld-%05lld", f->annotations, low, low + 1000);
  return vj_pool_format(f->pool, "%s/%s/annotation_%05lld.json", f->root,
                        is_folder(f->root, thousand) ? thousand : f->annotations, (long long)number);
}

/* The number in "video_00012.mp4"; -1: the name is no video's. */
static int64_t number_of(const char *name) {
  char *end = NULL;
  if (strncmp(name, "video_", 6) != 0 || name[6] < '0' || name[6] > '9') return -1;
  const long long number = strtoll(name + 6, &end, 10);
  return strcasecmp(end, ".mp4") == 0 && number < 100000000 ? number : -1;
}

static vj_status add_video(finder *f, const char *folder, const char *file) {
  const int64_t number = number_of(file);
  if (number < 0) return VJ_OK;
  if (!vj_pool_grow(f->pool, &f->files, f->count, sizeof *f->files)) return no_memory(f);
  const char *name = vj_pool_format(f->pool, "%s/%s", folder, file);
  f->files[f->count] = (vj_clevrer_file){.number = number,
                                         .name = name,
                                         .video = name ? vj_pool_format(f->pool, "%s/%s", f->root, name) : NULL,
                                         .annotation = annotation_of(f, number)};
  if (!f->files[f->count].video || !f->files[f->count].annotation) return no_memory(f);
  f->count++;
  return VJ_OK;
}

/* A folder and, once, the folders in it. */
static vj_status scan(finder *f, const char *folder, bool is_top) {
  char path[PATH_BYTES];
  vj_status status = VJ_OK;
  const struct dirent *entry;
  snprintf(path, sizeof path, "%s/%s", f->root, folder);
  DIR *directory = opendir(path);
  if (!directory) return vj_fail(VJ_IO, "%s: the folder can't be read", path);
  while (status == VJ_OK && (entry = readdir(directory))) {
    char inner[2 * NAME_BYTES];
    snprintf(inner, sizeof inner, "%s/%s", folder, entry->d_name);
    status = is_top && entry->d_name[0] != '.' && is_folder(f->root, inner) ? scan(f, inner, false)
                                                                            : add_video(f, folder, entry->d_name);
  }
  closedir(directory);
  return status;
}

static int by_number(const void *one, const void *other) {
  const vj_clevrer_file *a = one, *b = other;
  if (a->number != b->number) return a->number < b->number ? -1 : 1;
  return strcmp(a->name, b->name); /* in folders that overlap */
}

vj_status vj_clevrer_find(const char *root, const char *split, vj_pool *pool, int64_t *count,
                          const vj_clevrer_file **files) {
  char folder[NAME_BYTES], annotations[NAME_BYTES];
  finder f = {.root = root, .pool = pool};
  const bool is_validation = strcmp(split, "validation") == 0;
  if (!is_folder(root, "."))
    return vj_fail(VJ_CONFIG,
                   "data.root: %s: there is no such folder; `vjvcr data make clevrer DIR` makes a small stand-in",
                   root);
  if (!find_folder(root, "video", split, folder))
    return vj_fail(VJ_CONFIG, "%s: no folder with CLEVRER's %s videos; looked for videos/%s and video_%s%s", root,
                   split, split, split, is_validation ? ", also with val" : "");
  if (!find_folder(root, "annotation", split, annotations))
    return vj_fail(VJ_CONFIG,
                   "%s: no folder with CLEVRER's %s annotations; looked for annotations/%s and annotation_%s%s", root,
                   split, split, split, is_validation ? ", also with val" : "");
  f.annotations = annotations;
  VJ_TRY(scan(&f, folder, true));
  if (f.count > 0) qsort(f.files, (size_t)f.count, sizeof *f.files, by_number);
  *count = f.count;
  *files = f.files;
  return VJ_OK;
}
