/* Codes by unrolled proximal gradient steps: in a quadratic energy those of the quadratic fast path; in any other no
 * sample ends with more energy than it began with, and what another method finds from there on is next to nothing; a
 * batch that is one problem ends in that problem's optimum; the gradient in a frozen section is exact and leaves
 * nothing. precision: double */
#include <math.h>

#include "framework/graph/graph.h"
#include "framework/ops/build.h"
#include "tests/support/alone.h"

enum { SAMPLES = 6, SIZE = 5, HIDDEN = 12, WIDTH = 40 };

/* Energies mean (B s(A z) - target)^2 with s the identity or silu. */
typedef struct problem {
  vj_parameters *parameters;
  vj_graph *graph;
  vj_var *first, *second, *target; /* A [HIDDEN,SIZE], B [WIDTH,HIDDEN], [SAMPLES,WIDTH] */
  vj_activation activation;
  double pull; /* weight of (mean over the batch of z_k - 1)^2, which couples samples */
} problem;

static vj_var *normal(vj_graph *g, const char *name, vj_shape shape, double scale) {
  return vj_parameter(g, &(vj_param_spec){name, shape, "", VJ_INIT_NORMAL, scale, false});
}

static problem problem_create(int64_t shards, vj_activation activation, double pull) {
  problem p = {.activation = activation, .pull = pull};
  assert_ok(vj_parameters_create(&p.parameters));
  assert_ok(vj_graph_create(&(vj_graph_options){true, SAMPLES / shards, shards, 0, false}, p.parameters, &p.graph));
  p.first = normal(p.graph, "first", VJ_SHAPE(HIDDEN, SIZE), 0.7);
  p.second = normal(p.graph, "second", VJ_SHAPE(WIDTH, HIDDEN), 0.5);
  p.target = vj_scatter_batch(p.graph, normal(p.graph, "target", VJ_SHAPE(SAMPLES, WIDTH), 1));
  return p;
}

static vj_var *energy(vj_graph *g, const void *context, vj_var *z) {
  const problem *p = context;
  vj_var *h = vj_activate(g, vj_linear(g, z, p->first, NULL), p->activation);
  vj_var *square = vj_square(g, vj_sub(g, vj_linear(g, h, p->second, NULL), p->target));
  vj_var *each = vj_scale(g, vj_sum_features(g, square), 1.0 / WIDTH, 0);
  if (p->pull == 0) return each;
  vj_var *away = vj_square(g, vj_scale(g, vj_mean_batch(g, z), 1, -1));
  return vj_add(g, each, vj_scale(g, vj_sum_leading(g, away, 0), p->pull / SAMPLES, 0));
}

static void finish(problem *p, int64_t shards) {
  assert_ok(vj_graph_status(p->graph));
  assert_ok(vj_parameters_allocate(p->parameters));
  vj_parameters_initialise(p->parameters, 5);
  assert_ok(vj_graph_plan(p->graph, shards));
  assert_ok(vj_graph_allocate(&p->graph, 1, &alone));
  assert_ok(vj_graph_run(p->graph));
}

static void release(problem *p) {
  vj_graph_destroy(&p->graph);
  vj_parameters_destroy(&p->parameters);
}

static const double *named(const problem *p, const char *name) {
  return p->parameters->values + p->parameters->rows[vj_parameters_find(p->parameters, name)].offset;
}

/* The same energy by hand, plus lambda |z|, of sample s. */
static double cost(const problem *p, int s, const double *z, double lambda) {
  const double *a = named(p, "first"), *b = named(p, "second"), *t = named(p, "target") + s * WIDTH;
  double h[HIDDEN], sum = 0, penalty = 0;
  for (int i = 0; i < HIDDEN; i++) {
    double u = 0;
    for (int k = 0; k < SIZE; k++) u += a[i * SIZE + k] * z[k];
    h[i] = p->activation == VJ_SILU ? u / (1 + exp(-u)) : u;
  }
  for (int i = 0; i < WIDTH; i++) {
    double r = -t[i];
    for (int k = 0; k < HIDDEN; k++) r += b[i * HIDDEN + k] * h[k];
    sum += r * r;
  }
  for (int k = 0; k < SIZE; k++) penalty += fabs(z[k]);
  return sum / WIDTH + lambda * penalty;
}

static double joint_cost(const problem *p, const double *z, double lambda) {
  double sum = 0;
  for (int s = 0; s < SAMPLES; s++) sum += cost(p, s, z + s * SIZE, lambda);
  for (int k = 0; k < SIZE; k++) {
    double mean = 0;
    for (int s = 0; s < SAMPLES; s++) mean += z[s * SIZE + k] / SAMPLES;
    sum += p->pull * (mean - 1) * (mean - 1);
  }
  return sum;
}

/* Pattern search: one number up or down, or to zero, by ever smaller steps while anything gets better. */
static double search(const problem *p, int s, double *z, int count, double lambda) {
  double best = s < 0 ? joint_cost(p, z, lambda) : cost(p, s, z, lambda);
  for (double h = 0.5; h > 1e-9; h /= 2)
    for (int improved = 1; improved;) {
      improved = 0;
      for (int k = 0; k < count; k++)
        for (int way = 0; way < 3; way++) {
          const double old = z[k];
          z[k] = way == 2 ? 0 : old + (way ? -h : h);
          const double now = s < 0 ? joint_cost(p, z, lambda) : cost(p, s, z, lambda);
          if (now < best - 1e-15) {
            best = now;
            improved = 1;
          } else {
            z[k] = old;
          }
        }
    }
  return best;
}

/* --- claims ---------------------------------------------------------------------------------------------------- */

static void a_quadratic_energy_gives_the_codes_of_the_fast_path(void **state) {
  (void)state;
  const double lambda = 0.2;
  for (int accelerated = 0; accelerated < 2; accelerated++)
    for (int positive = 0; positive < 2; positive++) {
      const vj_sparse_code_args args = {accelerated ? 150 : 400, 1e-14, positive, accelerated};
      problem p = problem_create(2, VJ_IDENTITY, 0);
      vj_var *iterations;
      vj_var *z = vj_proximal_code(p.graph, SIZE, energy, &p, vj_constant(p.graph, lambda), &args, false, &iterations);
      vj_graph_keep(z);
      finish(&p, 2);
      for (int s = 0; s < SAMPLES; s++) {
        const double *ours = vj_graph_values(p.graph, z, s / 3) + s % 3 * SIZE;
        double theirs[SIZE] = {0};
        for (int round = 0; round < 200 && !positive; round++) search(&p, s, theirs, SIZE, lambda);
        for (int k = 0; k < SIZE && positive; k++) assert_true(ours[k] >= 0);
        if (!positive && !(fabs(cost(&p, s, ours, lambda) - cost(&p, s, theirs, lambda)) < 1e-8))
          fail_msg("cost %.12g, by search %.12g", cost(&p, s, ours, lambda), cost(&p, s, theirs, lambda));
      }
      release(&p);
    }
}

static void no_sample_loses_and_none_could_gain_in_a_curved_energy(void **state) {
  (void)state;
  const double lambda = 0.05;
  const vj_sparse_code_args few = {8, 1e-3, false, true}, many = {200, 1e-14, false, true};
  problem p = problem_create(2, VJ_SILU, 0);
  vj_var *iterations[2], *penalty = vj_constant(p.graph, lambda);
  vj_var *z[] = {vj_proximal_code(p.graph, SIZE, energy, &p, penalty, &few, false, &iterations[0]),
                 vj_proximal_code(p.graph, SIZE, energy, &p, penalty, &many, false, &iterations[1])};
  for (int i = 0; i < 2; i++) vj_graph_keep(z[i]);
  for (int i = 0; i < 2; i++) vj_graph_keep(iterations[i]);
  finish(&p, 2);
  bool moved = false;
  for (int s = 0; s < SAMPLES; s++) {
    double code[SIZE];
    const double *after_few = vj_graph_values(p.graph, z[0], s / 3) + s % 3 * SIZE;
    const double *after_many = vj_graph_values(p.graph, z[1], s / 3) + s % 3 * SIZE;
    const double start = cost(&p, s, (double[SIZE]){0}, lambda);
    assert_true(cost(&p, s, after_few, lambda) <= start);
    assert_true(cost(&p, s, after_many, lambda) <= cost(&p, s, after_few, lambda));
    for (int k = 0; k < SIZE; k++) code[k] = after_many[k];
    moved = moved || cost(&p, s, after_many, lambda) < 0.9 * start;
    const double ours = cost(&p, s, after_many, lambda), theirs = search(&p, s, code, SIZE, lambda);
    if (!(ours - theirs <= 1e-6 * ours)) fail_msg("cost %.12g, by a search from there %.12g", ours, theirs);
    assert_true(vj_graph_values(p.graph, iterations[0], s / 3)[s % 3] <= 8);
  }
  assert_true(moved);
  release(&p);
}

static void a_batch_of_one_problem_ends_in_its_optimum(void **state) {
  (void)state;
  const double lambda = 0.1;
  const vj_sparse_code_args args = {300, 1e-14, false, true};
  double first = 0;
  for (int64_t shards = 1; shards <= 2; shards++) {
    problem p = problem_create(shards, VJ_IDENTITY, 20);
    vj_var *iterations;
    vj_var *z = vj_proximal_code(p.graph, SIZE, energy, &p, vj_constant(p.graph, lambda), &args, true, &iterations);
    vj_var *all = vj_gather_batch(p.graph, z);
    vj_graph_keep(all);
    finish(&p, shards);
    double theirs[SAMPLES * SIZE] = {0};
    const double ours = joint_cost(&p, vj_graph_values(p.graph, all, 0), lambda);
    for (int round = 0; round < 20; round++) search(&p, -1, theirs, SAMPLES * SIZE, lambda);
    if (!(ours <= joint_cost(&p, theirs, lambda) * (1 + 1e-6)))
      fail_msg("cost %.12g, by search %.12g", ours, joint_cost(&p, theirs, lambda));
    assert_true(ours < 0.95 * joint_cost(&p, (double[SAMPLES * SIZE]){0}, lambda));
    if (shards == 1) first = ours;
    assert_true(fabs(ours - first) < 1e-9 * first);
    release(&p);
  }
}

/* d energy / d z at z = target[.., :SIZE], against differences; then training's gradient is what it is without it. */
static void the_gradient_in_a_frozen_section_is_exact_and_leaves_nothing(void **state) {
  (void)state;
  double clean[HIDDEN * SIZE];
  for (int with = 0; with < 2; with++) {
    problem p = problem_create(1, VJ_SILU, 0);
    vj_var *z = vj_slice(p.graph, p.target, 1, 0, SIZE), *gradient = NULL;
    if (with) {
      vj_freeze(p.graph);
      vj_var *x = vj_differentiable(p.graph, z);
      gradient = vj_gradient_of(p.graph, energy(p.graph, &p, x), x);
      vj_thaw(p.graph);
      vj_graph_keep(gradient);
      assert_false(vj_wants_gradient(gradient));
      assert_true(vj_wants_gradient(z) && vj_wants_gradient(p.first));
    }
    vj_var *loss = vj_mean_all(p.graph, energy(p.graph, &p, z));
    vj_graph_keep(loss);
    vj_graph_backward(p.graph, loss);
    finish(&p, 1);
    const double *by_first = p.parameters->gradients;
    for (int i = 0; i < HIDDEN * SIZE; i++)
      if (with)
        assert_true(by_first[i] == clean[i]);
      else
        clean[i] = by_first[i];
    for (int s = 0; s < SAMPLES && with; s++)
      for (int k = 0; k < SIZE; k++) {
        double up[SIZE], down[SIZE];
        for (int i = 0; i < SIZE; i++) up[i] = down[i] = named(&p, "target")[s * WIDTH + i];
        up[k] += 1e-6;
        down[k] -= 1e-6;
        const double numeric = (cost(&p, s, up, 0) - cost(&p, s, down, 0)) / 2e-6;
        assert_true(fabs(vj_graph_values(p.graph, gradient, 0)[s * SIZE + k] - numeric) < 1e-7);
      }
    release(&p);
  }
}

int main(void) {
  const struct CMUnitTest tests[] = {cmocka_unit_test(a_quadratic_energy_gives_the_codes_of_the_fast_path),
                                     cmocka_unit_test(no_sample_loses_and_none_could_gain_in_a_curved_energy),
                                     cmocka_unit_test(a_batch_of_one_problem_ends_in_its_optimum),
                                     cmocka_unit_test(the_gradient_in_a_frozen_section_is_exact_and_leaves_nothing)};
  return cmocka_run_group_tests(tests, start_alone, end_alone);
}
