/* Frames by number. Each is decoded from the start that the file has for it, by a decoder that knows nothing of what
 * was decoded before; so its bytes, and whether it counts as damaged, do not depend on what else is asked for. */
#include <inttypes.h>
#include <string.h>

#include "video_private.h"

/* Frames that share a start, on their way from the decoder. */
typedef struct run {
  vj_video *video;
  const vj_video_request *request;
  const int64_t *frames; /* that are wanted, ascending */
  int64_t count, done;
  uint8_t *to; /* of frames[0] */
  bool *whole;
  bool from_beginning;
  int64_t broken_from; /* position of the first packet with an error; packets behind it may depend on it */
  int64_t position;    /* of the packet that the decoder was given last */
  int64_t shown;       /* frames that came so far */
  AVFrame *latest;     /* the one that came last, before `frame` */
  AVFrame *frame;
} run;

static int64_t picture_bytes(const vj_video_request *r) { return r->height * r->width * (r->grey ? 1 : 3); }

static const vj_index_entry *entry_of(const vj_index *index, int64_t frame) {
  return &index->entries[index->frames[frame]];
}

/* --- to the start --------------------------------------------------------------------------------------------------
 */

/* Leaves the start's packet as the one read last. Seeking is only a short cut: where it did not lead to the start or
 * before it, packets are counted from the beginning. */
static vj_status go_to(vj_video *v, const vj_index_start *start, int *error) {
  vj_source *const s = &v->source;
  int64_t position = -1;
  *error = 0;
  if (v->index.timed && start->decoding_time != AV_NOPTS_VALUE &&
      av_seek_frame(s->format, s->stream->index, start->decoding_time, AVSEEK_FLAG_BACKWARD) >= 0) {
    vj_source_read(s, error);
    if (!*error && s->packet->pts != AV_NOPTS_VALUE) position = vj_index_position(&v->index, s->packet->pts);
  }
  if (position < 0 || position > start->position) {
    VJ_TRY(vj_source_rewind(s));
    vj_source_read(s, error);
    position = 0;
  }
  for (; !*error && position < start->position; position++) vj_source_read(s, error);
  return VJ_OK;
}

/* --- from the decoder ----------------------------------------------------------------------------------------------
 */

static vj_status put(run *r, const AVFrame *frame, int64_t i) {
  vj_video *const v = r->video;
  const vj_status status =
      vj_picture_make(&v->maker, frame, v->orientation, r->request, r->to + i * picture_bytes(r->request));
  if (status == VJ_OK) r->whole[i] = true;
  if (status == VJ_DATA) return VJ_OK; /* this frame is damaged, no more */
  return status;
}

/* A wanted frame did not come, though those after it did. The beginning of the file is where it is decided what is seen
 * instead: what was seen before. */
static vj_status put_missing(run *r) {
  const int64_t i = r->done++;
  const bool sound = entry_of(&r->video->index, r->frames[i])->position < r->broken_from;
  return sound && r->from_beginning && r->latest->buf[0] ? put(r, r->latest, i) : VJ_OK;
}

static bool is_sound(const run *r, const AVFrame *frame, int64_t number) {
  return entry_of(&r->video->index, number)->position < r->broken_from && !frame->decode_error_flags &&
         !(frame->flags & AV_FRAME_FLAG_CORRUPT);
}

static vj_status take(run *r) {
  const vj_index *const index = &r->video->index;
  const int64_t time =
      index->timed ? (r->frame->pts != AV_NOPTS_VALUE ? r->frame->pts : r->frame->best_effort_timestamp) : r->shown;
  r->shown++;
  while (r->done < r->count) {
    const int64_t number = r->frames[r->done];
    const int64_t wanted = index->timed ? entry_of(index, number)->time : number;
    if (wanted > time) break;
    if (wanted < time) {
      VJ_TRY(put_missing(r));
      continue;
    }
    if (is_sound(r, r->frame, number)) VJ_TRY(put(r, r->frame, r->done));
    r->done++;
  }
  av_frame_unref(r->latest);
  av_frame_move_ref(r->latest, r->frame);
  return VJ_OK;
}

/* Gives a packet to the decoder (NULL: there are no more) and takes the frames that come. */
static vj_status feed(run *r, const AVPacket *packet) {
  AVCodecContext *const decoder = r->video->source.decoder;
  int error = avcodec_send_packet(decoder, packet);
  const bool torn = packet && packet->flags & AV_PKT_FLAG_CORRUPT;
  if (error == AVERROR(ENOMEM)) return vj_fail(VJ_MEMORY, "no memory for decoding");
  if ((torn || (error < 0 && error != AVERROR_EOF)) && r->position < r->broken_from) r->broken_from = r->position;
  while (r->done < r->count) {
    error = avcodec_receive_frame(decoder, r->frame);
    if (error == AVERROR(EAGAIN) || error == AVERROR_EOF) break;
    if (error == AVERROR(ENOMEM)) return vj_fail(VJ_MEMORY, "no memory for decoding");
    if (error < 0) {
      if (r->position < r->broken_from) r->broken_from = r->position;
      continue;
    }
    VJ_TRY(take(r));
  }
  return VJ_OK;
}

static vj_status run_from(run *r, const vj_index_start *start) {
  vj_source *const s = &r->video->source;
  int error = 0;
  r->from_beginning = start->position == 0;
  r->broken_from = INT64_MAX;
  r->done = r->shown = 0;
  av_frame_unref(r->latest);
  memset(r->whole, 0, (size_t)r->count * sizeof *r->whole);
  avcodec_flush_buffers(s->decoder);
  VJ_TRY(go_to(r->video, start, &error));
  for (r->position = start->position; !error && r->done < r->count; r->position++) {
    VJ_TRY(feed(r, s->packet));
    if (r->done < r->count) vj_source_read(s, &error);
  }
  if (r->done < r->count) VJ_TRY(feed(r, NULL));
  while (r->done < r->count) VJ_TRY(put_missing(r));
  return VJ_OK;
}

/* --- runs of frames ------------------------------------------------------------------------------------------------
 */

/* A start from which a sound frame does not come is none, whatever the file says: then from the beginning. */
static vj_status decode_run(run *r) {
  const vj_index *const index = &r->video->index;
  const vj_index_start *const start = vj_index_start_of(index, r->frames[0]);
  VJ_TRY(run_from(r, start));
  if (start->position == 0 || r->broken_from != INT64_MAX) return VJ_OK;
  for (int64_t i = 0; i < r->count; i++)
    if (!r->whole[i]) return run_from(r, &index->starts[0]);
  return VJ_OK;
}

static vj_status decode_runs(run *r, vj_video *video, const int64_t *frames, int64_t count, uint8_t *to, bool *whole) {
  for (int64_t first = 0, next; first < count; first = next) {
    const vj_index_start *const start = vj_index_start_of(&video->index, frames[first]);
    for (next = first + 1; next < count && vj_index_start_of(&video->index, frames[next]) == start;) next++;
    r->frames = frames + first;
    r->count = next - first;
    r->to = to + first * picture_bytes(r->request);
    r->whole = whole + first;
    VJ_TRY(decode_run(r));
  }
  return VJ_OK;
}

vj_status vj_decode(vj_video *video, const vj_video_request *request, const int64_t *frames, int64_t count, uint8_t *to,
                    bool *whole) {
  run r = {.video = video, .request = request, .latest = av_frame_alloc(), .frame = av_frame_alloc()};
  vj_status status = r.latest && r.frame ? VJ_OK : vj_fail(VJ_MEMORY, "no memory for a frame");
  if (status == VJ_OK) status = decode_runs(&r, video, frames, count, to, whole);
  av_frame_free(&r.latest);
  av_frame_free(&r.frame);
  if (status != VJ_OK && strncmp(vj_error_message(), video->source.path, strlen(video->source.path)) != 0)
    vj_error_prefix("%s: ", video->source.path);
  return status;
}
