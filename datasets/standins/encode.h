/* Writing a video file, picture by picture, with FFmpeg's libraries. Not collective; one encoder, one thread. */
#ifndef VJ_DATASETS_STANDINS_ENCODE_H
#define VJ_DATASETS_STANDINS_ENCODE_H

#include <stdint.h>

#include "vj/status.h"

typedef struct vj_encoding {
  const char *container; /* FFmpeg's name of a format: "mp4", "avi", "webm", "matroska" */
  const char *encoders;  /* names of encoders, separated by spaces; the first that this FFmpeg has is taken */
  int64_t width, height; /* px, even */
  int64_t rate;          /* frames a second */
} vj_encoding;

typedef struct vj_encoder vj_encoder;
/* One thread and no dates, so that a build always writes the same bytes. VJ_IO with the path where the file can't be
 * made, or where none of the encoders is there. */
VJ_MUST_USE vj_status vj_encoder_open(const char *path, const vj_encoding *encoding, vj_encoder **encoder);
/* rgb [height, width, 3] */
VJ_MUST_USE vj_status vj_encoder_add(vj_encoder *encoder, const uint8_t *rgb);
/* The file is whole only after this. */
VJ_MUST_USE vj_status vj_encoder_finish(vj_encoder *encoder);
void vj_encoder_close(vj_encoder **encoder);

#endif
