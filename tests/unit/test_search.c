/* Suggestions of a search: the same bits whenever and wherever they are asked for, points of the space and no other,
 * none twice, and something sensible where there is little to go by. */
#include "sweeps/search/search.h"

#include <math.h>
#include <omp.h>
#include <stdlib.h>
#include <string.h>

#include "tests/support/testing.h"
#include "vj/rng.h"

enum { MOST = 64, WIDEST = 8 };

/* --- a conditional space of every kind of dimension ----------------------------------------------------------------
 */

static const vj_search_dimension mixed_dimensions[] = {
    {.name = "kind", .choices = 3},
    {.name = "lr", .range = {1e-5, 1, true, false}},
    {.name = "width", .range = {8, 512, true, true}},
    {.name = "depth", .range = {-2, 6, false, true}},
    {.name = "momentum", .range = {-1, 1, false, false}},  /* of kind 1 */
    {.name = "decay", .choices = 2},                       /* of kind 2 */
    {.name = "strength", .range = {1e-3, 10, true, false}} /* of decay 1 */
};

static bool mixed_exists(const void *context, const double *at, const bool *present, int64_t d) {
  (void)context;
  if (d < 4) return true;
  if (d == 4) return at[0] > 1.0 / 3 && at[0] < 2.0 / 3;
  if (d == 5) return at[0] > 2.0 / 3;
  return present[5] && at[5] > 0.5;
}

static const vj_search_space mixed = {VJ_COUNT(mixed_dimensions), mixed_dimensions, mixed_exists, NULL};

/* A search with its results. */
typedef struct run {
  vj_pool *pool;
  vj_search search;
  vj_search_observation past[MOST];
  double mean[MOST], error[MOST];
  int64_t count;
} run;

static void begin(run *r, const char *method, const vj_search_space *space) {
  *r = (run){0};
  assert_ok(vj_pool_create(&r->pool));
  r->search = (vj_search){.method = vj_search_method_find(method), .seed = 7, .space = space, .objective_count = 1};
  assert_non_null(r->search.method);
}

static double smooth(const vj_search_point *p, int64_t dimensions) {
  double sum = 0;
  for (int64_t d = 0; d < dimensions; d++) sum += p->present[d] ? (p->at[d] - 0.3) * (p->at[d] - 0.3) : 0.1;
  return sum;
}

static vj_search_suggestion ask(run *r) {
  vj_search_suggestion s;
  assert_ok(vj_search_suggest(r->pool, &r->search, r->past, r->count, r->count, &s));
  assert_non_null(s.why);
  return s;
}

/* Of each four suggestions one has failed, and the last two are pending. */
static void grow(run *r, int64_t count) {
  while (r->count < count) {
    const int64_t i = r->count;
    const vj_search_suggestion s = ask(r);
    r->mean[i] = smooth(&s.point, r->search.space->count);
    r->past[i] = (vj_search_observation){.point = s.point, .seeds = 1, .mean = &r->mean[i]};
    r->count++;
    for (int64_t k = 0; k < r->count; k++)
      r->past[k].state = k % 4 == 3 ? VJ_SEARCH_FAILED : k + 2 >= r->count ? VJ_SEARCH_PENDING : VJ_SEARCH_MEASURED;
  }
}

static void assert_same(const vj_search_suggestion *a, const vj_search_suggestion *b, int64_t dimensions) {
  assert_memory_equal(a->point.at, b->point.at, (size_t)dimensions * sizeof(double));
  assert_memory_equal(a->point.present, b->point.present, (size_t)dimensions * sizeof(bool));
  assert_memory_equal(&a->value, &b->value, sizeof a->value);
  assert_string_equal(a->why, b->why);
}

static void same_bits(void **state) {
  (void)state;
  for (int64_t m = 0; vj_search_method_at(m); m++) {
    run r;
    vj_search_suggestion first[24], again;
    begin(&r, vj_search_method_name(vj_search_method_at(m)), &mixed);
    grow(&r, 24);
    for (int64_t s = 0; s < 24; s++) assert_ok(vj_search_suggest(r.pool, &r.search, r.past, s, s, &first[s]));
    for (int64_t s = 23; s >= 0; s--) { /* in another order */
      assert_ok(vj_search_suggest(r.pool, &r.search, r.past, s, s, &again));
      assert_same(&first[s], &again, mixed.count);
    }
    vj_pool_destroy(&r.pool);
  }
}

static void same_bits_in_threads(void **state) {
  (void)state;
  for (int64_t m = 0; vj_search_method_at(m); m++) {
    run r;
    begin(&r, vj_search_method_name(vj_search_method_at(m)), &mixed);
    grow(&r, 20);
    const vj_search_suggestion alone = ask(&r);
    vj_search_suggestion found[2];
    vj_pool *pools[2] = {NULL, NULL};
    vj_status status[2];
    for (int i = 0; i < 2; i++) assert_ok(vj_pool_create(&pools[i]));
#pragma omp parallel for num_threads(2)
    for (int i = 0; i < 2; i++) status[i] = vj_search_suggest(pools[i], &r.search, r.past, r.count, r.count, &found[i]);
    for (int i = 0; i < 2; i++) {
      assert_ok(status[i]);
      assert_same(&alone, &found[i], mixed.count);
      vj_pool_destroy(&pools[i]);
    }
    vj_pool_destroy(&r.pool);
  }
}

/* What failed or is pending has a mean here, which must not be looked at. */
static void only_results_count(void **state) {
  (void)state;
  for (int64_t m = 0; vj_search_method_at(m); m++) {
    run r;
    begin(&r, vj_search_method_name(vj_search_method_at(m)), &mixed);
    grow(&r, 24);
    const vj_search_suggestion before = ask(&r);
    for (int64_t i = 0; i < r.count; i++)
      if (r.past[i].state != VJ_SEARCH_MEASURED) r.mean[i] = -1e9 * (double)i;
    const vj_search_suggestion after = ask(&r);
    assert_same(&before, &after, mixed.count);
    vj_pool_destroy(&r.pool);
  }
}

/* --- points --------------------------------------------------------------------------------------------------------
 */

static void assert_in_space(const vj_search_space *space, const vj_search_point *p) {
  for (int64_t d = 0; d < space->count; d++) {
    char text[VJ_REAL_BYTES];
    double place = -1;
    const bool exists = !space->exists || space->exists(space->context, p->at, p->present, d);
    assert_int_equal(p->present[d], exists);
    if (!exists) continue;
    const vj_search_dimension *dimension = &space->dimensions[d];
    const double number = strtod(vj_search_text(dimension, p->at[d], text), NULL);
    const double low = dimension->choices ? 0 : dimension->range.low;
    const double high = dimension->choices ? (double)dimension->choices - 1 : dimension->range.high;
    assert_true(number >= low && number <= high);
    assert_true(vj_search_place(dimension, text, &place));
    assert_true(place == p->at[d]);
  }
}

static void within_the_space(void **state) {
  (void)state;
  for (int64_t m = 0; vj_search_method_at(m); m++) {
    run r;
    bool has_kind[3] = {false, false, false};
    begin(&r, vj_search_method_name(vj_search_method_at(m)), &mixed);
    grow(&r, 32);
    for (int64_t i = 0; i < r.count; i++) {
      assert_in_space(&mixed, &r.past[i].point);
      has_kind[(int)(r.past[i].point.at[0] * 3)] = true;
    }
    assert_true(has_kind[0] && has_kind[1] && has_kind[2]);
    vj_pool_destroy(&r.pool);
  }
}

/* Whatever vj_range_draw writes is found again. */
static void texts_there_and_back(void **state) {
  (void)state;
  static const vj_search_dimension dimensions[] = {
      {.name = "a", .range = {-3, 1e6, false, false}},    {.name = "b", .range = {1e-12, 1e12, true, false}},
      {.name = "c", .range = {1, 1e15, true, true}},      {.name = "d", .range = {-1e15, 1e15, false, true}},
      {.name = "e", .range = {0.1, 0.1001, true, false}}, {.name = "f", .choices = 7},
      {.name = "g", .range = {5, 6, false, true}},        {.name = "h", .range = {1, 1000, true, true}}};
  vj_rng rng = vj_rng_stream(1, VJ_RNG_TEST, 0, 0);
  for (size_t d = 0; d < VJ_COUNT(dimensions); d++)
    for (int i = 0; i < 2000; i++) {
      char text[VJ_REAL_BYTES], back[VJ_REAL_BYTES];
      double at = -1;
      const double u = i == 0 ? 0 : i == 1 ? 0x1.fffffffffffffp-1 : vj_rng_uniform(&rng);
      assert_true(vj_search_place(&dimensions[d], vj_search_text(&dimensions[d], u, text), &at));
      assert_true(at >= 0 && at < 1);
      assert_string_equal(vj_search_text(&dimensions[d], at, back), text);
    }
  double at = -1;
  assert_false(vj_search_place(&dimensions[5], "7", &at));
  assert_false(vj_search_place(&dimensions[0], "2e6", &at));
  assert_false(vj_search_place(&dimensions[0], "adam", &at));
}

static const vj_search_dimension few_dimensions[] = {{.name = "a", .choices = 3}, {.name = "b", .choices = 4}};
static const vj_search_space few = {VJ_COUNT(few_dimensions), few_dimensions, NULL, NULL};

static void nothing_twice(void **state) {
  (void)state;
  for (int64_t m = 0; vj_search_method_at(m); m++) {
    run r;
    bool seen[12] = {false};
    begin(&r, vj_search_method_name(vj_search_method_at(m)), &few);
    for (int64_t i = 0; i < 12; i++) {
      const vj_search_suggestion s = ask(&r);
      const int place = (int)(s.point.at[0] * 3) * 4 + (int)(s.point.at[1] * 4);
      assert_false(s.is_repeat);
      assert_false(seen[place]);
      seen[place] = true;
      grow(&r, i + 1);
    }
    const vj_search_suggestion s = ask(&r);
    assert_true(s.is_repeat); /* there is no other */
    vj_pool_destroy(&r.pool);
  }
}

/* --- little to go by ------------------------------------------------------------------------------------------------
 */

static void fill(run *r, double mean, vj_search_state state) {
  for (int64_t i = 0; i < r->count; i++) {
    r->mean[i] = mean;
    r->past[i].state = state;
  }
}

static void nothing_to_go_by(void **state) {
  (void)state;
  for (int64_t m = 0; vj_search_method_at(m); m++) {
    run r;
    begin(&r, vj_search_method_name(vj_search_method_at(m)), &mixed);
    grow(&r, 16);
    static const struct {
      double mean;
      vj_search_state state;
    } cases[] = {{1, VJ_SEARCH_MEASURED},      {NAN, VJ_SEARCH_MEASURED},   {0, VJ_SEARCH_FAILED},
                 {0, VJ_SEARCH_PENDING},       {1e300, VJ_SEARCH_MEASURED}, {INFINITY, VJ_SEARCH_MEASURED},
                 {-1e-300, VJ_SEARCH_MEASURED}};
    for (size_t i = 0; i < VJ_COUNT(cases); i++) {
      fill(&r, cases[i].mean, cases[i].state);
      const vj_search_suggestion s = ask(&r);
      assert_in_space(&mixed, &s.point);
      assert_false(s.is_repeat);
    }
    vj_pool_destroy(&r.pool);
  }
}

static void one_point(void **state) {
  (void)state;
  static const vj_search_dimension one[] = {{.name = "only", .choices = 1}};
  static const vj_search_space space = {1, one, NULL, NULL};
  for (int64_t m = 0; vj_search_method_at(m); m++) {
    run r;
    begin(&r, vj_search_method_name(vj_search_method_at(m)), &space);
    for (int64_t i = 0; i < 16; i++) {
      const vj_search_suggestion s = ask(&r);
      assert_int_equal(s.is_repeat, i > 0);
      grow(&r, i + 1);
    }
    vj_pool_destroy(&r.pool);
  }
}

static void many_dimensions(void **state) {
  (void)state;
  vj_search_dimension dimensions[41];
  for (int d = 0; d < 41; d++) dimensions[d] = (vj_search_dimension){.name = "x", .range = {0, 1, false, false}};
  const vj_search_space space = {41, dimensions, NULL, NULL};
  for (int64_t m = 0; vj_search_method_at(m); m++) {
    run r;
    begin(&r, vj_search_method_name(vj_search_method_at(m)), &space);
    grow(&r, 1);
    assert_string_equal(ask(&r).model, "random"); /* Sobol's sequence has 40 */
    grow(&r, 14);
    const vj_search_suggestion s = ask(&r);
    assert_in_space(&space, &s.point);
    vj_pool_destroy(&r.pool);
  }
}

static void sentences(void **state) {
  (void)state;
  run r;
  vj_search_suggestion s;
  begin(&r, "gp", &few);
  grow(&r, 3);
  r.search.objective_count = 2;
  assert_error(vj_search_suggest(r.pool, &r.search, r.past, 0, 0, &s), VJ_CONFIG,
               "search: gp has one objective, not 2; take tpe or sobol");
  r.search.objective_count = 1;
  assert_error(vj_search_suggest(r.pool, &r.search, r.past, 0, -1, &s), VJ_CONFIG,
               "search: suggestions are counted from 0 on");
  r.past[0].state = VJ_SEARCH_MEASURED;
  r.past[0].mean = NULL;
  assert_error(vj_search_suggest(r.pool, &r.search, r.past, 1, 1, &s), VJ_CONFIG,
               "search: trial 0 is measured, but has no mean over seeds");
  const vj_search_space none = {0};
  r.search.space = &none;
  assert_error(vj_search_suggest(r.pool, &r.search, r.past, 0, 0, &s), VJ_CONFIG,
               "search: there is nothing to search; no parameter is sampled");
  const vj_search_dimension backwards = {.name = "lr", .range = {1, 0.1, false, false}};
  const vj_search_space wrong = {1, &backwards, NULL, NULL};
  r.search.space = &wrong;
  assert_error(vj_search_suggest(r.pool, &r.search, r.past, 0, 0, &s), VJ_CONFIG,
               "search: lr ranges from 1 to 0.1; expected the lower end and then a higher one");
  vj_pool_destroy(&r.pool);
}

/* --- models learn ----------------------------------------------------------------------------------------------------
 */

/* Both come nearer to the minimum than Sobol's sequence, of as many points, and maximising is minimising the negative.
 */
static void models_learn(void **state) {
  (void)state;
  static const vj_search_dimension dimensions[] = {{.name = "x", .range = {0, 1, false, false}},
                                                   {.name = "y", .range = {0, 1, false, false}},
                                                   {.name = "z", .choices = 4}};
  static const vj_search_space space = {VJ_COUNT(dimensions), dimensions, NULL, NULL};
  static const char *const names[] = {"sobol", "tpe", "gp"};
  double best[3], maximised = INFINITY;
  for (int m = 0; m < 3; m++) {
    run r;
    begin(&r, names[m], &space);
    grow(&r, 40);
    best[m] = INFINITY;
    for (int64_t i = 0; i < r.count; i++) best[m] = fmin(best[m], smooth(&r.past[i].point, space.count));
    const vj_search_suggestion s = ask(&r);
    const bool is_maximised = true;
    for (int64_t i = 0; i < r.count; i++) r.mean[i] = -r.mean[i];
    r.search.maximised = &is_maximised;
    const vj_search_suggestion other = ask(&r);
    assert_memory_equal(s.point.at, other.point.at, (size_t)space.count * sizeof(double));
    if (m == 2) maximised = other.mean;
    vj_pool_destroy(&r.pool);
  }
  assert_true(best[1] < best[0]);
  assert_true(best[2] < best[0] && best[2] < 0.01);
  assert_true(maximised < 0);
}

/* Two objectives with minima at 0.2 and 0.8: TPE spends its trials between them, Sobol's sequence everywhere. */
static void two_objectives(void **state) {
  (void)state;
  static const vj_search_dimension dimensions[] = {{.name = "x", .range = {0, 1, false, false}},
                                                   {.name = "y", .range = {0, 1, false, false}}};
  static const vj_search_space space = {VJ_COUNT(dimensions), dimensions, NULL, NULL};
  int64_t near[2] = {0, 0};
  for (int m = 0; m < 2; m++) {
    run r;
    double both[2 * MOST];
    begin(&r, m ? "tpe" : "sobol", &space);
    r.search.objective_count = 2;
    for (int64_t i = 0; i < 50; i++) {
      const vj_search_suggestion s = ask(&r);
      const double x = s.point.at[0], y = s.point.at[1];
      both[2 * i] = (x - 0.2) * (x - 0.2) + (y - 0.5) * (y - 0.5);
      both[2 * i + 1] = (x - 0.8) * (x - 0.8) + (y - 0.5) * (y - 0.5);
      r.past[i] =
          (vj_search_observation){.point = s.point, .state = VJ_SEARCH_MEASURED, .seeds = 1, .mean = both + 2 * i};
      near[m] += i >= 20 && fabs(y - 0.5) < 0.15 && x > 0.1 && x < 0.9;
      r.count++;
    }
    vj_pool_destroy(&r.pool);
  }
  assert_true(near[1] > near[0] + 5);
}

/* Where all failed, or a constraint is missed, it goes no further than to the edge. */
static void infeasible_regions_are_avoided(void **state) {
  (void)state;
  static const vj_search_dimension dimensions[] = {{.name = "x", .range = {0, 1, false, false}},
                                                   {.name = "y", .range = {0, 1, false, false}}};
  static const vj_search_space space = {VJ_COUNT(dimensions), dimensions, NULL, NULL};
  for (int has_constraint = 0; has_constraint < 2; has_constraint++) {
    run r;
    double constraint[MOST];
    int64_t wrong = 0;
    double best = INFINITY;
    begin(&r, "gp", &space);
    r.search.constraint_count = has_constraint;
    for (int64_t i = 0; i < 40; i++) {
      const vj_search_suggestion s = ask(&r);
      constraint[i] = 0.5 - s.point.at[0]; /* the minimum, at 0.3, is on the wrong side */
      r.mean[i] = smooth(&s.point, space.count);
      r.past[i] = (vj_search_observation){.point = s.point, .seeds = 1, .mean = &r.mean[i]};
      if (has_constraint) r.past[i].constraint = &constraint[i];
      r.past[i].state = has_constraint || constraint[i] <= 0 ? VJ_SEARCH_MEASURED : VJ_SEARCH_FAILED;
      wrong += i >= 20 && constraint[i] > 0.1;
      if (constraint[i] <= 0) best = fmin(best, r.mean[i]);
      r.count++;
    }
    assert_int_equal(wrong, 0);
    assert_true(best < 0.05); /* at the edge it is 0.04 */
    vj_pool_destroy(&r.pool);
  }
}

int main(void) {
  const struct CMUnitTest tests[] = {cmocka_unit_test(same_bits),
                                     cmocka_unit_test(same_bits_in_threads),
                                     cmocka_unit_test(only_results_count),
                                     cmocka_unit_test(within_the_space),
                                     cmocka_unit_test(texts_there_and_back),
                                     cmocka_unit_test(nothing_twice),
                                     cmocka_unit_test(nothing_to_go_by),
                                     cmocka_unit_test(one_point),
                                     cmocka_unit_test(many_dimensions),
                                     cmocka_unit_test(sentences),
                                     cmocka_unit_test(models_learn),
                                     cmocka_unit_test(two_objectives),
                                     cmocka_unit_test(infeasible_regions_are_avoided)};
  return cmocka_run_group_tests_name("search", tests, NULL, NULL);
}
