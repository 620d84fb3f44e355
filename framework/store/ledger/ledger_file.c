/* The ledger's file: its lock, reading what others appended, appending. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "framework/base/disk.h"
#include "framework/base/file_lock.h"
#include "framework/store/ledger/ledger_private.h"
#include "vj/memory.h"

vj_status vj_ledger_system_fail(const vj_ledger *ledger, const char *what) {
  return vj_fail(VJ_IO, "%s: %s: %s", ledger->path, what, strerror(errno));
}

vj_status vj_ledger_lock(const vj_ledger *ledger, int how) {
  errno = vj_file_lock(ledger->descriptor, how);
  return errno ? vj_ledger_system_fail(ledger, "can't be locked") : VJ_OK;
}

void vj_ledger_unlock(const vj_ledger *ledger) { (void)vj_file_lock(ledger->descriptor, LOCK_UN); }

vj_status vj_ledger_unlock_and_sync(vj_ledger *ledger, vj_status status) {
  const bool appended = ledger->appended;
  vj_ledger_unlock(ledger);
  ledger->appended = false;
  if (status != VJ_OK || !appended) return status;
  errno = vj_disk_sync(ledger->descriptor);
  return errno ? vj_ledger_system_fail(ledger, "can't be brought to the disk") : VJ_OK;
}

static vj_status read_at(const vj_ledger *ledger, char *bytes, size_t count, off_t at, size_t *got) {
  *got = 0;
  while (*got < count) {
    const ssize_t n = pread(ledger->descriptor, bytes + *got, count - *got, at + (off_t)*got);
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) return vj_ledger_system_fail(ledger, "can't be read");
    if (n == 0) break;
    *got += (size_t)n;
  }
  return VJ_OK;
}

vj_status vj_ledger_refresh(vj_ledger *ledger, off_t *torn) {
  struct stat about;
  *torn = 0;
  if (fstat(ledger->descriptor, &about) != 0) return vj_ledger_system_fail(ledger, "can't be examined");
  if (about.st_size < ledger->parsed)
    return vj_fail(VJ_DATA, "%s: the ledger became shorter while it was in use; ledgers only grow", ledger->path);
  if (about.st_size == ledger->parsed) return VJ_OK;
  char *bytes = NULL;
  size_t got = 0, at = 0;
  VJ_TRY(vj_allocate((size_t)(about.st_size - ledger->parsed), 1, "reading the ledger", &bytes));
  vj_status status = read_at(ledger, bytes, (size_t)(about.st_size - ledger->parsed), ledger->parsed, &got);
  while (status == VJ_OK && at < got) {
    char *end = memchr(bytes + at, '\n', got - at);
    if (!end) break;
    *end = '\0';
    const size_t length = (size_t)(end - (bytes + at));
    status = vj_ledger_parse_line(ledger, bytes + at, length);
    if (status != VJ_OK) {
      ledger->lines--; /* asked again, it is the same line */
      break;
    }
    at += length + 1;
    ledger->parsed += (off_t)(length + 1);
  }
  /* A first line without its end may be someone else's file; only what can become our header is ours to cut. */
  const size_t known = got - at < strlen(VJ_LEDGER_HEADER) ? got - at : strlen(VJ_LEDGER_HEADER);
  if (status == VJ_OK && ledger->lines == 0 && memcmp(bytes, VJ_LEDGER_HEADER, known) != 0)
    status = vj_ledger_parse_header(ledger, "");
  *torn = (off_t)(got - at);
  free(bytes);
  return status;
}

static vj_status append(vj_ledger *ledger, const vj_lines *text, off_t torn) {
  if (text->failed) return vj_fail(VJ_MEMORY, "%s: no memory for a record", ledger->path);
  if (ledger->read_only) return vj_fail(VJ_IO, "%s: can't be written: this user may only read it", ledger->path);
  if (torn > 0 && ftruncate(ledger->descriptor, ledger->parsed) != 0)
    return vj_ledger_system_fail(ledger, "a torn line can't be cut off");
  const int cause = vj_disk_write(ledger->descriptor, text->bytes, text->used, ledger->parsed);
  if (cause != 0) {
    /* If this fails too, the torn line stays for the next one who appends. */
    if (ftruncate(ledger->descriptor, ledger->parsed) != 0) vj_error_frame(__FILE__, __LINE__, __func__);
    errno = cause;
    return vj_ledger_system_fail(ledger, "can't be written");
  }
  ledger->appended = true;
  return vj_ledger_refresh(ledger, &torn);
}

vj_status vj_ledger_append(vj_ledger *ledger, vj_lines *text, off_t torn) {
  const vj_status status = append(ledger, text, torn);
  free(text->bytes);
  *text = (vj_lines){0};
  return status;
}

vj_status vj_ledger_append_record(vj_ledger *ledger, int event, int64_t trial, int64_t attempt, const char *reason,
                                  off_t torn) {
  vj_lines text = {0};
  vj_ledger_put_record(&text, ledger, event, trial, attempt, reason);
  return vj_ledger_append(ledger, &text, torn);
}
