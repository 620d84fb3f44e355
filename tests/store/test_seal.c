/* The seal of a sweep file: every byte that changes is noticed before HDF5 meets it, and the file can be made again. */
#include "framework/store/sweep_file/seal.h"
#include "tests/store/sweep_file_testing.h"

enum { ROWS = 3, POINTS = 5, TEXT = 24 };
enum { LOSS, SECONDS, STATE, ABOUT, SUM, TIME_SUM, COUNT };

static const vj_file_dimension dimensions[] = {{.name = "trial", .size = ROWS}, {.name = "step", .size = POINTS}};
static const vj_file_variable variables[COUNT] = {
    [LOSS] = {.name = "loss", .type = VJ_FILE_DOUBLE, .rank = 2, .dimension = {0, 1}, .checksum = "sum"},
    [SECONDS] = {.name = "seconds", .type = VJ_FILE_FLOAT, .rank = 1, .checksum = "time_sum"},
    [STATE] = {.name = "state", .type = VJ_FILE_INT64, .rank = 1, .checksum = "sum"},
    [ABOUT] = {.name = "about", .type = VJ_FILE_TEXT, .text_bytes = TEXT, .rank = 1, .is_fixed = true},
    [SUM] = {.name = "sum", .type = VJ_FILE_INT64, .rank = 1, .checksum = "sum"},
    [TIME_SUM] = {.name = "time_sum", .type = VJ_FILE_INT64, .rank = 1, .checksum = "time_sum"},
};
static const vj_file_attribute attributes[] = {{"title", "a sealed file"}};
static const vj_file_layout layout = {.dimension_count = 2,
                                      .variable_count = COUNT,
                                      .attribute_count = 1,
                                      .dimensions = dimensions,
                                      .variables = variables,
                                      .attributes = attributes};

static char path[PATH_BYTES];

static vj_status fill(void *context, vj_sweep_file *fresh) {
  char text[ROWS][TEXT] = {"first", "second", "third"};
  (void)context;
  return vj_sweep_file_write(fresh, vj_sweep_file_find(fresh, "about"), (int64_t[]){0}, (int64_t[]){ROWS}, text);
}

static vj_status write_row(vj_sweep_file *file, int64_t row) {
  const double losses[POINTS] = {1, 0.5, 0.25, (double)row, -1};
  const int64_t done = 2;
  VJ_TRY(vj_sweep_file_open_row(file, row));
  VJ_TRY(
      vj_sweep_file_write(file, vj_sweep_file_find(file, "loss"), (int64_t[]){row, 0}, (int64_t[]){1, POINTS}, losses));
  return vj_sweep_file_write(file, vj_sweep_file_find(file, "state"), &row, (int64_t[]){1}, &done);
}

/* With rows 0 and 2 written and sealed; row 1 is as it was made. */
static void make_file(void) {
  vj_sweep_file *file = NULL;
  unlink(in_folder("sealed.h5", path));
  assert_ok(vj_sweep_file_create(path, &layout, fill, NULL));
  assert_ok(vj_sweep_file_open(&self, path, &file));
  for (int64_t row = 0; row < ROWS; row += 2) {
    assert_ok(write_row(file, row));
    assert_ok(vj_sweep_file_seal_row(file, row));
  }
  vj_sweep_file_close(&file);
}

/* --- what is noticed --------------------------------------------------------------------------------------------- */

/* Whether anything is found to be wrong, by whatever was compared. */
static bool is_noticed(int descriptor) {
  vj_seal *seal = NULL;
  vj_seal_difference d;
  int copies = 0;
  assert_ok(vj_seal_read(path, descriptor, true, &seal, &copies));
  if (!seal) return true;
  assert_ok(vj_seal_compare(seal, path, descriptor, seal->end, &d));
  bool is_wrong = copies < VJ_SEAL_COPIES || d.bytes > 0;
  for (int h = vj_seal_holder(seal, 0); h >= 0; h = vj_seal_holder(seal, h + 1)) {
    uint32_t sums[ROWS];
    int64_t recorded[ROWS];
    assert_ok(vj_seal_sums(seal, path, descriptor, h, 0, ROWS, sums));
    assert_ok(vj_seal_recorded_sums(seal, path, descriptor, h, 0, ROWS, recorded));
    for (int i = 0; i < ROWS; i++) is_wrong = is_wrong || recorded[i] != sums[i];
  }
  vj_seal_free(&seal);
  return is_wrong;
}

static void every_changed_byte_is_noticed(void **state) {
  (void)state;
  size_t bytes = 0;
  make_file();
  unsigned char *all = read_whole(path, &bytes);
  const int descriptor = open(path, O_RDWR);
  assert_true(descriptor >= 0);
  assert_false(is_noticed(descriptor));
  for (size_t at = 0; at < bytes; at++) {
    const unsigned char changed = all[at] ^ (unsigned char)(1u << at % 8);
    assert_int_equal(pwrite(descriptor, &changed, 1, (off_t)at), 1);
    if (!is_noticed(descriptor)) fail_msg("byte %zu of %zu", at, bytes);
    assert_int_equal(pwrite(descriptor, &all[at], 1, (off_t)at), 1);
  }
  assert_false(is_noticed(descriptor));
  close(descriptor);
  free(all);
}

static vj_status look_at_all(void) {
  vj_sweep_file *file = NULL;
  vj_status status = vj_sweep_file_read_only(path, &file);
  if (status == VJ_OK) status = vj_sweep_file_check_rows(file);
  vj_sweep_file_close(&file);
  return status;
}

static void flip(off_t at) {
  unsigned char byte = 0;
  const int descriptor = open(path, O_RDWR);
  assert_int_equal(pread(descriptor, &byte, 1, at), 1);
  byte ^= 16;
  assert_int_equal(pwrite(descriptor, &byte, 1, at), 1);
  close(descriptor);
}

static off_t place_of(const char *name, int64_t row) {
  vj_seal *seal = NULL;
  int copies;
  const int descriptor = open(path, O_RDONLY);
  assert_ok(vj_seal_read(path, descriptor, false, &seal, &copies));
  close(descriptor);
  const int variable = vj_seal_find(seal, name);
  const off_t place =
      variable < 0 ? -1 : (off_t)(seal->variables[variable].place + row * seal->variables[variable].row_bytes);
  vj_seal_free(&seal);
  return place;
}

static void readers_say_what_has_changed(void **state) {
  (void)state;
  static const char remedy[] = "; `vjvcr verify` of its folder tells what can be saved";
  char rest[512];
  make_file();
  assert_ok(look_at_all());
  flip(place_of("loss", 2));
  snprintf(rest, sizeof rest, " is damaged: of trial 2 other values stand there than were recorded%s", remedy);
  assert_int_equal(look_at_all(), VJ_DATA);
  assert_sentence(path, rest);
  make_file();
  flip(place_of("seconds", 0));
  snprintf(rest, sizeof rest, " is damaged: of trial 0 other values stand there than were recorded%s", remedy);
  assert_int_equal(look_at_all(), VJ_DATA);
  assert_sentence(path, rest);
  make_file();
  flip(700);
  snprintf(rest, sizeof rest, " is damaged: 1 byte of its structure has changed, the first at 700%s", remedy);
  assert_int_equal(look_at_all(), VJ_DATA);
  assert_sentence(path, rest);
  make_file();
  size_t bytes = 0;
  free(read_whole(path, &bytes));
  flip((off_t)bytes - 1);
  snprintf(rest, sizeof rest,
           " is damaged: its seal, which stands at its end, is broken or gone, so that the rest can't be checked%s",
           remedy);
  assert_int_equal(look_at_all(), VJ_DATA);
  assert_sentence(path, rest);
}

/* --- rows -------------------------------------------------------------------------------------------------------- */

static void a_row_that_is_written_has_no_checksums(void **state) {
  (void)state;
  vj_sweep_file *file = NULL;
  bool is_sealed = false;
  make_file();
  assert_ok(vj_sweep_file_open(&self, path, &file));
  assert_ok(vj_sweep_file_row_is_sealed(file, 1, &is_sealed));
  assert_true(is_sealed);
  assert_ok(write_row(file, 1));
  assert_ok(vj_sweep_file_row_is_sealed(file, 1, &is_sealed));
  assert_false(is_sealed);
  assert_ok(look_at_all());
  assert_ok(vj_sweep_file_seal_row(file, 1));
  assert_ok(vj_sweep_file_row_is_sealed(file, 1, &is_sealed));
  assert_true(is_sealed);
  vj_sweep_file_close(&file);
  assert_ok(look_at_all());
  flip(place_of("state", 1));
  assert_int_equal(look_at_all(), VJ_DATA);
}

static void a_row_that_is_emptied_is_as_it_was_made(void **state) {
  (void)state;
  vj_sweep_file *file = NULL;
  int64_t sums[ROWS] = {0};
  make_file();
  assert_ok(vj_sweep_file_open(&self, path, &file));
  assert_ok(vj_sweep_file_empty_row(file, 2));
  assert_ok(vj_sweep_file_seal_row(file, 2));
  assert_ok(vj_sweep_file_read(file, vj_sweep_file_find(file, "sum"), (int64_t[]){0}, (int64_t[]){ROWS}, sums));
  assert_int_equal(sums[2], sums[1]); /* nothing was ever written there */
  assert_int_not_equal(sums[0], sums[1]);
  vj_sweep_file_close(&file);
  assert_ok(look_at_all());
}

static void what_is_fixed_is_not_written(void **state) {
  (void)state;
  vj_sweep_file *file = NULL;
  char text[TEXT] = "other", sentence[PATH_BYTES + 64];
  make_file();
  assert_ok(vj_sweep_file_open(&self, path, &file));
  snprintf(sentence, sizeof sentence, "%s: about is fixed since the file was made", path);
  assert_error(vj_sweep_file_write(file, vj_sweep_file_find(file, "about"), (int64_t[]){0}, (int64_t[]){1}, text),
               VJ_INTERNAL, sentence);
  vj_sweep_file_close(&file);
}

/* --- made again -------------------------------------------------------------------------------------------------- */

/* The file made again from its seal and its rows; NULL: it has no whole copy. */
static unsigned char *rescue(size_t *bytes) {
  vj_seal *seal = NULL;
  int copies = 0;
  char other[PATH_BYTES];
  const int from = open(path, O_RDONLY), to = open(in_folder("rescued.h5", other), O_RDWR | O_CREAT | O_TRUNC, 0666);
  assert_true(from >= 0 && to >= 0);
  assert_ok(vj_seal_read(path, from, true, &seal, &copies));
  if (seal) {
    assert_int_equal(vj_seal_copy_rows(seal, from, to), 0);
    assert_int_equal(vj_seal_write(seal, to), 0);
  }
  close(from);
  close(to);
  unsigned char *all = seal ? read_whole(other, bytes) : NULL;
  vj_seal_free(&seal);
  return all;
}

static void a_changed_structure_is_made_again(void **state) {
  (void)state;
  size_t bytes = 0, found = 0;
  make_file();
  unsigned char *all = read_whole(path, &bytes);
  const int descriptor = open(path, O_RDWR);
  for (size_t at = 0; at < bytes; at += 101) {
    const unsigned char zeros[16] = {0};
    const size_t count = bytes - at < sizeof zeros ? bytes - at : sizeof zeros;
    vj_seal *seal = NULL;
    vj_seal_difference d = {0};
    int copies = 0;
    assert_int_equal(pwrite(descriptor, zeros, count, (off_t)at), count);
    assert_ok(vj_seal_read(path, descriptor, true, &seal, &copies));
    assert_non_null(seal);
    assert_ok(vj_seal_compare(seal, path, descriptor, seal->end, &d));
    const bool is_around_rows = copies < VJ_SEAL_COPIES || d.bytes == (int64_t)count;
    vj_seal_free(&seal);
    if (is_around_rows) {
      unsigned char *again = rescue(&found);
      assert_int_equal(found, bytes);
      if (memcmp(again, all, bytes) != 0) fail_msg("%zu bytes from %zu on", count, at);
      free(again);
    }
    assert_int_equal(pwrite(descriptor, all + at, count, (off_t)at), count);
  }
  close(descriptor);
  free(all);
}

/* One copy suffices, wherever the file ends. */
static void a_cut_is_made_good_up_to_the_first_copy(void **state) {
  (void)state;
  size_t bytes = 0, found = 0, made_again = 0;
  make_file();
  unsigned char *all = read_whole(path, &bytes);
  for (size_t size = bytes - 1; size > bytes / 2; size -= 37) {
    assert_int_equal(truncate(path, (off_t)size), 0);
    assert_int_equal(look_at_all(), VJ_DATA);
    unsigned char *again = rescue(&found);
    if (again) {
      assert_int_equal(found, bytes);
      assert_memory_equal(again, all, bytes);
      made_again++;
    }
    free(again);
  }
  assert_true(made_again * 37 > 256);
  free(all);
}

static void an_emptied_row_is_that_of_a_fresh_file(void **state) {
  (void)state;
  vj_seal *seal = NULL;
  int copies = 0;
  make_file();
  const int descriptor = open(path, O_RDWR);
  assert_ok(vj_seal_read(path, descriptor, true, &seal, &copies));
  for (int h = vj_seal_holder(seal, 0); h >= 0; h = vj_seal_holder(seal, h + 1)) {
    uint32_t sums[ROWS];
    assert_int_equal(vj_seal_empty_row(seal, descriptor, h, 2), 0);
    assert_ok(vj_seal_put_sum(seal, path, descriptor, h, 2));
    assert_ok(vj_seal_sums(seal, path, descriptor, h, 0, ROWS, sums));
    assert_int_equal(sums[2], sums[1]); /* nothing was ever written there */
  }
  vj_seal_free(&seal);
  close(descriptor);
  assert_ok(look_at_all());
}

static int run(int argc, char **argv) {
  (void)argc;
  (void)argv;
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(every_changed_byte_is_noticed),
      cmocka_unit_test(readers_say_what_has_changed),
      cmocka_unit_test(a_row_that_is_written_has_no_checksums),
      cmocka_unit_test(a_row_that_is_emptied_is_as_it_was_made),
      cmocka_unit_test(what_is_fixed_is_not_written),
      cmocka_unit_test(a_changed_structure_is_made_again),
      cmocka_unit_test(a_cut_is_made_good_up_to_the_first_copy),
      cmocka_unit_test(an_emptied_row_is_that_of_a_fresh_file),
  };
  return cmocka_run_group_tests_name("seal", tests, make_folder, remove_folder);
}

int main(int argc, char **argv) { return with_mpi(argc, argv, run); }
