/* A file and what takes it apart: FFmpeg's demuxer and decoder. */
#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include <libavcodec/codec_desc.h>

#include "datasets/video/video_private.h"

/* A playlist that names other files is no video: only the file itself is opened. */
static int refuse_others(AVFormatContext *format, AVIOContext **io, const char *url, int flags,
                         AVDictionary **options) {
  (void)format, (void)io, (void)flags, (void)options;
  av_log(NULL, AV_LOG_ERROR, "it names another file, %s", url);
  return AVERROR(EACCES);
}

static vj_status open_file(vj_demuxer *s) {
  const size_t room = strlen(s->path) + sizeof "file:";
  char *url = malloc(room); /* a path may hold a colon */
  if (!url) return vj_fail(VJ_MEMORY, "%s: no memory for a path", s->path);
  snprintf(url, room, "file:%s", s->path);
  const int error = avio_open(&s->io, url, AVIO_FLAG_READ);
  free(url);
  return error < 0 ? vj_fail(VJ_IO, "%s: can't be opened: %s", s->path, vj_video_reason(error)) : VJ_OK;
}

/* FFmpeg draws texts as an old terminal did, and reads single pictures. */
static bool is_no_video(const char *format) {
  static const char *const known[] = {"tty", "bin", "xbin", "idf", "adf", "image2"};
  for (size_t i = 0; i < sizeof known / sizeof *known; i++)
    if (strcmp(format, known[i]) == 0) return true;
  return false;
}

static vj_status open_format(vj_demuxer *s) {
  const int64_t bytes = avio_size(s->io);
  if (bytes == 0) return vj_fail(VJ_DATA, "%s: the file is empty", s->path);
  s->format = avformat_alloc_context();
  if (!s->format) return vj_fail(VJ_MEMORY, "%s: no memory for reading it", s->path);
  s->format->pb = s->io;
  s->format->io_open = refuse_others;
  s->format->flags |= AVFMT_FLAG_CUSTOM_IO;
  /* Its name helps to tell formats without a header of their own apart, as it does for FFmpeg's programs. */
  int error = avformat_open_input(&s->format, s->path, NULL, NULL);
  if (error < 0) return vj_fail(VJ_DATA, "%s: not a video: %s", s->path, vj_video_reason(error));
  if (is_no_video(s->format->iformat->name))
    return vj_fail(VJ_DATA, "%s: not a video: a text or a single picture (%s)", s->path, s->format->iformat->name);
  error = avformat_find_stream_info(s->format, NULL);
  if (error < 0) return vj_fail(VJ_DATA, "%s: not a video: %s", s->path, vj_video_reason(error));
  return VJ_OK;
}

/* The stream of pictures; cover art of a song is none. */
static vj_status choose_stream(vj_demuxer *s) {
  const int chosen = av_find_best_stream(s->format, AVMEDIA_TYPE_VIDEO, -1, -1, NULL, 0);
  if (chosen < 0 || s->format->streams[chosen]->disposition & AV_DISPOSITION_ATTACHED_PIC) {
    const int sound = av_find_best_stream(s->format, AVMEDIA_TYPE_AUDIO, -1, -1, NULL, 0);
    return vj_fail(VJ_DATA, "%s: no pictures in it%s", s->path, sound >= 0 ? ", only sound" : "");
  }
  s->stream = s->format->streams[chosen];
  for (unsigned i = 0; i < s->format->nb_streams; i++)
    s->format->streams[i]->discard = (int)i == chosen ? AVDISCARD_DEFAULT : AVDISCARD_ALL;
  return VJ_OK;
}

vj_status vj_demuxer_open(const char *path, vj_demuxer *source) {
  *source = (vj_demuxer){0};
  vj_video_listen();
  vj_video_forget();
  source->path = strdup(path);
  source->packet = av_packet_alloc();
  if (!source->path || !source->packet) return vj_fail(VJ_MEMORY, "%s: no memory for reading it", path);
  VJ_TRY(open_file(source));
  VJ_TRY(open_format(source));
  return choose_stream(source);
}

static void close_format(vj_demuxer *s) {
  avformat_close_input(&s->format);
  avio_closep(&s->io);
  s->stream = NULL;
}

vj_status vj_demuxer_rewind(vj_demuxer *s) {
  av_packet_unref(s->packet);
  close_format(s);
  VJ_TRY(open_file(s));
  VJ_TRY(open_format(s));
  return choose_stream(s);
}

bool vj_codec_is_intra(enum AVCodecID codec) {
  const AVCodecDescriptor *const about = avcodec_descriptor_get(codec);
  return about && about->props & AV_CODEC_PROP_INTRA_ONLY && codec != AV_CODEC_ID_GIF && codec != AV_CODEC_ID_APNG;
}

bool vj_codec_marks_starts(enum AVCodecID codec) {
  static const enum AVCodecID known[] = {
      AV_CODEC_ID_H264,  AV_CODEC_ID_HEVC,       AV_CODEC_ID_VP8,        AV_CODEC_ID_VP9,    AV_CODEC_ID_AV1,
      AV_CODEC_ID_MPEG4, AV_CODEC_ID_MPEG1VIDEO, AV_CODEC_ID_MPEG2VIDEO, AV_CODEC_ID_THEORA, AV_CODEC_ID_FFV1,
      AV_CODEC_ID_FLV1,  AV_CODEC_ID_MSMPEG4V3,  AV_CODEC_ID_WMV1,       AV_CODEC_ID_WMV2,   AV_CODEC_ID_H263};
  for (size_t i = 0; i < sizeof known / sizeof *known; i++)
    if (codec == known[i]) return true;
  /* A GIF is all key frames to its demuxer, and each picture changes the one before. */
  return vj_codec_is_intra(codec);
}

vj_status vj_demuxer_decoder(vj_demuxer *s, vj_leniency leniency) {
  const AVCodecParameters *const parameters = s->stream->codecpar;
  const AVCodec *const codec = avcodec_find_decoder(parameters->codec_id);
  if (!codec)
    return vj_fail(VJ_DATA, "%s: its pictures are %s, for which FFmpeg here has no decoder", s->path,
                   avcodec_get_name(parameters->codec_id));
  avcodec_free_context(&s->decoder);
  s->decoder = avcodec_alloc_context3(codec);
  if (!s->decoder) return vj_fail(VJ_MEMORY, "%s: no memory for a decoder", s->path);
  int error = avcodec_parameters_to_context(s->decoder, parameters);
  /* One thread and exact arithmetic. */
  s->decoder->thread_count = 1;
  s->decoder->flags |= AV_CODEC_FLAG_BITEXACT;
  if (leniency == VJ_STRICT)
    s->decoder->err_recognition = AV_EF_CRCCHECK | AV_EF_BITSTREAM | AV_EF_BUFFER | AV_EF_EXPLODE;
  s->decoder->pkt_timebase = s->stream->time_base;
  s->decoder->max_pixels = VJ_VIDEO_PIXELS;
  if (error >= 0) error = avcodec_open2(s->decoder, codec, NULL);
  if (error < 0) return vj_fail(VJ_DATA, "%s: can't be decoded: %s", s->path, vj_video_reason(error));
  return VJ_OK;
}

/* --- files that are cut short ------------------------------------------------------------------------------------ */

/* How long an AVI says it is: one after the other, its parts begin with their length. */
static int64_t riff_bytes(const vj_demuxer *s) {
  unsigned char head[12];
  int64_t at = 0;
  FILE *const file = fopen(s->path, "rb");
  while (file && fseeko(file, (off_t)at, SEEK_SET) == 0 && fread(head, 1, sizeof head, file) == sizeof head &&
         memcmp(head, "RIFF", 4) == 0 && memcmp(head + 8, "AVI", 3) == 0) {
    const uint32_t part =
        (uint32_t)head[4] | (uint32_t)head[5] << 8 | (uint32_t)head[6] << 16 | (uint32_t)head[7] << 24;
    if (part < 4 || part >= UINT32_MAX - 8) break;
    at += 8 + (int64_t)part;
  }
  if (file) fclose(file);
  return at;
}

/* What a file says of its structure counts, not how long it says it lasts: a last picture may stay for seconds. The
 * family of mp4 lists its packets before anything is read; AVI and Matroska say how many bytes there should be, which
 * of Matroska FFmpeg only mentions. */
vj_status vj_demuxer_check_length(const vj_demuxer *s, int64_t packets, bool torn) {
  const char *const name = s->format->iformat->name;
  const int64_t listed = avformat_index_get_entries_count(s->stream), bytes = avio_size(s->io);
  const int64_t said = strcmp(name, "avi") == 0 ? riff_bytes(s) : 0;
  if (strncmp(name, "mov", 3) == 0 && packets < listed)
    return vj_fail(VJ_DATA, "%s: cut short: it lists %" PRId64 " frames and has %" PRId64, s->path, listed, packets);
  if (torn && !(s->format->iformat->flags & AVFMT_TS_DISCONT))
    return vj_fail(VJ_DATA, "%s: cut short: frame %" PRId64 " is not whole", s->path, packets - 1);
  if (said > bytes)
    return vj_fail(VJ_DATA,
                   "%s: cut short: frame %" PRId64 " is its last; it says it has %" PRId64 " bytes, and has %" PRId64,
                   s->path, packets - 1, said, bytes);
  if (vj_video_ended_early())
    return vj_fail(VJ_DATA, "%s: cut short: it ends within frame %" PRId64 ", or before the next", s->path,
                   packets - 1);
  return VJ_OK;
}

/* --- reading ----------------------------------------------------------------------------------------------------- */

void vj_demuxer_read(vj_demuxer *s, int *error) {
  do {
    av_packet_unref(s->packet);
    *error = av_read_frame(s->format, s->packet);
  } while (*error >= 0 && s->packet->stream_index != s->stream->index);
  if (*error > 0) *error = 0;
}

void vj_demuxer_close(vj_demuxer *s) {
  close_format(s);
  avcodec_free_context(&s->decoder);
  av_packet_free(&s->packet);
  free(s->path);
  *s = (vj_demuxer){0};
}
