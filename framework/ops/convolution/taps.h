/* A convolution, or the gradient of its input, as products of the frame's own pixels: rows of a product are pixels that
 * see the same taps, each tap is a pair of matrices, strides are pitches. Nothing is copied. */
#ifndef VJ_FRAMEWORK_OPS_CONVOLUTION_TAPS_H
#define VJ_FRAMEWORK_OPS_CONVOLUTION_TAPS_H

#include "framework/ops/convolution/conv2d.h"

typedef struct vj_taps vj_taps;

/* y from x, or with `transposed` dx from dy; with `bf16` both factors are rounded, `in` and weights being bf16. In the
 * graph's pool; NULL if the graph failed. */
const vj_taps *vj_taps_plan(vj_graph *graph, const vj_convolution *c, bool transposed, bool bf16);

/* `images` of them. `bias` of every output channel, or NULL; added to the sums. With `half`, where both factors are
 * rounded, `out` is bf16, too. Meanwhile `next_bytes` from `next` on are asked for, which the caller is about to read.
 */
void vj_taps_run(const vj_taps *taps, int64_t images, const void *in, const void *packed, const vj_real *bias,
                 void *out, bool half, void *scratch, const void *next, size_t next_bytes);
size_t vj_taps_scratch_bytes(const vj_taps *taps);

/* Parts that packing can be shared by; those below make parts begin..end-1. */
int64_t vj_taps_pieces(const vj_convolution *c, bool transposed);
/* A weight OHWI as that reads it: for every group and block of output channels [kh,kw,C/groups,block]; `transposed`
 * [kh,kw,O/groups,block], blocks being of input channels. One block where channels are few. */
void vj_taps_pack(const vj_convolution *c, bool transposed, const vj_real *weight, vj_real *packed, int64_t begin,
                  int64_t end);
/* The same in bf16, two rows in one: [kh,kw,C/groups/2,block,2]. */
void vj_taps_pack_bf16(const vj_convolution *c, bool transposed, const vj_real *weight, uint16_t *packed, int64_t begin,
                       int64_t end);

#endif
