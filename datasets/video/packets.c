/* Packets that tell all: those of whose codec and container it was found, by walking through many files, that they are
 * one frame each, in the order of their times, and that key frames are what they say; as long as nothing odd is in
 * them. Whatever is odd is no error, only a reason to ask the decoder instead. */
#define _GNU_SOURCE /* memmem() */
#include <stdlib.h>
#include <string.h>

#include "datasets/video/video_private.h"

/* --- the list ---------------------------------------------------------------------------------------------------- */

/* FFmpeg's first names of containers. tests/datasets/test_video_walk.c compares each with decoding. */
static const struct {
  enum AVCodecID codec;
  const char *containers;
} proven[] = {
    {AV_CODEC_ID_H264, "mov matroska flv mpegts"},
    {AV_CODEC_ID_HEVC, "mov matroska mpegts"},
    {AV_CODEC_ID_VP8, "matroska"},
    {AV_CODEC_ID_VP9, "matroska mov"},
    {AV_CODEC_ID_AV1, "matroska mov"},
    {AV_CODEC_ID_MPEG4, "mov matroska avi"},
    {AV_CODEC_ID_MJPEG, "mov matroska avi"},
    {AV_CODEC_ID_FFV1, "matroska avi"},
    {AV_CODEC_ID_PRORES, "mov"},
    {AV_CODEC_ID_PNG, "mov matroska avi"},
    {AV_CODEC_ID_HUFFYUV, "avi matroska"},
    {AV_CODEC_ID_UTVIDEO, "avi matroska"},
};

bool vj_packets_are_proven(const vj_demuxer *s) {
  const char *const name = s->format->iformat->name;
  const size_t length = strcspn(name, ",");
  for (size_t i = 0; i < sizeof proven / sizeof *proven; i++) {
    if (proven[i].codec != s->stream->codecpar->codec_id) continue;
    for (const char *at = proven[i].containers; *at; at += strspn(at, " ")) {
      const size_t word = strcspn(at, " ");
      if (word == length && strncmp(at, name, length) == 0) return true;
      at += word;
    }
  }
  return false;
}

/* --- H.264 and HEVC ---------------------------------------------------------------------------------------------- */

/* A unit without what divides it from others. */
typedef struct unit {
  const uint8_t *at;
  size_t bytes;
} unit;

static const uint8_t *find_code(const uint8_t *at, const uint8_t *end) {
  if (end - at < 3) return end;
  for (at += 2; at < end && (at = memchr(at, 1, (size_t)(end - at))); at++)
    if (at[-1] == 0 && at[-2] == 0) return at - 2;
  return end;
}

/* Moves *at behind the unit. False: there is none, or it does not fit. */
static bool next_unit(int length_bytes, const uint8_t **at, const uint8_t *end, unit *u) {
  if (length_bytes) {
    size_t bytes = 0;
    if (end - *at <= length_bytes) return false;
    for (int i = 0; i < length_bytes; i++) bytes = bytes << 8 | *(*at)++;
    if (bytes == 0 || bytes > (size_t)(end - *at)) return false;
    *u = (unit){*at, bytes};
    *at += bytes;
    return true;
  }
  *at = find_code(*at, end);
  if (end - *at <= 3) return false;
  const uint8_t *const first = *at + 3, *const next = find_code(first, end);
  *u = (unit){first, (size_t)(next - first)};
  while (u->bytes > 1 && u->at[u->bytes - 1] == 0) u->bytes--;
  *at = next;
  return true;
}

/* Parameters that a decoder which starts here would have from the file's head as well. */
static bool head_has(const vj_packet_check *c, const unit *u) {
  const AVCodecParameters *const p = c->parameters;
  return p->extradata_size > 0 && memmem(p->extradata, (size_t)p->extradata_size, u->at, u->bytes);
}

/* A message on how pictures are to be turned. */
static bool tells_orientation(const unit *u, size_t header) {
  enum { DISPLAY_ORIENTATION = 47 };
  for (size_t i = header; i + 2 < u->bytes;) {
    size_t kind = 0, bytes = 0;
    while (i < u->bytes && u->at[i] == 255) kind += 255, i++;
    if (i < u->bytes) kind += u->at[i++];
    while (i < u->bytes && u->at[i] == 255) bytes += 255, i++;
    if (i < u->bytes) bytes += u->at[i++];
    if (kind == DISPLAY_ORIENTATION) return true;
    i += bytes;
  }
  return false;
}

static const char *look_at_h264(vj_packet_check *c, const AVPacket *packet) {
  const uint8_t *at = packet->data;
  int pictures = 0;
  bool key = false;
  for (unit u; next_unit(c->length_bytes, &at, packet->data + packet->size, &u);) {
    const int kind = u.at[0] & 31;
    if (kind == 1 || kind == 5) pictures += u.bytes > 1 && u.at[1] & 0x80; /* its first macroblock is 0 */
    key = key || kind == 5;
    c->periods += pictures == 1 && kind == 5 && u.at[1] & 0x80;
    if ((kind == 7 || kind == 8) && !head_has(c, &u)) return "parameters that the file's head does not have";
    if ((kind >= 2 && kind <= 4) || kind == 10 || kind == 11) return "partitions, or ends of sequences";
    if (kind == 6 && tells_orientation(&u, 1)) return "an orientation in the stream";
  }
  if (pictures != 1) return "packets that are not one picture each";
  return packet->flags & AV_PKT_FLAG_KEY && !key ? "key frames that are no beginnings" : NULL;
}

static const char *look_at_hevc(vj_packet_check *c, const AVPacket *packet) {
  const uint8_t *at = packet->data;
  int pictures = 0;
  bool key = false;
  for (unit u; next_unit(c->length_bytes, &at, packet->data + packet->size, &u);) {
    if (u.bytes < 3) continue;
    const int kind = u.at[0] >> 1 & 63, layer = (u.at[0] & 1) << 5 | u.at[1] >> 3;
    if (layer > 0) continue;
    if (kind < 32) pictures += u.at[2] >> 7; /* its first slice */
    key = key || (kind >= 16 && kind <= 23);
    c->periods += kind < 32 && u.at[2] >> 7 && kind >= 16 && kind <= 20; /* all but those of open groups */
    if (kind >= 32 && kind <= 34 && !head_has(c, &u)) return "parameters that the file's head does not have";
    if (kind == 36 || kind == 37) return "ends of sequences";
    if (kind == 39 && tells_orientation(&u, 2)) return "an orientation in the stream";
  }
  if (pictures != 1) return "packets that are not one picture each";
  return packet->flags & AV_PKT_FLAG_KEY && !key ? "key frames that are no beginnings" : NULL;
}

/* --- MPEG-4, VP8, VP9, AV1 --------------------------------------------------------------------------------------- */

/* A picture between two others is shown before the second of them, which it follows in the file. */
static bool is_in_order(vj_packet_check *c, bool between, int64_t time) {
  if (between)
    return c->reference != AV_NOPTS_VALUE && time < c->reference && (c->before < time || c->before == AV_NOPTS_VALUE);
  const bool later = c->reference == AV_NOPTS_VALUE || time > c->reference;
  c->before = c->reference;
  c->reference = time;
  return later;
}

/* One picture that is coded: encoders leave some out, and put two into one packet and an empty one behind. */
static const char *look_at_mpeg4(vj_packet_check *c, const AVPacket *packet) {
  enum { PICTURE = 0xb6, LAYER = 0x20, LAST_LAYER = 0x2f, LEFT_OUT = 9 };
  const uint8_t *at = packet->data;
  int pictures = 0, type = 0;
  for (unit u; next_unit(0, &at, packet->data + packet->size, &u);) {
    if (u.at[0] >= LAYER && u.at[0] <= LAST_LAYER && !head_has(c, &u))
      return "parameters that the file's head does not have";
    if (u.at[0] != PICTURE) continue;
    if (u.bytes <= LEFT_OUT) return "pictures that are left out";
    pictures++;
    type = u.at[1] >> 6; /* of itself, after another, between others */
  }
  if (pictures != 1) return "packets that are not one picture each";
  if (!is_in_order(c, type == 2, packet->pts)) return "times out of order";
  return packet->flags & AV_PKT_FLAG_KEY && type != 0 ? "key frames that are no beginnings" : NULL;
}

static const char *look_at_vp8(const AVPacket *packet) {
  return packet->flags & AV_PKT_FLAG_KEY && packet->data[0] & 1 ? "key frames that are no beginnings" : NULL;
}

/* Of a frame of VP9: whether it is shown, and whether it is a key frame. */
static bool vp9_shows(const uint8_t *data, bool *key) {
  const int profile = (data[0] >> 5 & 1) | (data[0] >> 3 & 2), at = profile == 3 ? 2 : 3;
  *key = false;
  if (data[0] >> at & 1) return true; /* shows one that is there already */
  *key = !(data[0] >> (at - 1) & 1);
  return data[0] >> (at - 2) & 1;
}

/* Frames that nobody sees lie in one packet with the one that is seen: its last bytes say how long each is. */
static const char *look_at_vp9(const AVPacket *packet) {
  const uint8_t *const data = packet->data, mark = data[packet->size - 1];
  const int frames = (mark & 7) + 1, width = (mark >> 3 & 3) + 1, index = 2 + width * frames;
  int shown = 0;
  bool key = false, first = false;
  if (data[0] >> 6 != 2) return "packets that are no pictures";
  if ((mark & 0xe0) == 0xc0 && packet->size >= index && data[packet->size - index] == mark) {
    size_t at = 0;
    for (int i = 0; i < frames; i++) {
      size_t bytes = 0;
      for (int b = 0; b < width; b++) bytes |= (size_t)data[packet->size - index + 1 + i * width + b] << 8 * b;
      if (bytes == 0 || at + bytes > (size_t)(packet->size - index)) return "packets that are not one picture each";
      shown += vp9_shows(data + at, &key);
      if (i == 0) first = key;
      at += bytes;
    }
  } else
    shown = vp9_shows(data, &first);
  if (shown != 1) return "packets that are not one picture each";
  return packet->flags & AV_PKT_FLAG_KEY && !first ? "key frames that are no beginnings" : NULL;
}

/* The number of bytes in an OBU, and how many say so; 0: it does not fit. */
static size_t obu_bytes(const uint8_t *at, size_t left, size_t *said) {
  size_t bytes = 0;
  for (*said = 0; *said < 8 && *said < left; ++*said) {
    bytes |= (size_t)(at[*said] & 127) << 7 * *said;
    if (at[*said] < 128) {
      ++*said;
      return bytes <= left - *said ? bytes : 0;
    }
  }
  return 0;
}

static const char *look_at_av1(const AVPacket *packet) {
  enum { SEQUENCE = 1, HEADER = 3, FRAME = 6 };
  int shown = 0;
  bool key = false;
  for (size_t at = 0; at < (size_t)packet->size;) {
    const uint8_t *const data = packet->data + at;
    const size_t left = (size_t)packet->size - at, extended = data[0] >> 2 & 1;
    size_t said = 0, bytes = left - 1;
    const int kind = data[0] >> 3 & 15;
    if (extended) return "layers";
    if (data[0] & 2) bytes = obu_bytes(data + 1, left - 1, &said);
    const uint8_t *const body = data + 1 + said;
    if ((kind == HEADER || kind == FRAME) && bytes > 0) shown += body[0] >> 7 || body[0] >> 4 & 1;
    key = key || kind == SEQUENCE;
    if (kind == SEQUENCE && bytes > 0 && body[0] >> 3 & 1) return "single pictures";
    at += 1 + said + bytes;
  }
  if (shown != 1) return "packets that are not one picture each";
  return packet->flags & AV_PKT_FLAG_KEY && !key ? "key frames that are no beginnings" : NULL;
}

/* --- any packet -------------------------------------------------------------------------------------------------- */

/* FFmpeg's parser knows in which order pictures of H.264 and HEVC are shown, whatever their times. */
vj_status vj_packet_check_begin(const vj_demuxer *s, vj_packet_check *c) {
  const AVCodecParameters *const p = s->stream->codecpar;
  *c = (vj_packet_check){
      .parameters = p, .decoding_time = AV_NOPTS_VALUE, .before = AV_NOPTS_VALUE, .reference = AV_NOPTS_VALUE};
  if (p->codec_id != AV_CODEC_ID_H264 && p->codec_id != AV_CODEC_ID_HEVC) return VJ_OK;
  if (p->extradata_size > 22 && p->extradata[0] == 1)
    c->length_bytes = (p->extradata[p->codec_id == AV_CODEC_ID_H264 ? 4 : 21] & 3) + 1;
  else if (p->codec_id == AV_CODEC_ID_H264 && p->extradata_size > 6 && p->extradata[0] == 1)
    c->length_bytes = (p->extradata[4] & 3) + 1;
  c->context = avcodec_alloc_context3(NULL);
  c->parser = av_parser_init((int)p->codec_id);
  if (!c->context || !c->parser || avcodec_parameters_to_context(c->context, p) < 0)
    return vj_fail(VJ_MEMORY, "%s: no memory for its packets", s->path);
  c->parser->flags |= PARSER_FLAG_COMPLETE_FRAMES;
  return VJ_OK;
}

static vj_status find_order(vj_packet_check *c, const AVPacket *packet, const char **odd) {
  uint8_t *out = NULL;
  int bytes = 0;
  if (!vj_video_grow(&c->orders, c->count, sizeof *c->orders)) return vj_fail(VJ_MEMORY, "no memory for packets");
  (void)av_parser_parse2(c->parser, c->context, &out, &bytes, packet->data, packet->size, packet->pts, packet->dts,
                         packet->pos);
  if (c->parser->picture_structure == AV_PICTURE_STRUCTURE_TOP_FIELD ||
      c->parser->picture_structure == AV_PICTURE_STRUCTURE_BOTTOM_FIELD)
    *odd = "fields";
  c->orders[c->count++] = c->periods * (INT64_C(1) << 32) + c->parser->output_picture_number;
  return VJ_OK;
}

static const char *look_at_any(vj_packet_check *c, const AVPacket *packet) {
  size_t bytes;
  if (packet->size == 0) return "empty packets";
  if (packet->flags & AV_PKT_FLAG_CORRUPT) return "damaged packets";
  if (packet->flags & AV_PKT_FLAG_DISCARD) return "packets that are not shown";
  if (packet->pts == AV_NOPTS_VALUE) return "packets without a time";
  if (packet->dts != AV_NOPTS_VALUE) {
    if (c->decoding_time != AV_NOPTS_VALUE && packet->dts < c->decoding_time) return "a clock that goes back";
    c->decoding_time = packet->dts;
  }
  if (av_packet_get_side_data(packet, AV_PKT_DATA_NEW_EXTRADATA, &bytes) ||
      av_packet_get_side_data(packet, AV_PKT_DATA_PARAM_CHANGE, &bytes))
    return "parameters that change";
  return NULL;
}

vj_status vj_packet_check_next(vj_packet_check *c, const AVPacket *packet, const char **odd) {
  *odd = look_at_any(c, packet);
  if (*odd) return VJ_OK;
  switch ((int)c->parameters->codec_id) {
    case AV_CODEC_ID_H264:
      *odd = look_at_h264(c, packet);
      break;
    case AV_CODEC_ID_HEVC:
      *odd = look_at_hevc(c, packet);
      break;
    case AV_CODEC_ID_MPEG4:
      *odd = look_at_mpeg4(c, packet);
      break;
    case AV_CODEC_ID_VP8:
      *odd = look_at_vp8(packet);
      break;
    case AV_CODEC_ID_VP9:
      *odd = look_at_vp9(packet);
      break;
    case AV_CODEC_ID_AV1:
      *odd = look_at_av1(packet);
      break;
    default:
      break;
  }
  return c->parser && !*odd ? find_order(c, packet, odd) : VJ_OK;
}

void vj_packet_check_end(vj_packet_check *c) {
  av_parser_close(c->parser);
  avcodec_free_context(&c->context);
  free(c->orders);
  *c = (vj_packet_check){0};
}
