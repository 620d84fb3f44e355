/* Every registered encoder, predictor, decoder, latent and loss gives a gradient that agrees with finite differences in
 * float64, with the component's default parameters: the test walks the component tables, so none can be forgotten.
 * precision: double */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/components/model_testing.h"
#include "vj/rng.h"

static const char base[] =
    "data: {dataset: moving_mnist, size: 32, digit_size: 14, train_size: 64, validation_size: 8, test_size: 8}\n"
    "model:\n"
    "  encoder: {type: cnn, channels: [3, 4], temporal: [5], pool: 2}\n"
    "  predictor: {type: mlp, hidden: [8]}\n"
    "losses: {prediction: {weight: 1.0}, variance: {weight: 1.0}}\n"
    "optim: {steps: 1, batch: 8, shards: 2}\n"
    "eval: {samples: 8}\n";

static double loss_of(experiment *e) {
  run_step(e, &e->model->train, 0);
  return vj_graph_values(e->model->train.graph, e->model->train.total, 0)[0];
}

/* d loss along a random direction of all parameters, by central differences. */
static double numeric_slope(experiment *e, const double *direction, double h) {
  vj_parameters *p = e->model->parameters;
  double sides[2];
  for (int side = 0; side < 2; side++) {
    const double step = side ? -2 * h : h;
    for (int64_t i = 0; i < p->value_count; i++) p->values[i] += step * direction[i];
    sides[side] = loss_of(e);
  }
  for (int64_t i = 0; i < p->value_count; i++) p->values[i] += h * direction[i];
  return (sides[0] - sides[1]) / (2 * h);
}

static void compare_slopes(experiment *e, const char *what) {
  enum { DIRECTIONS = 4 };
  vj_parameters *p = e->model->parameters;
  double *gradient = malloc((size_t)p->value_count * sizeof *gradient);
  double *direction = malloc((size_t)p->value_count * sizeof *direction);
  assert_true(isfinite(loss_of(e)));
  memcpy(gradient, p->gradients, (size_t)p->value_count * sizeof *gradient);
  double norm = 0;
  for (int64_t i = 0; i < p->value_count; i++) norm += gradient[i] * gradient[i];
  norm = sqrt(norm);
  if (!(norm > 0)) fail_msg("%s: the gradient is zero everywhere", what);
  for (uint32_t k = 0; k < DIRECTIONS; k++) {
    vj_rng rng = vj_rng_stream(1, VJ_RNG_TEST, k, 0);
    double exact = 0, length = 0;
    for (int64_t i = 0; i < p->value_count; i++) {
      /* half noise, half the gradient itself: a direction in which something happens */
      direction[i] = vj_rng_normal(&rng) / sqrt((double)p->value_count) + gradient[i] / norm;
      exact += gradient[i] * direction[i];
      length += direction[i] * direction[i];
    }
    const double numeric = numeric_slope(e, direction, 1e-6);
    if (!(fabs(numeric - exact) <= 2e-5 * norm * sqrt(length)))
      fail_msg("%s: slope %.9g by differences, %.9g by the gradient", what, numeric, exact);
  }
  free(gradient);
  free(direction);
}

static void check_experiment(const char *what, const char *const *overrides, int count) {
  experiment e;
  open_experiment(base, overrides, count, &e);
  compare_slopes(&e, what);
  close_experiment(&e);
}

/* What components beside the defaults need: a partner that makes maps, and sizes that take no minutes. */
static const struct {
  const char *what;
  const char *overrides[2];
} companions[] = {
    {"encoder simvp", {"model.encoder.channels=4", "model.predictor.hidden=[4]"}},
    {"encoder vit", {"model.encoder={type: vit, width: 12, blocks: 2}", "model.predictor.hidden=[4]"}},
    {"predictor gsta",
     {"model.encoder={type: simvp, channels: 2}", "model.predictor={type: gsta, width: 8, blocks: 3}"}},
    {"predictor swin", {"model.encoder={type: simvp, channels: 8}", "model.predictor={type: swin, width: 16}"}},
    {"decoder simvp", {"model.encoder={type: simvp, channels: 4}", "model.decoder.skip=e1"}},
};

static int companions_of(const char *what, const char *overrides[2]) {
  for (size_t i = 0; i < VJ_COUNT(companions); i++)
    if (strcmp(companions[i].what, what) == 0) {
      memcpy(overrides, companions[i].overrides, sizeof companions[i].overrides);
      return 2;
    }
  return 0;
}

static void models_have_exact_gradients(void **state) {
  (void)state;
  static const vj_kind kinds[] = {VJ_ENCODER, VJ_PREDICTOR, VJ_DECODER, VJ_LATENT};
  for (size_t k = 0; k < VJ_COUNT(kinds); k++)
    for (int i = 0; vj_component_at(kinds[k], i); i++) {
      char what[128], override[192];
      snprintf(what, sizeof what, "%s %s", vj_kind_name(kinds[k]), vj_component_at(kinds[k], i)->name);
      /* a decoder learns from its frames alone */
      const char *const loss = kinds[k] == VJ_DECODER && vj_component_at(kinds[k], i)->as.decoder.build
                                   ? "losses={reconstruction: {}}"
                                   : "losses.prediction.weight=1";
      snprintf(override, sizeof override, "model.%s={type: %s}", vj_kind_name(kinds[k]),
               vj_component_at(kinds[k], i)->name);
      const char *overrides[4] = {override, loss};
      const int more = companions_of(what, overrides + 2);
      check_experiment(what, overrides, 2 + more);
    }
}

/* Options that build other graphs than the defaults. */
static void options_of_networks_have_exact_gradients(void **state) {
  (void)state;
  static const char *const networks[][2] = {
      {"model.encoder={type: vit, patch: 16, tubelet: 3, width: 8, blocks: 2, heads: 2, channels: 6, drop_path: 0.3}",
       "model.predictor.hidden=[4]"},
      {"model.encoder={type: vit, patch: 16, width: 8, blocks: 1, heads: 1, positions: learnt, attention: frame}",
       "model.predictor={type: gsta, width: 6, blocks: 2, drop_path: 0.4}"},
      {"model.encoder={type: simvp, channels: 4, layers: 3}",
       "model.predictor={type: swin, width: 8, heads: 4, blocks: 2, shift_mask: false, drop_path: 0.3}"}};
  for (size_t i = 0; i < VJ_COUNT(networks); i++) check_experiment(networks[i][0], networks[i], 2);
}

/* Every way of a latent into every predictor of maps, with its energy on hidden states and on frames. A penalty that
 * keeps codes at zero keeps them still, as below. */
static void latents_on_maps_have_exact_gradients(void **state) {
  (void)state;
  static const char *const latents[] = {"model.latent={type: discrete, choices: 3}",
                                        "model.latent={type: sparse, size: 3, lambda: 10, unrolled_steps: 3}",
                                        "model.latent={type: gaussian, size: 3}"};
  static const char *const predictors[] = {"model.predictor={type: gsta, width: 6, blocks: 2, mlp_ratio: 2}",
                                           "model.predictor={type: swin, heads: 4, width: 8, blocks: 2, mlp_ratio: 2}"};
  const char *const encoder = "model.encoder={type: simvp, channels: 4}";
  const char *const decoder = "model.decoder={type: simvp, skip: e1}";
  for (size_t p = 0; p < VJ_COUNT(predictors); p++)
    for (size_t l = 0; l < VJ_COUNT(latents); l++) {
      const char *const overrides[] = {encoder, predictors[p], latents[l], decoder,
                                       "losses={prediction: {}, reconstruction: {}}"};
      check_experiment(latents[l], overrides, 3);
      if (p == 0 && l < 2) check_experiment(latents[l], overrides, 5);
    }
}

/* Latents whose energy holds decoded frames: the inference leaves nothing in the gradient. A penalty
 * that keeps codes at zero keeps them still while differences are taken: z* is a constant to training, not to those. */
static void inference_through_a_decoder_leaves_gradients_exact(void **state) {
  (void)state;
  static const char *const latents[] = {
      "model.latent={type: discrete, choices: 3}", "model.latent={type: sparse, size: 3, lambda: 10}",
      "model.latent={type: sparse, size: 3, lambda: 10, scale: variance, remove_static: true, noise: 0.1}"};
  for (size_t i = 0; i < VJ_COUNT(latents); i++)
    check_experiment(latents[i],
                     (const char *const[]){latents[i], "losses={prediction: {}, reconstruction: {}}",
                                           "model.decoder={type: cnn, channels: [4, 3], activation: silu}"},
                     3);
}

/* What a loss is checked with beside its defaults: no gradient that is stopped on purpose, for that is not the one of
 * differences; and what it requires. */
static const char *settings_of(const char *loss) {
  return strcmp(loss, "visreg") == 0 ? ", detach: false" : strcmp(loss, "supervised") == 0 ? ", target: speed" : "";
}

/* Each loss alone, and every choice of its choice parameters. */
static void losses_have_exact_gradients(void **state) {
  (void)state;
  const vj_component *loss;
  for (int i = 0; (loss = vj_component_at(VJ_LOSS, i)); i++) {
    char override[256]; /* a decoder and a latent for those that look at frames or at z */
    const char *const decoder = "model.decoder={type: cnn, channels: [4, 3]}";
    const char *const latent = "model.latent={type: gaussian, size: 3}";
    snprintf(override, sizeof override, "losses={%s: {weight: 1.0%s}}", loss->name, settings_of(loss->name));
    check_experiment(loss->name, (const char *const[]){override, decoder, latent}, 3);
    for (size_t r = 0; r < loss->param_count; r++) {
      if (loss->params[r].type != VJ_PARAM_CHOICE) continue;
      for (const char *word = loss->params[r].choices; *word; word += strcspn(word, "|"), word += *word == '|') {
        snprintf(override, sizeof override, "losses={%s: {weight: 1.0, %s: %.*s}}", loss->name, loss->params[r].name,
                 (int)strcspn(word, "|"), word);
        check_experiment(override, (const char *const[]){override, decoder, latent}, 3);
      }
    }
  }
}

/* Each kind of label, read step by step and from the mean over steps. */
static void supervised_losses_have_exact_gradients(void **state) {
  (void)state;
  static const char *const losses[] = {"losses={supervised: {target: position, on: [hy_pred, hx]}}",
                                       "losses={supervised: {target: digit, on: [hx]}}",
                                       "losses={supervised: {target: bounce, on: [hy, hy_pred]}}",
                                       "losses={supervised: {target: walls, on: [hx.time0]}}"};
  for (size_t i = 0; i < VJ_COUNT(losses); i++) check_experiment(losses[i], &losses[i], 1);
}

int main(void) {
  const struct CMUnitTest tests[] = {cmocka_unit_test(models_have_exact_gradients),
                                     cmocka_unit_test(options_of_networks_have_exact_gradients),
                                     cmocka_unit_test(latents_on_maps_have_exact_gradients),
                                     cmocka_unit_test(inference_through_a_decoder_leaves_gradients_exact),
                                     cmocka_unit_test(losses_have_exact_gradients),
                                     cmocka_unit_test(supervised_losses_have_exact_gradients)};
  return cmocka_run_group_tests(tests, start_with_components, end_alone);
}
