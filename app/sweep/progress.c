#include "app/sweep/progress.h"

#include <fcntl.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

enum { PLAIN_SECONDS = 15, BAR = 20, MOST_COLUMNS = 100000 };

/* mpirun gives its ranks a pipe for stderr and copies what comes to its own: the terminal is the parent's. */
static int find_terminal(void) {
  if (isatty(STDERR_FILENO)) return STDERR_FILENO;
  if (!getenv("OMPI_COMM_WORLD_RANK")) return -1;
  char path[64];
  snprintf(path, sizeof path, "/proc/%ld/fd/2", (long)getppid());
  const int parent = open(path, O_WRONLY | O_NOCTTY | O_CLOEXEC);
  if (parent >= 0 && isatty(parent)) return parent;
  if (parent >= 0) close(parent);
  return -1;
}

void vj_progress_line_start(vj_progress_line *line) {
  *line = (vj_progress_line){.terminal = find_terminal(), .last_plain = -PLAIN_SECONDS};
}

void vj_progress_line_end(vj_progress_line *line) {
  vj_progress_line_clear(line);
  if (line->terminal > STDERR_FILENO) close(line->terminal);
  line->terminal = -1;
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

static int columns_of(int terminal) {
  struct winsize size;
  return ioctl(terminal, TIOCGWINSZ, &size) == 0 && size.ws_col > 20 ? size.ws_col : 100;
}

int vj_terminal_columns(void) {
  const char *asked = getenv("COLUMNS");
  const long number = asked ? strtol(asked, NULL, 10) : 0;
  if (number > 0) return number < MOST_COLUMNS ? (int)number : MOST_COLUMNS;
  if (!isatty(STDOUT_FILENO) && !getenv("OMPI_COMM_WORLD_RANK")) return 0;
  const int terminal = isatty(STDOUT_FILENO) ? STDOUT_FILENO : find_terminal();
  const int columns = terminal < 0 ? 0 : columns_of(terminal);
  if (terminal > STDERR_FILENO) close(terminal);
  return columns;
}

void vj_progress_line_clear(vj_progress_line *line) {
  if (line->shown) fprintf(stderr, "\r%*s\r", line->shown, "");
  line->shown = 0;
}

void vj_progress_line_show(vj_progress_line *line, const vj_sweep_progress *p) {
  char bar[BAR + 1], text[640], left[VJ_DURATION_BYTES] = "";
  const double share = p->steps ? (double)p->steps_done / (double)p->steps : 1;
  const double now_done = (double)(p->steps_done - p->steps_before);
  if (now_done > 0) vj_duration_text(p->seconds * (double)(p->steps - p->steps_done) / now_done, left);
  memset(bar, '.', BAR);
  memset(bar, '#', (size_t)(share * BAR));
  bar[BAR] = '\0';
  int used = snprintf(text, sizeof text, "[%s] %3.0f%%  %lld/%lld trials", bar, 100 * share,
                      (long long)(p->trials_done + p->trials_failed + p->trials_stopped), (long long)p->trials);
  if (p->trials_stopped)
    used += snprintf(text + used, sizeof text - (size_t)used, " (%lld stopped early)", (long long)p->trials_stopped);
  if (p->trials_failed)
    used += snprintf(text + used, sizeof text - (size_t)used, " (%lld failed)", (long long)p->trials_failed);
  used += snprintf(text + used, sizeof text - (size_t)used, "  trial %lld%s%s %s %lld/%lld", (long long)p->mine.trial,
                   p->arm && p->arm[0] ? " " : "", p->arm ? p->arm : "", p->mine.doing, (long long)p->mine.step,
                   (long long)p->mine.steps);
  if (isfinite(p->mine.loss)) used += snprintf(text + used, sizeof text - (size_t)used, "  loss %.4g", p->mine.loss);
  if (left[0]) used += snprintf(text + used, sizeof text - (size_t)used, "  %s left", left);
  if (line->terminal < 0) {
    if (p->seconds - line->last_plain < PLAIN_SECONDS) return;
    line->last_plain = p->seconds;
    fprintf(stderr, "%s\n", text);
    return;
  }
  const int columns = columns_of(line->terminal);
  if (used >= columns) text[columns - 1] = '\0';
  const int length = (int)strlen(text), blank = line->shown > length ? line->shown - length : 0;
  fprintf(stderr, "\r%s%*s", text, blank, "");
  fflush(stderr);
  line->shown = length;
}
