/* What pictures and packets are told apart by. */
#include <string.h>

#include <libavutil/imgutils.h>
#include <libavutil/murmur3.h>
#include <libavutil/pixdesc.h>

#include "datasets/video/video_private.h"

/* Words that decide how it is shown, then what is seen of each plane. */
uint64_t vj_frame_checksum(const AVFrame *f) {
  const AVPixFmtDescriptor *const about = av_pix_fmt_desc_get(f->format);
  const int32_t *const matrix = vj_frame_matrix(f);
  const int32_t words[5] = {f->format, f->width, f->height, (int32_t)f->colorspace, (int32_t)f->color_range};
  struct AVMurMur3 *const hash = av_murmur3_alloc();
  uint8_t sum[16];
  uint64_t first = 0;
  if (!hash || !about) {
    av_free(hash);
    return 0;
  }
  av_murmur3_init(hash);
  av_murmur3_update(hash, (const uint8_t *)words, sizeof words);
  if (matrix) av_murmur3_update(hash, (const uint8_t *)matrix, 9 * sizeof *matrix);
  for (int plane = 0; plane < av_pix_fmt_count_planes(f->format) && f->data[plane]; plane++) {
    const int bytes = av_image_get_linesize(f->format, f->width, plane);
    const int rows = plane == 1 || plane == 2 ? AV_CEIL_RSHIFT(f->height, about->log2_chroma_h) : f->height;
    for (int y = 0; y < rows && bytes > 0; y++)
      av_murmur3_update(hash, f->data[plane] + (ptrdiff_t)y * f->linesize[plane], (size_t)bytes);
  }
  if (about->flags & AV_PIX_FMT_FLAG_PAL) av_murmur3_update(hash, f->data[1], AVPALETTE_SIZE);
  av_murmur3_final(hash, sum);
  av_free(hash);
  memcpy(&first, sum, sizeof first);
  return first;
}

uint64_t vj_packet_checksum(const AVPacket *p) {
  struct AVMurMur3 *const hash = av_murmur3_alloc();
  uint8_t sum[16];
  uint64_t first = 0;
  if (!hash) return 0;
  av_murmur3_init(hash);
  av_murmur3_update(hash, p->data, (size_t)p->size);
  av_murmur3_final(hash, sum);
  av_free(hash);
  memcpy(&first, sum, sizeof first);
  return first;
}
