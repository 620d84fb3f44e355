/* What the tests of whole models share: a model of an experiment's text with overrides, and its steps on one rank. */
#ifndef VJ_TESTS_COMPONENTS_MODEL_TESTING_H
#define VJ_TESTS_COMPONENTS_MODEL_TESTING_H

#include "app/builtin.h"
#include "framework/train/loading/loader.h"
#include "framework/train/model/model.h"
#include "framework/train/model/optimizer.h"
#include "tests/support/alone.h"

static inline int start_with_components(void **state) {
  assert_ok(vj_builtin_register());
  return start_alone(state);
}

typedef struct experiment {
  vj_pool *pool;
  vj_config *config;
  vj_loader loader;
  vj_model *model;
} experiment;

static inline void open_experiment(const char *text, const char *const *overrides, int count, experiment *e) {
  vj_yaml *root = NULL;
  *e = (experiment){.loader = {.epoch = -1}};
  assert_ok(vj_pool_create(&e->pool));
  assert_ok(vj_yaml_read_text(e->pool, text, "test", &root));
  for (int i = 0; i < count; i++) assert_ok(vj_yaml_override(e->pool, root, overrides[i]));
  assert_ok(vj_config_create(e->pool, root, &e->config));
  assert_ok(vj_loader_open(e->config, &e->loader));
  assert_ok(vj_model_create(e->config, &e->loader.info, 1, &e->model));
  assert_ok(vj_model_allocate(e->model, &alone));
}

static inline void close_experiment(experiment *e) {
  vj_model_destroy(&e->model);
  vj_loader_close(&e->loader);
  vj_pool_destroy(&e->pool);
}

/* The batch is put in anew: its room in the arena is used again during a run. */
static inline void run_step(experiment *e, const vj_model_graph *part, int64_t step) {
  assert_ok(vj_loader_fill_step(&e->loader, part->graph, part->frames, &alone, step));
  part->graph->step = step;
  part->graph->momentum = vj_target_momentum(&e->config->target, step, e->config->optim.steps);
  assert_ok(vj_graph_run(part->graph));
}

static inline void train(experiment *e, int64_t steps) {
  vj_optimizer_state optimizer;
  assert_ok(vj_optimizer_create(&e->config->optim, e->model->parameters, e->model->train.has_gradient, &optimizer));
  for (int64_t step = 0; step < steps; step++) {
    run_step(e, &e->model->train, step);
    vj_optimizer_step(&optimizer, step, vj_gradient_norm(&optimizer));
  }
  vj_optimizer_destroy(&optimizer);
}

#endif
