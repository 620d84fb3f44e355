#include "datasets/video/frame_index_cache.h"

#include <stdatomic.h>
#include <stdlib.h>

#include "datasets/video/scan.h"

struct vj_frame_index_cache {
  int64_t count;
  _Atomic(vj_video_index *) *at; /* [count]; NULL: none is kept. What is there stays until the end. */
  atomic_size_t bytes;
};

vj_status vj_frame_index_cache_create(int64_t count, vj_frame_index_cache **cache) {
  *cache = calloc(1, sizeof **cache);
  if (!*cache) return vj_fail(VJ_MEMORY, "no memory for where frames are");
  (*cache)->count = count;
  const vj_status status = vj_allocate((size_t)count + 1, sizeof *(*cache)->at, "where frames are", &(*cache)->at);
  if (status != VJ_OK) {
    free(*cache);
    *cache = NULL;
    return status;
  }
  for (int64_t i = 0; i < count; i++) atomic_init(&(*cache)->at[i], NULL);
  atomic_init(&(*cache)->bytes, 0);
  return VJ_OK;
}

void vj_frame_index_cache_destroy(vj_frame_index_cache **cache) {
  if (!*cache) return;
  for (int64_t i = 0; i < (*cache)->count; i++) {
    vj_video_index *index = atomic_load(&(*cache)->at[i]);
    vj_video_index_free(&index);
  }
  free((*cache)->at);
  free(*cache);
  *cache = NULL;
}

size_t vj_frame_index_cache_bytes(vj_frame_index_cache *cache) { return atomic_load(&cache->bytes); }

/* Whether the file is still the one that the data set has looked at. */
static bool is_same(const vj_clip_video *about) {
  int64_t bytes, changed;
  if (vj_file_stamp(about->entry->path, &bytes, &changed) == VJ_OK)
    return bytes == about->info.bytes && changed == about->changed;
  vj_error_clear();
  return false;
}

/* Keeps what was found, unless there is no room, or another thread was faster: then the caller frees it. */
static bool keep(vj_frame_index_cache *cache, int64_t video, vj_video_index *index) {
  const size_t bytes = vj_video_index_bytes(index);
  vj_video_index *none = NULL;
  if (atomic_fetch_add(&cache->bytes, bytes) + bytes <= VJ_FRAME_INDEX_CACHE_BYTES &&
      atomic_compare_exchange_strong(&cache->at[video], &none, index))
    return true;
  atomic_fetch_sub(&cache->bytes, bytes);
  return false;
}

void vj_frame_index_cache_put(vj_frame_index_cache *cache, int64_t video, vj_video_index *index) {
  vj_video_index *none = NULL;
  if (!index) return;
  atomic_fetch_add(&cache->bytes, vj_video_index_bytes(index));
  if (!atomic_compare_exchange_strong(&cache->at[video], &none, index)) vj_video_index_free(&index);
}

vj_status vj_frame_index_cache_open(const vj_frame_index_cache *cache, int64_t video, const vj_clip_video *about,
                                    vj_video **open) {
  const vj_video_index *const known = is_same(about) ? atomic_load(&cache->at[video]) : NULL;
  return vj_video_open_known(about->entry->path, known, open);
}

/* What is known of a file is of use to nobody once it has changed. */
vj_status vj_frame_index_cache_read(vj_frame_index_cache *cache, int64_t video, const vj_clip_video *about,
                                    const vj_video_request *request, uint8_t *frames) {
  vj_video *open = NULL;
  VJ_TRY(vj_frame_index_cache_open(cache, video, about, &open));
  const vj_status status = vj_video_frames(open, request, frames, NULL, NULL);
  vj_video_index *found = vj_video_take_index(open);
  vj_video_close(&open);
  if (found && !(is_same(about) && keep(cache, video, found))) vj_video_index_free(&found);
  return status;
}
