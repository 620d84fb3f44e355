/* The cost model agrees with sums done by hand: computing, small sums, gathers, and gradients that are exchanged behind
 * what still has to be computed, inside nodes and between them. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "sweeps/schedule/cost_model.h"
#include "tests/support/testing.h"

static const vj_cluster two_on_a_node = {.nodes = 4,
                                         .ranks_per_node = 2,
                                         .gflops = 100,
                                         .memory_gb_s = 10,
                                         .call_us = 1,
                                         .inside = {.latency_us = 2, .bandwidth_gb_s = 4},
                                         .between = {.latency_us = 10, .bandwidth_gb_s = 8, .hidden = 0.5}};

static void near(double found, double expected) {
  if (fabs(found - expected) <= 1e-12 * fmax(1e-3, fabs(expected))) return;
  fail_msg("%.17g instead of %.17g", found, expected);
}

/* A shard: 8 GFLOP in 0.08 s, 4 GB in 0.4 s, 1000 calls in 0.001 s. */
static const vj_work shard = {.flops = 8e9, .bytes = 4e9, .calls = 1000}, alike = {.bytes = 1e9};

static void computing_is_divided_but_for_what_all_ranks_do(void **state) {
  vj_segment_cost segment = {.shard = shard, .alike = alike};
  const vj_graph_cost graph = {.shards = 8, .segment_count = 1, .segments = &segment};
  (void)state;
  for (int ranks = 1; ranks <= 8; ranks *= 2) {
    const vj_step_cost cost = vj_cost_of_run(&two_on_a_node, &graph, ranks);
    near(cost.shards, 8 / ranks * 0.481);
    near(cost.alike, 0.1);
    near(cost.seconds, cost.shards + cost.alike);
    near(cost.bytes, 0);
  }
}

/* 8 kB to each partner; two ranks of a node share its link of 8 GB/s. */
static void a_sum_meets_every_distance(void **state) {
  vj_segment_cost segment = {.sums = 1000};
  const vj_graph_cost graph = {.shards = 8, .segment_count = 1, .segments = &segment};
  const double inside = 2e-6 + 8000 / 4e9, between = 10e-6 + 8000 / 4e9;
  (void)state;
  near(vj_cost_of_run(&two_on_a_node, &graph, 1).seconds, 0);
  near(vj_cost_of_run(&two_on_a_node, &graph, 2).seconds, inside);
  near(vj_cost_of_run(&two_on_a_node, &graph, 4).seconds, inside + between);
  near(vj_cost_of_run(&two_on_a_node, &graph, 8).seconds, inside + 2 * between);
  near(vj_cost_of_run(&two_on_a_node, &graph, 8).bytes, 24000);
  near(vj_cost_of_run(&two_on_a_node, &graph, 8).messages, 3);
}

static void a_long_sum_goes_in_pieces(void **state) {
  vj_segment_cost segment = {.sums = 8193};
  const vj_graph_cost graph = {.shards = 8, .segment_count = 1, .segments = &segment};
  (void)state;
  near(vj_cost_of_run(&two_on_a_node, &graph, 2).seconds, 2 * 2e-6 + 8 * 8193 / 4e9);
  near(vj_cost_of_run(&two_on_a_node, &graph, 2).messages, 2);
}

/* Of 4 MB a rank of four has 1 MB, sends it, then sends the 2 MB it has. */
static void a_gather_grows_with_distance(void **state) {
  vj_segment_cost segment = {.gathers = 1, .gathered = 4e6};
  const vj_graph_cost graph = {.shards = 8, .segment_count = 1, .segments = &segment};
  const vj_step_cost cost = vj_cost_of_run(&two_on_a_node, &graph, 4);
  (void)state;
  near(cost.sums, 2e-6 + 1e6 / 4e9 + 10e-6 + 2e6 / 4e9);
  near(cost.bytes, 3e6);
}

/* A million numbers: 2 MB each way at distance 1, all of it seen; 1 MB each way at distance 2, of which half is hidden
 * if there is something to compute meanwhile. */
static void a_gradient_hides_behind_computation(void **state) {
  const double near_by = 2 * (2e-6 + 2e6 / 4e9), far = 2 * (10e-6 + 1e6 / 4e9);
  vj_segment_cost segments[] = {{.weight = 1000000}, {.alike = alike}};
  const vj_graph_cost alone = {.shards = 8, .segment_count = 1, .segments = segments};
  const vj_graph_cost followed = {.shards = 8, .segment_count = 2, .segments = segments};
  vj_step_cost cost = vj_cost_of_run(&two_on_a_node, &alone, 4);
  (void)state;
  near(cost.weights, near_by + far);
  near(cost.hidden, 0);
  near(cost.bytes, 2 * (2e6 + 1e6));
  near(cost.messages, 4);
  cost = vj_cost_of_run(&two_on_a_node, &followed, 4);
  near(cost.weights, near_by + far / 2);
  near(cost.hidden, far / 2);
  near(cost.seconds, 0.1 + near_by + far / 2);
  segments[1].waits = true; /* it reads the gradient */
  cost = vj_cost_of_run(&two_on_a_node, &followed, 4);
  near(cost.seconds, 0.1 + near_by + far);
}

/* AdamW passes eight times over the parameters, and the group agrees twice. */
static void a_step_is_a_run_an_update_and_agreements(void **state) {
  vj_segment_cost segment = {.shard = shard};
  const vj_graph_cost graph = {.shards = 8, .segment_count = 1, .segments = &segment};
  const vj_model_cost model = {.train = &graph, .evaluate = &graph, .parameters = 1e6};
  const double update = 8.0 * sizeof(vj_real) * 1e6 / 10e9 + 2e-6;
  (void)state;
  near(vj_cost_of_step(&two_on_a_node, &model, 1).seconds, 8 * 0.481 + update);
  near(vj_cost_of_step(&two_on_a_node, &model, 2).seconds, 4 * 0.481 + update + 2 * 2e-6);
}

static vj_status read_cluster(vj_pool *pool, const char *text, vj_cluster **cluster) {
  char path[] = "/tmp/vjvcr-cluster-XXXXXX";
  const int file = mkstemp(path);
  assert_true(file >= 0);
  assert_int_equal(write(file, text, strlen(text)), (ssize_t)strlen(text));
  close(file);
  const vj_status status = vj_cluster_read(pool, path, cluster);
  unlink(path);
  return status;
}

static void a_cluster_file_is_read_and_checked(void **state) {
  vj_pool *pool = NULL;
  vj_cluster *cluster = NULL;
  (void)state;
  assert_ok(vj_pool_create(&pool));
  assert_ok(read_cluster(pool,
                         "{name: big, nodes: 3, ranks_per_node: 64, memory_gib: 256, gflops: 50, "
                         "between: {latency_us: 4}}",
                         &cluster));
  assert_string_equal(cluster->name, "big");
  assert_int_equal(cluster->nodes * cluster->ranks_per_node, 192);
  near(cluster->gflops, 50);
  near(cluster->between.latency_us, 4);
  assert_true(cluster->between.bandwidth_gb_s > 0 && cluster->inside.bandwidth_gb_s > 0);
  assert_int_equal(read_cluster(pool, "ranks_per_node: 64\nmemory_gib: 1\ninside: {latency: 4}\n", &cluster),
                   VJ_CONFIG);
  assert_non_null(strstr(vj_error_message(), ":3:10: inside: unknown key \"latency\"; known keys are latency_us, "));
  assert_int_equal(read_cluster(pool, "ranks_per_node: 64\n", &cluster), VJ_CONFIG);
  assert_non_null(strstr(vj_error_message(), "missing key \"memory_gib\" (memory of one node)"));
  vj_pool_destroy(&pool);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(computing_is_divided_but_for_what_all_ranks_do),
      cmocka_unit_test(a_sum_meets_every_distance),
      cmocka_unit_test(a_long_sum_goes_in_pieces),
      cmocka_unit_test(a_gather_grows_with_distance),
      cmocka_unit_test(a_gradient_hides_behind_computation),
      cmocka_unit_test(a_step_is_a_run_an_update_and_agreements),
      cmocka_unit_test(a_cluster_file_is_read_and_checked),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
