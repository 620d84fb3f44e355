/* What the files beside video.h share. FFmpeg's headers are included nowhere else. */
#ifndef VJ_DATASETS_VIDEO_VIDEO_PRIVATE_H
#define VJ_DATASETS_VIDEO_VIDEO_PRIVATE_H

#include <libavcodec/avcodec.h>
#include <libavformat/avformat.h>
#include <libswscale/swscale.h>

#include "datasets/video/video.h"
#include "vj/memory.h"

/* --- FFmpeg's log (ffmpeg_log.c)
 * --------------------------------------------------------------------------------------- */

/* FFmpeg prints nothing; its last complaint on this thread is kept. To be called before anything else of FFmpeg. */
void vj_video_listen(void);
void vj_video_forget(void);
/* "Invalid data found when processing input (moov atom not found)": FFmpeg's words for an error number, and the last
 * complaint. Valid until the next call on this thread. */
const char *vj_video_reason(int error);

/* --- a file and its decoder (source.c) --------------------------------------------------------------------------- */

typedef struct vj_demuxer {
  char *path;
  AVIOContext *io;
  AVFormatContext *format;
  AVStream *stream;        /* of pictures; all others are discarded */
  AVCodecContext *decoder; /* NULL until vj_demuxer_decoder */
  AVPacket *packet;        /* the last one read */
} vj_demuxer;

VJ_MUST_USE vj_status vj_demuxer_open(const char *path, vj_demuxer *source);
VJ_MUST_USE vj_status vj_demuxer_decoder(vj_demuxer *source);
/* The next packet of the stream. *error: 0, AVERROR_EOF, or what went wrong. */
void vj_demuxer_read(vj_demuxer *source, int *error);
/* The demuxer at its beginning again, whatever it can seek. The decoder stays as it is. */
VJ_MUST_USE vj_status vj_demuxer_rewind(vj_demuxer *source);
void vj_demuxer_close(vj_demuxer *source);

/* --- where frames are (index.c) ---------------------------------------------------------------------------------- */

typedef struct vj_index_entry {
  int64_t time;     /* when it is shown, in the stream's unit */
  int32_t position; /* of its packet among the stream's packets, from 0: the order of decoding */
  bool shown;       /* false: the decoder needs it, nobody sees it */
} vj_index_entry;

/* A packet that decoding can start with. */
typedef struct vj_index_start {
  int64_t time, decoding_time;
  int32_t position;
} vj_index_start;

typedef struct vj_index {
  bool timed;              /* each packet has a time of its own; else frames can only be counted from the beginning */
  vj_index_entry *entries; /* by time; by position where not timed */
  int64_t entry_count;
  int32_t *frames; /* frame -> its entry */
  int64_t frame_count;
  vj_index_start *starts; /* by position; the first packet is always one */
  int64_t start_count;
} vj_index;

/* Reads all packets from the beginning. Cut files are VJ_DATA. */
VJ_MUST_USE vj_status vj_index_scan(vj_demuxer *source, vj_index *index);
const vj_index_start *vj_index_start_of(const vj_index *index, int64_t frame);
/* The position of the packet shown at a time; -1: there is none. */
int64_t vj_index_position(const vj_index *index, int64_t time);
/* Gives back what arrays have too much, and says what is left. */
void vj_index_trim(vj_index *index);
size_t vj_index_bytes(const vj_index *index);
void vj_index_free(vj_index *index);

/* --- pictures (picture.c) ---------------------------------------------------------------------------------------- */

/* How a decoded picture is turned: first transposed, then mirrored. */
typedef struct vj_orientation {
  bool transposed, flipped_x, flipped_y;
} vj_orientation;

typedef struct vj_picture_maker {
  struct SwsContext *scaler;
  int width, height, format, colorspace, range; /* what the scaler was made for */
  bool grey;
  uint8_t *wide; /* a picture at full size, RGB or grey */
  size_t wide_bytes;
  uint32_t *sums; /* a row of it, summed downwards */
  size_t sums_count;
} vj_picture_maker;

/* to [height,width,channels] */
VJ_MUST_USE vj_status vj_picture_make(vj_picture_maker *maker, const AVFrame *frame, vj_orientation orientation,
                                      const vj_video_request *request, uint8_t *to);
void vj_picture_free(vj_picture_maker *maker);

/* --- all together (video.c, decode.c) ---------------------------------------------------------------------------- */

struct vj_video_index {
  vj_index index;
  vj_orientation orientation;
  vj_video_info info;
};

struct vj_video {
  vj_demuxer source;
  const vj_index *index;
  vj_video_index *own; /* whose index it is, where it was not known before and has not been taken */
  vj_picture_maker maker;
  vj_orientation orientation;
  vj_video_info info;
};

/* Decodes frames[0..count-1], ascending, and puts the i-th at to + i * picture_bytes; whole[i] says whether it is
 * without damage. */
VJ_MUST_USE vj_status vj_video_decode(vj_video *video, const vj_video_request *request, const int64_t *frames,
                                      int64_t count, uint8_t *to, bool *whole);

#endif
