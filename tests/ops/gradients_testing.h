/* What the tests of gradients share: variables that cases are built from, and how one is run and checked. */
#ifndef VJ_TESTS_OPS_GRADIENTS_TESTING_H
#define VJ_TESTS_OPS_GRADIENTS_TESTING_H

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "framework/graph/plan.h"
#include "framework/ops/build.h"
#include "tests/support/alone.h"

enum { BATCH = 8 };

static inline vj_var *shared(vj_graph *g, const char *name, vj_shape shape) {
  return vj_parameter(g, &(vj_param_spec){name, shape, "", VJ_INIT_NORMAL, 1, false});
}

/* A batched variable with a gradient: a parameter of the whole batch, dealt out to the shards. */
static inline vj_var *batched(vj_graph *g, const char *name, vj_shape sample) {
  vj_shape all = {.rank = sample.rank + 1, .size = {BATCH}};
  for (int i = 0; i < sample.rank; i++) all.size[i + 1] = sample.size[i];
  return vj_scatter_batch(g, shared(g, name, all));
}

typedef vj_var *(*case_builder)(vj_graph *);

typedef struct gradient_case {
  const char *name;
  case_builder build;
} gradient_case;

#define CASE(name) \
  { #name, case_##name }

typedef struct model {
  vj_parameters *parameters;
  vj_graph *graph;
  vj_var *loss;
} model;

/* The loss weighs every output number differently: mean(y r) + mean(y^2) with fixed r. */
static inline model model_create(case_builder build, int64_t shards) {
  model m = {0};
  assert_ok(vj_parameters_create(&m.parameters));
  assert_ok(vj_graph_create(&(vj_graph_options){true, BATCH / shards, shards, 0, false}, m.parameters, &m.graph));
  vj_var *y = build(m.graph);
  assert_ok(vj_graph_status(m.graph));
  vj_shape shape = y->shape;
  if (y->batched) shape.size[0] = BATCH;
  vj_var *r = shared(m.graph, "readout", shape);
  if (y->batched) r = vj_scatter_batch(m.graph, r);
  m.loss = vj_add(m.graph, vj_mean_all(m.graph, vj_mul(m.graph, y, r)), vj_mean_all(m.graph, vj_square(m.graph, y)));
  vj_graph_keep(m.loss);
  vj_graph_backward(m.graph, m.loss);
  assert_ok(vj_parameters_allocate(m.parameters));
  vj_parameters_initialise(m.parameters, 3);
  assert_ok(vj_graph_plan(m.graph, shards));
  assert_ok(vj_graph_allocate(&m.graph, 1, &alone));
  return m;
}

static inline void model_destroy(model *m) {
  vj_graph_destroy(&m->graph);
  vj_parameters_destroy(&m->parameters);
}

static inline double loss_of(model *m) {
  assert_ok(vj_graph_run(m->graph));
  return vj_graph_values(m->graph, m->loss, 0)[0];
}

/* The gradient of every case agrees with central differences. */
static inline void check_gradients(const gradient_case *cases, size_t count) {
  for (size_t k = 0; k < count; k++) {
    model m = model_create(cases[k].build, 2);
    loss_of(&m);
    const vj_parameters *p = m.parameters;
    double *gradient = malloc((size_t)p->value_count * sizeof *gradient);
    memcpy(gradient, p->gradients, (size_t)p->value_count * sizeof *gradient);
    double error = 0, norm = 0;
    for (int row = 0; row < p->count; row++) {
      const int64_t step = p->rows[row].count > 60 ? p->rows[row].count / 60 : 1;
      for (int64_t i = 0; i < p->rows[row].count && p->rows[row].trained; i += step) {
        double *value = p->values + p->rows[row].offset + i;
        const double kept = *value, h = 1e-5;
        *value = kept + h;
        const double up = loss_of(&m);
        *value = kept - h;
        const double down = loss_of(&m);
        *value = kept;
        const double numeric = (up - down) / (2 * h), exact = gradient[p->rows[row].offset + i];
        error += (numeric - exact) * (numeric - exact);
        norm += numeric * numeric;
      }
    }
    if (!(sqrt(error) < 1e-7 * sqrt(norm)))
      fail_msg("%s: gradient differs by %.3g of its norm %.3g", cases[k].name, sqrt(error / norm), sqrt(norm));
    free(gradient);
    model_destroy(&m);
  }
}

/* Loss and gradient of every case are the same for one shard and for four. */
static inline void check_shards(const gradient_case *cases, size_t count) {
  for (size_t k = 0; k < count; k++) {
    model one = model_create(cases[k].build, 1), four = model_create(cases[k].build, 4);
    const double a = loss_of(&one), b = loss_of(&four);
    if (!(fabs(a - b) < 1e-12 * (1 + fabs(a))))
      fail_msg("%s: loss %.15g with 1 shard, %.15g with 4", cases[k].name, a, b);
    for (int64_t i = 0; i < one.parameters->value_count; i++) {
      const double x = one.parameters->gradients[i], y = four.parameters->gradients[i];
      if (!(fabs(x - y) < 1e-11 * (1 + fabs(x))))
        fail_msg("%s: gradient %.15g with 1 shard, %.15g with 4", cases[k].name, x, y);
    }
    model_destroy(&one);
    model_destroy(&four);
  }
}

#endif
