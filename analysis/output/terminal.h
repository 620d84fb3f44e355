/* The terminal that shows our output, and durations as one reads them. Not collective. */
#ifndef VJ_ANALYSIS_OUTPUT_TERMINAL_H
#define VJ_ANALYSIS_OUTPUT_TERMINAL_H

/* A descriptor of the terminal that shows stderr, also through mpirun; -1: there is none. The caller closes one above
 * STDERR_FILENO. */
int vj_terminal_find(void);

/* Columns of that terminal. */
int vj_terminal_columns_of(int terminal);

/* Columns of the terminal that shows stdout, also through mpirun; COLUMNS comes first; 0 when there is none. */
int vj_terminal_columns(void);

enum { VJ_DURATION_BYTES = 32 };
/* "48s", "3m05s", "2h10m" into a buffer of that size; returns it. */
const char *vj_duration_text(double seconds, char *buffer);

#endif
