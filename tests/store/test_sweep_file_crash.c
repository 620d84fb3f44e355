/* The sweep file, one process: it is whole or absent on a full disk, and a kill loses nothing committed. */
#include <sys/mount.h>
#include <sys/resource.h>
#include <time.h>

#include "framework/store/sweep_file/sweep_file_private.h"
#include "tests/store/sweep_file_testing.h"
#include "tests/support/requirements.h"

enum { WRITER_TRIALS = 2000, WRITER_STEPS = 64, KILLS = 20 };

static const char *program;

static vj_status write_weights(void *context, vj_sweep_file *fresh) {
  const double weight = *(const double *)context;
  for (int64_t trial = 0; trial < TRIALS; trial++)
    VJ_TRY(vj_sweep_file_write(fresh, WEIGHT, &trial, (int64_t[]){1}, &weight));
  return weight < 0 ? vj_fail(VJ_DATA, "no such weight") : VJ_OK;
}

/* Who has the old one open reads on in it; one that can't be filled leaves it as it is, and nothing beside it. */
static void file_is_replaced_whole_or_not_at_all(void **state) {
  (void)state;
  char path[PATH_BYTES], left[PATH_BYTES];
  double weight = 0.5, found = 0;
  vj_sweep_file *before = NULL, *after = NULL;
  const int64_t first = 0, one = 1;
  unlink(in_folder("grown.h5", path));
  assert_ok(vj_sweep_file_create(path, &sample_layout, write_weights, &weight));
  fclose(fopen(in_folder("grown.h5.new-1", left), "w")); /* of a process that was killed */
  assert_ok(vj_sweep_file_read_only(path, &before));
  weight = 2;
  assert_ok(vj_sweep_file_replace(path, &sample_layout, write_weights, &weight));
  weight = -1;
  assert_error(vj_sweep_file_replace(path, &sample_layout, write_weights, &weight), VJ_DATA, "no such weight");
  assert_ok(vj_sweep_file_read_only(path, &after));
  assert_ok(vj_sweep_file_read(before, WEIGHT, &first, &one, &found));
  assert_true(found == 0.5);
  assert_ok(vj_sweep_file_read(after, WEIGHT, &first, &one, &found));
  assert_true(found == 2);
  vj_sweep_file_close(&before);
  vj_sweep_file_close(&after);
  assert_int_equal(entries_like(folder, "grown"), 1);
}

/* --- full disks ---------------------------------------------------------------------------------------------- */

static void no_preparation(void) {}

static void full_disk_is_found_before_anything_is_written(void **state) {
  (void)state;
  char where[PATH_BYTES], path[PATH_BYTES], expected[256];
  assert_int_equal(mkdir(in_folder("small", where), 0755), 0);
  if (mount("none", where, "tmpfs", 0, "size=32k") != 0) impossible("who runs this may not mount");
  in_folder("small/sweep.h5", path);
  const vj_status status = vj_sweep_file_create(path, &sample_layout, NULL, NULL);
  char sentence[1024];
  snprintf(sentence, sizeof sentence, "%s", vj_error_message());
  const int left = entries_like(where, "");
  assert_int_equal(umount(where), 0);
  assert_int_equal(status, VJ_IO);
  snprintf(expected, sizeof expected,
           ": can't be created: the disk is full: it needs %lld bytes and 32768 are free; make room or choose another "
           "folder",
           (long long)vj_sweep_file_estimate(&sample_layout));
  assert_int_equal(strncmp(sentence, path, strlen(path)), 0);
  assert_string_equal(sentence + strlen(path), expected);
  assert_int_equal(left, 0);
}

static void limit_file_size(void) {
  signal(SIGXFSZ, SIG_IGN);
  if (setrlimit(RLIMIT_FSIZE, &(struct rlimit){8192, 8192}) != 0) abort();
}

static vj_status build_sample(const char *path) {
  const int descriptor = open(path, O_RDWR | O_CREAT, 0666);
  if (descriptor < 0) return VJ_INTERNAL;
  off_t places[VARIABLES];
  const vj_status status = vj_sweep_file_build(path, descriptor, &sample_layout, places);
  close(descriptor);
  return status;
}

static void limit_on_file_size_is_named(void **state) {
  (void)state;
  char path[PATH_BYTES], sentence[1024], expected[1024];
  const long long needed = (long long)vj_sweep_file_estimate(&sample_layout);
  in_folder("limited.h5", path);
  assert_int_equal(sentence_of_child(limit_file_size, create_sample, path, sentence, sizeof sentence), 0);
  snprintf(expected, sizeof expected,
           "%s: can't be created: it needs %lld bytes, more than a file may have here (see ulimit -f)", path, needed);
  assert_string_equal(sentence, expected);
  assert_int_equal(entries_like(folder, "limited"), 0);
}

/* A disk that fills while the file is written: the same sentence, an orderly end, and nothing on standard error. */
static void disk_that_fills_meanwhile_is_survived(void **state) {
  (void)state;
  char path[PATH_BYTES], sentence[1024], expected[1024];
  const long long needed = (long long)vj_sweep_file_estimate(&sample_layout);
  in_folder("filling.h5", path);
  catch_errors();
  const int result = sentence_of_child(limit_file_size, build_sample, path, sentence, sizeof sentence);
  assert_int_equal(uncatch_errors(), 0);
  assert_int_equal(result, 0);
  snprintf(expected, sizeof expected,
           "%s: can't be written: it needs %lld bytes, more than a file may have here (see ulimit -f)", path, needed);
  assert_string_equal(sentence, expected);
  assert_int_equal(sentence_of_child(no_preparation, build_sample, path, sentence, sizeof sentence), 0);
  assert_string_equal(sentence, "success");
}

/* --- kills --------------------------------------------------------------------------------------------------- */

/* The number that belongs into a place of the writer's file. */
static float expected_loss(int64_t trial, int64_t step) { return (float)(trial * 1000 + step); }

/* Writes trial after trial: the row of losses first, then `committed`; says on standard output when a trial is
 * written and synced. Runs until it is killed. */
static int write_until_killed(const char *path) {
  vj_sweep_file *file = NULL;
  if (vj_sweep_file_open(&self, path, &file) != VJ_OK) return 1;
  for (int64_t trial = 0; trial < WRITER_TRIALS; trial++) {
    float row[WRITER_STEPS];
    const int64_t yes = trial;
    for (int64_t step = 0; step < WRITER_STEPS; step++) row[step] = expected_loss(trial, step);
    if (vj_sweep_file_write(file, 0, (int64_t[]){trial, 0}, (int64_t[]){1, WRITER_STEPS}, row) != VJ_OK ||
        vj_sweep_file_write(file, 1, &trial, (int64_t[]){1}, &yes) != VJ_OK)
      return 1;
    if (trial % 16 == 15 && vj_sweep_file_sync(file) != VJ_OK) return 1;
    if (write(STDOUT_FILENO, &trial, sizeof trial) != (ssize_t)sizeof trial) return 1;
  }
  for (;;) pause();
}

static void create_writer_file(const char *path) {
  const vj_file_dimension dimensions[] = {{.name = "trial", .size = WRITER_TRIALS},
                                          {.name = "step", .size = WRITER_STEPS}};
  const vj_file_variable variables[] = {{.name = "train_loss", .type = VJ_FILE_FLOAT, .rank = 2, .dimension = {0, 1}},
                                        {.name = "committed", .type = VJ_FILE_INT64, .rank = 1, .dimension = {0}}};
  const vj_file_layout layout = {
      .dimension_count = 2, .variable_count = 2, .dimensions = dimensions, .variables = variables};
  unlink(path);
  assert_ok(vj_sweep_file_create(path, &layout, NULL, NULL));
}

/* Every trial up to `last`, and every other one that says it is committed, must be whole. Returns those committed. */
static int64_t check_writer_file(const char *path, int64_t last) {
  static float losses[WRITER_TRIALS][WRITER_STEPS];
  static int64_t committed[WRITER_TRIALS];
  vj_sweep_file *file = NULL;
  int64_t count = 0;
  assert_ok(vj_sweep_file_read_only(path, &file));
  const int64_t start[2] = {0, 0}, all[2] = {WRITER_TRIALS, WRITER_STEPS};
  assert_ok(vj_sweep_file_read(file, 0, start, all, losses));
  assert_ok(vj_sweep_file_read(file, 1, start, all, committed));
  for (int64_t t = 0; t < WRITER_TRIALS; t++) {
    assert_true(committed[t] == t || (committed[t] == -1 && t > last));
    if (committed[t] == -1) continue;
    for (int64_t s = 0; s < WRITER_STEPS; s++) assert_true(losses[t][s] == expected_loss(t, s));
    count++;
  }
  vj_sweep_file_close(&file);
  return count;
}

static void kill_in_mid_write_loses_nothing_committed(void **state) {
  (void)state;
  char path[PATH_BYTES];
  int64_t most = 0;
  in_folder("killed.h5", path);
  srand(20240607);
  for (int kill_number = 0; kill_number < KILLS; kill_number++) {
    int ends[2];
    int64_t last = -1, said = 0;
    create_writer_file(path);
    assert_int_equal(pipe(ends), 0);
    const pid_t child = fork();
    assert_true(child >= 0);
    if (child == 0) {
      setenv("OMPI_MCA_ess_singleton_isolated", "1", 1); /* no helper process that would outlive the kill */
      dup2(ends[1], STDOUT_FILENO);
      close(ends[0]);
      execl(program, program, "write", path, (char *)NULL);
      _exit(127);
    }
    close(ends[1]);
    /* The time to the kill counts from the first trial written: starting takes its own, longer time. */
    if (read(ends[0], &said, sizeof said) == (ssize_t)sizeof said) last = said;
    nanosleep(&(struct timespec){.tv_nsec = (long)(rand() % 8000) * 1000}, NULL);
    assert_int_equal(kill(child, SIGKILL), 0);
    while (read(ends[0], &said, sizeof said) == (ssize_t)sizeof said) last = said;
    close(ends[0]);
    int result = 0;
    assert_int_equal(waitpid(child, &result, 0), child);
    assert_true(WIFSIGNALED(result) && WTERMSIG(result) == SIGKILL);
    assert_true(last >= 0);
    const int64_t committed = check_writer_file(path, last);
    most = committed > most ? committed : most;
  }
  assert_true(most > 16); /* else the kills came before there was something to lose */
}

static int run(int argc, char **argv) {
  if (argc == 3) return write_until_killed(argv[2]);
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(file_is_replaced_whole_or_not_at_all),
      cmocka_unit_test(full_disk_is_found_before_anything_is_written),
      cmocka_unit_test(limit_on_file_size_is_named),
      cmocka_unit_test(disk_that_fills_meanwhile_is_survived),
      cmocka_unit_test(kill_in_mid_write_loses_nothing_committed),
  };
  return cmocka_run_group_tests_name("sweep_file_crash", tests, make_folder, remove_folder);
}

int main(int argc, char **argv) {
  program = argv[0];
  return with_mpi(argc, argv, run);
}
