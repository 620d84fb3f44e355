/* Decoded frames do not depend on the processor: the same bytes with all of FFmpeg's kernels and with none, codec by
 * codec, by way of our reader: decoder, colours, averages over areas. */
#define _GNU_SOURCE /* RTLD_DEFAULT */
#include <dlfcn.h>
#include <libavutil/cpu.h>

#include "tests/datasets/video_testing.h"

typedef struct form {
  const char *name, *options, *codec;
} form;

/* Normative decoders (H.264 to AV1) and lossless ones are exact by definition; those with an inverse cosine transform
 * of the decoder's choice (MPEG-1, 2, 4, JPEG and their kin) are because we ask for an exact one. */
static const form forms[] = {
    {"h264.mp4", "-c:v libx264 -g 12 -bf 2 -pix_fmt yuv420p", "h264"},
    {"h264-422.mkv", "-c:v libx264 -g 12 -bf 2 -pix_fmt yuv422p", "h264"},
    {"h264-10.mkv", "-c:v libx264 -g 12 -bf 2 -pix_fmt yuv420p10le", "h264"},
    {"h264-rgb.mkv", "-c:v libx264rgb -g 12 -pix_fmt rgb24", "h264"},
    {"h264-interlaced.mkv", "-c:v libx264 -flags +ildct+ilme -x264-params tff=1 -pix_fmt yuv420p", "h264"},
    {"hevc.mp4", "-c:v libx265 -x265-params log-level=none -pix_fmt yuv420p", "hevc"},
    {"hevc-10.mkv", "-c:v libx265 -x265-params log-level=none -pix_fmt yuv420p10le", "hevc"},
    {"vp8.webm", "-c:v libvpx -auto-alt-ref 1 -lag-in-frames 16 -g 20 -cpu-used 8 -b:v 200k", "vp8"},
    {"vp9.webm", "-c:v libvpx-vp9 -g 15 -b:v 200k -cpu-used 8", "vp9"},
    {"av1.mkv", "-c:v libaom-av1 -usage realtime -cpu-used 8 -b:v 200k -pix_fmt yuv420p", "av1"},
    {"mpeg4.avi", "-c:v mpeg4 -bf 2 -g 12", "mpeg4"},
    {"mpeg4-quarter.avi", "-c:v mpeg4 -flags +qpel+mv4 -bf 2 -g 12", "mpeg4"},
    {"mjpeg.avi", "-c:v mjpeg", "mjpeg"},
    {"mjpeg-422.avi", "-c:v mjpeg -pix_fmt yuvj422p -q:v 20", "mjpeg"},
    {"mpeg1.mpg", "-c:v mpeg1video -bf 2", "mpeg1video"},
    {"mpeg2.mpg", "-c:v mpeg2video -bf 2 -flags +ildct+ilme", "mpeg2video"},
    {"wmv2.wmv", "-c:v wmv2", "wmv2"},
    {"msmpeg4.avi", "-c:v msmpeg4", "msmpeg4v3"},
    {"flv1.flv", "-c:v flv", "flv1"},
    {"theora.ogv", "-c:v libtheora -q:v 6", "theora"},
    {"dnxhd.mov", "-s 1280x720 -frames:v 4 -c:v dnxhd -b:v 60M -pix_fmt yuv422p", "dnxhd"},
    {"prores.mov", "-c:v prores -pix_fmt yuv422p10le", "prores"},
    {"ffv1.mkv", "-c:v ffv1 -pix_fmt yuv420p", "ffv1"},
    {"huffyuv.avi", "-c:v huffyuv -pix_fmt yuv422p", "huffyuv"},
    {"utvideo.avi", "-c:v utvideo -pix_fmt yuv420p", "utvideo"},
    {"png.mkv", "-c:v png", "png"},
    {"a.gif", "", "gif"},
};

enum { SHOWN = 24, W = 98, H = 68 };

/* Noise, so that no coefficient stays zero, and sides that are no multiple of a vector. */
static void make_form(const form *f) {
  char arguments[512], what[64];
  snprintf(arguments, sizeof arguments,
           "-f lavfi -i testsrc2=size=%dx%d:rate=25:duration=1,noise=alls=24:allf=t:all_seed=3 -frames:v %d %s %s", W,
           H, SHOWN, f->options, f->name);
  snprintf(what, sizeof what, "an ffmpeg that makes %s", f->name);
  need(ffmpeg(arguments), what);
}

/* FFmpeg's own kernels, and those of dav1d, which it leaves AV1 to. */
static void use_kernels(int flags) {
  void *const found = dlsym(RTLD_DEFAULT, "dav1d_set_cpu_flags_mask");
  void (*mask)(unsigned) = NULL;
  memcpy(&mask, &found, sizeof mask);
  if (mask) mask(flags == -1 || flags & AV_CPU_FLAG_AVX2 ? ~0U : 0);
  av_force_cpu_flags(flags);
}

static uint8_t *read_with(const char *name, int flags, const vj_video_request *r, const char *codec) {
  const size_t bytes = (size_t)(r->count * r->height * r->width * (r->grey ? 1 : 3));
  uint8_t *frames = malloc(bytes);
  vj_video_info info;
  use_kernels(flags);
  assert_ok(vj_video_probe(in_folder(name), &info, NULL));
  assert_string_equal(info.codec, codec);
  assert_ok(vj_video_read(in_folder(name), r, frames, NULL));
  use_kernels(-1);
  return frames;
}

static void compare(const form *f, const vj_video_request *r) {
  const int all = av_get_cpu_flags();
  /* Kernels of one kind may be right where those of another are not. */
  const int some[] = {
      all, all & ~(AV_CPU_FLAG_AVX512 | AV_CPU_FLAG_AVX512ICL),
      all & (AV_CPU_FLAG_MMX | AV_CPU_FLAG_MMXEXT | AV_CPU_FLAG_CMOV | AV_CPU_FLAG_SSE | AV_CPU_FLAG_SSE2)};
  const size_t bytes = (size_t)(r->count * r->height * r->width * (r->grey ? 1 : 3));
  uint8_t *plain = read_with(f->name, 0, r, f->codec);
  for (size_t k = 0; k < sizeof some / sizeof *some; k++) {
    uint8_t *frames = read_with(f->name, some[k], r, f->codec);
    size_t differing = 0;
    for (size_t i = 0; i < bytes; i++) differing += frames[i] != plain[i];
    if (differing) print_error("%s, flags %x: %zu of %zu bytes differ\n", f->name, some[k], differing, bytes);
    assert_memory_equal(frames, plain, bytes);
    free(frames);
  }
  free(plain);
}

static void test_frames_are_the_same_without_any_kernel(void **state) {
  const vj_video_request whole = {.stride = 1, .count = SHOWN, .height = H, .width = W};
  const vj_video_request grey = {.stride = 1, .count = SHOWN, .height = 32, .width = 32, .grey = true};
  (void)state;
  for (size_t k = 0; k < sizeof forms / sizeof *forms; k++) {
    make_form(&forms[k]);
    compare(&forms[k], &whole);
    compare(&forms[k], &grey);
  }
}

int main(void) {
  const struct CMUnitTest tests[] = {cmocka_unit_test(test_frames_are_the_same_without_any_kernel)};
  need_program("ffmpeg");
  return cmocka_run_group_tests(tests, set_up, tear_down);
}
