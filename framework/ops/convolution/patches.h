/* Patches: what the taps of an output pixel read, side by side, [kh,kw,C/groups], zeros outside the image. For images
 * of few channels, whose pixels alone would make matrices too narrow to be worth a product. */
#ifndef VJ_FRAMEWORK_OPS_CONVOLUTION_PATCHES_H
#define VJ_FRAMEWORK_OPS_CONVOLUTION_PATCHES_H

#include "framework/ops/convolution/conv2d.h"

/* Fewer channels than this make patches. */
enum { VJ_PATCH_CHANNELS = 8 };

int64_t vj_patch_numbers(const vj_convolution *c);

/* Patches of one group for `lines` lines of y, from line `first` of all images' lines on: [lines OW, patch]. */
void vj_patches_gather(const vj_convolution *c, const vj_real *x, int64_t group, int64_t first, int64_t lines,
                       vj_real *patches);

#endif
