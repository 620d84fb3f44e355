/* Points of the unit cube are those of the published sequences, spread evenly, and stay when more are drawn. */
#include <math.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "sweeps/space/sampler.h"
#include "tests/support/testing.h"

static const vj_method methods[] = {VJ_METHOD_RANDOM, VJ_METHOD_SOBOL, VJ_METHOD_HALTON, VJ_METHOD_LATIN_HYPERCUBE};
enum { METHODS = sizeof methods / sizeof methods[0] };

/* The caller frees. */
static double *draw(vj_method method, uint64_t seed, int64_t count, int64_t dimensions) {
  double *points = calloc((size_t)(count * dimensions), sizeof *points);
  assert_non_null(points);
  assert_ok(vj_sampler_draw(method, seed, count, dimensions, points));
  return points;
}

/* Dimensions 1 and 2 as in scipy.stats.qmc.Sobol; 3 by hand with Bratley & Fox's polynomial x^2 + x + 1 and m = 1, 1:
 * direction numbers 1/2, 1/4 and, by the recurrence, 7/8. */
static void sobol_points_are_the_published_ones(void **state) {
  (void)state;
  static const double expected[7][3] = {{.5, .5, .5},       {.75, .25, .75},    {.25, .75, .25},   {.375, .375, .625},
                                        {.875, .875, .125}, {.625, .125, .375}, {.125, .625, .875}};
  double *points = draw(VJ_METHOD_SOBOL, 0, 7, 3);
  for (int i = 0; i < 7; i++)
    for (int d = 0; d < 3; d++) assert_true(points[3 * i + d] == expected[i][d]);
  free(points);
}

/* The digits of i in base b, mirrored at the point. */
static double radical_inverse(int64_t i, int64_t b) {
  double sum = 0, weight = 1;
  for (; i; i /= b) sum += (double)(i % b) * (weight /= (double)b);
  return sum;
}

static void halton_points_are_radical_inverses(void **state) {
  (void)state;
  static const int64_t primes[] = {2, 3, 5, 7, 11, 13, 17, 19};
  double *points = draw(VJ_METHOD_HALTON, 0, 1000, 8);
  for (int64_t i = 0; i < 1000; i++)
    for (int64_t d = 0; d < 8; d++) assert_true(fabs(points[8 * i + d] - radical_inverse(i + 1, primes[d])) < 1e-14);
  free(points);
}

/* With the point at the origin that is left out, 64 points of Sobol's lie one in each 64th, in each dimension. */
static void sobol_points_lie_one_in_each_strip(void **state) {
  (void)state;
  enum { DIMENSIONS = 40, POINTS = 63 };
  double *points = draw(VJ_METHOD_SOBOL, 0, POINTS, DIMENSIONS);
  for (int d = 0; d < DIMENSIONS; d++) {
    bool used[POINTS + 1] = {true};
    for (int i = 0; i < POINTS; i++) {
      const int strip = (int)(points[i * DIMENSIONS + d] * (POINTS + 1));
      assert_false(used[strip]);
      used[strip] = true;
    }
  }
  free(points);
}

static void latin_hypercube_points_lie_one_in_each_strip(void **state) {
  (void)state;
  enum { DIMENSIONS = 5, POINTS = 37 };
  double *points = draw(VJ_METHOD_LATIN_HYPERCUBE, 3, POINTS, DIMENSIONS);
  int equal = 0;
  for (int d = 0; d < DIMENSIONS; d++) {
    bool used[POINTS] = {false};
    for (int i = 0; i < POINTS; i++) {
      const int strip = (int)floor(points[i * DIMENSIONS + d] * POINTS);
      assert_false(used[strip]);
      used[strip] = true;
      equal += d && strip == (int)floor(points[i * DIMENSIONS] * POINTS);
    }
  }
  assert_true(equal < 20); /* dimensions are permuted differently: 4 are expected to agree by chance */
  free(points);
}

/* Kolmogorov's distance from the uniform distribution; 2.53/sqrt(n) is passed with probability 5e-6. */
static double distance_from_uniform(const double *points, int64_t count, int64_t dimensions, int64_t d) {
  enum { STRIPS = 1000 };
  int64_t in[STRIPS] = {0}, below = 0;
  double farthest = 0;
  for (int64_t i = 0; i < count; i++) {
    const double x = points[i * dimensions + d];
    assert_true(x >= 0 && x < 1);
    in[(int)(x * STRIPS)]++;
  }
  for (int s = 0; s < STRIPS; s++) {
    below += in[s];
    farthest = fmax(farthest, fabs((double)below / (double)count - (s + 1.0) / STRIPS));
  }
  return farthest;
}

static void all_methods_are_uniform_in_every_dimension_for_every_seed(void **state) {
  (void)state;
  for (int m = 0; m < METHODS; m++)
    for (uint64_t seed = 0; seed < 3; seed++) {
      double *points = draw(methods[m], seed, 4000, 6);
      for (int64_t d = 0; d < 6; d++)
        assert_true(distance_from_uniform(points, 4000, 6, d) < (methods[m] == VJ_METHOD_RANDOM ? 0.04 : 0.003));
      free(points);
    }
}

/* Mean of (x_a - 1/2)(x_b - 1/2), which is 0 for independent numbers with a standard deviation of 1/(12 sqrt(n)). */
static void dimensions_are_not_correlated(void **state) {
  (void)state;
  for (int m = 0; m < METHODS; m++) {
    double *points = draw(methods[m], 1, 4000, 6);
    for (int a = 0; a < 6; a++)
      for (int b = 0; b < a; b++) {
        double sum = 0;
        for (int i = 0; i < 4000; i++) sum += (points[6 * i + a] - 0.5) * (points[6 * i + b] - 0.5);
        assert_true(fabs(sum / 4000) < 4.0 / (12 * sqrt(4000)));
      }
    free(points);
  }
}

static void the_same_seed_gives_the_same_points_and_another_seed_others(void **state) {
  (void)state;
  for (int m = 0; m < METHODS; m++) {
    double *one = draw(methods[m], 5, 50, 4), *again = draw(methods[m], 5, 50, 4), *other = draw(methods[m], 6, 50, 4);
    assert_memory_equal(one, again, 200 * sizeof *one);
    for (int i = 0; i < 200; i++) assert_true(one[i] != other[i]);
    free(one);
    free(again);
    free(other);
  }
}

static void more_samples_and_more_dimensions_keep_the_first_ones(void **state) {
  (void)state;
  for (int m = 0; m < METHODS; m++) {
    if (methods[m] == VJ_METHOD_LATIN_HYPERCUBE) continue; /* its strips depend on how many there are */
    double *few = draw(methods[m], 2, 10, 3), *many = draw(methods[m], 2, 100, 7);
    for (int i = 0; i < 10; i++) assert_memory_equal(few + 3 * i, many + 7 * i, 3 * sizeof *few);
    free(few);
    free(many);
  }
}

static void methods_say_how_many_dimensions_they_have(void **state) {
  (void)state;
  assert_int_equal(vj_sampler_most_dimensions(VJ_METHOD_SOBOL), 40);
  assert_int_equal(vj_sampler_most_dimensions(VJ_METHOD_HALTON), 1229);
  assert_true(vj_sampler_most_dimensions(VJ_METHOD_RANDOM) > 100000);
  assert_true(vj_sampler_most_dimensions(VJ_METHOD_LATIN_HYPERCUBE) > 100000);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(sobol_points_are_the_published_ones),
      cmocka_unit_test(halton_points_are_radical_inverses),
      cmocka_unit_test(sobol_points_lie_one_in_each_strip),
      cmocka_unit_test(latin_hypercube_points_lie_one_in_each_strip),
      cmocka_unit_test(all_methods_are_uniform_in_every_dimension_for_every_seed),
      cmocka_unit_test(dimensions_are_not_correlated),
      cmocka_unit_test(the_same_seed_gives_the_same_points_and_another_seed_others),
      cmocka_unit_test(more_samples_and_more_dimensions_keep_the_first_ones),
      cmocka_unit_test(methods_say_how_many_dimensions_they_have),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
