#include "datasets/video/pack/pack_checksum.h"

#include <errno.h>
#include <stdbool.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include <zlib.h>

#include "vj/bytes.h"

enum { MAGIC_BYTES = 8, CHECKED_BYTES = VJ_PACK_CHECKSUM_BYTES - 4, BLOCK_BYTES = 65536 };

static vj_status read_at(int file, const char *path, int64_t offset, size_t bytes, unsigned char *to) {
  while (bytes > 0) {
    const ssize_t got = pread(file, to, bytes, (off_t)offset);
    if (got < 0 && errno == EINTR) continue;
    if (got <= 0) return vj_fail(VJ_IO, "%s: can't be read: %s", path, got ? strerror(errno) : "it has become shorter");
    to += got, offset += got, bytes -= (size_t)got;
  }
  return VJ_OK;
}

static vj_status add_range(int file, const char *path, int64_t from, int64_t end, uLong *sum) {
  unsigned char block[BLOCK_BYTES];
  for (int64_t at = from; at < end; at += BLOCK_BYTES) {
    const size_t bytes = (size_t)(end - at < BLOCK_BYTES ? end - at : BLOCK_BYTES);
    VJ_TRY(read_at(file, path, at, bytes, block));
    *sum = crc32(*sum, block, (uInt)bytes);
  }
  return VJ_OK;
}

/* `head`: the footer without its checksum. */
static vj_status sum_of(int file, const char *path, const vj_pack_checksum *s, const unsigned char *head,
                        uint32_t *sum) {
  uLong running = crc32(0, NULL, 0);
  VJ_TRY(add_range(file, path, 0, s->frames, &running));
  VJ_TRY(add_range(file, path, s->frames + s->frame_bytes, s->bytes, &running));
  *sum = (uint32_t)crc32(running, head, CHECKED_BYTES);
  return VJ_OK;
}

static bool is_possible(const vj_pack_checksum *s) {
  return s->frames >= 0 && s->frame_bytes >= 0 && s->frames <= s->bytes && s->frame_bytes <= s->bytes - s->frames;
}

vj_status vj_pack_checksum_write(int file, const char *path, vj_pack_checksum *s) {
  unsigned char footer[VJ_PACK_CHECKSUM_BYTES];
  struct stat about;
  uint32_t sum;
  if (fstat(file, &about) != 0) return vj_fail(VJ_IO, "%s: can't be examined: %s", path, strerror(errno));
  s->bytes = (int64_t)about.st_size;
  if (!is_possible(s)) return vj_fail(VJ_INTERNAL, "%s: frames beyond the end of the file", path);
  memcpy(footer, VJ_PACK_CHECKSUM_MAGIC, MAGIC_BYTES);
  vj_put_little(footer + 8, (uint64_t)s->frames, 8);
  vj_put_little(footer + 16, (uint64_t)s->frame_bytes, 8);
  vj_put_little(footer + 24, (uint64_t)s->bytes, 8);
  VJ_TRY(sum_of(file, path, s, footer, &sum));
  vj_put_little(footer + CHECKED_BYTES, sum, 4);
  const ssize_t written = pwrite(file, footer, sizeof footer, (off_t)s->bytes);
  if (written == (ssize_t)sizeof footer) return VJ_OK;
  return vj_fail(VJ_IO, "%s: its end can't be written: %s", path, strerror(written < 0 ? errno : ENOSPC));
}

vj_status vj_pack_checksum_check(int file, const char *path, vj_pack_checksum *s) {
  unsigned char footer[VJ_PACK_CHECKSUM_BYTES] = {0};
  struct stat about;
  uint32_t sum;
  if (fstat(file, &about) != 0) return vj_fail(VJ_IO, "%s: can't be examined: %s", path, strerror(errno));
  if (S_ISREG(about.st_mode) && about.st_size >= VJ_PACK_CHECKSUM_BYTES)
    VJ_TRY(read_at(file, path, (int64_t)about.st_size - VJ_PACK_CHECKSUM_BYTES, VJ_PACK_CHECKSUM_BYTES, footer));
  if (memcmp(footer, VJ_PACK_CHECKSUM_MAGIC, MAGIC_BYTES) != 0)
    return vj_fail(VJ_DATA, "%s: not a pack, or one that was cut short: `vjvcr data pack` makes one", path);
  *s = (vj_pack_checksum){(int64_t)vj_get_little(footer + 8, 8), (int64_t)vj_get_little(footer + 16, 8),
                          (int64_t)vj_get_little(footer + 24, 8)};
  if (s->bytes != (int64_t)about.st_size - VJ_PACK_CHECKSUM_BYTES || !is_possible(s))
    return vj_fail(VJ_DATA, "%s: a damaged pack: its end does not fit its size; make it again with `vjvcr data pack`",
                   path);
  VJ_TRY(sum_of(file, path, s, footer, &sum));
  if (sum == (uint32_t)vj_get_little(footer + CHECKED_BYTES, 4)) return VJ_OK;
  return vj_fail(VJ_DATA, "%s: a damaged pack: its checksum does not fit; make it again with `vjvcr data pack`", path);
}
