/* Shapes of a convolution over height and width, and the ways to compute it. Begin with conv2d.c. */
#ifndef VJ_FRAMEWORK_OPS_CONVOLUTION_CONV2D_H
#define VJ_FRAMEWORK_OPS_CONVOLUTION_CONV2D_H

#include "framework/ops/convolution/axis.h"
#include "framework/ops/op.h"

typedef struct vj_convolution {
  int64_t images, height, width, channels; /* of x in one shard */
  int64_t out_height, out_width, out;      /* of y */
  int64_t kernel[2], stride[2], padding[2], dilation[2], groups;
  bool bf16;         /* products of rounded numbers; see vj_convolution_rounds() */
  bool mapped, relu; /* x goes through a channel-wise map first (norm/affine.h), with ReLU */
} vj_convolution;

/* Its height (0) or width (1). */
static inline vj_axis vj_convolution_axis(const vj_convolution *c, int i) {
  return (vj_axis){.in = i ? c->width : c->height,
                   .out = i ? c->out_width : c->out_height,
                   .kernel = c->kernel[i],
                   .stride = c->stride[i],
                   .padding = c->padding[i],
                   .dilation = c->dilation[i]};
}

/* `images` of them through their map, to numbers as products read them; in bf16 x may be bf16 itself (`half`). */
void vj_convolution_map(const vj_convolution *c, const vj_real *x, const vj_real *scale, const vj_real *shift,
                        int64_t images, vj_real *to);
void vj_convolution_map_bf16(const vj_convolution *c, const void *x, bool half, const vj_real *scale,
                             const vj_real *shift, int64_t images, uint16_t *to);

/* Whether a convolution's products are in bf16, if the graph's are: channels come in pairs, and there are enough of
 * them for it to pay. By shapes alone. */
bool vj_convolution_rounds(const vj_graph *graph, const vj_convolution *c);

/* dweight of `weight`'s shape from dy and x, which are bf16 where c is; x that is mapped, by scale and shift (else
 * NULL), is not rounded yet. NULL if the graph failed. */
typedef struct vj_convolution_inputs {
  vj_var *dy, *x, *scale, *shift;
} vj_convolution_inputs;
typedef vj_var *(*vj_weight_gradient)(vj_graph *graph, const vj_convolution_inputs *inputs, const vj_shape *weight,
                                      const vj_convolution *c);
/* Pixels by pixels, in order: see weight_gradient.c. */
vj_var *vj_convolution_weight_gradient(vj_graph *graph, const vj_convolution_inputs *inputs, const vj_shape *weight,
                                       const vj_convolution *c);

/* See weight_gradient_bf16.c. */
vj_var *vj_convolution_weight_gradient_bf16(vj_graph *graph, const vj_convolution_inputs *inputs,
                                            const vj_shape *weight, const vj_convolution *c);

vj_var *vj_linear_weight_gradient_bf16(vj_graph *graph, const vj_convolution_inputs *inputs, const vj_shape *weight,
                                       const vj_convolution *c);

/* The convolution as nodes, by plain products, in bf16 where the graph's are and vj_convolution_rounds(): y of `shape`,
 * from x of any shape with c's numbers, a weight OHWI of any shape with those numbers, a bias or NULL. */
vj_var *vj_convolution_node(vj_graph *graph, vj_var *x, vj_var *weight, vj_var *bias, const vj_convolution *c,
                            const vj_shape *shape, vj_weight_gradient weight_gradient);
/* dx of shape `x`, from dy as it is. */
vj_var *vj_convolution_input_gradient(vj_graph *graph, vj_var *dy, vj_var *weight, const vj_convolution *c,
                                      const vj_shape *x);

/* Floating-point operations of one shard as publications count them, zeros outside the image included; and those that
 * are carried out by taps that are inside. */
double vj_convolution_flops(const vj_convolution *c);
double vj_convolution_flops_inside(const vj_convolution *c);

#endif
