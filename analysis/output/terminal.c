#include "analysis/output/terminal.h"

#include <fcntl.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <unistd.h>

enum { MOST_COLUMNS = 100000 };

/* mpirun gives its ranks a pipe for stderr and copies what comes to its own: the terminal is the parent's. */
int vj_terminal_find(void) {
  if (isatty(STDERR_FILENO)) return STDERR_FILENO;
  if (!getenv("OMPI_COMM_WORLD_RANK")) return -1;
  char path[64];
  snprintf(path, sizeof path, "/proc/%ld/fd/2", (long)getppid());
  const int parent = open(path, O_WRONLY | O_NOCTTY | O_CLOEXEC);
  if (parent >= 0 && isatty(parent)) return parent;
  if (parent >= 0) close(parent);
  return -1;
}

int vj_terminal_columns_of(int terminal) {
  struct winsize size;
  return ioctl(terminal, TIOCGWINSZ, &size) == 0 && size.ws_col > 20 ? size.ws_col : 100;
}

int vj_terminal_columns(void) {
  const char *asked = getenv("COLUMNS");
  const long number = asked ? strtol(asked, NULL, 10) : 0;
  if (number > 0) return number < MOST_COLUMNS ? (int)number : MOST_COLUMNS;
  if (!isatty(STDOUT_FILENO) && !getenv("OMPI_COMM_WORLD_RANK")) return 0;
  const int terminal = isatty(STDOUT_FILENO) ? STDOUT_FILENO : vj_terminal_find();
  const int columns = terminal < 0 ? 0 : vj_terminal_columns_of(terminal);
  if (terminal > STDERR_FILENO) close(terminal);
  return columns;
}

const char *vj_duration_text(double seconds, char *buffer) {
  const unsigned s = seconds > 0 && seconds < 3e6 ? (unsigned)lround(seconds) : seconds > 0 ? 3000000 : 0;
  if (s < 60)
    snprintf(buffer, VJ_DURATION_BYTES, "%us", s);
  else if (s < 3600)
    snprintf(buffer, VJ_DURATION_BYTES, "%um%02us", s / 60, s % 60);
  else
    snprintf(buffer, VJ_DURATION_BYTES, "%uh%02um", s / 3600, s / 60 % 60);
  return buffer;
}
