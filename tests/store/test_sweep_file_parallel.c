/* The sweep file under several ranks: each writes its own rows, at its own time, and all rows are there.
 *
 * ranks: 1 2 4 */
#include <math.h>
#include <mpi.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "framework/store/start.h"
#include "tests/store/sample_sweep.h"
#include "tests/support/testing.h"

enum { PATH_BYTES = 256 };

static vj_comm world;
static char folder[64];

static float expected_loss(int64_t trial, int64_t step) { return (float)(100 * trial + step); }

/* Rank 0 makes the file, all wait for it. */
static void create_sample(const char *name, char *path) {
  vj_status status = VJ_OK;
  snprintf(path, PATH_BYTES, "%s/%s", folder, name);
  if (world.rank == 0) status = vj_sweep_file_create(path, &sample_layout, NULL, NULL);
  assert_ok(vj_comm_agree(&world, status));
}

static void every_rank_writes_its_rows_by_itself(void **state) {
  (void)state;
  char path[PATH_BYTES];
  vj_sweep_file *file = NULL;
  vj_status status = VJ_OK;
  create_sample("rows.h5", path);
  assert_ok(vj_sweep_file_open(&world, path, &file));
  /* Ranks have unequal numbers of rows and calls, so a hidden collective would hang here. */
  for (int64_t trial = world.rank; trial < TRIALS - 1 && status == VJ_OK; trial += world.size) {
    char name[NAME_ROOM] = "";
    snprintf(name, sizeof name, "r %d", world.rank);
    for (int64_t step = 0; step < STEPS && status == VJ_OK; step++) {
      const float loss = expected_loss(trial, step);
      status = vj_sweep_file_write(file, TRAIN_LOSS, (int64_t[]){trial, step}, (int64_t[]){1, 1}, &loss);
    }
    if (status == VJ_OK) status = vj_sweep_file_write(file, ENCODER, &trial, (int64_t[]){1}, name);
    if (status == VJ_OK) status = vj_sweep_file_write(file, COMMITTED, &trial, (int64_t[]){1}, &trial);
    if (status == VJ_OK) status = vj_sweep_file_sync(file);
  }
  assert_ok(vj_comm_agree(&world, status));
  vj_sweep_file_close(&file);

  float losses[TRIALS][STEPS];
  char names[TRIALS][NAME_ROOM];
  assert_ok(vj_sweep_file_read_only(path, &file));
  assert_ok(vj_sweep_file_read(file, TRAIN_LOSS, (int64_t[]){0, 0}, (int64_t[]){TRIALS, STEPS}, losses));
  assert_ok(vj_sweep_file_read(file, ENCODER, (int64_t[]){0}, (int64_t[]){TRIALS}, names));
  for (int64_t trial = 0; trial < TRIALS; trial++) {
    char name[NAME_ROOM] = "";
    if (trial < TRIALS - 1) snprintf(name, sizeof name, "r %d", (int)(trial % world.size));
    assert_string_equal(names[trial], name);
    for (int64_t step = 0; step < STEPS; step++) {
      if (trial < TRIALS - 1)
        assert_true(losses[trial][step] == expected_loss(trial, step));
      else
        assert_true(isnan(losses[trial][step]));
    }
  }
  vj_sweep_file_close(&file);
  assert_ok(vj_comm_barrier(&world));
}

static void a_rank_sees_what_another_wrote(void **state) {
  (void)state;
  char path[PATH_BYTES];
  vj_sweep_file *file = NULL;
  int64_t seen = 0;
  const int64_t last = TRIALS - 1, one = 1, written = 42;
  create_sample("seen.h5", path);
  assert_ok(vj_sweep_file_open(&world, path, &file));
  vj_status status = VJ_OK;
  if (world.rank == world.size - 1) status = vj_sweep_file_write(file, COMMITTED, &last, &one, &written);
  assert_ok(vj_comm_agree(&world, status));
  assert_ok(vj_sweep_file_read(file, COMMITTED, &last, &one, &seen));
  assert_int_equal(seen, written);
  vj_sweep_file_close(&file);
}

static void opening_fails_on_all_ranks_together(void **state) {
  (void)state;
  char path[PATH_BYTES], expected[512];
  vj_sweep_file *file = NULL;
  /* Each rank looks for a file of another name; only rank 0 finds one. */
  create_sample("only.h5", path);
  if (world.rank > 0) snprintf(path, PATH_BYTES, "%s/missing.%d.h5", folder, world.rank);
  const vj_status status = vj_sweep_file_open(&world, path, &file);
  if (world.size == 1) {
    assert_ok(status);
    vj_sweep_file_close(&file);
    return;
  }
  snprintf(expected, sizeof expected, "rank 1: %s/missing.1.h5: can't be opened: No such file or directory", folder);
  assert_error(status, VJ_IO, expected);
  assert_null(file);
}

static int make_folder(void **state) {
  (void)state;
  vj_status status = VJ_OK;
  if (world.rank == 0) {
    snprintf(folder, sizeof folder, "/tmp/vjvcr-parallel-XXXXXX");
    if (!mkdtemp(folder)) status = vj_fail(VJ_IO, "no folder for the test");
  }
  if (vj_comm_agree(&world, status) != VJ_OK) return -1;
  return vj_comm_broadcast(&world, folder, sizeof folder, 0) == VJ_OK ? 0 : -1;
}

static int remove_folder(void **state) {
  (void)state;
  char command[128];
  if (vj_comm_barrier(&world) != VJ_OK) return -1;
  snprintf(command, sizeof command, "rm -rf %s", folder);
  return world.rank == 0 ? system(command) : 0;
}

int main(int argc, char **argv) {
  vj_store_start();
  if (MPI_Init(&argc, &argv) != MPI_SUCCESS || vj_comm_create(MPI_COMM_WORLD, &world) != VJ_OK) return 1;
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(every_rank_writes_its_rows_by_itself),
      cmocka_unit_test(a_rank_sees_what_another_wrote),
      cmocka_unit_test(opening_fails_on_all_ranks_together),
  };
  const int failed = cmocka_run_group_tests_name("sweep_file_parallel", tests, make_folder, remove_folder);
  vj_comm_destroy(&world);
  MPI_Finalize();
  return failed;
}
