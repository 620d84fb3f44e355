/* What the reader makes of a file, for tests in Python: video_frames FILE HEIGHT WIDTH grey|rgb OUT. All frames in
 * their order go to OUT; JSON tells the rest. Then frames are asked for out of order, from files opened anew, and have
 * to be the same bytes, and as whole: else the exit code is 1. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "datasets/video/video.h"

static int fail(const char *what, long long frame) {
  fprintf(stderr, "%s, frame %lld: %s\n", what, frame, vj_error_message());
  return 1;
}

/* Five frames at a time, from here and there. */
static int compare(const char *path, const vj_video_index *index, vj_video_request r, int64_t count,
                   const uint8_t *frames, const bool *whole) {
  const size_t bytes = (size_t)(r.height * r.width * (r.grey ? 1 : 3));
  uint8_t *const some = malloc(5 * bytes);
  vj_video *video = NULL;
  bool are_whole[5];
  r.count = 5;
  for (int64_t i = 0, at = 7 % count; i < 24; i++, at = (at * 31 + 17) % count) {
    r.start = at;
    r.stride = 1 + i % 9;
    if (i % 3 == 0) {
      vj_video_close(&video);
      if (vj_video_open_known(path, index, &video) != VJ_OK) return fail("can't be opened again", 0);
    }
    if (vj_video_frames(video, &r, some, are_whole, NULL) != VJ_OK) return fail("can't be read", at);
    for (int64_t t = 0; t < 5; t++) {
      const int64_t frame = at + t * r.stride < count ? at + t * r.stride : count - 1;
      if (are_whole[t] != whole[frame]) return fail("is whole, or not, by the way it was reached", frame);
      if (memcmp(some + (size_t)t * bytes, frames + (size_t)frame * bytes, bytes) != 0)
        return fail("differs by the way it was reached", frame);
    }
  }
  vj_video_close(&video);
  free(some);
  return 0;
}

static void tell(const vj_video_info *info, const bool *whole) {
  printf(
      "{\"frames\": %lld, \"decoded\": %s, \"width\": %lld, \"height\": %lld, \"codec\": \"%s\", \"container\": \"%s\"",
      (long long)info->frames, info->decoded ? "true" : "false", (long long)info->width, (long long)info->height,
      info->codec, info->container);
  printf(", \"turned\": %d, \"mirrored\": %s, \"seconds\": %.6g, \"damaged\": [", info->turned,
         info->mirrored ? "true" : "false", info->seconds);
  for (int64_t i = 0, n = 0; i < info->frames; i++)
    if (!whole[i]) printf("%s%lld", n++ ? ", " : "", (long long)i);
  printf("]}\n");
}

int main(int count, char **words) {
  vj_video *video = NULL;
  if (count != 6) return 2;
  if (vj_video_open(words[1], &video) != VJ_OK) return fail("can't be opened", 0);
  const vj_video_info info = *vj_video_about(video);
  vj_video_request r = {.stride = 1, .count = info.frames, .height = atoi(words[2]), .width = atoi(words[3])};
  r.grey = strcmp(words[4], "grey") == 0;
  const size_t bytes = (size_t)info.frames * (size_t)(r.height * r.width * (r.grey ? 1 : 3));
  uint8_t *const frames = malloc(bytes);
  bool *const whole = calloc((size_t)info.frames, sizeof *whole);
  if (vj_video_frames(video, &r, frames, whole, NULL) != VJ_OK) return fail("can't be read", 0);
  vj_video_index *index = vj_video_take_index(video);
  vj_video_close(&video);
  tell(&info, whole);
  FILE *const out = fopen(words[5], "wb");
  if (!out || fwrite(frames, 1, bytes, out) != bytes || fclose(out) != 0) return 2;
  const int different = compare(words[1], index, r, info.frames, frames, whole);
  vj_video_index_free(&index);
  free(frames);
  free(whole);
  return different;
}
