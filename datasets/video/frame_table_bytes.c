/* The index of a file that was decoded, as bytes, to be remembered by the same build of the program. */
#include <stdlib.h>
#include <string.h>

#include "datasets/video/video_private.h"

typedef struct head {
  uint64_t frame_bytes, point_bytes, info_bytes; /* of one: another build may have others */
  int64_t frames, points;
  vj_orientation orientation;
  vj_video_info info;
} head;

vj_status vj_video_index_pack(const vj_video_index *index, void **bytes, size_t *count) {
  const vj_frame_table *const t = &index->table;
  const size_t frames = (size_t)t->frame_count * sizeof *t->frames, points = (size_t)t->point_count * sizeof *t->points;
  head h;
  memset(&h, 0, sizeof h);
  h.frame_bytes = sizeof *t->frames;
  h.point_bytes = sizeof *t->points;
  h.info_bytes = sizeof h.info;
  h.frames = t->frame_count;
  h.points = t->point_count;
  h.orientation = index->orientation;
  h.info = index->info;
  *count = sizeof h + frames + points;
  VJ_TRY(vj_allocate(*count, 1, "where frames are", bytes));
  unsigned char *const to = *bytes;
  memcpy(to, &h, sizeof h);
  if (frames) memcpy(to + sizeof h, t->frames, frames);
  if (points) memcpy(to + sizeof h + frames, t->points, points);
  return VJ_OK;
}

static bool fits(const head *h, size_t count) {
  const vj_frame_table *const t = NULL;
  if (h->frame_bytes != sizeof *t->frames || h->point_bytes != sizeof *t->points || h->info_bytes != sizeof h->info)
    return false;
  if (h->frames < 1 || h->frames > VJ_VIDEO_FRAMES || h->points < 0 || h->points > h->frames) return false;
  if (h->info.frames != h->frames || !h->info.decoded) return false;
  return count == sizeof *h + (size_t)h->frames * sizeof *t->frames + (size_t)h->points * sizeof *t->points;
}

static vj_status fill(vj_frame_table *t, const head *h, const unsigned char *from) {
  t->frame_count = h->frames;
  t->point_count = h->points;
  t->damaged = h->info.damaged;
  VJ_TRY(vj_allocate((size_t)h->frames, sizeof *t->frames, "where frames are", &t->frames));
  VJ_TRY(vj_allocate((size_t)h->points + 1, sizeof *t->points, "where frames are", &t->points));
  memcpy(t->frames, from, (size_t)h->frames * sizeof *t->frames);
  if (h->points) memcpy(t->points, from + (size_t)h->frames * sizeof *t->frames, (size_t)h->points * sizeof *t->points);
  for (int64_t i = 0; i < t->point_count; i++)
    if (t->points[i].frame < 0 || t->points[i].frame >= t->frame_count) t->point_count = 0;
  return vj_frame_table_ready(t);
}

vj_status vj_video_index_unpack(const void *bytes, size_t count, vj_video_index **index) {
  head h;
  *index = NULL;
  if (count < sizeof h) return VJ_OK;
  memcpy(&h, bytes, sizeof h);
  if (!fits(&h, count)) return VJ_OK;
  VJ_TRY(vj_allocate(1, sizeof **index, "where frames are", index));
  (*index)->info = h.info;
  (*index)->orientation = h.orientation;
  const vj_status status = fill(&(*index)->table, &h, (const unsigned char *)bytes + sizeof h);
  if (status != VJ_OK) vj_video_index_free(index);
  return status;
}
