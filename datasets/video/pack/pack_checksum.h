/* The last bytes of a pack: where its frames are, and a checksum of everything else. HDF5 1.10 crashes on some damage
 * to its own structure, so it is given a pack only when the footer fits. Frames have no part in it: they are numbers,
 * and reading all of them would take minutes. Not collective. */
#ifndef VJ_DATASETS_VIDEO_PACK_PACK_CHECKSUM_H
#define VJ_DATASETS_VIDEO_PACK_PACK_CHECKSUM_H

#include <stdint.h>

#include "vj/status.h"

/* In this order, little-endian: magic, the three numbers of 8 bytes, and the CRC-32 of the file's first `bytes` without
 * the frames, and then of what stands before it in the footer. */
#define VJ_PACK_CHECKSUM_MAGIC "vjvcrPK1"
enum { VJ_PACK_CHECKSUM_BYTES = 36 };

typedef struct vj_pack_checksum {
  int64_t frames, frame_bytes; /* where frames begin in the file, and how many bytes all of them take */
  int64_t bytes;               /* of the HDF5 file, which the footer follows */
} vj_pack_checksum;

/* Appends the footer to an open file; VJ_IO. `footer->bytes` is set to the size that the file has. */
VJ_MUST_USE vj_status vj_pack_checksum_write(int file, const char *path, vj_pack_checksum *footer);

/* Reads the footer and everything that it covers. VJ_DATA where there is none, or a byte has changed; VJ_IO. */
VJ_MUST_USE vj_status vj_pack_checksum_check(int file, const char *path, vj_pack_checksum *footer);

#endif
