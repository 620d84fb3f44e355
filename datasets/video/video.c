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
vj_orientation vj_orientation_of(const int32_t *m) {
  vj_orientation o = {0};
  if (!m) return o;
  const int32_t a = m[0], b = m[1], c = m[3], d = m[4];
  o.transposed = size_of(b) > size_of(a);
  o.flipped_x = (o.transposed ? c : a) < 0;
  o.flipped_y = (o.transposed ? b : d) < 0;
  return o;
}

const int32_t *vj_frame_matrix(const AVFrame *frame) {
  const AVFrameSideData *const side = av_frame_get_side_data(frame, AV_FRAME_DATA_DISPLAYMATRIX);
  return side && side->size >= 9 * sizeof(int32_t) ? (const int32_t *)(const void *)side->data : NULL;
}

static void tell_orientation(vj_video *v, const vj_orientation *o, int width, int height) {
  v->info.width = o->transposed ? height : width;
  v->info.height = o->transposed ? width : height;
  /* Without a mirror: as it is, both flipped (180), transposed with x flipped (90 clockwise) or y flipped (270). */
  v->info.mirrored = o->transposed ? o->flipped_x == o->flipped_y : o->flipped_x != o->flipped_y;
  v->info.turned = o->transposed ? (o->flipped_x ? 90 : 270) : (o->flipped_y ? 180 : 0);
}

/* Of `n` frames, from the time of the first to that of the last, in the stream's unit. */
static void tell_duration(vj_video *v, int64_t n, int64_t first, int64_t last) {
  const AVStream *const stream = v->source.stream;
  const double unit = av_q2d(stream->time_base), rate = av_q2d(stream->avg_frame_rate);
  const double step = n > 1 ? (double)(last - first) / (double)(n - 1) : 0.0;
  v->info.rate = step > 0.0 ? 1.0 / (step * unit) : rate > 0.0 ? rate : 0.0;
  v->info.seconds = step > 0.0 ? step * unit * (double)n : v->info.rate > 0.0 ? (double)n / v->info.rate : 0.0;
}

static void tell_times(vj_video *v) {
  const vj_index *const index = v->index;
  const int64_t n = index->frame_count;
  const int64_t first = index->entries[index->frames[0]].time, last = index->entries[index->frames[n - 1]].time;
  const double step = n > 1 ? (double)(last - first) / (double)(n - 1) : 0.0;
  tell_duration(v, n, first, last);
  v->info.steady = true;
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
  info->bytes = avio_size(v->source.io);
  copy_word(info->codec, sizeof info->codec, avcodec_get_name(parameters->codec_id));
  copy_word(info->container, sizeof info->container, v->source.format->iformat->name);
  v->orientation = vj_orientation_of(display_matrix(v->source.stream));
}

static void describe_packets(vj_video *v) {
  const AVCodecParameters *const parameters = v->source.stream->codecpar;
  describe(v);
  tell_orientation(v, &v->orientation, parameters->width, parameters->height);
  v->info.frames = v->index->frame_count;
  tell_times(v);
}

static void describe_table(vj_video *v, const vj_table_facts *facts) {
  const vj_frame_table *const t = v->table;
  vj_video_info *const info = &v->info;
  describe(v);
  const vj_orientation first = facts->turned ? vj_orientation_of(facts->matrix) : v->orientation;
  tell_orientation(v, &first, facts->width, facts->height);
  info->decoded = true;
  info->frames = t->frame_count;
  info->damaged = t->damaged;
  info->lost = facts->lost;
  while (t->damaged && !t->frames[info->first_damaged].damaged) info->first_damaged++;
  tell_duration(v, t->frame_count, facts->first, facts->last);
  info->steady = facts->steady;
}

/* --- opening ----------------------------------------------------------------------------------------------------- */

static vj_status use_known(vj_video *v, const vj_video_index *known) {
  v->info = known->info;
  v->orientation = known->orientation;
  if (known->info.decoded)
    v->table = &known->table;
  else
    v->index = &known->index;
  return v->table ? VJ_OK : vj_demuxer_decoder(&v->source, VJ_STRICT);
}

static vj_status use_packets(vj_video *v) {
  v->index = &v->own->index;
  describe_packets(v);
  return vj_demuxer_decoder(&v->source, VJ_STRICT);
}

static vj_status use_decoding(vj_video *v) {
  vj_table_facts facts;
  vj_index_free(&v->own->index);
  v->index = NULL;
  v->info = (vj_video_info){0};
  VJ_TRY(vj_frame_table_scan(&v->source, &v->own->table, &facts));
  v->table = &v->own->table;
  describe_table(v, &facts);
  /* Pictures one behind the other, without a container, may be a video; one is none. */
  if (v->info.frames > 1 || !strstr(v->info.container, "_pipe")) return VJ_OK;
  return vj_fail(VJ_DATA, "%s: not a video: a text or a single picture (%s)", v->source.path, v->info.container);
}

/* Whether the first frame comes as its packet says. */
static vj_status check_first(vj_video *v, bool *whole) {
  const vj_video_request request = {.stride = 1, .count = 1, .height = 1, .width = 1, .grey = true};
  const int64_t first = 0;
  uint8_t pixel;
  return vj_video_decode(v, &request, &first, 1, &pixel, whole);
}

/* By packets where these tell all, else by decoding. */
static vj_status find_frames(vj_video *v) {
  const char *odd = NULL;
  bool whole = false;
  v->own = calloc(1, sizeof *v->own);
  if (!v->own) return vj_fail(VJ_MEMORY, "%s: no memory for where its frames are", v->source.path);
  VJ_TRY(vj_index_scan(&v->source, &v->own->index, &odd));
  if (!odd) VJ_TRY(use_packets(v));
  if (!odd) VJ_TRY(check_first(v, &whole));
  return whole ? VJ_OK : use_decoding(v);
}

vj_status vj_video_open_known(const char *path, const vj_video_index *known, vj_video **video) {
  vj_status status;
  *video = NULL;
  vj_video *v = calloc(1, sizeof *v);
  if (!v) return vj_fail(VJ_MEMORY, "%s: no memory for a video", path);
  VJ_TRY_GOTO(status, vj_demuxer_open(path, &v->source), done);
  VJ_TRY_GOTO(status, known ? use_known(v, known) : find_frames(v), done);
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

size_t vj_video_index_bytes(const vj_video_index *index) {
  return sizeof *index + vj_index_bytes(&index->index) + vj_frame_table_bytes(&index->table);
}

void vj_video_index_free(vj_video_index **index) {
  if (!*index) return;
  vj_index_free(&(*index)->index);
  vj_frame_table_free(&(*index)->table);
  free(*index);
  *index = NULL;
}

const vj_video_info *vj_video_about(const vj_video *video) { return &video->info; }

void vj_video_close(vj_video **video) {
  if (!*video) return;
  vj_picture_free(&(*video)->maker);
  av_frame_free(&(*video)->cursor.frame);
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

vj_status vj_video_probe(const char *path, vj_video_info *info, vj_video_index **index) {
  vj_video *video = NULL;
  vj_status status = VJ_OK;
  if (index) *index = NULL;
  VJ_TRY(vj_video_open(path, &video));
  *info = video->info;
  if (info->damaged == info->frames)
    status = vj_fail(VJ_DATA, "%s: all of its %" PRId64 " frames are damaged", path, info->frames);
  if (status == VJ_OK && index && info->decoded) *index = vj_video_take_index(video);
  vj_video_close(&video);
  return status;
}
