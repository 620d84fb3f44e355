/* Videos written by the ffmpeg program: frames are its frames, whichever way they are reached. */
#include "datasets/video/frame_index_cache.h"
#include "datasets/video/scan.h"
#include "tests/datasets/video_testing.h"

typedef struct form {
  const char *name, *options, *codec;
} form;

static const form forms[] = {
    {"h264.mp4", "-c:v libx264 -g 12 -bf 2 -pix_fmt yuv420p", "h264"},
    {"fragments.mp4", "-c:v libx264 -g 12 -bf 2 -pix_fmt yuv420p -movflags frag_keyframe+empty_moov", "h264"},
    {"vp9.webm", "-c:v libvpx-vp9 -g 15 -b:v 200k -cpu-used 8", "vp9"},
    {"vp8.webm", "-c:v libvpx -auto-alt-ref 1 -lag-in-frames 16 -g 20 -cpu-used 8 -b:v 200k", "vp8"},
    {"mjpeg.avi", "-c:v mjpeg", "mjpeg"},
    {"mpeg4.avi", "-c:v mpeg4 -bf 2 -g 12", "mpeg4"},
    {"h264.avi", "-c:v libx264 -bf 2 -pix_fmt yuv420p", "h264"},
    {"open_gop.mkv", "-c:v libx264 -g 12 -x264-params open-gop=1 -bf 3 -pix_fmt yuv420p", "h264"},
    {"intra_refresh.mkv", "-c:v libx264 -x264-params intra-refresh=1:keyint=20 -pix_fmt yuv420p", "h264"},
    {"h264.ts", "-c:v libx264 -g 12 -bf 2 -pix_fmt yuv420p", "h264"},
    {"raw.h264", "-c:v libx264 -g 12 -bf 2 -pix_fmt yuv420p", "h264"},
    {"a.gif", "", "gif"},
};

/* Makes one of them, unless an earlier test did. */
static void make_form(size_t k) {
  char what[64];
  snprintf(what, sizeof what, "an ffmpeg that makes %s", forms[k].name);
  need(access(in_folder(forms[k].name), R_OK) == 0 || make(forms[k].options, forms[k].name), what);
}

/* What ffmpeg itself shows, grey, each decoded frame once: [frames, HEIGHT, WIDTH]. */
static uint8_t *shown_by_ffmpeg(const char *name, int64_t frames) {
  char arguments[512];
  size_t count;
  snprintf(arguments, sizeof arguments,
           "-i %s -vsync passthrough -pix_fmt gray -sws_flags bilinear+accurate_rnd+bitexact+full_chroma_int "
           "-f rawvideo shown.raw",
           name);
  assert_true(ffmpeg(arguments));
  uint8_t *shown = read_bytes(in_folder("shown.raw"), &count);
  assert_int_equal(count, frames * PIXELS);
  return shown;
}

static void test_frames_are_those_of_ffmpeg(void **state) {
  (void)state;
  for (size_t k = 0; k < sizeof forms / sizeof *forms; k++) {
    vj_video_info info;
    make_form(k);
    assert_ok(vj_video_probe(in_folder(forms[k].name), &info, NULL));
    assert_int_equal(info.frames, FRAMES);
    assert_int_equal(info.width, WIDTH);
    assert_int_equal(info.height, HEIGHT);
    assert_string_equal(info.codec, forms[k].codec);
    const vj_video_request all = {.stride = 1, .count = FRAMES, .height = HEIGHT, .width = WIDTH, .grey = true};
    uint8_t *ours = malloc(FRAMES * PIXELS), *shown = shown_by_ffmpeg(forms[k].name, FRAMES);
    assert_ok(vj_video_read(in_folder(forms[k].name), &all, ours, NULL));
    if (memcmp(ours, shown, FRAMES * PIXELS) != 0) print_error("%s differs\n", forms[k].name);
    assert_memory_equal(ours, shown, FRAMES * PIXELS);
    free(ours);
    free(shown);
  }
}

static void test_any_way_to_a_frame_gives_the_same_bytes(void **state) {
  enum { H = 11, W = 13, BYTES = H * W * 3 };
  (void)state;
  for (size_t k = 0; k < sizeof forms / sizeof *forms; k++) {
    const vj_video_request all = {.stride = 1, .count = FRAMES, .height = H, .width = W};
    uint8_t *frames = malloc(FRAMES * BYTES), one[5 * BYTES];
    vj_video *video = NULL;
    int64_t real;
    make_form(k);
    assert_ok(vj_video_open(in_folder(forms[k].name), &video));
    assert_ok(vj_video_frames(video, &all, frames, NULL, NULL));
    for (int64_t i = 0, at = 7; i < 30; i++, at = (at * 31 + 17) % FRAMES) {
      const vj_video_request some = {.start = at, .stride = 1 + i % 9, .count = 5, .height = H, .width = W};
      assert_ok(vj_video_frames(video, &some, one, NULL, &real));
      const int64_t left = (FRAMES - 1 - at) / some.stride + 1;
      assert_int_equal(real, left < 5 ? left : 5);
      for (int64_t t = 0; t < 5; t++) {
        const int64_t frame =
            at + t * some.stride < FRAMES ? at + t * some.stride : FRAMES - 1; /* the last is repeated */
        assert_memory_equal(one + t * BYTES, frames + frame * BYTES, BYTES);
      }
    }
    vj_video_close(&video);
    free(frames);
  }
}

/* Opened again and again with what is known of where its frames are, turned and of variable rate, too. */
static void test_a_known_file_gives_the_same_bytes(void **state) {
  enum { H = 11, W = 13, BYTES = H * W * 3, MOST = sizeof forms / sizeof *forms };
  (void)state;
  need(make("-c:v libx264 -pix_fmt yuv420p -metadata:s:v rotate=90", "known-turned.mp4"), X264);
  need(make("-vf \"select='not(mod(n,3))+gt(n,30)'\" -vsync vfr -c:v libx264 -g 7 -pix_fmt yuv420p", "known-vfr.mp4"),
       X264);
  for (size_t k = 0; k < MOST + 2; k++) {
    const char *const name = k < MOST ? forms[k].name : k == MOST ? "known-turned.mp4" : "known-vfr.mp4";
    vj_video *video = NULL;
    if (k < MOST) make_form(k);
    assert_ok(vj_video_open(in_folder(name), &video));
    const vj_video_info info = *vj_video_about(video);
    const vj_video_request all = {.stride = 1, .count = info.frames, .height = H, .width = W};
    uint8_t *frames = malloc((size_t)info.frames * BYTES), one[5 * BYTES];
    vj_video_index *index = vj_video_take_index(video);
    assert_non_null(index);
    assert_null(vj_video_take_index(video));
    assert_ok(vj_video_frames(video, &all, frames, NULL, NULL)); /* it goes on with it */
    vj_video_close(&video);
    assert_true(vj_video_index_bytes(index) <= 512 + (size_t)info.frames * 44);
    for (int64_t i = 0, at = 7; i < 20; i++, at = (at * 31 + 17) % info.frames) {
      const vj_video_request some = {.start = at, .stride = 1 + i % 9, .count = 5, .height = H, .width = W};
      assert_ok(vj_video_open_known(in_folder(name), index, &video));
      assert_int_equal(vj_video_about(video)->turned, info.turned);
      assert_ok(vj_video_frames(video, &some, one, NULL, NULL));
      for (int64_t t = 0; t < 5; t++) {
        const int64_t frame = at + t * some.stride < info.frames ? at + t * some.stride : info.frames - 1;
        assert_memory_equal(one + t * BYTES, frames + frame * BYTES, BYTES);
      }
      vj_video_close(&video);
    }
    vj_video_index_free(&index);
    free(frames);
  }
}

/* Bytes that this process has read so far; -1: the system does not say. */
static long long bytes_read(void) {
  long long bytes = -1;
  FILE *const file = fopen("/proc/self/io", "r");
  if (!file) return -1;
  if (fscanf(file, "rchar: %lld", &bytes) != 1) bytes = -1;
  fclose(file);
  return bytes;
}

static void test_a_clip_of_a_kept_video_costs_a_seek(void **state) {
  enum { H = 8, W = 8, BYTES = H * W, AT = 500 };
  uint8_t first[BYTES], second[BYTES], fresh[BYTES];
  vj_clip_entry entry = {.name = "long.mp4"};
  vj_clip_video about = {.entry = &entry};
  const vj_video_request r = {.start = AT, .stride = 1, .count = 1, .height = H, .width = W, .grey = true};
  char path[256];
  vj_frame_index_cache *kept = NULL;
  (void)state;
  need(ffmpeg("-f lavfi -i testsrc2=size=320x240:rate=25:duration=40 -c:v libx264 -preset ultrafast -g 10 "
              "-pix_fmt yuv420p long.mp4"),
       X264);
  snprintf(path, sizeof path, "%s", in_folder("long.mp4"));
  entry.path = path;
  assert_ok(vj_file_stamp(path, &about.info.bytes, &about.changed));
  assert_ok(vj_frame_index_cache_create(1, &kept));
  const long long start = bytes_read();
  assert_ok(vj_frame_index_cache_read(kept, 0, &about, &r, first));
  const long long once = bytes_read();
  const size_t in_use = vj_frame_index_cache_bytes(kept);
  assert_in_range(in_use, 20 * 1000, 24 * 1000);
  assert_ok(vj_frame_index_cache_read(kept, 0, &about, &r, second));
  const long long twice = bytes_read();
  assert_memory_equal(first, second, BYTES);
  assert_int_equal(vj_frame_index_cache_bytes(kept), in_use);
  if (start >= 0) assert_true(once - start > about.info.bytes && twice - once < about.info.bytes / 4);

  /* Another file under its name is read through, and nothing of it is kept. */
  assert_true(
      ffmpeg("-f lavfi -i rgbtestsrc=size=320x240:rate=25:duration=30 -c:v libx264 -preset ultrafast -g 100 "
             "-pix_fmt yuv420p long.mp4"));
  assert_ok(vj_frame_index_cache_read(kept, 0, &about, &r, second));
  assert_ok(vj_video_read(path, &r, fresh, NULL));
  assert_memory_equal(second, fresh, BYTES);
  assert_memory_not_equal(second, first, BYTES);
  assert_int_equal(vj_frame_index_cache_bytes(kept), in_use);
  vj_frame_index_cache_destroy(&kept);
}

static void test_sizes_are_averages_over_areas(void **state) {
  uint8_t fine[PIXELS], coarse[6];
  (void)state;
  need(make("-c:v mjpeg", "areas.avi"), "an ffmpeg with mjpeg");
  const vj_video_request full = {.start = 9, .stride = 1, .count = 1, .height = HEIGHT, .width = WIDTH, .grey = true};
  const vj_video_request cells = {.start = 9, .stride = 1, .count = 1, .height = 2, .width = 3, .grey = true};
  assert_ok(vj_video_read(in_folder("areas.avi"), &full, fine, NULL));
  assert_ok(vj_video_read(in_folder("areas.avi"), &cells, coarse, NULL));
  for (int y = 0; y < 2; y++)
    for (int x = 0; x < 3; x++) {
      int sum = 0;
      for (int i = 0; i < 32; i++)
        for (int j = 0; j < 32; j++) sum += fine[(y * 32 + i) * WIDTH + x * 32 + j];
      assert_int_equal(coarse[y * 3 + x], (sum + 512) / 1024);
    }
}

static void test_rotation_is_applied(void **state) {
  uint8_t plain[PIXELS], turned[PIXELS];
  vj_video_info info;
  (void)state;
  need(make("-c:v libx264 -pix_fmt yuv420p", "plain.mp4"), X264);
  assert_true(ffmpeg("-i plain.mp4 -c copy -metadata:s:v rotate=90 turned.mp4"));
  assert_ok(vj_video_probe(in_folder("turned.mp4"), &info, NULL));
  if (info.turned == 0) { /* programs from FFmpeg 6 on are told so */
    assert_true(ffmpeg("-display_rotation -90 -i plain.mp4 -c copy turned.mp4"));
    assert_ok(vj_video_probe(in_folder("turned.mp4"), &info, NULL));
  }
  assert_int_equal(info.width, HEIGHT);
  assert_int_equal(info.height, WIDTH);
  const vj_video_request upright = {
      .start = 5, .stride = 1, .count = 1, .height = WIDTH, .width = HEIGHT, .grey = true};
  const vj_video_request lying = {.start = 5, .stride = 1, .count = 1, .height = HEIGHT, .width = WIDTH, .grey = true};
  assert_ok(vj_video_read(in_folder("plain.mp4"), &lying, plain, NULL));
  assert_ok(vj_video_read(in_folder("turned.mp4"), &upright, turned, NULL));
  /* ffmpeg turns it by itself before it shows it */
  assert_true(
      ffmpeg("-i turned.mp4 -vsync passthrough -pix_fmt gray -sws_flags "
             "bilinear+accurate_rnd+bitexact+full_chroma_int -f rawvideo turned.raw"));
  size_t count;
  uint8_t *shown = read_bytes(in_folder("turned.raw"), &count);
  assert_int_equal(count, FRAMES * PIXELS);
  assert_memory_equal(turned, shown + 5 * PIXELS, PIXELS);
  assert_memory_not_equal(turned, plain, PIXELS);
  free(shown);
}

static void test_frames_of_variable_rate_are_counted_not_timed(void **state) {
  vj_video_info info;
  (void)state;
  need(make("-vf \"select='not(mod(n,3))+gt(n,30)'\" -vsync vfr -c:v libx264 -pix_fmt yuv420p", "vfr.mp4"), X264);
  assert_ok(vj_video_probe(in_folder("vfr.mp4"), &info, NULL));
  assert_int_equal(info.frames, 40); /* 0, 3, .., 30 and 31..59 */
  assert_false(info.steady);
  const vj_video_request all = {.stride = 1, .count = 40, .height = HEIGHT, .width = WIDTH, .grey = true};
  uint8_t *ours = malloc(40 * PIXELS), *shown = shown_by_ffmpeg("vfr.mp4", 40);
  assert_ok(vj_video_read(in_folder("vfr.mp4"), &all, ours, NULL));
  assert_memory_equal(ours, shown, 40 * PIXELS);
  free(ours);
  free(shown);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_frames_are_those_of_ffmpeg),
      cmocka_unit_test(test_any_way_to_a_frame_gives_the_same_bytes),
      cmocka_unit_test(test_a_known_file_gives_the_same_bytes),
      cmocka_unit_test(test_a_clip_of_a_kept_video_costs_a_seek),
      cmocka_unit_test(test_sizes_are_averages_over_areas),
      cmocka_unit_test(test_rotation_is_applied),
      cmocka_unit_test(test_frames_of_variable_rate_are_counted_not_timed),
  };
  return cmocka_run_group_tests(tests, set_up, tear_down);
}
