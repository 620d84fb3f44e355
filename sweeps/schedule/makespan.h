/* When a sweep would be through. Not collective. */
#ifndef VJ_SWEEPS_SCHEDULE_MAKESPAN_H
#define VJ_SWEEPS_SCHEDULE_MAKESPAN_H

#include "sweeps/schedule/trial_schedule.h"

/* Seconds until all groups are through, going by the schedule; `trials`: those of each trial. */
VJ_MUST_USE vj_status vj_makespan(const vj_trial_schedule *schedule, const double *trials, double *seconds);

#endif
