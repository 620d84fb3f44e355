#include "datasets/standins/encode.h"

#include <libavcodec/avcodec.h>
#include <libavformat/avformat.h>
#include <libavutil/avstring.h>
#include <libavutil/opt.h>
#include <libswscale/swscale.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "vj/memory.h"

struct vj_encoder {
  char *path;
  AVFormatContext *format;
  AVCodecContext *codec;
  AVStream *stream; /* the format's */
  struct SwsContext *scaler;
  AVFrame *frame;
  AVPacket *packet;
};

static vj_status fail(const vj_encoder *e, const char *what, int error) {
  char text[AV_ERROR_MAX_STRING_SIZE] = "";
  av_strerror(error, text, sizeof text);
  return vj_fail(error == AVERROR(ENOMEM) ? VJ_MEMORY : VJ_IO, "%s: %s: %s", e->path, what, text);
}

static const AVCodec *find_encoder(const char *names) {
  char name[32];
  for (const char *at = names; *at; at += strspn(at, " ")) {
    const size_t length = strcspn(at, " ");
    snprintf(name, sizeof name, "%.*s", (int)length, at);
    const AVCodec *codec = avcodec_find_encoder_by_name(name);
    if (codec) return codec;
    at += length;
  }
  return NULL;
}

/* Small files of good quality, quickly, and the same on every processor: left alone, x264 takes whatever is fast on
 * this one, and VP8 for `realtime` whatever keeps up with the clock, unless its speed is below zero. Options that an
 * encoder does not have are passed over. */
static void choose_quality(AVCodecContext *c, const AVCodec *codec) {
  if (strcmp(codec->name, "libx264") == 0) {
    av_opt_set(c->priv_data, "preset", "veryfast", 0);
    av_opt_set(c->priv_data, "crf", "18", 0);
    av_opt_set(c->priv_data, "x264-params", "cpu-independent=1", 0);
  } else if (strcmp(codec->name, "libvpx-vp9") == 0 || strcmp(codec->name, "libvpx") == 0) {
    av_opt_set(c->priv_data, "deadline", "realtime", 0);
    av_opt_set(c->priv_data, "cpu-used", "-8", 0);
    av_opt_set(c->priv_data, "crf", "20", 0);
    c->bit_rate = strcmp(codec->name, "libvpx") == 0 ? 2000000 : 0;
  } else {
    c->dct_algo = FF_DCT_INT; /* of the others some processors have their own */
    c->flags |= AV_CODEC_FLAG_QSCALE;
    c->global_quality = 3 * FF_QP2LAMBDA;
  }
}

static vj_status open_codec(vj_encoder *e, const vj_encoding *encoding) {
  const AVCodec *codec = find_encoder(encoding->encoders);
  if (!codec)
    return vj_fail(VJ_IO, "%s: FFmpeg's libraries here have none of the encoders it needs: %s", e->path,
                   encoding->encoders);
  AVCodecContext *c = e->codec = avcodec_alloc_context3(codec);
  if (!c) return vj_fail(VJ_MEMORY, "%s: no memory for an encoder", e->path);
  const bool motion_jpeg = codec->id == AV_CODEC_ID_MJPEG;
  c->width = (int)encoding->width;
  c->height = (int)encoding->height;
  c->time_base = (AVRational){1, (int)encoding->rate};
  c->framerate = (AVRational){(int)encoding->rate, 1};
  c->pix_fmt = motion_jpeg ? AV_PIX_FMT_YUVJ420P : AV_PIX_FMT_YUV420P;
  c->color_range = motion_jpeg ? AVCOL_RANGE_JPEG : AVCOL_RANGE_MPEG;
  c->gop_size = 48;
  c->thread_count = 1;
  c->flags |= AV_CODEC_FLAG_BITEXACT;
  if (e->format->oformat->flags & AVFMT_GLOBALHEADER) c->flags |= AV_CODEC_FLAG_GLOBAL_HEADER;
  choose_quality(c, codec);
  const int error = avcodec_open2(c, codec, NULL);
  return error < 0 ? fail(e, "its encoder can't be started", error) : VJ_OK;
}

static vj_status open_stream(vj_encoder *e, const vj_encoding *encoding) {
  int error = avformat_alloc_output_context2(&e->format, NULL, encoding->container, e->path);
  if (error < 0) return fail(e, "its container can't be written", error);
  e->format->flags |= AVFMT_FLAG_BITEXACT;
  VJ_TRY(open_codec(e, encoding));
  e->stream = avformat_new_stream(e->format, NULL);
  if (!e->stream) return vj_fail(VJ_MEMORY, "%s: no memory for a stream", e->path);
  e->stream->time_base = e->codec->time_base;
  e->stream->avg_frame_rate = e->codec->framerate;
  error = avcodec_parameters_from_context(e->stream->codecpar, e->codec);
  if (error < 0) return fail(e, "its container can't be written", error);
  char *const url = av_asprintf("file:%s", e->path); /* a path may hold a colon */
  error = url ? avio_open(&e->format->pb, url, AVIO_FLAG_WRITE) : AVERROR(ENOMEM);
  av_free(url);
  if (error < 0) return fail(e, "can't be made", error);
  error = avformat_write_header(e->format, NULL);
  return error < 0 ? fail(e, "can't be written", error) : VJ_OK;
}

static vj_status open_frame(vj_encoder *e) {
  const AVCodecContext *c = e->codec;
  e->frame = av_frame_alloc();
  e->packet = av_packet_alloc();
  if (!e->frame || !e->packet) return vj_fail(VJ_MEMORY, "%s: no memory for a picture", e->path);
  e->frame->format = c->pix_fmt;
  e->frame->width = c->width;
  e->frame->height = c->height;
  e->frame->color_range = c->color_range;
  const int error = av_frame_get_buffer(e->frame, 0);
  if (error < 0) return fail(e, "no picture", error);
  e->scaler = sws_getContext(c->width, c->height, AV_PIX_FMT_RGB24, c->width, c->height, AV_PIX_FMT_YUV420P,
                             SWS_AREA | SWS_ACCURATE_RND | SWS_BITEXACT, NULL, NULL, NULL);
  if (!e->scaler) return vj_fail(VJ_MEMORY, "%s: no memory for a change of colours", e->path);
  const int *colours = sws_getCoefficients(SWS_CS_DEFAULT);
  sws_setColorspaceDetails(e->scaler, colours, 1, colours, c->color_range == AVCOL_RANGE_JPEG, 0, 1 << 16, 1 << 16);
  return VJ_OK;
}

vj_status vj_encoder_open(const char *path, const vj_encoding *encoding, vj_encoder **encoder) {
  vj_encoder *e = NULL;
  vj_status status;
  *encoder = NULL;
  av_log_set_level(AV_LOG_ERROR);
  VJ_TRY(vj_allocate(1, sizeof *e, "an encoder", &e));
  VJ_TRY_GOTO(status, vj_allocate(strlen(path) + 1, 1, "a path", &e->path), done);
  strcpy(e->path, path);
  VJ_TRY_GOTO(status, open_stream(e, encoding), done);
  VJ_TRY_GOTO(status, open_frame(e), done);
  *encoder = e;
  e = NULL;
done:
  vj_encoder_close(&e);
  return status;
}

/* Sends a picture, NULL at the end, and writes what packets come out. */
static vj_status send(vj_encoder *e, const AVFrame *frame) {
  int error = avcodec_send_frame(e->codec, frame);
  if (error < 0) return fail(e, "a picture can't be encoded", error);
  while ((error = avcodec_receive_packet(e->codec, e->packet)) == 0) {
    e->packet->duration = 1;
    av_packet_rescale_ts(e->packet, e->codec->time_base, e->stream->time_base);
    e->packet->stream_index = e->stream->index;
    error = av_interleaved_write_frame(e->format, e->packet);
    if (error < 0) return fail(e, "can't be written", error);
  }
  return error == AVERROR(EAGAIN) || error == AVERROR_EOF ? VJ_OK : fail(e, "a picture can't be encoded", error);
}

vj_status vj_encoder_add(vj_encoder *e, const uint8_t *rgb) {
  const int stride = 3 * e->codec->width, error = av_frame_make_writable(e->frame);
  if (error < 0) return fail(e, "no picture", error);
  sws_scale(e->scaler, &rgb, &stride, 0, e->codec->height, e->frame->data, e->frame->linesize);
  e->frame->quality = e->codec->global_quality;
  e->frame->pts = e->frame->pts == AV_NOPTS_VALUE ? 0 : e->frame->pts + 1;
  return send(e, e->frame);
}

vj_status vj_encoder_finish(vj_encoder *e) {
  VJ_TRY(send(e, NULL));
  int error = av_write_trailer(e->format);
  if (error < 0) return fail(e, "can't be written", error);
  error = avio_closep(&e->format->pb);
  return error < 0 ? fail(e, "can't be written", error) : VJ_OK;
}

void vj_encoder_close(vj_encoder **encoder) {
  vj_encoder *e = *encoder;
  if (!e) return;
  sws_freeContext(e->scaler);
  av_packet_free(&e->packet);
  av_frame_free(&e->frame);
  avcodec_free_context(&e->codec);
  if (e->format) avio_closep(&e->format->pb);
  avformat_free_context(e->format);
  free(e->path);
  free(e);
  *encoder = NULL;
}
