/* While trials run: how far all of them are, whether to stop, and whether it still goes on. */
#include <omp.h>
#include <stdlib.h>

#include "framework/base/signals.h"
#include "sweeps/run/driver_private.h"

/* --- progress ------------------------------------------------------------------------------------------------ */

/* World rank 0 reads the other groups' counters from the file they all write. */
static void look_around(vj_driver *d) {
  const int64_t trials = d->space->trial_count, zero = 0;
  int64_t *numbers = calloc((size_t)trials, sizeof *numbers), *steps = calloc((size_t)trials, sizeof *steps);
  const int committed = vj_sweep_file_find(d->file, VJ_RECORD_COMMITTED);
  const int status = vj_sweep_file_find(d->file, VJ_RECORD_STATUS);
  vj_sweep_progress *p = &d->progress;
  if (steps && vj_sweep_file_read(d->file, committed, &zero, &trials, steps) == VJ_OK) {
    p->steps_done = 0;
    for (int64_t i = 0; i < trials; i++) p->steps_done += steps[i] > 0 ? steps[i] : 0;
  }
  /* What a trial that failed or was pruned did not do is not left to do. */
  if (numbers && steps && vj_sweep_file_read(d->file, status, &zero, &trials, numbers) == VJ_OK) {
    p->trials_done = p->trials_failed = p->trials_pruned = 0;
    for (int64_t i = 0; i < trials; i++) {
      p->trials_done += numbers[i] == VJ_TRIAL_DONE;
      p->trials_failed += numbers[i] == VJ_TRIAL_FAILED;
      p->trials_pruned += numbers[i] == VJ_TRIAL_PRUNED;
      if (numbers[i] == VJ_TRIAL_FAILED || numbers[i] == VJ_TRIAL_PRUNED)
        p->steps_done += d->space->trials[i].config->optim.steps - steps[i];
    }
  }
  free(numbers);
  free(steps);
}

void vj_driver_on_progress(void *context, const vj_progress *progress) {
  vj_driver *d = context;
  const double now = omp_get_wtime();
  if (d->world->rank != 0 || !d->options->progress || now - d->told < 0.25) return;
  d->told = now;
  d->progress.mine = *progress;
  d->progress.arm = d->space->trials[progress->trial].arm;
  d->progress.seconds = now - d->started;
  look_around(d);
  d->options->progress(d->options->context, &d->progress);
}

void vj_driver_start_progress(vj_driver *d) {
  d->started = omp_get_wtime();
  d->progress.trials = d->space->trial_count;
  for (int64_t i = 0; i < d->space->trial_count; i++) d->progress.steps += d->space->trials[i].config->optim.steps;
  if (d->world->rank != 0) return;
  look_around(d);
  d->progress.steps_before = d->progress.steps_done;
}

/* --- stopping ------------------------------------------------------------------------------------------------ */

/* On every rank, at every step: whether this one is to stop. What it alone knows it tells all others. */
bool vj_driver_is_to_stop(void *context) {
  vj_driver *d = context;
  const double limit = d->options->time_limit;
  vj_watchdog_beat(d->watchdog);
  if (vj_signals_caught()) vj_stop_send(&d->stop, vj_signals_caught());
  if (limit > 0 && omp_get_wtime() - d->started >= limit) vj_stop_send(&d->stop, VJ_CAUSE_TIME_LIMIT);
  return vj_stop_cause(&d->stop) != 0;
}

static void keep_watch(void *context) { (void)vj_driver_is_to_stop(context); }

/* Who has nothing left to do still listens for signals, and leaves the processor to those who work. */
vj_status vj_driver_wait(vj_driver *d, vj_status mine) {
  const vj_status waited = vj_comm_wait(d->world, keep_watch, d);
  return mine == VJ_OK ? waited : mine;
}

static void on_pulse(void *context) {
  const vj_driver *d = context;
  if (d->job) vj_job_pulse(d->job);
}

static void on_hang(void *context) {
  const vj_driver *d = context;
  if (d->options->hung) d->options->hung(d->options->context);
}

/* A group's root speaks for it; the others only if it can't. */
vj_status vj_driver_watch(vj_driver *d) {
  const double limit = d->options->hang_limit;
  const vj_watchdog_calls hung = {.hung = on_hang, .context = d}, pulse = {.pulse = on_pulse, .context = d};
  vj_status status = vj_watchdog_start(limit > 0 && !d->file ? limit + 10 : limit, &hung, &d->watchdog);
  if (status == VJ_OK) status = vj_watchdog_start(0, &pulse, &d->pulse);
  return vj_comm_agree(d->world, status);
}
