/* Where the frames of a file are: all packets are read once, none is decoded, as long as they tell all. */
#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "datasets/video/video_private.h"

/* Whether anybody sees what a packet holds: VP8 has pictures that others only refer to. */
static bool is_shown(enum AVCodecID codec, const AVPacket *packet) {
  if (packet->flags & AV_PKT_FLAG_DISCARD) return false;
  return codec != AV_CODEC_ID_VP8 || packet->size == 0 || packet->data[0] & 0x10;
}

/* --- reading ----------------------------------------------------------------------------------------------------- */

/* Room for one more, doubled when it is used up. */
bool vj_video_grow(void *array, int64_t count, size_t size) {
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
  if (!vj_video_grow(&index->entries, n, sizeof *index->entries) ||
      !vj_video_grow(&index->starts, index->start_count, sizeof *index->starts))
    return vj_fail(VJ_MEMORY, "%s: no memory for where its frames are", s->path);
  index->entries[index->entry_count++] = (vj_index_entry){p->pts, (int32_t)n, is_shown(codec, p)};
  if (n == 0 || (p->flags & AV_PKT_FLAG_KEY && vj_codec_marks_starts(codec)))
    index->starts[index->start_count++] =
        (vj_index_start){p->pts, p->dts == AV_NOPTS_VALUE ? p->pts : p->dts, (int32_t)n, p->flags & AV_PKT_FLAG_KEY};
  return VJ_OK;
}

/* --- the index --------------------------------------------------------------------------------------------------- */

static int by_time(const void *a, const void *b) {
  const vj_index_entry *const x = a, *const y = b;
  if (x->time != y->time) return x->time < y->time ? -1 : 1;
  return (x->position > y->position) - (x->position < y->position);
}

/* Frames come in the order of their times if the decoder waits for as many of them as it is said to, if no two have
 * one time, and if what is decoded first is shown first. */
static const char *find_disorder(const vj_demuxer *s, const vj_index *index, const int64_t *orders) {
  const int64_t delay = s->stream->codecpar->video_delay;
  if (!index->starts[0].key) return "no key frame at its beginning";
  if (index->entries[0].position != 0) return "pictures shown before its first key frame";
  for (int64_t i = 0; i < index->entry_count; i++) {
    if (i > 0 && index->entries[i].time == index->entries[i - 1].time) return "two packets of one time";
    if (index->entries[i].position - i > delay) return "packets out of order";
    if (i > 0 && orders && orders[index->entries[i].position] <= orders[index->entries[i - 1].position])
      return "times out of order";
  }
  return NULL;
}

static vj_status order_frames(const vj_demuxer *s, vj_index *index) {
  index->frames = malloc((size_t)index->entry_count * sizeof *index->frames);
  if (!index->frames) return vj_fail(VJ_MEMORY, "%s: no memory for where its frames are", s->path);
  for (int64_t i = 0; i < index->entry_count; i++)
    if (index->entries[i].shown) index->frames[index->frame_count++] = (int32_t)i;
  return VJ_OK;
}

/* All packets, as long as nothing is odd. */
static vj_status read_packets(vj_demuxer *s, vj_packet_check *check, vj_index *index, const char **odd) {
  int error = 0;
  while (!*odd && !error) {
    vj_demuxer_read(s, &error);
    if (!error) VJ_TRY(vj_packet_check_next(check, s->packet, odd));
    if (!error && !*odd) VJ_TRY(add(index, s));
  }
  if (*odd) return VJ_OK;
  if (error == AVERROR(EIO) || error == AVERROR(ENOMEM))
    return vj_fail(VJ_DATA, "%s: can't be read after %" PRId64 " frames: %s", s->path, index->entry_count,
                   vj_video_reason(error));
  if (error != AVERROR_EOF || index->entry_count == 0) *odd = "an end that is none";
  return vj_demuxer_check_length(s, index->entry_count, false);
}

static vj_status scan(vj_demuxer *s, vj_packet_check *check, vj_index *index, const char **odd) {
  VJ_TRY(vj_packet_check_begin(s, check));
  VJ_TRY(read_packets(s, check, index, odd));
  if (*odd) return VJ_OK;
  qsort(index->entries, (size_t)index->entry_count, sizeof *index->entries, by_time);
  *odd = find_disorder(s, index, check->orders);
  if (!*odd) VJ_TRY(order_frames(s, index));
  if (!*odd && index->frame_count == 0) *odd = "no frames";
  return VJ_OK;
}

vj_status vj_index_scan(vj_demuxer *s, vj_index *index, const char **odd) {
  vj_packet_check check = {0};
  *index = (vj_index){0};
  *odd = vj_packets_are_proven(s) ? NULL : "a codec or a container that is not on the list";
  if (*odd) return VJ_OK;
  const vj_status status = scan(s, &check, index, odd);
  vj_packet_check_end(&check);
  return status;
}

/* Pictures shown before a start but behind it in the file refer to what comes before it, so they have an earlier one.
 */
const vj_index_start *vj_index_start_of(const vj_index *index, int64_t frame) {
  const vj_index_entry *const entry = &index->entries[index->frames[frame]];
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
