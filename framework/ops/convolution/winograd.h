/* Convolutions with three taps along one axis, by fewer products than their definition has. */
#ifndef VJ_FRAMEWORK_OPS_CONVOLUTION_WINOGRAD_H
#define VJ_FRAMEWORK_OPS_CONVOLUTION_WINOGRAD_H

#include "framework/ops/convolution/conv2d.h"

/* Outputs that are made together, along the height or in time, and along the width, where 1 means that the taps along
 * it are summed as they are. False where that would not save a fifth of the products at least, or there are too few
 * channels. By shapes alone. */
bool vj_winograd_tile(const vj_convolution *c, int64_t tile[2]);

/* The convolution as a node: y of `shape`, from x of any shape with c's numbers, a weight OHWI and a bias or NULL. NULL
 * without a failure where vj_winograd_tile() says no, and in bf16, which would round what is not a number of x. */
vj_var *vj_winograd_convolution(vj_graph *graph, vj_var *x, vj_var *weight, vj_var *bias, const vj_convolution *c,
                                const vj_shape *shape);

#endif
