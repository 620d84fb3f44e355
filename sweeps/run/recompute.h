/* A trial of a sweep file, trained once more: as a sweep of one trial in a folder of its own, by the driver that trains
 * all others. What it gives is read from there. */
#ifndef VJ_SWEEPS_RUN_RECOMPUTE_H
#define VJ_SWEEPS_RUN_RECOMPUTE_H

#include "sweeps/run/driver.h"
#include "framework/store/sweep_file/sweep_file.h"

typedef struct vj_recorded_trial {
  vj_pool *pool;
  const vj_yaml *root;   /* the experiment of which it is the one trial; what changes no number is left out */
  const vj_space *space; /* that trial alone */
} vj_recorded_trial;

/* The trial of a row. `settings`, "data.root=/videos", say where its data lie here, and nothing else: VJ_USAGE.
 * Plug-ins that the sweep names are loaded. `path`: of the file. In the pool. Not collective. */
VJ_MUST_USE vj_status vj_recorded_trial_read(vj_pool *pool, const vj_sweep_file *file, const char *path, int64_t row,
                                             vj_text_list settings, vj_recorded_trial *trial);

/* A new, empty folder for temporary files, which vj_folder_remove removes. Not collective. */
VJ_MUST_USE vj_status vj_scratch_folder_make(vj_pool *pool, const char **path);

/* Trains it on all ranks of `world` together, into options->folder, whose sweep.h5 then has it as trial 0. Collective.
 */
VJ_MUST_USE vj_status vj_recorded_trial_run(const vj_comm *world, const vj_recorded_trial *trial,
                                            const vj_sweep_options *options, vj_sweep_end *end);

#endif
