/* What the tests of videos share: a folder, and videos in it that the ffmpeg program makes. */
#ifndef VJ_TESTS_DATASETS_VIDEO_TESTING_H
#define VJ_TESTS_DATASETS_VIDEO_TESTING_H

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "datasets/video/video.h"
#include "tests/support/requirements.h"

#define X264 "an ffmpeg with libx264"
#define VP9 "an ffmpeg with libvpx-vp9"

enum { WIDTH = 96, HEIGHT = 64, FRAMES = 60, PIXELS = WIDTH * HEIGHT };

static char folder[] = "/tmp/vj-video-XXXXXX";

static inline char *in_folder(const char *name) {
  static char paths[4][256];
  static int next;
  char *const path = paths[next++ % 4];
  snprintf(path, sizeof paths[0], "%s/%s", folder, name);
  return path;
}

/* Runs ffmpeg in the folder; `arguments` name files there. */
static inline bool ffmpeg(const char *arguments) {
  char command[1024];
  snprintf(command, sizeof command, "cd %s && ffmpeg -y -nostdin -loglevel error %s 2>ffmpeg.log", folder, arguments);
  return system(command) == 0;
}

/* 60 frames of moving figures, made by the given encoder into the given file. */
static inline bool make(const char *options, const char *name) {
  char arguments[512];
  snprintf(arguments, sizeof arguments, "-f lavfi -i testsrc2=size=%dx%d:rate=25:duration=2.4 %s %s", WIDTH, HEIGHT,
           options, name);
  return ffmpeg(arguments);
}

static inline int set_up(void **state) {
  (void)state;
  return mkdtemp(folder) ? 0 : -1;
}

static inline int tear_down(void **state) {
  char command[128];
  (void)state;
  snprintf(command, sizeof command, "rm -rf %s", folder);
  return system(command);
}

static inline uint8_t *read_bytes(const char *path, size_t *count) {
  FILE *file = fopen(path, "rb");
  uint8_t *bytes = malloc(16 << 20);
  assert_non_null(file);
  assert_non_null(bytes);
  *count = fread(bytes, 1, 16 << 20, file);
  fclose(file);
  return bytes;
}

static inline void write_bytes(const char *name, const uint8_t *bytes, size_t count) {
  FILE *file = fopen(in_folder(name), "wb");
  assert_non_null(file);
  assert_int_equal(fwrite(bytes, 1, count, file), count);
  fclose(file);
}

static inline void copy_part(const char *from, const char *to, double part) {
  size_t count;
  uint8_t *bytes = read_bytes(in_folder(from), &count);
  write_bytes(to, bytes, (size_t)((double)count * part));
  free(bytes);
}

#endif
