/* What the sources of the driver share. No one else includes this. */
#ifndef VJ_SWEEPS_RUN_DRIVER_PRIVATE_H
#define VJ_SWEEPS_RUN_DRIVER_PRIVATE_H

#include "framework/base/watchdog.h"
#include "framework/comm/stop.h"
#include "sweeps/run/driver.h"
#include "sweeps/run/jobs.h"
#include "sweeps/schedule/trial_schedule.h"
#include "sweeps/pruning/pruner.h"
#include "framework/store/ledger/ledger.h"

typedef struct vj_driver {
  const vj_comm *world;
  vj_pool *pool;
  const vj_space *space; /* numbered as in the sweep file */
  vj_trial_schedule *schedule;
  const vj_sweep_options *options;
  vj_comm group, roots;
  bool is_root;        /* of its group */
  vj_sweep_file *file; /* of every rank that may come to lead a group, as are the next two */
  vj_ledger *ledger;
  vj_job *job;
  bool told_of_saving; /* the ledger knows that this attempt has a checkpoint */
  int64_t *steps, *evals, step_count, eval_count;
  vj_sweep_progress progress;
  double started, told;
  vj_stop stop;
  vj_watchdog *watchdog, *pulse; /* one looks for hangs, the other renews the job's file, and may hang over it */
  vj_open_data data;             /* open, and of the last trial */
  bool interrupted;              /* before its work was done */
  vj_pruner *pruner;             /* NULL: every trial is trained to its end */
} vj_driver;

enum { VJ_CAUSE_TIME_LIMIT = 31 }; /* of a stop; other causes are signals, whose numbers are smaller */

/* "<folder>/<name>"; NULL when memory is out. */
const char *vj_driver_path(const vj_driver *d, const char *name);

/* Prepares the folder, plans who runs what, opens files, takes over what the dead left. Collective over the world. */
VJ_MUST_USE vj_status vj_driver_open(vj_driver *d, const vj_yaml *root);

/* Of a trial, "<folder>/checkpoints/trial-0007". */
const char *vj_driver_checkpoint(const vj_driver *d, int64_t trial);
/* A trial that has ended needs them no more; without the file they only cost room. */
void vj_driver_remove_checkpoints(const vj_driver *d, int64_t trial);
/* Trials of jobs that are dead wait again, or failed when they died too often. `at_start`: whatever else a kill left
 * between file and ledger is put right, too. Not collective. */
VJ_MUST_USE vj_status vj_driver_recover(vj_driver *d, bool at_start);

/* All ranks form the groups they start in. Collective over the world. */
VJ_MUST_USE vj_status vj_driver_form_groups(vj_driver *d);
/* Splits the group into halves, if a trial waits that is for fewer ranks. Collective over the group alone. */
VJ_MUST_USE vj_status vj_driver_split(vj_driver *d, bool *has_split);
/* Whether any trial waits, as far as world rank 0 sees. Collective over the world. */
VJ_MUST_USE vj_status vj_driver_is_left(vj_driver *d, bool *is_left);

/* Collective over the group; *trial = -1: none of its size waits. */
VJ_MUST_USE vj_status vj_driver_claim(vj_driver *d, int64_t *trial);
/* On every rank of the group, not collective: the group's root records that its trial ended, or gives it back. */
VJ_MUST_USE vj_status vj_driver_end(vj_driver *d, int64_t trial, vj_status outcome, const char *reason);
VJ_MUST_USE vj_status vj_driver_give_back(vj_driver *d, int64_t trial);

/* Calls for a trial's job; a vj_driver is the context. */
vj_status vj_driver_on_saved(void *context, int64_t trial);
vj_status vj_driver_on_prune(void *context, int64_t trial, int64_t done, bool *ends);
void vj_driver_on_progress(void *context, const vj_progress *progress);
void vj_driver_warn(void *context, int64_t trial, const char *sentence);
/* On every rank, at every step: whether this one is to stop. What it alone knows it tells all others. */
bool vj_driver_is_to_stop(void *context);

void vj_driver_start_progress(vj_driver *d);
/* Collective over the world. */
VJ_MUST_USE vj_status vj_driver_watch(vj_driver *d);
/* Who has nothing left to do still listens for signals, and leaves the processor to those who work. Collective over the
 * world; `mine` if that is a failure. */
VJ_MUST_USE vj_status vj_driver_wait(vj_driver *d, vj_status mine);

#endif
