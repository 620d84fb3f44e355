/* A head that starts dead comes back with `revive` and learns; without it, it stays dead.
 * precision: double */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>
#include <math.h>
#include <mpi.h>
#include <stdio.h>
#include <string.h>

#include "builtin.h"
#include "train/loader.h"
#include "train/model.h"
#include "train/optimizer.h"

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

static void check(vj_status status) {
  if (status != VJ_OK) fail_msg("%s", vj_error_message());
}

static double *values(const vj_model *model, const char *name, bool state, int64_t *count) {
  const vj_parameter_row *row = &model->parameters->rows[vj_parameters_find(model->parameters, name)];
  *count = row->count;
  return (state ? model->parameters->states : model->parameters->values) + row->offset;
}

/* Share of the samples of ten batches for which the head has the least energy, without any discount. */
static double usage_in_evaluation(vj_model *model, vj_loader *loader) {
  vj_model_graph *part = &model->evaluate;
  const vj_var *usage = NULL;
  char name[32];
  double sum = 0;
  snprintf(name, sizeof name, "latent_usage_%d", DEAD);
  for (int i = 0; i < part->graph->reports.count; i++) {
    const vj_reported *report = part->graph->reports.at[i];
    if (strcmp(report->name, name) == 0) usage = report->var;
  }
  for (int64_t step = 0; step < 10; step++) {
    check(vj_loader_fill_step(loader, part->graph, part->frames, &alone, step));
    check(vj_graph_run(part->graph));
    sum += vj_graph_values(part->graph, usage, 0)[0] / 10;
  }
  return sum;
}

/* Trains with one head whose biases are 5, far from any hidden state; gives its usage afterwards and how far its biases
 * have come. */
static void train_with_a_dead_head(const char *latent, double *usage, double *bias) {
  vj_pool *pool = NULL;
  vj_yaml *root = NULL;
  vj_config *config = NULL;
  vj_model *model = NULL;
  vj_loader loader = {.epoch = -1};
  vj_optimizer_state optimizer = {0};
  int64_t count;
  check(vj_pool_create(&pool));
  check(vj_yaml_read_text(pool, base, "test", &root));
  check(vj_yaml_override(pool, root, latent));
  check(vj_config_create(pool, root, &config));
  check(vj_loader_open(config, &loader));
  check(vj_model_create(config, &loader.info, 1, &model));
  check(vj_model_allocate(model, &alone));
  check(vj_optimizer_create(&config->optim, model->parameters, &optimizer));
  double *biases = values(model, "predictor.linear1.bias", false, &count);
  const int64_t head = count / CHOICES;
  for (int64_t i = 0; i < head; i++) biases[DEAD * head + i] = FAR;
  assert_true(usage_in_evaluation(model, &loader) == 0);
  for (int64_t step = 0; step < STEPS; step++) {
    check(vj_loader_fill_step(&loader, model->train.graph, model->train.frames, &alone, step));
    model->train.graph->step = step;
    check(vj_graph_run(model->train.graph));
    vj_optimizer_step(&optimizer, step, vj_gradient_norm(model->parameters));
  }
  *usage = usage_in_evaluation(model, &loader);
  *bias = 0;
  for (int64_t i = 0; i < head; i++) *bias += biases[DEAD * head + i] / (double)head;
  vj_optimizer_destroy(&optimizer);
  vj_model_destroy(&model);
  vj_loader_close(&loader);
  vj_pool_destroy(&pool);
}

static void a_dead_head_comes_back_only_with_revive(void **state) {
  (void)state;
  double usage, bias;
  train_with_a_dead_head("model.latent={type: discrete, choices: 3, revive: 0}", &usage, &bias);
  if (!(usage == 0 && fabs(bias - FAR) < 1e-9)) fail_msg("without revive: usage %g, bias %g", usage, bias);
  train_with_a_dead_head("model.latent={type: discrete, choices: 3, revive: 0.5}", &usage, &bias);
  if (!(usage > 0.05 && bias < FAR - 0.5)) fail_msg("with revive: usage %g, bias %g", usage, bias);
}

int main(int argc, char **argv) {
  MPI_Init(&argc, &argv);
  check(vj_comm_create(MPI_COMM_WORLD, &alone));
  check(vj_builtin_register());
  const struct CMUnitTest tests[] = {cmocka_unit_test(a_dead_head_comes_back_only_with_revive)};
  const int failed = cmocka_run_group_tests(tests, NULL, NULL);
  vj_comm_destroy(&alone);
  MPI_Finalize();
  return failed;
}
