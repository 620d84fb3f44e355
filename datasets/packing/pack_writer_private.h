/* What the sources of the writer of packs share. No one else includes this. */
#ifndef VJ_DATASETS_PACKING_PACK_WRITER_PRIVATE_H
#define VJ_DATASETS_PACKING_PACK_WRITER_PRIVATE_H

#include <hdf5.h>

#include "datasets/packing/pack_writer.h"
#include "datasets/video/pack/pack.h"

typedef struct packing {
  const vj_comm *world;
  const vj_clips *clips;
  const char *path;
  char *temporary;
  int threads, lock;
  vj_video_request request; /* of single frames */
  int64_t frame_bytes;
  int64_t videos, frames;
  int64_t *first, *split, *bytes, *changed;
  const vj_clip_video **video;
  int64_t *number; /* of each video in its split */
  hid_t file, access, transfer;
  vj_pack_outcome *results;
} packing;

vj_status vj_packing_failed(const packing *p, const char *what);

/* The file under its temporary name, locked, on a disk that has room for it. Collective. */
VJ_MUST_USE vj_status vj_packing_create_file(packing *p);
/* A data set with its room; frames are written later, so nothing is filled in. Negative where it can't be made. */
hid_t vj_packing_create_set(const packing *p, const char *name, hid_t type, int axes, const hsize_t *size);
/* `count` rows of a data set from `start` on, this rank's part of a collective write; none with count 0. */
VJ_MUST_USE vj_status vj_packing_write_rows(const packing *p, hid_t set, hid_t type, int64_t start, int64_t count,
                                            const void *values);
/* All but the frames. Collective. */
VJ_MUST_USE vj_status vj_packing_write_tables(const packing *p);
/* Decodes and writes all frames. Collective. */
VJ_MUST_USE vj_status vj_packing_write_frames(const packing *p, void (*told)(double share));

#endif
