/* A file and what takes it apart: FFmpeg's demuxer and decoder. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

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

vj_status vj_demuxer_decoder(vj_demuxer *s) {
  const AVCodecParameters *const parameters = s->stream->codecpar;
  const AVCodec *const codec = avcodec_find_decoder(parameters->codec_id);
  if (!codec)
    return vj_fail(VJ_DATA, "%s: its pictures are %s, for which FFmpeg here has no decoder", s->path,
                   avcodec_get_name(parameters->codec_id));
  s->decoder = avcodec_alloc_context3(codec);
  if (!s->decoder) return vj_fail(VJ_MEMORY, "%s: no memory for a decoder", s->path);
  int error = avcodec_parameters_to_context(s->decoder, parameters);
  /* One thread, exact arithmetic, and an error where something is wrong with the data. */
  s->decoder->thread_count = 1;
  s->decoder->flags |= AV_CODEC_FLAG_BITEXACT;
  s->decoder->err_recognition = AV_EF_CRCCHECK | AV_EF_BITSTREAM | AV_EF_BUFFER | AV_EF_EXPLODE;
  s->decoder->pkt_timebase = s->stream->time_base;
  s->decoder->max_pixels = VJ_VIDEO_PIXELS;
  if (error >= 0) error = avcodec_open2(s->decoder, codec, NULL);
  if (error < 0) return vj_fail(VJ_DATA, "%s: can't be decoded: %s", s->path, vj_video_reason(error));
  return VJ_OK;
}

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
