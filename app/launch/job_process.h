/* A job of a sweep as a process of this host, which runs it here or, by ssh, on another one. Not collective. */
#ifndef VJ_APP_LAUNCH_JOB_PROCESS_H
#define VJ_APP_LAUNCH_JOB_PROCESS_H

#include <sys/types.h>

#include "app/launch/launch_plan.h"

typedef enum vj_job_state {
  VJ_JOB_WAITS, /* to be started when it is due */
  VJ_JOB_RUNS,
  VJ_JOB_IDLE,    /* it found no trial left to take */
  VJ_JOB_GIVEN_UP /* it died too often, or can't be started */
} vj_job_state;

typedef struct vj_job_process {
  const vj_launch_plan *plan;
  int64_t number;
  const char *name; /* "job 3 on node2" */
  const char *log;  /* the file that gets what it says */
  vj_job_state state;
  pid_t pid;
  int lifeline;      /* a pipe: when this end closes, also because we die, the job saves its trials and stops */
  int64_t deaths;    /* so far */
  double due, ended; /* by CLOCK_MONOTONIC: when it is to be started; when it was last there */
} vj_job_process;

enum { VJ_LAST_WORDS_BYTES = 300 };

/* Names it and its log, in `folder`. It waits, and is due at once. */
VJ_MUST_USE vj_status vj_job_process_create(const vj_launch_plan *plan, int64_t number, const char *folder,
                                            vj_job_process *job);
/* `seconds_left`: its time limit; 0: none. */
VJ_MUST_USE vj_status vj_job_process_start(vj_job_process *job, double seconds_left);
/* Whether it has ended; *code: as a shell has it, 128 and the signal's number where one ended it. */
bool vj_job_process_has_ended(vj_job_process *job, int *code);
/* Asks it to save its trials and to stop. */
void vj_job_process_stop(vj_job_process *job);
/* Ends it at once, and what it started on this host. */
void vj_job_process_kill(const vj_job_process *job);
/* The last sentence of its log, or else its last line; "" if there is none. */
const char *vj_job_process_last_words(const vj_job_process *job, char words[VJ_LAST_WORDS_BYTES]);

#endif
