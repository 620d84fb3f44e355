/* The energy that latents minimise, with a decoder that is looked at and not trained. */
#include "framework/train/model/model.h"
#include "vj/ops.h"

/* The mean over a sample's numbers of (a - b)^2, [b]. */
static vj_var *mean_square(vj_graph *graph, vj_var *a, vj_var *b) {
  vj_var *difference = vj_flatten(graph, vj_sub(graph, a, b), 1);
  const vj_shape shape = vj_shape_of(difference);
  if (!difference) return NULL;
  return vj_scale(graph, vj_sum_features(graph, vj_square(graph, difference)), 1 / (double)shape.size[1], 0);
}

vj_var *vj_energy_of(vj_graph *graph, const vj_energy *energy, vj_var *h) {
  const vj_shape shape = vj_shape_of(energy->hy);
  vj_var *sum = NULL;
  vj_freeze(graph);
  h = vj_reshape(graph, h, &shape);
  if (energy->alpha > 0) sum = vj_scale(graph, mean_square(graph, h, energy->hy), energy->alpha, 0);
  if (energy->gamma > 0) {
    vj_var *frames = mean_square(graph, vj_decode(graph, &energy->decoder, h, energy->y), energy->y);
    frames = vj_scale(graph, frames, energy->gamma, 0);
    sum = sum ? vj_add(graph, sum, frames) : frames;
  }
  vj_thaw(graph);
  return sum;
}
