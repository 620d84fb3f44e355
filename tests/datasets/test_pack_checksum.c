/* The checksum of a pack: every changed byte outside of the frames and every cut is noticed, before HDF5 sees the file.
 */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "datasets/video/pack/pack_checksum.h"
#include "tests/support/testing.h"

enum { BYTES = 700, FRAMES = 100, FRAME_BYTES = 450, WHOLE = BYTES + VJ_PACK_CHECKSUM_BYTES };

static char path[64];

/* A file with these bytes, and their checksum where `has_checksum`. */
static int make_file(const unsigned char *bytes, size_t count, int has_checksum) {
  strcpy(path, "/tmp/vj-checksum-XXXXXX");
  const int file = mkstemp(path);
  vj_pack_checksum checksum = {.frames = FRAMES, .frame_bytes = FRAME_BYTES};
  assert_true(file >= 0);
  assert_int_equal(unlink(path), 0);
  assert_int_equal(write(file, bytes, count), (ssize_t)count);
  if (has_checksum) assert_ok(vj_pack_checksum_write(file, "p.h5", &checksum));
  return file;
}

static int make_whole(void) {
  unsigned char bytes[BYTES];
  for (int i = 0; i < BYTES; i++) bytes[i] = (unsigned char)(i * 31 % 251);
  return make_file(bytes, sizeof bytes, 1);
}

static void assert_refused(int file, const char *sentence) {
  vj_pack_checksum checksum;
  assert_error(vj_pack_checksum_check(file, "p.h5", &checksum), VJ_DATA, sentence);
}

static void what_was_written_fits(void **state) {
  (void)state;
  vj_pack_checksum checksum;
  const int file = make_whole();
  assert_ok(vj_pack_checksum_check(file, "p.h5", &checksum));
  assert_int_equal(checksum.frames, FRAMES);
  assert_int_equal(checksum.frame_bytes, FRAME_BYTES);
  assert_int_equal(checksum.bytes, BYTES);
  close(file);
}

/* Frames are not covered; all else is, the checksum included. */
static void a_changed_byte_is_noticed(void **state) {
  (void)state;
  vj_pack_checksum checksum;
  const int file = make_whole();
  for (int i = 0; i < WHOLE; i++) {
    unsigned char byte = 0;
    const int is_frame = i >= FRAMES && i < FRAMES + FRAME_BYTES;
    assert_int_equal(pread(file, &byte, 1, i), 1);
    byte ^= (unsigned char)(1 << i % 8);
    assert_int_equal(pwrite(file, &byte, 1, i), 1);
    const vj_status status = vj_pack_checksum_check(file, "p.h5", &checksum);
    if (status != (is_frame ? VJ_OK : VJ_DATA)) fail_msg("byte %d: %s", i, vj_status_text(status));
    byte ^= (unsigned char)(1 << i % 8);
    assert_int_equal(pwrite(file, &byte, 1, i), 1);
  }
  close(file);
}

static void a_cut_is_noticed(void **state) {
  (void)state;
  const int file = make_whole();
  for (int i = WHOLE - 1; i >= 0; i--) {
    assert_int_equal(ftruncate(file, i), 0);
    assert_refused(file, "p.h5: not a pack, or one that was cut short: `vjvcr data pack` makes one");
  }
  close(file);
}

static void sentences(void **state) {
  (void)state;
  unsigned char all[WHOLE + 1];
  int file = make_whole();
  assert_int_equal(pread(file, all, WHOLE, 0), WHOLE);
  close(file);
  all[3] ^= 4;
  file = make_file(all, WHOLE, 0);
  assert_refused(file, "p.h5: a damaged pack: its checksum does not fit; make it again with `vjvcr data pack`");
  close(file);
  memmove(all + 1, all, WHOLE); /* something was inserted */
  file = make_file(all, WHOLE + 1, 0);
  assert_refused(file, "p.h5: a damaged pack: its end does not fit its size; make it again with `vjvcr data pack`");
  close(file);
}

static void frames_must_lie_in_the_file(void **state) {
  (void)state;
  unsigned char bytes[FRAMES] = {0};
  vj_pack_checksum checksum = {.frames = 10, .frame_bytes = FRAMES};
  const int file = make_file(bytes, sizeof bytes, 0);
  assert_error(vj_pack_checksum_write(file, "p.h5", &checksum), VJ_INTERNAL, "p.h5: frames beyond the end of the file");
  close(file);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(what_was_written_fits),
      cmocka_unit_test(a_changed_byte_is_noticed),
      cmocka_unit_test(a_cut_is_noticed),
      cmocka_unit_test(sentences),
      cmocka_unit_test(frames_must_lie_in_the_file),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
