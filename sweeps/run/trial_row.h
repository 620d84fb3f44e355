/* A trial's row in the sweep file. Not collective. */
#ifndef VJ_SWEEPS_RUN_TRIAL_ROW_H
#define VJ_SWEEPS_RUN_TRIAL_ROW_H

#include "sweeps/run/layout.h"
#include "framework/store/sweep_file/sweep_file.h"

/* One value of one trial; text is cut to the room there is, between characters. */
VJ_MUST_USE vj_status vj_trial_row_put(vj_sweep_file *file, const char *name, int64_t trial, const void *value);
VJ_MUST_USE vj_status vj_trial_row_put_text(vj_sweep_file *file, const char *name, int64_t trial, const char *text);

/* A text of one trial; "" where nothing was written. In the pool. */
VJ_MUST_USE vj_status vj_trial_row_get_text(vj_pool *pool, const vj_sweep_file *file, const char *name, int64_t trial,
                                            const char **text);

/* What is recorded of a setting that is no number: "" where it is null. */
const char *vj_setting_text(vj_pool *pool, const vj_yaml *value);
/* Writes what is known of a trial beforehand into the rows of a fresh file. */
VJ_MUST_USE vj_status vj_trial_rows_write(vj_pool *pool, vj_sweep_file *file, const vj_space *space,
                                          const vj_sweep_layout *layout);
/* The same for rows that are not there yet, in a file of a version that gave a file its name before they were. */
VJ_MUST_USE vj_status vj_trial_rows_complete(vj_pool *pool, vj_sweep_file *file, const vj_space *space);

#endif
