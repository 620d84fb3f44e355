#include "app/sweep/progress.h"

#include <math.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "analysis/output/terminal.h"

enum { PLAIN_SECONDS = 15, BAR = 20 };

void vj_progress_line_start(vj_progress_line *line) {
  *line = (vj_progress_line){.terminal = vj_terminal_find(), .last_plain = -PLAIN_SECONDS};
}

void vj_progress_line_end(vj_progress_line *line) {
  vj_progress_line_clear(line);
  if (line->terminal > STDERR_FILENO) close(line->terminal);
  line->terminal = -1;
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
                      (long long)(p->trials_done + p->trials_failed + p->trials_pruned), (long long)p->trials);
  if (p->trials_pruned)
    used += snprintf(text + used, sizeof text - (size_t)used, " (%lld stopped early)", (long long)p->trials_pruned);
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
  const int columns = vj_terminal_columns_of(line->terminal);
  if (used >= columns) text[columns - 1] = '\0';
  const int length = (int)strlen(text), blank = line->shown > length ? line->shown - length : 0;
  fprintf(stderr, "\r%s%*s", text, blank, "");
  fflush(stderr);
  line->shown = length;
}
