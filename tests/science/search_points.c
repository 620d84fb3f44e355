/* For tests in Python.
 *
 *   search_points suggest METHOD COUNT    suggestions 0 .. COUNT-1 of a search, two of them pending, in hexadecimal
 *   search_points posterior               reads n, features, points, y, noise, weights, scale, nugget, m, and m points;
 *                                         writes mean and standard deviation of a Gaussian process there, and its log
 *                                         likelihood
 */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "sweeps/search/gp_model.h"
#include "sweeps/search/search.h"

enum { MOST = 200 };

static void must(vj_status status) {
  if (status == VJ_OK) return;
  fprintf(stderr, "search_points: %s\n", vj_error_message());
  exit(1);
}

static bool exists(const void *context, const double *at, const bool *present, int64_t d) {
  (void)context;
  (void)present;
  return d != 3 || at[0] > 0.5;
}

static int suggest(const char *method, int64_t count) {
  static const vj_search_dimension dimensions[] = {{.name = "kind", .choices = 2},
                                                   {.name = "lr", .range = {1e-5, 1, true, false}},
                                                   {.name = "width", .range = {8, 512, true, true}},
                                                   {.name = "momentum", .range = {-1, 1, false, false}}};
  static const vj_search_space space = {VJ_COUNT(dimensions), dimensions, exists, NULL};
  const vj_search search = {.method = vj_search_method_find(method), .seed = 5, .space = &space, .objective_count = 1};
  static vj_search_observation past[MOST];
  static double mean[MOST];
  vj_pool *pool = NULL;
  if (!search.method || count > MOST) return 2;
  must(vj_pool_create(&pool));
  for (int64_t s = 0; s < count; s++) {
    vj_search_suggestion found;
    for (int64_t i = 0; i < s; i++)
      past[i].state = i % 7 == 6 ? VJ_SEARCH_FAILED : i < s - 2 ? VJ_SEARCH_MEASURED : VJ_SEARCH_PENDING;
    must(vj_search_suggest(pool, &search, past, s, s, &found));
    mean[s] = 0;
    for (int64_t d = 0; d < space.count; d++) {
      const double off = found.point.at[d] - 0.3;
      printf("%a ", found.point.at[d]);
      mean[s] += off * off;
    }
    printf("%a\n", found.value);
    past[s] = (vj_search_observation){.point = found.point, .seeds = 1, .mean = &mean[s]};
  }
  vj_pool_destroy(&pool);
  return 0;
}

static double number(void) {
  double x;
  if (scanf("%lf", &x) != 1) exit(2);
  return x;
}

static int posterior(void) {
  vj_gp gp;
  const int64_t count = (int64_t)number(), features = (int64_t)number();
  must(vj_gp_create(count, features, &gp));
  for (int64_t i = 0; i < count; i++)
    for (int64_t f = 0; f < features; f++) gp.z[f * gp.size + i] = number();
  for (int64_t i = 0; i < count; i++) gp.y[i] = number();
  for (int64_t i = 0; i < count; i++) gp.noise[i] = number();
  for (int64_t f = 0; f < features; f++) gp.weight[f] = number();
  gp.scale = number();
  gp.nugget = number();
  vj_gp_factor(&gp);
  double *point = calloc((size_t)features, sizeof *point), mean, variance;
  double *work = calloc((size_t)(3 * gp.size * gp.size + features + 2), sizeof *work);
  if (!point || !work) return 1;
  for (int64_t left = (int64_t)number(); left > 0; left--) {
    for (int64_t f = 0; f < features; f++) point[f] = number();
    vj_gp_predict(&gp, point, &mean, &variance, NULL, NULL);
    printf("%.17g %.17g\n", mean, sqrt(variance));
  }
  double *inverse = work + gp.size * gp.size;
  printf("%.17g\n", vj_gp_log_likelihood(&gp, work, inverse, inverse + gp.size * gp.size));
  free(point);
  free(work);
  vj_gp_free(&gp);
  return 0;
}

int main(int argc, char **argv) {
  if (argc == 4 && strcmp(argv[1], "suggest") == 0) return suggest(argv[2], atoll(argv[3]));
  if (argc == 2 && strcmp(argv[1], "posterior") == 0) return posterior();
  return 2;
}
