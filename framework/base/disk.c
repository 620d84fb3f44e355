#include "framework/base/disk.h"

#include <errno.h>
#include <fcntl.h>
#include <libgen.h>
#include <stdlib.h>
#include <string.h>
#include <sys/statvfs.h>
#include <unistd.h>

int vj_disk_write(int descriptor, const void *bytes, size_t count, off_t at) {
  size_t done = 0;
  while (done < count) {
    const ssize_t n = pwrite(descriptor, (const char *)bytes + done, count - done, at + (off_t)done);
    if (n < 0 && errno == EINTR) continue;
    if (n <= 0) return n < 0 ? errno : EIO;
    done += (size_t)n;
  }
  return 0;
}

int vj_disk_sync(int descriptor) {
  int result = 0;
  do result = fsync(descriptor);
  while (result != 0 && errno == EINTR);
  return result == 0 ? 0 : errno;
}

int vj_disk_sync_folder(const char *path) {
  char *copy = strdup(path);
  const int descriptor = copy ? open(dirname(copy), O_RDONLY | O_DIRECTORY | O_CLOEXEC) : -1;
  int cause = descriptor < 0 ? errno : vj_disk_sync(descriptor);
  if (descriptor >= 0) close(descriptor);
  free(copy);
  return cause == EINVAL ? 0 : cause; /* some file systems don't sync folders */
}

const char *vj_disk_reason(int cause) {
  return cause == ENOSPC   ? "the disk is full"
         : cause == EDQUOT ? "the quota is used up"
         : cause == EFBIG  ? "it needs more than a file may have here (see ulimit -f)"
                           : strerror(cause);
}

double vj_disk_free(const char *path) {
  char *folder = calloc(strlen(path) + 2, 1);
  struct statvfs disk;
  if (!folder) return -1;
  strcpy(folder, path);
  int failed = statvfs(folder, &disk);
  while (failed && errno == ENOENT && strcmp(folder, ".") != 0 && strcmp(folder, "/") != 0) {
    char *slash = strrchr(folder, '/');
    if (!slash)
      strcpy(folder, ".");
    else
      slash[slash == folder] = '\0';
    failed = statvfs(folder, &disk);
  }
  free(folder);
  return failed ? -1 : (double)disk.f_bavail * (double)disk.f_frsize;
}
