/* A file gets its name when it is whole: nothing is left aside, and what had the name stays until then. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "framework/base/atomic_file.h"
#include "tests/support/testing.h"

static char folder[] = "/tmp/vjvcr-atomic-XXXXXX";
static char path[64], temporary[64];

static int make_folder(void **state) {
  (void)state;
  if (!mkdtemp(folder)) return -1;
  snprintf(path, sizeof path, "%s/file", folder);
  snprintf(temporary, sizeof temporary, "%s/aside", folder);
  return 0;
}

static int remove_folder(void **state) {
  (void)state;
  unlink(path);
  return rmdir(folder); /* fails if anything else is left in it */
}

static void assert_holds(const char *expected) {
  char got[64] = "";
  FILE *file = fopen(path, "r");
  assert_non_null(file);
  assert_int_equal(fread(got, 1, sizeof got, file), strlen(expected));
  fclose(file);
  assert_string_equal(got, expected);
}

static int write_two(const char *name) {
  char first[] = "one, ", second[] = "two";
  return vj_atomic_write(name, temporary, (struct iovec[]){{first, 5}, {second, 3}}, 2);
}

static void pieces_are_written_one_behind_the_other(void **state) {
  (void)state;
  assert_int_equal(write_two(path), 0);
  assert_holds("one, two");
  assert_int_not_equal(access(temporary, F_OK), 0);
}

static void what_fails_leaves_what_was_there(void **state) {
  (void)state;
  assert_int_equal(write_two(path), 0);
  assert_int_equal(vj_atomic_publish(temporary, path), ENOENT); /* nothing was written aside */
  assert_int_not_equal(write_two(folder), 0);                   /* a folder is not replaced */
  assert_int_not_equal(access(temporary, F_OK), 0);
  assert_holds("one, two");
}

static void a_stream_that_is_dropped_leaves_what_was_there(void **state) {
  vj_atomic_file file;
  (void)state;
  assert_int_equal(write_two(path), 0);
  assert_ok(vj_atomic_file_open(path, &file));
  assert_ok(vj_atomic_file_write(&file, "half", 4));
  assert_holds("one, two");
  assert_ok(vj_atomic_file_close(&file, false));
  assert_holds("one, two");
  assert_ok(vj_atomic_file_open(path, &file));
  assert_ok(vj_atomic_file_write(&file, "whole", 5));
  assert_ok(vj_atomic_file_close(&file, true));
  assert_holds("whole");
}

int main(void) {
  const struct CMUnitTest tests[] = {cmocka_unit_test(pieces_are_written_one_behind_the_other),
                                     cmocka_unit_test(what_fails_leaves_what_was_there),
                                     cmocka_unit_test(a_stream_that_is_dropped_leaves_what_was_there)};
  return cmocka_run_group_tests(tests, make_folder, remove_folder);
}
