#include "analysis/output/canvas.h"

#include <libavutil/base64.h>
#include <png.h>
#include <stdlib.h>
#include <string.h>

#include "framework/base/atomic_file.h"
#include "vj/memory.h"

vj_status vj_canvas_create(int64_t width, int64_t height, int channels, uint8_t shade, vj_canvas *canvas) {
  *canvas = (vj_canvas){.width = width, .height = height, .channels = channels};
  const size_t bytes = (size_t)(width * height * channels);
  VJ_TRY(vj_allocate(bytes, 1, "a picture", &canvas->pixels));
  memset(canvas->pixels, shade, bytes);
  return VJ_OK;
}

void vj_canvas_free(vj_canvas *canvas) {
  free(canvas->pixels);
  *canvas = (vj_canvas){0};
}

void vj_canvas_put(vj_canvas *canvas, int64_t left, int64_t top, const uint8_t *frame, int64_t height, int64_t width,
                   int64_t scale) {
  const int64_t channels = canvas->channels;
  for (int64_t y = 0; y < height * scale; y++) {
    uint8_t *to = canvas->pixels + ((top + y) * canvas->width + left) * channels;
    const uint8_t *from = frame + y / scale * width * channels;
    for (int64_t x = 0; x < width * scale; x++)
      memcpy(to + x * channels, from + x / scale * channels, (size_t)channels);
  }
}

/* The caller frees it. */
static vj_status encode_png(const vj_canvas *canvas, uint8_t **bytes, size_t *count) {
  static const png_uint_32 formats[] = {PNG_FORMAT_GRAY, PNG_FORMAT_GA, PNG_FORMAT_RGB, PNG_FORMAT_RGBA};
  png_image image = {.version = PNG_IMAGE_VERSION,
                     .width = (png_uint_32)canvas->width,
                     .height = (png_uint_32)canvas->height,
                     .format = formats[canvas->channels - 1]};
  png_alloc_size_t size = PNG_IMAGE_PNG_SIZE_MAX(image);
  VJ_TRY(vj_allocate(size, 1, "a picture", bytes));
  if (!png_image_write_to_memory(&image, *bytes, &size, 0, canvas->pixels, 0, NULL)) {
    free(*bytes);
    *bytes = NULL;
    return vj_fail(VJ_MEMORY, "a picture can't be compressed: %s", image.message);
  }
  *count = size;
  return VJ_OK;
}

vj_status vj_canvas_write_png(const vj_canvas *canvas, const char *path) {
  uint8_t *bytes = NULL;
  size_t count = 0;
  vj_atomic_file file;
  VJ_TRY(encode_png(canvas, &bytes, &count));
  vj_status status = vj_atomic_file_open(path, &file);
  if (status == VJ_OK) {
    status = vj_atomic_file_write(&file, bytes, count);
    const vj_status closed = vj_atomic_file_close(&file, status == VJ_OK);
    if (status == VJ_OK) status = closed;
  }
  free(bytes);
  return status;
}

vj_status vj_canvas_write_data_url(const vj_canvas *canvas, FILE *to) {
  uint8_t *bytes = NULL;
  size_t count = 0;
  char *text = NULL;
  VJ_TRY(encode_png(canvas, &bytes, &count));
  const vj_status status = vj_allocate(AV_BASE64_SIZE(count), 1, "a picture", &text);
  if (status == VJ_OK)
    fprintf(to, "data:image/png;base64,%s", av_base64_encode(text, (int)AV_BASE64_SIZE(count), bytes, (int)count));
  free(text);
  free(bytes);
  return status;
}
