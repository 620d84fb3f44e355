/* Shapes that do not fit are refused in a sentence that names the place and both shapes.
 * precision: double */
#include "tests/ops/gradients_testing.h"

static void expect_failure(case_builder build, const char *sentence) {
  vj_parameters *parameters = NULL;
  vj_graph *graph = NULL;
  assert_ok(vj_parameters_create(&parameters));
  assert_ok(vj_graph_create(&(vj_graph_options){true, 2, 4, 0, false}, parameters, &graph));
  vj_scope_push(graph, "encoder");
  assert_null(build(graph));
  assert_int_not_equal(vj_graph_status(graph), VJ_OK);
  assert_string_equal(vj_error_message(), sentence);
  vj_graph_destroy(&graph);
  vj_parameters_destroy(&parameters);
}

static vj_var *bad_linear(vj_graph *g) {
  return vj_linear(g, batched(g, "x", VJ_SHAPE(3, 5)), shared(g, "w", VJ_SHAPE(4, 6)), NULL);
}
static vj_var *bad_cross_products(vj_graph *g) {
  return vj_cross_products(g, batched(g, "a", VJ_SHAPE(3, 5)), batched(g, "b", VJ_SHAPE(2, 5)));
}
static vj_var *bad_epps_pulley(vj_graph *g) { return vj_epps_pulley(g, shared(g, "x", VJ_SHAPE(3, 5)), 17, 5); }
static vj_var *bad_normal_distance(vj_graph *g) { return vj_normal_distance(g, shared(g, "x", VJ_SHAPE(3, 5))); }
static vj_var *bad_conv(vj_graph *g) {
  return vj_conv2d(g, batched(g, "x", VJ_SHAPE(2, 2, 3)), shared(g, "w", VJ_SHAPE(4, 5, 5, 3)), NULL,
                   &(vj_conv2d_args){0});
}
static vj_var *bad_add(vj_graph *g) {
  return vj_square(g, vj_add(g, batched(g, "x", VJ_SHAPE(3)), batched(g, "y", VJ_SHAPE(4))));
}
static vj_var *bad_pool(vj_graph *g) { return vj_average_pool(g, batched(g, "x", VJ_SHAPE(8, 8, 3)), 3, 3); }
static vj_var *bad_parameter(vj_graph *g) {
  shared(g, "w", VJ_SHAPE(3));
  return shared(g, "w", VJ_SHAPE(4));
}
static vj_var *bad_view(vj_graph *g) {
  vj_show(g, "hx", batched(g, "x", VJ_SHAPE(3)));
  return vj_view(g, "hz");
}

static void shape_errors_name_place_and_both_shapes(void **state) {
  (void)state;
  expect_failure(bad_linear, "encoder: linear: x [2,3,5] does not fit weight [4,6] [O,I]");
  expect_failure(bad_cross_products, "encoder: cross_products: [2,3,5] and [2,2,5] are not batched with the same rows");
  expect_failure(bad_normal_distance, "encoder: normal_distance: needs a batched [b,..], not [3,5]");
  expect_failure(bad_epps_pulley,
                 "encoder: epps_pulley: needs a batched [b,..], at least 2 knots and t_max > 0, not [3,5], 17 and 5");
  expect_failure(bad_conv, "encoder: conv2d: a kernel of 5 does not fit into [2,2,2,3] with padding 0");
  expect_failure(bad_add, "encoder: add: batched [2,3] does not fit batched [2,4]");
  expect_failure(bad_pool, "encoder: average_pool: [2,8,8,3] does not divide into 3 x 3 equal cells");
  expect_failure(bad_parameter, "encoder: parameter encoder.w is used with shape [3] and with shape [4]");
  expect_failure(bad_view, "encoder: there is no view \"hz\"; there are: hx");
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(shape_errors_name_place_and_both_shapes),
  };
  return cmocka_run_group_tests(tests, start_alone, end_alone);
}
