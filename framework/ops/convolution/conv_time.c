/* Temporal convolution kt x 1 x 1: the spatial one, where frames are rows and positions columns. */
#include "framework/ops/convolution/conv2d.h"
#include "framework/ops/convolution/winograd.h"
#include "vj/ops.h"

vj_var *vj_conv_time(vj_graph *graph, vj_var *x, vj_var *weight, vj_var *bias, int64_t padding) {
  if (!x || !weight) return NULL;
  const vj_shape xs = x->shape, ws = weight->shape;
  if (!x->batched || xs.rank < 3 || ws.rank != 3 || xs.size[xs.rank - 1] != ws.size[2])
    return vj_graph_fail(graph, VJ_SHAPE, "conv_time: x %s [b,T,..,C] does not fit weight %s [O,kt,C]",
                         VJ_SHAPE_TEXT(&xs), VJ_SHAPE_TEXT(&ws));
  vj_convolution c = {.images = xs.size[0],
                      .height = xs.size[1],
                      .width = vj_shape_count(&xs, 2, xs.rank - 1),
                      .channels = ws.size[2],
                      .out_height = xs.size[1] + 2 * padding - ws.size[1] + 1,
                      .out_width = vj_shape_count(&xs, 2, xs.rank - 1),
                      .out = ws.size[0],
                      .kernel = {ws.size[1], 1},
                      .stride = {1, 1},
                      .padding = {padding, 0},
                      .dilation = {1, 1},
                      .groups = 1};
  if (c.out_height < 1)
    return vj_graph_fail(graph, VJ_SHAPE, "conv_time: a kernel of %lld frames does not fit into %s with padding %lld",
                         (long long)c.kernel[0], VJ_SHAPE_TEXT(&xs), (long long)padding);
  if (bias && bias->count != c.out)
    return vj_graph_fail(graph, VJ_SHAPE, "conv_time: bias %s does not fit weight %s", VJ_SHAPE_TEXT(&bias->shape),
                         VJ_SHAPE_TEXT(&ws));
  vj_shape shape = xs;
  shape.size[1] = c.out_height;
  shape.size[shape.rank - 1] = c.out;
  vj_var *y = vj_winograd_convolution(graph, x, weight, bias, &c, &shape);
  if (y || vj_graph_failed(graph)) return y;
  return vj_convolution_node(graph, x, weight, bias, &c, &shape, vj_convolution_weight_gradient);
}
