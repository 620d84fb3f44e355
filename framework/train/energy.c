/* The energy that latents minimise, with a decoder that is looked at and not trained. */
#include <string.h>

#include "graph/graph.h"
#include "vj/component.h"
#include "vj/ops.h"

/* The mean over a sample's numbers of (a - b)^2, [b]. */
static vj_var *mean_square(vj_graph *graph, vj_var *a, vj_var *b) {
  vj_var *difference = vj_flatten(graph, vj_sub(graph, a, b), 1);
  const vj_shape shape = vj_shape_of(difference);
  if (!difference) return NULL;
  return vj_scale(graph, vj_sum_features(graph, vj_square(graph, difference)), 1 / (double)shape.size[1], 0);
}

/* The decoder's parameters have the names they have where it is trained, whoever asks for an energy. */
static vj_var *decode(vj_graph *graph, const vj_energy *energy, vj_var *h) {
  char scope[VJ_SCOPE_BYTES], got[128], wanted[128];
  const vj_shape target = vj_shape_of(energy->y);
  vj_scope_leave(graph, scope);
  vj_scope_push(graph, "decoder");
  vj_var *frames = energy->decoder->build(graph, energy->decoder_config, h, &target);
  vj_scope_pop(graph);
  const vj_shape shape = vj_shape_of(frames);
  if (frames &&
      (shape.rank != target.rank || memcmp(shape.size, target.size, (size_t)target.rank * sizeof target.size[0]) != 0))
    frames = vj_graph_fail(graph, VJ_SHAPE, "decoder %s: gives %s for frames %s", energy->decoder_name,
                           vj_shape_text(&shape, got), vj_shape_text(&target, wanted));
  vj_scope_return(graph, scope);
  return frames;
}

vj_var *vj_energy_of(vj_graph *graph, const vj_energy *energy, vj_var *h) {
  const vj_shape shape = vj_shape_of(energy->hy);
  vj_var *sum = NULL;
  vj_freeze(graph);
  h = vj_reshape(graph, h, &shape);
  if (energy->alpha > 0) sum = vj_scale(graph, mean_square(graph, h, energy->hy), energy->alpha, 0);
  if (energy->gamma > 0) {
    vj_var *frames = mean_square(graph, decode(graph, energy, h), energy->y);
    frames = vj_scale(graph, frames, energy->gamma, 0);
    sum = sum ? vj_add(graph, sum, frames) : frames;
  }
  vj_thaw(graph);
  return sum;
}
