/* `vjvcr sweep FILE.yaml --dry-run`. */
#ifndef VJ_APP_SWEEP_DRY_RUN_H
#define VJ_APP_SWEEP_DRY_RUN_H

#include "sweeps/space/question_spec.h"
#include "app/experiment.h"

/* Collective over `world`: world rank 0 lists and checks the trials, says what they need and what of it is not there:
 * memory of its host for the ranks on it, and room on the disk. With --dry-run=timed all ranks try a few steps of one
 * trial of each size, and the time of the whole sweep is estimated. Nothing is written. */
VJ_MUST_USE vj_status vj_dry_run(vj_experiment *experiment, const vj_comm *world, const vj_space *space,
                                 const vj_report_spec *report, const vj_question *question);

#endif
