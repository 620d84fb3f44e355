/* What a report computes: moments, tests, and what mattered. Numbers from SciPy 1.10 (ttest_rel, ttest_ind with
 * equal_var=False) and from hand. */
#include <math.h>
#include <stdlib.h>

#include "analysis/statistics/difference.h"
#include "analysis/statistics/effect.h"
#include "analysis/statistics/importance.h"
#include "tests/support/testing.h"
#include "vj/rng.h"

static const double a[] = {0.50, 0.61, 0.47, 0.55, NAN}, b[] = {0.42, 0.60, 0.41, 0.44, 0.9};

static void near(double got, double expected, double within) {
  if (!(fabs(got - expected) <= within)) fail_msg("got %.12g, expected %.12g", got, expected);
}

static void moments_pass_over_what_is_not_measured(void **state) {
  (void)state;
  const vj_summary m = vj_summary_of(a, 5), one = vj_summary_of(a, 1), none = vj_summary_of(a + 4, 1);
  assert_int_equal(m.count, 4);
  near(m.mean, 0.5325, 1e-12);
  near(m.deviation, 0.061305247192498420, 1e-12);
  assert_true(one.count == 1 && one.mean == 0.5 && isnan(one.deviation));
  assert_true(none.count == 0 && isnan(none.mean));
}

static vj_mean_difference paired(const double *one, const double *other, int64_t count) {
  vj_summary differences = VJ_SUMMARY_NONE;
  for (int64_t i = 0; i < count; i++) vj_summary_add(&differences, one[i] - other[i]);
  return vj_paired_difference(&differences);
}

static vj_mean_difference welch(int64_t a_count, int64_t b_count) {
  const vj_summary x = vj_summary_of(a, a_count), y = vj_summary_of(b, b_count);
  return vj_welch_difference(&x, &y);
}

static void a_paired_test_is_that_of_scipy(void **state) {
  (void)state;
  const vj_mean_difference d = paired(a, b, 5);
  assert_true(d.paired && d.count == 4);
  near(d.mean, 0.065, 1e-12);
  near(d.p, 0.0535919356301439, 1e-10);
  near(d.low, -0.00188186835501615, 1e-9);
  near(d.high, 0.131881868355016, 1e-9);
}

static void welchs_test_is_that_of_scipy(void **state) {
  (void)state;
  const vj_mean_difference d = welch(5, 4);
  assert_false(d.paired);
  near(d.p, 0.280508303603845, 1e-10);
  near(d.low, -0.0716676240313596, 1e-9);
  near(d.high, 0.20166762403136, 1e-9);
  assert_true(isnan(welch(1, 4).p));
}

static void differences_without_spread_are_certain_or_none(void **state) {
  (void)state;
  const double same[] = {1, 2, 3}, more[] = {1.5, 2.5, 3.5};
  assert_true(paired(same, same, 3).p == 1);
  assert_true(paired(more, same, 3).p == 0);
}

/* Intervals and p-values against SciPy are in tests/science/test_question.py. */
static void effects_are_as_certain_as_their_numbers(void **state) {
  (void)state;
  const double half[] = {0.5, 1, 1.5, 2}, whole[] = {1, 2, 3, 4}, still[] = {2, 2, 2}, around[] = {-1, 2, 1, 0};
  const vj_two_means exact = vj_two_means_of(half, whole, 4), alone = vj_two_means_of(still, NULL, 3),
                     one = vj_two_means_of(half, whole, 1), none = vj_two_means_of(half, whole, 0),
                     nothing = vj_two_means_of(half, around, 4);
  const vj_effect ratio = vj_ratio_effect(&exact, 0.4), value = vj_difference_effect(&alone, 2);
  near(ratio.size, 0.5, 1e-15);
  near(ratio.low, 0.5, 1e-7);
  near(ratio.high, 0.5, 1e-7);
  assert_true(value.size == 2 && value.low == 2 && value.high == 2 && value.p == 1);
  assert_true(vj_difference_effect(&alone, 1).p == 0);
  const vj_effect single = vj_ratio_effect(&one, 1), missing = vj_ratio_effect(&none, 1);
  assert_true(single.size == 0.5 && isnan(single.low) && isnan(single.p));
  assert_true(isnan(missing.size) && isnan(missing.high));
  const vj_effect open = vj_ratio_effect(&nothing, 1);
  assert_true(isinf(open.low) && isinf(open.high) && isnan(open.p));
}

static void what_holds_for_both_is_the_wider(void **state) {
  (void)state;
  const vj_effect one = {.size = 1, .low = 0.5, .high = 1.2, .p = 0.01}, other = {1.1, 0.7, 1.5, 0.04};
  const vj_effect both = vj_effect_of_both(&one, &other);
  assert_true(both.size == 1 && both.low == 0.5 && both.high == 1.5 && both.p == 0.04);
}

static void holm_keeps_order_and_passes_over_nan(void **state) {
  (void)state;
  double p[] = {0.04, NAN, 0.01, 0.03, 0.005};
  vj_holm(p, 5);
  near(p[4], 0.02, 1e-15);
  near(p[2], 0.03, 1e-15);
  near(p[3], 0.06, 1e-15);
  near(p[0], 0.06, 1e-15);
  assert_true(isnan(p[1]));
  double small[] = {1e-20, 0, 0.5};
  vj_holm(small, 3);
  assert_true(small[0] == 2e-20 && small[1] == 0 && small[2] == 0.5);
}

/* y = x0 + 2 x1 + 3 x0 x1 with x in {-1, 1}: variances 1, 4 and 9. */
static void a_full_grid_is_split_exactly(void **state) {
  (void)state;
  enum { COUNT = 8 };
  int first[COUNT], second[COUNT];
  double y[COUNT];
  for (int i = 0; i < COUNT; i++) {
    first[i] = i / 2 % 2;
    second[i] = i % 2;
    const double u = 2 * first[i] - 1, v = 2 * second[i] - 1;
    y[i] = u + 2 * v + 3 * u * v + (i < 4 ? 0.5 : -0.5); /* two seeds */
  }
  const vj_design_factor factors[] = {{2, true, first}, {2, false, second}};
  const vj_design design = {2, factors, COUNT, y};
  vj_importance found;
  assert_ok(vj_importance_find(&design, &found));
  assert_true(found.is_exact);
  near(found.main[0].share, 1.0 / 14, 1e-12);
  near(found.main[1].share, 4.0 / 14, 1e-12);
  near(found.pair[0][1].share, 9.0 / 14, 1e-12);
  near(found.rest.share, 0, 1e-12);
  near(found.within, 0.25 / 14.25, 1e-12);
  assert_true(found.main[0].deviation > 0 && found.main[0].deviation < 0.2);
}

/* The same by trees, of samples at random: x0 uniform, x1 one of three kinds, x2 does nothing. */
static void trees_find_what_matters_among_samples(void **state) {
  (void)state;
  enum { COUNT = 400, LEVELS = 16 };
  static int level[3][COUNT];
  static double y[COUNT];
  static const double kind[] = {0, 3, -3};
  vj_rng rng = vj_rng_stream(1, VJ_RNG_TEST, 0, 0);
  for (int i = 0; i < COUNT; i++) {
    level[0][i] = (int)vj_rng_integer(&rng, 0, LEVELS - 1);
    level[1][i] = (int)vj_rng_integer(&rng, 0, 2);
    level[2][i] = (int)vj_rng_integer(&rng, 0, LEVELS - 1);
    y[i] = level[0][i] / 4.0 + kind[level[1][i]] + 0.1 * vj_rng_normal(&rng);
  }
  const double from_x0 = (LEVELS * LEVELS - 1) / 12.0 / 16, from_x1 = 6; /* variances */
  const vj_design_factor factors[] = {{LEVELS, true, level[0]}, {3, false, level[1]}, {LEVELS, true, level[2]}};
  const vj_design design = {3, factors, COUNT, y};
  vj_importance found;
  assert_ok(vj_importance_find(&design, &found));
  assert_false(found.is_exact);
  near(found.main[0].share, from_x0 / (from_x0 + from_x1), 0.03);
  near(found.main[1].share, from_x1 / (from_x0 + from_x1), 0.03);
  assert_true(found.main[2].share < 0.01 && found.pair[0][1].share < 0.02);
  double all = found.rest.share;
  for (int i = 0; i < 3; i++) {
    all += found.main[i].share;
    for (int k = i + 1; k < 3; k++) all += found.pair[i][k].share;
  }
  near(all, 1, 1e-9);
  assert_true(found.main[0].deviation > 0);
}

static void a_response_that_does_not_vary_has_no_shares(void **state) {
  (void)state;
  const int first[] = {0, 0, 1, 1}, second[] = {0, 1, 0, 1};
  const double y[] = {2, 2, 2, 2};
  const vj_design_factor factors[] = {{2, true, first}, {2, true, second}};
  const vj_design design = {2, factors, 4, y};
  vj_importance found;
  assert_ok(vj_importance_find(&design, &found));
  assert_true(isnan(found.main[0].share) && isnan(found.within));
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(moments_pass_over_what_is_not_measured),
      cmocka_unit_test(a_paired_test_is_that_of_scipy),
      cmocka_unit_test(welchs_test_is_that_of_scipy),
      cmocka_unit_test(differences_without_spread_are_certain_or_none),
      cmocka_unit_test(effects_are_as_certain_as_their_numbers),
      cmocka_unit_test(what_holds_for_both_is_the_wider),
      cmocka_unit_test(holm_keeps_order_and_passes_over_nan),
      cmocka_unit_test(a_full_grid_is_split_exactly),
      cmocka_unit_test(trees_find_what_matters_among_samples),
      cmocka_unit_test(a_response_that_does_not_vary_has_no_shares),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
