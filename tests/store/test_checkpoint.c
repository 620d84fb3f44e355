/* Checkpoints: every damaged byte and every cut is noticed, and no failure or kill harms what was saved before. */
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "framework/store/checkpoint.h"
#include "tests/support/testing.h"

enum { PATH_BYTES = 256, SMALL = 700, LARGE = 3 << 20, KILLS = 20 };

static char folder[64], path[PATH_BYTES];

static const char *slot_of(int slot) {
  static char name[PATH_BYTES + 8];
  snprintf(name, sizeof name, "%s.%d", path, slot);
  return name;
}

/* Bytes that follow from the serial, so that what is read can be told. */
static unsigned char *image_of(uint64_t serial, size_t bytes) {
  unsigned char *image = malloc(bytes);
  uint64_t state = serial * 0x9e3779b97f4a7c15u + 1;
  for (size_t i = 0; image && i < bytes; i++) {
    state = state * 6364136223846793005u + 1442695040888963407u;
    image[i] = (unsigned char)(state >> 56);
  }
  return image;
}

static vj_status save(uint64_t serial, size_t bytes) {
  unsigned char *image = image_of(serial, bytes);
  assert_non_null(image);
  const vj_status status = vj_checkpoint_write(path, serial, image, bytes);
  free(image);
  return status;
}

static void assert_whole(int slot, uint64_t serial, size_t bytes) {
  vj_generation g;
  const vj_status status = vj_checkpoint_read(path, slot, &g);
  if (status != VJ_OK) print_error("%s\n", vj_error_message());
  assert_ok(status);
  assert_non_null(g.image);
  assert_int_equal(g.serial, serial);
  assert_int_equal(g.bytes, bytes);
  unsigned char *image = image_of(serial, bytes);
  assert_memory_equal(g.image, image, bytes);
  free(image);
  vj_generation_free(&g);
}

static void assert_damaged(int slot, const char *how) {
  vj_generation g;
  char expected[PATH_BYTES + 128];
  assert_int_equal(vj_checkpoint_read(path, slot, &g), VJ_DATA);
  snprintf(expected, sizeof expected, "%s: this checkpoint is damaged: %s", slot_of(slot), how);
  if (how) assert_string_equal(vj_error_message(), expected);
  assert_null(g.image);
  vj_generation_free(&g);
}

static void change_byte(int slot, off_t at, unsigned char mask) {
  unsigned char byte;
  const int descriptor = open(slot_of(slot), O_RDWR);
  assert_true(descriptor >= 0);
  assert_int_equal(pread(descriptor, &byte, 1, at), 1);
  byte ^= mask;
  assert_int_equal(pwrite(descriptor, &byte, 1, at), 1);
  close(descriptor);
}

static off_t size_of(int slot) {
  struct stat about;
  return stat(slot_of(slot), &about) == 0 ? about.st_size : -1;
}

/* --- one process --------------------------------------------------------------------------------------------- */

static void generations_alternate(void **state) {
  (void)state;
  vj_generation g;
  assert_ok(vj_checkpoint_read(path, 0, &g));
  assert_null(g.image);
  vj_generation_free(&g);
  assert_ok(save(1, SMALL));
  assert_int_equal(size_of(0), -1);
  assert_ok(save(2, SMALL + 1));
  assert_whole(1, 1, SMALL);
  assert_whole(0, 2, SMALL + 1);
  assert_ok(save(3, SMALL - 1));
  assert_whole(0, 2, SMALL + 1);
  assert_whole(1, 3, SMALL - 1);
  vj_checkpoint_remove(path);
  assert_int_equal(size_of(0), -1);
  assert_int_equal(size_of(1), -1);
}

/* 28 bytes at the end, with the CRC-32 that Python's zlib finds for them (of an empty image with serial 1). */
static void footer_is_as_documented(void **state) {
  (void)state;
  static const unsigned char expected[28] = {'v', 'j', 'v', 'c', 'r', 'c', 'k', '1', 1, 0, 0, 0, 0, 0,
                                             0,   0,   0,   0,   0,   0,   0,   0,   0, 0, 0, 0, 0, 0};
  unsigned char there[28] = {0};
  assert_ok(vj_checkpoint_write(path, 1, there, 0));
  FILE *stream = fopen(slot_of(1), "rb");
  assert_non_null(stream);
  assert_int_equal(fread(there, 1, sizeof there, stream), sizeof there);
  fclose(stream);
  assert_memory_equal(there, expected, 24);
  static const unsigned char crc[4] = {0xa0, 0x56, 0x8b, 0x18};
  assert_memory_equal(there + 24, crc, 4);
}

static void every_flipped_byte_is_noticed(void **state) {
  (void)state;
  assert_ok(save(1, SMALL));
  for (off_t i = 0; i < size_of(1); i++) {
    static const unsigned char masks[] = {0x01, 0x80, 0xff};
    for (size_t m = 0; m < sizeof masks; m++) {
      change_byte(1, i, masks[m]);
      assert_damaged(1, i < SMALL ? "its checksum does not fit" : NULL);
      change_byte(1, i, masks[m]);
    }
  }
  assert_whole(1, 1, SMALL);
  assert_ok(save(2, LARGE));
  for (off_t i = 0; i < size_of(0); i += 104729) {
    change_byte(0, i, 0x10);
    assert_damaged(0, "its checksum does not fit");
    change_byte(0, i, 0x10);
  }
  assert_whole(0, 2, LARGE);
}

static void every_cut_is_noticed(void **state) {
  (void)state;
  assert_ok(save(2, LARGE));
  const off_t whole = size_of(0);
  for (int i = 63; i >= 0; i--) {
    assert_int_equal(truncate(slot_of(0), whole * i / 64), 0);
    assert_damaged(0, "it is cut off");
  }
  assert_ok(save(1, SMALL));
  for (off_t left = size_of(1) - 1; left >= 0; left--) {
    assert_int_equal(truncate(slot_of(1), left), 0);
    assert_damaged(1, "it is cut off");
  }
  /* Nor may anything be added. */
  assert_ok(save(1, SMALL));
  FILE *stream = fopen(slot_of(1), "ab");
  assert_non_null(stream);
  fputc(0, stream);
  fclose(stream);
  assert_damaged(1, "it is cut off");
}

/* A generation in the other's place would be taken for a newer or an older one. */
static void a_file_in_the_wrong_place_is_noticed(void **state) {
  (void)state;
  char other[PATH_BYTES + 8];
  assert_ok(save(1, SMALL));
  snprintf(other, sizeof other, "%s", slot_of(1));
  assert_int_equal(rename(other, slot_of(0)), 0);
  assert_damaged(0, "its checksum does not fit");
}

/* --- failures and kills -------------------------------------------------------------------------------------- */

static void a_full_disk_leaves_what_was_there(void **state) {
  (void)state;
  struct rlimit before, low;
  char expected[PATH_BYTES + 128];
  assert_ok(save(1, SMALL));
  assert_ok(save(2, SMALL));
  assert_int_equal(getrlimit(RLIMIT_FSIZE, &before), 0);
  for (rlim_t room = 0; room < SMALL; room += 97) {
    low = (struct rlimit){room, before.rlim_max};
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &low), 0);
    const vj_status status = save(3, SMALL);
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &before), 0);
    assert_int_equal(status, VJ_IO);
    snprintf(expected, sizeof expected,
             "%s: this checkpoint can't be written: it needs more than a file may have here (see ulimit -f)",
             slot_of(1));
    assert_string_equal(vj_error_message(), expected);
    assert_whole(1, 1, SMALL);
    assert_whole(0, 2, SMALL);
    snprintf(expected, sizeof expected, "%s.new", path);
    assert_int_equal(access(expected, F_OK), -1);
  }
}

/* Its folder is gone, and a file stands in its place. */
static void an_impossible_folder_is_a_sentence(void **state) {
  (void)state;
  char expected[2 * PATH_BYTES];
  snprintf(path, sizeof path, "%s/file/trial-0000", folder);
  snprintf(expected, sizeof expected, "%s/file", folder);
  fclose(fopen(expected, "w"));
  assert_int_equal(save(1, SMALL), VJ_IO);
  snprintf(expected, sizeof expected, "%s: this checkpoint can't be written: Not a directory", slot_of(1));
  assert_string_equal(vj_error_message(), expected);
  snprintf(expected, sizeof expected, "%s/file", folder);
  unlink(expected);
}

/* Killed at any moment of writing, the newest whole generation is never older than the last that was finished. */
static void kills_lose_nothing_that_was_saved(void **state) {
  (void)state;
  uint64_t next = 1;
  for (int k = 0; k < KILLS; k++) {
    int ends[2], result;
    uint64_t finished = next - 1;
    assert_int_equal(pipe(ends), 0);
    const pid_t child = fork();
    assert_true(child >= 0);
    if (child == 0)
      for (uint64_t serial = next;; serial++)
        if (save(serial, 1 << 16) != VJ_OK || write(ends[1], &serial, sizeof serial) != sizeof serial) _exit(1);
    close(ends[1]);
    nanosleep(&(struct timespec){.tv_nsec = 1000000L * (5 + 3 * k)}, NULL);
    assert_int_equal(kill(child, SIGKILL), 0);
    assert_int_equal(waitpid(child, &result, 0), child);
    for (uint64_t told; read(ends[0], &told, sizeof told) == (ssize_t)sizeof told;) finished = told;
    close(ends[0]);
    uint64_t newest = 0;
    for (int slot = 0; slot < VJ_GENERATIONS; slot++) {
      vj_generation g;
      assert_ok(vj_checkpoint_read(path, slot, &g));
      if (g.image && g.serial > newest) newest = g.serial;
      if (g.image) assert_whole(slot, g.serial, 1 << 16);
      vj_generation_free(&g);
    }
    assert_true(newest == finished || newest == finished + 1);
    next = newest + 1;
  }
  assert_true(next > KILLS);
}

/* --- main ---------------------------------------------------------------------------------------------------- */

static int make_folder(void **state) {
  (void)state;
  signal(SIGXFSZ, SIG_IGN);
  snprintf(folder, sizeof folder, "/tmp/vjvcr-checkpoint-XXXXXX");
  return mkdtemp(folder) ? 0 : -1;
}

static int set_path(void **state) {
  (void)state;
  snprintf(path, sizeof path, "%s/checkpoints/trial-0007", folder);
  return 0;
}

static int remove_all(void **state) {
  (void)state;
  char checkpoints[PATH_BYTES];
  vj_checkpoint_remove(path);
  snprintf(checkpoints, sizeof checkpoints, "%s/checkpoints", folder);
  rmdir(checkpoints);
  return 0;
}

static int remove_folder(void **state) {
  (void)state;
  return rmdir(folder);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test_setup_teardown(generations_alternate, set_path, remove_all),
      cmocka_unit_test_setup_teardown(footer_is_as_documented, set_path, remove_all),
      cmocka_unit_test_setup_teardown(every_flipped_byte_is_noticed, set_path, remove_all),
      cmocka_unit_test_setup_teardown(every_cut_is_noticed, set_path, remove_all),
      cmocka_unit_test_setup_teardown(a_file_in_the_wrong_place_is_noticed, set_path, remove_all),
      cmocka_unit_test_setup_teardown(a_full_disk_leaves_what_was_there, set_path, remove_all),
      cmocka_unit_test_setup_teardown(an_impossible_folder_is_a_sentence, set_path, remove_all),
      cmocka_unit_test_setup_teardown(kills_lose_nothing_that_was_saved, set_path, remove_all),
  };
  return cmocka_run_group_tests_name("checkpoint", tests, make_folder, remove_folder);
}
