/* Whichever NaN a computation gave, files hold the quiet one without sign and payload; no other number changes. */
#include <hdf5.h>
#include <math.h>

#include "framework/base/canonical_nan.h"
#include "framework/store/array_file.h"
#include "tests/store/sweep_file_testing.h"

/* Bits: 0/0 of x86, one with payload, a signalling one; what must stay: infinities, both zeros, a small number. */
static const uint32_t odd_floats[] = {0xffc00000u, 0x7fc00123u, 0x7f800001u, 0x7fc00000u, 0x7f800000u,
                                      0xff800000u, 0x80000000u, 0u,          1u,          0xbf800000u};
static const uint32_t right_floats[] = {0x7fc00000u, 0x7fc00000u, 0x7fc00000u, 0x7fc00000u, 0x7f800000u,
                                        0xff800000u, 0x80000000u, 0u,          1u,          0xbf800000u};
static const uint64_t odd_doubles[] = {0xfff8000000000000u, 0x7ff0000000000001u, 0x8000000000000000u,
                                       0x7ff0000000000000u};
static const uint64_t right_doubles[] = {0x7ff8000000000000u, 0x7ff8000000000000u, 0x8000000000000000u,
                                         0x7ff0000000000000u};
enum { FLOATS = sizeof odd_floats / sizeof *odd_floats, DOUBLES = sizeof odd_doubles / sizeof *odd_doubles };

static void numbers_without_odd_nan_are_not_copied(void **state) {
  const void *written;
  void *copy;
  (void)state;
  assert_ok(vj_canonical_nan(right_floats, FLOATS, sizeof(float), &written, &copy));
  assert_ptr_equal(written, right_floats);
  assert_null(copy);
  assert_ok(vj_canonical_nan(odd_floats, 0, sizeof(float), &written, &copy));
  assert_ptr_equal(written, odd_floats);
}

static void arrays_hold_one_nan(void **state) {
  vj_array_file *file;
  uint32_t floats[FLOATS];
  uint64_t doubles[DOUBLES];
  const int64_t float_count = FLOATS, double_count = DOUBLES;
  (void)state;
  assert_ok(vj_array_file_create_image("numbers", &file));
  assert_ok(vj_array_file_put(file, "floats", VJ_ARRAY_FLOAT, 1, &float_count, odd_floats, NULL));
  assert_ok(vj_array_file_put(file, "doubles", VJ_ARRAY_DOUBLE, 1, &double_count, odd_doubles, NULL));
  assert_ok(vj_array_file_get(file, "floats", VJ_ARRAY_FLOAT, floats));
  assert_ok(vj_array_file_get(file, "doubles", VJ_ARRAY_DOUBLE, doubles));
  assert_memory_equal(floats, right_floats, sizeof floats);
  assert_memory_equal(doubles, right_doubles, sizeof doubles);
  assert_ok(vj_array_file_close(&file, 0));
}

/* Numbers of one rectangle go into the file in several runs. */
static void a_sweep_file_holds_one_nan(void **state) {
  char path[PATH_BYTES];
  vj_sweep_file *file;
  uint32_t floats[6];
  uint64_t doubles[3];
  (void)state;
  fresh_sample("nan.h5", path);
  assert_ok(vj_sweep_file_open(&self, path, &file));
  assert_ok(vj_sweep_file_write(file, TRAIN_LOSS, (int64_t[]){1, 2}, (int64_t[]){2, 3}, odd_floats));
  assert_ok(vj_sweep_file_read(file, TRAIN_LOSS, (int64_t[]){1, 2}, (int64_t[]){2, 3}, floats));
  assert_memory_equal(floats, right_floats, sizeof floats);
  assert_ok(vj_sweep_file_write(file, WEIGHT, (int64_t[]){0}, (int64_t[]){3}, odd_doubles));
  assert_ok(vj_sweep_file_read(file, WEIGHT, (int64_t[]){0}, (int64_t[]){3}, doubles));
  assert_memory_equal(doubles, right_doubles, sizeof doubles);
  vj_sweep_file_close(&file);
}

/* What nobody has written yet is the same NaN. */
static void an_empty_sweep_file_holds_it(void **state) {
  char path[PATH_BYTES];
  vj_sweep_file *file;
  uint64_t number;
  (void)state;
  fresh_sample("empty.h5", path);
  assert_ok(vj_sweep_file_open(&self, path, &file));
  assert_ok(vj_sweep_file_read(file, WEIGHT, (int64_t[]){3}, (int64_t[]){1}, &number));
  assert_true(number == right_doubles[0]);
  vj_sweep_file_close(&file);
}

static int run(int argc, char **argv) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(numbers_without_odd_nan_are_not_copied),
      cmocka_unit_test(arrays_hold_one_nan),
      cmocka_unit_test(a_sweep_file_holds_one_nan),
      cmocka_unit_test(an_empty_sweep_file_holds_it),
  };
  (void)argc;
  (void)argv;
  return cmocka_run_group_tests_name("canonical_nan", tests, make_folder, remove_folder);
}

int main(int argc, char **argv) { return with_mpi(argc, argv, run); }
