#include "framework/ops/convolution/patches.h"

#include <string.h>

int64_t vj_patch_numbers(const vj_convolution *c) { return c->kernel[0] * c->kernel[1] * (c->channels / c->groups); }

/* The part of a patch that lies in one row of the image; `row` is that row's first pixel, NULL outside. */
static void gather_row(const vj_convolution *c, const vj_real *row, int64_t ox, int64_t channels, vj_real *to) {
  for (int64_t tx = 0; tx < c->kernel[1]; tx++, to += channels) {
    const int64_t at = ox * c->stride[1] - c->padding[1] + tx * c->dilation[1];
    const bool inside = row && at >= 0 && at < c->width;
    for (int64_t i = 0; i < channels; i++) to[i] = inside ? row[at * c->channels + i] : 0;
  }
}

void vj_patches_gather(const vj_convolution *c, const vj_real *x, int64_t group, int64_t first, int64_t lines,
                       vj_real *patches) {
  const int64_t channels = c->channels / c->groups, wide = c->kernel[1] * channels, patch = c->kernel[0] * wide;
  for (int64_t line = first; line < first + lines; line++, patches += c->out_width * patch)
    for (int64_t ty = 0; ty < c->kernel[0]; ty++) {
      const int64_t y = line % c->out_height * c->stride[0] - c->padding[0] + ty * c->dilation[0];
      const vj_real *row =
          y < 0 || y >= c->height
              ? NULL
              : x + ((line / c->out_height * c->height + y) * c->width) * c->channels + group * channels;
      for (int64_t ox = 0; ox < c->out_width; ox++) gather_row(c, row, ox, channels, patches + ox * patch + ty * wide);
    }
}
