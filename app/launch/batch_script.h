/* A sweep as a job of a scheduler: the script that goes on with it, run after run. Not collective. */
#ifndef VJ_APP_LAUNCH_BATCH_SCRIPT_H
#define VJ_APP_LAUNCH_BATCH_SCRIPT_H

#include <stdio.h>

#include "app/launch/launch_plan.h"

/* `scheduler`: slurm, pbs, lsf or flux. */
VJ_MUST_USE vj_status vj_batch_script_print(const vj_launch_plan *plan, const char *scheduler, FILE *to);

#endif
