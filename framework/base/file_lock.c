#define _GNU_SOURCE /* F_OFD_SETLK */
#include "framework/base/file_lock.h"

#include <errno.h>
#include <fcntl.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <unistd.h>

static _Atomic vj_lock_way way = VJ_LOCK_FLOCK;

static int by_fcntl(int descriptor, int how) {
  struct flock all = {.l_type = (how & LOCK_UN) ? F_UNLCK : (how & LOCK_SH) ? F_RDLCK : F_WRLCK, .l_whence = SEEK_SET};
  return fcntl(descriptor, (how & LOCK_NB) ? F_OFD_SETLK : F_OFD_SETLKW, &all);
}

static int lock_by(vj_lock_way by, int descriptor, int how) {
  int result;
  if (by == VJ_LOCK_NONE) return 0;
  do result = by == VJ_LOCK_FLOCK ? flock(descriptor, how) : by_fcntl(descriptor, how);
  while (result != 0 && errno == EINTR);
  if (result == 0) return 0;
  return errno == EAGAIN || errno == EACCES ? EWOULDBLOCK : errno;
}

int vj_file_lock(int descriptor, int how) { return lock_by(way, descriptor, how); }

void vj_file_lock_use(vj_lock_way which) { way = which; }
vj_lock_way vj_file_lock_way(void) { return way; }

/* A lock that two can have is none. Whoever finds it taken has been kept out. */
static bool keeps_out(vj_lock_way by, int one, int other) {
  const int first = lock_by(by, one, LOCK_EX | LOCK_NB);
  if (first != 0) return first == EWOULDBLOCK;
  const int second = lock_by(by, other, LOCK_EX | LOCK_NB);
  if (second == 0) (void)lock_by(by, other, LOCK_UN);
  (void)lock_by(by, one, LOCK_UN);
  return second == EWOULDBLOCK;
}

vj_lock_way vj_file_lock_probe(const char *path) {
  const int one = open(path, O_RDWR | O_CLOEXEC), other = one < 0 ? -1 : open(path, O_RDWR | O_CLOEXEC);
  vj_lock_way found = way;
  if (other >= 0)
    found = keeps_out(VJ_LOCK_FLOCK, one, other)   ? VJ_LOCK_FLOCK
            : keeps_out(VJ_LOCK_FCNTL, one, other) ? VJ_LOCK_FCNTL
                                                   : VJ_LOCK_NONE;
  if (other >= 0) close(other);
  if (one >= 0) close(one);
  return found;
}
