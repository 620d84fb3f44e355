/* Running a sweep: groups of ranks take trials from the ledger and record them in one file. The room sees the framework
 * and the other rooms of sweeps/, and no component. Begin here, then driver.c: startup.c prepares the folder, layout.c
 * says what sweep.h5 holds, claim.c takes and ends trials, resume/ goes on with an earlier run. */
#ifndef VJ_SWEEPS_RUN_DRIVER_H
#define VJ_SWEEPS_RUN_DRIVER_H

#include "sweeps/run/versions.h"
#include "sweeps/space/question_spec.h"
#include "sweeps/space/space.h"
#include "framework/train/trial.h"

typedef struct vj_sweep_progress {
  int64_t trials_done, trials_failed, trials_pruned, trials; /* pruned: ended early, by sweep.stopping */
  int64_t steps_done, steps;                                 /* of all trials */
  vj_progress mine;                                          /* of the trial this rank is working on */
  const char *arm;
  double seconds;       /* since the start */
  int64_t steps_before; /* done by earlier runs */
} vj_sweep_progress;

typedef struct vj_sweep_options {
  const char *folder;
  bool resume;
  int ranks_per_trial;          /* of trials without optim.ranks; 0: chosen from ranks and trials */
  double time_limit;            /* seconds from now after which the run is interrupted; 0: none */
  const char *time_limit_name;  /* what set it, for the sentence: "the time limit" */
  double hang_limit;            /* seconds without a step, or a batch of an evaluation, that mean it hangs; 0: none */
  int64_t steps;                /* a trial ends where the first so many of its steps are recorded; 0: at its own end */
  int64_t max_attempts;         /* a trial whose run died so often in a row, saving nothing, failed; 0: never */
  vj_versions versions;         /* recorded with a new sweep; where an earlier run had others, a note tells */
  const vj_report_spec *report; /* checked before training; NULL: none */
  const vj_question *question;  /* likewise */
  /* On world rank 0, at most about ten times a second; may be NULL. */
  void (*progress)(void *context, const vj_sweep_progress *progress);
  /* On the root of a group, when a trial of it ended badly; may be NULL. */
  void (*failed)(void *context, int64_t trial, const char *arm, const char *reason);
  /* On the root of a group, when something went wrong that does not end a trial; may be NULL. */
  void (*warned)(void *context, int64_t trial, const char *arm, const char *sentence);
  /* On world rank 0, before training: what is worth knowing of the run as a whole; may be NULL. */
  void (*noted)(void *context, const char *sentence);
  /* On any rank and from a thread of its own, when it hangs: expected to end the process; may be NULL. */
  void (*hung)(void *context);
  void *context;
} vj_sweep_options;

typedef struct vj_sweep_end {
  int64_t failed, elsewhere; /* trials: of the whole sweep; that other jobs still work on */
} vj_sweep_end;

/* Collective over `world`. A failing trial is recorded and the sweep goes on; `end` counts them.
 * An error is something that stops the whole sweep. A signal that vj_signals_catch notes on any rank, and the time
 * limit, stop all groups at their next step, with checkpoints: VJ_INTERRUPTED, unless no trial is left. Other jobs may
 * work on the same folder at the same time. */
VJ_MUST_USE vj_status vj_sweep_run(const vj_comm *world, const vj_yaml *root, const vj_space *space,
                                   const vj_sweep_options *options, vj_sweep_end *end);

#endif
