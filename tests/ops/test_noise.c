/* Random directions are unit vectors, uniform on the sphere, new at every training step and fixed in evaluation.
 * precision: double */
#include <math.h>
#include <string.h>

#include "framework/graph/graph.h"
#include "tests/support/alone.h"
#include "vj/ops.h"

enum { COUNT = 4096, WIDTH = 4 };

typedef struct drawn {
  vj_parameters *parameters;
  vj_graph *graph;
  vj_var *directions, *others;
} drawn;

static drawn create(bool training) {
  drawn d = {0};
  assert_ok(vj_parameters_create(&d.parameters));
  assert_ok(vj_graph_create(&(vj_graph_options){training, 2, 1, 7, false}, d.parameters, &d.graph));
  d.directions = vj_directions(d.graph, COUNT, WIDTH);
  d.others = vj_directions(d.graph, COUNT, WIDTH);
  vj_graph_keep(d.directions);
  vj_graph_keep(d.others);
  assert_ok(vj_graph_status(d.graph));
  assert_ok(vj_parameters_allocate(d.parameters));
  assert_ok(vj_graph_plan(d.graph, 1));
  assert_ok(vj_graph_allocate(&d.graph, 1, &alone));
  return d;
}

static void release(drawn *d) {
  vj_graph_destroy(&d->graph);
  vj_parameters_destroy(&d->parameters);
}

/* Of one step; valid until the next. */
static const double *directions_at(drawn *d, int64_t step) {
  d->graph->step = step;
  assert_ok(vj_graph_run(d->graph));
  return vj_graph_values(d->graph, d->directions, 0);
}

static void directions_are_uniform_on_the_sphere(void **state) {
  (void)state;
  drawn d = create(true);
  const double *u = directions_at(&d, 0);
  double moment[WIDTH][WIDTH] = {{0}}, mean[WIDTH] = {0};
  for (int64_t r = 0; r < COUNT; r++) {
    double length = 0;
    for (int i = 0; i < WIDTH; i++) {
      length += u[r * WIDTH + i] * u[r * WIDTH + i];
      mean[i] += u[r * WIDTH + i] / COUNT;
      for (int j = 0; j < WIDTH; j++) moment[i][j] += u[r * WIDTH + i] * u[r * WIDTH + j] / COUNT;
    }
    if (!(fabs(length - 1) < 1e-12)) fail_msg("direction %d has the squared length %.17g", (int)r, length);
  }
  const double tolerance = 5 / sqrt((double)COUNT); /* above 5 standard deviations of every one of these means */
  for (int i = 0; i < WIDTH; i++) {
    if (!(fabs(mean[i]) < tolerance)) fail_msg("mean of component %d is %g", i, mean[i]);
    for (int j = 0; j < WIDTH; j++)
      if (!(fabs(moment[i][j] - (i == j ? 1.0 / WIDTH : 0)) < tolerance))
        fail_msg("mean of the product of components %d and %d is %g", i, j, moment[i][j]);
  }
  release(&d);
}

static void training_draws_anew_at_each_step(void **state) {
  (void)state;
  static double first[COUNT * WIDTH];
  drawn d = create(true);
  memcpy(first, directions_at(&d, 0), sizeof first);
  assert_memory_not_equal(first, vj_graph_values(d.graph, d.others, 0), sizeof first);
  assert_memory_not_equal(first, directions_at(&d, 1), sizeof first);
  assert_memory_equal(first, directions_at(&d, 0), sizeof first);
  release(&d);
}

static void evaluation_always_draws_the_same(void **state) {
  (void)state;
  static double first[COUNT * WIDTH];
  drawn d = create(false);
  memcpy(first, directions_at(&d, 0), sizeof first);
  assert_memory_equal(first, directions_at(&d, 1), sizeof first);
  release(&d);
}

int main(void) {
  const struct CMUnitTest tests[] = {cmocka_unit_test(directions_are_uniform_on_the_sphere),
                                     cmocka_unit_test(training_draws_anew_at_each_step),
                                     cmocka_unit_test(evaluation_always_draws_the_same)};
  return cmocka_run_group_tests(tests, start_alone, end_alone);
}
