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

/* Columns of the terminal that shows our output, also through mpirun; 0 when there is none. */
int vj_terminal_columns(void);

enum { VJ_DURATION_BYTES = 32 };
/* "48s", "3m05s", "2h10m" into a buffer of that size; returns it. */
const char *vj_duration_text(double seconds, char *buffer);

#endif
