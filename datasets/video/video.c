/* Videos: opening one, and what it is. */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include <libavutil/display.h>

#include "datasets/video/video_private.h"

/* --- what it is -------------------------------------------------------------------------------------------------- */

static const int32_t *display_matrix(const AVStream *stream) {
#if LIBAVFORMAT_VERSION_INT >= AV_VERSION_INT(60, 15, 100)
  const AVPacketSideData *const side = av_packet_side_data_get(
      stream->codecpar->coded_side_data, stream->codecpar->nb_coded_side_data, AV_PKT_DATA_DISPLAYMATRIX);
  return side && side->size >= 9 * sizeof(int32_t) ? (const int32_t *)(const void *)side->data : NULL;
#else
  size_t size = 0;
  const uint8_t *const data = av_stream_get_side_data(stream, AV_PKT_DATA_DISPLAYMATRIX, &size);
  return data && size >= 9 * sizeof(int32_t) ? (const int32_t *)(const void *)data : NULL;
#endif
}

static double size_of(int32_t number) { return number < 0 ? -(double)number : (double)number; }

/* The matrix takes a pixel (p, q) to (a p + c q, b p + d q); angles are rounded to right ones. */
static void orient(vj_video *v) {
  const int32_t *const m = display_matrix(v->source.stream);
  if (!m) return;
  const int32_t a = m[0], b = m[1], c = m[3], d = m[4];
  vj_orientation *const o = &v->orientation;
  o->transposed = size_of(b) > size_of(a);
  o->flipped_x = (o->transposed ? c : a) < 0;
  o->flipped_y = (o->transposed ? b : d) < 0;
  /* Without a mirror: as it is, both flipped (180), transposed with x flipped (90 clockwise) or y flipped (270). */
  v->info.mirrored = o->transposed ? o->flipped_x == o->flipped_y : o->flipped_x != o->flipped_y;
  v->info.turned = o->transposed ? (o->flipped_x ? 90 : 270) : (o->flipped_y ? 180 : 0);
}

static void tell_times(vj_video *v) {
  const vj_index *const index = v->index;
  const AVStream *const stream = v->source.stream;
  const double unit = av_q2d(stream->time_base), rate = av_q2d(stream->avg_frame_rate);
  const int64_t n = index->frame_count;
  v->info.steady = true;
  if (!index->timed || n < 2) {
    v->info.rate = rate > 0.0 ? rate : 0.0;
    v->info.seconds = v->info.rate > 0.0 ? (double)n / v->info.rate : 0.0;
    return;
  }
  const int64_t first = index->entries[index->frames[0]].time, last = index->entries[index->frames[n - 1]].time;
  const double step = (double)(last - first) / (double)(n - 1);
  v->info.rate = 1.0 / (step * unit);
  v->info.seconds = step * unit * (double)n;
  for (int64_t i = 0; i < n; i++) {
    const double off = (double)(index->entries[index->frames[i]].time - first) - step * (double)i;
    if (off > 1.0 + 0.25 * step || off < -1.0 - 0.25 * step) v->info.steady = false;
  }
}

static void copy_word(char *to, size_t room, const char *from) {
  const size_t length = strcspn(from, ","); /* "mov,mp4,m4a": the first will do */
  snprintf(to, room, "%.*s", (int)length, from);
}

static void describe(vj_video *v) {
  const AVCodecParameters *const parameters = v->source.stream->codecpar;
  vj_video_info *const info = &v->info;
  orient(v);
  info->frames = v->index->frame_count;
  info->width = v->orientation.transposed ? parameters->height : parameters->width;
  info->height = v->orientation.transposed ? parameters->width : parameters->height;
  info->bytes = avio_size(v->source.io);
  copy_word(info->codec, sizeof info->codec, avcodec_get_name(parameters->codec_id));
  copy_word(info->container, sizeof info->container, v->source.format->iformat->name);
  tell_times(v);
}

/* --- opening ----------------------------------------------------------------------------------------------------- */

/* Reads all packets, unless it is known where they are. */
static vj_status find_frames(vj_video *v, const vj_video_index *known) {
  if (known) {
    v->index = &known->index;
    v->info = known->info;
    v->orientation = known->orientation;
    return VJ_OK;
  }
  v->own = calloc(1, sizeof *v->own);
  if (!v->own) return vj_fail(VJ_MEMORY, "%s: no memory for where its frames are", v->source.path);
  VJ_TRY(vj_index_scan(&v->source, &v->own->index));
  v->index = &v->own->index;
  return VJ_OK;
}

vj_status vj_video_open_known(const char *path, const vj_video_index *known, vj_video **video) {
  vj_status status;
  *video = NULL;
  vj_video *v = calloc(1, sizeof *v);
  if (!v) return vj_fail(VJ_MEMORY, "%s: no memory for a video", path);
  VJ_TRY_GOTO(status, vj_demuxer_open(path, &v->source), done);
  VJ_TRY_GOTO(status, find_frames(v, known), done);
  VJ_TRY_GOTO(status, vj_demuxer_decoder(&v->source), done);
  if (!known) describe(v);
  *video = v;
  v = NULL;
done:
  vj_video_close(&v);
  return status;
}

vj_status vj_video_open(const char *path, vj_video **video) { return vj_video_open_known(path, NULL, video); }

vj_video_index *vj_video_take_index(vj_video *v) {
  vj_video_index *const index = v->own;
  if (!index) return NULL;
  v->own = NULL;
  index->info = v->info;
  index->orientation = v->orientation;
  vj_index_trim(&index->index);
  return index;
}

size_t vj_video_index_bytes(const vj_video_index *index) { return sizeof *index + vj_index_bytes(&index->index); }

void vj_video_index_free(vj_video_index **index) {
  if (!*index) return;
  vj_index_free(&(*index)->index);
  free(*index);
  *index = NULL;
}

const vj_video_info *vj_video_about(const vj_video *video) { return &video->info; }

void vj_video_close(vj_video **video) {
  if (!*video) return;
  vj_picture_free(&(*video)->maker);
  vj_video_index_free(&(*video)->own);
  vj_demuxer_close(&(*video)->source);
  free(*video);
  *video = NULL;
}

/* --- frames ------------------------------------------------------------------------------------------------------ */

static vj_status check_request(const vj_video *v, const vj_video_request *r) {
  if (r->start >= 0 && r->stride >= 1 && r->count >= 1 && r->height >= 1 && r->width >= 1) return VJ_OK;
  return vj_fail(VJ_USAGE,
                 "%s: frames %" PRId64 ", +%" PRId64 ", %" PRId64 " times, of %" PRId64 " x %" PRId64
                 " px can't be asked for",
                 v->source.path, r->start, r->stride, r->count, r->width, r->height);
}

/* The frames that are asked for and exist; the last one of the video if none of them does. */
static int64_t list_frames(const vj_video *v, const vj_video_request *r, int64_t *frames) {
  const int64_t last = v->info.frames - 1;
  int64_t count = 0;
  for (int64_t i = 0; i < r->count; i++) {
    const int64_t frame = r->start > last || i > (last - r->start) / r->stride ? last : r->start + i * r->stride;
    if (count == 0 || frames[count - 1] != frame) frames[count++] = frame;
  }
  return count;
}

/* How many of those asked for are no repetitions. */
static int64_t count_real(const vj_video *v, const vj_video_request *r) {
  const int64_t last = v->info.frames - 1, left = r->start > last ? 0 : (last - r->start) / r->stride + 1;
  return left < r->count ? left : r->count;
}

static vj_status read_frames(vj_video *v, const vj_video_request *r, int64_t *frames, bool *whole, uint8_t *to) {
  const size_t bytes = (size_t)(r->height * r->width * (r->grey ? 1 : 3));
  const int64_t count = list_frames(v, r, frames);
  VJ_TRY(vj_video_decode(v, r, frames, count, to, whole));
  for (int64_t i = 0; i < count; i++)
    if (!whole[i]) memset(to + (size_t)i * bytes, 0, bytes);
  for (int64_t i = count; i < r->count; i++) {
    memcpy(to + (size_t)i * bytes, to + (size_t)(count - 1) * bytes, bytes);
    whole[i] = whole[count - 1];
    frames[i] = frames[count - 1];
  }
  return VJ_OK;
}

vj_status vj_video_frames(vj_video *video, const vj_video_request *request, uint8_t *frames, bool *whole,
                          int64_t *real) {
  int64_t *numbers = NULL;
  bool *own = NULL;
  vj_status status;
  VJ_TRY(check_request(video, request));
  if (real) *real = count_real(video, request);
  VJ_TRY_GOTO(status, vj_allocate((size_t)request->count, sizeof *numbers, "numbers of frames", &numbers), done);
  VJ_TRY_GOTO(status, vj_allocate((size_t)request->count, sizeof *own, "frames", &own), done);
  VJ_TRY_GOTO(status, read_frames(video, request, numbers, whole ? whole : own, frames), done);
  for (int64_t i = 0; i < request->count && !whole && status == VJ_OK; i++)
    if (!own[i]) status = vj_fail(VJ_DATA, "%s: frame %" PRId64 " is damaged", video->source.path, numbers[i]);
done:
  free(numbers);
  free(own);
  return status;
}

vj_status vj_video_read(const char *path, const vj_video_request *request, uint8_t *frames, int64_t *real) {
  vj_video *video = NULL;
  VJ_TRY(vj_video_open(path, &video));
  const vj_status status = vj_video_frames(video, request, frames, NULL, real);
  vj_video_close(&video);
  return status;
}

vj_status vj_video_probe(const char *path, vj_video_info *info) {
  const vj_video_request first = {.start = 0, .stride = 1, .count = 1, .height = 1, .width = 1, .grey = true};
  uint8_t pixel;
  vj_video *video = NULL;
  VJ_TRY(vj_video_open(path, &video));
  const vj_status status = vj_video_frames(video, &first, &pixel, NULL, NULL);
  *info = video->info;
  vj_video_close(&video);
  return status;
}
