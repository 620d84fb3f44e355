#include "datasets/clevrer/motions.h"

#include <stdlib.h>
#include <string.h>

/* Behind it lie collisions, moments and slots. */
typedef struct heading {
  int64_t frames, count, collision_count;
  double rate;
} heading;

static size_t bytes_of(const heading *h) {
  return sizeof *h + (size_t)h->collision_count * sizeof(int64_t) +
         (size_t)(h->frames * h->count) * sizeof(vj_clevrer_moment) + (size_t)h->count * sizeof(int);
}

static bool fits(const void *kept, size_t count) {
  heading h;
  if (count < sizeof h) return false;
  memcpy(&h, kept, sizeof h);
  return h.frames > 0 && h.frames <= VJ_CLEVRER_FRAMES && h.count >= 0 && h.count <= VJ_CLEVRER_SLOTS &&
         h.collision_count >= 0 && h.collision_count <= VJ_CLEVRER_COLLISIONS && bytes_of(&h) == count;
}

static void *pack(const vj_clevrer_annotation *a, size_t *bytes) {
  const heading head = {a->frames, a->count, a->collision_count, a->rate};
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

static vj_status keep(const void *context, const char *text, size_t bytes, const char *path, void **kept,
                      size_t *count) {
  (void)context;
  vj_clevrer_annotation a = {0};
  VJ_TRY(vj_clevrer_annotation_parse(text, bytes, path, &a));
  *kept = pack(&a, count);
  free(a.moments);
  return *kept ? VJ_OK : vj_fail(VJ_MEMORY, "no memory for %s", path);
}

const vj_annotation_form vj_clevrer_motions = {
    .name = "clevrer motions 2", .file = "annotations", .keep = keep, .fits = fits};

vj_clevrer_motion vj_clevrer_motion_of(const void *kept) {
  heading head;
  memcpy(&head, kept, sizeof head);
  const unsigned char *const collisions = (const unsigned char *)kept + sizeof head;
  const unsigned char *const moments = collisions + (size_t)head.collision_count * sizeof(int64_t);
  const unsigned char *const slots = moments + (size_t)(head.frames * head.count) * sizeof(vj_clevrer_moment);
  return (vj_clevrer_motion){.frames = head.frames,
                             .count = (int)head.count,
                             .collision_count = (int)head.collision_count,
                             .rate = head.rate,
                             .slots = (const int *)(const void *)slots,
                             .moments = (const vj_clevrer_moment *)(const void *)moments,
                             .collisions = (const int64_t *)(const void *)collisions};
}
