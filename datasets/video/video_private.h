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
/* How many errors FFmpeg has told of on this thread that may have changed a picture. */
int64_t vj_video_complaints(void);
/* Whether it has told, since it was last forgotten, of a file that ends before it should. */
bool vj_video_ended_early(void);
/* "Invalid data found when processing input (moov atom not found)": FFmpeg's words for an error number, and the last
 * complaint. Valid until the next call on this thread. */
const char *vj_video_reason(int error);

/* --- a file and its decoder (demuxer.c) -------------------------------------------------------------------------- */

typedef struct vj_demuxer {
  char *path;
  AVIOContext *io;
  AVFormatContext *format;
  AVStream *stream;        /* of pictures; all others are discarded */
  AVCodecContext *decoder; /* NULL until vj_demuxer_decoder */
  AVPacket *packet;        /* the last one read */
} vj_demuxer;

/* What a decoder does about damage: a strict one gives an error, a lenient one what ffmpeg shows. */
typedef enum vj_leniency { VJ_STRICT, VJ_LENIENT } vj_leniency;

VJ_MUST_USE vj_status vj_demuxer_open(const char *path, vj_demuxer *source);
/* A new decoder, which knows what the file's head says, in place of the one before. */
VJ_MUST_USE vj_status vj_demuxer_decoder(vj_demuxer *source, vj_leniency leniency);
/* The next packet of the stream. *error: 0, AVERROR_EOF, or what went wrong. */
void vj_demuxer_read(vj_demuxer *source, int *error);
/* The demuxer at its beginning again, whatever it can seek. The decoder stays as it is. */
VJ_MUST_USE vj_status vj_demuxer_rewind(vj_demuxer *source);
void vj_demuxer_close(vj_demuxer *source);

/* Whether packets marked as key frames may be decoded without those before them, if the file is what it says. */
bool vj_codec_marks_starts(enum AVCodecID codec);
/* Whether all its packets may. */
bool vj_codec_is_intra(enum AVCodecID codec);
/* Whether the file, of which so many packets were read, has less than it says; VJ_DATA. `torn`: the last one was not
 * whole. */
VJ_MUST_USE vj_status vj_demuxer_check_length(const vj_demuxer *source, int64_t packets, bool torn);

/* Room for one more in an array of so many, doubled when it is used up; false: there is no memory. */
VJ_MUST_USE bool vj_video_grow(void *array, int64_t count, size_t size);

/* --- packets that tell all (packets.c) --------------------------------------------------------------------------- */

/* Looks at a file's packets, one by one, for whatever makes frames other than one a packet. */
typedef struct vj_packet_check {
  const AVCodecParameters *parameters;
  AVCodecContext *context; /* the parser's; NULL where the codec needs none */
  AVCodecParserContext *parser;
  int length_bytes; /* before each unit of H.264 and HEVC; 0: start codes */
  int64_t decoding_time;
  int64_t before, reference; /* times of the last two pictures of MPEG-4 that others refer to */
  int64_t *orders;           /* by position: pictures that are shown later have larger ones */
  int64_t count, periods;
} vj_packet_check;

/* Whether codec and container are on the list of those whose packets were compared with what decoding gives. */
bool vj_packets_are_proven(const vj_demuxer *source);
VJ_MUST_USE vj_status vj_packet_check_begin(const vj_demuxer *source, vj_packet_check *check);
/* *odd: what is; NULL: nothing. */
VJ_MUST_USE vj_status vj_packet_check_next(vj_packet_check *check, const AVPacket *packet, const char **odd);
void vj_packet_check_end(vj_packet_check *check);

/* --- where frames are, by packets (index.c) ---------------------------------------------------------------------- */

typedef struct vj_index_entry {
  int64_t time;     /* when it is shown, in the stream's unit */
  int32_t position; /* of its packet among the stream's packets, from 0: the order of decoding */
  bool shown;       /* false: the decoder needs it, nobody sees it */
} vj_index_entry;

/* A packet that decoding can start with. */
typedef struct vj_index_start {
  int64_t time, decoding_time;
  int32_t position;
  bool key; /* false: of the first packet, it may be that decoding can't start there either */
} vj_index_start;

typedef struct vj_index {
  vj_index_entry *entries; /* by time */
  int64_t entry_count;
  int32_t *frames; /* frame -> its entry */
  int64_t frame_count;
  vj_index_start *starts; /* by position; the first packet is always one */
  int64_t start_count;
} vj_index;

/* Reads all packets from the beginning. *odd: what they have that only decoding can tell, and the index is of no use;
 * NULL: nothing. Cut files are VJ_DATA. */
VJ_MUST_USE vj_status vj_index_scan(vj_demuxer *source, vj_index *index, const char **odd);
const vj_index_start *vj_index_start_of(const vj_index *index, int64_t frame);
/* The position of the packet shown at a time; -1: there is none. */
int64_t vj_index_position(const vj_index *index, int64_t time);
/* Gives back what arrays have too much, and says what is left. */
void vj_index_trim(vj_index *index);
size_t vj_index_bytes(const vj_index *index);
void vj_index_free(vj_index *index);

/* --- frames as decoding gives them (frame_table.c, frame_table_read.c) ------------------------------------------- */

typedef struct vj_table_frame {
  uint64_t checksum; /* of the picture */
  int32_t packet;    /* that it came with */
  bool damaged;
} vj_table_frame;

/* A packet that decoding may start with. */
typedef struct vj_table_point {
  uint64_t checksum; /* of the packet */
  int64_t time;      /* when it is decoded, as the demuxer says */
  int64_t offset;    /* in the file */
  int32_t packet, frame;
} vj_table_point;

/* Never changes, but for what was found about points. */
typedef struct vj_frame_table {
  vj_table_frame *frames; /* in the order of the decoder */
  int64_t frame_count, damaged;
  vj_table_point *points; /* ascending, in packets and in frames */
  int64_t point_count;
  _Atomic unsigned char *refuted; /* [point_count]: decoding from there did not give the same frames */
} vj_frame_table;

/* What else decoding shows. */
typedef struct vj_table_facts {
  int width, height; /* of the first picture */
  bool turned;       /* the stream of pictures says how they are turned, in `matrix` */
  int32_t matrix[9];
  int64_t first, last; /* times of the first and the last frame, in the stream's unit; equal where there are none */
  bool steady;
  int64_t lost; /* packets that should have given a frame */
} vj_table_facts;

/* Decodes the file from its beginning to its end. */
VJ_MUST_USE vj_status vj_frame_table_scan(vj_demuxer *source, vj_frame_table *table, vj_table_facts *facts);
VJ_MUST_USE vj_status vj_frame_table_ready(vj_frame_table *table); /* `refuted`, empty */
size_t vj_frame_table_bytes(const vj_frame_table *table);
void vj_frame_table_free(vj_frame_table *table);

/* A new lenient decoder, and the packet of a point (NULL: the first of the file) as the one read last. *error: as in
 * vj_demuxer_read; AVERROR_EOF where the point is not found. */
VJ_MUST_USE vj_status vj_frame_table_go(vj_demuxer *source, const vj_table_point *point, int *error);
/* Gives a packet to the decoder (NULL: there are no more), in which its number takes the place of its time: frames
 * come with the number of their packet. False: the decoder tells of an error. */
VJ_MUST_USE vj_status vj_frame_table_send(vj_demuxer *source, AVPacket *packet, int64_t number, bool *sound);
/* Of what is seen of a picture, and of a packet's bytes. */
uint64_t vj_frame_checksum(const AVFrame *frame);
uint64_t vj_packet_checksum(const AVPacket *packet);

/* A decoder on its way through a file. */
typedef struct vj_table_cursor {
  AVFrame *frame;
  int64_t number;    /* of `frame`; -1: there is none */
  int64_t packet;    /* the next to be decoded */
  int64_t shown;     /* frames from the beginning on */
  int64_t point;     /* where it began; -1: at the beginning of the file */
  bool moving, ends; /* it has begun; packets are at their end */
} vj_table_cursor;

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

/* FFmpeg's matrix of a stream or a picture; NULL: upright. */
vj_orientation vj_orientation_of(const int32_t *matrix);
const int32_t *vj_frame_matrix(const AVFrame *frame);
/* to [height,width,channels]; turned as the picture itself says, or else as `orientation`. */
VJ_MUST_USE vj_status vj_picture_make(vj_picture_maker *maker, const AVFrame *frame, vj_orientation orientation,
                                      const vj_video_request *request, uint8_t *to);
void vj_picture_free(vj_picture_maker *maker);

/* --- all together (video.c, decode.c) ---------------------------------------------------------------------------- */

struct vj_video_index {
  vj_index index;
  vj_frame_table table; /* where info.decoded; then there is no index */
  vj_orientation orientation;
  vj_video_info info;
};

struct vj_video {
  vj_demuxer source;
  const vj_index *index;
  const vj_frame_table *table; /* NULL: packets tell all */
  vj_table_cursor cursor;
  bool gave_up;        /* the decoder told of an error since it was made */
  vj_video_index *own; /* whose index it is, where it was not known before and has not been taken */
  vj_picture_maker maker;
  vj_orientation orientation;
  vj_video_info info;
};

/* Decodes frames[0..count-1], ascending, and puts the i-th at to + i * picture_bytes; whole[i] says whether it is
 * without damage. */
VJ_MUST_USE vj_status vj_video_decode(vj_video *video, const vj_video_request *request, const int64_t *frames,
                                      int64_t count, uint8_t *to, bool *whole);
/* Where there is a table it goes by that: */
VJ_MUST_USE vj_status vj_frame_table_read(vj_video *video, const vj_video_request *request, const int64_t *frames,
                                          int64_t count, uint8_t *to, bool *whole);

#endif
