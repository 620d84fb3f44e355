/* What is remembered of files: found again while the file is the same, by any process, and never believed when damaged.
 */
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "datasets/video/annotation_cache.h"
#include "tests/support/testing.h"

static char folder[] = "/tmp/vj-annotations-XXXXXX";
static char memory[64], one[64], two[64];

static void put(const char *path, const char *text) {
  FILE *const file = fopen(path, "w");
  assert_non_null(file);
  assert_true(fputs(text, file) >= 0);
  assert_int_equal(fclose(file), 0);
}

static int set_up(void **state) {
  (void)state;
  if (!mkdtemp(folder)) return -1;
  snprintf(memory, sizeof memory, "%s/memory", folder);
  snprintf(one, sizeof one, "%s/one", folder);
  snprintf(two, sizeof two, "%s/two", folder);
  put(one, "first");
  put(two, "second");
  return 0;
}

static int tear_down(void **state) {
  char command[64];
  (void)state;
  snprintf(command, sizeof command, "rm -rf %s", folder);
  return system(command);
}

static vj_annotation_cache *opened(const char *path, const char *form) {
  vj_annotation_cache *r = NULL;
  assert_ok(vj_annotation_cache_open(path, form, &r));
  return r;
}

static void assert_known(const char *file, const char *text) {
  size_t bytes = 0;
  vj_annotation_cache *r = opened(memory, "words 1");
  const void *const known = vj_annotation_cache_find(r, file, &bytes);
  if (text) {
    assert_non_null(known);
    assert_int_equal((uintptr_t)known % 8, 0);
    assert_int_equal(bytes, strlen(text));
    assert_memory_equal(known, text, bytes);
  } else
    assert_null(known);
  vj_annotation_cache_close(&r);
  assert_null(r);
}

static void remember(const char *file, const char *text) {
  vj_annotation_cache *r = opened(memory, "words 1");
  assert_ok(vj_annotation_cache_add(r, file, text, strlen(text)));
  vj_annotation_cache_close(&r);
}

static void test_it_is_found_again_while_the_file_is_the_same(void **state) {
  (void)state;
  assert_known(one, NULL);
  remember(one, "of the first");
  remember(two, "two");
  assert_known(one, "of the first");
  assert_known(two, "two");
  put(one, "first, changed");
  assert_known(one, NULL);
  assert_known(two, "two");
  remember(one, "of the changed one");
  assert_known(one, "of the changed one"); /* the last counts */
  assert_int_equal(unlink(one), 0);
  assert_known(one, NULL);
  remember(one, "of nothing"); /* there is no file it could be known by */
  assert_known(one, NULL);
  assert_known(two, "two");
}

static void test_damage_is_not_believed(void **state) {
  (void)state;
  char bytes[4096];
  remember(two, "two");
  FILE *file = fopen(memory, "rb");
  const size_t count = fread(bytes, 1, sizeof bytes, file);
  fclose(file);
  for (size_t at = 0; at < count; at++) {
    bytes[at] ^= 4;
    file = fopen(memory, "wb");
    assert_int_equal(fwrite(bytes, 1, count, file), count);
    fclose(file);
    assert_known(two, NULL);
    bytes[at] ^= 4;
  }
  assert_int_equal(truncate(memory, (off_t)count - 8), 0);
  assert_known(two, NULL);
  remember(two, "anew");
  assert_known(two, "anew");
}

static void test_another_form_or_no_file_is_no_memory(void **state) {
  (void)state;
  size_t bytes;
  remember(two, "two");
  vj_annotation_cache *r = opened(memory, "words 2");
  assert_null(vj_annotation_cache_find(r, two, &bytes));
  vj_annotation_cache_close(&r);
  for (int i = 0; i < 2; i++) {
    r = opened(i ? "/nowhere/memory" : NULL, "words 1");
    assert_null(vj_annotation_cache_find(r, two, &bytes));
    assert_ok(vj_annotation_cache_add(r, two, "two", 3));
    vj_annotation_cache_close(&r);
  }
  assert_known(two, "two");
}

/* A second process that opens meanwhile waits, and finds what the first one has found. */
static void test_others_wait_for_the_first(void **state) {
  (void)state;
  size_t bytes = 0;
  int ends[2];
  (void)unlink(memory);
  assert_int_equal(pipe(ends), 0);
  const pid_t child = fork();
  if (child == 0) {
    vj_annotation_cache *other = NULL;
    char go;
    if (read(ends[0], &go, 1) != 1) _exit(2);
    const bool found = vj_annotation_cache_open(memory, "words 1", &other) == VJ_OK &&
                       vj_annotation_cache_find(other, two, &bytes) != NULL && bytes == 5;
    vj_annotation_cache_close(&other);
    _exit(found ? 0 : 1);
  }
  vj_annotation_cache *r = opened(memory, "words 1");
  assert_int_equal(write(ends[1], "!", 1), 1);
  nanosleep(&(struct timespec){.tv_nsec = 100000000}, NULL);
  assert_ok(vj_annotation_cache_add(r, two, "late!", 5));
  vj_annotation_cache_close(&r);
  int outcome = -1;
  assert_int_equal(waitpid(child, &outcome, 0), child);
  assert_int_equal(outcome, 0);
  close(ends[0]);
  close(ends[1]);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_it_is_found_again_while_the_file_is_the_same),
      cmocka_unit_test(test_damage_is_not_believed),
      cmocka_unit_test(test_another_form_or_no_file_is_no_memory),
      cmocka_unit_test(test_others_wait_for_the_first),
  };
  return cmocka_run_group_tests(tests, set_up, tear_down);
}
