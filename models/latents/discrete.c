/* z is one of K: it chooses the predictor's top layer. z* is the choice of least prediction energy; only the chosen
 * head learns. */
#include <stdio.h>

#include "vj/component.h"
#include "vj/ops.h"

typedef struct discrete_config {
  int64_t choices;
} discrete_config;

static const vj_param params[] = {
    VJ_INTEGER(discrete_config, choices, "5", 2, 1024, "", "number of values K that z can take"),
};

/* [b,K,T,..] against hy [b,T,..]: the mean squared difference of every choice, [b,K] */
static vj_var *energies(vj_graph *graph, vj_var *candidates, vj_var *hy, int64_t choices) {
  vj_var *target = vj_flatten(graph, hy, 1), *all = NULL;
  const vj_shape flat = vj_shape_of(target);
  for (int64_t k = 0; k < choices; k++) {
    vj_var *head = vj_flatten(graph, vj_slice(graph, candidates, 1, k, 1), 1);
    vj_var *sum = vj_sum_features(graph, vj_square(graph, vj_sub(graph, head, target)));
    vj_var *mean = vj_scale(graph, sum, 1 / (double)flat.size[1], 0);
    mean = vj_reshape(graph, mean, &VJ_SHAPE(flat.size[0], 1));
    all = k ? vj_concat(graph, (vj_var *[]){all, mean}, 2, 1) : mean;
  }
  return all;
}

/* How often each head is chosen, and the energy before (the mean head) and after the choice. */
static void report(vj_graph *graph, vj_var *choice, vj_var *energy, int64_t choices) {
  char name[64], text[96];
  vj_var *usage = vj_mean_batch(graph, choice);
  for (int64_t k = 0; k < choices; k++) {
    snprintf(name, sizeof name, "latent_usage_%lld", (long long)k);
    snprintf(text, sizeof text, "share of samples that choose head %lld", (long long)k);
    vj_report(graph, name, vj_mean_all(graph, vj_slice(graph, usage, 0, k, 1)), text);
  }
  vj_report(graph, "latent_energy_before", vj_mean_all(graph, energy), "prediction energy, mean over all choices");
  vj_var *chosen = vj_sum_features(graph, vj_mul(graph, energy, choice));
  vj_report(graph, "latent_energy_after", vj_mean_all(graph, chosen), "prediction energy of the chosen head");
}

static vj_var *build(vj_graph *graph, const void *untyped, const vj_predictor *predictor, vj_var *hx, vj_var *hy) {
  const discrete_config *config = untyped;
  const vj_shape target = vj_shape_of(hy);
  if (!hx || !hy) return NULL;
  if (!predictor->ops->build_choices)
    return vj_graph_fail(graph, VJ_CONFIG, "predictor %s can't take a discrete latent", predictor->name);
  vj_var *candidates = predictor->ops->build_choices(graph, predictor->config, hx, config->choices, &target);
  if (!candidates) return NULL;
  vj_var *energy = vj_stop_gradient(graph, energies(graph, candidates, hy, config->choices));
  vj_var *choice = vj_one_hot_smallest(graph, energy);
  if (!choice) return NULL;
  report(graph, choice, energy, config->choices);
  vj_show(graph, "z", vj_reshape(graph, choice, &VJ_SHAPE(target.size[0], 1, config->choices)));
  return vj_mix_heads(graph, candidates, choice);
}

const vj_component vj_latent_discrete = {
    .abi = VJ_ABI,
    .kind = VJ_LATENT,
    .name = "discrete",
    .summary = "one of K: chooses the predictor's top layer by least energy",
    .source = "arXiv 2412.10925, discrete latent",
    .params = params,
    .param_count = VJ_COUNT(params),
    .config_bytes = sizeof(discrete_config),
    .as.latent = {.build = build},
};
