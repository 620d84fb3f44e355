/* Mean squared difference between decoded and true target frames. */
#include "vj/component.h"
#include "vj/ops.h"

static vj_var *build(vj_graph *graph, const void *config) {
  (void)config;
  return vj_mean_all(graph, vj_square(graph, vj_sub(graph, vj_view(graph, "y_pred"), vj_view(graph, "y"))));
}

const vj_component vj_loss_reconstruction = {
    .abi = VJ_ABI,
    .kind = VJ_LOSS,
    .name = "reconstruction",
    .summary = "mean squared difference between y_pred and y; needs a decoder",
    .source = "arXiv 2412.10925, energy, last term",
    .as.loss = {.build = build, .term = VJ_TERM_FRAMES},
};
