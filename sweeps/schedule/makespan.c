#include "sweeps/schedule/makespan.h"

#include <math.h>
#include <stdlib.h>

/* A group that takes trials until none is left for it. */
typedef struct worker {
  int size;
  double free_at;
  bool is_over;
} worker;

typedef struct simulation {
  const vj_trial_schedule *schedule;
  const double *trials;
  worker *workers; /* as many as ranks at most */
  int count;
  int64_t taken[32]; /* of the trials of each size, by its logarithm */
} simulation;

static int logarithm(int size) {
  int log = 0;
  while (size >> (log + 1)) log++;
  return log;
}

/* The next trial for a group of this size; -1: none is left. */
static int64_t next_of_size(const simulation *s, int size) {
  int64_t first, count;
  const int64_t taken = s->taken[logarithm(size)];
  vj_trial_schedule_find(s->schedule, size, &first, &count);
  return taken < count ? s->schedule->order[first + taken] : -1;
}

static bool smaller_left(const simulation *s, int size) {
  for (size /= 2; size >= s->schedule->least; size /= 2)
    if (next_of_size(s, size) >= 0) return true;
  return false;
}

/* The group that is free first does what it would do. */
static bool advance(simulation *s) {
  worker *w = NULL;
  for (int i = 0; i < s->count; i++)
    if (!s->workers[i].is_over && (!w || s->workers[i].free_at < w->free_at)) w = &s->workers[i];
  if (!w) return false;
  const int64_t trial = next_of_size(s, w->size);
  if (trial >= 0) {
    s->taken[logarithm(w->size)]++;
    w->free_at += s->trials[trial];
  } else if (smaller_left(s, w->size)) {
    w->size /= 2;
    s->workers[s->count++] = *w;
  } else {
    w->is_over = true;
  }
  return true;
}

vj_status vj_makespan(const vj_trial_schedule *schedule, const double *trials, double *seconds) {
  simulation s = {.schedule = schedule, .trials = trials};
  *seconds = 0;
  VJ_TRY(vj_allocate((size_t)schedule->ranks, sizeof *s.workers, "the groups' times", &s.workers));
  for (int rank = 0; rank < schedule->ranks;) {
    int first, size;
    vj_trial_schedule_block(schedule, rank, &first, &size);
    s.workers[s.count++] = (worker){.size = size};
    rank += size;
  }
  while (advance(&s)) continue;
  for (int i = 0; i < s.count; i++) *seconds = fmax(*seconds, s.workers[i].free_at);
  free(s.workers);
  return VJ_OK;
}
