#include "app/launcher.h"

#include <stdio.h>
#include <stdlib.h>

#include "vj/param.h"

/* The variables that launchers give to each process that they start. Some do not say how many there are; a process that
 * is not the first has others beside it all the same. */
typedef struct convention {
  const char *name, *processes, *rank;
} convention;

static const convention conventions[] = {
    {"mpirun (Open MPI)", "OMPI_COMM_WORLD_SIZE", "OMPI_COMM_WORLD_RANK"},
    {"srun (Slurm)", "SLURM_STEP_NUM_TASKS", "SLURM_PROCID"},
    {"flux run", "FLUX_JOB_SIZE", "FLUX_TASK_RANK"},
    {"jsrun", "JSM_NAMESPACE_SIZE", "JSM_NAMESPACE_RANK"},
    {"mpiexec (PALS)", "PALS_SIZE", "PALS_RANKID"},
    {"aprun (ALPS)", "ALPS_APP_SIZE", "ALPS_APP_PE"},
    {"mpirun (MVAPICH)", "MV2_COMM_WORLD_SIZE", "MV2_COMM_WORLD_RANK"},
    {"mpiexec (MPICH)", "PMI_SIZE", "PMI_RANK"},
    {"a launcher with PMIx", "PMIX_SIZE", "PMIX_RANK"},
    {"torchrun", "WORLD_SIZE", "RANK"},
};

/* -1: it is not set, or no number. */
static long number_of(const char *variable) {
  const char *text = getenv(variable);
  char *end = NULL;
  const long number = text ? strtol(text, &end, 10) : -1;
  return text && end != text && !*end && number >= 0 ? number : -1;
}

/* In the script of a batch job Slurm says how many tasks the job may have; one process is there, the first. */
static long slurm_tasks(long rank) {
  return rank > 0 ? number_of("SLURM_NTASKS") : number_of("SLURM_STEP_ID") >= 0 ? number_of("SLURM_NTASKS") : -1;
}

vj_launcher vj_launcher_find(void) {
  for (size_t i = 0; i < VJ_COUNT(conventions); i++) {
    const convention *c = &conventions[i];
    const long rank = number_of(c->rank);
    long processes = number_of(c->processes);
    if (processes < 0 && i == 1) processes = slurm_tasks(rank);
    if (processes < rank + 1) processes = rank + 1;
    if (rank >= 0 && processes > 1) return (vj_launcher){c->name, processes, rank};
    if (rank >= 0 && i == 0) break; /* of our own MPI: it was asked for one */
  }
  return (vj_launcher){0};
}

#define REMEDY                                                                                                  \
  "start them so that MPI finds them (docs/clusters.md; for instance with mpirun, or srun --mpi=pmix), or say " \
  "--alone where each is meant to run by itself"

/* The first goes on, so that a job that was queued for a day is not lost. */
vj_status vj_launcher_check(const vj_launcher *l, int world_size, bool alone) {
  if (!l->name || alone || world_size > 1) return VJ_OK;
  if (l->rank > 0)
    return vj_fail(VJ_USAGE,
                   "%s started at least %ld processes and MPI joined none of them, so number %ld ends; " REMEDY,
                   l->name, l->processes, l->rank);
  fprintf(stderr,
          "vjvcr: %s started %ld processes and MPI joined none of them: number 0 goes on alone, the others end; " REMEDY
          "\n",
          l->name, l->processes);
  return VJ_OK;
}
