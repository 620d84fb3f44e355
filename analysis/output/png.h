/* PNG pictures inside a page. */
#ifndef VJ_ANALYSIS_OUTPUT_PNG_H
#define VJ_ANALYSIS_OUTPUT_PNG_H

#include <stdint.h>
#include <stdio.h>

#include "vj/memory.h"

/* Writes pixels [height, width, channels], row-major, as a "data:image/png;base64,..." address. Channels: 2 are grey
 * and opacity, 4 red, green, blue and opacity. */
VJ_MUST_USE vj_status vj_png_write(FILE *to, int64_t width, int64_t height, int channels, const uint8_t *pixels);

#endif
