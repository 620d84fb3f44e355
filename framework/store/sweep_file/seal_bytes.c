/* What a seal tells of a file's bytes: the structure, compared or written anew, and the checksums of rows. */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <zlib.h>

#include "framework/base/disk.h"
#include "framework/store/sweep_file/seal.h"
#include "vj/bytes.h"

enum { BLOCK_BYTES = 1 << 16 };

vj_status vj_seal_read_bytes(const char *path, int descriptor, void *bytes, int64_t count, int64_t at) {
  unsigned char *to = bytes;
  while (count > 0) {
    const ssize_t got = pread(descriptor, to, (size_t)count, (off_t)at);
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) return vj_fail(VJ_IO, "%s: can't be read: %s", path, strerror(errno));
    if (got == 0) break;
    to += got;
    at += got;
    count -= got;
  }
  memset(to, 0, (size_t)count);
  return VJ_OK;
}

int vj_seal_find(const vj_seal *seal, const char *name) {
  for (int v = 0; v < seal->variable_count; v++)
    if (strcmp(seal->variables[v].name, name) == 0) return v;
  return -1;
}

int vj_seal_holder(const vj_seal *seal, int from) {
  for (int v = from; v < seal->variable_count; v++)
    if (seal->variables[v].checksum == v) return v;
  return -1;
}

/* --- the structure ----------------------------------------------------------------------------------------------- */

void vj_seal_piece(const vj_seal *seal, int i, int64_t *first, int64_t *count) {
  const vj_sealed_variable *before = i > 0 ? &seal->variables[i - 1] : NULL;
  *first = before ? before->place + before->rows * before->row_bytes : 0;
  *count = (i < seal->variable_count ? seal->variables[i].place : seal->end) - *first;
}

/* `there` stands in the file at `at`, and should be `wanted`. */
static void find_differences(const unsigned char *there, const unsigned char *wanted, int64_t count, int64_t at,
                             vj_seal_difference *d) {
  if (memcmp(there, wanted, (size_t)count) == 0) return;
  for (int64_t i = 0; i < count; i++) {
    if (there[i] == wanted[i]) continue;
    if (d->first < 0) d->first = at + i;
    d->last = at + i;
    d->bytes++;
  }
}

static vj_status compare_piece(const vj_seal *seal, const char *path, int descriptor, const unsigned char *wanted,
                               int64_t first, int64_t count, vj_seal_difference *difference) {
  unsigned char there[BLOCK_BYTES], end[VJ_SEAL_END_BYTES];
  for (int64_t done = 0; done < count; done += BLOCK_BYTES) {
    const int64_t part = count - done < BLOCK_BYTES ? count - done : BLOCK_BYTES;
    VJ_TRY(vj_seal_read_bytes(path, descriptor, there, part, first + done));
    if (first + done == 0) {
      vj_put_little(end, (uint64_t)seal->file_bytes, VJ_SEAL_END_BYTES);
      find_differences(there + VJ_SEAL_END_AT, end, VJ_SEAL_END_BYTES, VJ_SEAL_END_AT, difference);
      memset(there + VJ_SEAL_END_AT, 0, VJ_SEAL_END_BYTES);
    }
    find_differences(there, wanted + done, part, first + done, difference);
  }
  return VJ_OK;
}

vj_status vj_seal_compare(const vj_seal *seal, const char *path, int descriptor, int64_t end,
                          vj_seal_difference *difference) {
  const unsigned char *wanted = seal->structure;
  *difference = (vj_seal_difference){.first = -1, .last = -1};
  for (int i = 0; i <= seal->variable_count; i++) {
    int64_t first, count;
    vj_seal_piece(seal, i, &first, &count);
    const int64_t there = first + count <= end ? count : end - first;
    if (there > 0) VJ_TRY(compare_piece(seal, path, descriptor, wanted, first, there, difference));
    wanted += count;
  }
  return VJ_OK;
}

int vj_seal_write(const vj_seal *seal, int descriptor) {
  unsigned char end[VJ_SEAL_END_BYTES];
  const unsigned char *from = seal->structure;
  int cause = 0;
  for (int i = 0; i < VJ_SEAL_COPIES && cause == 0; i++)
    cause = vj_disk_write(descriptor, seal->copy, (size_t)seal->copy_bytes, (off_t)(seal->end + i * seal->copy_bytes));
  for (int i = 0; i <= seal->variable_count && cause == 0; i++) {
    int64_t first, count;
    vj_seal_piece(seal, i, &first, &count);
    if (count > 0) cause = vj_disk_write(descriptor, from, (size_t)count, (off_t)first);
    from += count;
  }
  vj_put_little(end, (uint64_t)seal->file_bytes, VJ_SEAL_END_BYTES);
  return cause ? cause : vj_disk_write(descriptor, end, VJ_SEAL_END_BYTES, VJ_SEAL_END_AT);
}

/* --- rows -------------------------------------------------------------------------------------------------------- */

static vj_status add_variable(const vj_sealed_variable *v, const char *path, int descriptor, int64_t first,
                              int64_t count, uint32_t *sums) {
  unsigned char block[BLOCK_BYTES];
  const int64_t begin = v->place + first * v->row_bytes, all = count * v->row_bytes;
  for (int64_t done = 0; done < all;) {
    const int64_t part = all - done < BLOCK_BYTES ? all - done : BLOCK_BYTES;
    VJ_TRY(vj_seal_read_bytes(path, descriptor, block, part, begin + done));
    for (int64_t at = 0; at < part;) {
      const int64_t row = (done + at) / v->row_bytes, left = (row + 1) * v->row_bytes - (done + at);
      const int64_t piece = left < part - at ? left : part - at;
      sums[row] = (uint32_t)crc32_z(sums[row], block + at, (z_size_t)piece);
      at += piece;
    }
    done += part;
  }
  return VJ_OK;
}

vj_status vj_seal_sums(const vj_seal *seal, const char *path, int descriptor, int holder, int64_t first, int64_t count,
                       uint32_t *sums) {
  memset(sums, 0, (size_t)count * sizeof *sums);
  for (int i = 0; i < seal->variable_count; i++) {
    const int number = seal->by_name[i];
    const vj_sealed_variable *v = &seal->variables[number];
    if (v->checksum != holder || number == holder) continue;
    if (v->rows != seal->variables[holder].rows)
      return vj_fail(VJ_INTERNAL, "%s: %s has not as many rows as its checksums", path, v->name);
    VJ_TRY(add_variable(v, path, descriptor, first, count, sums));
  }
  return VJ_OK;
}

/* On NFS and FUSE each host has its own memory of a file. Pages that hold a part of the row are read anew. */
void vj_seal_forget_row(const vj_seal *seal, int descriptor, int64_t row) {
  const int64_t page = sysconf(_SC_PAGESIZE);
  for (int i = 0; i < seal->variable_count; i++) {
    const vj_sealed_variable *v = &seal->variables[i];
    const int64_t begin = (v->place + row * v->row_bytes) / page * page, end = v->place + (row + 1) * v->row_bytes;
    if (v->checksum >= 0)
      (void)posix_fadvise(descriptor, (off_t)begin, (off_t)((end - begin + page - 1) / page * page),
                          POSIX_FADV_DONTNEED);
  }
}

static int64_t place_of_sum(const vj_seal *seal, int holder, int64_t row) {
  return seal->variables[holder].place + row * (int64_t)sizeof(int64_t);
}

vj_status vj_seal_recorded_sums(const vj_seal *seal, const char *path, int descriptor, int holder, int64_t first,
                                int64_t count, int64_t *sums) {
  return vj_seal_read_bytes(path, descriptor, sums, count * (int64_t)sizeof *sums, place_of_sum(seal, holder, first));
}

static vj_status put_sums(const vj_seal *seal, const char *path, int descriptor, int holder, uint32_t *sums,
                          int64_t *recorded) {
  const int64_t rows = seal->variables[holder].rows;
  VJ_TRY(vj_seal_sums(seal, path, descriptor, holder, 0, rows, sums));
  for (int64_t i = 0; i < rows; i++) recorded[i] = sums[i];
  const int cause =
      vj_disk_write(descriptor, recorded, (size_t)rows * sizeof *recorded, (off_t)place_of_sum(seal, holder, 0));
  return cause ? vj_fail(VJ_IO, "%s: can't be written: %s", path, vj_disk_reason(cause)) : VJ_OK;
}

vj_status vj_seal_put_sum(const vj_seal *seal, const char *path, int descriptor, int holder, int64_t row) {
  uint32_t sum;
  VJ_TRY(vj_seal_sums(seal, path, descriptor, holder, row, 1, &sum));
  const int64_t recorded = sum;
  const int cause = vj_disk_write(descriptor, &recorded, sizeof recorded, (off_t)place_of_sum(seal, holder, row));
  return cause ? vj_fail(VJ_IO, "%s: can't be written: %s", path, vj_disk_reason(cause)) : VJ_OK;
}

vj_status vj_seal_put_sums(const vj_seal *seal, const char *path, int descriptor) {
  vj_status status = VJ_OK;
  for (int h = vj_seal_holder(seal, 0); h >= 0 && status == VJ_OK; h = vj_seal_holder(seal, h + 1)) {
    const size_t rows = (size_t)seal->variables[h].rows;
    uint32_t *sums = malloc(rows * sizeof *sums);
    int64_t *recorded = malloc(rows * sizeof *recorded);
    status = sums && recorded ? put_sums(seal, path, descriptor, h, sums, recorded)
                              : vj_fail(VJ_MEMORY, "%s: no memory for the checksums of its rows", path);
    free(sums);
    free(recorded);
  }
  return status;
}
