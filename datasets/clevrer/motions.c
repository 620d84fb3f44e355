#include "motions.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "../video/lists.h"

/* --- as bytes ------------------------------------------------------------------------------------------------------
 */

/* Behind it lie collisions, moments and slots; of an annotation that is none (frames 0), the sentence why. */
typedef struct packed {
  int64_t frames, count, collision_count;
  double rate;
} packed;

static size_t bytes_of(const packed *p) {
  return sizeof *p + (size_t)p->collision_count * sizeof(int64_t) +
         (size_t)(p->frames * p->count) * sizeof(vj_clevrer_moment) + (size_t)p->count * sizeof(int);
}

static bool is_possible(const packed *p, size_t bytes) {
  return p->frames >= 0 && p->frames <= VJ_CLEVRER_FRAMES && p->count >= 0 && p->count <= VJ_CLEVRER_SLOTS &&
         p->collision_count >= 0 && p->collision_count <= VJ_CLEVRER_COLLISIONS &&
         (p->frames == 0 || bytes_of(p) == bytes);
}

/* The caller frees it. */
static unsigned char *pack(const vj_clevrer_annotation *a, size_t *bytes) {
  const packed head = {a->frames, a->count, a->collision_count, a->rate};
  const size_t collisions = (size_t)a->collision_count * sizeof *a->collisions;
  const size_t moments = (size_t)(a->frames * a->count) * sizeof *a->moments;
  *bytes = bytes_of(&head);
  unsigned char *const block = malloc(*bytes), *at = block;
  if (!block) return NULL;
  memcpy(at, &head, sizeof head);
  memcpy(at += sizeof head, a->collisions, collisions);
  if (moments) memcpy(at + collisions, a->moments, moments);
  memcpy(at + collisions + moments, a->slots, (size_t)a->count * sizeof *a->slots);
  return block;
}

static unsigned char *pack_sentence(const char *sentence, size_t *bytes) {
  const packed head = {0};
  *bytes = sizeof head + strlen(sentence) + 1;
  unsigned char *const block = malloc(*bytes);
  if (!block) return NULL;
  memcpy(block, &head, sizeof head);
  memcpy(block + sizeof head, sentence, *bytes - sizeof head);
  return block;
}

static vj_status no_memory(const char *name) { return vj_fail(VJ_MEMORY, "no memory for %s", name); }

/* Takes what was packed into the pool. */
static vj_status unpack(vj_pool *pool, const unsigned char *bytes, size_t count, vj_clip_entry *entry,
                        vj_clevrer_motion *m) {
  packed head;
  unsigned char *const own = vj_pool_take(pool, count + 1); /* a zero behind it ends a sentence, whatever it is */
  if (!own) return no_memory(entry->name);
  memcpy(own, bytes, count);
  memcpy(&head, own, sizeof head);
  const unsigned char *const collisions = own + sizeof head;
  if (head.frames == 0) {
    entry->broken = (const char *)collisions;
    return VJ_OK;
  }
  const unsigned char *const moments = collisions + (size_t)head.collision_count * sizeof(int64_t);
  const unsigned char *const slots = moments + (size_t)(head.frames * head.count) * sizeof(vj_clevrer_moment);
  *m = (vj_clevrer_motion){.frames = head.frames,
                           .count = (int)head.count,
                           .collision_count = (int)head.collision_count,
                           .rate = head.rate,
                           .slots = (const int *)(const void *)slots,
                           .moments = (const vj_clevrer_moment *)(const void *)moments,
                           .collisions = (const int64_t *)(const void *)collisions};
  return VJ_OK;
}

/* --- one annotation ------------------------------------------------------------------------------------------------
 */

typedef struct reading {
  const void *known;    /* what is remembered; NULL: it was read now */
  unsigned char *fresh; /* of one that was */
  size_t bytes;
  bool lasts; /* it tells of the file, and so may be remembered */
  vj_status status;
} reading;

static vj_status read_annotation(const char *path, vj_clevrer_annotation *a) {
  char *text = NULL;
  size_t bytes = 0;
  VJ_TRY(vj_list_read_file(path, &text, &bytes));
  const vj_status status = vj_clevrer_annotation_parse(text, bytes, path, a);
  free(text);
  return status;
}

static const void *recall(const vj_remembered *remembered, const char *path, size_t *bytes) {
  packed head;
  const void *const known = vj_remembered_find(remembered, path, bytes);
  if (!known || *bytes < sizeof head) return NULL;
  memcpy(&head, known, sizeof head);
  return is_possible(&head, *bytes) ? known : NULL;
}

static void read_one(const vj_remembered *remembered, const vj_clevrer_file *file, reading *r) {
  vj_clevrer_annotation a = {0};
  *r = (reading){.status = VJ_OK};
  r->known = recall(remembered, file->annotation, &r->bytes);
  if (r->known) return;
  const vj_status status = read_annotation(file->annotation, &a);
  r->fresh = status == VJ_OK ? pack(&a, &r->bytes) : pack_sentence(vj_error_message(), &r->bytes);
  r->lasts = status == VJ_OK || status == VJ_DATA;
  r->status = status == VJ_MEMORY || !r->fresh ? VJ_MEMORY : VJ_OK;
  vj_error_clear();
  free(a.moments);
}

static vj_status keep_one(vj_pool *pool, vj_remembered *remembered, const vj_clevrer_file *file, const reading *r,
                          vj_clip_entry *entry, vj_clevrer_motion *motion) {
  *entry = (vj_clip_entry){.name = file->name, .path = file->video};
  if (r->status != VJ_OK) return no_memory(file->name);
  if (r->fresh && r->lasts) VJ_TRY(vj_remembered_add(remembered, file->annotation, r->fresh, r->bytes));
  return unpack(pool, r->fresh ? r->fresh : r->known, r->bytes, entry, motion);
}

/* A few hundred at a time by all threads. */
vj_status vj_clevrer_read_motions(vj_pool *pool, vj_remembered *remembered, int threads, const vj_clevrer_file *files,
                                  int64_t count, vj_clip_entry *entries, vj_clevrer_motion *motions) {
  enum { BLOCK = 256 };
  reading *readings = NULL;
  vj_status status = vj_allocate(BLOCK, sizeof *readings, "annotations", &readings);
  for (int64_t first = 0; first < count && status == VJ_OK; first += BLOCK) {
    const int64_t block = count - first < BLOCK ? count - first : BLOCK;
#pragma omp parallel for schedule(dynamic, 4) num_threads(threads)
    for (int64_t i = 0; i < block; i++) read_one(remembered, &files[first + i], &readings[i]);
    for (int64_t i = 0; i < block; i++) {
      if (status == VJ_OK)
        status = keep_one(pool, remembered, &files[first + i], &readings[i], &entries[first + i], &motions[first + i]);
      free(readings[i].fresh);
    }
  }
  free(readings);
  return status;
}
