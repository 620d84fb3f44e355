/* Animated GIF, by giflib. */
#include <gif_lib.h>
#include <stdlib.h>

#include "analysis/output/canvas.h"
#include "framework/base/atomic_file.h"
#include "vj/memory.h"

enum { COLOURS = 256, REDS = 6, GREENS = 7, BLUES = 6, LAST_TIMES = 5 };

/* giflib's way out: how many bytes were taken. */
static int write_out(GifFileType *gif, const GifByteType *bytes, int count) {
  vj_atomic_file *file = gif->UserData;
  return (int)fwrite(bytes, 1, (size_t)count, file->stream);
}

static int level(int value, int levels) { return (value * (levels - 1) + 127) / 255; }

static uint8_t index_of(const uint8_t *pixel, int channels) {
  if (channels == 1) return pixel[0];
  return (uint8_t)((level(pixel[0], REDS) * GREENS + level(pixel[1], GREENS)) * BLUES + level(pixel[2], BLUES));
}

static GifByteType shade(int step, int levels) { return (GifByteType)(step * 255 / (levels - 1)); }

static ColorMapObject *make_palette(int channels) {
  GifColorType colours[COLOURS];
  for (int i = 0; i < COLOURS; i++) {
    const int red = i / (GREENS * BLUES) % REDS, green = i / BLUES % GREENS, blue = i % BLUES;
    colours[i] = channels == 1 ? (GifColorType){(GifByteType)i, (GifByteType)i, (GifByteType)i}
                               : (GifColorType){shade(red, REDS), shade(green, GREENS), shade(blue, BLUES)};
  }
  return GifMakeMapObject(COLOURS, colours);
}

/* Without this block it would be shown once. */
static int put_loop(GifFileType *gif) {
  static const GifByteType forever[] = {1, 0, 0};
  return EGifPutExtensionLeader(gif, APPLICATION_EXT_FUNC_CODE) == GIF_OK &&
         EGifPutExtensionBlock(gif, 11, "NETSCAPE2.0") == GIF_OK &&
         EGifPutExtensionBlock(gif, sizeof forever, forever) == GIF_OK && EGifPutExtensionTrailer(gif) == GIF_OK;
}

static int put_picture(GifFileType *gif, const vj_canvas *canvas, int hundredths, GifByteType *line) {
  const GifByteType control[] = {0, (GifByteType)(hundredths & 255), (GifByteType)(hundredths >> 8), 0};
  if (EGifPutExtension(gif, GRAPHICS_EXT_FUNC_CODE, sizeof control, control) != GIF_OK) return 0;
  if (EGifPutImageDesc(gif, 0, 0, (int)canvas->width, (int)canvas->height, false, NULL) != GIF_OK) return 0;
  for (int64_t y = 0; y < canvas->height; y++) {
    for (int64_t x = 0; x < canvas->width; x++)
      line[x] = index_of(canvas->pixels + (y * canvas->width + x) * canvas->channels, canvas->channels);
    if (EGifPutLine(gif, line, (int)canvas->width) != GIF_OK) return 0;
  }
  return 1;
}

static int put_all(GifFileType *gif, const vj_canvas *canvases, int64_t count, int hundredths, GifByteType *line) {
  ColorMapObject *palette = make_palette(canvases[0].channels);
  EGifSetGifVersion(gif, true);
  int ok = palette && EGifPutScreenDesc(gif, (int)canvases[0].width, (int)canvases[0].height, 8, 0, palette) == GIF_OK;
  GifFreeMapObject(palette);
  ok = ok && put_loop(gif);
  for (int64_t i = 0; i < count && ok; i++)
    ok = put_picture(gif, &canvases[i], i + 1 < count ? hundredths : LAST_TIMES * hundredths, line);
  return ok;
}

static vj_status gif_fail(const char *path, int cause) {
  const char *reason = GifErrorString(cause);
  return vj_fail(VJ_IO, "%s: can't be written: %s", path, reason ? reason : "giflib does not say why");
}

static vj_status write_gif(vj_atomic_file *file, const vj_canvas *canvases, int64_t count, int hundredths,
                           GifByteType *line) {
  int cause = 0;
  GifFileType *gif = EGifOpen(file, write_out, &cause);
  if (!gif) return gif_fail(file->path, cause);
  const int ok = put_all(gif, canvases, count, hundredths, line);
  cause = gif->Error;
  int closing = 0;
  const int closed = EGifCloseFile(gif, &closing);
  if (!ok) return gif_fail(file->path, cause);
  return closed == GIF_OK ? VJ_OK : gif_fail(file->path, closing);
}

vj_status vj_canvas_write_gif(const vj_canvas *canvases, int64_t count, int hundredths, const char *path) {
  vj_atomic_file file;
  GifByteType *line = NULL;
  VJ_TRY(vj_allocate((size_t)canvases[0].width, sizeof *line, "a line of a picture", &line));
  vj_status status = vj_atomic_file_open(path, &file);
  if (status == VJ_OK) {
    status = write_gif(&file, canvases, count, hundredths, line);
    const vj_status closed = vj_atomic_file_close(&file, status == VJ_OK);
    if (status == VJ_OK) status = closed;
  }
  free(line);
  return status;
}
