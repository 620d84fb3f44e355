/* Stand-ins are the same files on every processor: the encoders that make them give the same bytes with all of FFmpeg's
 * and libvpx's kernels and with none. x264 is told so by an option of its own; test_standins_processors.py sees to it.
 */
#include <libavutil/cpu.h>
#include <sys/wait.h>

#include "datasets/standins/encode.h"
#include "tests/datasets/video_testing.h"

typedef struct form {
  const char *container, *encoders;
} form;

static const form forms[] = {
    {"mp4", "libx264"}, {"avi", "mjpeg"}, {"webm", "libvpx-vp9"}, {"webm", "libvpx"}, {"mp4", "mpeg4"}};

enum { W = 98, H = 68, SHOWN = 50 };

/* Squares that move before noise. */
static void paint(uint8_t *rgb, int frame) {
  for (int y = 0; y < H; y++)
    for (int x = 0; x < W; x++)
      for (int c = 0; c < 3; c++) {
        const unsigned mixed = (unsigned)(x * 73 + y * 179 + c * 283 + frame * 31) * 2654435761U >> 27;
        const bool inside = (unsigned)(x - frame) < 24 && (unsigned)(y - frame / 2) < 24;
        rgb[(y * W + x) * 3 + c] = (uint8_t)((inside ? 180 - 40 * c : 90 + 20 * c) + (int)mixed);
      }
}

static bool encode(const form *f, const char *path) {
  const vj_encoding encoding = {f->container, f->encoders, W, H, 25};
  static uint8_t rgb[H * W * 3];
  vj_encoder *encoder = NULL;
  vj_status status = vj_encoder_open(path, &encoding, &encoder);
  for (int i = 0; i < SHOWN && status == VJ_OK; i++) {
    paint(rgb, i);
    status = vj_encoder_add(encoder, rgb);
  }
  if (status == VJ_OK) status = vj_encoder_finish(encoder);
  if (status != VJ_OK) print_error("%s\n", vj_error_message());
  vj_encoder_close(&encoder);
  return status == VJ_OK;
}

/* In a process of its own: libvpx looks at its processor once. */
static void encode_with(const form *f, int flags, const char *path) {
  int state = 0;
  const pid_t child = fork();
  if (child == 0) {
    if (!(flags & AV_CPU_FLAG_AVX2)) setenv("VPX_SIMD_CAPS", flags ? "0x0f" : "0", 1); /* to SSE3 */
    av_force_cpu_flags(flags);
    _exit(encode(f, path) ? 0 : 1);
  }
  assert_true(child > 0 && waitpid(child, &state, 0) == child);
  assert_int_equal(state, 0);
}

static void test_files_are_the_same_without_any_kernel(void **state) {
  const int all = av_get_cpu_flags(), narrow = AV_CPU_FLAG_MMX | AV_CPU_FLAG_MMXEXT | AV_CPU_FLAG_CMOV |
                                               AV_CPU_FLAG_SSE | AV_CPU_FLAG_SSE2 | AV_CPU_FLAG_SSE3;
  const int some[] = {all, all & ~(AV_CPU_FLAG_AVX512 | AV_CPU_FLAG_AVX512ICL), all & narrow};
  (void)state;
  for (size_t k = 0; k < sizeof forms / sizeof *forms; k++) {
    size_t plain_bytes, bytes;
    encode_with(&forms[k], 0, in_folder("plain"));
    uint8_t *plain = read_bytes(in_folder("plain"), &plain_bytes);
    assert_true(plain_bytes > 4000);
    for (size_t i = 0; i < sizeof some / sizeof *some; i++) {
      encode_with(&forms[k], some[i], in_folder("other"));
      uint8_t *other = read_bytes(in_folder("other"), &bytes);
      if (bytes != plain_bytes || memcmp(plain, other, bytes) != 0)
        fail_msg("%s: other bytes with flags %x", forms[k].encoders, (unsigned)some[i]);
      free(other);
    }
    free(plain);
  }
}

int main(void) {
  const struct CMUnitTest tests[] = {cmocka_unit_test(test_files_are_the_same_without_any_kernel)};
  return cmocka_run_group_tests(tests, set_up, tear_down);
}
