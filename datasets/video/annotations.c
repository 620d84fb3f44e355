#include "datasets/video/annotations.h"

#include <stdlib.h>
#include <string.h>

#include "datasets/video/lists.h"
#include "datasets/video/annotation_cache.h"
#include "datasets/video/scan.h"

struct vj_annotations {
  const vj_annotation_form *form;
  vj_annotation_cache *cache;
};

/* Before what is remembered of a file: what it is. */
typedef enum tag { SENTENCE, KEPT } tag;
enum { TAG_BYTES = 8 };

/* One file, being read. */
typedef struct reading {
  const unsigned char *known; /* what is remembered, with its tag; NULL: it was read now */
  unsigned char *fresh;       /* of one that was */
  size_t bytes;
  bool lasts; /* it tells of the file, and so may be remembered */
} reading;

vj_status vj_annotations_open(const vj_annotation_form *form, const vj_clip_params *clips, const char *what,
                              vj_annotations **annotations) {
  vj_pool *pool = NULL;
  VJ_TRY(vj_allocate(1, sizeof **annotations, "annotations", annotations));
  (*annotations)->form = form;
  vj_status status = vj_pool_create(&pool);
  if (status == VJ_OK) {
    const char *const index = clips->index[0] ? clips->index : vj_scan_cache_path(pool, what, clips->root);
    const char *const path = index ? vj_pool_format(pool, "%s.%s", index, form->file) : NULL;
    status = vj_annotation_cache_open(path, form->name, &(*annotations)->cache);
  }
  vj_pool_destroy(&pool);
  if (status != VJ_OK) vj_annotations_close(annotations);
  return status;
}

void vj_annotations_close(vj_annotations **annotations) {
  if (!*annotations) return;
  vj_annotation_cache_close(&(*annotations)->cache);
  free(*annotations);
  *annotations = NULL;
}

static tag tag_of(const unsigned char *bytes) { return bytes[0] == KEPT ? KEPT : SENTENCE; }

static const unsigned char *recall(const vj_annotations *a, const char *path, size_t *bytes) {
  const unsigned char *const known = vj_annotation_cache_find(a->cache, path, bytes);
  if (!known || *bytes < TAG_BYTES) return NULL;
  if (tag_of(known) == KEPT && !a->form->fits(known + TAG_BYTES, *bytes - TAG_BYTES)) return NULL;
  return known;
}

static unsigned char *tagged(tag what, const void *bytes, size_t count) {
  unsigned char *const block = calloc(1, TAG_BYTES + count);
  if (!block) return NULL;
  block[0] = (unsigned char)what;
  if (count) memcpy(block + TAG_BYTES, bytes, count);
  return block;
}

static void read_one(const vj_annotations *a, const char *path, reading *r) {
  char *text = NULL;
  void *kept = NULL;
  size_t bytes = 0, count = 0;
  *r = (reading){0};
  r->known = recall(a, path, &r->bytes);
  if (r->known) return;
  vj_status status = vj_list_read_file(path, &text, &bytes);
  if (status == VJ_OK) status = a->form->keep(a->form->context, text, bytes, path, &kept, &count);
  if (status != VJ_OK) count = strlen(vj_error_message());
  if (status != VJ_MEMORY)
    r->fresh = tagged(status == VJ_OK ? KEPT : SENTENCE, status == VJ_OK ? kept : vj_error_message(), count);
  r->bytes = TAG_BYTES + count;
  r->lasts = status == VJ_OK || status == VJ_DATA;
  vj_error_clear();
  free(kept);
  free(text);
}

static vj_status take_one(vj_annotations *a, vj_pool *pool, const reading *r, vj_annotation *one) {
  const unsigned char *const bytes = r->fresh ? r->fresh : r->known;
  if (!bytes) return vj_fail(VJ_MEMORY, "no memory for %s", one->path);
  if (r->fresh && r->lasts) VJ_TRY(vj_annotation_cache_add(a->cache, one->path, r->fresh, r->bytes));
  char *const own = vj_pool_take(pool, r->bytes - TAG_BYTES + 1); /* a zero behind it ends a sentence */
  if (!own) return vj_fail(VJ_MEMORY, "no memory for %s", one->path);
  memcpy(own, bytes + TAG_BYTES, r->bytes - TAG_BYTES);
  if (tag_of(bytes) == KEPT)
    one->kept = own;
  else
    one->broken = own;
  return VJ_OK;
}

/* A few hundred at a time by all threads. */
vj_status vj_annotations_read(vj_annotations *a, int threads, vj_pool *pool, int64_t count, vj_annotation *all) {
  enum { BLOCK = 256 };
  reading *readings = NULL;
  vj_status status = vj_allocate(BLOCK, sizeof *readings, "annotations", &readings);
  for (int64_t first = 0; first < count && status == VJ_OK; first += BLOCK) {
    const int64_t block = count - first < BLOCK ? count - first : BLOCK;
#pragma omp parallel for schedule(dynamic, 4) num_threads(threads)
    for (int64_t i = 0; i < block; i++)
      if (!all[first + i].broken) read_one(a, all[first + i].path, &readings[i]);
    for (int64_t i = 0; i < block; i++) {
      if (status == VJ_OK && !all[first + i].broken) status = take_one(a, pool, &readings[i], &all[first + i]);
      free(readings[i].fresh);
      readings[i].fresh = NULL;
    }
  }
  free(readings);
  return status;
}
