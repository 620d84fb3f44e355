#include "framework/base/atomic_file.h"

#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

#include "framework/base/disk.h"

/* The file is on the disk already. */
static int take_name(const char *temporary, const char *path) {
  return rename(temporary, path) == 0 ? vj_disk_sync_folder(path) : errno;
}

static int sync_and_close(int descriptor) {
  const int cause = vj_disk_sync(descriptor);
  return close(descriptor) != 0 && cause == 0 && errno != EINTR ? errno : cause;
}

int vj_atomic_publish(const char *temporary, const char *path) {
  const int descriptor = open(temporary, O_RDONLY | O_CLOEXEC);
  const int cause = descriptor < 0 ? errno : sync_and_close(descriptor);
  return cause ? cause : take_name(temporary, path);
}

int vj_atomic_write(const char *path, const char *temporary, const struct iovec *pieces, int count) {
  const int descriptor = open(temporary, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0666);
  if (descriptor < 0) return errno;
  int cause = 0;
  off_t at = 0;
  for (int i = 0; i < count && cause == 0; at += (off_t)pieces[i++].iov_len)
    cause = vj_disk_write(descriptor, pieces[i].iov_base, pieces[i].iov_len, at);
  const int closed = sync_and_close(descriptor);
  if (cause == 0) cause = closed;
  if (cause == 0) cause = take_name(temporary, path);
  if (cause != 0) unlink(temporary);
  return cause;
}

/* --- a stream ------------------------------------------------------------------------------------------------ */

static vj_status system_fail(const vj_atomic_file *file, int cause) {
  return vj_fail(VJ_IO, "%s: can't be written: %s; choose another place with -o", file->path, vj_disk_reason(cause));
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
  const int cause = status == VJ_OK && keep ? vj_atomic_publish(file->temporary, file->path) : 0;
  if (cause != 0) status = system_fail(file, cause);
  if (status != VJ_OK || !keep) unlink(file->temporary);
  return status;
}
