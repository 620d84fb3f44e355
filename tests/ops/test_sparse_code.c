/* Sparse codes reach the optimum that another method finds in float64, and stop where they should.
 * precision: double */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "framework/graph/graph.h"
#include "framework/ops/build.h"
#include "tests/support/alone.h"

enum { SAMPLES = 6, SIZE = 20, WIDTH = 96 };

typedef struct problem {
  vj_parameters *parameters;
  vj_graph *graph;
  vj_var *base, *weight, *target, *z, *statistics;
} problem;

static vj_var *normal(vj_graph *g, const char *name, vj_shape shape) {
  return vj_parameter(g, &(vj_param_spec){name, shape, "", VJ_INIT_NORMAL, 1, false});
}

static problem solve(const vj_sparse_code_args *args, double lambda) {
  problem p = {0};
  assert_ok(vj_parameters_create(&p.parameters));
  assert_ok(vj_graph_create(&(vj_graph_options){true, SAMPLES, 1, 0, false}, p.parameters, &p.graph));
  vj_graph *g = p.graph;
  p.base = vj_scatter_batch(g, normal(g, "base", VJ_SHAPE(SAMPLES, WIDTH)));
  p.target = vj_scatter_batch(g, normal(g, "target", VJ_SHAPE(SAMPLES, WIDTH)));
  p.weight = normal(g, "weight", VJ_SHAPE(WIDTH, SIZE));
  p.z = vj_sparse_code(g, p.base, p.weight, p.target, vj_constant(g, lambda), args, &p.statistics);
  vj_var *const kept[] = {p.base, p.target, p.z, p.statistics};
  for (int i = 0; i < 4; i++) vj_graph_keep(kept[i]);
  assert_ok(vj_graph_status(g));
  assert_ok(vj_parameters_allocate(p.parameters));
  vj_parameters_initialise(p.parameters, 5);
  assert_ok(vj_graph_plan(g, 1));
  assert_ok(vj_graph_allocate(&g, 1, &alone));
  assert_ok(vj_graph_run(g));
  return p;
}

static void release(problem *p) {
  vj_graph_destroy(&p->graph);
  vj_parameters_destroy(&p->parameters);
}

static const double *values(const problem *p, const vj_var *var) { return vj_graph_values(p->graph, var, 0); }

/* |base + W z - target|^2 / D + lambda |z|_1 of a sample, and without the penalty */
static double energy(const problem *p, int s, const double *z, double lambda, double *plain) {
  const double *w = values(p, p->weight);
  double sum = 0, penalty = 0;
  for (int i = 0; i < WIDTH; i++) {
    double r = values(p, p->base)[s * WIDTH + i] - values(p, p->target)[s * WIDTH + i];
    for (int k = 0; k < SIZE; k++) r += w[i * SIZE + k] * z[k];
    sum += r * r;
  }
  for (int k = 0; k < SIZE; k++) penalty += fabs(z[k]);
  if (plain) *plain = sum / WIDTH;
  return sum / WIDTH + lambda * penalty;
}

/* Coordinate descent: each number of the code set to its best value in turn, until nothing moves. */
static void descend(const problem *p, int s, double lambda, bool positive, double *z) {
  const double *w = values(p, p->weight);
  double r[WIDTH];
  for (int k = 0; k < SIZE; k++) z[k] = 0;
  for (int i = 0; i < WIDTH; i++) r[i] = values(p, p->target)[s * WIDTH + i] - values(p, p->base)[s * WIDTH + i];
  for (int sweep = 0; sweep < 2000; sweep++)
    for (int k = 0; k < SIZE; k++) {
      double c = 0, norm = 0;
      for (int i = 0; i < WIDTH; i++) {
        c += w[i * SIZE + k] * (r[i] + w[i * SIZE + k] * z[k]);
        norm += w[i * SIZE + k] * w[i * SIZE + k];
      }
      const double t = lambda * WIDTH / 2, old = z[k];
      z[k] = c > t ? (c - t) / norm : !positive && c < -t ? (c + t) / norm : 0;
      for (int i = 0; i < WIDTH; i++) r[i] -= w[i * SIZE + k] * (z[k] - old);
    }
}

static void compare_with_descent(const vj_sparse_code_args *args, double lambda) {
  problem p = solve(args, lambda);
  for (int s = 0; s < SAMPLES; s++) {
    double best[SIZE], plain;
    descend(&p, s, lambda, args->positive, best);
    const double *z = values(&p, p.z) + s * SIZE, *told = values(&p, p.statistics) + 3 * s;
    const double ours = energy(&p, s, z, lambda, &plain), theirs = energy(&p, s, best, lambda, NULL);
    if (!(fabs(ours - theirs) <= 1e-8 * theirs)) fail_msg("energy %.12g, by coordinate descent %.12g", ours, theirs);
    for (int k = 0; k < SIZE; k++) assert_true((z[k] == 0) == (best[k] == 0)); /* the same numbers are zero, exactly */
    const double zeros[SIZE] = {0};
    double start;
    energy(&p, s, zeros, lambda, &start);
    assert_true(fabs(told[0] - start) < 1e-10 && fabs(told[1] - plain) < 1e-10);
  }
  release(&p);
}

static void fista_reaches_the_optimum_of_coordinate_descent(void **state) {
  (void)state;
  compare_with_descent(&(vj_sparse_code_args){4000, 1e-14, false, true}, 0.05);
  compare_with_descent(&(vj_sparse_code_args){4000, 1e-14, true, true}, 0.05);
  compare_with_descent(&(vj_sparse_code_args){4000, 1e-14, false, true}, 0.3);
}

static void ista_reaches_it_too(void **state) {
  (void)state;
  compare_with_descent(&(vj_sparse_code_args){20000, 1e-14, false, false}, 0.05);
}

static void a_large_penalty_gives_the_zero_code_at_once(void **state) {
  (void)state;
  problem p = solve(&(vj_sparse_code_args){100, 1e-3, false, true}, 1e3);
  for (int i = 0; i < SAMPLES * SIZE; i++) assert_true(values(&p, p.z)[i] == 0);
  for (int s = 0; s < SAMPLES; s++) assert_true(values(&p, p.statistics)[3 * s + 2] == 1);
  release(&p);
}

static void every_sample_stops_for_itself(void **state) {
  (void)state;
  problem p = solve(&(vj_sparse_code_args){500, 1e-4, false, true}, 0.1);
  double least = 500, most = 0;
  for (int s = 0; s < SAMPLES; s++) {
    least = fmin(least, values(&p, p.statistics)[3 * s + 2]);
    most = fmax(most, values(&p, p.statistics)[3 * s + 2]);
  }
  assert_true(least < most && most < 500);
  release(&p);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(fista_reaches_the_optimum_of_coordinate_descent), cmocka_unit_test(ista_reaches_it_too),
      cmocka_unit_test(a_large_penalty_gives_the_zero_code_at_once), cmocka_unit_test(every_sample_stops_for_itself)};
  return cmocka_run_group_tests(tests, start_alone, end_alone);
}
