/* The progress of a sweep on rank 0: one live line on a terminal, else a plain line now and then. */
#ifndef VJ_APP_SWEEP_PROGRESS_H
#define VJ_APP_SWEEP_PROGRESS_H

#include "sweeps/run/driver.h"

typedef struct vj_progress_line {
  int terminal;      /* a descriptor of the terminal that shows stderr; -1: there is none */
  int shown;         /* characters on the live line */
  double last_plain; /* when the last plain line was printed */
} vj_progress_line;

void vj_progress_line_start(vj_progress_line *line);
void vj_progress_line_show(vj_progress_line *line, const vj_sweep_progress *progress);
/* Clears the live line, so that something else can be printed. */
void vj_progress_line_clear(vj_progress_line *line);
void vj_progress_line_end(vj_progress_line *line);

#endif
