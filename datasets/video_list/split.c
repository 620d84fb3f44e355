/* Splits that no list gives, taken from the one before: of each class its share, by videos' relative paths. Which ones
 * they are depends on nothing but the names: a video that is added moves one other of its class at most. */
#include <stdlib.h>
#include <string.h>

#include "datasets/video/file_kind.h"
#include "datasets/video_list/video_list_private.h"
#include "vj/rng.h"

/* A video of the split that is divided. */
typedef struct candidate {
  const vj_list_row *row;
  const char *name;
  uint64_t hash;
  bool is_taken;
} candidate;

/* Without the root, in one spelling; NULL when memory is out. */
static const char *relative_path(const maker *m, const vj_list_row *row) {
  const char *const root = m->config->clips.root, *from = row->name;
  const size_t length = strlen(root);
  if (strncmp(from, root, length) == 0 && (from[length] == '/' || (length && root[length - 1] == '/'))) from += length;
  char *const path = vj_pool_text(m->pool, from), *to = path;
  for (const char *at = path; path && *at;) {
    while (*at == '/') at++;
    const size_t part = strcspn(at, "/");
    if (part && !(part == 1 && at[0] == '.')) {
      if (to != path) *to++ = '/';
      memmove(to, at, part);
      to += part;
    }
    at += part;
  }
  if (path) *to = 0;
  return path;
}

/* A finished mix of bits: names that differ in a digit must not share their first bits. */
static uint64_t mixed(uint64_t bits) {
  bits = (bits ^ (bits >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
  bits = (bits ^ (bits >> 27)) * UINT64_C(0x94d049bb133111eb);
  return bits ^ (bits >> 31);
}

static int by_hash(const candidate *x, const candidate *y) {
  if (x->hash != y->hash) return x->hash < y->hash ? -1 : 1;
  return strcmp(x->name, y->name);
}

static int by_class(const void *a, const void *b) {
  const candidate *const x = a, *const y = b;
  if (x->row->number != y->row->number) return x->row->number < y->row->number ? -1 : 1;
  return by_hash(x, y);
}

static int by_name(const void *a, const void *b) { return by_hash(a, b); }

/* A part of n videos; what is left of a whole one is rounded up in as many classes as its size says. */
static int64_t share_of(int64_t n, int64_t parts, int64_t class, int to) {
  const uint64_t where = mixed(((uint64_t) class << 2) + (uint64_t)to) % (uint64_t)parts;
  return (n + (int64_t)where) / parts;
}

/* Takes the first of each class; of a class, the same video twice counts once. Returns how many were taken. */
static int64_t take_shares(candidate *all, int64_t count, int64_t parts, int to) {
  int64_t taken = 0;
  for (int64_t first = 0, end; first < count; first = end) {
    int64_t videos = 0, wanted;
    for (end = first; end < count && all[end].row->number == all[first].row->number; end++)
      videos += end == first || by_hash(&all[end], &all[end - 1]) != 0;
    wanted = share_of(videos, parts, all[first].row->number, to);
    for (int64_t i = first; i < end && wanted > 0; i++) {
      all[i].is_taken = true;
      taken++;
      wanted -= i + 1 == end || by_hash(&all[i], &all[i + 1]) != 0;
    }
  }
  return taken;
}

/* What is listed twice, in two classes maybe, stays together. */
static void keep_together(candidate *all, int64_t count) {
  for (int64_t first = 0, end; first < count; first = end) {
    bool any = false;
    for (end = first; end < count && by_hash(&all[end], &all[first]) == 0; end++) any = any || all[end].is_taken;
    for (int64_t i = first; i < end; i++) all[i].is_taken = any;
  }
}

/* What a list names and is no video stays where it is. */
static vj_status find_candidates(const maker *m, int from, int to, candidate *all, int64_t *count) {
  const vj_list_rows *const rows = &m->rows[from];
  for (int64_t i = *count = 0; i < rows->count; i++) {
    const char *const name = relative_path(m, &rows->at[i]), *path = "";
    if (m->config->layout == PATHS) path = vj_video_list_find_video(m, from, &rows->at[i]);
    if (!name || !path) return no_memory();
    if (path[0] && vj_file_no_video(path)) continue;
    all[(*count)++] = (candidate){.row = &rows->at[i], .name = name, .hash = mixed(vj_hash_text(name) + (uint64_t)to)};
  }
  return VJ_OK;
}

/* Few videos in many classes: one is taken all the same, or two where these are to be divided once more. */
static void take_least(const maker *m, int to, candidate *all, int64_t count, int64_t taken) {
  const int64_t least = to == VJ_VALIDATION && !m->source[VJ_TEST] ? 2 : 1;
  for (int64_t i = 0; i + 1 < count && taken < least; i++) {
    taken += !all[i].is_taken;
    all[i].is_taken = true;
  }
}

/* Rows keep their order on both sides. */
static vj_status move_taken(maker *m, int from, int to, const bool *moves) {
  vj_list_rows *const all = &m->rows[from];
  int64_t kept = 0;
  for (int64_t i = 0; i < all->count; i++) {
    if (moves[i])
      VJ_TRY(vj_list_add(m->pool, &m->rows[to], all->at[i].name, all->at[i].class, all->at[i].number));
    else
      all->at[kept++] = all->at[i];
  }
  all->count = kept;
  return VJ_OK;
}

vj_status vj_video_list_divide(maker *m, int from, int to, int64_t parts) {
  const vj_list_rows *const rows = &m->rows[from];
  candidate *all = NULL;
  bool *moves = NULL;
  int64_t count;
  vj_status status;
  if (m->source[to] || rows->count < 2) return VJ_OK;
  VJ_TRY_GOTO(status, vj_allocate((size_t)rows->count, sizeof *all, "the splits of a list", &all), done);
  VJ_TRY_GOTO(status, vj_allocate((size_t)rows->count, sizeof *moves, "the splits of a list", &moves), done);
  VJ_TRY_GOTO(status, find_candidates(m, from, to, all, &count), done);
  qsort(all, (size_t)count, sizeof *all, by_class);
  const int64_t taken = take_shares(all, count, parts, to);
  qsort(all, (size_t)count, sizeof *all, by_name);
  take_least(m, to, all, count, taken);
  keep_together(all, count);
  for (int64_t i = 0; i < count; i++) moves[all[i].row - rows->at] = all[i].is_taken;
  VJ_TRY_GOTO(status, move_taken(m, from, to, moves), done);
done:
  free(all);
  free(moves);
  return status;
}
