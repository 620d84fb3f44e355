#include "datasets/video_list/video_names.h"

#include <stdlib.h>
#include <string.h>

#include "datasets/tables/delimited.h"

static vj_status no_memory(void) { return vj_fail(VJ_MEMORY, "no memory for the names of videos"); }

static const char *base_of(const char *path) {
  const char *const slash = strrchr(path, '/');
  return slash ? slash + 1 : path;
}

const char *vj_video_stem(vj_pool *pool, const char *path) {
  char *const stem = vj_pool_text(pool, base_of(path));
  char *const dot = stem ? strrchr(stem, '.') : NULL;
  if (dot && dot != stem) *dot = 0;
  return stem;
}

static int by_stem(const void *a, const void *b) {
  const vj_named_video *const x = a, *const y = b;
  const int order = strcmp(x->stem, y->stem);
  return order ? order : strcmp(x->path, y->path);
}

vj_status vj_video_names_make(vj_pool *pool, const vj_clip_list *list, vj_video_names *names) {
  int64_t all = 0;
  for (int s = 0; s < VJ_SPLITS; s++) all += list->count[s];
  vj_named_video *const at = vj_pool_take(pool, (size_t)(all + 1) * sizeof *at);
  if (!at) return no_memory();
  *names = (vj_video_names){at, 0};
  for (int s = 0; s < VJ_SPLITS; s++)
    for (int64_t i = 0; i < list->count[s]; i++) {
      const char *const path = list->entries[s][i].path, *const stem = vj_video_stem(pool, path);
      if (!stem) return no_memory();
      at[names->count++] = (vj_named_video){stem, path, s, i};
    }
  qsort(at, (size_t)all, sizeof *at, by_stem);
  return VJ_OK;
}

static int64_t first_not_before(const vj_video_names *names, const char *stem) {
  int64_t low = 0, high = names->count;
  while (low < high) {
    const int64_t middle = low + (high - low) / 2;
    if (strcmp(names->at[middle].stem, stem) < 0)
      low = middle + 1;
    else
      high = middle;
  }
  return low;
}

/* How many folders, from the last on, two paths share. */
static int64_t shared_folders(const char *one, const char *other) {
  const char *x = base_of(one), *y = base_of(other);
  int64_t shared = 0;
  for (;; shared++) {
    const char *const x_end = x, *const y_end = y;
    if (x == one || y == other) return shared;
    for (x--; x > one && x[-1] != '/'; x--) continue;
    for (y--; y > other && y[-1] != '/'; y--) continue;
    if (x_end - x != y_end - y || strncmp(x, y, (size_t)(x_end - x)) != 0) return shared;
  }
}

/* Of a range of one stem, the videos whose folders fit best; they are one and the same file, or it is not clear. */
static vj_status choose(const vj_video_names *names, const char *written, const char *place, int64_t *first,
                        int64_t *count) {
  int64_t best = -1, from = *first, chosen = 0;
  char shown[VJ_SHOWN_BYTES];
  for (int64_t i = *first; i < *first + *count; i++) {
    const int64_t shared = shared_folders(written, names->at[i].path);
    if (shared > best) best = shared, from = i, chosen = 0;
    if (shared < best) continue;
    if (chosen > 0 && strcmp(names->at[i].path, names->at[from].path) != 0) chosen = INT64_MIN / 2;
    chosen++;
  }
  if (chosen < 0)
    return vj_fail(VJ_DATA, "%s: \"%s\" may be %s or another video of that name; write its folder, too", place,
                   vj_delimited_shown(written, shown), names->at[from].path);
  *first = from, *count = chosen;
  return VJ_OK;
}

vj_status vj_video_names_find(const vj_video_names *names, vj_pool *pool, const char *written, const char *place,
                              int64_t *first, int64_t *count) {
  char *const path = vj_pool_text(pool, written);
  if (!path) return no_memory();
  for (char *at = path; *at; at++)
    if (*at == '\\') *at = '/';
  const char *stem = base_of(path); /* without an extension, maybe with dots; else with one */
  for (int tries = 0; tries < 2; tries++) {
    *first = first_not_before(names, stem);
    for (*count = 0; *first + *count < names->count && strcmp(names->at[*first + *count].stem, stem) == 0;) ++*count;
    if (*count > 0) return choose(names, path, place, first, count);
    stem = vj_video_stem(pool, path);
    if (!stem) return no_memory();
  }
  return VJ_OK;
}
