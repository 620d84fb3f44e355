#include "framework/store/disk.h"

#include <errno.h>
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
