/* Frames of a file that was decoded once, by their number. A frame is decoded from the nearest point before it, or by
 * going on, and counts when it has the checksum that it had; where it has not, the point is none, and the frame is
 * decoded from the beginning, as when the file was scanned. So its bytes do not depend on how it was reached. */
#include <stdatomic.h>
#include <string.h>

#include "datasets/video/video_private.h"

/* --- to a point -------------------------------------------------------------------------------------------------- */

static bool is_point(const AVPacket *p, const vj_table_point *point) {
  return p->pos == point->offset && vj_packet_checksum(p) == point->checksum;
}

/* By the place in the file where times may jump, or there are none: somewhat before it, since what parts packets there
 * has to find its way first. */
static bool seek(vj_demuxer *s, const vj_table_point *point) {
  enum { BEFORE = 1 << 16 };
  const int flags = s->format->iformat->flags;
  const bool by_place = flags & (AVFMT_TS_DISCONT | AVFMT_NOTIMESTAMPS) || point->time == AV_NOPTS_VALUE;
  if (by_place && flags & AVFMT_NO_BYTE_SEEK) return false;
  const int64_t place = point->offset > BEFORE ? point->offset - BEFORE : 0;
  return av_seek_frame(s->format, s->stream->index, by_place ? place : point->time,
                       by_place ? AVSEEK_FLAG_BYTE : AVSEEK_FLAG_BACKWARD) >= 0;
}

vj_status vj_frame_table_go(vj_demuxer *s, const vj_table_point *point, int *error) {
  enum { NEAR = 4096 }; /* packets from where a seek leads to the point */
  *error = AVERROR_EOF;
  if (!point) {
    VJ_TRY(vj_demuxer_rewind(s));
    VJ_TRY(vj_demuxer_decoder(s, VJ_LENIENT));
    vj_demuxer_read(s, error);
    return VJ_OK;
  }
  VJ_TRY(vj_demuxer_decoder(s, VJ_LENIENT));
  if (!seek(s, point)) return VJ_OK;
  for (int k = 0; k < NEAR; k++) {
    vj_demuxer_read(s, error);
    if (*error || is_point(s->packet, point)) return VJ_OK;
    if (s->packet->pos > point->offset && s->format->iformat->flags & AVFMT_TS_DISCONT) break;
  }
  *error = AVERROR_EOF;
  return VJ_OK;
}

/* --- from frame to frame ----------------------------------------------------------------------------------------- */

static vj_status begin(vj_video *v, int64_t point, bool *begun) {
  vj_table_cursor *const c = &v->cursor;
  const vj_table_point *const from = point < 0 ? NULL : &v->table->points[point];
  int error;
  c->moving = c->ends = false;
  if (!c->frame) c->frame = av_frame_alloc();
  if (!c->frame) return vj_fail(VJ_MEMORY, "%s: no memory for a frame", v->source.path);
  VJ_TRY(vj_frame_table_go(&v->source, from, &error));
  c->point = point;
  c->packet = from ? from->packet : 0;
  c->number = -1;
  c->shown = 0;
  c->moving = *begun = !error;
  return VJ_OK;
}

/* The number of the frame that came with a packet, looked for where it should be; -1: it is not there. */
static int64_t number_of(const vj_frame_table *t, int64_t near, int64_t packet) {
  enum { AROUND = 64 };
  for (int64_t d = 0; d < AROUND; d++) {
    if (near + d < t->frame_count && t->frames[near + d].packet == packet) return near + d;
    if (near - d >= 0 && near - d < t->frame_count && t->frames[near - d].packet == packet) return near - d;
  }
  return -1;
}

/* From the beginning frames are counted; from a point they are known by their packets. */
static void count(vj_video *v, int64_t *near) {
  vj_table_cursor *const c = &v->cursor;
  c->number = c->point < 0 ? c->shown : number_of(v->table, *near, c->frame->pts);
  if (c->number >= 0) *near = c->number + 1;
  c->shown++;
}

/* The next frame that has a number, which is -1 at the end. */
static vj_status advance(vj_video *v) {
  vj_table_cursor *const c = &v->cursor;
  vj_demuxer *const s = &v->source;
  int64_t near = c->number >= 0 ? c->number + 1 : c->point >= 0 ? v->table->points[c->point].frame : 0;
  for (c->number = -1; c->number < 0;) {
    int error = avcodec_receive_frame(s->decoder, c->frame);
    if (error == AVERROR(ENOMEM)) return vj_fail(VJ_MEMORY, "%s: no memory for decoding", s->path);
    if (error >= 0) {
      count(v, &near);
      continue;
    }
    if (c->ends || error == AVERROR_EOF) break;
    if (error != AVERROR(EAGAIN)) continue;
    bool sound;
    if (c->packet > (c->point < 0 ? 0 : v->table->points[c->point].packet)) {
      vj_demuxer_read(s, &error);
      c->ends = error < 0 && error != AVERROR(EAGAIN);
    }
    s->packet->flags &= ~AV_PKT_FLAG_CORRUPT;
    if (c->ends || s->packet->size > 0) VJ_TRY(vj_frame_table_send(s, c->ends ? NULL : s->packet, c->packet, &sound));
    c->packet++;
  }
  if (c->number < 0) c->moving = false;
  return VJ_OK;
}

/* --- to a frame -------------------------------------------------------------------------------------------------- */

/* The last point from which a frame may be reached; -1: the beginning. */
static int64_t point_of(const vj_frame_table *t, int64_t frame) {
  int64_t low = 0, high = t->point_count;
  while (low < high) {
    const int64_t middle = low + (high - low) / 2;
    if (t->points[middle].frame <= frame && t->points[middle].packet <= t->frames[frame].packet)
      low = middle + 1;
    else
      high = middle;
  }
  while (low > 0 && atomic_load(&t->refuted[low - 1])) low--;
  return low - 1;
}

/* Decodes on until the frame, unless a point nearer to it can be had. */
static vj_status reach(vj_video *v, int64_t frame, int64_t point, bool *reached) {
  vj_table_cursor *const c = &v->cursor;
  const int64_t packet = point < 0 ? 0 : v->table->points[point].packet;
  bool begun = true;
  if (!c->moving || c->number > frame || packet > c->packet) VJ_TRY(begin(v, point, &begun));
  while (begun && c->moving && c->number < frame) VJ_TRY(advance(v));
  *reached =
      begun && c->moving && c->number == frame && vj_frame_checksum(c->frame) == v->table->frames[frame].checksum;
  if (!*reached) c->moving = false;
  return VJ_OK;
}

static vj_status find(vj_video *v, int64_t frame, bool *found) {
  const vj_frame_table *const t = v->table;
  *found = false;
  while (!*found) {
    const int64_t point = point_of(t, frame);
    VJ_TRY(reach(v, frame, point, found));
    if (*found) break;
    const int64_t began = v->cursor.point; /* not there: it may have gone on from another one */
    if (began >= 0) atomic_store(&t->refuted[began], 1);
    if (began < 0 || point < 0) break;
    if (began != point) continue;
    VJ_TRY(reach(v, frame, -1, found));
    break;
  }
  return VJ_OK;
}

vj_status vj_frame_table_read(vj_video *v, const vj_video_request *request, const int64_t *frames, int64_t count,
                              uint8_t *to, bool *whole) {
  const int64_t bytes = request->height * request->width * (request->grey ? 1 : 3);
  vj_video_forget();
  for (int64_t i = 0; i < count; i++) {
    whole[i] = false;
    if (v->table->frames[frames[i]].damaged) continue;
    VJ_TRY(find(v, frames[i], &whole[i]));
    if (!whole[i]) continue;
    const vj_status status = vj_picture_make(&v->maker, v->cursor.frame, v->orientation, request, to + i * bytes);
    if (status != VJ_OK && status != VJ_DATA) return status;
    whole[i] = status == VJ_OK;
  }
  return VJ_OK;
}
