#include "app/sweep/timed_dry_run.h"

#include <math.h>
#include <omp.h>
#include <stdlib.h>
#include <string.h>

#include "analysis/statistics/summary.h"
#include "framework/train/trial.h"

enum { STEPS = 7, MIDDLE = 4 }; /* tried; an evaluation comes after the middle one */

/* When things happened on the root of a group. */
typedef struct marks {
  double began, ended;
  double step[STEPS + 1];             /* when so many steps were done */
  double first, middle, last;         /* when these evaluations began */
  double decoder_first, decoder_last; /* ends of the decoder's steps */
  int64_t decoder_steps;
} marks;

static void on_progress(void *context, const vj_progress *progress) {
  marks *m = context;
  const double now = omp_get_wtime();
  if (strcmp(progress->doing, "training") == 0 && progress->step <= STEPS) m->step[progress->step] = now;
  if (strcmp(progress->doing, "training the decoder") == 0) {
    if (m->decoder_steps++ == 0) m->decoder_first = now;
    m->decoder_last = now;
  }
  if (strcmp(progress->doing, "evaluating") != 0) return;
  double *mark = progress->step == 0 ? &m->first : progress->step == STEPS ? &m->last : &m->middle;
  if (*mark == 0) *mark = now;
}

/* Evaluations are what passed beyond an ordinary step. The first step, which finds cold memory, is not counted. */
static vj_timing read_marks(const marks *m) {
  double steps[STEPS] = {0};
  int count = 0;
  for (int k = 2; k <= STEPS; k++)
    if (k != MIDDLE + 1) steps[count++] = m->step[k] - m->step[k - 1];
  qsort(steps, (size_t)count, sizeof *steps, vj_ascending);
  vj_timing t = {.start = m->first - m->began, .step = steps[count / 2]};
  t.first = fmax(0, m->step[1] - m->first - t.step);
  t.middle = fmax(0, m->step[MIDDLE + 1] - m->middle - t.step);
  t.last = m->ended - m->last;
  if (m->decoder_steps > 1) t.decoder_step = (m->decoder_last - m->decoder_first) / (double)(m->decoder_steps - 1);
  return t;
}

/* The trial in small: every part of it is there once, and no part often. */
static vj_config shortened(const vj_config *config) {
  vj_config few = *config;
  few.optim.steps = STEPS;
  few.eval.every = MIDDLE;
  if (few.eval.decoder_steps > MIDDLE) few.eval.decoder_steps = MIDDLE;
  return few;
}

static bool ends_only_the_trial(vj_status status) {
  return status != VJ_IO && status != VJ_COMM && status != VJ_INTERNAL;
}

/* What the slowest group took is what all are said to take. */
static vj_status agree_on_numbers(const vj_comm *world, vj_timing *t) {
  double mine[] = {t->start, t->step, t->decoder_step, t->first, t->middle, t->last}, all[6];
  if (MPI_Allreduce(mine, all, 6, MPI_DOUBLE, MPI_MAX, world->mpi) != MPI_SUCCESS)
    return vj_fail(VJ_COMM, "the ranks' timings can't be compared");
  *t = (vj_timing){.start = all[0],
                   .step = all[1],
                   .decoder_step = all[2],
                   .first = all[3],
                   .middle = all[4],
                   .last = all[5],
                   .problem = t->problem};
  return VJ_OK;
}

vj_status vj_timing_measure(vj_pool *pool, const vj_comm *world, int group, const vj_trial *trial, vj_timing *timing) {
  const vj_config config = shortened(trial->config);
  vj_comm mine;
  marks m = {0};
  *timing = (vj_timing){0};
  const bool takes_part = world->rank < world->size / group * group; /* the others would be no power of two */
  VJ_TRY(vj_comm_split(world, world->rank / group, &mine));
  VJ_TRY(vj_comm_barrier(world));
  m.began = omp_get_wtime();
  const vj_trial_job job = {
      .index = trial->index, .config = &config, .comm = &mine, .progress = on_progress, .context = &m};
  const vj_status status = vj_comm_agree(world, takes_part ? vj_trial_run(&job) : VJ_OK);
  m.ended = omp_get_wtime();
  if (status == VJ_OK && takes_part && mine.rank == 0) *timing = read_marks(&m);
  vj_comm_destroy(&mine);
  if (status != VJ_OK && !ends_only_the_trial(status)) return status;
  if (status != VJ_OK) timing->problem = vj_pool_text(pool, vj_error_message());
  return agree_on_numbers(world, timing);
}

double vj_timing_of_trial(const vj_timing *t, const vj_config *config) {
  const int64_t steps = config->optim.steps, middle = (steps - 1) / config->eval.every;
  return t->start + t->first + (double)steps * t->step + (double)middle * t->middle + t->last +
         (double)config->eval.decoder_steps * t->decoder_step;
}
