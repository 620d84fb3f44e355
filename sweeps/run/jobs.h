/* The jobs that work on one folder at a time, told apart and told alive from dead.
 *
 * Each has a name, "host:process:start", and a file of that name in `jobs/` that it holds under flock: the kernel lets
 * go of it when the process dies, however it dies. Where locks don't reach another machine, the file's time of change
 * tells; its owner renews it every few seconds. Not collective: every group's root is a job of its own. */
#ifndef VJ_SWEEPS_RUN_JOBS_H
#define VJ_SWEEPS_RUN_JOBS_H

#include <stdbool.h>

#include "vj/status.h"

typedef struct vj_job vj_job;

/* Joins those that work on the folder, which is there. */
VJ_MUST_USE vj_status vj_job_begin(const char *folder, vj_job **job);
/* The same in two steps: one that may take the lock, but works not yet; and joining. */
VJ_MUST_USE vj_status vj_job_prepare(const char *folder, vj_job **job);
VJ_MUST_USE vj_status vj_job_join(vj_job *job);
/* Leaves them; removes what the last of them has no use for. Nulls the handle. */
void vj_job_end(vj_job **job);

const char *vj_job_name(const vj_job *job);
/* Says that this job lives; may be called from any thread. */
void vj_job_pulse(const vj_job *job);
/* Whether a job of that name lives; a vj_job is the context. One on another machine does until it gave no sign for five
 * minutes. Called with the lock held, as is the next. */
bool vj_job_lives(void *job, const char *name);
/* The name of another job that lives, or NULL; valid until the next call. Called with the lock held. */
const char *vj_job_other(vj_job *job);
/* Removes the files of dead jobs. */
void vj_job_bury(const vj_job *job);

/* Whether a job works on the folder, and its name, as far as one can tell who only reads there. */
enum { VJ_JOB_NAME_BYTES = 300 };
bool vj_job_is_at_work(const char *folder, char name[VJ_JOB_NAME_BYTES]);
/* A name as a job of this process would have now. */
void vj_job_sign(char name[VJ_JOB_NAME_BYTES]);

/* What only one job may do at a time stands between these. */
VJ_MUST_USE vj_status vj_job_lock(vj_job *job);
void vj_job_unlock(vj_job *job);

#endif
