/* What suggestions are made of: Cholesky's factor, a Gaussian process, log expected improvement, and its maximum. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "sweeps/search/acquisition.h"
#include "sweeps/search/cholesky.h"
#include "sweeps/search/expected_improvement.h"
#include "sweeps/search/gp_fit.h"
#include "sweeps/search/minimise.h"
#include "sweeps/search/pareto.h"
#include "tests/support/testing.h"
#include "vj/memory.h"
#include "vj/rng.h"

enum { POINTS = 21, FEATURES = 3 };

static void assert_near(double found, double expected, double relative) {
  if (fabs(found - expected) <= relative * fabs(expected)) return;
  fail_msg("%.17g, expected %.17g", found, expected);
}

/* --- log expected improvement --------------------------------------------------------------------------------------
 */

/* By mpmath, with 120 digits: log (phi(z) + z Phi(z)) and log Phi(z). */
static const struct {
  double z, log_improvement, log_cdf;
} tails[] = {{3, 1.0987396653277077727, -0.0013508099647481937988},
             {0.5, -0.35982768374506381859, -0.36894641528865639307},
             {0, -0.91893853320467274178, -0.69314718055994530942},
             {-0.5, -1.6205162643873199193, -1.1759117615936186089},
             {-1.5, -3.5299359208057098515, -2.705944400823889807},
             {-1.9999, -4.7685155863309112602, -3.782947016557344296},
             {-2, -4.7687835239171141569, -3.7831843336820319488},
             {-2.0001, -4.7690514697077283494, -3.7834216596639291242},
             {-3, -7.8696860596030285171, -6.6077262215103495433},
             {-5, -16.744301162660990143, -15.064998393988725736},
             {-10, -55.553122036122355927, -53.231285150512470578},
             {-20, -206.91783850942509785, -203.91715537109726394},
             {-38, -730.19618340211373916, -726.5572160188201301},
             {-100, -5010.1295788002497923, -5005.5242086942050886},
             {-1e3, -500014.73445209115845, -500007.82669481218431},
             {-1e6, -500000000028.54995965, -500000000014.73444909},
             {-1e10, -5.00000000000000000469e19, -5.00000000000000000235e19}};

static void far_into_the_tail(void **state) {
  (void)state;
  for (size_t i = 0; i < sizeof tails / sizeof *tails; i++) {
    double by_mean, by_deviation, by_z;
    const double scale = 0.25, z = tails[i].z;
    const double value = vj_log_expected_improvement(0, -z * scale, scale, &by_mean, &by_deviation);
    assert_near(value, tails[i].log_improvement + log(scale), 2e-14);
    assert_near(vj_log_normal_cdf(z, &by_z), tails[i].log_cdf, 2e-13);
    assert_true(by_mean < 0 && by_deviation > 0 && by_z > 0);
  }
}

static void improvement_derivatives(void **state) {
  (void)state;
  static const double means[] = {-3, -0.2, 0.4, 1.9, 2.1, 5, 30};
  for (size_t i = 0; i < sizeof means / sizeof *means; i++) {
    const double h = 1e-5, mean = means[i], deviation = 1.1;
    double by_mean, by_deviation, ignored[2];
    vj_log_expected_improvement(0, mean, deviation, &by_mean, &by_deviation);
    const double up = vj_log_expected_improvement(0, mean + h, deviation, &ignored[0], &ignored[1]);
    const double down = vj_log_expected_improvement(0, mean - h, deviation, &ignored[0], &ignored[1]);
    assert_near((up - down) / (2 * h), by_mean, 1e-6);
    const double wide = vj_log_expected_improvement(0, mean, deviation + h, &ignored[0], &ignored[1]);
    const double narrow = vj_log_expected_improvement(0, mean, deviation - h, &ignored[0], &ignored[1]);
    assert_near((wide - narrow) / (2 * h), by_deviation, 1e-6);
  }
}

/* --- Cholesky ------------------------------------------------------------------------------------------------------
 */

static void solves(void **state) {
  (void)state;
  enum { SIZE = 24, SIDES = 5 };
  double matrix[SIZE * SIZE], a[SIZE * SIZE], work[SIZE * SIZE], inverse[SIZE * SIZE], many[SIZE * SIDES];
  vj_rng rng = vj_rng_stream(3, VJ_RNG_TEST, 0, 0);
  for (int i = 0; i < SIZE; i++)
    for (int j = 0; j <= i; j++) matrix[i * SIZE + j] = matrix[j * SIZE + i] = vj_rng_normal(&rng) + (i == j ? 20 : 0);
  memcpy(a, matrix, sizeof a);
  vj_search_cholesky_factor(SIZE, 1e-12, a);
  vj_search_cholesky_inverse(SIZE, a, work, inverse);
  for (int i = 0; i < SIZE * SIDES; i++) many[i] = vj_rng_normal(&rng);
  for (int side = 0; side < SIDES; side++) {
    double x[SIZE], right[SIZE];
    for (int i = 0; i < SIZE; i++) x[i] = right[i] = many[i * SIDES + side];
    vj_search_cholesky_forward(SIZE, a, x);
    if (side == SIDES - 1) vj_search_cholesky_forward_many(SIZE, a, SIDES, many);
    for (int i = 0; i < SIZE && side == SIDES - 1; i++) assert_true(many[i * SIDES + side] == x[i]);
    vj_search_cholesky_backward(SIZE, a, x);
    for (int i = 0; i < SIZE; i++) {
      double sum = 0, product = 0;
      for (int j = 0; j < SIZE; j++) {
        sum += matrix[i * SIZE + j] * x[j];
        product += inverse[i > j ? i * SIZE + j : j * SIZE + i] * right[j];
      }
      assert_true(fabs(sum - right[i]) < 1e-12);
      assert_true(fabs(product - x[i]) < 1e-13);
    }
  }
}

/* --- Gaussian process ----------------------------------------------------------------------------------------------
 */

static double bowl(const double *x) { return (x[0] - 0.6) * (x[0] - 0.6) + 0.3 * sin(7 * x[1]) + 0.1 * x[2]; }

static void make_process(vj_gp *gp) {
  vj_rng rng = vj_rng_stream(5, VJ_RNG_TEST, 0, 0);
  assert_ok(vj_gp_create(POINTS, FEATURES, gp));
  for (int64_t i = 0; i < POINTS; i++) {
    double x[FEATURES];
    for (int64_t f = 0; f < FEATURES; f++) x[f] = gp->z[f * gp->size + i] = vj_rng_uniform(&rng);
    gp->y[i] = bowl(x);
    gp->noise[i] = i % 2 ? 1e-3 : 0;
  }
  for (int64_t f = 0; f < FEATURES; f++) gp->weight[f] = 1 + (double)f;
  gp->scale = 0.7;
  gp->nugget = 1e-4;
}

static double log_likelihood(vj_gp *gp, double *gradient) {
  double *work = NULL, *inverse = NULL;
  const size_t square = (size_t)(gp->size * gp->size);
  assert_ok(vj_allocate(square, sizeof *work, "a test", &work));
  assert_ok(vj_allocate(square, sizeof *inverse, "a test", &inverse));
  vj_gp_factor(gp);
  const double value = vj_gp_log_likelihood(gp, work, inverse, gradient);
  free(work);
  free(inverse);
  return value;
}

static void likelihood_gradient(void **state) {
  (void)state;
  vj_gp gp;
  double gradient[FEATURES + 2], ignored[FEATURES + 2];
  const double h = 1e-5;
  make_process(&gp);
  log_likelihood(&gp, gradient);
  for (int k = 0; k < FEATURES + 2; k++) {
    double *parameter = k < FEATURES ? &gp.weight[k] : k == FEATURES ? &gp.scale : &gp.nugget;
    const double before = *parameter;
    *parameter = before * exp(h);
    const double up = log_likelihood(&gp, ignored);
    *parameter = before * exp(-h);
    const double down = log_likelihood(&gp, ignored);
    *parameter = before;
    assert_near((up - down) / (2 * h), gradient[k], 1e-5);
  }
  vj_gp_free(&gp);
}

static void predictions(void **state) {
  (void)state;
  vj_gp gp;
  const double h = 1e-6;
  double point[FEATURES] = {0.4, 0.3, 0.8}, mean, variance, by_mean[FEATURES], by_variance[FEATURES];
  make_process(&gp);
  vj_gp_factor(&gp);
  vj_gp_predict(&gp, point, &mean, &variance, by_mean, by_variance);
  assert_true(fabs(mean - bowl(point)) < 0.1 && variance > 0 && variance < 0.1);
  double *work = NULL, one_mean, one_variance;
  assert_ok(vj_allocate((size_t)gp.size, sizeof *work, "a test", &work));
  vj_gp_predict_many(&gp, 1, point, work, &one_mean, &one_variance);
  assert_near(one_mean, mean, 0);
  assert_near(one_variance, variance, 1e-13);
  for (int f = 0; f < FEATURES; f++) {
    double up[2], down[2];
    point[f] += h;
    vj_gp_predict(&gp, point, &up[0], &up[1], NULL, NULL);
    point[f] -= 2 * h;
    vj_gp_predict(&gp, point, &down[0], &down[1], NULL, NULL);
    point[f] += h;
    assert_near((up[0] - down[0]) / (2 * h), by_mean[f], 1e-6);
    assert_near((up[1] - down[1]) / (2 * h), by_variance[f], 1e-5);
  }
  free(work);
  vj_gp_free(&gp);
}

/* The fit finds that one dimension matters and one does not, and that there is little noise. */
static void fit_finds_what_matters(void **state) {
  (void)state;
  static const int64_t owner[FEATURES] = {0, 1, 2};
  vj_gp gp;
  double mean = 0, squares = 0;
  make_process(&gp);
  for (int i = 0; i < POINTS; i++) {
    gp.noise[i] = 0;
    gp.y[i] = sin(7 * gp.z[gp.size + i]);
    mean += gp.y[i] / POINTS;
  }
  for (int i = 0; i < POINTS; i++) squares += (gp.y[i] - mean) * (gp.y[i] - mean) / POINTS;
  for (int i = 0; i < POINTS; i++) gp.y[i] = (gp.y[i] - mean) / sqrt(squares);
  assert_ok(vj_gp_fit(&gp, POINTS, owner, FEATURES, 40));
  assert_true(gp.weight[1] > 20 * gp.weight[0] && gp.weight[1] > 20 * gp.weight[2]);
  assert_true(gp.nugget < 1e-3);
  vj_gp_free(&gp);
}

/* --- maxima --------------------------------------------------------------------------------------------------------
 */

static double rosenbrock(void *context, const double *x, double *gradient) {
  const double a = 1 - x[0], b = x[1] - x[0] * x[0];
  (*(int *)context)++;
  gradient[0] = -2 * a - 400 * x[0] * b;
  gradient[1] = 200 * b;
  return a * a + 100 * b * b;
}

static void minimum_within_bounds(void **state) {
  (void)state;
  const double low[] = {-2, -2}, high[] = {2, 2}, low_high[] = {0.5, 2};
  double x[] = {-1.2, 1}, value = -1;
  int calls = 0;
  assert_ok(vj_minimise(2, rosenbrock, &calls, low, high, 200, x, &value));
  assert_true(fabs(x[0] - 1) < 1e-3 && value < 1e-6);
  x[0] = -1.2;
  assert_ok(vj_minimise(2, rosenbrock, &calls, low, low_high, 200, x, &value));
  assert_true(x[0] <= 0.5 && fabs(value - 0.25) < 1e-6); /* at (0.5, 0.25) */
  calls = 0;
  x[0] = -1.2;
  assert_ok(vj_minimise(2, rosenbrock, &calls, low, high, 5, x, &value));
  assert_true(calls <= 6);
}

/* No point of a fine grid is better than the one that is found. */
static void acquisition_maximum(void **state) {
  (void)state;
  enum { SEEN = 6, GRID = 4001 };
  static const vj_search_dimension dimension = {.name = "x", .range = {0, 1, false, false}};
  static const vj_search_space space = {1, &dimension, NULL, NULL};
  static const double seen[SEEN] = {0.05, 0.2, 0.45, 0.6, 0.8, 0.95};
  const vj_search search = {.seed = 1, .space = &space, .objective_count = 1};
  const vj_search_task task = {.search = &search, .space = &space, .number = 6};
  double work[4], at = -1, value, best = -INFINITY;
  vj_acquisition a = {.task = &task, .features = 1, .best = INFINITY, .work = work};
  assert_ok(vj_gp_create(SEEN, 1, &a.objective));
  for (int i = 0; i < SEEN; i++) {
    a.objective.z[i] = seen[i];
    a.objective.y[i] = sin(9 * seen[i]);
    a.best = fmin(a.best, a.objective.y[i]);
  }
  a.objective.weight[0] = 30;
  a.objective.nugget = 1e-8;
  vj_gp_factor(&a.objective);
  assert_ok(vj_acquisition_maximise(&a, 64, 4, NULL, 0, &at, &value));
  for (int i = 0; i < GRID; i++) {
    const double x = (double)i / GRID;
    best = fmax(best, vj_acquisition_at(&a, &x, NULL));
  }
  assert_true(value >= best - 1e-9);
  vj_gp_free(&a.objective);
}

/* --- several objectives ----------------------------------------------------------------------------------------------
 */

static void pareto_ranks(void **state) {
  (void)state;
  static const double values[] = {1, 4, 2, 2, 4, 1, 2, 3, 4, 4, 2, 2};
  static const int64_t expected[] = {0, 0, 0, 1, 2, 0};
  int64_t rank[6];
  assert_ok(vj_pareto_ranks(6, 2, values, rank));
  assert_memory_equal(rank, expected, sizeof rank);
}

/* By hand in two objectives, by counting points of a grid in three. */
static void hypervolume(void **state) {
  (void)state;
  static const double flat[] = {1, 4, 2, 2, 4, 1, 3, 3, 9, 0}, corner[] = {5, 5, 5};
  double volume, contribution[8], sum;
  assert_ok(vj_hypervolume(5, 2, flat, corner, &volume));
  assert_near(volume, 4 * 1 + 3 * 2 + 1 * 1, 1e-15); /* strips of the second objective: 4..5, 2..4, 1..2 */
  assert_ok(vj_hypervolume_contributions(5, 2, flat, corner, contribution));
  assert_near(contribution[1], 3, 1e-15); /* (3, 3) has one of its four squares, too */
  assert_true(contribution[3] == 0 && contribution[4] == 0);
  enum { POINTS_3 = 8, SIDE = 5 };
  double solid[POINTS_3 * 3];
  vj_rng rng = vj_rng_stream(9, VJ_RNG_TEST, 0, 0);
  for (int i = 0; i < POINTS_3 * 3; i++) solid[i] = (double)vj_rng_integer(&rng, 0, SIDE - 1);
  sum = 0;
  for (int cell = 0; cell < SIDE * SIDE * SIDE; cell++) {
    const int x[] = {cell / (SIDE * SIDE), cell / SIDE % SIDE, cell % SIDE};
    bool is_dominated = false;
    for (int i = 0; i < POINTS_3; i++)
      is_dominated |= solid[3 * i] <= x[0] && solid[3 * i + 1] <= x[1] && solid[3 * i + 2] <= x[2];
    sum += is_dominated;
  }
  assert_ok(vj_hypervolume(POINTS_3, 3, solid, corner, &volume));
  assert_near(volume, sum, 1e-15);
}

int main(void) {
  const struct CMUnitTest tests[] = {cmocka_unit_test(far_into_the_tail),
                                     cmocka_unit_test(improvement_derivatives),
                                     cmocka_unit_test(solves),
                                     cmocka_unit_test(likelihood_gradient),
                                     cmocka_unit_test(predictions),
                                     cmocka_unit_test(fit_finds_what_matters),
                                     cmocka_unit_test(minimum_within_bounds),
                                     cmocka_unit_test(acquisition_maximum),
                                     cmocka_unit_test(pareto_ranks),
                                     cmocka_unit_test(hypervolume)};
  return cmocka_run_group_tests_name("search_model", tests, NULL, NULL);
}
