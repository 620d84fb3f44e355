/* A sweep file made anew from a damaged one: what is recorded is copied, what does not fit is emptied. */
#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "framework/base/disk.h"
#include "framework/store/sweep_file/sweep_file_private.h"

enum { BLOCK_BYTES = 1 << 16 };

static int copy_bytes(int from, int to, int64_t at, int64_t count) {
  unsigned char block[BLOCK_BYTES];
  for (int64_t done = 0; done < count;) {
    const int64_t left = count - done;
    const ssize_t got = pread(from, block, left < BLOCK_BYTES ? (size_t)left : BLOCK_BYTES, (off_t)(at + done));
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) return errno;
    if (got == 0) return 0; /* it was cut off there */
    const int cause = vj_disk_write(to, block, (size_t)got, (off_t)(at + done));
    if (cause) return cause;
    done += got;
  }
  return 0;
}

int vj_seal_copy_rows(const vj_seal *seal, int from, int to) {
  int cause = ftruncate(to, (off_t)seal->file_bytes) == 0 ? 0 : errno;
  for (int v = 0; v < seal->variable_count && cause == 0; v++)
    cause = copy_bytes(from, to, seal->variables[v].place, seal->variables[v].rows * seal->variables[v].row_bytes);
  return cause;
}

/* `count` bytes of empty values. */
static int write_empty(int descriptor, vj_file_type type, int64_t at, int64_t count) {
  unsigned char block[BLOCK_BYTES] = {0};
  const size_t bytes = type == VJ_FILE_FLOAT ? sizeof(float) : sizeof(double);
  const void *empty = vj_sweep_file_empty_value(type);
  int cause = 0;
  for (size_t i = 0; i < BLOCK_BYTES && empty; i += bytes) memcpy(block + i, empty, bytes);
  for (int64_t done = 0; done < count && cause == 0; done += BLOCK_BYTES) {
    const int64_t left = count - done;
    cause = vj_disk_write(descriptor, block, left < BLOCK_BYTES ? (size_t)left : BLOCK_BYTES, (off_t)(at + done));
  }
  return cause;
}

int vj_seal_empty_row(const vj_seal *seal, int descriptor, int holder, int64_t row) {
  int cause = 0;
  for (int i = 0; i < seal->variable_count && cause == 0; i++) {
    const vj_sealed_variable *v = &seal->variables[i];
    if (v->checksum == holder) cause = write_empty(descriptor, v->type, v->place + row * v->row_bytes, v->row_bytes);
  }
  return cause;
}

int vj_seal_put_number(const vj_seal *seal, int descriptor, const char *name, int64_t row, int64_t value) {
  const int variable = vj_seal_find(seal, name);
  if (variable < 0) return 0;
  const vj_sealed_variable *v = &seal->variables[variable];
  return vj_disk_write(descriptor, &value, sizeof value, (off_t)(v->place + row * v->row_bytes));
}
