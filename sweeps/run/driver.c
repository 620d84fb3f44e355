#include "sweeps/run/driver.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "framework/base/signals.h"
#include "sweeps/run/driver_private.h"
#include "sweeps/space/run_name.h"
#include "framework/train/model/weights.h"

const char *vj_driver_path(const vj_driver *d, const char *name) {
  return vj_pool_format(d->pool, "%s/%s", d->options->folder, name);
}

/* Where TensorBoard's files of a trial go, if it asks for them. */
static const char *events_of(const vj_driver *d, int64_t trial) {
  const char *name = vj_run_name(d->pool, d->space, trial);
  return name ? vj_pool_format(d->pool, "%s/tensorboard/%s", d->options->folder, name) : NULL;
}

/* What belongs to one trial is recorded with it; a broken disk or network ends the run. */
static bool ends_only_the_trial(vj_status status) {
  return status != VJ_IO && status != VJ_COMM && status != VJ_INTERNAL;
}

static vj_status work(vj_driver *d) {
  const vj_stop_check stop = {vj_driver_is_to_stop, d};
  for (;;) {
    int64_t index = -1;
    const vj_status asked = vj_stop_check_agree(&stop, &d->group);
    d->interrupted = asked == VJ_INTERRUPTED;
    if (d->interrupted) return VJ_OK;
    VJ_TRY(asked);
    VJ_TRY(vj_comm_agree(&d->group, vj_driver_claim(d, &index)));
    if (index < 0) {
      bool has_split = false;
      VJ_TRY(vj_driver_split(d, &has_split));
      if (!has_split) return VJ_OK;
      continue;
    }
    const vj_trial *trial = &d->space->trials[index];
    const vj_trial_job job = {.index = index,
                              .config = trial->config,
                              .comm = &d->group,
                              .data = &d->data,
                              .file = d->is_root ? d->file : NULL,
                              .steps = d->steps,
                              .step_count = d->step_count,
                              .evals = d->evals,
                              .eval_count = d->eval_count,
                              .checkpoint = vj_driver_checkpoint(d, index),
                              .weights = vj_weights_path(d->pool, d->options->folder, index),
                              .events = events_of(d, index),
                              .stop = stop,
                              .warned = vj_driver_warn,
                              .saved = vj_driver_on_saved,
                              .progress = vj_driver_on_progress,
                              .prune = d->pruner || d->options->steps ? vj_driver_on_prune : NULL,
                              .context = d};
    const vj_status outcome = vj_trial_run(&job);
    d->interrupted = outcome == VJ_INTERRUPTED;
    if (d->interrupted) return vj_comm_agree(&d->group, vj_driver_give_back(d, index));
    char reason[VJ_FAILURE_BYTES] = "";
    if (outcome != VJ_OK) snprintf(reason, sizeof reason, "%s", vj_error_message());
    if (outcome != VJ_OK && !ends_only_the_trial(outcome)) return outcome;
    if (outcome != VJ_OK && d->is_root && d->options->failed)
      d->options->failed(d->options->context, index, trial->arm, reason);
    VJ_TRY(vj_comm_agree(&d->group, vj_driver_end(d, index, outcome, reason)));
  }
}

/* Groups only split. A trial that waits again when they have, since the job that ran it died, finds them as they began
 * in the next round. */
static vj_status work_in_rounds(vj_driver *d) {
  for (bool is_left = true; is_left;) {
    unsigned interrupted = 0;
    VJ_TRY(vj_driver_form_groups(d));
    VJ_TRY(vj_comm_agree(d->world, vj_driver_wait(d, work(d))));
    VJ_TRY(vj_comm_any(d->world, d->interrupted, &interrupted));
    if (interrupted) return VJ_OK;
    VJ_TRY(vj_driver_is_left(d, &is_left));
  }
  return VJ_OK;
}

/* Trials by their state in the ledger; collective, world rank 0 counts. */
static vj_status count_states(vj_driver *d, int64_t counts[VJ_TRIAL_STATES]) {
  const size_t bytes = (VJ_TRIAL_STATES) * sizeof *counts;
  vj_status status = VJ_OK;
  memset(counts, 0, bytes);
  for (int64_t i = 0; i < d->space->trial_count && d->world->rank == 0 && status == VJ_OK; i++) {
    vj_trial_state state = VJ_TRIAL_WAITING;
    int64_t attempts;
    const char *reason;
    status = vj_ledger_state(d->ledger, i, &state, &attempts, &reason);
    counts[state]++;
  }
  VJ_TRY(vj_comm_agree(d->world, status));
  return vj_comm_broadcast(d->world, counts, bytes, 0);
}

/* How it ended; VJ_INTERRUPTED unless the stop came too late to leave anything undone. */
static vj_status conclude(vj_driver *d, vj_sweep_end *end) {
  int64_t counts[VJ_TRIAL_STATES];
  unsigned interrupted = 0, causes = 0;
  int cause = 1;
  VJ_TRY(count_states(d, counts));
  const int64_t ended = counts[VJ_TRIAL_DONE] + counts[VJ_TRIAL_FAILED] + counts[VJ_TRIAL_PRUNED];
  const int64_t trials = d->space->trial_count;
  *end = (vj_sweep_end){counts[VJ_TRIAL_FAILED], counts[VJ_TRIAL_RUNNING]};
  VJ_TRY(vj_comm_any(d->world, d->interrupted, &interrupted));
  if (!interrupted || ended == trials) return VJ_OK;
  VJ_TRY(vj_comm_any(d->world, 1u << vj_stop_cause(&d->stop), &causes)); /* word may still be on its way to some */
  while (!(causes >> cause & 1)) cause++;
  return vj_fail(VJ_INTERRUPTED,
                 "stopped by %s after %lld of %lld trial%s; the state of the others is saved, go on with the same "
                 "command and --resume",
                 cause == VJ_CAUSE_TIME_LIMIT ? d->options->time_limit_name : vj_signal_name(cause), (long long)ended,
                 (long long)trials, trials == 1 ? "" : "s");
}

/* Those that only a run in progress needs. */
static void remove_empty_folders(const vj_driver *d) {
  const char *path = vj_driver_path(d, "checkpoints");
  if (path) rmdir(path);
}

vj_status vj_sweep_run(const vj_comm *world, const vj_yaml *root, const vj_space *space,
                       const vj_sweep_options *options, vj_sweep_end *end) {
  vj_driver d = {.world = world, .space = space, .options = options};
  vj_pool *pool = NULL;
  vj_status status = vj_comm_agree(world, vj_pool_create(&pool));
  VJ_TRY_GOTO(status, status, done);
  d.pool = pool;
  VJ_TRY_GOTO(status, vj_driver_open(&d, root), done);
  vj_driver_start_progress(&d);
  VJ_TRY_GOTO(status, vj_stop_open(world, &d.stop), done);
  VJ_TRY_GOTO(status, vj_driver_watch(&d), done);
  VJ_TRY_GOTO(status, work_in_rounds(&d), done);
  VJ_TRY_GOTO(status, conclude(&d, end), done);
  if (world->rank == 0) remove_empty_folders(&d);
done:
  vj_watchdog_stop(&d.watchdog);
  vj_watchdog_stop(&d.pulse);
  vj_stop_close(&d.stop);
  vj_sweep_file_close(&d.file);
  vj_ledger_close(&d.ledger);
  vj_job_end(&d.job);
  vj_open_data_close(&d.data);
  if (d.group.size) vj_comm_destroy(&d.group);
  if (d.roots.size) vj_comm_destroy(&d.roots);
  free(d.steps);
  free(d.evals);
  if (pool) vj_pool_destroy(&pool);
  return status;
}
