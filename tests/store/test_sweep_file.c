/* The sweep file, one process: what it holds, that it is the same each time, and that nothing breaks it.
 *
 * Called with a path, the program writes a sample file there and stops (for the test that reads it with xarray). */
#include <fcntl.h>
#include <hdf5.h>
#include <math.h>
#include <mpi.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "framework/store/sweep_file/sweep_file_private.h"
#include "tests/store/sample_sweep.h"
#include "tests/support/requirements.h"

enum { PATH_BYTES = 512, WRITER_TRIALS = 2000, WRITER_STEPS = 64, KILLS = 20 };

static char folder[64];
static const char *program;
static vj_comm self;

static const char *in_folder(const char *name, char *path) {
  snprintf(path, PATH_BYTES, "%s/%s", folder, name);
  return path;
}

static void fresh_sample(const char *name, char *path) {
  unlink(in_folder(name, path));
  assert_ok(vj_sweep_file_create(path, &sample_layout, NULL, NULL));
}

static unsigned char *read_whole(const char *path, size_t *bytes) {
  FILE *stream = fopen(path, "rb");
  assert_non_null(stream);
  fseek(stream, 0, SEEK_END);
  *bytes = (size_t)ftell(stream);
  rewind(stream);
  unsigned char *all = malloc(*bytes + 1);
  assert_non_null(all);
  assert_int_equal(fread(all, 1, *bytes, stream), *bytes);
  fclose(stream);
  return all;
}

static void assert_equal_files(const char *a, const char *b) {
  size_t bytes_a = 0, bytes_b = 0;
  unsigned char *all_a = read_whole(a, &bytes_a), *all_b = read_whole(b, &bytes_b);
  assert_int_equal(bytes_a, bytes_b);
  assert_memory_equal(all_a, all_b, bytes_a);
  free(all_a);
  free(all_b);
}

/* Compares the last sentence with what stands in `folder`. */
static void assert_sentence(const char *path, const char *rest) {
  char expected[2048];
  snprintf(expected, sizeof expected, "%s%s", path, rest);
  assert_string_equal(vj_error_message(), expected);
}

/* Standard error goes into a file from here to uncatch_errors(), which says how many bytes came. No assertion may
 * stand between: its message would be caught, too. */
static int kept_errors = -1, caught_errors = -1;

static void catch_errors(void) {
  char path[PATH_BYTES];
  fflush(stderr);
  kept_errors = dup(STDERR_FILENO);
  caught_errors = open(in_folder("errors", path), O_RDWR | O_CREAT | O_TRUNC, 0666);
  dup2(caught_errors, STDERR_FILENO);
}

static int64_t uncatch_errors(void) {
  struct stat about = {.st_size = -1};
  dup2(kept_errors, STDERR_FILENO);
  fstat(caught_errors, &about);
  close(kept_errors);
  close(caught_errors);
  return (int64_t)about.st_size;
}

/* How many entries of the folder begin with `name`: temporaries that were left behind among them. */
static int entries_like(const char *where, const char *name) {
  char command[PATH_BYTES + 64];
  snprintf(command, sizeof command, "ls -A %s | grep -c '^%s' > %s/.count", where, name, folder);
  if (system(command) == -1) fail();
  int count = -1;
  char path[PATH_BYTES];
  FILE *stream = fopen(in_folder(".count", path), "r");
  assert_non_null(stream);
  assert_int_equal(fscanf(stream, "%d", &count), 1);
  fclose(stream);
  return count;
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

/* --- refusals ------------------------------------------------------------------------------------------------ */

static void existing_file_is_never_overwritten(void **state) {
  (void)state;
  char path[PATH_BYTES];
  FILE *stream = fopen(in_folder("precious.h5", path), "w");
  assert_non_null(stream);
  fputs("precious", stream);
  fclose(stream);
  assert_int_equal(vj_sweep_file_create(path, &sample_layout, NULL, NULL), VJ_IO);
  assert_sentence(path, ": exists already, and is not overwritten; resume that sweep or choose another folder");
  size_t bytes = 0;
  unsigned char *all = read_whole(path, &bytes);
  assert_int_equal(bytes, 8);
  free(all);
  assert_int_equal(entries_like(folder, "precious"), 1);
}

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

static void impossible_layouts_are_refused(void **state) {
  (void)state;
  char path[PATH_BYTES];
  vj_file_dimension dimensions[] = {{.name = "trial", .size = 3}, {.name = "step", .size = 0}};
  vj_file_variable variables[] = {{.name = "a", .type = VJ_FILE_FLOAT, .rank = 1, .dimension = {0}},
                                  {.name = "a", .type = VJ_FILE_FLOAT, .rank = 1, .dimension = {0}}};
  vj_file_layout layout = {.dimension_count = 2, .variable_count = 2, .dimensions = dimensions, .variables = variables};
  in_folder("impossible.h5", path);
  assert_int_equal(vj_sweep_file_create(path, &layout, NULL, NULL), VJ_SHAPE);
  assert_sentence(path, ": dimension step has size 0; it must be 1 or more");
  dimensions[1].size = 1;
  assert_int_equal(vj_sweep_file_create(path, &layout, NULL, NULL), VJ_INTERNAL);
  assert_sentence(path, ": two dimensions or variables are named a");
  variables[1] = (vj_file_variable){.name = "b", .type = VJ_FILE_TEXT, .text_bytes = 1};
  assert_int_equal(vj_sweep_file_create(path, &layout, NULL, NULL), VJ_SHAPE);
  assert_sentence(path, ": variable b: room for 1 bytes of text; 2 to 16777216 are possible");
  variables[1] = (vj_file_variable){.name = "b", .type = VJ_FILE_INT64, .flags = "0 waiting|one running"};
  assert_int_equal(vj_sweep_file_create(path, &layout, NULL, NULL), VJ_INTERNAL);
  assert_sentence(path, ": b: flags \"0 waiting|one running\" are not in the form \"0 waiting|1 running\"");
  variables[1] = (vj_file_variable){.name = "b", .type = VJ_FILE_DOUBLE, .rank = 2, .dimension = {0, 1}};
  dimensions[1].size = INT64_MAX;
  assert_int_equal(vj_sweep_file_create(path, &layout, NULL, NULL), VJ_SHAPE);
  assert_sentence(path, ": variable b would take 2.21e+20 bytes");
  assert_int_equal(entries_like(folder, "impossible"), 0);
}

/* Runs `create` in a child that may have fewer rights; its sentence comes back. Returns how the child ended: 0 well. */
static int sentence_of_child(void (*prepare)(void), vj_status (*create)(const char *path), const char *path,
                             char *sentence, size_t bytes) {
  int ends[2] = {-1, -1}, result = -1;
  sentence[0] = '\0';
  if (pipe(ends) != 0) return -1;
  const pid_t child = fork();
  if (child == 0) {
    signal(SIGSEGV, SIG_DFL); /* cmocka's handler would go on with the next test, here */
    prepare();
    const vj_status status = create(path);
    const char *text = status == VJ_OK ? "success" : vj_error_message();
    const bool told = write(ends[1], text, strlen(text)) == (ssize_t)strlen(text);
    H5close(); /* HDF5 must come to its end, too */
    _exit(told ? 0 : 1);
  }
  close(ends[1]);
  ssize_t got = 0;
  size_t used = 0;
  while ((got = read(ends[0], sentence + used, bytes - 1 - used)) > 0) used += (size_t)got;
  sentence[used] = '\0';
  close(ends[0]);
  return child > 0 && waitpid(child, &result, 0) == child ? result : -1;
}

static vj_status create_sample(const char *path) { return vj_sweep_file_create(path, &sample_layout, NULL, NULL); }
static void no_preparation(void) {}
static void give_up_rights(void) {
  if (geteuid() == 0 && seteuid(65534) != 0) abort();
}

static void folders_that_cannot_be_written_are_named(void **state) {
  (void)state;
  char path[PATH_BYTES], where[PATH_BYTES], sentence[1024], expected[1024];
  in_folder("nowhere/sweep.h5", path);
  assert_int_equal(vj_sweep_file_create(path, &sample_layout, NULL, NULL), VJ_IO);
  assert_sentence(path, ": can't be created: No such file or directory");
  assert_int_equal(mkdir(in_folder("closed", where), 0555), 0);
  in_folder("closed/sweep.h5", path);
  assert_int_equal(sentence_of_child(give_up_rights, create_sample, path, sentence, sizeof sentence), 0);
  snprintf(expected, sizeof expected, "%s: can't be created: Permission denied", path);
  assert_string_equal(sentence, expected);
}

/* --- full disks ---------------------------------------------------------------------------------------------- */

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
  const vj_status status = vj_sweep_file_build(path, path, descriptor, &sample_layout);
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

/* --- files that are none of ours ----------------------------------------------------------------------------- */

static void write_bytes(const char *path, const void *bytes, size_t count) {
  FILE *stream = fopen(path, "wb");
  assert_non_null(stream);
  assert_int_equal(fwrite(bytes, 1, count, stream), count);
  fclose(stream);
}

static void assert_refused(const char *path, vj_status expected, const char *sentence) {
  vj_sweep_file *serial = NULL, *parallel = NULL;
  char message[2048];
  catch_errors();
  const vj_status status = vj_sweep_file_read_only(path, &serial);
  snprintf(message, sizeof message, "%s", vj_error_message());
  const vj_status again = vj_sweep_file_open(&self, path, &parallel);
  assert_int_equal(uncatch_errors(), 0);
  assert_int_equal(status, expected);
  assert_sentence(path, sentence);
  assert_error(again, expected, message);
  assert_null(serial);
  assert_null(parallel);
}

static void other_files_are_refused_in_one_sentence(void **state) {
  (void)state;
  char path[PATH_BYTES], sentence[256];
  write_bytes(in_folder("plain.h5", path), "just some text\n", 15);
  assert_refused(path, VJ_DATA, " is no sweep file: it does not begin as HDF5 files do");
  write_bytes(in_folder("empty.h5", path), "", 0);
  assert_refused(path, VJ_DATA, " is no sweep file: it does not begin as HDF5 files do");
  assert_refused(in_folder("missing.h5", path), VJ_IO, ": can't be opened: No such file or directory");

  const hid_t foreign = H5Fcreate(in_folder("foreign.h5", path), H5F_ACC_TRUNC, H5P_DEFAULT, H5P_DEFAULT);
  H5Fclose(foreign);
  assert_refused(path, VJ_DATA, " is no sweep file: it has no attribute vjvcr_format");

  fresh_sample("whole.h5", path);
  size_t bytes = 0;
  unsigned char *all = read_whole(path, &bytes);
  write_bytes(in_folder("half.h5", path), all, bytes / 2);
  free(all);
  snprintf(sentence, sizeof sentence,
           " is no sweep file: truncated file: eof = %zu, sblock->base_addr = 0, stored_eof = %zu", bytes / 2, bytes);
  assert_refused(path, VJ_DATA, sentence);
  vj_sweep_file *file = NULL;
  assert_int_equal(vj_sweep_file_read_only(folder, &file), VJ_IO);
  assert_sentence(folder, ": can't be read: Is a directory");
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

/* --- main ---------------------------------------------------------------------------------------------------- */

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

static int make_folder(void **state) {
  (void)state;
  snprintf(folder, sizeof folder, "/tmp/vjvcr-sweep-XXXXXX");
  return mkdtemp(folder) && chmod(folder, 0755) == 0 ? 0 : -1;
}

static int remove_folder(void **state) {
  (void)state;
  char command[128];
  snprintf(command, sizeof command, "rm -rf %s", folder);
  return system(command);
}

static int run_all(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(layout_reads_back),
      cmocka_unit_test(fresh_values_are_missing),
      cmocka_unit_test(rectangles_lie_where_they_were_written),
      cmocka_unit_test(wrong_rectangles_are_refused),
      cmocka_unit_test(reader_sees_rows_while_they_are_written),
      cmocka_unit_test(two_creations_are_equal_byte_for_byte),
      cmocka_unit_test(opening_for_writing_changes_no_byte),
      cmocka_unit_test(existing_file_is_never_overwritten),
      cmocka_unit_test(file_is_replaced_whole_or_not_at_all),
      cmocka_unit_test(impossible_layouts_are_refused),
      cmocka_unit_test(folders_that_cannot_be_written_are_named),
      cmocka_unit_test(full_disk_is_found_before_anything_is_written),
      cmocka_unit_test(limit_on_file_size_is_named),
      cmocka_unit_test(disk_that_fills_meanwhile_is_survived),
      cmocka_unit_test(other_files_are_refused_in_one_sentence),
      cmocka_unit_test(kill_in_mid_write_loses_nothing_committed),
  };
  return cmocka_run_group_tests_name("sweep_file", tests, make_folder, remove_folder);
}

int main(int argc, char **argv) {
  program = argv[0];
  if (argc == 3 && strcmp(argv[1], "create") == 0) return create_sample(argv[2]) == VJ_OK ? 0 : 1;
  if (MPI_Init(&argc, &argv) != MPI_SUCCESS || vj_comm_create(MPI_COMM_SELF, &self) != VJ_OK) return 1;
  const int result = argc == 3 ? write_until_killed(argv[2]) : argc == 2 ? write_sample(argv[1]) : run_all();
  vj_comm_destroy(&self);
  MPI_Finalize();
  return result;
}
