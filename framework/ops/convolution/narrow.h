/* Forward convolutions with few channels on one side. Few input channels: by patches. Few output channels: by planes,
 * one a channel, with zeros around, so that vectors lie along a row of pixels. Plain sums over the taps as in taps.h,
 * where what lies outside adds zeros. */
#ifndef VJ_FRAMEWORK_OPS_CONVOLUTION_NARROW_H
#define VJ_FRAMEWORK_OPS_CONVOLUTION_NARROW_H

#include "framework/ops/convolution/conv2d.h"

typedef struct vj_narrow vj_narrow;

bool vj_narrow_fits(const vj_convolution *c);
/* Whether weights are wanted as vj_taps_pack() gives them; else OHWI. */
bool vj_narrow_wants_packed(const vj_convolution *c);
/* In the graph's pool; NULL if the graph failed. */
const vj_narrow *vj_narrow_plan(vj_graph *graph, const vj_convolution *c);
size_t vj_narrow_scratch_bytes(const vj_narrow *narrow);
/* Whether y may be bf16, `half`. */
bool vj_narrow_may_round(const vj_narrow *narrow);
void vj_narrow_run(const vj_narrow *narrow, const vj_real *x, const vj_real *weight, const vj_real *bias, void *y,
                   bool half, vj_real *scratch);

#endif
