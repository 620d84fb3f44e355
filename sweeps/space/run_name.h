/* Names of trials for people, as the names of files. */
#ifndef VJ_SWEEPS_SPACE_RUN_NAME_H
#define VJ_SWEEPS_SPACE_RUN_NAME_H

#include "sweeps/space/space.h"

/* "trial-0007-variance-only", of the arm, or "trial-0007-tau=0.5-weight=0.01", of the settings; what may not stand in
 * the name of a file is a minus sign there, and a long name is cut. NULL when memory is out. */
const char *vj_run_name(vj_pool *pool, const vj_space *space, int64_t trial);

#endif
