/* Files that are no whole video are told in a sentence, and damage is found where it is. */
#include "tests/datasets/video_testing.h"

static void assert_refused(const char *name, const char *sentence) {
  char expected[512];
  vj_video_info info;
  snprintf(expected, sizeof expected, "%s: %s", in_folder(name), sentence);
  assert_int_not_equal(vj_video_probe(in_folder(name), &info, NULL), VJ_OK);
  assert_string_equal(vj_error_message(), expected);
}

static void test_broken_files_are_told(void **state) {
  static const uint8_t text[] = "no video\n";
  (void)state;
  write_bytes("empty.mp4", text, 0);
  write_bytes("text.mp4", text, sizeof text - 1);
  assert_refused("missing.mp4", "can't be opened: No such file or directory");
  assert_refused("empty.mp4", "the file is empty");
  assert_refused("text.mp4", "not a video: Invalid data found when processing input (moov atom not found)");
  need(make("-c:v libx264 -pix_fmt yuv420p", "end.mp4"), X264);
  need(make("-c:v libvpx-vp9 -b:v 200k -cpu-used 8", "cut.webm"), VP9);
  assert_true(make("-c:v libx264 -pix_fmt yuv420p -movflags +faststart", "start.mp4"));
  assert_true(ffmpeg("-f lavfi -i sine=duration=1 song.mp4"));
  assert_true(make("-c:v mjpeg", "cut.avi"));
  assert_refused("song.mp4", "no pictures in it, only sound");
  copy_part("end.mp4", "half.mp4", 0.5);
  assert_refused("half.mp4", "not a video: Invalid data found when processing input (moov atom not found)");
  static const char *const cut[][2] = {
      {"start.mp4", "half-start.mp4"}, {"cut.avi", "half.avi"}, {"cut.webm", "half.webm"}};
  for (int i = 0; i < 3; i++) {
    vj_video_info info;
    copy_part(cut[i][0], cut[i][1], 0.5);
    assert_int_equal(vj_video_probe(in_folder(cut[i][1]), &info, NULL), VJ_DATA);
    assert_non_null(strstr(vj_error_message(), ": cut short: "));
  }
}

static void test_content_counts_not_the_name(void **state) {
  vj_video_info info;
  (void)state;
  need(make("-c:v libvpx-vp9 -b:v 200k -cpu-used 8", "right.webm"), VP9);
  copy_part("right.webm", "wrong.mp4", 1.0);
  assert_ok(vj_video_probe(in_folder("wrong.mp4"), &info, NULL));
  assert_string_equal(info.container, "matroska");
  assert_int_equal(info.frames, FRAMES);
}

/* Damage in the middle: frames before it are what they were, those that may depend on it are not whole (entropy codes
 * hide some), and which these
 * are does not depend on what else is asked for. */
static void test_damage_is_found_where_it_is(void **state) {
  enum { H = 8, W = 8, BYTES = H * W };
  uint8_t before[FRAMES * BYTES], after[FRAMES * BYTES], one[BYTES];
  bool whole[FRAMES], is_whole;
  const vj_video_request all = {.stride = 1, .count = FRAMES, .height = H, .width = W, .grey = true};
  vj_video *video = NULL;
  size_t count;
  int damaged = 0;
  (void)state;
  need(make("-c:v libx264 -g 12 -bf 2 -pix_fmt yuv420p", "sound.mp4"), X264);
  assert_ok(vj_video_read(in_folder("sound.mp4"), &all, before, NULL));
  uint8_t *bytes = read_bytes(in_folder("sound.mp4"), &count);
  for (size_t i = 0; i < 60; i++) bytes[count * 2 / 5 + i] ^= 0x5a;
  write_bytes("damaged.mp4", bytes, count);
  free(bytes);
  assert_ok(vj_video_open(in_folder("damaged.mp4"), &video));
  assert_ok(vj_video_frames(video, &all, after, whole, NULL));
  for (int64_t i = 0; i < FRAMES; i++) {
    const vj_video_request single = {.start = i, .stride = 1, .count = 1, .height = H, .width = W, .grey = true};
    damaged += !whole[i];
    if (i < 12) assert_memory_equal(after + i * BYTES, before + i * BYTES, BYTES); /* before the damage */
    assert_ok(vj_video_frames(video, &single, one, &is_whole, NULL));
    assert_int_equal(is_whole, whole[i]);
    assert_memory_equal(one, after + i * BYTES, BYTES);
  }
  assert_in_range(damaged, 1, FRAMES - 12);
  vj_video_close(&video);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_broken_files_are_told),
      cmocka_unit_test(test_content_counts_not_the_name),
      cmocka_unit_test(test_damage_is_found_where_it_is),
  };
  return cmocka_run_group_tests(tests, set_up, tear_down);
}
