/* The frames of a file as decoding gives them: the file is decoded once from its beginning to its end, and of each
 * picture a checksum is kept. What ffmpeg shows is what counts, so the decoder is as lenient as its; which pictures are
 * damaged is told by what the decoder and the demuxer say meanwhile. */
#include <errno.h>
#include <inttypes.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#include "datasets/video/video_private.h"

/* Something wrong at a packet, after so many frames. */
typedef struct fault {
  int32_t packet;
  int64_t frame;
} fault;

typedef struct scan {
  vj_demuxer *source;
  vj_frame_table *table;
  vj_table_facts *facts;
  AVFrame *frame;
  int64_t *times; /* of packets */
  int64_t packets;
  int32_t *frame_of; /* [packets]: the frame of each, -1: none; NULL where packets can't tell frames apart */
  fault *faults;
  int64_t fault_count;
  int64_t next_point;  /* those before it are behind us */
  int64_t first_after; /* the frame behind the damage that was marked last */
  bool torn;           /* the last packet */
  bool hides;          /* there were packets that are not to be shown */
  int64_t suspect;     /* the first of the packets before which something is missing; -1: there are none now */
  int64_t suspect_end; /* behind the last of them */
} scan;

static vj_status no_memory(const scan *s) {
  return vj_fail(VJ_MEMORY, "%s: no memory for where its frames are", s->source->path);
}

/* --- a picture --------------------------------------------------------------------------------------------------- */

static bool is_whole(const AVFrame *f) { return !f->decode_error_flags && !(f->flags & AV_FRAME_FLAG_CORRUPT); }

static bool is_beginning(const AVFrame *f) {
#if LIBAVUTIL_VERSION_INT >= AV_VERSION_INT(58, 29, 100)
  return f->flags & AV_FRAME_FLAG_KEY || f->pict_type == AV_PICTURE_TYPE_I;
#else
  return f->key_frame || f->pict_type == AV_PICTURE_TYPE_I;
#endif
}

/* --- decoding ---------------------------------------------------------------------------------------------------- */

vj_status vj_frame_table_send(vj_demuxer *s, AVPacket *packet, int64_t number, bool *sound) {
  const int64_t before = vj_video_complaints();
  if (packet) packet->pts = packet->dts = number;
  const int error = avcodec_send_packet(s->decoder, packet);
  if (error == AVERROR(ENOMEM)) return vj_fail(VJ_MEMORY, "%s: no memory for decoding", s->path);
  *sound = (error >= 0 || error == AVERROR_EOF) && vj_video_complaints() == before;
  return VJ_OK;
}

static vj_status add_fault(scan *s, int64_t packet) {
  if (packet < 0) return VJ_OK;
  if (!vj_video_grow(&s->faults, s->fault_count, sizeof *s->faults)) return no_memory(s);
  s->faults[s->fault_count++] = (fault){(int32_t)packet, s->table->frame_count};
  return VJ_OK;
}

static void note_first(scan *s) {
  const int32_t *const matrix = vj_frame_matrix(s->frame);
  s->facts->width = s->frame->width;
  s->facts->height = s->frame->height;
  s->facts->turned = matrix != NULL;
  if (matrix) memcpy(s->facts->matrix, matrix, sizeof s->facts->matrix);
}

static vj_status add_frame(scan *s) {
  vj_frame_table *const t = s->table;
  const int64_t packet = s->frame->pts >= 0 && s->frame->pts < s->packets ? s->frame->pts : -1;
  if (t->frame_count == VJ_VIDEO_FRAMES)
    return vj_fail(VJ_DATA, "%s: more than %d frames", s->source->path, VJ_VIDEO_FRAMES);
  if (!vj_video_grow(&t->frames, t->frame_count, sizeof *t->frames)) return no_memory(s);
  if (t->frame_count == 0) {
    note_first(s);
    /* Frames before the first that stands for itself are made of nothing, unless it is only not shown. */
    if (!is_beginning(s->frame) && !s->hides && vj_codec_marks_starts(s->source->stream->codecpar->codec_id))
      VJ_TRY(add_fault(s, packet < 0 ? 0 : packet));
  }
  if (!is_whole(s->frame)) VJ_TRY(add_fault(s, packet < 0 ? s->packets - 1 : packet));
  t->frames[t->frame_count++] = (vj_table_frame){vj_frame_checksum(s->frame), (int32_t)packet, !is_whole(s->frame)};
  return VJ_OK;
}

/* A transport stream in which packets are missing: the demuxer says so of a picture, or of the one before it. Where
 * another recording begins right behind, and the decoder is content, it was only the joint. */
static vj_status suspect(scan *s, const AVPacket *packet, bool sound) {
  const int64_t number = s->packets - 1;
  const bool torn = packet && packet->flags & AV_PKT_FLAG_CORRUPT;
  if (torn) s->suspect_end = number + 2;
  if (torn && s->suspect < 0) s->suspect = number;
  if (s->suspect < 0) return VJ_OK;
  const bool over = !packet || number >= s->suspect_end;
  if (!sound || (over && !(packet && packet->flags & AV_PKT_FLAG_KEY))) VJ_TRY(add_fault(s, s->suspect));
  if (over) s->suspect = -1;
  return VJ_OK;
}

/* NULL: there are no more. */
static vj_status feed(scan *s, AVPacket *packet) {
  const int64_t number = packet ? s->packets - 1 : s->packets, before = vj_video_complaints();
  const int flags = packet ? packet->flags : 0;
  bool sound = true;
  if (packet) packet->flags &= ~AV_PKT_FLAG_CORRUPT; /* it would come back as the picture's */
  VJ_TRY(vj_frame_table_send(s->source, packet, number, &sound));
  for (int error = 0; error != AVERROR(EAGAIN) && error != AVERROR_EOF;) {
    error = avcodec_receive_frame(s->source->decoder, s->frame);
    if (error == AVERROR(ENOMEM)) return vj_fail(VJ_MEMORY, "%s: no memory for decoding", s->source->path);
    if (error >= 0) VJ_TRY(add_frame(s));
    if (error < 0 && error != AVERROR(EAGAIN) && error != AVERROR_EOF) sound = false;
    if (error < 0 && error != AVERROR(EAGAIN) && !packet) break;
  }
  sound = sound && vj_video_complaints() == before;
  if (packet) packet->flags = flags;
  VJ_TRY(suspect(s, packet, sound));
  return sound ? VJ_OK : add_fault(s, packet ? number : number - 1);
}

static vj_status add_packet(scan *s) {
  vj_frame_table *const t = s->table;
  const AVPacket *const p = s->source->packet;
  if (s->packets == 2 * (int64_t)VJ_VIDEO_FRAMES)
    return vj_fail(VJ_DATA, "%s: more than %d frames", s->source->path, VJ_VIDEO_FRAMES);
  if (!vj_video_grow(&s->times, s->packets, sizeof *s->times) ||
      !vj_video_grow(&t->points, t->point_count, sizeof *t->points))
    return no_memory(s);
  s->times[s->packets] = p->pts;
  s->torn = p->flags & AV_PKT_FLAG_CORRUPT;
  s->hides = s->hides || p->flags & AV_PKT_FLAG_DISCARD;
  if (p->flags & AV_PKT_FLAG_KEY && p->pos >= 0 && vj_codec_marks_starts(s->source->stream->codecpar->codec_id))
    t->points[t->point_count++] = (vj_table_point){vj_packet_checksum(p), p->dts == AV_NOPTS_VALUE ? p->pts : p->dts,
                                                   p->pos, (int32_t)s->packets, -1};
  s->packets++;
  return VJ_OK;
}

static vj_status decode_all(scan *s) {
  int error;
  VJ_TRY(vj_frame_table_go(s->source, NULL, &error));
  for (; !error; vj_demuxer_read(s->source, &error)) {
    VJ_TRY(add_packet(s));
    if (s->source->packet->size > 0) VJ_TRY(feed(s, s->source->packet));
  }
  if (error == AVERROR(EIO) || error == AVERROR(ENOMEM))
    return vj_fail(VJ_DATA, "%s: can't be read after %" PRId64 " packets: %s", s->source->path, s->packets,
                   vj_video_reason(error));
  VJ_TRY(vj_demuxer_check_length(s->source, s->packets, s->torn));
  VJ_TRY(feed(s, NULL));
  if (s->table->frame_count > 0) return VJ_OK;
  return vj_fail(VJ_DATA, "%s: no frames in it%s%s", s->source->path, s->packets ? ": " : "",
                 s->packets ? vj_video_reason(AVERROR_INVALIDDATA) : "");
}

/* --- points ------------------------------------------------------------------------------------------------------ */

/* frame_of [packets]: the frame that came with each packet; -1: none. False: packets can't tell frames apart. */
static bool map_packets(const scan *s, int32_t *frame_of) {
  for (int64_t i = 0; i < s->packets; i++) frame_of[i] = -1;
  for (int64_t i = 0; i < s->table->frame_count; i++) {
    const int32_t packet = s->table->frames[i].packet;
    if (packet < 0 || frame_of[packet] >= 0) return false;
    frame_of[packet] = (int32_t)i;
  }
  return true;
}

static int by_packet(const void *a, const void *b) {
  const fault *const x = a, *const y = b;
  return (x->packet > y->packet) - (x->packet < y->packet);
}

/* Packets that the decoder complained of, and made no frame of. */
static int64_t count_lost(const scan *s, const int32_t *frame_of) {
  int64_t lost = 0;
  for (int64_t k = 0; k < s->fault_count; k++) {
    const int32_t packet = s->faults[k].packet;
    if ((k == 0 || s->faults[k - 1].packet != packet) && packet < s->packets) lost += frame_of[packet] < 0;
  }
  return lost;
}

/* Those whose own frame is shown, in ascending order. */
static vj_status find_points(scan *s) {
  vj_frame_table *const t = s->table;
  int32_t *frame_of = NULL;
  int64_t kept = 0, latest = -1;
  VJ_TRY(vj_allocate((size_t)s->packets + 1, sizeof *frame_of, "frames of packets", &frame_of));
  const bool clear = map_packets(s, frame_of);
  if (s->fault_count) qsort(s->faults, (size_t)s->fault_count, sizeof *s->faults, by_packet);
  if (clear) s->facts->lost = count_lost(s, frame_of);
  for (int64_t i = 0; i < t->point_count && clear; i++) {
    const int32_t frame = frame_of[t->points[i].packet];
    if (frame <= latest) continue;
    t->points[kept] = t->points[i];
    t->points[kept++].frame = frame;
    latest = frame;
  }
  t->point_count = kept;
  if (clear)
    s->frame_of = frame_of;
  else
    free(frame_of);
  return VJ_OK;
}

/* --- damage ------------------------------------------------------------------------------------------------------ */

/* Whether decoding that begins at a point gives its frame as decoding from the beginning did: then what was damaged
 * before has no part in it, nor in what follows. */
static vj_status confirm(scan *s, const vj_table_point *point, bool *confirmed) {
  enum { PACKETS = 3 }; /* a picture may have two, and another one tell that it is over */
  int error;
  bool sound;
  *confirmed = false;
  VJ_TRY(vj_frame_table_go(s->source, point, &error));
  for (int k = 0; k <= PACKETS && !*confirmed; k++) {
    VJ_TRY(vj_frame_table_send(s->source, error || k == PACKETS ? NULL : s->source->packet, point->packet + k, &sound));
    while (!*confirmed && avcodec_receive_frame(s->source->decoder, s->frame) >= 0)
      if (s->frame->pts == point->packet)
        *confirmed = vj_frame_checksum(s->frame) == s->table->frames[point->frame].checksum;
    if (error || k == PACKETS) break;
    vj_demuxer_read(s->source, &error);
  }
  return VJ_OK;
}

static bool has_fault(const scan *s, int32_t packet) {
  int64_t low = 0, high = s->fault_count;
  while (low < high) {
    const int64_t middle = low + (high - low) / 2;
    if (s->faults[middle].packet < packet)
      low = middle + 1;
    else
      high = middle;
  }
  return low < s->fault_count && s->faults[low].packet == packet;
}

/* Whether what begins at a point is untouched by a fault at this packet: it lies before the point, or it is one of the
 * point's leading pictures, shown before it, on which none of HEVC's later pictures depends. */
static bool is_beyond(const scan *s, const vj_table_point *point, int32_t packet) {
  if (point->packet > packet) return true;
  if (!s->frame_of || packet >= s->packets || s->source->stream->codecpar->codec_id != AV_CODEC_ID_HEVC) return false;
  return s->frame_of[packet] >= 0 && s->frame_of[packet] < point->frame;
}

/* The first such point that is confirmed, of a few; point_count: there is none. */
static vj_status find_recovery(scan *s, int32_t packet, int64_t *left, int64_t *found) {
  const vj_frame_table *const t = s->table;
  const bool intra = vj_codec_is_intra(s->source->stream->codecpar->codec_id);
  for (*found = s->next_point; *found < t->point_count; ++*found) {
    const vj_table_point *const point = &t->points[*found];
    bool confirmed = intra;
    if (!is_beyond(s, point, packet) || has_fault(s, point->packet)) continue;
    if (!intra && --*left < 0) break;
    if (!intra) VJ_TRY(confirm(s, point, &confirmed));
    s->next_point = *found;
    if (confirmed) return VJ_OK;
  }
  *found = t->point_count;
  return VJ_OK;
}

/* From a fault to where it has no part in what follows. */
static vj_status mark_from(scan *s, const fault *f, int64_t *left, int64_t *end) {
  vj_frame_table *const t = s->table;
  int64_t point = 0;
  VJ_TRY(find_recovery(s, f->packet, left, &point));
  const bool over = point < t->point_count;
  const int64_t shown = over ? t->points[point].frame : t->frame_count;
  *end = over ? t->points[point].packet : INT64_MAX;
  for (int64_t i = t->point_count ? s->first_after : f->frame; i < shown; i++)
    if (t->point_count == 0 || t->frames[i].packet >= f->packet) t->frames[i].damaged = true;
  if (over) s->first_after = shown;
  return VJ_OK;
}

/* What was decoded behind a fault counts as damaged, up to a point from which it comes the same without what was
 * before; no frame shown later depends on what is shown before that. Looking for these takes a fifth of the time that
 * decoding took, at most. */
static vj_status mark_damage(scan *s) {
  vj_frame_table *const t = s->table;
  int64_t left = 20 + s->packets / 20, end = 0;
  for (int64_t k = 0; k < s->fault_count; k++)
    if (k == 0 || s->faults[k].packet >= end) VJ_TRY(mark_from(s, &s->faults[k], &left, &end));
  for (int64_t i = 0; i < t->frame_count; i++) t->damaged += t->frames[i].damaged;
  return VJ_OK;
}

/* --- all together ------------------------------------------------------------------------------------------------ */

static int64_t time_of(const scan *s, int64_t frame) {
  const int32_t packet = s->table->frames[frame].packet;
  return packet < 0 ? AV_NOPTS_VALUE : s->times[packet];
}

/* Whether all frames last equally long, as far as their times can tell. */
static void find_times(scan *s) {
  const int64_t n = s->table->frame_count;
  vj_table_facts *const facts = s->facts;
  facts->first = facts->last = 0;
  facts->steady = true;
  for (int64_t i = 0; i < n; i++) {
    if (time_of(s, i) == AV_NOPTS_VALUE) return;
    if (i > 0 && time_of(s, i) <= time_of(s, i - 1)) {
      facts->steady = false;
      return;
    }
  }
  facts->first = time_of(s, 0);
  facts->last = time_of(s, n - 1);
  const double step = n > 1 ? (double)(facts->last - facts->first) / (double)(n - 1) : 0.0;
  for (int64_t i = 0; i < n; i++) {
    const double off = (double)(time_of(s, i) - facts->first) - step * (double)i;
    if (off > 1.0 + 0.25 * step || off < -1.0 - 0.25 * step) facts->steady = false;
  }
}

vj_status vj_frame_table_ready(vj_frame_table *t) {
  VJ_TRY(vj_allocate((size_t)t->point_count + 1, sizeof *t->refuted, "where frames are", &t->refuted));
  for (int64_t i = 0; i < t->point_count; i++) atomic_init(&t->refuted[i], 0);
  return VJ_OK;
}

vj_status vj_frame_table_scan(vj_demuxer *source, vj_frame_table *table, vj_table_facts *facts) {
  scan s = {.source = source, .table = table, .facts = facts, .frame = av_frame_alloc(), .suspect = -1};
  *table = (vj_frame_table){0};
  *facts = (vj_table_facts){0};
  vj_status status = s.frame ? decode_all(&s) : no_memory(&s);
  if (status == VJ_OK) status = find_points(&s);
  if (status == VJ_OK) status = mark_damage(&s);
  if (status == VJ_OK) status = vj_frame_table_ready(table);
  if (status == VJ_OK) find_times(&s);
  av_frame_free(&s.frame);
  free(s.frame_of);
  free(s.times);
  free(s.faults);
  return status;
}

size_t vj_frame_table_bytes(const vj_frame_table *t) {
  return (size_t)t->frame_count * sizeof *t->frames + (size_t)t->point_count * (sizeof *t->points + 1);
}

void vj_frame_table_free(vj_frame_table *t) {
  free(t->frames);
  free(t->points);
  free((void *)t->refuted);
  *t = (vj_frame_table){0};
}
