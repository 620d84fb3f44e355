#include "framework/base/atomic_file.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>

static vj_status system_fail(const vj_atomic_file *file, int cause) {
  const char *reason = cause == ENOSPC   ? "the disk is full"
                       : cause == EDQUOT ? "the quota is used up"
                                         : strerror(cause);
  return vj_fail(VJ_IO, "%s: can't be written: %s; choose another place with -o", file->path, reason);
}

vj_status vj_atomic_file_open(const char *path, vj_atomic_file *file) {
  *file = (vj_atomic_file){.stream = NULL};
  const int length = snprintf(file->path, sizeof file->path, "%s", path);
  if (length >= (int)sizeof file->path) return vj_fail(VJ_USAGE, "-o: a path of %d characters is too long", length);
  snprintf(file->temporary, sizeof file->temporary, "%s.new-%ld", path, (long)getpid());
  file->stream = fopen(file->temporary, "wb");
  return file->stream ? VJ_OK : system_fail(file, errno);
}

vj_status vj_atomic_file_write(vj_atomic_file *file, const void *bytes, size_t count) {
  return fwrite(bytes, 1, count, file->stream) == count ? VJ_OK : system_fail(file, errno);
}

vj_status vj_atomic_file_close(vj_atomic_file *file, bool keep) {
  if (!file->stream) return VJ_OK;
  const bool written = !ferror(file->stream);
  vj_status status = fclose(file->stream) == 0 && written ? VJ_OK : system_fail(file, errno);
  file->stream = NULL;
  if (status == VJ_OK && keep && rename(file->temporary, file->path) != 0) status = system_fail(file, errno);
  if (status != VJ_OK || !keep) unlink(file->temporary);
  return status;
}
