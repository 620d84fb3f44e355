/* Trials of the dead, and what a kill left between the ledger and the sweep file. */
#include <stdlib.h>

#include "sweeps/run/driver_private.h"
#include "sweeps/run/trial_row.h"
#include "framework/store/checkpoint.h"

const char *vj_driver_checkpoint(const vj_driver *d, int64_t trial) {
  return vj_pool_format(d->pool, "%s/checkpoints/trial-%04lld", d->options->folder, (long long)trial);
}

/* A trial that has ended needs its checkpoints no more; without the file they only cost room. */
void vj_driver_remove_checkpoints(const vj_driver *d, int64_t trial) {
  const char *path = vj_driver_checkpoint(d, trial);
  if (path) vj_checkpoint_remove(path);
}

/* Who decided on an early end, and still lives, writes into the row until it seals it itself. */
static bool may_be_written(vj_trial_state state, bool at_start) { return state == VJ_TRIAL_PRUNED && !at_start; }

/* The file says what the ledger says of a trial that no one works on. */
static vj_status reconcile(vj_driver *d, int64_t trial, int64_t recorded, bool at_start) {
  vj_trial_state state;
  int64_t attempts;
  const char *reason;
  VJ_TRY(vj_ledger_state(d->ledger, trial, &state, &attempts, &reason));
  const int64_t now = state;
  const bool ended = state != VJ_TRIAL_RUNNING && state != VJ_TRIAL_WAITING;
  bool is_sealed = true;
  if (ended) vj_driver_remove_checkpoints(d, trial);
  if (ended) VJ_TRY(vj_sweep_file_row_is_sealed(d->file, trial, &is_sealed));
  const bool seals = ended && !may_be_written(state, at_start);
  if (state == VJ_TRIAL_RUNNING || (now == recorded && (is_sealed || !seals))) return VJ_OK;
  VJ_TRY(vj_sweep_file_open_row(d->file, trial));
  if (state == VJ_TRIAL_FAILED) {
    VJ_TRY(vj_trial_row_put_text(d->file, VJ_RECORD_FAILURE, trial, reason));
    if (d->options->failed) d->options->failed(d->options->context, trial, d->space->trials[trial].arm, reason);
  }
  if (state == VJ_TRIAL_PRUNED) VJ_TRY(vj_trial_row_put_text(d->file, VJ_RECORD_STOP_REASON, trial, reason));
  VJ_TRY(vj_trial_row_put(d->file, VJ_RECORD_STATUS, trial, &now));
  return seals ? vj_sweep_file_seal_row(d->file, trial) : VJ_OK;
}

/* A row that does not fit. Of a trial that has ended that is damage. One that waits was perhaps begun, and the power
 * failed before the disk knew of it: it begins anew. */
static vj_status restart_damaged(vj_driver *d, int64_t trial) {
  const int64_t none = 0;
  vj_trial_state state;
  int64_t attempts;
  const char *reason;
  VJ_TRY(vj_ledger_state(d->ledger, trial, &state, &attempts, &reason));
  if (state == VJ_TRIAL_RUNNING) return VJ_OK;
  if (state != VJ_TRIAL_WAITING) return vj_sweep_file_damaged_row(d->file, trial);
  vj_driver_remove_checkpoints(d, trial);
  VJ_TRY(vj_sweep_file_empty_row(d->file, trial));
  VJ_TRY(vj_trial_row_put(d->file, VJ_RECORD_ATTEMPT, trial, &none));
  VJ_TRY(vj_trial_row_put(d->file, VJ_RECORD_COMMITTED, trial, &none));
  VJ_TRY(vj_trial_row_put(d->file, VJ_RECORD_STATUS, trial, &(int64_t){VJ_TRIAL_WAITING}));
  return vj_sweep_file_seal_row(d->file, trial);
}

static vj_status check_rows(vj_driver *d) {
  bool *is_damaged = NULL;
  VJ_TRY(vj_allocate((size_t)d->space->trial_count, sizeof *is_damaged, "damaged rows", &is_damaged));
  vj_status status = vj_sweep_file_compare_rows(d->file, is_damaged);
  for (int64_t i = 0; i < d->space->trial_count && status == VJ_OK; i++)
    if (is_damaged[i]) status = restart_damaged(d, i);
  free(is_damaged);
  return status;
}

static vj_status reconcile_all(vj_driver *d, bool at_start) {
  const int64_t trials = d->space->trial_count, zero = 0;
  const int variable = vj_sweep_file_find(d->file, VJ_RECORD_STATUS);
  int64_t *states = NULL;
  VJ_TRY(vj_allocate((size_t)trials, sizeof *states, "states of trials", &states));
  vj_status status = vj_sweep_file_read(d->file, variable, &zero, &trials, states);
  for (int64_t i = 0; i < trials && status == VJ_OK; i++) status = reconcile(d, i, states[i], at_start);
  free(states);
  return status;
}

/* Trials of jobs that are dead wait again, or failed when they died too often. `at_start`: whatever else a kill left
 * between file and ledger is put right, too. */
vj_status vj_driver_recover(vj_driver *d, bool at_start) {
  int64_t released = 0;
  VJ_TRY(vj_job_lock(d->job));
  vj_status status = vj_ledger_release(d->ledger, vj_job_lives, d->job, d->options->max_attempts, &released);
  if (status == VJ_OK && at_start) status = check_rows(d);
  /* Who decided on an early end may have died before the file knew of it. */
  if (status == VJ_OK && (released > 0 || at_start || d->pruner)) status = reconcile_all(d, at_start);
  if (status == VJ_OK) vj_job_bury(d->job);
  vj_job_unlock(d->job);
  return status;
}
