/* Jobs of one sweep side by side: they are started, started again when they die, and the sweep is seen to its end. Not
 * collective. */
#ifndef VJ_APP_LAUNCH_SUPERVISOR_H
#define VJ_APP_LAUNCH_SUPERVISOR_H

#include "app/launch/launch_plan.h"

/* Returns when every trial has ended, also those of jobs that others started; *failed: how many trials failed. When
 * stopped, by a signal or the time limit: VJ_INTERRUPTED; when no job is left that may be started again: VJ_COMM. Tells
 * on stderr what becomes of jobs. */
VJ_MUST_USE vj_status vj_supervise(const vj_launch_plan *plan, int64_t *failed);

#endif
