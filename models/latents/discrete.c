/* z is one of K: it chooses the predictor's top layer. z* is the choice of least energy; only the chosen head learns.
 *
 * A head that never wins never learns, so `revive` gives it a conscience's help (after DeSieno 1988): in training, when
 * a head's running share of the samples is below revive/K, a share of its mean energy over the batch is taken off its
 * energies, all of it at half that bound. It then wins the samples that suit it better than others, and learns them. */
#include <stdio.h>

#include "models/latents/draws.h"
#include "vj/component.h"
#include "vj/ops.h"

typedef struct discrete_config {
  int64_t choices;
  double revive;
} discrete_config;

static const vj_param params[] = {
    VJ_INTEGER(discrete_config, choices, "5", 2, 1024, "", "number of values K that z can take"),
    VJ_REAL(discrete_config, revive, "0.1", 0, 1, "",
            "heads that fewer than revive/K of the samples choose get some in training; 0: none do"),
};

enum { MOST_CHOICES = 1024 };

/* Candidates [b,K,T,..]: the energy of every choice, [b,K]. */
static vj_var *energies(vj_graph *graph, const vj_energy *energy, vj_var *candidates, int64_t choices) {
  vj_var *each[MOST_CHOICES];
  vj_freeze(graph);
  for (int64_t k = 0; k < choices; k++) {
    vj_var *one = vj_energy_of(graph, energy, vj_slice(graph, candidates, 1, k, 1));
    each[k] = vj_reshape(graph, one, &VJ_SHAPE(vj_shard_samples(graph), 1));
  }
  vj_var *all = vj_concat(graph, each, (int)choices, 1);
  vj_thaw(graph);
  return all;
}

/* The running share of samples of each head, times K, [K]. */
static vj_var *usage_state(vj_graph *graph, int64_t choices) {
  vj_scope_push(graph, "latent");
  vj_var *usage = vj_state(graph, &(vj_param_spec){"usage", VJ_SHAPE(choices), "K", VJ_INIT_ONE, 0, false});
  vj_scope_pop(graph);
  return usage;
}

/* Energies [b,K] less a share of each head's mean: 0 at usage >= revive, 1 at usage <= revive / 2. */
static vj_var *discounted(vj_graph *graph, vj_var *energy, vj_var *usage, double revive) {
  if (!vj_is_training(graph) || revive == 0) return energy;
  vj_var *share = vj_activate(graph, vj_scale(graph, usage, -2 / revive, 2), VJ_RELU);
  share = vj_scale(graph, vj_activate(graph, vj_scale(graph, share, -1, 1), VJ_RELU), -1, 1); /* at most 1 */
  return vj_sub(graph, energy, vj_broadcast(graph, vj_mul(graph, share, vj_mean_batch(graph, energy))));
}

/* How often each head is chosen, what that is worth, and the energy before (the mean head) and after the choice. */
static void report(vj_graph *graph, vj_var *choice, vj_var *energy, int64_t choices) {
  const double tiny = 1e-30;
  char name[64], text[96];
  vj_var *usage = vj_mean_batch(graph, choice);
  for (int64_t k = 0; k < choices; k++) {
    snprintf(name, sizeof name, "latent_usage_%lld", (long long)k);
    snprintf(text, sizeof text, "share of samples that choose head %lld", (long long)k);
    vj_record_scalar(graph, name, vj_mean_all(graph, vj_slice(graph, usage, 0, k, 1)), text);
  }
  vj_var *log_usage = vj_log(graph, vj_scale(graph, usage, 1, tiny)), *count = vj_scale(graph, usage, 1, tiny);
  vj_var *entropy = vj_scale(graph, vj_sum_features(graph, vj_mul(graph, usage, log_usage)), -1, 0);
  vj_record_scalar(graph, "latent_usage_perplexity", vj_exp(graph, entropy),
                   "exp of the entropy of the heads' shares: K when all are used alike, 1 when one is");
  vj_var *alive = vj_sum_features(graph, vj_div(graph, usage, count));
  vj_record_scalar(graph, "latent_dead_heads", vj_scale(graph, alive, -1, (double)choices),
                   "heads that no sample of the batch chooses");
  vj_record_scalar(graph, "latent_energy_before", vj_mean_all(graph, energy), "energy, mean over all choices");
  vj_var *chosen = vj_sum_features(graph, vj_mul(graph, energy, choice));
  vj_record_scalar(graph, "latent_energy_after", vj_mean_all(graph, chosen), "energy of the chosen head");
}

static vj_var *build(vj_graph *graph, const void *untyped, const vj_predictor *predictor, const vj_energy *energy,
                     vj_var *hx, vj_var *hy) {
  const discrete_config *config = untyped;
  const vj_shape target = vj_shape_of(hy);
  if (!hx || !hy) return NULL;
  if (!predictor->ops->build_choices)
    return vj_graph_fail(graph, VJ_CONFIG, "predictor %s can't take a discrete latent", predictor->name);
  vj_var *candidates = predictor->ops->build_choices(graph, predictor->config, hx, config->choices, &target);
  vj_var *each = energies(graph, energy, candidates, config->choices), *usage = usage_state(graph, config->choices);
  vj_var *choice = vj_one_hot_smallest(graph, discounted(graph, each, usage, config->revive));
  if (!choice) return NULL;
  vj_state_update(graph, usage, vj_scale(graph, vj_mean_batch(graph, choice), (double)config->choices, 0), 0.01);
  report(graph, choice, each, config->choices);
  vj_show(graph, "z", vj_reshape(graph, choice, &VJ_SHAPE(target.size[0], 1, config->choices)));
  return vj_mix_heads(graph, candidates, choice);
}

/* The prior: heads as often as training has chosen them of late. */
static vj_var *build_prior(vj_graph *graph, const void *untyped, const vj_predictor *predictor, vj_var *hx,
                           const vj_shape *target, int64_t draws) {
  const discrete_config *config = untyped;
  const double tiny = 1e-30;
  const int64_t b = target->size[0], choices = config->choices;
  vj_real ones[MOST_CHOICES];
  vj_var *drawn[MOST_DRAWS];
  for (int64_t k = 0; k < choices; k++) ones[k] = 1;
  if (!predictor->ops->build_choices) return NULL;
  vj_var *candidates = predictor->ops->build_choices(graph, predictor->config, hx, choices, target);
  vj_var *usage = vj_scale(graph, usage_state(graph, choices), 1, tiny);
  vj_var *rarity = vj_div(graph, vj_constant_tensor(graph, &VJ_SHAPE(choices), ones), usage);
  vj_var *races = draw_exponentials(graph, &VJ_SHAPE(b, draws, choices));
  for (int64_t k = 0; k < draws; k++) {
    vj_var *race = vj_reshape(graph, vj_slice(graph, races, 1, k, 1), &VJ_SHAPE(b, choices));
    drawn[k] =
        vj_mix_heads(graph, candidates, vj_one_hot_smallest(graph, vj_mul(graph, race, vj_broadcast(graph, rarity))));
  }
  return stack_draws(graph, drawn, draws);
}

const vj_component vj_latent_discrete = {
    .abi = VJ_ABI,
    .kind = VJ_LATENT,
    .name = "discrete",
    .summary = "one of K: chooses the predictor's top layer by least energy",
    .source = "arXiv 2412.10925, discrete latent; revive after DeSieno 1988",
    .params = params,
    .param_count = VJ_COUNT(params),
    .config_bytes = sizeof(discrete_config),
    .as.latent = {.build = build, .build_prior = build_prior},
};
