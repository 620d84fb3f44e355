/* A spatial convolution's shapes, and how it is computed without patches: see conv2d_direct.c. */
#ifndef VJ_FRAMEWORK_OPS_CONVOLUTION_CONV2D_H
#define VJ_FRAMEWORK_OPS_CONVOLUTION_CONV2D_H

#include "framework/ops/op.h"

typedef struct vj_convolution {
  int64_t images, height, width, channels; /* of x in one shard */
  int64_t out_height, out_width, out;      /* of y */
  int64_t kernel[2], stride[2], padding[2], dilation[2], groups;
  int64_t patch; /* numbers in a patch of one group: kh kw C/groups */
  int64_t tile;  /* output pixels in a tile of patches */
} vj_convolution;

/* One way of computing an op of the family: its kernel, and the scratch that takes. */
typedef struct vj_conv2d_way {
  void (*run)(const vj_call *call);
  size_t (*scratch_bytes)(const vj_convolution *c);
} vj_conv2d_way;

/* The direct way of y, dx and dweight for these shapes, or NULL where patches and GEMM have to do it. */
const vj_conv2d_way *vj_conv2d_direct(const vj_convolution *c);
const vj_conv2d_way *vj_conv2d_input_gradient_direct(const vj_convolution *c);
const vj_conv2d_way *vj_conv2d_weight_gradient_direct(const vj_convolution *c);

#endif
