/* Frames by number. Each is decoded from the start that the file has for it, by a decoder that knows nothing of what
 * was decoded before; so its bytes, and whether it counts as damaged, do not depend on what else is asked for. */
#include <stdlib.h>
#include <string.h>

#include "datasets/video/video_private.h"

/* A frame that is asked for, and which picture of the result it becomes. */
typedef struct wanted {
  int64_t frame, slot;
} wanted;

/* Frames that share a start, on their way from the decoder. */
typedef struct run {
  vj_video *video;
  const vj_video_request *request;
  uint8_t *to;
  bool *whole;
  const wanted *list; /* ascending */
  int64_t count, done;
  const vj_index_start *start;
  int64_t broken_from; /* position of the first packet with an error; packets behind it may depend on it */
  int64_t position;    /* of the packet that the decoder was given last */
  AVFrame *frame;
} run;

static int64_t picture_bytes(const vj_video_request *r) { return r->height * r->width * (r->grey ? 1 : 3); }

static const vj_index_entry *entry_of(const vj_index *index, int64_t frame) {
  return &index->entries[index->frames[frame]];
}

/* --- to the start ------------------------------------------------------------------------------------------------ */

/* Leaves the start's packet as the one read last. Seeking is only a short cut: where it did not lead to the start or
 * before it, packets are counted from the beginning. */
static vj_status go_to(vj_video *v, const vj_index_start *start, int *error) {
  vj_demuxer *const s = &v->source;
  int64_t position = -1;
  *error = 0;
  if (start->decoding_time != AV_NOPTS_VALUE &&
      av_seek_frame(s->format, s->stream->index, start->decoding_time, AVSEEK_FLAG_BACKWARD) >= 0) {
    vj_demuxer_read(s, error);
    if (!*error && s->packet->pts != AV_NOPTS_VALUE) position = vj_index_position(v->index, s->packet->pts);
  }
  if (position < 0 || position > start->position) {
    VJ_TRY(vj_demuxer_rewind(s));
    vj_demuxer_read(s, error);
    position = 0;
  }
  for (; !*error && position < start->position; position++) vj_demuxer_read(s, error);
  return VJ_OK;
}

/* --- from the decoder -------------------------------------------------------------------------------------------- */

static vj_status put(run *r, const AVFrame *frame, int64_t slot) {
  vj_video *const v = r->video;
  const vj_status status =
      vj_picture_make(&v->maker, frame, v->orientation, r->request, r->to + slot * picture_bytes(r->request));
  if (status == VJ_OK) r->whole[slot] = true;
  return status == VJ_DATA ? VJ_OK : status; /* then this frame is damaged, no more */
}

static bool is_sound(const run *r, const AVFrame *frame, int64_t number) {
  return entry_of(r->video->index, number)->position < r->broken_from && !frame->decode_error_flags &&
         !(frame->flags & AV_FRAME_FLAG_CORRUPT);
}

/* Frames that were wanted before the one that came did not come, and count as damaged. */
static vj_status take(run *r) {
  const vj_index *const index = r->video->index;
  const int64_t time = r->frame->pts != AV_NOPTS_VALUE ? r->frame->pts : r->frame->best_effort_timestamp;
  while (r->done < r->count && entry_of(index, r->list[r->done].frame)->time < time) r->done++;
  if (r->done == r->count) return VJ_OK;
  const wanted w = r->list[r->done];
  if (entry_of(index, w.frame)->time != time) return VJ_OK;
  if (is_sound(r, r->frame, w.frame)) VJ_TRY(put(r, r->frame, w.slot));
  r->done++;
  return VJ_OK;
}

/* Pictures shown before the start but behind it in the file need what comes before it, and may be beyond decoding here.
 * None that is shown later depends on them. */
static bool is_leading(const run *r, const AVPacket *packet) { return packet && packet->pts < r->start->time; }

/* Gives a packet to the decoder (NULL: there are no more) and takes the frames that come. */
static vj_status feed(run *r, const AVPacket *packet) {
  AVCodecContext *const decoder = r->video->source.decoder;
  int error = avcodec_send_packet(decoder, packet);
  r->video->gave_up = r->video->gave_up || (error < 0 && error != AVERROR_EOF);
  const bool torn = packet && packet->flags & AV_PKT_FLAG_CORRUPT, counts = !is_leading(r, packet);
  if (error == AVERROR(ENOMEM)) return vj_fail(VJ_MEMORY, "no memory for decoding");
  if ((torn || (error < 0 && error != AVERROR_EOF)) && counts && r->position < r->broken_from)
    r->broken_from = r->position;
  while (r->done < r->count) {
    error = avcodec_receive_frame(decoder, r->frame);
    if (error == AVERROR(EAGAIN) || error == AVERROR_EOF) break;
    if (error == AVERROR(ENOMEM)) return vj_fail(VJ_MEMORY, "no memory for decoding");
    r->video->gave_up = r->video->gave_up || error < 0;
    if (error >= 0)
      VJ_TRY(take(r));
    else if (counts && r->position < r->broken_from)
      r->broken_from = r->position;
  }
  return VJ_OK;
}

/* Of a picture that was given up something stays in a decoder, whether it is flushed or not; of one that it had ready,
 * in FFmpeg 7's for HEVC. */
static vj_status forget(const run *r) {
  vj_demuxer *const s = &r->video->source;
  if (r->video->gave_up) return vj_demuxer_decoder(s, VJ_STRICT);
  while (avcodec_receive_frame(s->decoder, r->frame) >= 0) continue;
  avcodec_flush_buffers(s->decoder);
  return VJ_OK;
}

static vj_status run_from(run *r, const vj_index_start *start, const wanted *list, int64_t count) {
  vj_demuxer *const s = &r->video->source;
  int error = 0;
  r->start = start;
  r->list = list;
  r->count = count;
  r->broken_from = INT64_MAX;
  r->done = 0;
  VJ_TRY(forget(r));
  r->video->gave_up = false;
  VJ_TRY(go_to(r->video, start, &error));
  for (r->position = start->position; !error && r->done < r->count; r->position++) {
    VJ_TRY(feed(r, s->packet));
    if (r->done < r->count) vj_demuxer_read(s, &error);
  }
  if (r->done < r->count) VJ_TRY(feed(r, NULL));
  return VJ_OK;
}

/* --- runs of frames ---------------------------------------------------------------------------------------------- */

/* A start from which a frame does not come whole may be none, whatever the file says (pictures may be renewed in
 * strips, over many frames). Such frames are tried once more, from the beginning. */
static vj_status decode_run(run *r, const vj_index_start *start, wanted *list, int64_t count) {
  int64_t left = 0;
  VJ_TRY(run_from(r, start, list, count));
  for (int64_t i = 0; i < count && start->position > 0; i++)
    if (!r->whole[list[i].slot]) list[left++] = list[i];
  return left ? run_from(r, &r->video->index->starts[0], list, left) : VJ_OK;
}

static vj_status decode_runs(run *r, wanted *list, int64_t count) {
  const vj_index *const index = r->video->index;
  for (int64_t first = 0, next; first < count; first = next) {
    const vj_index_start *const start = vj_index_start_of(index, list[first].frame);
    for (next = first + 1; next < count && vj_index_start_of(index, list[next].frame) == start;) next++;
    VJ_TRY(decode_run(r, start, list + first, next - first));
  }
  return VJ_OK;
}

static vj_status decode_list(run *r, const int64_t *frames, int64_t count) {
  wanted *list = NULL;
  VJ_TRY(vj_allocate((size_t)count, sizeof *list, "numbers of frames", &list));
  for (int64_t i = 0; i < count; i++) list[i] = (wanted){frames[i], i};
  const vj_status status = decode_runs(r, list, count);
  free(list);
  return status;
}

vj_status vj_video_decode(vj_video *video, const vj_video_request *request, const int64_t *frames, int64_t count,
                          uint8_t *to, bool *whole) {
  if (video->table) return vj_frame_table_read(video, request, frames, count, to, whole);
  run r = {.video = video, .request = request, .to = to, .whole = whole};
  memset(whole, 0, (size_t)count * sizeof *whole);
  r.frame = av_frame_alloc();
  vj_status status = r.frame ? VJ_OK : vj_fail(VJ_MEMORY, "no memory for a frame");
  if (status == VJ_OK) status = decode_list(&r, frames, count);
  av_frame_free(&r.frame);
  if (status != VJ_OK && strncmp(vj_error_message(), video->source.path, strlen(video->source.path)) != 0)
    vj_error_prefix("%s: ", video->source.path);
  return status;
}
