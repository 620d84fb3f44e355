/* A decoded picture to bytes of the size that is asked for. */
#include <stdlib.h>
#include <string.h>

#include <libavutil/imgutils.h>
#include <libavutil/opt.h>
#include <libavutil/pixdesc.h>

#include "datasets/video/video_private.h"

/* --- colours ----------------------------------------------------------------------------------------------------- */

static bool fits(const vj_picture_maker *m, const AVFrame *frame, bool grey) {
  return m->scaler && m->width == frame->width && m->height == frame->height && m->format == frame->format &&
         m->colorspace == (int)frame->colorspace && m->range == (int)frame->color_range && m->grey == grey;
}

/* The matrix of a picture's colours as ffmpeg takes it: where it is none for YUV, or unknown, that of BT.601. */
static const int *coefficients(enum AVColorSpace colorspace) {
  const bool known =
      colorspace >= AVCOL_SPC_BT709 && colorspace <= AVCOL_SPC_BT2020_CL && colorspace != AVCOL_SPC_YCGCO;
  return sws_getCoefficients(known ? (int)colorspace : AVCOL_SPC_BT470BG);
}

/* All of it must be said before it is made ready: for deep pictures the range is of no effect afterwards. */
static vj_status start_scaler(vj_picture_maker *m, const AVFrame *frame, enum AVPixelFormat to) {
  sws_freeContext(m->scaler);
  m->scaler = sws_alloc_context();
  if (!m->scaler) return vj_fail(VJ_MEMORY, "no memory for a change of colours");
  const struct {
    const char *name;
    int64_t value;
  } options[] = {{"srcw", frame->width},
                 {"srch", frame->height},
                 {"src_format", frame->format},
                 {"dstw", frame->width},
                 {"dsth", frame->height},
                 {"dst_format", to},
                 {"sws_flags", SWS_BILINEAR | SWS_ACCURATE_RND | SWS_BITEXACT | SWS_FULL_CHR_H_INT},
                 {"src_range", frame->color_range == AVCOL_RANGE_JPEG}};
  for (size_t i = 0; i < sizeof options / sizeof *options; i++)
    (void)av_opt_set_int(m->scaler, options[i].name, options[i].value, 0);
  if (sws_init_context(m->scaler, NULL, NULL) >= 0) return VJ_OK;
  return vj_fail(VJ_DATA, "pictures of %d x %d px can't be converted", frame->width, frame->height);
}

/* A converter to RGB or grey of the same size, as ffmpeg would make it; it gives the same bytes on every processor. */
static vj_status make_scaler(vj_picture_maker *m, const AVFrame *frame, bool grey) {
  const int *const matrix = coefficients(frame->colorspace); /* the same on both sides: grey is luma */
  int *from_table, *to_table, from_range, to_range, brightness, contrast, saturation;
  if (!sws_isSupportedInput(frame->format))
    return vj_fail(VJ_DATA, "pixels of the format %s can't be converted", av_get_pix_fmt_name(frame->format));
  m->format = AV_PIX_FMT_NONE;
  VJ_TRY(start_scaler(m, frame, grey ? AV_PIX_FMT_GRAY8 : AV_PIX_FMT_RGB24));
  if (sws_getColorspaceDetails(m->scaler, &from_table, &from_range, &to_table, &to_range, &brightness, &contrast,
                               &saturation) >= 0) {
    if (frame->color_range != AVCOL_RANGE_UNSPECIFIED) from_range = frame->color_range == AVCOL_RANGE_JPEG;
    /* Has no meaning for pictures that are RGB already, and is refused then. */
    (void)sws_setColorspaceDetails(m->scaler, matrix, from_range, matrix, to_range, brightness, contrast, saturation);
  }
  m->width = frame->width, m->height = frame->height, m->format = frame->format, m->grey = grey;
  m->colorspace = (int)frame->colorspace, m->range = (int)frame->color_range;
  return VJ_OK;
}

/* Bytes from one row of the wide picture to the next: swscale writes a little beyond a row's end. */
static int wide_stride(int width, int channels) { return (width * channels + 63) / 64 * 64 + 64; }

static vj_status widen(vj_picture_maker *m, const AVFrame *frame, bool grey) {
  const int channels = grey ? 1 : 3, stride = wide_stride(frame->width, channels);
  const size_t bytes = (size_t)stride * (size_t)frame->height, sums = (size_t)frame->width * (size_t)channels;
  if (!fits(m, frame, grey)) VJ_TRY(make_scaler(m, frame, grey));
  if (bytes > m->wide_bytes) {
    free(m->wide);
    m->wide_bytes = 0;
    VJ_TRY(vj_allocate(bytes, 1, "a picture", &m->wide));
    m->wide_bytes = bytes;
  }
  if (sums > m->sums_count) {
    free(m->sums);
    m->sums_count = 0;
    VJ_TRY(vj_allocate(sums, sizeof *m->sums, "a row of a picture", &m->sums));
    m->sums_count = sums;
  }
  uint8_t *const planes[4] = {m->wide};
  const int strides[4] = {stride};
  const int rows =
      sws_scale(m->scaler, (const uint8_t *const *)frame->data, frame->linesize, 0, frame->height, planes, strides);
  return rows == frame->height ? VJ_OK : vj_fail(VJ_DATA, "a picture can't be converted: %s", vj_video_reason(rows));
}

/* --- areas ------------------------------------------------------------------------------------------------------- */

/* Lengths are counted in pieces: a source pixel is `out` of them long, a target pixel `in`, the whole side in * out. */
typedef struct span {
  int64_t first, last; /* source pixels that a target pixel covers, the last one included */
} span;

static span span_of(int64_t target, int64_t in, int64_t out) {
  return (span){target * in / out, ((target + 1) * in - 1) / out};
}

/* Pieces that a source and a target pixel share. */
static int64_t shared(int64_t source, int64_t target, int64_t in, int64_t out) {
  const int64_t low = source * out > target * in ? source * out : target * in;
  const int64_t high = (source + 1) * out < (target + 1) * in ? (source + 1) * out : (target + 1) * in;
  return high - low;
}

/* sums [width * channels] = the source rows under a target row, weighted; at most 255 * height. */
static void sum_rows(const vj_picture_maker *m, int64_t target, int64_t out, int channels) {
  const int64_t numbers = (int64_t)m->width * channels, stride = wide_stride(m->width, channels);
  const span rows = span_of(target, m->height, out);
  uint32_t *restrict const sums = m->sums;
  memset(sums, 0, (size_t)numbers * sizeof *sums);
  for (int64_t y = rows.first; y <= rows.last; y++) {
    const uint32_t weight = (uint32_t)shared(y, target, m->height, out);
    const uint8_t *restrict const row = m->wide + y * stride;
    for (int64_t i = 0; i < numbers; i++) sums[i] += weight * row[i];
  }
}

/* Where the target pixel (x, y) of the picture as decoded ends up. */
static int64_t place(vj_orientation o, int64_t x, int64_t y, int64_t height, int64_t width) {
  int64_t column = o.transposed ? y : x, row = o.transposed ? x : y;
  if (o.flipped_x) column = width - 1 - column;
  if (o.flipped_y) row = height - 1 - row;
  return row * width + column;
}

/* Averages over areas, rounded to nearest; exact up to there. */
static void average(const vj_picture_maker *m, vj_orientation orientation, const vj_video_request *r, uint8_t *to) {
  const int channels = r->grey ? 1 : 3;
  const int64_t out_width = orientation.transposed ? r->height : r->width;
  const int64_t out_height = orientation.transposed ? r->width : r->height;
  const uint64_t area = (uint64_t)m->width * (uint64_t)m->height; /* of a target pixel, in pieces */
  for (int64_t y = 0; y < out_height; y++) {
    sum_rows(m, y, out_height, channels);
    for (int64_t x = 0; x < out_width; x++) {
      const span columns = span_of(x, m->width, out_width);
      uint64_t sums[3] = {0};
      for (int64_t i = columns.first; i <= columns.last; i++) {
        const uint64_t weight = (uint64_t)shared(i, x, m->width, out_width);
        for (int c = 0; c < channels; c++) sums[c] += weight * m->sums[i * channels + c];
      }
      uint8_t *const pixel = to + place(orientation, x, y, r->height, r->width) * channels;
      for (int c = 0; c < channels; c++) pixel[c] = (uint8_t)((sums[c] + area / 2) / area);
    }
  }
}

vj_status vj_picture_make(vj_picture_maker *maker, const AVFrame *frame, vj_orientation orientation,
                          const vj_video_request *request, uint8_t *to) {
  if (frame->width <= 0 || frame->height <= 0 || (int64_t)frame->width * frame->height > VJ_VIDEO_PIXELS)
    return vj_fail(VJ_DATA, "pictures of %d x %d px", frame->width, frame->height);
  VJ_TRY(widen(maker, frame, request->grey));
  const int32_t *const matrix = vj_frame_matrix(frame);
  average(maker, matrix ? vj_orientation_of(matrix) : orientation, request, to);
  return VJ_OK;
}

void vj_picture_free(vj_picture_maker *maker) {
  sws_freeContext(maker->scaler);
  free(maker->wide);
  free(maker->sums);
  *maker = (vj_picture_maker){0};
}
