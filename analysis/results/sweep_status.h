/* How a sweep stands: from its file, its ledger and the processes of this host, by reading alone. Not collective. */
#ifndef VJ_ANALYSIS_RESULTS_SWEEP_STATUS_H
#define VJ_ANALYSIS_RESULTS_SWEEP_STATUS_H

#include "framework/store/ledger/ledger_snapshot.h"
#include "analysis/results/sweep_results.h"

typedef enum vj_sweep_state {
  VJ_SWEEP_FINISHED,    /* every trial is done, failed or stopped early */
  VJ_SWEEP_RUNNING,     /* somebody works on it, as far as can be seen from here */
  VJ_SWEEP_INTERRUPTED, /* those who worked on it are gone */
  VJ_SWEEP_IDLE         /* nobody works on it, and trials wait */
} vj_sweep_state;

typedef struct vj_sweep_status {
  vj_pool *pool;
  const char *folder;
  vj_results *results;
  vj_ledger_snapshot ledger;
  vj_trial_state *state;          /* of each trial */
  int64_t count[VJ_TRIAL_STATES]; /* of trials, by state */
  vj_sweep_state whole;
  int64_t steps_done,
      steps; /* of all trials; one that failed or was stopped early has no more to make than it made, and where
              * trials are stopped, one that waits is expected to make as many as those that ended */
  /* NaN where they aren't known: no trial is done, or nobody works on the sweep. */
  double trials_an_hour, steps_an_hour, seconds_left;
  double now, changed;        /* Unix times: of this look, and of the sweep's last change */
  vj_report_column objective; /* its quantity is NULL where there is none */
  int64_t best;               /* among the trials that are done; -1: none */
  double best_value;
} vj_sweep_status;

/* Looks at DIR. The ledger says what state a trial is in; without a ledger, sweep.h5 does. It is read first, so that
 * everything of a trial that it calls done is in the file. */
VJ_MUST_USE vj_status vj_sweep_status_read(const char *folder, vj_sweep_status *status);
void vj_sweep_status_close(vj_sweep_status *status);

/* "waiting", "running", "done", "failed", "stopped". */
const char *vj_sweep_status_state(const vj_sweep_status *status, int64_t trial);
/* Who took a trial: "host:4242"; "" if it isn't known. */
const char *vj_sweep_status_who(const vj_sweep_status *status, int64_t trial);
/* Unix time since when a trial runs; NaN if it isn't known: records of the ledger have no time, but the file has one of
 * its last change. */
double vj_sweep_status_since(const vj_sweep_status *status, int64_t trial);

#endif
