/* What `vjvcr launch` was asked for: so many jobs of one sweep, their hosts and ranks, and what each of them runs. Not
 * collective. */
#ifndef VJ_APP_LAUNCH_LAUNCH_PLAN_H
#define VJ_APP_LAUNCH_LAUNCH_PLAN_H

#include "app/command_line.h"

typedef struct vj_launch_plan {
  vj_pool *pool;         /* the command's, in which all of it lies */
  const char *file;      /* FILE.yaml */
  const char *folder;    /* of the results */
  const char *arguments; /* what each job says behind `vjvcr sweep`, for a shell; without its time limit */
  const char *request;   /* what launch itself was asked, for a shell */
  int64_t jobs, ranks;   /* ranks: of each job */
  int64_t restarts;      /* of each job, at most */
  vj_text_list hosts;    /* none: this one */
  int64_t hosts_per_job; /* 1 also without hosts */
  const char *agent, *mpirun;
  double time_limit; /* seconds; 0: none */
} vj_launch_plan;

/* Reads FILE.yaml for the name of the folder alone: the jobs check it. VJ_USAGE where jobs, hosts and ranks do not fit.
 */
VJ_MUST_USE vj_status vj_launch_plan_read(const vj_command *command, vj_launch_plan *plan);

/* The i-th host of a job; NULL: this one. */
const char *vj_launch_plan_host(const vj_launch_plan *plan, int64_t job, int64_t i);
/* Ranks that all jobs together have on the host of a job. */
int64_t vj_launch_plan_ranks_of_host(const vj_launch_plan *plan);

/* A word as a shell takes it: in quotes where it needs them. In the pool; NULL when memory is out. */
const char *vj_shell_word(vj_pool *pool, const char *word);

#endif
