#include "sweeps/search/pareto.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "vj/memory.h"

bool vj_pareto_dominates(int64_t objectives, const double *a, const double *b) {
  bool is_better = false;
  for (int64_t k = 0; k < objectives; k++) {
    if (!(a[k] <= b[k])) return false;
    is_better = is_better || a[k] < b[k];
  }
  return is_better;
}

vj_status vj_pareto_ranks(int64_t count, int64_t objectives, const double *values, int64_t *rank) {
  int64_t *better = NULL, left = count; /* how many that have no rank yet dominate a point */
  VJ_TRY(vj_allocate((size_t)count + 1, sizeof *better, "ranks of points", &better));
  for (int64_t i = 0; i < count; i++) {
    rank[i] = -1;
    for (int64_t j = 0; j < count; j++)
      better[i] += vj_pareto_dominates(objectives, values + j * objectives, values + i * objectives);
  }
  for (int64_t front = 0; left > 0; front++) {
    for (int64_t i = 0; i < count; i++)
      if (rank[i] < 0 && better[i] == 0) rank[i] = front;
    for (int64_t i = 0; i < count; i++) {
      if (rank[i] != front) continue;
      left--;
      for (int64_t j = 0; j < count; j++)
        better[j] -= vj_pareto_dominates(objectives, values + i * objectives, values + j * objectives);
    }
  }
  free(better);
  return VJ_OK;
}

/* --- hypervolume ------------------------------------------------------------------------------------------------- */

/* Whether point i has its like, or a better one, among the others; of equal ones the first stays. */
static bool is_redundant(int64_t objectives, const double *values, int64_t count, int64_t i) {
  const size_t bytes = (size_t)objectives * sizeof *values;
  for (int64_t j = 0; j < count; j++) {
    if (j == i) continue;
    if (vj_pareto_dominates(objectives, values + j * objectives, values + i * objectives)) return true;
    if (j < i && memcmp(values + j * objectives, values + i * objectives, bytes) == 0) return true;
  }
  return false;
}

static double box(int64_t objectives, const double *point, const double *reference) {
  double volume = 1;
  for (int64_t k = 0; k < objectives; k++) volume *= fmax(reference[k] - point[k], 0);
  return volume;
}

static int by_first(const void *a, const void *b) {
  const double x = *(const double *)a, y = *(const double *)b;
  return (x > y) - (x < y);
}

/* Two objectives: strips from the best in the first on. Sorts the points. */
static double area(int64_t count, double *values, const double *reference) {
  double sum = 0, lowest = reference[1];
  qsort(values, (size_t)count, 2 * sizeof *values, by_first);
  for (int64_t i = 0; i < count; i++) {
    const double *p = values + 2 * i;
    if (!(p[0] < reference[0] && p[1] < lowest)) continue;
    sum += (reference[0] - p[0]) * (lowest - p[1]);
    lowest = p[1];
  }
  return sum;
}

static vj_status volume_of(int64_t count, int64_t objectives, double *values, const double *reference, double *volume);

/* What point i dominates and none behind it does: its box less the volume of the others, cut to that box. */
static vj_status exclusive_volume(int64_t count, int64_t objectives, const double *values, int64_t i,
                                  const double *reference, double *volume) {
  const double *point = values + i * objectives;
  double *cut = NULL, shared = 0;
  int64_t kept = 0;
  VJ_TRY(vj_allocate((size_t)((count - i) * objectives), sizeof *cut, "a volume", &cut));
  for (int64_t j = i + 1; j < count; j++, kept++)
    for (int64_t k = 0; k < objectives; k++) cut[kept * objectives + k] = fmax(values[j * objectives + k], point[k]);
  const vj_status status = volume_of(kept, objectives, cut, reference, &shared);
  *volume = box(objectives, point, reference) - shared;
  free(cut);
  return status;
}

/* Reorders the points and drops those that add nothing. */
static vj_status volume_of(int64_t count, int64_t objectives, double *values, const double *reference, double *volume) {
  const size_t bytes = (size_t)objectives * sizeof *values;
  int64_t kept = 0;
  *volume = 0;
  if (objectives == 2) {
    *volume = area(count, values, reference);
    return VJ_OK;
  }
  for (int64_t i = count - 1; i >= 0; i--) {
    if (!is_redundant(objectives, values, count, i)) continue;
    count--;
    memmove(values + i * objectives, values + (i + 1) * objectives, (size_t)(count - i) * bytes);
  }
  for (kept = 0; kept < count; kept++) {
    double own = 0;
    VJ_TRY(exclusive_volume(count, objectives, values, kept, reference, &own));
    *volume += own;
  }
  return VJ_OK;
}

vj_status vj_hypervolume(int64_t count, int64_t objectives, const double *values, const double *reference,
                         double *volume) {
  double *copy = NULL;
  int64_t kept = 0;
  VJ_TRY(vj_allocate((size_t)(count * objectives) + 1, sizeof *copy, "a volume", &copy));
  for (int64_t i = 0; i < count; i++)
    if (box(objectives, values + i * objectives, reference) > 0)
      memcpy(copy + objectives * kept++, values + i * objectives, (size_t)objectives * sizeof *copy);
  const vj_status status = volume_of(kept, objectives, copy, reference, volume);
  free(copy);
  return status;
}

vj_status vj_hypervolume_contributions(int64_t count, int64_t objectives, const double *values, const double *reference,
                                       double *contribution) {
  double all, without, *others = NULL;
  VJ_TRY(vj_hypervolume(count, objectives, values, reference, &all));
  VJ_TRY(vj_allocate((size_t)(count * objectives) + 1, sizeof *others, "a volume", &others));
  vj_status status = VJ_OK;
  for (int64_t i = 0; i < count && status == VJ_OK; i++) {
    const size_t before = (size_t)(i * objectives), behind = (size_t)((count - i - 1) * objectives);
    memcpy(others, values, before * sizeof *others);
    memcpy(others + before, values + before + objectives, behind * sizeof *others);
    status = vj_hypervolume(count - 1, objectives, others, reference, &without);
    contribution[i] = all - without;
  }
  free(others);
  return status;
}
