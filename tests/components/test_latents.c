/* What latents do in training: a head that starts dead comes back with `revive`, and does not without; what is told of
 * heads is true; a sparsity out of reach is told; a lack of variance holds the scale of codes.
 * precision: double */
#include <math.h>
#include <mpi.h>
#include <stdio.h>
#include <string.h>

#include "app/builtin.h"
#include "framework/train/loading/loader.h"
#include "framework/train/model/model.h"
#include "framework/train/model/optimizer.h"
#include "tests/support/testing.h"

enum { CHOICES = 3, DEAD = 1, FAR = 5, STEPS = 500 };

static vj_comm alone;

static const char base[] =
    "data: {dataset: stochastic_moving_mnist, size: 32, digit_size: 14, train_size: 64, validation_size: 8}\n"
    "model:\n"
    "  encoder: {type: cnn, channels: [3, 4], temporal: [4], pool: 1}\n"
    "  predictor: {type: mlp, hidden: [8]}\n"
    "losses: {prediction: {weight: 1.0}, variance: {weight: 1.0}}\n"
    "optim: {steps: 500, batch: 16, shards: 2, lr: 2.0e-2, schedule: constant}\n"
    "eval: {samples: 16}\n";

/* A model in training, and what a component reports of it. */
typedef struct trainee {
  vj_pool *pool;
  vj_config *config;
  vj_loader loader;
  vj_model *model;
  vj_optimizer_state optimizer;
} trainee;

static void open_trainee(const char *latent, trainee *t) {
  vj_yaml *root = NULL;
  *t = (trainee){.loader = {.epoch = -1}};
  assert_ok(vj_pool_create(&t->pool));
  assert_ok(vj_yaml_read_text(t->pool, base, "test", &root));
  assert_ok(vj_yaml_override(t->pool, root, latent));
  assert_ok(vj_config_create(t->pool, root, &t->config));
  assert_ok(vj_loader_open(t->config, &t->loader));
  assert_ok(vj_model_create(t->config, &t->loader.info, 1, &t->model));
  assert_ok(vj_model_allocate(t->model, &alone));
  assert_ok(vj_optimizer_create(&t->config->optim, t->model->parameters, t->model->train.has_gradient, &t->optimizer));
}

static void close_trainee(trainee *t) {
  vj_optimizer_destroy(&t->optimizer);
  vj_model_destroy(&t->model);
  vj_loader_close(&t->loader);
  vj_pool_destroy(&t->pool);
}

static void run(trainee *t, vj_model_graph *part, int64_t step) {
  assert_ok(vj_loader_fill_step(&t->loader, part->graph, part->frames, &alone, step));
  part->graph->step = step;
  assert_ok(vj_graph_run(part->graph));
}

static void train(trainee *t, int64_t steps) {
  for (int64_t step = 0; step < steps; step++) {
    run(t, &t->model->train, step);
    vj_optimizer_step(&t->optimizer, step, vj_gradient_norm(&t->optimizer));
  }
}

/* The mean of a report over four batches in evaluation. */
static double reported(trainee *t, const char *name) {
  vj_model_graph *part = &t->model->evaluate;
  double sum = 0;
  for (int i = 0; i < part->graph->reports.count; i++) {
    const vj_recorded_scalar *report = part->graph->reports.at[i];
    for (int64_t step = 0; step < 4 && strcmp(report->name, name) == 0; step++) {
      run(t, part, step);
      sum += vj_graph_values(part->graph, report->var, 0)[0] / 4;
    }
  }
  return sum;
}

/* --- discrete ------------------------------------------------------------------------------------------------- */

/* Trains with one head whose biases are far from any hidden state; gives its usage afterwards, without any discount,
 * and how far its biases have come. */
static void train_with_a_dead_head(const char *latent, double *usage, double *bias) {
  trainee t;
  open_trainee(latent, &t);
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
  close_trainee(&t);
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
  trainee t;
  open_trainee("model.latent={type: discrete, choices: 30, revive: 1}", &t);
  train(&t, 100);
  const vj_graph *graph = t.model->evaluate.graph;
  double entropy = 0, dead = 0, told_perplexity = -1, told_dead = -1;
  run(&t, &t.model->evaluate, 0);
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
  close_trainee(&t);
}

/* --- sparse --------------------------------------------------------------------------------------------------- */

static void a_sparsity_out_of_reach_is_told(void **state) {
  (void)state;
  trainee t;
  open_trainee("model.latent={type: sparse, size: 8, lambda: 1.0e-9, target_sparsity: 0.9, adaptation: 1}", &t);
  train(&t, 60);
  assert_true(fabs(reported(&t, "latent_lambda") / 1e-5 - 1) < 1e-9);
  assert_true(reported(&t, "latent_lambda_at_bound") > 0.999999);
  assert_true(reported(&t, "latent_sparsity_missing") > 0.5);
  assert_true(fabs(reported(&t, "latent_sparsity_missing") + reported(&t, "latent_sparsity") - 0.9) < 1e-12);
  close_trainee(&t);
  open_trainee("model.latent={type: sparse, size: 8, target_sparsity: 0.5, adaptation: 0.2}", &t);
  train(&t, 150);
  assert_true(reported(&t, "latent_lambda_at_bound") == 0);
  assert_true(fabs(reported(&t, "latent_sparsity_missing")) < 0.15);
  close_trainee(&t);
}

/* A penalty under which codes are zero: a lack of variance alone moves them. */
static void variance_holds_the_scale_of_codes(void **state) {
  (void)state;
  trainee t;
  open_trainee("model.latent={type: sparse, size: 4, lambda: 0.5}", &t);
  assert_true(reported(&t, "latent_sparsity") == 1);
  close_trainee(&t);
  open_trainee("model.latent={type: sparse, size: 4, lambda: 0.01, scale: variance, unrolled_steps: 60}", &t);
  const double size = reported(&t, "latent_size");
  if (!(size > 0.4 && size < 1.5)) fail_msg("root mean square of z: %g", size);
  assert_true(reported(&t, "latent_energy_after") < 0.5 * reported(&t, "latent_energy_before"));
  close_trainee(&t);
}

int main(int argc, char **argv) {
  MPI_Init(&argc, &argv);
  assert_ok(vj_comm_create(MPI_COMM_WORLD, &alone));
  assert_ok(vj_builtin_register());
  const struct CMUnitTest tests[] = {cmocka_unit_test(a_dead_head_comes_back_only_with_revive),
                                     cmocka_unit_test(perplexity_and_dead_heads_agree_with_the_shares),
                                     cmocka_unit_test(a_sparsity_out_of_reach_is_told),
                                     cmocka_unit_test(variance_holds_the_scale_of_codes)};
  const int failed = cmocka_run_group_tests(tests, NULL, NULL);
  vj_comm_destroy(&alone);
  MPI_Finalize();
  return failed;
}
