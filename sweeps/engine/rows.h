/* A trial's row in the sweep file. Not collective. */
#ifndef VJ_ROWS_H
#define VJ_ROWS_H

#include "engine/space.h"
#include "store/sweep_file.h"

/* One value of one trial; text is cut to the room there is, between characters. */
VJ_MUST_USE vj_status vj_row_put(vj_sweep_file *file, const char *name, int64_t trial, const void *value);
VJ_MUST_USE vj_status vj_row_put_text(vj_sweep_file *file, const char *name, int64_t trial, const char *text);

/* Writes what is known of a trial beforehand for all rows that are not there yet: all of them, or those that an earlier
 * run was stopped before. */
VJ_MUST_USE vj_status vj_rows_complete(vj_pool *pool, vj_sweep_file *file, const vj_space *space);

#endif
