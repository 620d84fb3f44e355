/* Parameters that no gradient reaches, such as a decoder's without a loss on frames, stay as they were drawn: neither
 * optimizer decays them. */
#include <mpi.h>
#include <stdlib.h>
#include <string.h>

#include "app/builtin.h"
#include "framework/train/loading/loader.h"
#include "framework/train/model/model.h"
#include "framework/train/model/optimizer.h"
#include "tests/support/testing.h"

static vj_comm alone;

static const char base[] =
    "data: {dataset: moving_mnist, size: 16, digit_size: 8, max_speed: 2, train_size: 64, validation_size: 8}\n"
    "model:\n"
    "  encoder: {type: cnn, channels: [3, 4], temporal: [5]}\n"
    "  predictor: {type: mlp, hidden: [8]}\n"
    "  decoder: {type: cnn, channels: [4, 3]}\n"
    "losses: {prediction: {weight: 1.0}, variance: {weight: 1.0}, reconstruction: {weight: 0}}\n"
    "optim: {steps: 3, batch: 8, shards: 2, lr: 0.1, weight_decay: 0.5, schedule: constant}\n"
    "eval: {samples: 8}\n";

static void train(vj_model *model, vj_loader *loader, const vj_config *config) {
  vj_optimizer_state optimizer;
  assert_ok(vj_optimizer_create(&config->optim, model->parameters, model->train.has_gradient, &optimizer));
  for (int64_t step = 0; step < config->optim.steps; step++) {
    assert_ok(vj_loader_fill_step(loader, model->train.graph, model->train.frames, &alone, step));
    assert_ok(vj_graph_run(model->train.graph));
    vj_optimizer_step(&optimizer, step, vj_gradient_norm(&optimizer));
  }
  vj_optimizer_destroy(&optimizer);
}

static void compare(const vj_parameters *p, const vj_real *first, bool decoder_stays) {
  for (int i = 0; i < p->count; i++) {
    const vj_parameter_row *row = &p->rows[i];
    if (!row->trained) continue;
    const bool stays = decoder_stays && strncmp(row->name, "decoder.", 8) == 0;
    const size_t bytes = (size_t)row->count * sizeof *first;
    const bool same = memcmp(p->values + row->offset, first + row->offset, bytes) == 0;
    if (same != stays) fail_msg("%s %s", row->name, same ? "did not move" : "moved without a gradient");
  }
}

static void train_and_compare(const char *optimizer, const char *weight, bool decoder_stays) {
  vj_pool *pool = NULL;
  vj_yaml *root = NULL;
  vj_config *config = NULL;
  vj_model *model = NULL;
  vj_loader loader = {.epoch = -1};
  assert_ok(vj_pool_create(&pool));
  assert_ok(vj_yaml_read_text(pool, base, "test", &root));
  assert_ok(vj_yaml_override(pool, root, optimizer));
  assert_ok(vj_yaml_override(pool, root, weight));
  assert_ok(vj_config_create(pool, root, &config));
  assert_ok(vj_loader_open(config, &loader));
  assert_ok(vj_model_create(config, &loader.info, 1, &model));
  assert_ok(vj_model_allocate(model, &alone));
  const size_t bytes = (size_t)model->parameters->value_count * sizeof(vj_real);
  vj_real *first = malloc(bytes);
  assert_non_null(first);
  memcpy(first, model->parameters->values, bytes);
  train(model, &loader, config);
  compare(model->parameters, first, decoder_stays);
  free(first);
  vj_model_destroy(&model);
  vj_loader_close(&loader);
  vj_pool_destroy(&pool);
}

static void a_decoder_that_learns_nothing_stays(void **state) {
  (void)state;
  train_and_compare("optim.type=adamw", "losses.reconstruction.weight=0", true);
  train_and_compare("optim.type=sgd", "losses.reconstruction.weight=0", true);
}

static void a_decoder_that_learns_moves(void **state) {
  (void)state;
  train_and_compare("optim.type=adamw", "losses.reconstruction.weight=1", false);
  train_and_compare("optim.type=sgd", "losses.reconstruction.weight=1", false);
}

int main(int argc, char **argv) {
  MPI_Init(&argc, &argv);
  assert_ok(vj_comm_create(MPI_COMM_WORLD, &alone));
  assert_ok(vj_builtin_register());
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(a_decoder_that_learns_nothing_stays),
      cmocka_unit_test(a_decoder_that_learns_moves),
  };
  const int failed = cmocka_run_group_tests(tests, NULL, NULL);
  vj_comm_destroy(&alone);
  MPI_Finalize();
  return failed;
}
