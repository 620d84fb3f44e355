#include "engine/driver.h"

#include <omp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/signals.h"
#include "base/watchdog.h"
#include "comm/stop.h"
#include "config/nodes.h"
#include "engine/folder.h"
#include "engine/jobs.h"
#include "engine/layout.h"
#include "store/checkpoint.h"
#include "store/ledger.h"

typedef struct driver {
  const vj_comm *world;
  vj_pool *pool;
  const vj_space *space;
  const vj_sweep_options *options;
  vj_comm group, roots;
  bool is_root; /* of its group */
  vj_sweep_file *file;
  vj_ledger *ledger;
  vj_job *job;         /* of a group's root */
  bool told_of_saving; /* the ledger knows that this attempt has a checkpoint */
  int64_t *steps, *evals, step_count, eval_count;
  vj_sweep_progress progress;
  double started, told;
  vj_stop stop;
  vj_watchdog *watchdog;
  bool stopped; /* before its work was done */
} driver;

enum { CAUSE_TIME_LIMIT = 31 }; /* of a stop; other causes are signals, whose numbers are smaller */

static const char *path_in(vj_pool *pool, const char *folder, const char *name) {
  return vj_pool_format(pool, "%s/%s", folder, name);
}

/* --- groups -------------------------------------------------------------------------------------------------- */

vj_status vj_sweep_group_size(const vj_space *space, int ranks, int ranks_per_trial, int *group_size) {
  int size = ranks_per_trial ? ranks_per_trial : 1;
  while (!ranks_per_trial && ranks / size > space->trial_count) size *= 2;
  if (size & (size - 1))
    return vj_fail(VJ_USAGE, "%d ranks for a trial: expected a power of two, so that sums keep their order", size);
  for (int64_t i = 0; i < space->trial_count; i++) {
    const int64_t shards = space->trials[i].config->optim.shards;
    if (shards % size)
      return vj_fail(
          VJ_USAGE,
          "%d ranks for a trial do not divide its %lld shard%s (optim.shards of trial %lld); use 1, 2, 4, .. "
          "ranks for a trial, up to the number of shards",
          size, (long long)shards, shards == 1 ? "" : "s", (long long)i);
  }
  if (ranks % size)
    return vj_fail(VJ_USAGE, "%d ranks cannot be split into groups of %d; start a multiple of %d", ranks, size, size);
  if (ranks / size > space->trial_count)
    return vj_fail(VJ_USAGE, "%d ranks are more than can be used: %lld trial%s at %d rank%s each need %lld", ranks,
                   (long long)space->trial_count, space->trial_count == 1 ? "" : "s", size, size == 1 ? "" : "s",
                   (long long)(space->trial_count * size));
  *group_size = size;
  return VJ_OK;
}

/* --- the folder ---------------------------------------------------------------------------------------------- */

/* The experiment as text, without what changes no number of it. */
static const char *measured_text(vj_pool *pool, const vj_yaml *root) {
  vj_yaml *measured = vj_yaml_shallow(pool, root);
  if (!measured) return NULL;
  vj_yaml_remove(measured, "report");
  vj_yaml_remove(measured, "checkpoint");
  return vj_yaml_print(pool, measured);
}

static vj_status is_same_sweep(vj_pool *pool, const vj_sweep_file *file, const char *path, const vj_yaml *root) {
  const char *known = vj_sweep_file_attribute(file, "sweep_yaml");
  vj_yaml *known_root = NULL;
  if (known) VJ_TRY(vj_yaml_read_text(pool, known, path, &known_root));
  const char *now = measured_text(pool, root), *then = known ? measured_text(pool, known_root) : "";
  if (!now || !then) return vj_fail(VJ_MEMORY, "%s: no memory to compare its configuration", path);
  if (strcmp(now, then) == 0) return VJ_OK;
  return vj_fail(VJ_CONFIG,
                 "%s was made from another configuration; resume with the same YAML and overrides, or choose "
                 "another folder with -o",
                 path);
}

static vj_status check_resumed(vj_pool *pool, const driver *d, const char *path, const vj_yaml *root) {
  vj_sweep_file *file = NULL;
  VJ_TRY(vj_sweep_file_read_only(path, &file));
  vj_status status = is_same_sweep(pool, file, path, root);
  if (status == VJ_OK) status = vj_report_check_file(d->options->report, file);
  vj_sweep_file_close(&file);
  return status;
}

static vj_status write_row(vj_sweep_file *file, const char *name, int64_t trial, const void *value) {
  const int variable = vj_sweep_file_find(file, name);
  if (variable < 0) return vj_fail(VJ_IO, "the sweep file has no variable %s", name);
  return vj_sweep_file_write(file, variable, &trial, (int64_t[]){1}, value);
}

static vj_status write_text(vj_sweep_file *file, const char *name, int64_t trial, const char *text) {
  vj_file_variable_info info;
  const int variable = vj_sweep_file_find(file, name);
  if (variable < 0) return vj_fail(VJ_IO, "the sweep file has no variable %s", name);
  vj_sweep_file_variable(file, variable, &info);
  char *padded = calloc(1, (size_t)info.text_bytes);
  if (!padded) return vj_fail(VJ_MEMORY, "no memory for a text");
  size_t length = strlen(text), room = (size_t)info.text_bytes - 1;
  if (length > room) { /* cut between characters, not inside one */
    length = room;
    while (length && ((unsigned char)text[length] & 0xc0) == 0x80) length--;
  }
  memcpy(padded, text, length);
  const vj_status status = vj_sweep_file_write(file, variable, &trial, (int64_t[]){1}, padded);
  free(padded);
  return status;
}

/* What is known of every trial beforehand; its state goes last and says that the row is whole. */
static vj_status write_trial_row(vj_pool *pool, vj_sweep_file *file, const vj_space *space, const vj_trial *trial) {
  const int64_t seed = (int64_t)trial->seed, waiting = VJ_TRIAL_WAITING, none = 0;
  VJ_TRY(write_text(file, "arm", trial->index, trial->arm));
  VJ_TRY(write_row(file, "seed", trial->index, &seed));
  VJ_TRY(write_row(file, "attempt", trial->index, &none));
  VJ_TRY(write_row(file, VJ_RECORD_COMMITTED, trial->index, &none));
  VJ_TRY(write_text(file, "config", trial->index, vj_yaml_print(pool, trial->config->resolved)));
  for (int64_t k = 0; k < space->key_count; k++) {
    const char *name = vj_pool_format(pool, "param.%s", space->keys[k]);
    const vj_yaml *value = vj_yaml_find(trial->config->resolved, space->keys[k]);
    vj_file_variable_info info;
    vj_sweep_file_variable(file, vj_sweep_file_find(file, name), &info);
    if (!value) continue;
    const char *text = vj_setting_text(pool, value);
    const double number = strtod(text, NULL);
    VJ_TRY(info.type == VJ_FILE_DOUBLE ? write_row(file, name, trial->index, &number)
                                       : write_text(file, name, trial->index, text));
  }
  return write_row(file, VJ_RECORD_STATUS, trial->index, &waiting);
}

/* Rows that are not there yet: all of them, or those that an earlier run was stopped before. */
static vj_status write_trial_rows(vj_pool *pool, vj_sweep_file *file, const vj_space *space) {
  const int variable = vj_sweep_file_find(file, VJ_RECORD_STATUS);
  int64_t *states = vj_pool_take(pool, (size_t)space->trial_count * sizeof *states);
  if (variable < 0) return vj_fail(VJ_IO, "the sweep file has no variable %s", VJ_RECORD_STATUS);
  if (!states) return vj_fail(VJ_MEMORY, "no memory for the states of %lld trials", (long long)space->trial_count);
  VJ_TRY(vj_sweep_file_read(file, variable, (int64_t[]){0}, &space->trial_count, states));
  for (int64_t i = 0; i < space->trial_count; i++)
    if (states[i] < 0) VJ_TRY(write_trial_row(pool, file, space, &space->trials[i]));
  return VJ_OK;
}

/* World rank 0: a new folder with a whole, empty sweep in it, or the one that is to be resumed. */
static vj_status prepare_folder(vj_pool *pool, const driver *d, const vj_yaml *root, int group_size) {
  vj_folder folder;
  vj_sweep_layout *layout = NULL;
  VJ_TRY(vj_folder_look(pool, d->options->folder, &folder));
  const char *path = vj_folder_file(&folder, "sweep.h5");
  if (!path) return vj_fail(VJ_MEMORY, "no memory for a path");
  if (folder.holds_sweep && !d->options->resume)
    return vj_fail(VJ_USAGE, "%s holds a sweep already; continue it with --resume or choose another folder with -o",
                   folder.path);
  vj_sweep_file_tidy(path);
  if (folder.holds_sweep) return check_resumed(pool, d, path, root);
  VJ_TRY(vj_sweep_layout_create(pool, root, d->space, group_size, &layout));
  VJ_TRY(vj_report_check_layout(d->options->report, &layout->file));
  VJ_TRY(vj_folder_make(&folder, vj_yaml_print(pool, root)));
  const vj_status status = vj_sweep_file_create(path, &layout->file);
  if (status != VJ_OK) vj_folder_take_back(&folder);
  return status;
}

/* --- trials of the dead ---------------------------------------------------------------------------------------- */

static const char *checkpoint_of(const driver *d, int64_t trial) {
  return vj_pool_format(d->pool, "%s/checkpoints/trial-%04lld", d->options->folder, (long long)trial);
}

/* A trial that has ended needs its checkpoints no more; without the file they only cost room. */
static void remove_checkpoints(const driver *d, int64_t trial) {
  const char *path = checkpoint_of(d, trial);
  if (path) vj_checkpoint_remove(path);
}

/* The file says what the ledger says of a trial that no one works on. */
static vj_status reconcile(driver *d, int64_t trial, int64_t recorded) {
  vj_trial_state state;
  int64_t attempts;
  const char *reason;
  VJ_TRY(vj_ledger_state(d->ledger, trial, &state, &attempts, &reason));
  const int64_t now = state;
  if (state == VJ_TRIAL_DONE || state == VJ_TRIAL_FAILED) remove_checkpoints(d, trial);
  if (state == VJ_TRIAL_RUNNING || now == recorded) return VJ_OK;
  if (state == VJ_TRIAL_FAILED) {
    VJ_TRY(write_text(d->file, VJ_RECORD_FAILURE, trial, reason));
    if (d->options->failed) d->options->failed(d->options->context, trial, d->space->trials[trial].arm, reason);
  }
  return write_row(d->file, VJ_RECORD_STATUS, trial, &now);
}

static vj_status reconcile_all(driver *d) {
  const int64_t trials = d->space->trial_count, zero = 0;
  const int variable = vj_sweep_file_find(d->file, VJ_RECORD_STATUS);
  int64_t *states = NULL;
  VJ_TRY(vj_allocate((size_t)trials, sizeof *states, "states of trials", &states));
  vj_status status = vj_sweep_file_read(d->file, variable, &zero, &trials, states);
  for (int64_t i = 0; i < trials && status == VJ_OK; i++) status = reconcile(d, i, states[i]);
  free(states);
  return status;
}

/* Trials of jobs that are dead wait again, or failed when they died too often. `at_start`: whatever else a kill left
 * between file and ledger is put right, too. */
static vj_status take_over(driver *d, bool at_start) {
  int64_t released = 0;
  VJ_TRY(vj_job_lock(d->job));
  vj_status status = vj_ledger_release(d->ledger, vj_job_lives, d->job, d->options->max_attempts, &released);
  if (status == VJ_OK && (released > 0 || at_start)) status = reconcile_all(d);
  if (status == VJ_OK) vj_job_bury(d->job);
  vj_job_unlock(d->job);
  return status;
}

/* --- opening ------------------------------------------------------------------------------------------------- */

static vj_status read_axis(vj_sweep_file *file, const char *name, int64_t **values, int64_t *count) {
  vj_file_variable_info info;
  const int variable = vj_sweep_file_find(file, name);
  if (variable < 0) return vj_fail(VJ_IO, "the sweep file has no axis %s", name);
  vj_sweep_file_variable(file, variable, &info);
  *count = info.size[0];
  VJ_TRY(vj_allocate((size_t)*count, sizeof **values, "axis", values));
  return vj_sweep_file_read(file, variable, (int64_t[]){0}, count, *values);
}

static vj_status open_root(vj_pool *pool, driver *d) {
  const char *folder = d->options->folder;
  VJ_TRY(vj_job_begin(folder, &d->job));
  VJ_TRY(read_axis(d->file, "step", &d->steps, &d->step_count));
  VJ_TRY(read_axis(d->file, "eval", &d->evals, &d->eval_count));
  return vj_ledger_open(path_in(pool, folder, "ledger"), d->space->trial_count, vj_job_name(d->job), &d->ledger);
}

static vj_status open_sweep(vj_pool *pool, driver *d, const vj_yaml *root) {
  int group_size = 1;
  VJ_TRY(vj_sweep_group_size(d->space, d->world->size, d->options->ranks_per_trial, &group_size));
  const vj_status prepared = d->world->rank == 0 ? prepare_folder(pool, d, root, group_size) : VJ_OK;
  VJ_TRY(vj_comm_agree(d->world, prepared));
  VJ_TRY(vj_comm_split(d->world, d->world->rank / group_size, &d->group));
  d->is_root = d->group.rank == 0;
  VJ_TRY(vj_comm_split(d->world, d->is_root ? 0 : 1, &d->roots));
  vj_status opened = VJ_OK;
  if (d->is_root) opened = vj_sweep_file_open(&d->roots, path_in(pool, d->options->folder, "sweep.h5"), &d->file);
  VJ_TRY(vj_comm_agree(d->world, opened));
  if (d->is_root) opened = open_root(pool, d);
  if (opened == VJ_OK && d->world->rank == 0) {
    opened = vj_job_lock(d->job); /* another job that joins now must not write rows of trials that already run */
    if (opened == VJ_OK) opened = write_trial_rows(pool, d->file, d->space);
    vj_job_unlock(d->job);
    if (opened == VJ_OK) opened = take_over(d, true);
  }
  return vj_comm_agree(d->world, opened);
}

/* --- progress ------------------------------------------------------------------------------------------------ */

/* World rank 0 reads the other groups' counters from the file they all write. */
static void look_around(driver *d) {
  const int64_t trials = d->space->trial_count, zero = 0;
  int64_t *numbers = calloc((size_t)trials, sizeof *numbers), *steps = calloc((size_t)trials, sizeof *steps);
  const int committed = vj_sweep_file_find(d->file, VJ_RECORD_COMMITTED);
  const int status = vj_sweep_file_find(d->file, VJ_RECORD_STATUS);
  vj_sweep_progress *p = &d->progress;
  if (steps && vj_sweep_file_read(d->file, committed, &zero, &trials, steps) == VJ_OK) {
    p->steps_done = 0;
    for (int64_t i = 0; i < trials; i++) p->steps_done += steps[i] > 0 ? steps[i] : 0;
  }
  /* What a failed trial did not do is not left to do. */
  if (numbers && steps && vj_sweep_file_read(d->file, status, &zero, &trials, numbers) == VJ_OK) {
    p->trials_done = p->trials_failed = 0;
    for (int64_t i = 0; i < trials; i++) {
      p->trials_done += numbers[i] == VJ_TRIAL_DONE;
      p->trials_failed += numbers[i] == VJ_TRIAL_FAILED;
      if (numbers[i] == VJ_TRIAL_FAILED) p->steps_done += d->space->trials[i].config->optim.steps - steps[i];
    }
  }
  free(numbers);
  free(steps);
}

static void on_progress(void *context, const vj_progress *progress) {
  driver *d = context;
  const double now = omp_get_wtime();
  if (d->world->rank != 0 || !d->options->progress || now - d->told < 0.25) return;
  d->told = now;
  d->progress.mine = *progress;
  d->progress.arm = d->space->trials[progress->trial].arm;
  d->progress.seconds = now - d->started;
  look_around(d);
  d->options->progress(d->options->context, &d->progress);
}

static void start_progress(driver *d) {
  d->started = omp_get_wtime();
  d->progress.trials = d->space->trial_count;
  for (int64_t i = 0; i < d->space->trial_count; i++) d->progress.steps += d->space->trials[i].config->optim.steps;
  if (d->world->rank != 0) return;
  look_around(d);
  d->progress.steps_before = d->progress.steps_done;
}

/* --- trials -------------------------------------------------------------------------------------------------- */

/* The lowest that waits; where none does, another job may have died meanwhile. */
static vj_status claim_any(driver *d, int64_t taken[2]) {
  VJ_TRY(vj_ledger_claim(d->ledger, &taken[0], &taken[1]));
  if (taken[0] >= 0) return VJ_OK;
  VJ_TRY(take_over(d, false));
  return vj_ledger_claim(d->ledger, &taken[0], &taken[1]);
}

static vj_status claim(driver *d, int64_t *trial) {
  int64_t taken[2] = {-1, 0};
  vj_status status = VJ_OK;
  if (d->is_root) status = claim_any(d, taken);
  VJ_TRY(vj_comm_agree(&d->group, status));
  VJ_TRY(vj_comm_broadcast(&d->group, taken, sizeof taken, 0));
  *trial = taken[0];
  d->told_of_saving = false;
  if (*trial < 0 || !d->is_root) return VJ_OK;
  const int64_t running = VJ_TRIAL_RUNNING;
  VJ_TRY(write_row(d->file, "attempt", *trial, &taken[1]));
  return write_row(d->file, VJ_RECORD_STATUS, *trial, &running);
}

/* On every rank, at every step: whether this one is to stop. What it alone knows it tells all others. */
static bool is_to_stop(void *context) {
  driver *d = context;
  const double limit = d->options->time_limit;
  vj_watchdog_beat(d->watchdog);
  if (vj_signals_caught()) vj_stop_tell(&d->stop, vj_signals_caught());
  if (limit > 0 && omp_get_wtime() - d->started >= limit) vj_stop_tell(&d->stop, CAUSE_TIME_LIMIT);
  return vj_stop_cause(&d->stop) != 0;
}

static void keep_watch(void *context) { (void)is_to_stop(context); }

/* Who has nothing left to do still listens for signals, and leaves the processor to those who work. */
static vj_status wait_for_others(driver *d, vj_status mine) {
  const vj_status waited = vj_comm_wait(d->world, keep_watch, d);
  return mine == VJ_OK ? waited : mine;
}

static void on_pulse(void *context) {
  const driver *d = context;
  if (d->job) vj_job_pulse(d->job);
}

static void on_hang(void *context) {
  const driver *d = context;
  if (d->options->hung) d->options->hung(d->options->context);
}

/* A group's root speaks for it; the others only if it can't. */
static vj_status start_watchdog(driver *d) {
  const double limit = d->options->hang_limit;
  const vj_watchdog_calls calls = {.pulse = on_pulse, .hung = on_hang, .context = d};
  return vj_comm_agree(d->world,
                       vj_watchdog_start(limit > 0 && !d->is_root ? limit + 10 : limit, &calls, &d->watchdog));
}

static void on_warning(void *context, int64_t trial, const char *sentence) {
  const driver *d = context;
  if (d->options->warned) d->options->warned(d->options->context, trial, d->space->trials[trial].arm, sentence);
}

/* A trial that another job took over, because this one gave no sign of life, is that one's to record. */
static vj_status is_ours(driver *d, int64_t trial, bool *ours) {
  vj_trial_state state;
  int64_t attempts;
  const char *reason;
  VJ_TRY(vj_ledger_owns(d->ledger, trial, ours));
  if (*ours) return VJ_OK;
  on_warning(d, trial, "another job has taken it over meanwhile, and records it");
  VJ_TRY(vj_ledger_state(d->ledger, trial, &state, &attempts, &reason));
  if (state == VJ_TRIAL_DONE || state == VJ_TRIAL_FAILED) remove_checkpoints(d, trial); /* ours came after its end */
  return VJ_OK;
}

static vj_status record_end(driver *d, int64_t trial, vj_status outcome, const char *reason) {
  bool ours = false;
  if (!d->is_root) return VJ_OK;
  VJ_TRY(is_ours(d, trial, &ours));
  if (!ours) return VJ_OK;
  const int64_t state = outcome == VJ_OK ? VJ_TRIAL_DONE : VJ_TRIAL_FAILED;
  if (outcome != VJ_OK) VJ_TRY(write_text(d->file, VJ_RECORD_FAILURE, trial, reason));
  VJ_TRY(write_row(d->file, VJ_RECORD_STATUS, trial, &state));
  VJ_TRY(vj_sweep_file_sync(d->file));
  VJ_TRY(outcome == VJ_OK ? vj_ledger_done(d->ledger, trial) : vj_ledger_failed(d->ledger, trial, reason));
  remove_checkpoints(d, trial);
  return VJ_OK;
}

/* Gives a trial back that was stopped. */
static vj_status record_stop(driver *d, int64_t trial) {
  const int64_t waiting = VJ_TRIAL_WAITING;
  bool ours = false;
  if (!d->is_root) return VJ_OK;
  VJ_TRY(is_ours(d, trial, &ours));
  if (!ours) return VJ_OK;
  VJ_TRY(write_row(d->file, VJ_RECORD_STATUS, trial, &waiting));
  return vj_ledger_stop(d->ledger, trial);
}

static vj_status on_saved(void *context, int64_t trial) {
  driver *d = context;
  bool ours = false;
  if (d->told_of_saving) return VJ_OK;
  VJ_TRY(vj_ledger_owns(d->ledger, trial, &ours));
  d->told_of_saving = true;
  return ours ? vj_ledger_saved(d->ledger, trial) : VJ_OK;
}

/* What belongs to one trial is recorded with it; a broken disk or network ends the run. */
static bool ends_only_the_trial(vj_status status) {
  return status != VJ_IO && status != VJ_COMM && status != VJ_INTERNAL;
}

static vj_status work(driver *d) {
  const vj_watch watch = {is_to_stop, d};
  for (;;) {
    int64_t index = -1;
    const vj_status asked = vj_watch_agree(&watch, &d->group);
    d->stopped = asked == VJ_STOPPED;
    if (d->stopped) return VJ_OK;
    VJ_TRY(asked);
    VJ_TRY(vj_comm_agree(&d->group, claim(d, &index)));
    if (index < 0) return VJ_OK;
    const vj_trial *trial = &d->space->trials[index];
    const vj_trial_job job = {.index = index,
                              .config = trial->config,
                              .comm = &d->group,
                              .file = d->file,
                              .steps = d->steps,
                              .step_count = d->step_count,
                              .evals = d->evals,
                              .eval_count = d->eval_count,
                              .checkpoint = checkpoint_of(d, index),
                              .watch = watch,
                              .warned = on_warning,
                              .saved = on_saved,
                              .progress = on_progress,
                              .context = d};
    const vj_status outcome = vj_trial_run(&job);
    d->stopped = outcome == VJ_STOPPED;
    if (d->stopped) return vj_comm_agree(&d->group, record_stop(d, index));
    char reason[VJ_FAILURE_BYTES] = "";
    if (outcome != VJ_OK) snprintf(reason, sizeof reason, "%s", vj_error_message());
    if (outcome != VJ_OK && !ends_only_the_trial(outcome)) return outcome;
    if (outcome != VJ_OK && d->is_root && d->options->failed)
      d->options->failed(d->options->context, index, trial->arm, reason);
    VJ_TRY(vj_comm_agree(&d->group, record_end(d, index, outcome, reason)));
  }
}

/* Trials by their state in the ledger; collective, world rank 0 counts. */
static vj_status count_states(driver *d, int64_t counts[VJ_TRIAL_FAILED + 1]) {
  const size_t bytes = (VJ_TRIAL_FAILED + 1) * sizeof *counts;
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

/* How it ended; VJ_STOPPED unless the stop came too late to leave anything undone. */
static vj_status conclude(driver *d, vj_sweep_end *end) {
  int64_t counts[VJ_TRIAL_FAILED + 1];
  unsigned stopped = 0, causes = 0;
  int cause = 1;
  VJ_TRY(count_states(d, counts));
  const int64_t ended = counts[VJ_TRIAL_DONE] + counts[VJ_TRIAL_FAILED], trials = d->space->trial_count;
  *end = (vj_sweep_end){counts[VJ_TRIAL_FAILED], counts[VJ_TRIAL_RUNNING]};
  VJ_TRY(vj_comm_any(d->world, d->stopped, &stopped));
  if (!stopped || ended == trials) return VJ_OK;
  VJ_TRY(vj_comm_any(d->world, 1u << vj_stop_cause(&d->stop), &causes)); /* word may still be on its way to some */
  while (!(causes >> cause & 1)) cause++;
  return vj_fail(VJ_STOPPED,
                 "stopped by %s after %lld of %lld trial%s; the state of the others is saved, go on with the same "
                 "command and --resume",
                 cause == CAUSE_TIME_LIMIT ? d->options->time_limit_name : vj_signal_name(cause), (long long)ended,
                 (long long)trials, trials == 1 ? "" : "s");
}

/* Those that only a run in progress needs. */
static void remove_empty_folders(const driver *d) {
  const char *path = path_in(d->pool, d->options->folder, "checkpoints");
  if (path) rmdir(path);
}

vj_status vj_sweep_run(const vj_comm *world, const vj_yaml *root, const vj_space *space,
                       const vj_sweep_options *options, vj_sweep_end *end) {
  driver d = {.world = world, .space = space, .options = options};
  vj_pool *pool = NULL;
  vj_status status = vj_comm_agree(world, vj_pool_create(&pool));
  VJ_TRY_GOTO(status, status, done);
  d.pool = pool;
  VJ_TRY_GOTO(status, open_sweep(pool, &d, root), done);
  start_progress(&d);
  VJ_TRY_GOTO(status, vj_stop_open(world, &d.stop), done);
  VJ_TRY_GOTO(status, start_watchdog(&d), done);
  status = work(&d);
  VJ_TRY_GOTO(status, vj_comm_agree(world, wait_for_others(&d, status)), done);
  VJ_TRY_GOTO(status, conclude(&d, end), done);
  if (world->rank == 0) remove_empty_folders(&d);
done:
  vj_watchdog_stop(&d.watchdog);
  vj_stop_close(&d.stop);
  if (d.file) vj_sweep_file_close(&d.file);
  vj_ledger_close(&d.ledger);
  vj_job_end(&d.job);
  if (d.group.size) vj_comm_destroy(&d.group);
  if (d.roots.size) vj_comm_destroy(&d.roots);
  free(d.steps);
  free(d.evals);
  if (pool) vj_pool_destroy(&pool);
  return status;
}
