#include "analysis/output/canvas.h"

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

vj_status vj_canvas_write_png(const vj_canvas *canvas, const char *path) {
  vj_atomic_file file;
  png_image image = {.version = PNG_IMAGE_VERSION,
                     .width = (png_uint_32)canvas->width,
                     .height = (png_uint_32)canvas->height,
                     .format = canvas->channels == 1 ? PNG_FORMAT_GRAY : PNG_FORMAT_RGB};
  VJ_TRY(vj_atomic_file_open(path, &file));
  vj_status status = VJ_OK;
  if (!png_image_write_to_stdio(&image, file.stream, 0, canvas->pixels, 0, NULL))
    status = vj_fail(VJ_IO, "%s: can't be written: %s", path, image.message);
  const vj_status closed = vj_atomic_file_close(&file, status == VJ_OK);
  return status == VJ_OK ? closed : status;
}
