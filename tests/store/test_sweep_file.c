/* The sweep file, one process: what it holds, and that it is the same each time.
 *
 * Called with a path, the program writes a sample file there and stops (for the test that reads it with xarray). */
#include <math.h>

#include "tests/store/sweep_file_testing.h"

static const char *program;

static void assert_equal_files(const char *a, const char *b) {
  size_t bytes_a = 0, bytes_b = 0;
  unsigned char *all_a = read_whole(a, &bytes_a), *all_b = read_whole(b, &bytes_b);
  assert_int_equal(bytes_a, bytes_b);
  assert_memory_equal(all_a, all_b, bytes_a);
  free(all_a);
  free(all_b);
}

/* --- what it holds ------------------------------------------------------------------------------------------- */

static void layout_reads_back(void **state) {
  (void)state;
  char path[PATH_BYTES];
  vj_sweep_file *file = NULL;
  vj_file_variable_info info;
  fresh_sample("layout.h5", path);
  assert_ok(vj_sweep_file_read_only(path, &file));
  assert_int_equal(vj_sweep_file_variable_count(file), VARIABLES + DIMENSIONS);
  for (int v = 0; v < VARIABLES; v++) {
    const vj_file_variable *laid = &sample_variables[v];
    assert_int_equal(vj_sweep_file_find(file, laid->name), v);
    vj_sweep_file_variable(file, v, &info);
    assert_string_equal(info.name, laid->name);
    assert_int_equal(info.type, laid->type);
    assert_int_equal(info.text_bytes, laid->type == VJ_FILE_TEXT ? laid->text_bytes : 0);
    assert_int_equal(info.rank, laid->rank);
    assert_int_equal(info.is_coordinate, laid->is_coordinate);
    assert_string_equal(info.units, laid->units ? laid->units : "");
    assert_string_equal(info.long_name, laid->long_name ? laid->long_name : "");
    for (int i = 0; i < laid->rank; i++) {
      assert_string_equal(info.dimension[i], sample_dimensions[laid->dimension[i]].name);
      assert_int_equal(info.size[i], sample_dimensions[laid->dimension[i]].size);
    }
  }
  vj_sweep_file_variable(file, vj_sweep_file_find(file, "step"), &info);
  assert_true(info.is_coordinate);
  assert_string_equal(info.dimension[0], "step");
  int64_t steps[STEPS];
  assert_ok(vj_sweep_file_read(file, vj_sweep_file_find(file, "step"), (int64_t[]){0}, (int64_t[]){STEPS}, steps));
  assert_memory_equal(steps, sample_steps, sizeof steps);
  assert_int_equal(vj_sweep_file_find(file, "val_loss"), -1);
  assert_string_equal(vj_sweep_file_attribute(file, "title"), "four trials");
  assert_string_equal(vj_sweep_file_attribute(file, "Conventions"), "CF-1.8");
  assert_null(vj_sweep_file_attribute(file, "colour"));
  vj_sweep_file_close(&file);
  assert_null(file);
}

static void fresh_values_are_missing(void **state) {
  (void)state;
  char path[PATH_BYTES], text[TRIALS * CONFIG_ROOM];
  vj_sweep_file *file = NULL;
  float losses[TRIALS * STEPS];
  double values[TRIALS * STEPS * COMPONENTS], started = 0;
  int64_t committed[TRIALS];
  fresh_sample("fresh.h5", path);
  assert_ok(vj_sweep_file_read_only(path, &file));
  const int64_t start[3] = {0, 0, 0}, all[3] = {TRIALS, STEPS, COMPONENTS};
  assert_ok(vj_sweep_file_read(file, TRAIN_LOSS, start, all, losses));
  assert_ok(vj_sweep_file_read(file, SINGULAR_VALUES, start, all, values));
  assert_ok(vj_sweep_file_read(file, COMMITTED, start, all, committed));
  assert_ok(vj_sweep_file_read(file, STARTED, start, all, &started));
  memset(text, 'x', sizeof text);
  assert_ok(vj_sweep_file_read(file, CONFIG, start, all, text));
  for (int i = 0; i < TRIALS * STEPS; i++) assert_true(isnan(losses[i]));
  for (int i = 0; i < TRIALS * STEPS * COMPONENTS; i++) assert_true(isnan(values[i]));
  for (int i = 0; i < TRIALS; i++) assert_int_equal(committed[i], -1);
  for (size_t i = 0; i < sizeof text; i++) assert_int_equal(text[i], 0);
  assert_true(isnan(started));
  vj_sweep_file_close(&file);
}

static void rectangles_lie_where_they_were_written(void **state) {
  (void)state;
  char path[PATH_BYTES], names[2 * NAME_ROOM] = "cnn";
  vj_sweep_file *file = NULL;
  const float written[2 * 3] = {1, 2, 3, 4, 5, 6};
  float losses[TRIALS][STEPS];
  const double now = 12.5;
  fresh_sample("rectangle.h5", path);
  memcpy(names + NAME_ROOM, "simvp", 6);
  assert_ok(vj_sweep_file_open(&self, path, &file));
  assert_ok(vj_sweep_file_write(file, TRAIN_LOSS, (int64_t[]){1, 2}, (int64_t[]){2, 3}, written));
  assert_ok(vj_sweep_file_write(file, ENCODER, (int64_t[]){2}, (int64_t[]){2}, names));
  assert_ok(vj_sweep_file_write(file, STARTED, NULL, NULL, &now));
  assert_ok(vj_sweep_file_sync(file));
  vj_sweep_file_close(&file);

  assert_ok(vj_sweep_file_read_only(path, &file));
  assert_ok(vj_sweep_file_read(file, TRAIN_LOSS, (int64_t[]){0, 0}, (int64_t[]){TRIALS, STEPS}, losses));
  for (int t = 0; t < TRIALS; t++) {
    for (int s = 0; s < STEPS; s++) {
      const bool inside = (t == 1 || t == 2) && s >= 2 && s < 5;
      if (inside)
        assert_true(losses[t][s] == written[(t - 1) * 3 + s - 2]);
      else
        assert_true(isnan(losses[t][s]));
    }
  }
  char encoder[NAME_ROOM];
  double then = 0;
  assert_ok(vj_sweep_file_read(file, ENCODER, (int64_t[]){3}, (int64_t[]){1}, encoder));
  assert_string_equal(encoder, "simvp");
  assert_ok(vj_sweep_file_read(file, STARTED, NULL, NULL, &then));
  assert_true(then == now);
  vj_sweep_file_close(&file);
}

static void wrong_rectangles_are_refused(void **state) {
  (void)state;
  char path[PATH_BYTES], full[NAME_ROOM];
  vj_sweep_file *file = NULL;
  const float row[STEPS] = {0};
  fresh_sample("wrong.h5", path);
  assert_ok(vj_sweep_file_open(&self, path, &file));
  assert_int_equal(vj_sweep_file_write(file, TRAIN_LOSS, (int64_t[]){1, 4}, (int64_t[]){1, 3}, row), VJ_SHAPE);
  assert_sentence(path, ": train_loss: 3 values from 4 on do not lie in dimension step, which has 6");
  assert_int_equal(vj_sweep_file_write(file, TRAIN_LOSS, (int64_t[]){-1, 0}, (int64_t[]){1, 3}, row), VJ_SHAPE);
  assert_sentence(path, ": train_loss: 1 values from -1 on do not lie in dimension trial, which has 4");
  memset(full, 'a', sizeof full);
  assert_int_equal(vj_sweep_file_write(file, ENCODER, (int64_t[]){0}, (int64_t[]){1}, full), VJ_SHAPE);
  assert_sentence(path, ": param.model.encoder: a text fills its 16 bytes and leaves none for the ending zero");
  assert_ok(vj_sweep_file_write(file, TRAIN_LOSS, (int64_t[]){4, 0}, (int64_t[]){0, 3}, row));
  vj_sweep_file_close(&file);
  assert_ok(vj_sweep_file_read_only(path, &file));
  assert_int_equal(vj_sweep_file_write(file, TRAIN_LOSS, (int64_t[]){0, 0}, (int64_t[]){1, 3}, row), VJ_INTERNAL);
  assert_sentence(path, ": opened for reading only");
  vj_sweep_file_close(&file);
}

static void reader_sees_rows_while_they_are_written(void **state) {
  (void)state;
  char path[PATH_BYTES];
  vj_sweep_file *writer = NULL, *reader = NULL;
  fresh_sample("live.h5", path);
  assert_ok(vj_sweep_file_open(&self, path, &writer));
  assert_ok(vj_sweep_file_read_only(path, &reader));
  for (int64_t t = 0; t < TRIALS; t++) {
    const int64_t row = 100 + t;
    int64_t seen = 0;
    assert_ok(vj_sweep_file_read(reader, COMMITTED, &t, (int64_t[]){1}, &seen));
    assert_int_equal(seen, -1);
    assert_ok(vj_sweep_file_write(writer, COMMITTED, &t, (int64_t[]){1}, &row));
    assert_ok(vj_sweep_file_read(reader, COMMITTED, &t, (int64_t[]){1}, &seen));
    assert_int_equal(seen, row);
  }
  vj_sweep_file_close(&reader);
  vj_sweep_file_close(&writer);
}

/* --- the same each time -------------------------------------------------------------------------------------- */

static int run_self(const char *mode, const char *path) {
  const pid_t child = fork();
  assert_true(child >= 0);
  if (child == 0) {
    execl(program, program, mode, path, (char *)NULL);
    _exit(127);
  }
  int result = 0;
  assert_int_equal(waitpid(child, &result, 0), child);
  return WIFEXITED(result) ? WEXITSTATUS(result) : -1;
}

static void two_creations_are_equal_byte_for_byte(void **state) {
  (void)state;
  char first[PATH_BYTES], second[PATH_BYTES];
  fresh_sample("same.1.h5", first);
  /* In a process of its own, whose memory is another, and a second later, so that time stamps would show. */
  sleep(1);
  assert_int_equal(run_self("create", in_folder("same.2.h5", second)), 0);
  assert_equal_files(first, second);
}

static void opening_for_writing_changes_no_byte(void **state) {
  (void)state;
  char path[PATH_BYTES], other[PATH_BYTES];
  vj_sweep_file *file = NULL;
  fresh_sample("untouched.1.h5", other);
  fresh_sample("untouched.2.h5", path);
  assert_ok(vj_sweep_file_open(&self, path, &file));
  vj_sweep_file_close(&file);
  assert_equal_files(path, other);
}

/* --- a sample for xarray -------------------------------------------------------------------------------------- */

static int write_sample(const char *path) {
  vj_sweep_file *file = NULL;
  const double weights[TRIALS] = {0, 0.5, 1, 10};
  const int64_t seeds[TRIALS] = {7, 8, 9, 10}, states[TRIALS] = {2, 3, 1, 0};
  const char names[TRIALS][NAME_ROOM] = {"cnn", "simvp", "caf\xc3\xa9", ""};
  float row[STEPS];
  for (int s = 0; s < STEPS; s++) row[s] = 1.0F / (float)(s + 1);
  const int64_t zero[2] = {0, 0}, all[1] = {TRIALS}, one_row[2] = {1, STEPS};
  const bool written = vj_sweep_file_create(path, &sample_layout, NULL, NULL) == VJ_OK &&
                       vj_sweep_file_open(&self, path, &file) == VJ_OK &&
                       vj_sweep_file_write(file, WEIGHT, zero, all, weights) == VJ_OK &&
                       vj_sweep_file_write(file, SEED, zero, all, seeds) == VJ_OK &&
                       vj_sweep_file_write(file, STATUS, zero, all, states) == VJ_OK &&
                       vj_sweep_file_write(file, ENCODER, zero, all, names) == VJ_OK &&
                       vj_sweep_file_write(file, TRAIN_LOSS, zero, one_row, row) == VJ_OK;
  vj_sweep_file_close(&file);
  if (!written) fprintf(stderr, "%s\n", vj_error_message());
  return written ? 0 : 1;
}

static int run(int argc, char **argv) {
  if (argc == 2) return write_sample(argv[1]);
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(layout_reads_back),
      cmocka_unit_test(fresh_values_are_missing),
      cmocka_unit_test(rectangles_lie_where_they_were_written),
      cmocka_unit_test(wrong_rectangles_are_refused),
      cmocka_unit_test(reader_sees_rows_while_they_are_written),
      cmocka_unit_test(two_creations_are_equal_byte_for_byte),
      cmocka_unit_test(opening_for_writing_changes_no_byte),
  };
  return cmocka_run_group_tests_name("sweep_file", tests, make_folder, remove_folder);
}

static int create(int argc, char **argv) { return create_sample(argv[argc - 1]) == VJ_OK ? 0 : 1; }

int main(int argc, char **argv) {
  program = argv[0];
  if (argc == 3 && strcmp(argv[1], "create") == 0) return with_mpi(argc, argv, create);
  return with_mpi(argc, argv, run);
}
