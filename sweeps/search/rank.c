/* Which results are the better ones: by one objective, or by several. */
#include <math.h>
#include <stdlib.h>

#include "sweeps/search/method.h"
#include "sweeps/search/pareto.h"

/* Of one objective `front` is 0 and `within` the objective itself, of several within is minus the contribution. */
typedef struct ranked {
  double violation;
  int64_t front;
  double within;
  int64_t place;
} ranked;

static int by_rank(const void *a, const void *b) {
  const ranked *x = a, *y = b;
  if (x->violation != y->violation) return x->violation < y->violation ? -1 : 1;
  if (x->front != y->front) return x->front < y->front ? -1 : 1;
  if (x->within != y->within) return x->within < y->within ? -1 : 1;
  return (x->place > y->place) - (x->place < y->place);
}

/* A tenth of the range behind the worst in each objective, so that the ends of a front count, too. */
static void make_reference(int64_t count, int64_t objectives, const double *values, double *reference) {
  for (int64_t k = 0; k < objectives; k++) {
    double best = INFINITY, worst = -INFINITY;
    for (int64_t i = 0; i < count; i++) {
      best = fmin(best, values[i * objectives + k]);
      worst = fmax(worst, values[i * objectives + k]);
    }
    reference[k] = worst + (worst > best ? 0.1 * (worst - best) : 1);
  }
}

/* How much of the volume each of the front that the first `needed` end in has for itself; other fronts are taken or
 * left as a whole. work: [count][objectives] and as many contributions. */
static vj_status contribute(const vj_search_task *task, int64_t needed, const double *values, const double *reference,
                            ranked *rows, double *work) {
  const int64_t objectives = task->search->objective_count, count = task->measured;
  int64_t front = -1, members = 0, taken = 0;
  while (taken < needed && taken < count) {
    front++;
    for (int64_t i = 0; i < count; i++) taken += rows[i].front == front;
  }
  for (int64_t i = 0; i < count; i++)
    if (rows[i].front == front) {
      for (int64_t k = 0; k < objectives; k++) work[members * objectives + k] = values[i * objectives + k];
      members++;
    }
  double *contribution = work + count * objectives;
  VJ_TRY(vj_hypervolume_contributions(members, objectives, work, reference, contribution));
  for (int64_t i = 0, m = 0; i < count; i++)
    if (rows[i].front == front) rows[i].within = -contribution[m++];
  return VJ_OK;
}

static vj_status rank_fronts(const vj_search_task *task, int64_t needed, ranked *rows) {
  const int64_t objectives = task->search->objective_count, count = task->measured;
  double *values = NULL;
  int64_t *front = NULL;
  vj_status status = VJ_OK;
  VJ_TRY_GOTO(status, vj_allocate((size_t)((2 * count + 1) * objectives + count), sizeof *values, "fronts", &values),
              end);
  VJ_TRY_GOTO(status, vj_allocate((size_t)count, sizeof *front, "fronts", &front), end);
  for (int64_t i = 0; i < count; i++)
    for (int64_t k = 0; k < objectives; k++) values[i * objectives + k] = vj_search_objective(task, rows[i].place, k);
  double *reference = values + count * objectives;
  VJ_TRY_GOTO(status, vj_pareto_ranks(count, objectives, values, front), end);
  for (int64_t i = 0; i < count; i++) rows[i].front = front[i];
  make_reference(count, objectives, values, reference);
  VJ_TRY_GOTO(status, contribute(task, needed, values, reference, rows, reference + objectives), end);
end:
  free(values);
  free(front);
  return status;
}

vj_status vj_search_rank(const vj_search_task *task, int64_t needed, const int64_t **order) {
  ranked *rows = NULL;
  int64_t found = 0, *places = vj_pool_take(task->pool, (size_t)(task->measured + 1) * sizeof *places);
  vj_status status = VJ_OK;
  if (!places) return vj_fail(VJ_MEMORY, "no memory for a ranking of %lld trials", (long long)task->measured);
  VJ_TRY(vj_allocate((size_t)task->measured + 1, sizeof *rows, "a ranking of trials", &rows));
  for (int64_t i = 0; i < task->count; i++) {
    const double objective = vj_search_objective(task, i, 0);
    if (isnan(objective)) continue;
    const bool is_only = task->search->objective_count == 1;
    rows[found++] = (ranked){vj_search_violation(task, i), 0, is_only ? objective : 0, i};
  }
  if (task->search->objective_count > 1 && found > 0) status = rank_fronts(task, needed, rows);
  qsort(rows, (size_t)found, sizeof *rows, by_rank);
  for (int64_t i = 0; i < found; i++) places[i] = rows[i].place;
  free(rows);
  *order = places;
  return status;
}
