/* Where the frames of a file are: all packets are read once, none is decoded. */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include <libavcodec/codec_desc.h>

#include "datasets/video/video_private.h"

/* Codecs whose packets marked as key frames can be decoded without those before them. Others are decoded from the
 * beginning of the file: a GIF, for one, is all key frames to its demuxer, and each picture changes the one before. */
static bool marks_starts(enum AVCodecID codec) {
  static const enum AVCodecID known[] = {
      AV_CODEC_ID_H264,  AV_CODEC_ID_HEVC,       AV_CODEC_ID_VP8,        AV_CODEC_ID_VP9,    AV_CODEC_ID_AV1,
      AV_CODEC_ID_MPEG4, AV_CODEC_ID_MPEG1VIDEO, AV_CODEC_ID_MPEG2VIDEO, AV_CODEC_ID_THEORA, AV_CODEC_ID_FFV1};
  for (size_t i = 0; i < sizeof known / sizeof *known; i++)
    if (codec == known[i]) return true;
  const AVCodecDescriptor *const about = avcodec_descriptor_get(codec);
  return about && about->props & AV_CODEC_PROP_INTRA_ONLY && codec != AV_CODEC_ID_GIF && codec != AV_CODEC_ID_APNG;
}

/* Whether anybody sees what a packet holds: VP8 has pictures that others only refer to. */
static bool is_shown(enum AVCodecID codec, const AVPacket *packet) {
  if (packet->flags & AV_PKT_FLAG_DISCARD) return false;
  return codec != AV_CODEC_ID_VP8 || packet->size == 0 || packet->data[0] & 0x10;
}

/* --- reading ----------------------------------------------------------------------------------------------------- */

/* Room for one more, doubled when it is used up. */
static bool grow(void *array, int64_t count, size_t size) {
  if (count & (count - 1) || (count && count < 64)) return true;
  void **const block = array;
  void *const larger = realloc(*block, (size_t)(count ? 2 * count : 64) * size);
  if (larger) *block = larger;
  return larger != NULL;
}

static vj_status add(vj_index *index, const vj_demuxer *s) {
  const AVPacket *const p = s->packet;
  const enum AVCodecID codec = s->stream->codecpar->codec_id;
  const int64_t n = index->entry_count;
  if (n == VJ_VIDEO_FRAMES) return vj_fail(VJ_DATA, "%s: more than %d frames", s->path, VJ_VIDEO_FRAMES);
  if (!grow(&index->entries, n, sizeof *index->entries) ||
      !grow(&index->starts, index->start_count, sizeof *index->starts))
    return vj_fail(VJ_MEMORY, "%s: no memory for where its frames are", s->path);
  index->entries[index->entry_count++] = (vj_index_entry){p->pts, (int32_t)n, is_shown(codec, p)};
  if (p->pts == AV_NOPTS_VALUE) index->timed = false;
  if (n == 0 || (p->flags & AV_PKT_FLAG_KEY && marks_starts(codec)))
    index->starts[index->start_count++] =
        (vj_index_start){p->pts, p->dts == AV_NOPTS_VALUE ? p->pts : p->dts, (int32_t)n};
  return VJ_OK;
}

/* --- files that are cut short ------------------------------------------------------------------------------------ */

/* Seconds that a stream lasts according to its file; 0: it does not say. */
static double said_duration(const vj_demuxer *s) {
  if (s->stream->duration > 0) return (double)s->stream->duration * av_q2d(s->stream->time_base);
  return s->format->nb_streams == 1 && s->format->duration > 0 ? (double)s->format->duration / AV_TIME_BASE : 0.0;
}

/* From the first packet's time to the last's. */
static double read_duration(const vj_demuxer *s, const vj_index *index) {
  const int64_t first = index->entries[0].time, last = index->entries[index->entry_count - 1].time;
  return index->timed ? (double)(last - first) * av_q2d(s->stream->time_base) : 0.0;
}

/* The family of mp4 lists its packets before anything is read, and may be told to leave some out at its ends, so there
 * the list counts; elsewhere the time. Matroska also says how many bytes there should be, which FFmpeg only mentions.
 */
static vj_status check_length(const vj_demuxer *s, const vj_index *index) {
  const int64_t there = index->entry_count, listed = avformat_index_get_entries_count(s->stream);
  const double said = said_duration(s), read = read_duration(s, index);
  const double frame = there > 1 ? read / (double)(there - 1) : 0.0; /* the last one's own length is not in `read` */
  const bool lists = strncmp(s->format->iformat->name, "mov", 3) == 0;
  if (lists && there < listed)
    return vj_fail(VJ_DATA, "%s: cut short: it lists %" PRId64 " frames and has %" PRId64, s->path, listed, there);
  if (!lists && index->timed && said - read > 3.0 * frame + 0.25)
    return vj_fail(VJ_DATA, "%s: cut short: it says it lasts %.2f s, and ends after %.2f s", s->path, said,
                   read + frame);
  if (strstr(vj_video_reason(0), "prematurely"))
    return vj_fail(VJ_DATA, "%s: cut short: it ends within frame %" PRId64 ", or before the next", s->path, there - 1);
  return VJ_OK;
}

/* --- the index --------------------------------------------------------------------------------------------------- */

static int by_time(const void *a, const void *b) {
  const vj_index_entry *const x = a, *const y = b;
  if (x->time != y->time) return x->time < y->time ? -1 : 1;
  return (x->position > y->position) - (x->position < y->position);
}

static vj_status order_frames(const vj_demuxer *s, vj_index *index) {
  if (index->timed) qsort(index->entries, (size_t)index->entry_count, sizeof *index->entries, by_time);
  for (int64_t i = 1; i < index->entry_count && index->timed; i++)
    if (index->entries[i].time == index->entries[i - 1].time) index->timed = false;
  if (!index->timed) /* as they came */
    for (int64_t i = 0; i < index->entry_count; i++) index->entries[i].time = index->entries[i].position;
  if (!index->timed) qsort(index->entries, (size_t)index->entry_count, sizeof *index->entries, by_time);
  index->frames = malloc((size_t)index->entry_count * sizeof *index->frames);
  if (!index->frames) return vj_fail(VJ_MEMORY, "%s: no memory for where its frames are", s->path);
  for (int64_t i = 0; i < index->entry_count; i++)
    if (index->entries[i].shown) index->frames[index->frame_count++] = (int32_t)i;
  return index->frame_count ? VJ_OK : vj_fail(VJ_DATA, "%s: no frames in it", s->path);
}

vj_status vj_index_scan(vj_demuxer *s, vj_index *index) {
  *index = (vj_index){.timed = true};
  int error;
  for (vj_demuxer_read(s, &error); !error; vj_demuxer_read(s, &error)) {
    if (s->packet->flags & AV_PKT_FLAG_CORRUPT)
      return vj_fail(VJ_DATA, "%s: cut short: frame %" PRId64 " is not whole", s->path, index->entry_count);
    VJ_TRY(add(index, s));
  }
  if (error != AVERROR_EOF)
    return vj_fail(VJ_DATA, "%s: can't be read after %" PRId64 " frames: %s", s->path, index->entry_count,
                   vj_video_reason(error));
  if (index->entry_count == 0) return vj_fail(VJ_DATA, "%s: no frames in it", s->path);
  VJ_TRY(order_frames(s, index));
  return check_length(s, index);
}

/* Pictures shown before a start but behind it in the file refer to what comes before it, so they have an earlier one.
 */
const vj_index_start *vj_index_start_of(const vj_index *index, int64_t frame) {
  const vj_index_entry *const entry = &index->entries[index->frames[frame]];
  if (!index->timed) return &index->starts[0];
  for (int64_t i = index->start_count - 1; i > 0; i--)
    if (index->starts[i].time <= entry->time && index->starts[i].position <= entry->position) return &index->starts[i];
  return &index->starts[0];
}

int64_t vj_index_position(const vj_index *index, int64_t time) {
  const vj_index_entry wanted = {.time = time, .position = -1};
  int64_t low = 0, high = index->entry_count;
  while (low < high) {
    const int64_t middle = low + (high - low) / 2;
    if (by_time(&index->entries[middle], &wanted) < 0)
      low = middle + 1;
    else
      high = middle;
  }
  return low < index->entry_count && index->entries[low].time == time ? index->entries[low].position : -1;
}

/* An array stays as it is where nothing smaller is to be had. */
static void trim(void *array, int64_t count, size_t size) {
  void **const block = array;
  void *const smaller = realloc(*block, (size_t)(count ? count : 1) * size);
  if (smaller) *block = smaller;
}

void vj_index_trim(vj_index *index) {
  trim(&index->entries, index->entry_count, sizeof *index->entries);
  trim(&index->frames, index->frame_count, sizeof *index->frames);
  trim(&index->starts, index->start_count, sizeof *index->starts);
}

size_t vj_index_bytes(const vj_index *index) {
  return (size_t)index->entry_count * sizeof *index->entries + (size_t)index->frame_count * sizeof *index->frames +
         (size_t)index->start_count * sizeof *index->starts;
}

void vj_index_free(vj_index *index) {
  free(index->entries);
  free(index->frames);
  free(index->starts);
  *index = (vj_index){0};
}
