#include "datasets/video/clips.h"

#include <inttypes.h>
#include <math.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#include "datasets/video/frame_index_cache.h"
#include "datasets/video/pack/pack.h"
#include "datasets/video/scan.h"
#include "vj/rng.h"

static const char *const split_names[VJ_SPLITS] = {"training", "validation", "test"};

struct vj_clips {
  vj_clip_params params;
  vj_clip_request request;
  vj_video_request frames; /* of a clip */
  vj_clip_list list;       /* its pool owns all that is here, this structure included */
  vj_clip_video *videos[VJ_SPLITS];
  int64_t *usable[VJ_SPLITS]; /* numbers of the videos that can be read */
  int64_t usable_count[VJ_SPLITS];
  int64_t *order[VJ_SPLITS];         /* of `usable`, in which samples go through the videos */
  vj_frame_index_cache *index_cache; /* where frames are in the videos; NULL: they come from a pack */
  vj_pack *pack;                     /* NULL: frames come from the videos */
  int64_t *place[VJ_SPLITS];         /* of each video in the pack */
  /* For each sample that was made, how many damaged videos were passed over for it. Whoever makes it finds the same. */
  atomic_uchar *passed[VJ_SPLITS];
};

/* --- opening ----------------------------------------------------------------------------------------------------- */

static vj_status set_frames(vj_clips *c) {
  const vj_integer_list size = c->params.size;
  if (size.count < 1 || size.count > 2)
    return vj_fail(VJ_CONFIG, "data.size: expected one number or two, height and width, got %" PRId64, size.count);
  if (c->params.starts.count < 1) return vj_fail(VJ_CONFIG, "data.starts: expected at least one frame, got none");
  c->frames = (vj_video_request){.stride = c->params.stride,
                                 .count = c->request.input_frames + c->request.target_frames,
                                 .height = size.at[0],
                                 .width = size.at[size.count - 1],
                                 .grey = c->params.grey};
  return VJ_OK;
}

static vj_status no_memory(const vj_clips *c) {
  return vj_fail(VJ_MEMORY, "no memory for the data set %s", c->list.what);
}

static vj_status take_entries(vj_clips *c) {
  vj_pool *const pool = c->list.pool;
  for (int s = 0; s < VJ_SPLITS; s++) {
    const size_t count = (size_t)c->list.count[s] + 1;
    c->videos[s] = vj_pool_take(pool, count * sizeof *c->videos[s]);
    c->usable[s] = vj_pool_take(pool, count * sizeof *c->usable[s]);
    c->place[s] = vj_pool_take(pool, count * sizeof *c->place[s]);
    if (!c->videos[s] || !c->usable[s] || !c->place[s]) return no_memory(c);
    for (int64_t i = 0; i < c->list.count[s]; i++) c->videos[s][i].entry = &c->list.entries[s][i];
  }
  return VJ_OK;
}

/* All splits in one scan, which then need not lock three times. */
static vj_status scan_videos(vj_clips *c) {
  vj_pool *const pool = c->list.pool;
  const char *const index =
      c->params.index[0] ? c->params.index : vj_scan_cache_path(pool, c->list.what, c->params.root);
  int64_t all = 0;
  vj_clip_video *videos = NULL;
  vj_video_index **tables = NULL;
  for (int s = 0; s < VJ_SPLITS; s++) all += c->list.count[s];
  VJ_TRY(vj_frame_index_cache_create(all, &c->index_cache));
  VJ_TRY(vj_allocate((size_t)all + 1, sizeof *videos, "a list of videos", &videos));
  vj_status status = vj_allocate((size_t)all + 1, sizeof *tables, "a list of videos", &tables);
  for (int s = 0, at = 0; s < VJ_SPLITS; at += (int)c->list.count[s++])
    memcpy(videos + at, c->videos[s], (size_t)c->list.count[s] * sizeof *videos);
  if (status == VJ_OK) status = vj_scan_videos(pool, index, c->request.threads, videos, all, tables);
  for (int s = 0, at = 0; s < VJ_SPLITS; at += (int)c->list.count[s++])
    memcpy(c->videos[s], videos + at, (size_t)c->list.count[s] * sizeof *videos);
  for (int64_t i = 0; i < all && tables; i++) vj_frame_index_cache_put(c->index_cache, i, tables[i]);
  free(tables);
  free(videos);
  return status;
}

static vj_status use_pack(vj_clips *c) {
  VJ_TRY(vj_pack_open(c->params.pack, &c->pack));
  VJ_TRY(vj_pack_check(c->pack, c->list.what, &c->frames));
  for (int s = 0; s < VJ_SPLITS; s++)
    VJ_TRY(vj_pack_match(c->pack, (vj_split)s, c->videos[s], c->list.count[s], c->place[s]));
  return VJ_OK;
}

/* Labels in seconds need to know which frames these are. */
static vj_status check_rates(vj_clips *c) {
  if (!c->list.needs_rate) return VJ_OK;
  if (c->pack && !vj_pack_has_rates(c->pack))
    return vj_fail(VJ_DATA,
                   "%s: the pack is of an earlier version and does not say rates of frames, which labels in seconds "
                   "need; make it again with `vjvcr data pack --replace`",
                   c->params.pack);
  for (int s = 0; s < VJ_SPLITS; s++)
    for (int64_t i = 0; i < c->list.count[s]; i++)
      if (!c->videos[s][i].broken && !(c->videos[s][i].info.rate > 0))
        c->videos[s][i].broken = "it says no times, and its labels are in seconds";
  return VJ_OK;
}

static void find_usable(vj_clips *c) {
  for (int s = 0; s < VJ_SPLITS; s++)
    for (int64_t i = 0; i < c->list.count[s]; i++)
      if (!c->videos[s][i].broken) c->usable[s][c->usable_count[s]++] = i;
}

vj_status vj_clips_check(const vj_clips *c) {
  for (int s = 0; s < VJ_SPLITS; s++) {
    if (c->list.count[s] == 0)
      return vj_fail(VJ_DATA, "%s: no %s videos are listed in %s", c->list.what, split_names[s], c->params.root);
    if (c->usable_count[s] == 0) /* then the first is broken, too */
      return vj_fail(VJ_DATA, "%s: none of the %" PRId64 " %s videos can be used; the first: %s", c->list.what,
                     c->list.count[s], split_names[s], c->videos[s][0].broken);
  }
  return VJ_OK;
}

/* The configuration may be gone while the data set is still open. */
static vj_status keep_params(vj_clips *c) {
  vj_pool *const pool = c->list.pool;
  vj_clip_params *const p = &c->params;
  int64_t *const starts = vj_pool_take(pool, (size_t)(p->starts.count + 1) * sizeof *starts);
  p->root = vj_pool_text(pool, p->root);
  p->pack = vj_pool_text(pool, p->pack);
  p->index = vj_pool_text(pool, p->index);
  if (!starts || !p->root || !p->pack || !p->index) return no_memory(c);
  for (int64_t i = 0; i < p->starts.count; i++) starts[i] = p->starts.at[i];
  p->starts.at = starts;
  return VJ_OK;
}

static int64_t clips_of_video(const vj_clips *c, vj_split split) {
  return split == VJ_TRAIN ? c->params.clips : c->params.starts.count;
}

static vj_status make_passed(vj_clips *c) {
  for (int s = 0; s < VJ_SPLITS; s++) {
    const size_t samples = (size_t)(c->usable_count[s] * clips_of_video(c, (vj_split)s));
    c->passed[s] = vj_pool_take(c->list.pool, samples * sizeof *c->passed[s]);
    if (!c->passed[s]) return no_memory(c);
    for (size_t i = 0; i < samples; i++) atomic_init(&c->passed[s][i], 0);
  }
  return VJ_OK;
}

/* Samples go once through all videos, in a random order, before any gives a second one: whoever takes the first n of
 * them, as probes do, sees as many videos as there are. */
static vj_status make_order(vj_clips *c) {
  for (int s = 0; s < VJ_SPLITS; s++) {
    c->order[s] = vj_pool_take(c->list.pool, (size_t)(c->usable_count[s] + 1) * sizeof *c->order[s]);
    if (!c->order[s]) return no_memory(c);
    vj_rng rng = vj_rng_stream(c->request.seed, VJ_RNG_DATA, (uint32_t)(VJ_SPLITS + s), 0);
    vj_rng_permutation(&rng, c->usable_count[s], c->order[s]);
  }
  return VJ_OK;
}

/* The place in `usable` of the video that a sample is of. */
static int64_t slot_of(const vj_clips *c, vj_split split, int64_t number) {
  return c->order[split][number % c->usable_count[split]];
}

static vj_status open_clips(vj_clips *c) {
  VJ_TRY(set_frames(c));
  VJ_TRY(keep_params(c));
  VJ_TRY(take_entries(c));
  VJ_TRY(c->params.pack[0] ? use_pack(c) : scan_videos(c));
  VJ_TRY(check_rates(c));
  find_usable(c);
  VJ_TRY(make_order(c));
  if (!c->request.only_looks) VJ_TRY(vj_clips_check(c));
  return make_passed(c);
}

static vj_status make(const vj_clip_params *params, const vj_clip_request *request, const vj_clip_list *list,
                      void **dataset) {
  vj_clips *const c = vj_pool_take(list->pool, sizeof *c);
  if (!c) return vj_fail(VJ_MEMORY, "no memory for the data set %s", list->what);
  *c = (vj_clips){.params = *params, .request = *request, .list = *list};
  c->list.request = &c->request;
  *dataset = c;
  return VJ_OK;
}

vj_status vj_clips_open(const char *what, vj_clips_prepare prepare, const void *config, const vj_clip_request *request,
                        void **dataset) {
  vj_clip_list list = {.what = what, .request = request};
  *dataset = NULL;
  VJ_TRY(vj_pool_create(&list.pool));
  vj_status status = prepare(config, request->threads > 0 ? request->threads : 1, &list);
  if (status == VJ_OK) status = make(config, request, &list, dataset);
  if (status != VJ_OK) {
    vj_pool_destroy(&list.pool);
    return status;
  }
  status = open_clips(*dataset);
  if (status != VJ_OK) vj_clips_close(dataset);
  return status;
}

void vj_clips_close(void **dataset) {
  vj_clips *const c = *dataset;
  if (!c) return;
  vj_pool *pool = c->list.pool; /* the structure goes with it */
  vj_pack_close(&c->pack);
  vj_frame_index_cache_destroy(&c->index_cache);
  vj_pool_destroy(&pool);
  *dataset = NULL;
}

/* --- what it has ------------------------------------------------------------------------------------------------- */

void vj_clips_info(const void *dataset, vj_clip_info *info) {
  const vj_clips *const c = dataset;
  *info = (vj_clip_info){.frames = c->frames.count,
                         .height = c->frames.height,
                         .width = c->frames.width,
                         .channels = c->frames.grey ? 1 : 3,
                         .labels = c->list.labels,
                         .label_count = c->list.label_count,
                         .is_slow = true};
  for (int s = 0; s < VJ_SPLITS; s++) {
    info->videos[s] = c->usable_count[s];
    info->skipped[s] = c->list.count[s] - c->usable_count[s];
    info->samples[s] = c->usable_count[s] * clips_of_video(c, (vj_split)s);
  }
  for (int64_t i = 0; i < c->list.label_count; i++) info->label_width += c->list.labels[i].width;
}

const vj_clips *vj_clips_of(const void *dataset) { return dataset; }
int64_t vj_clips_count(const vj_clips *c, vj_split split) { return c->list.count[split]; }
const vj_clip_video *vj_clips_video(const vj_clips *c, vj_split split, int64_t number) {
  return &c->videos[split][number];
}
const vj_clip_list *vj_clips_list(const vj_clips *c) { return &c->list; }
vj_video_request vj_clips_request(const vj_clips *c) { return c->frames; }

vj_clip_window vj_clips_window(const vj_clips *c, const vj_clip_video *video, int64_t start) {
  return (vj_clip_window){.start = start,
                          .stride = c->frames.stride,
                          .input_frames = c->request.input_frames,
                          .target_frames = c->request.target_frames,
                          .video_frames = video->info.frames,
                          .rate = video->info.rate};
}

static vj_status match_pack(const vj_clips *c, const vj_pack *pack, int split) {
  const int64_t count = c->list.count[split];
  vj_clip_video *videos = NULL;
  int64_t *places = NULL;
  vj_status status = vj_allocate((size_t)count + 1, sizeof *videos, "a list of videos", &videos);
  if (status == VJ_OK) status = vj_allocate((size_t)count + 1, sizeof *places, "a list of videos", &places);
  for (int64_t i = 0; i < count && status == VJ_OK; i++) videos[i].entry = c->videos[split][i].entry;
  if (status == VJ_OK) status = vj_pack_match(pack, (vj_split)split, videos, count, places);
  free(videos);
  free(places);
  return status;
}

vj_status vj_clips_check_pack(const vj_clips *c, const char *path) {
  vj_pack *pack = NULL;
  VJ_TRY(vj_pack_open(path, &pack));
  vj_status status = vj_pack_check(pack, c->list.what, &c->frames);
  for (int s = 0; s < VJ_SPLITS && status == VJ_OK; s++) status = match_pack(c, pack, s);
  vj_pack_close(&pack);
  return status;
}

/* --- a clip ------------------------------------------------------------------------------------------------------ */

/* The last start from which a clip is all frames of its video; 0 where there is none. */
static int64_t last_start(const vj_clips *c, int64_t video_frames) {
  const int64_t span = (c->frames.count - 1) * c->frames.stride + 1;
  return video_frames > span ? video_frames - span : 0;
}

/* `where` in [0, 1) says where a training clip starts, whichever video it comes to be taken from. Of `starts` every
 * sample takes the next one, and every round through the videos begins with another, so that each video gets all. */
static int64_t start_of(const vj_clips *c, vj_split split, int64_t number, double where, int64_t video_frames) {
  const int64_t last = last_start(c, video_frames);
  const int64_t earliest = c->params.earliest < last ? c->params.earliest : last;
  if (split == VJ_TRAIN) return earliest + (int64_t)(where * (double)(last - earliest + 1));
  const int64_t round = number / c->usable_count[split], place = number % c->usable_count[split];
  const int64_t start = c->params.starts.at[(place + round) % c->params.starts.count];
  return start < last ? start : last;
}

static int64_t number_among_all(const vj_clips *c, vj_split split, int64_t video) {
  for (int s = 0; s < (int)split; s++) video += c->list.count[s];
  return video;
}

vj_status vj_clips_open_video(const vj_clips *c, const vj_clip_video *about, vj_video **video) {
  for (int s = 0; s < VJ_SPLITS && c->index_cache; s++)
    if (about >= c->videos[s] && about < c->videos[s] + c->list.count[s])
      return vj_frame_index_cache_open(c->index_cache, number_among_all(c, (vj_split)s, about - c->videos[s]), about,
                                       video);
  return vj_video_open(about->entry->path, video);
}

static vj_status read_clip(const vj_clips *c, vj_split split, int64_t video, int64_t start, uint8_t *frames) {
  vj_video_request request = c->frames;
  request.start = start;
  if (c->pack) return vj_pack_read(c->pack, c->place[split][video], &request, frames);
  return vj_frame_index_cache_read(c->index_cache, number_among_all(c, split, video), &c->videos[split][video],
                                   &request, frames);
}

/* Tries the video of a sample, and those after it, until one has no damage where it is needed. */
static vj_status find_clip(const vj_clips *c, vj_split split, int64_t number, uint8_t *frames, int64_t *video,
                           int64_t *start) {
  const int64_t videos = c->usable_count[split], slot = slot_of(c, split, number);
  vj_rng rng = vj_rng_stream(c->request.seed, VJ_RNG_DATA, (uint32_t)split, (uint64_t)number);
  const double where = vj_rng_uniform(&rng);
  vj_status status = VJ_OK;
  for (int64_t k = 0; k < videos && k < VJ_MOST_PASSED; k++) {
    *video = c->usable[split][(slot + k) % videos];
    *start = start_of(c, split, number, where, c->videos[split][*video].info.frames);
    status = read_clip(c, split, *video, *start, frames);
    if (status == VJ_OK) atomic_store_explicit(&c->passed[split][number], (unsigned char)k, memory_order_relaxed);
    if (status != VJ_DATA) return status;
  }
  vj_error_prefix("%" PRId64 " videos in a row are damaged; the last one: ",
                  videos < VJ_MOST_PASSED ? videos : (int64_t)VJ_MOST_PASSED);
  return status;
}

static vj_status fill(const vj_clips *c, vj_split split, int64_t number, uint8_t *bytes, float *frames, float *labels) {
  const int64_t count = c->frames.count * c->frames.height * c->frames.width * (c->frames.grey ? 1 : 3);
  int64_t video = 0, start = 0;
  VJ_TRY(find_clip(c, split, number, bytes, &video, &start));
  for (int64_t i = 0; i < count; i++) frames[i] = (float)bytes[i] / 255.0f;
  const vj_clip_window window = vj_clips_window(c, &c->videos[split][video], start);
  return c->list.fill_labels(c->list.owner, split, video, &window, labels);
}

vj_status vj_clips_sample(const void *dataset, vj_split split, int64_t number, float *frames, float *labels) {
  const vj_clips *const c = dataset;
  const int64_t count = c->frames.count * c->frames.height * c->frames.width * (c->frames.grey ? 1 : 3);
  uint8_t *bytes = NULL;
  VJ_TRY(vj_allocate((size_t)count, 1, "a clip", &bytes));
  const vj_status status = fill(c, split, number, bytes, frames, labels);
  free(bytes);
  return status;
}

int64_t vj_clips_passed(const void *dataset, vj_split split, int64_t number, int64_t *videos) {
  const vj_clips *const c = dataset;
  const int64_t slot = slot_of(c, split, number);
  const int64_t count = atomic_load_explicit(&c->passed[split][number], memory_order_relaxed);
  for (int64_t k = 0; k < count; k++) videos[k] = (slot + k) % c->usable_count[split];
  return count;
}

int64_t vj_clips_video_of(const void *dataset, vj_split split, int64_t number) {
  return slot_of(dataset, split, number);
}

const char *vj_clips_video_name(const void *dataset, vj_split split, int64_t video) {
  const vj_clips *const c = dataset;
  return c->videos[split][c->usable[split][video]].entry->name;
}
