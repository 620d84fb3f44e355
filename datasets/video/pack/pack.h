/* A pack: all frames of a data set's videos, decoded, in one HDF5 file. datasets/packing writes it;
 * docs/file-formats.md says what is in it. Frames are read at the place that HDF5 tells, by any number of threads at
 * once. Nothing here is collective. */
#ifndef VJ_DATASETS_VIDEO_PACK_PACK_H
#define VJ_DATASETS_VIDEO_PACK_PACK_H

#include "datasets/video/listed_video.h"

#define VJ_PACK_FORMAT "vjvcr pack 1"

typedef struct vj_pack vj_pack;

/* Adds the checksum of what HDF5 has written, when it is closed everywhere; see pack_checksum.h. Without it a file is
 * no pack. The caller brings it to the disk. */
VJ_MUST_USE vj_status vj_pack_checksum_file(const char *path);

/* VJ_IO, VJ_DATA: no such file, no pack, or damaged. */
VJ_MUST_USE vj_status vj_pack_open(const char *path, vj_pack **pack);
void vj_pack_close(vj_pack **pack);

/* VJ_DATA says what differs: the data set, or the size or colours of frames. */
VJ_MUST_USE vj_status vj_pack_check(const vj_pack *pack, const char *what, const vj_video_request *request);

/* Whether it says how many frames a second videos have; those of earlier versions do not. */
bool vj_pack_has_rates(const vj_pack *pack);

/* Fills broken, changed and info.{frames,bytes,rate} of each video of a split, whose entries are set, and `place`, its
 * number in the pack. Sentences are owned by the pack. A video that the pack does not have, or that has changed since,
 * is VJ_DATA; one that is no longer there is none: the pack has its frames. */
VJ_MUST_USE vj_status vj_pack_match(const vj_pack *pack, vj_split split, vj_clip_video *videos, int64_t count,
                                    int64_t *place);

/* As vj_video_read, from the video at `place`. */
VJ_MUST_USE vj_status vj_pack_read(const vj_pack *pack, int64_t place, const vj_video_request *request,
                                   uint8_t *frames);

#endif
