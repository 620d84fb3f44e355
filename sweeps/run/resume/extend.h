/* A sweep file that gets more trials. Not collective: one process, and no other works on the folder. */
#ifndef VJ_SWEEPS_RUN_RESUME_EXTEND_H
#define VJ_SWEEPS_RUN_RESUME_EXTEND_H

#include "sweeps/run/layout.h"

/* Makes the file of all trials of the space, of which the first `known` are those of the file there is, with everything
 * measured of them in its place, and puts it in the other's place; until then, and when anything fails, the file stays
 * as it is. `layout`: of all trials. */
VJ_MUST_USE vj_status vj_sweep_extend(const char *path, const vj_space *space, const vj_sweep_layout *layout,
                                      int64_t known);

/* Whether the file has a variable for every key that the space's trials set. */
bool vj_sweep_has_keys(vj_pool *pool, const vj_sweep_file *file, const vj_space *space);

#endif
