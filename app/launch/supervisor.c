#include "app/launch/supervisor.h"

#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>

#include "app/launch/job_process.h"
#include "framework/base/signals.h"
#include "framework/store/ledger/ledger_snapshot.h"

/* Seconds. A job that died waits, twice as long each time: what it died of may pass. One that found nothing to do looks
 * again, since a trial of a host that is silent is given to others after five minutes. When there is nothing left to
 * do, a job that does not end, as mpirun may when a host stands still, is ended. */
static const double shortest_wait = 2, longest_wait = 300, look_again = 30, patience = 30;
static const struct timespec nap = {.tv_nsec = 200000000};

/* The end of a job that is not to be started again: it was called wrongly, or is not there. */
enum { CODE_USAGE = 2, CODE_NOT_RUN = 126, CODE_NOT_FOUND = 127, CODE_INTERRUPTED = 75 };

typedef struct vj_supervisor {
  const vj_launch_plan *plan;
  vj_job_process *jobs;
  double began, completed, called; /* completed: when every trial was found to have ended; 0: not yet. called: when a
                                    * job that was idle was started last */
  int64_t count[VJ_TRIAL_STATES];  /* trials, at the last look */
  int64_t trials;                  /* 0: there is no ledger yet */
  int cause;                       /* why it stops: a signal, or TIME_LIMIT; 0: it goes on */
} vj_supervisor;
enum { TIME_LIMIT = -1 };

static double now(void) {
  struct timespec t;
  clock_gettime(CLOCK_MONOTONIC, &t);
  return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

/* --- the sweep --------------------------------------------------------------------------------------------------- */

static vj_status look(vj_supervisor *s) {
  vj_pool *pool = NULL;
  vj_ledger_snapshot ledger = {0};
  VJ_TRY(vj_pool_create(&pool));
  const char *path = vj_pool_format(pool, "%s/ledger", s->plan->folder);
  const vj_status status =
      path ? vj_ledger_snapshot_read(pool, path, &ledger) : vj_fail(VJ_MEMORY, "no memory for the name of a file");
  if (status == VJ_OK) {
    memset(s->count, 0, sizeof s->count);
    s->trials = ledger.count;
    for (int64_t i = 0; i < ledger.count; i++) s->count[ledger.of[i].state]++;
  }
  vj_pool_destroy(&pool);
  return status;
}

static bool is_complete(const vj_supervisor *s) {
  return s->trials > 0 && s->count[VJ_TRIAL_WAITING] == 0 && s->count[VJ_TRIAL_RUNNING] == 0;
}

static int64_t jobs_that(const vj_supervisor *s, vj_job_state state) {
  int64_t count = 0;
  for (int64_t i = 0; i < s->plan->jobs; i++) count += s->jobs[i].state == state;
  return count;
}

/* --- a job's end ------------------------------------------------------------------------------------------------- */

static void give_up(vj_job_process *job, const char *why) {
  job->state = VJ_JOB_GIVEN_UP;
  fprintf(stderr, "%s is given up: %s\n", job->name, why);
}

static void die(vj_supervisor *s, vj_job_process *job, int code) {
  char words[VJ_LAST_WORDS_BYTES], why[VJ_LAST_WORDS_BYTES + 64];
  const int64_t left = s->plan->restarts - job->deaths;
  vj_job_process_last_words(job, words);
  snprintf(why, sizeof why, "it ended with code %d%s%s", code, words[0] ? ", " : "", words);
  const bool never_began = code == 1 && s->trials == 0;
  if (never_began || code == CODE_USAGE || code == CODE_NOT_RUN || code == CODE_NOT_FOUND || left <= 0) {
    give_up(job, why);
    return;
  }
  const double wait = fmin(longest_wait, shortest_wait * pow(2, (double)job->deaths++));
  job->state = VJ_JOB_WAITS;
  job->due = job->ended + wait;
  fprintf(stderr, "%s: %s; it is started again in %.0f s, at most %lld time%s more\n", job->name, why, wait,
          (long long)left - 1, left == 2 ? "" : "s");
}

/* 1 is the end of a sweep with failed trials, and of one that could not go on: the ledger tells them apart. */
static vj_status end_job(vj_supervisor *s, vj_job_process *job, int code) {
  VJ_TRY(look(s));
  job->ended = now();
  job->state = VJ_JOB_IDLE;
  const bool ended_well = code == 0 || (code == 1 && s->trials > 0 && s->count[VJ_TRIAL_WAITING] == 0);
  if (!ended_well && !is_complete(s) && !(s->cause && code == CODE_INTERRUPTED)) die(s, job, code);
  return VJ_OK;
}

/* --- all jobs ---------------------------------------------------------------------------------------------------- */

static vj_status start_job(vj_supervisor *s, vj_job_process *job) {
  const double limit = s->plan->time_limit;
  return vj_job_process_start(job, limit > 0 ? fmax(1, limit - (now() - s->began)) : 0);
}

static vj_status tend(vj_supervisor *s) {
  for (int64_t i = 0; i < s->plan->jobs; i++) {
    vj_job_process *job = &s->jobs[i];
    int code;
    if (job->state == VJ_JOB_RUNS && vj_job_process_has_ended(job, &code)) VJ_TRY(end_job(s, job, code));
    if (job->state == VJ_JOB_WAITS && !s->cause && now() >= job->due) VJ_TRY(start_job(s, job));
  }
  return VJ_OK;
}

/* Where trials are left, a job that has nothing to do looks whether there is one to be taken: soon where one waits or
 * nobody works, else now and then, since of a job that is silent others know after a while. */
static vj_status call_idle(vj_supervisor *s) {
  const bool others_work = jobs_that(s, VJ_JOB_RUNS) + jobs_that(s, VJ_JOB_WAITS) > 0;
  const double wait = others_work && s->count[VJ_TRIAL_WAITING] == 0 ? longest_wait : look_again;
  if (now() < s->called + wait) return VJ_OK;
  for (int64_t i = 0; i < s->plan->jobs; i++) {
    if (s->jobs[i].state != VJ_JOB_IDLE || now() < s->jobs[i].ended + wait) continue;
    s->called = now();
    return start_job(s, &s->jobs[i]);
  }
  return VJ_OK;
}

static void check_stop(vj_supervisor *s) {
  if (s->cause) return;
  s->cause = vj_signals_caught();
  const double limit = s->plan->time_limit;
  if (!s->cause && limit > 0 && now() - s->began >= limit) s->cause = TIME_LIMIT;
  for (int64_t i = 0; i < s->plan->jobs && s->cause; i++) vj_job_process_stop(&s->jobs[i]);
}

static void end_late(vj_supervisor *s) {
  if (!is_complete(s)) s->completed = 0;
  if (is_complete(s) && s->completed == 0) s->completed = now();
  for (int64_t i = 0; i < s->plan->jobs && s->completed > 0 && now() > s->completed + patience; i++)
    if (s->jobs[i].state == VJ_JOB_RUNS) vj_job_process_kill(&s->jobs[i]);
}

static vj_status supervise(vj_supervisor *s) {
  double looked = now();
  for (;;) {
    check_stop(s);
    VJ_TRY(tend(s));
    const int64_t running = jobs_that(s, VJ_JOB_RUNS);
    if (now() - looked >= 5 || !running) {
      VJ_TRY(look(s));
      looked = now();
    }
    if (running == 0 && (s->cause || is_complete(s))) return VJ_OK;
    if (jobs_that(s, VJ_JOB_GIVEN_UP) == s->plan->jobs) return VJ_OK;
    if (!s->cause && !is_complete(s)) VJ_TRY(call_idle(s));
    end_late(s);
    nanosleep(&nap, NULL);
  }
}

/* --- begin and end ----------------------------------------------------------------------------------------------- */

static vj_status make_folder(const char *path) {
  if (mkdir(path, 0777) == 0 || errno == EEXIST) return VJ_OK;
  return vj_fail(VJ_IO, "%s: can't be made: %s", path, strerror(errno));
}

/* DIR and those above it, and within it the one for what jobs say. */
static vj_status make_folders(const vj_launch_plan *plan, const char **logs) {
  char *path = vj_pool_text(plan->pool, plan->folder);
  *logs = vj_pool_format(plan->pool, "%s/launch", plan->folder);
  if (!path || !*logs) return vj_fail(VJ_MEMORY, "no memory for the name of a folder");
  for (char *c = path + 1; *path && *c; c++) {
    if (*c != '/') continue;
    *c = '\0';
    VJ_TRY(make_folder(path));
    *c = '/';
  }
  VJ_TRY(make_folder(path));
  return make_folder(*logs);
}

static vj_status conclude(const vj_supervisor *s, int64_t *failed) {
  const int64_t ended = s->count[VJ_TRIAL_DONE] + s->count[VJ_TRIAL_FAILED] + s->count[VJ_TRIAL_PRUNED];
  *failed = s->count[VJ_TRIAL_FAILED];
  if (is_complete(s)) return VJ_OK;
  if (s->cause)
    return vj_fail(VJ_INTERRUPTED, "stopped by %s after %lld of %lld trials; go on with the same command",
                   s->cause == TIME_LIMIT ? "the time limit" : vj_signal_name(s->cause), (long long)ended,
                   (long long)s->trials);
  return vj_fail(
      VJ_COMM,
      "no job is left that may be started again, after %lld of %lld trials; %s/launch has what they said; go "
      "on with the same command",
      (long long)ended, (long long)s->trials, s->plan->folder);
}

vj_status vj_supervise(const vj_launch_plan *plan, int64_t *failed) {
  vj_supervisor s = {.plan = plan, .began = now()};
  const char *logs = NULL;
  s.jobs = vj_pool_take(plan->pool, (size_t)plan->jobs * sizeof *s.jobs);
  if (!s.jobs) return vj_fail(VJ_MEMORY, "no memory for jobs");
  VJ_TRY(make_folders(plan, &logs));
  for (int64_t i = 0; i < plan->jobs; i++) VJ_TRY(vj_job_process_create(plan, i, logs, &s.jobs[i]));
  vj_signals_catch();
  VJ_TRY(supervise(&s));
  return conclude(&s, failed);
}
