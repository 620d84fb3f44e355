/* Videos: what a file is, and its frames by their number. The room is what data sets of videos share and sees vj/...
 * alone: this file reads one video; above it clips.h makes a data set of many, out of files or of a pack (pack/).
 *
 * Frames are numbered from 0 as the decoder of the FFmpeg that is linked gives them (`ffmpeg -fps_mode passthrough`),
 * whatever their times: a file of variable rate has as many frames as it has pictures. Where codec and container are
 * known to have one frame a packet, and nothing odd is in the file, packets alone tell which they are; else the file is
 * decoded once (`decoded`). A frame of one file, at one size, is always the same bytes, however it was reached;
 * decoding uses one thread and no approximations that differ between processors. Any container and codec that FFmpeg's
 * libraries know; what a file is says its content, not its name. Pictures are turned and mirrored as the file or they
 * say.
 *
 * Memory is that of a few full-size pictures and 52 bytes a frame of the file; pictures of more than VJ_VIDEO_PIXELS
 * pixels and files of more than VJ_VIDEO_FRAMES frames are refused. Nothing here is collective; all may be called by
 * many threads at once, one vj_video by one thread at a time.
 *
 * Errors are sentences that begin with the path: VJ_IO where a file can't be opened or read, VJ_DATA where it is no
 * video, has no pictures, is cut short or damaged. */
#ifndef VJ_DATASETS_VIDEO_VIDEO_H
#define VJ_DATASETS_VIDEO_VIDEO_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "vj/status.h"

enum { VJ_VIDEO_PIXELS = 1 << 26, VJ_VIDEO_FRAMES = 1 << 24 };

typedef struct vj_video_info {
  int64_t frames;
  int64_t width, height; /* px, as shown */
  double rate;           /* frames a second, on average; 0 where the file has no times */
  double seconds;        /* from the first frame to the end of the last; 0 where the file has no times */
  int turned;            /* degrees clockwise that pictures are turned before they are shown: 0, 90, 180, 270 */
  bool mirrored;
  bool decoded;                   /* its frames were found by decoding it */
  int64_t damaged, first_damaged; /* frames that this has found damaged; the number of the first */
  int64_t lost;                   /* pictures of which the decoder made none, and which no frame stands for */
  bool steady;                    /* all frames last equally long, as far as times in the file can tell */
  int64_t bytes;                  /* of the file */
  char codec[24];                 /* "h264" */
  char container[24];             /* "mov": the first of FFmpeg's names for it */
} vj_video_info;

/* Which frames, and as what: start, start + stride, ..., `count` of them. Beyond the end of the video its last frame is
 * repeated. Each is averaged over areas to height x width px (exact sums of integers; the shape may change), and is RGB
 * or grey (luma). */
typedef struct vj_video_request {
  int64_t start, stride, count;
  int64_t height, width;
  bool grey;
} vj_video_request;

/* Where the frames of a file are: 20 bytes a frame, 44 where each can be decoded by itself; of one that had to be
 * decoded 16 and 49. It never changes, so many threads may use it at once. */
typedef struct vj_video_index vj_video_index;

/* Reads the file's packets without decoding them, decodes the first frame only: milliseconds for a clip of seconds; of
 * an odd file, all frames. Finds files that are empty, no video, cut short, without pictures or without one that is
 * whole; other damage within pictures only where it is decoded. *index (may be NULL) is what an odd file took the time
 * for, else NULL; the caller frees it. */
VJ_MUST_USE vj_status vj_video_probe(const char *path, vj_video_info *info, vj_video_index **index);

/* frames [count,height,width,channels], channels 3 or 1. *real (may be NULL) is how many of them are frames of the
 * video and no repetitions. A frame that can't be decoded without error is VJ_DATA; `frames` is then undefined. */
VJ_MUST_USE vj_status vj_video_read(const char *path, const vj_video_request *request, uint8_t *frames, int64_t *real);

/* --- a video that is read from several times ------------------------------------------------------------------- */

typedef struct vj_video vj_video;

VJ_MUST_USE vj_status vj_video_open(const char *path, vj_video **video);
const vj_video_info *vj_video_about(const vj_video *video);
/* As vj_video_read; with `whole` [count], damage is no failure: frames that can't be decoded are 0 and whole[i] false.
 */
VJ_MUST_USE vj_status vj_video_frames(vj_video *video, const vj_video_request *request, uint8_t *frames, bool *whole,
                                      int64_t *real);
void vj_video_close(vj_video **video);

/* --- a video that is opened again and again ---------------------------------------------------------------------- */

/* Hands over what opening has found; the video goes on using it, so it must outlive the video. NULL where it was known
 * already. */
vj_video_index *vj_video_take_index(vj_video *video);
/* Opens the same file without reading through it; `known` must outlive the video. The caller sees to it that the file
 * has not changed since. NULL: as vj_video_open. */
VJ_MUST_USE vj_status vj_video_open_known(const char *path, const vj_video_index *known, vj_video **video);
size_t vj_video_index_bytes(const vj_video_index *index);
void vj_video_index_free(vj_video_index **index);

/* The index of an odd file as bytes without pointers, which the caller frees, and back; NULL: they are none. */
VJ_MUST_USE vj_status vj_video_index_pack(const vj_video_index *index, void **bytes, size_t *count);
VJ_MUST_USE vj_status vj_video_index_unpack(const void *bytes, size_t count, vj_video_index **index);
/* Of the libraries that are linked: another one may find other frames. */
const char *vj_video_ffmpeg_version(void);

#endif
