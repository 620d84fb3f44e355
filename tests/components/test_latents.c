/* What latents do in training: a head that starts dead comes back with `revive`, and does not without; what is told of
 * heads is true; a sparsity out of reach is told; a lack of variance holds the scale of codes.
 * precision: double */
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "tests/components/model_testing.h"

enum { CHOICES = 3, DEAD = 1, FAR = 5, STEPS = 500 };

static const char base[] =
    "data: {dataset: stochastic_moving_mnist, size: 32, digit_size: 14, train_size: 64, validation_size: 8}\n"
    "model:\n"
    "  encoder: {type: cnn, channels: [3, 4], temporal: [4], pool: 1}\n"
    "  predictor: {type: mlp, hidden: [8]}\n"
    "losses: {prediction: {weight: 1.0}, variance: {weight: 1.0}}\n"
    "optim: {steps: 500, batch: 16, shards: 2, lr: 2.0e-2, schedule: constant}\n"
    "eval: {samples: 16}\n";

static void open_with(const char *latent, experiment *t) { open_experiment(base, &latent, 1, t); }

/* The mean of a report over four batches in evaluation. */
static double reported(experiment *t, const char *name) {
  vj_model_graph *part = &t->model->evaluate;
  double sum = 0;
  for (int i = 0; i < part->graph->reports.count; i++) {
    const vj_recorded_scalar *report = part->graph->reports.at[i];
    for (int64_t step = 0; step < 4 && strcmp(report->name, name) == 0; step++) {
      run_step(t, part, step);
      sum += vj_graph_values(part->graph, report->var, 0)[0] / 4;
    }
  }
  return sum;
}

/* --- discrete ------------------------------------------------------------------------------------------------- */

/* Trains with one head whose biases are far from any hidden state; gives its usage afterwards, without any discount,
 * and how far its biases have come. */
static void train_with_a_dead_head(const char *latent, double *usage, double *bias) {
  experiment t;
  open_with(latent, &t);
  const vj_parameters *p = t.model->parameters;
  const vj_parameter_row *row = &p->rows[vj_parameters_find(p, "predictor.linear1.bias")];
  const int64_t head = row->count / CHOICES;
  double *biases = p->values + row->offset + DEAD * head;
  for (int64_t i = 0; i < head; i++) biases[i] = FAR;
  assert_true(reported(&t, "latent_usage_1") == 0 && reported(&t, "latent_dead_heads") >= 1);
  train(&t, STEPS);
  *usage = reported(&t, "latent_usage_1");
  *bias = 0;
  for (int64_t i = 0; i < head; i++) *bias += biases[i] / (double)head;
  close_experiment(&t);
}

static void a_dead_head_comes_back_only_with_revive(void **state) {
  (void)state;
  double usage, bias;
  train_with_a_dead_head("model.latent={type: discrete, choices: 3, revive: 0}", &usage, &bias);
  if (!(usage == 0 && fabs(bias - FAR) < 1e-9)) fail_msg("without revive: usage %g, bias %g", usage, bias);
  train_with_a_dead_head("model.latent={type: discrete, choices: 3, revive: 0.5}", &usage, &bias);
  if (!(usage > 0.05 && bias < FAR - 0.5)) fail_msg("with revive: usage %g, bias %g", usage, bias);
}

/* Of one batch: exp of the entropy of the shares, and heads without a share. */
static void perplexity_and_dead_heads_agree_with_the_shares(void **state) {
  (void)state;
  experiment t;
  open_with("model.latent={type: discrete, choices: 30, revive: 1}", &t);
  train(&t, 100);
  const vj_graph *graph = t.model->evaluate.graph;
  double entropy = 0, dead = 0, told_perplexity = -1, told_dead = -1;
  run_step(&t, &t.model->evaluate, 0);
  for (int i = 0; i < graph->reports.count; i++) {
    const vj_recorded_scalar *report = graph->reports.at[i];
    const double value = vj_graph_values(graph, report->var, 0)[0];
    if (strcmp(report->name, "latent_usage_perplexity") == 0) {
      told_perplexity = value;
    } else if (strcmp(report->name, "latent_dead_heads") == 0) {
      told_dead = value;
    } else if (strncmp(report->name, "latent_usage_", 13) == 0) {
      dead += value == 0;
      entropy -= value > 0 ? value * log(value) : 0;
    }
  }
  assert_true(dead > 0 && dead < 29 && fabs(told_dead - dead) < 1e-12);
  assert_true(fabs(told_perplexity - exp(entropy)) < 1e-12);
  close_experiment(&t);
}

/* --- sparse --------------------------------------------------------------------------------------------------- */

static void a_sparsity_out_of_reach_is_told(void **state) {
  (void)state;
  experiment t;
  open_with("model.latent={type: sparse, size: 8, lambda: 1.0e-9, target_sparsity: 0.9, adaptation: 1}", &t);
  train(&t, 60);
  assert_true(fabs(reported(&t, "latent_lambda") / 1e-5 - 1) < 1e-9);
  assert_true(reported(&t, "latent_lambda_at_bound") > 0.999999);
  assert_true(reported(&t, "latent_sparsity_missing") > 0.5);
  assert_true(fabs(reported(&t, "latent_sparsity_missing") + reported(&t, "latent_sparsity") - 0.9) < 1e-12);
  close_experiment(&t);
  open_with("model.latent={type: sparse, size: 8, target_sparsity: 0.5, adaptation: 0.2}", &t);
  train(&t, 150);
  assert_true(reported(&t, "latent_lambda_at_bound") == 0);
  assert_true(fabs(reported(&t, "latent_sparsity_missing")) < 0.15);
  close_experiment(&t);
}

/* A penalty under which codes are zero: a lack of variance alone moves them. */
static void variance_holds_the_scale_of_codes(void **state) {
  (void)state;
  experiment t;
  open_with("model.latent={type: sparse, size: 4, lambda: 0.5}", &t);
  assert_true(reported(&t, "latent_sparsity") == 1);
  close_experiment(&t);
  open_with("model.latent={type: sparse, size: 4, lambda: 0.01, scale: variance, unrolled_steps: 60}", &t);
  const double size = reported(&t, "latent_size");
  if (!(size > 0.4 && size < 1.5)) fail_msg("root mean square of z: %g", size);
  assert_true(reported(&t, "latent_energy_after") < 0.5 * reported(&t, "latent_energy_before"));
  close_experiment(&t);
}

int main(void) {
  const struct CMUnitTest tests[] = {cmocka_unit_test(a_dead_head_comes_back_only_with_revive),
                                     cmocka_unit_test(perplexity_and_dead_heads_agree_with_the_shares),
                                     cmocka_unit_test(a_sparsity_out_of_reach_is_told),
                                     cmocka_unit_test(variance_holds_the_scale_of_codes)};
  return cmocka_run_group_tests(tests, start_with_components, end_alone);
}
