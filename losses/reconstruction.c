/* Mean squared difference between decoded and true target frames. */
#include <string.h>

#include "vj/component.h"
#include "vj/ops.h"

static vj_var *build(vj_graph *graph, const void *config) {
  (void)config;
  vj_var *decoded = vj_view(graph, "y_pred"), *frames = vj_view(graph, "y");
  const vj_shape got = vj_shape_of(decoded), wanted = vj_shape_of(frames);
  char a[128], b[128];
  if (decoded && strcmp(vj_shape_text(&got, a), vj_shape_text(&wanted, b)) != 0)
    return vj_graph_fail(graph, VJ_SHAPE, "the decoder gives %s for the frames %s; they must agree", a, b);
  return vj_mean_all(graph, vj_square(graph, vj_sub(graph, decoded, frames)));
}

const vj_component vj_loss_reconstruction = {
    .abi = VJ_ABI,
    .kind = VJ_LOSS,
    .name = "reconstruction",
    .summary = "mean squared difference between y_pred and y; needs a decoder",
    .source = "arXiv 2412.10925, energy, last term",
    .as.loss = {.build = build},
};
