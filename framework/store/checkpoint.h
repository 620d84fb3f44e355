/* Checkpoints: the last two generations of a trial's state, each a file that is whole or noticed not to be.
 *
 * A generation is an HDF5 file (h5py opens it) with 28 bytes behind HDF5's end:
 *
 *   8 bytes "vjvcrck1", serial (uint64), bytes of HDF5 before (uint64), CRC-32 of everything before (uint32)
 *
 * in little-endian order. Serials count up from 1; the generation of serial n lies in `<path>.0` or `<path>.1`, as n is
 * even or odd, so that a new one replaces the older of two. It is written as `<path>.new`, brought to the disk and
 * renamed. A file that is kept when its trial ends has the serial 0 and a name of its own. Knows nothing of training.
 * Not collective: a group's root calls.
 */
#ifndef VJ_FRAMEWORK_STORE_CHECKPOINT_H
#define VJ_FRAMEWORK_STORE_CHECKPOINT_H

#include <stddef.h>
#include <stdint.h>

#include "vj/status.h"

enum { VJ_GENERATIONS = 2 };

typedef struct vj_generation {
  char *path; /* owned */
  uint64_t serial;
  unsigned char *image; /* owned; HDF5 alone, without what follows it. NULL: there is none */
  size_t bytes;
} vj_generation;

/* Writes one generation; makes the folder it lies in (but none above). Whatever fails, the other generation and the
 * one that would have been replaced stay as they are; the sentence (VJ_IO) names the file and the reason. */
VJ_MUST_USE vj_status vj_checkpoint_write(const char *path, uint64_t serial, const unsigned char *image, size_t bytes);

/* Reads what lies in `<path>.<slot>`, slot 0 or 1. No file is no failure: `image` is NULL then. A damaged, truncated
 * or unreadable one is VJ_DATA with a sentence that names it. The caller frees in all cases. */
VJ_MUST_USE vj_status vj_checkpoint_read(const char *path, int slot, vj_generation *generation);
void vj_generation_free(vj_generation *generation);

/* One file of the same form under its own name, serial 0: what is kept of a trial that has ended. Makes the folder it
 * lies in. What stood there before stays when it fails (VJ_IO). */
VJ_MUST_USE vj_status vj_checkpoint_keep(const char *path, const unsigned char *image, size_t bytes);
/* Reads any file of this form by its name. None is VJ_DATA here, as is one that is damaged; each with a sentence. The
 * caller frees in all cases. */
VJ_MUST_USE vj_status vj_checkpoint_open(const char *path, vj_generation *generation);

/* Removes all generations, and what a kill may have left of one. */
void vj_checkpoint_remove(const char *path);

#endif
