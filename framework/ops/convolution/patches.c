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

/* The same of pixels whose taps are inside and side by side: `step` numbers apart in the image, `patch` in patches.
 * Three taps of one channel, a first layer's, are worth a loop of their own. */
static void gather_inside(const vj_real *from, int64_t step, int64_t wide, int64_t pixels, int64_t patch, vj_real *to) {
  if (wide == 3)
    for (int64_t p = 0; p < pixels; p++)
      for (int64_t i = 0; i < 3; i++) to[p * patch + i] = from[p * step + i];
  else
    for (int64_t p = 0; p < pixels; p++)
      for (int64_t i = 0; i < wide; i++) to[p * patch + i] = from[p * step + i];
}

void vj_patches_gather(const vj_convolution *c, const vj_real *x, int64_t group, int64_t first, int64_t lines,
                       vj_real *patches) {
  const int64_t channels = c->channels / c->groups, wide = c->kernel[1] * channels, patch = c->kernel[0] * wide;
  const bool together = c->groups == 1 && c->dilation[1] == 1;
  const int64_t reach = c->width - c->kernel[1] + c->padding[1]; /* of the first tap, at most */
  const int64_t begin = together ? (c->padding[1] + c->stride[1] - 1) / c->stride[1] : c->out_width;
  const int64_t inside_end = reach < 0 ? 0 : reach / c->stride[1] + 1;
  for (int64_t line = first; line < first + lines; line++, patches += c->out_width * patch)
    for (int64_t ty = 0; ty < c->kernel[0]; ty++) {
      const int64_t y = line % c->out_height * c->stride[0] - c->padding[0] + ty * c->dilation[0];
      const vj_real *row =
          y < 0 || y >= c->height
              ? NULL
              : x + ((line / c->out_height * c->height + y) * c->width) * c->channels + group * channels;
      vj_real *to = patches + ty * wide;
      const int64_t end = inside_end < c->out_width ? inside_end : c->out_width;
      const int64_t last = row && begin < end ? end : begin < c->out_width ? begin : c->out_width;
      for (int64_t ox = 0; ox < begin && ox < c->out_width; ox++) gather_row(c, row, ox, channels, to + ox * patch);
      if (last > begin)
        gather_inside(row + (begin * c->stride[1] - c->padding[1]) * channels, c->stride[1] * channels, wide,
                      last - begin, patch, to + begin * patch);
      for (int64_t ox = last; ox < c->out_width; ox++) gather_row(c, row, ox, channels, to + ox * patch);
    }
}
