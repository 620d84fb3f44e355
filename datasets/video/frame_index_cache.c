#include "datasets/video/frame_index_cache.h"

#include <stdatomic.h>
#include <stdlib.h>

#include "datasets/video/scan.h"

struct vj_kept {
  int64_t count;
  _Atomic(vj_video_index *) *at; /* [count]; NULL: none is kept. What is there stays until the end. */
  atomic_size_t bytes;
};

vj_status vj_kept_create(int64_t count, vj_kept **kept) {
  *kept = calloc(1, sizeof **kept);
  if (!*kept) return vj_fail(VJ_MEMORY, "no memory for where frames are");
  (*kept)->count = count;
  const vj_status status = vj_allocate((size_t)count + 1, sizeof *(*kept)->at, "where frames are", &(*kept)->at);
  if (status != VJ_OK) {
    free(*kept);
    *kept = NULL;
    return status;
  }
  for (int64_t i = 0; i < count; i++) atomic_init(&(*kept)->at[i], NULL);
  atomic_init(&(*kept)->bytes, 0);
  return VJ_OK;
}

void vj_kept_destroy(vj_kept **kept) {
  if (!*kept) return;
  for (int64_t i = 0; i < (*kept)->count; i++) {
    vj_video_index *index = atomic_load(&(*kept)->at[i]);
    vj_video_index_free(&index);
  }
  free((*kept)->at);
  free(*kept);
  *kept = NULL;
}

size_t vj_kept_bytes(vj_kept *kept) { return atomic_load(&kept->bytes); }

/* Whether the file is still the one that the data set has looked at. */
static bool is_same(const vj_clip_video *about) {
  int64_t bytes, changed;
  if (vj_survey_stamp(about->entry->path, &bytes, &changed) == VJ_OK)
    return bytes == about->info.bytes && changed == about->changed;
  vj_error_clear();
  return false;
}

/* Keeps what was found, unless there is no room, or another thread was faster: then the caller frees it. */
static bool keep(vj_kept *kept, int64_t video, vj_video_index *index) {
  const size_t bytes = vj_video_index_bytes(index);
  vj_video_index *none = NULL;
  if (atomic_fetch_add(&kept->bytes, bytes) + bytes <= VJ_KEPT_BYTES &&
      atomic_compare_exchange_strong(&kept->at[video], &none, index))
    return true;
  atomic_fetch_sub(&kept->bytes, bytes);
  return false;
}

vj_status vj_kept_read(vj_kept *kept, int64_t video, const vj_clip_video *about, const vj_video_request *request,
                       uint8_t *frames) {
  const bool same = is_same(about);
  const vj_video_index *const known = same ? atomic_load(&kept->at[video]) : NULL;
  vj_video *open = NULL;
  VJ_TRY(vj_video_open_known(about->entry->path, known, &open));
  const vj_status status = vj_video_frames(open, request, frames, NULL, NULL);
  vj_video_index *found = same ? vj_video_take_index(open) : NULL;
  vj_video_close(&open);
  if (found && !keep(kept, video, found)) vj_video_index_free(&found);
  return status;
}
