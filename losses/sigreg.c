/* Pushes hidden states towards an isotropic Gaussian N(0, I): random directions, in each of which the projections of a
 * time step over the batch are tested against N(0,1) by the statistic of Epps and Pulley. The mean over directions and
 * time steps, views weighing as many steps as they have.
 *
 * As in the paper the statistic is multiplied by N, the samples of the global batch: so the loss of hidden states that
 * are Gaussian already does not depend on N, that of others grows with it. Defaults are those of the paper's listing;
 * knots: 33, t_max: 3 is what the authors' code does (17 knots on [0, 3], doubled); EB-JEPA has knots: 10, t_max: 3 and
 * no factor N. */
#include "losses/vcr.h"
#include "vj/ops.h"

typedef struct sigreg_config {
  int64_t directions, knots;
  double t_max;
  vj_text_list on;
  vj_real_list view_weights;
} sigreg_config;

static const vj_param params[] = {
    VJ_INTEGER(sigreg_config, directions, "256", 1, 65536, "", "random unit vectors, drawn anew at each training step"),
    VJ_INTEGER(sigreg_config, knots, "17", 3, 1025, "", "points from -t_max to t_max of the trapezoidal rule"),
    VJ_REAL(sigreg_config, t_max, "5.0", 0.01, 100, "", "end of the integral over the characteristic function"),
    VCR_VIEWS(sigreg_config, "views to make Gaussian"),
};

typedef struct sketch {
  const sigreg_config *config;
  vj_var **directions; /* those of the view before */
} sketch;

static vj_var *term(vj_graph *graph, const void *untyped, vj_var *view) {
  const sketch *s = untyped;
  vj_var *h = vj_flatten(graph, view, 2);
  if (!h) return NULL;
  vj_var *directions = vcr_directions(graph, s->config->directions, vj_shape_of(h).size[2], s->directions);
  vj_var *projected = vj_linear(graph, h, directions, NULL);
  return vj_mean_all(graph, vj_epps_pulley(graph, projected, s->config->knots, s->config->t_max));
}

static vj_var *build(vj_graph *graph, const void *untyped) {
  const sigreg_config *config = untyped;
  vj_var *directions = NULL;
  return vcr_over_views(graph, &(sketch){config, &directions}, &config->on, &config->view_weights, term);
}

const vj_component vj_loss_sigreg = {
    .abi = VJ_ABI,
    .kind = VJ_LOSS,
    .name = "sigreg",
    .summary = "random projections of hidden states tested against N(0,1)",
    .source = "Balestriero and LeCun 2025 (LeJEPA, arXiv 2511.08544), SIGReg; Epps and Pulley 1983",
    .params = params,
    .param_count = VJ_COUNT(params),
    .config_bytes = sizeof(sigreg_config),
    .as.loss = {.build = build},
};
