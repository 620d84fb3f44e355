#include "datasets/video/annotation_cache.h"

#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>
#include <zlib.h>

#include "datasets/video/scan.h"
#include "vj/rng.h"

/* The file: the heading, then for each remembered file a record and its bytes, filled up to a multiple of 8. The
 * heading's sum is the CRC-32 of all behind it: a file that was being written when its process died does not fit. */
enum { ALIGNMENT = 8, FORM_BYTES = 24 };

typedef struct heading {
  char magic[8], form[FORM_BYTES];
  uint64_t bytes; /* behind it */
  uint64_t sum;
} heading;

typedef struct record {
  uint64_t path; /* hash */
  int64_t file_bytes, changed;
  uint64_t count;
} record;

/* Bytes one after the other, which move when they grow. */
typedef struct store {
  unsigned char *bytes;
  size_t used, room;
} store;

typedef struct place {
  uint64_t path;
  size_t at; /* of its record in `known` */
} place;

struct vj_annotation_cache {
  int file; /* -1: none */
  char form[FORM_BYTES];
  store known, fresh;
  place *places; /* of what is known, by path; of several records of a path the last counts */
  int64_t count;
};

static size_t padded(uint64_t count) { return (size_t)(count + ALIGNMENT - 1) / ALIGNMENT * ALIGNMENT; }

/* --- reading ----------------------------------------------------------------------------------------------------- */

static bool read_at(int file, void *to, size_t bytes, off_t at) {
  for (size_t done = 0; done < bytes;) {
    const ssize_t got = pread(file, (char *)to + done, bytes - done, at + (off_t)done);
    if (got < 0 && errno == EINTR) continue;
    if (got <= 0) return false;
    done += (size_t)got;
  }
  return true;
}

static uint64_t sum_of(const unsigned char *bytes, size_t count) { return crc32_z(crc32(0, NULL, 0), bytes, count); }

static int by_path(const void *a, const void *b) {
  const place *const x = a, *const y = b;
  if (x->path != y->path) return x->path < y->path ? -1 : 1;
  return (x->at > y->at) - (x->at < y->at);
}

static void list_places(vj_annotation_cache *r) {
  int64_t count = 0;
  record one;
  for (size_t at = 0; at + sizeof one <= r->known.used; at += sizeof one + padded(one.count), count++) {
    memcpy(&one, r->known.bytes + at, sizeof one);
    if (one.count > r->known.used - at - sizeof one) return;
  }
  r->places = malloc((size_t)(count + 1) * sizeof *r->places);
  if (!r->places) return;
  for (size_t at = 0; r->count < count; at += sizeof one + padded(one.count)) {
    memcpy(&one, r->known.bytes + at, sizeof one);
    r->places[r->count++] = (place){one.path, at};
  }
  qsort(r->places, (size_t)r->count, sizeof *r->places, by_path);
}

static void read_known(vj_annotation_cache *r) {
  heading h;
  struct stat about;
  if (fstat(r->file, &about) != 0 || !read_at(r->file, &h, sizeof h, 0)) return;
  if (memcmp(h.magic, "vjvcrRM1", sizeof h.magic) != 0 || memcmp(h.form, r->form, sizeof h.form) != 0) return;
  if (about.st_size < (off_t)sizeof h || h.bytes != (uint64_t)about.st_size - sizeof h) return;
  r->known.bytes = malloc((size_t)h.bytes + 1);
  if (!r->known.bytes || !read_at(r->file, r->known.bytes, (size_t)h.bytes, sizeof h)) return;
  if (sum_of(r->known.bytes, (size_t)h.bytes) != h.sum) return;
  r->known.used = (size_t)h.bytes;
  list_places(r);
}

vj_status vj_annotation_cache_open(const char *path, const char *form, vj_annotation_cache **cache) {
  vj_annotation_cache *const r = *cache = calloc(1, sizeof *r);
  if (!r) return vj_fail(VJ_MEMORY, "no memory for what is remembered of files");
  memcpy(r->form, form, strnlen(form, FORM_BYTES - 1));
  r->file = path ? open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0644) : -1;
  while (r->file >= 0 && flock(r->file, LOCK_EX) != 0 && errno == EINTR) continue;
  if (r->file >= 0) read_known(r);
  return VJ_OK;
}

const void *vj_annotation_cache_find(const vj_annotation_cache *r, const char *file, size_t *bytes) {
  const uint64_t path = vj_hash_text(file);
  int64_t low = 0, high = r->count;
  record one;
  while (low < high) { /* the first that is behind it */
    const int64_t middle = low + (high - low) / 2;
    if (r->places[middle].path <= path)
      low = middle + 1;
    else
      high = middle;
  }
  if (low == 0 || r->places[low - 1].path != path) return NULL;
  const unsigned char *const at = r->known.bytes + r->places[low - 1].at;
  record now = {0};
  memcpy(&one, at, sizeof one);
  if (vj_file_stamp(file, &now.file_bytes, &now.changed) != VJ_OK) vj_error_clear();
  if (one.file_bytes != now.file_bytes || one.changed != now.changed) return NULL;
  *bytes = (size_t)one.count;
  return at + sizeof one;
}

/* --- remembering ------------------------------------------------------------------------------------------------- */

static bool append(store *s, const void *bytes, size_t count, size_t room) {
  if (s->used + room > s->room) {
    const size_t larger = 2 * (s->used + room);
    unsigned char *const moved = realloc(s->bytes, larger);
    if (!moved) return false;
    s->bytes = moved, s->room = larger;
  }
  memset(s->bytes + s->used, 0, room);
  if (count) memcpy(s->bytes + s->used, bytes, count);
  s->used += room;
  return true;
}

vj_status vj_annotation_cache_add(vj_annotation_cache *r, const char *file, const void *bytes, size_t count) {
  record one = {.path = vj_hash_text(file), .count = count};
  if (r->file < 0) return VJ_OK;
  if (vj_file_stamp(file, &one.file_bytes, &one.changed) != VJ_OK) {
    vj_error_clear();
    return VJ_OK;
  }
  if (append(&r->fresh, &one, sizeof one, sizeof one) && append(&r->fresh, bytes, count, padded(count))) return VJ_OK;
  return vj_fail(VJ_MEMORY, "no memory for what is remembered of files");
}

static bool write_all(int file, const void *bytes, size_t count) {
  for (size_t done = 0; done < count;) {
    const ssize_t put = write(file, (const char *)bytes + done, count - done);
    if (put < 0 && errno == EINTR) continue;
    if (put <= 0) return false;
    done += (size_t)put;
  }
  return true;
}

/* What was known, and what is new. */
static void write_file(const vj_annotation_cache *r) {
  heading h = {.magic = "vjvcrRM", .bytes = r->known.used + r->fresh.used};
  h.magic[7] = '1';
  memcpy(h.form, r->form, sizeof h.form);
  uLong sum = crc32_z(crc32(0, NULL, 0), r->known.bytes, r->known.used);
  h.sum = crc32_z(sum, r->fresh.bytes, r->fresh.used);
  const bool whole = ftruncate(r->file, 0) == 0 && lseek(r->file, 0, SEEK_SET) == 0 &&
                     write_all(r->file, &h, sizeof h) && write_all(r->file, r->known.bytes, r->known.used) &&
                     write_all(r->file, r->fresh.bytes, r->fresh.used);
  if (!whole && ftruncate(r->file, 0) != 0) return;
}

void vj_annotation_cache_close(vj_annotation_cache **cache) {
  vj_annotation_cache *const r = *cache;
  if (!r) return;
  if (r->file >= 0 && r->fresh.used) write_file(r);
  if (r->file >= 0) close(r->file); /* and the lock with it */
  free(r->known.bytes);
  free(r->fresh.bytes);
  free(r->places);
  free(r);
  *cache = NULL;
}
