/* What ranks do together: sums in one order, failures that all hear of, and messages of any size.
 *
 * ranks: 1 2 4 */
#include <mpi.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "framework/comm/comm.h"
#include "tests/support/testing.h"

static vj_comm world;

/* A number whose sum over ranks depends on the order of additions. */
static double number_of(int rank, size_t i) {
  static const double sizes[] = {1e16, 1.0, -1e16, 3.14159};
  /* volatile: the product is rounded here, not fused with the addition that the caller does */
  volatile double number = sizes[((size_t)rank + i) % 4] * (1.0 + (double)(i % 7) / 3.0);
  return number;
}

/* ((r0+r1)+(r2+r3)), written down without loops over messages. */
static double tree(int first, int count, size_t i) {
  return count == 1 ? number_of(first, i) : tree(first, count / 2, i) + tree(first + count / 2, count / 2, i);
}

static void sum_is_the_binary_tree_over_ranks(void **state) {
  (void)state;
  enum { COUNT = 20011 }; /* several pieces, the last one short */
  double *values = malloc(COUNT * sizeof *values);
  assert_non_null(values);
  for (size_t i = 0; i < COUNT; i++) values[i] = number_of(world.rank, i);
  assert_ok(vj_comm_sum_double(&world, values, COUNT));
  bool order_matters = world.size < 4;
  for (size_t i = 0; i < COUNT; i++) {
    const double expected = tree(0, world.size, i);
    double in_line = number_of(0, i);
    for (int r = 1; r < world.size; r++) in_line += number_of(r, i);
    order_matters = order_matters || in_line != expected;
    assert_memory_equal(&values[i], &expected, sizeof expected);
  }
  assert_true(order_matters); /* else this test could not tell a tree from a line */
  free(values);
}

static void sum_has_the_same_bits_on_every_rank(void **state) {
  (void)state;
  enum { COUNT = 1000 };
  double values[COUNT];
  for (size_t i = 0; i < COUNT; i++) values[i] = number_of(world.rank, i) / 3.0;
  assert_ok(vj_comm_sum_double(&world, values, COUNT));
  double *all = malloc((size_t)world.size * sizeof values);
  assert_non_null(all);
  assert_ok(vj_comm_gather_all(&world, values, all, sizeof values));
  for (int r = 0; r < world.size; r++) assert_memory_equal(all + r * COUNT, values, sizeof values);
  free(all);
}

static void sum_over_three_ranks_is_refused(void **state) {
  (void)state;
  double value = 1;
  const vj_comm three = {.mpi = world.mpi, .rank = world.rank, .size = 3};
  assert_error(vj_comm_sum_double(&three, &value, 1), VJ_USAGE,
               "a sum over 3 ranks: the number of ranks must be a power of two");
}

static void agreement_of_all_is_success(void **state) {
  (void)state;
  assert_ok(vj_comm_agree(&world, VJ_OK));
}

static void failure_of_one_reaches_every_rank(void **state) {
  (void)state;
  const int culprit = world.size - 1;
  vj_error_clear();
  const vj_status mine = world.rank == culprit ? vj_fail(VJ_DATA, "digits.gz: 12 bytes are missing") : VJ_OK;
  assert_int_equal(vj_comm_agree(&world, mine), VJ_DATA);
  char expected[128];
  snprintf(expected, sizeof expected, "rank %d: digits.gz: 12 bytes are missing", culprit);
  assert_string_equal(vj_error_message(), world.size == 1 ? "digits.gz: 12 bytes are missing" : expected);
  const char *line = NULL;
  if (world.rank == culprit) assert_int_equal(vj_error_trace(&line, 1), 1); /* the place is still known there */
}

static void lowest_of_several_failures_is_told(void **state) {
  (void)state;
  const vj_status mine = world.rank == 0   ? VJ_OK
                         : world.rank == 1 ? vj_fail(VJ_NUMERIC, "the loss became NaN at step 3")
                                           : vj_fail(VJ_IO, "rank %d has another trouble", world.rank);
  assert_error(vj_comm_agree(&world, mine), VJ_NUMERIC, "rank 1: the loss became NaN at step 3");
}

/* A status that comes without a sentence must not go out with the sentence of some older failure. */
static void old_sentence_is_not_told_again(void **state) {
  (void)state;
  assert_int_equal(vj_fail(VJ_DATA, "long forgotten"), VJ_DATA);
  assert_error(vj_comm_agree(&world, world.rank == 0 ? VJ_INTERRUPTED : VJ_OK), VJ_INTERRUPTED,
               "rank 0: stopped early, can be resumed");
}

static void what_all_ranks_met_alike_names_no_rank(void **state) {
  (void)state;
  assert_error(vj_comm_agree(&world, vj_fail(VJ_NUMERIC, "step 3: loss variance is nan")), VJ_NUMERIC,
               "step 3: loss variance is nan");
}

static void gathering_keeps_the_order_of_ranks(void **state) {
  (void)state;
  char mine[24] = "", all[24 * 8];
  snprintf(mine, sizeof mine, "from rank %d", world.rank);
  assert_true(world.size <= 8);
  assert_ok(vj_comm_gather_all(&world, mine, all, sizeof mine));
  for (int r = 0; r < world.size; r++) {
    snprintf(mine, sizeof mine, "from rank %d", r);
    assert_string_equal(all + 24 * r, mine);
  }
}

/* More than one message may carry at a time. */
static void large_messages_arrive_whole(void **state) {
  (void)state;
  const size_t bytes = ((size_t)1 << 24) + 12345;
  unsigned char *mine = malloc(bytes), *all = malloc(bytes * (size_t)world.size);
  assert_true(mine && all);
  for (size_t i = 0; i < bytes; i++) mine[i] = (unsigned char)(i * 31 + i / 251 + (size_t)world.rank);
  assert_ok(vj_comm_gather_all(&world, mine, all, bytes));
  size_t wrong = 0;
  for (int r = 0; r < world.size; r++) {
    const unsigned char *row = all + (size_t)r * bytes;
    for (size_t i = 0; i < bytes; i++) wrong += row[i] != (unsigned char)(i * 31 + i / 251 + (size_t)r);
  }
  assert_int_equal(wrong, 0);
  assert_ok(vj_comm_broadcast(&world, mine, bytes, world.size - 1));
  assert_memory_equal(mine, all + (size_t)(world.size - 1) * bytes, bytes);
  free(mine);
  free(all);
}

static void split_makes_groups_in_the_order_of_ranks(void **state) {
  (void)state;
  vj_comm group;
  const int groups = world.size > 1 ? 2 : 1, size = world.size / groups;
  assert_ok(vj_comm_split(&world, world.rank / size, &group));
  assert_int_equal(group.size, size);
  assert_int_equal(group.rank, world.rank % size);
  double one = 1;
  assert_ok(vj_comm_sum_double(&group, &one, 1));
  assert_true(one == (double)size);
  vj_comm_destroy(&group);
  assert_true(group.mpi == MPI_COMM_NULL);
}

/* An error of MPI comes back as ours instead of ending the program. */
static void mpi_errors_become_sentences(void **state) {
  (void)state;
  int byte = 0;
  assert_int_equal(vj_comm_broadcast(&world, &byte, 1, world.size + 3), VJ_COMM);
  assert_non_null(strstr(vj_error_message(), "broadcasting failed: MPI_ERR_ROOT"));
}

int main(int argc, char **argv) {
  if (MPI_Init(&argc, &argv) != MPI_SUCCESS || vj_comm_create(MPI_COMM_WORLD, &world) != VJ_OK) return 1;
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(sum_is_the_binary_tree_over_ranks),
      cmocka_unit_test(sum_has_the_same_bits_on_every_rank),
      cmocka_unit_test(sum_over_three_ranks_is_refused),
      cmocka_unit_test(agreement_of_all_is_success),
      cmocka_unit_test(failure_of_one_reaches_every_rank),
      cmocka_unit_test(what_all_ranks_met_alike_names_no_rank),
      cmocka_unit_test(gathering_keeps_the_order_of_ranks),
      cmocka_unit_test(large_messages_arrive_whole),
      cmocka_unit_test(split_makes_groups_in_the_order_of_ranks),
      cmocka_unit_test(mpi_errors_become_sentences),
  };
  const struct CMUnitTest tests_of_several[] = {
      cmocka_unit_test(lowest_of_several_failures_is_told),
      cmocka_unit_test(old_sentence_is_not_told_again),
  };
  int failed = cmocka_run_group_tests_name("comm", tests, NULL, NULL);
  if (world.size > 1) failed += cmocka_run_group_tests_name("comm of several ranks", tests_of_several, NULL, NULL);
  vj_comm_destroy(&world);
  MPI_Finalize();
  return failed;
}
