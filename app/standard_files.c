#include "app/standard_files.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

void vj_standard_files_begin(void) {
  signal(SIGXFSZ, SIG_IGN);
  signal(SIGPIPE, SIG_IGN);
  /* For reading alone, so that what is printed to a closed one fails. open() takes the lowest number that is free. */
  for (int file = 0; file <= STDERR_FILENO; file++)
    if (fcntl(file, F_GETFD) < 0 && open("/dev/null", O_RDONLY) != file) return;
}

/* Where an earlier write failed, nothing is left that says why. */
static bool reader_is_gone(void) {
  struct pollfd output = {.fd = STDOUT_FILENO, .events = POLLOUT};
  return errno == EPIPE || (poll(&output, 1, 0) > 0 && output.revents & POLLERR);
}

vj_status vj_standard_output_check(void) {
  errno = 0;
  const bool flushed = fflush(stdout) == 0 || errno == 0;
  if (flushed && !ferror(stdout)) return VJ_OK;
  if (reader_is_gone())
    return vj_fail(VJ_IO, "standard output: whoever read it has gone, so not all of it could be written");
  return vj_fail(VJ_IO, "standard output: not all of it could be written: %s",
                 flushed ? "is the disk full?" : strerror(errno));
}
