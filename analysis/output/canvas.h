/* A picture in memory: rows from above, channels of a pixel beside each other, 0 to 255. */
#ifndef VJ_ANALYSIS_OUTPUT_CANVAS_H
#define VJ_ANALYSIS_OUTPUT_CANVAS_H

#include <stdint.h>
#include <stdio.h>

#include "vj/status.h"

typedef struct vj_canvas {
  int64_t width, height;
  int channels; /* 1: grey, 3: red, green, blue; 2, 4: with opacity behind them */
  uint8_t *pixels;
} vj_canvas;

/* Filled with one shade of grey; 0 is transparent where there is opacity. */
VJ_MUST_USE vj_status vj_canvas_create(int64_t width, int64_t height, int channels, uint8_t shade, vj_canvas *canvas);
void vj_canvas_free(vj_canvas *canvas);
/* Copies a frame [height, width, channels] of as many channels, each pixel of it as `scale` x `scale`, so that its
 * upper left corner is at (left, top). It must lie inside. */
void vj_canvas_put(vj_canvas *canvas, int64_t left, int64_t top, const uint8_t *frame, int64_t height, int64_t width,
                   int64_t scale);

/* Each writes one file, whole or not at all; VJ_IO names it and says why. */
VJ_MUST_USE vj_status vj_canvas_write_png(const vj_canvas *canvas, const char *path);
/* The PNG as an address to stand in a page, "data:image/png;base64,...". */
VJ_MUST_USE vj_status vj_canvas_write_data_url(const vj_canvas *canvas, FILE *to);
/* An animation that begins anew at its end; canvases of one size. Each is shown for `hundredths` of a second, the last
 * five times as long. Grey is kept as it is, colours become the nearest of 6 x 7 x 6. */
VJ_MUST_USE vj_status vj_canvas_write_gif(const vj_canvas *canvases, int64_t count, int hundredths, const char *path);

#endif
