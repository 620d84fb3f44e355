/* What was measured of trials goes from one sweep file into another, in which trials, steps and evaluations may have
 * other places. Not collective: one process, and nobody else works on the fresh file. */
#ifndef VJ_SWEEPS_RUN_ROWS_COPY_H
#define VJ_SWEEPS_RUN_ROWS_COPY_H

#include "framework/store/records/records.h"

typedef struct vj_rows_copy {
  const vj_sweep_file *from;
  const char *path; /* of `from`, for sentences */
  vj_sweep_file *to;
  int64_t count;                /* trials */
  const int64_t *rows, *places; /* their numbers in `from`, and in `to` */
  bool leaves_config;           /* the configurations that `to` has stay */
} vj_rows_copy;

/* What follows from the configurations is not copied but the text of them; values that a trial of the old file does not
 * have stay as they are. VJ_DATA where an axis or a variable of the old file has no place in the new one. */
VJ_MUST_USE vj_status vj_rows_copy_all(const vj_rows_copy *copy);

#endif
