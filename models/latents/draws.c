#include "models/latents/draws.h"

#include <stddef.h>

#include "vj/ops.h"

vj_var *draw_exponentials(vj_graph *graph, const vj_shape *shape) {
  vj_shape pairs = *shape;
  if (shape->rank >= VJ_MAX_RANK)
    return vj_graph_fail(graph, VJ_SHAPE, "numbers %s have too many dimensions to be drawn", VJ_SHAPE_TEXT(shape));
  pairs.size[pairs.rank++] = 2;
  return vj_scale(graph, vj_sum_features(graph, vj_square(graph, vj_noise(graph, &pairs))), 0.5, 0);
}

vj_var *stack_draws(vj_graph *graph, vj_var *const *drawn, int64_t draws) {
  vj_var *each[MOST_DRAWS];
  for (int64_t k = 0; k < draws; k++) {
    const vj_shape shape = vj_shape_of(drawn[k]);
    vj_shape one = {.rank = shape.rank + 1, .size = {shape.size[0], 1}};
    if (!drawn[k]) return NULL;
    if (shape.rank >= VJ_MAX_RANK)
      return vj_graph_fail(graph, VJ_SHAPE, "a hidden state of %d dimensions leaves no room for draws of z",
                           shape.rank);
    for (int i = 1; i < shape.rank; i++) one.size[i + 1] = shape.size[i];
    each[k] = vj_reshape(graph, drawn[k], &one);
  }
  return vj_concat(graph, each, (int)draws, 1);
}
