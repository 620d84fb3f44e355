/* A trial is claimed, and its end is recorded: in the sweep file, then in the ledger. */
#include "sweeps/run/driver_private.h"
#include "sweeps/run/trial_row.h"

/* The first of this group's size that waits; where none does, another job may have died meanwhile. */
static vj_status claim_any(vj_driver *d, int64_t taken[2]) {
  int64_t first, count;
  vj_trial_schedule_find(d->schedule, d->group.size, &first, &count);
  const int64_t *mine = d->schedule->order + first;
  if (count) VJ_TRY(vj_ledger_claim(d->ledger, mine, count, &taken[0], &taken[1]));
  if (taken[0] >= 0) return VJ_OK;
  VJ_TRY(vj_driver_recover(d, false));
  return count ? vj_ledger_claim(d->ledger, mine, count, &taken[0], &taken[1]) : VJ_OK;
}

vj_status vj_driver_claim(vj_driver *d, int64_t *trial) {
  int64_t taken[2] = {-1, 0};
  vj_status status = VJ_OK;
  if (d->is_root) status = claim_any(d, taken);
  VJ_TRY(vj_comm_agree(&d->group, status));
  VJ_TRY(vj_comm_broadcast(&d->group, taken, sizeof taken, 0));
  *trial = taken[0];
  d->told_of_saving = false;
  if (d->pruner) vj_pruner_begin(d->pruner);
  if (*trial < 0 || !d->is_root) return VJ_OK;
  const int64_t running = VJ_TRIAL_RUNNING;
  VJ_TRY(vj_sweep_file_open_row(d->file, *trial));
  VJ_TRY(vj_trial_row_put(d->file, VJ_RECORD_ATTEMPT, *trial, &taken[1]));
  return vj_trial_row_put(d->file, VJ_RECORD_STATUS, *trial, &running);
}

void vj_driver_warn(void *context, int64_t trial, const char *sentence) {
  const vj_driver *d = context;
  if (d->options->warned) d->options->warned(d->options->context, trial, d->space->trials[trial].arm, sentence);
}

/* A trial that another job took over, because this one gave no sign of life, is that one's to record. Checkpoints that
 * came after its end are ours. */
static vj_status is_ours(vj_driver *d, int64_t trial, bool *ours) {
  vj_trial_state state;
  int64_t attempts;
  const char *reason;
  VJ_TRY(vj_ledger_owns(d->ledger, trial, ours));
  if (*ours) return VJ_OK;
  vj_driver_warn(d, trial, "another job has taken it over meanwhile, and records it");
  VJ_TRY(vj_ledger_state(d->ledger, trial, &state, &attempts, &reason));
  if (state == VJ_TRIAL_RUNNING || state == VJ_TRIAL_WAITING) return VJ_OK;
  vj_driver_remove_checkpoints(d, trial);
  return vj_sweep_file_seal_row(d->file, trial); /* its times may be ours, its numbers are the same */
}

/* What became of a record in the ledger. Between the look there and the record the disk may take any time, in which a
 * job that is stopped can be taken for dead: then it is no failure. */
static vj_status unless_lost(vj_driver *d, int64_t trial, vj_status recorded) {
  bool ours = true;
  if (recorded == VJ_OK || vj_ledger_owns(d->ledger, trial, &ours) != VJ_OK || ours) return recorded;
  vj_error_clear();
  return is_ours(d, trial, &ours);
}

/* Of a trial that was pruned: the ledger has it already. */
static vj_status record_pruning(vj_driver *d, int64_t trial) {
  vj_trial_state state;
  int64_t attempts;
  const char *reason;
  bool ours;
  if (vj_pruner_decision(d->pruner) == VJ_DECISION_LOST) return is_ours(d, trial, &ours);
  VJ_TRY(vj_ledger_state(d->ledger, trial, &state, &attempts, &reason));
  const int64_t pruned = VJ_TRIAL_PRUNED;
  VJ_TRY(vj_sweep_file_open_row(d->file, trial)); /* another job may have recorded it already */
  VJ_TRY(vj_trial_row_put_text(d->file, VJ_RECORD_STOP_REASON, trial, reason));
  VJ_TRY(vj_trial_row_put(d->file, VJ_RECORD_STATUS, trial, &pruned));
  VJ_TRY(vj_sweep_file_seal_row(d->file, trial));
  VJ_TRY(vj_sweep_file_sync(d->file));
  vj_driver_remove_checkpoints(d, trial);
  return VJ_OK;
}

vj_status vj_driver_end(vj_driver *d, int64_t trial, vj_status outcome, const char *reason) {
  bool ours = false;
  if (!d->is_root) return VJ_OK;
  if (outcome == VJ_OK && d->pruner && vj_pruner_decision(d->pruner) != VJ_DECISION_GO_ON)
    return record_pruning(d, trial);
  VJ_TRY(is_ours(d, trial, &ours));
  if (!ours) return VJ_OK;
  const int64_t state = outcome == VJ_OK ? VJ_TRIAL_DONE : VJ_TRIAL_FAILED;
  if (outcome != VJ_OK) VJ_TRY(vj_trial_row_put_text(d->file, VJ_RECORD_FAILURE, trial, reason));
  VJ_TRY(vj_trial_row_put(d->file, VJ_RECORD_STATUS, trial, &state));
  VJ_TRY(vj_sweep_file_seal_row(d->file, trial));
  VJ_TRY(vj_sweep_file_sync(d->file));
  const vj_status recorded =
      outcome == VJ_OK ? vj_ledger_done(d->ledger, trial) : vj_ledger_failed(d->ledger, trial, reason);
  if (recorded != VJ_OK) return unless_lost(d, trial, recorded);
  vj_driver_remove_checkpoints(d, trial);
  return VJ_OK;
}

/* Gives a trial back that was interrupted. */
vj_status vj_driver_give_back(vj_driver *d, int64_t trial) {
  const int64_t waiting = VJ_TRIAL_WAITING;
  bool ours = false;
  if (!d->is_root) return VJ_OK;
  VJ_TRY(is_ours(d, trial, &ours));
  if (!ours) return VJ_OK;
  VJ_TRY(vj_trial_row_put(d->file, VJ_RECORD_STATUS, trial, &waiting));
  return unless_lost(d, trial, vj_ledger_stop(d->ledger, trial));
}

vj_status vj_driver_on_saved(void *context, int64_t trial) {
  vj_driver *d = context;
  bool ours = false;
  if (d->told_of_saving) return VJ_OK;
  VJ_TRY(vj_ledger_owns(d->ledger, trial, &ours));
  d->told_of_saving = true;
  return ours ? vj_ledger_saved(d->ledger, trial) : VJ_OK;
}

vj_status vj_driver_on_prune(void *context, int64_t trial, int64_t done, bool *ends) {
  const vj_driver *d = context;
  const bool is_far_enough = d->options->steps > 0 && done >= d->options->steps;
  *ends = is_far_enough;
  if (is_far_enough || !d->pruner) return VJ_OK;
  return vj_pruner_ask(d->pruner, trial, done, ends);
}
