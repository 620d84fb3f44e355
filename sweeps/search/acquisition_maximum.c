/* Where an acquisition is largest. First many points, all evaluated at once; then from the best of these upwards, the
 * numbers by their gradient, integers and choices one after the other. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "sweeps/search/acquisition.h"
#include "sweeps/search/expected_improvement.h"
#include "sweeps/search/features.h"
#include "sweeps/search/minimise.h"
#include "sweeps/space/sampler.h"

enum { BLOCK = 64, ROUNDS = 3, LOCAL_EVALUATIONS = 40, ALL_CELLS = 16, LADDER = 6 };
static const double nearby[] = {0.1, 0.03, 0.01, 0.001}; /* standard deviations of points near the best ones */

typedef struct point {
  double *at;
  bool *present;
  double value;
  int64_t number; /* of equal values the first is taken */
} point;

typedef struct maximum {
  const vj_acquisition *a;
  const vj_search_space *space;
  int64_t count;
  point *points;  /* [count] candidates, then sorted, best first */
  double *memory; /* of all of them */
  bool *presences;
  double *z, *gradient;   /* [features] */
  double *x, *low, *high; /* [dimensions] of a gradient's steps: coordinates over length scales */
  int64_t *numbers;       /* [dimensions] which dimensions are moved */
  int64_t number_count;
  point here;
} maximum;

/* --- candidates -------------------------------------------------------------------------------------------------- */

static void draw_uniform(const vj_search_task *task, int64_t count, double *at) {
  for (int64_t i = 0; i < count; i++) {
    vj_rng rng = vj_search_stream(task, VJ_DRAW_CANDIDATE, i);
    for (int64_t d = 0; d < task->space->count; d++) at[i * task->space->count + d] = vj_rng_uniform(&rng);
  }
}

/* The sequence, moved by a vector of the suggestion's own. */
static vj_status draw_global(const vj_search_task *task, int64_t count, double *at) {
  const int64_t dimensions = task->space->count;
  if (dimensions > vj_sampler_most_dimensions(VJ_METHOD_SOBOL)) {
    draw_uniform(task, count, at);
    return VJ_OK;
  }
  VJ_TRY(vj_sampler_draw(VJ_METHOD_SOBOL, 0, count, dimensions, at));
  vj_rng rng = vj_search_stream(task, VJ_DRAW_CANDIDATE, 0);
  for (int64_t d = 0; d < dimensions; d++) {
    const double by = vj_rng_uniform(&rng);
    for (int64_t i = 0; i < count; i++) {
      const double moved = at[i * dimensions + d] + by;
      at[i * dimensions + d] = moved - floor(moved);
    }
  }
  return VJ_OK;
}

/* Around a setting: numbers by normal steps, and now and then another cell. */
static void draw_near(const vj_search_task *task, int64_t index, const vj_search_point *from, double step, double *at) {
  vj_rng rng = vj_search_stream(task, VJ_DRAW_LOCAL, index);
  const int64_t dimensions = task->space->count;
  for (int64_t d = 0; d < dimensions; d++) {
    const double cells = vj_search_cells(&task->space->dimensions[d]);
    const double normal = vj_rng_normal(&rng), whether = vj_rng_uniform(&rng), other = vj_rng_uniform(&rng);
    const bool drawn = !from->present[d] || (cells > 0 && whether < fmin(1 / (double)dimensions, 0.5));
    const double moved = from->at[d] + (cells > 0 ? 0 : step * normal);
    at[d] = drawn ? other : fmin(fmax(moved, 0), 0x1.fffffffffffffp-1);
  }
}

static vj_status draw_candidates(maximum *m, int64_t global, const int64_t *incumbents, int64_t incumbent_count) {
  const vj_search_task *task = m->a->task;
  const int64_t dimensions = m->space->count, steps = (int64_t)VJ_COUNT(nearby);
  VJ_TRY(draw_global(task, global, m->memory));
  for (int64_t i = global; i < m->count; i++) {
    const int64_t k = i - global;
    const vj_search_observation *from = &task->past[incumbents[k / steps % incumbent_count]];
    draw_near(task, k, &from->point, nearby[k % steps], m->memory + i * dimensions);
  }
  for (int64_t i = 0; i < m->count; i++) {
    m->points[i] = (point){m->memory + i * dimensions, m->presences + i * dimensions, -INFINITY, i};
    vj_search_find_present(m->space, m->points[i].at, m->points[i].present);
  }
  return VJ_OK;
}

/* All at once where only the objective counts; its variance takes most of the time. */
static vj_status evaluate_candidates(maximum *m) {
  const vj_acquisition *a = m->a;
  const bool is_plain = isfinite(a->best) && a->task->search->constraint_count == 0 && a->ended == 0;
  double *z = NULL, *work = NULL, mean[BLOCK], variance[BLOCK], ignored[2];
  VJ_TRY(vj_allocate((size_t)(BLOCK * a->features), sizeof *z, "candidates", &z));
  vj_status status = vj_allocate((size_t)(BLOCK * a->objective.size), sizeof *work, "candidates", &work);
  for (int64_t begin = 0; begin < m->count && status == VJ_OK; begin += BLOCK) {
    const int64_t count = m->count - begin < BLOCK ? m->count - begin : BLOCK;
    for (int64_t i = 0; i < count; i++) {
      point *p = &m->points[begin + i];
      vj_features_of(m->space, p->at, p->present, z + i * a->features);
      if (!is_plain) p->value = vj_acquisition_at(a, z + i * a->features, NULL);
    }
    if (!is_plain) continue;
    vj_gp_predict_many(&a->objective, count, z, work, mean, variance);
    for (int64_t i = 0; i < count; i++)
      m->points[begin + i].value =
          vj_log_expected_improvement(a->best, mean[i], sqrt(variance[i]), &ignored[0], &ignored[1]);
  }
  free(z);
  free(work);
  return status;
}

static int by_value(const void *a, const void *b) {
  const point *x = a, *y = b;
  if (x->value != y->value) return x->value > y->value ? -1 : 1;
  return (x->number > y->number) - (x->number < y->number);
}

/* --- steps upwards ----------------------------------------------------------------------------------------------- */

static double value_of(const maximum *m, const double *at, const bool *present) {
  vj_features_of(m->space, at, present, m->z);
  return vj_acquisition_at(m->a, m->z, NULL);
}

/* A coordinate in units of its length scale. */
static double scale_of(const maximum *m, int64_t d) {
  return sqrt(m->a->objective.weight[vj_features_place(m->space, d)]);
}

static double loss(void *untyped, const double *x, double *gradient) {
  maximum *m = untyped;
  for (int64_t i = 0; i < m->number_count; i++) m->here.at[m->numbers[i]] = x[i] / scale_of(m, m->numbers[i]);
  vj_features_of(m->space, m->here.at, m->here.present, m->z);
  const double value = vj_acquisition_at(m->a, m->z, m->gradient);
  for (int64_t i = 0; i < m->number_count; i++)
    gradient[i] = -m->gradient[vj_features_place(m->space, m->numbers[i])] / scale_of(m, m->numbers[i]);
  return -value;
}

static vj_status climb(maximum *m, bool *has_moved) {
  double value = INFINITY;
  m->number_count = 0;
  for (int64_t d = 0; d < m->space->count; d++) {
    if (!m->here.present[d] || vj_search_cells(&m->space->dimensions[d]) > 0) continue;
    const double scale = scale_of(m, d);
    m->x[m->number_count] = m->here.at[d] * scale;
    m->low[m->number_count] = 0;
    m->high[m->number_count] = 0x1.fffffffffffffp-1 * scale;
    m->numbers[m->number_count++] = d;
  }
  *has_moved = false;
  if (m->number_count == 0) return VJ_OK;
  const double before = m->here.value;
  VJ_TRY(vj_minimise(m->number_count, loss, m, m->low, m->high, LOCAL_EVALUATIONS, m->x, &value));
  for (int64_t i = 0; i < m->number_count; i++)
    m->here.at[m->numbers[i]] = fmin(m->x[i] / scale_of(m, m->numbers[i]), 0x1.fffffffffffffp-1);
  m->here.value = value_of(m, m->here.at, m->here.present);
  *has_moved = m->here.value > before;
  return VJ_OK;
}

/* Takes a cell of dimension d if it is better. */
static bool try_cell(maximum *m, int64_t d, double cell) {
  double low, high;
  const double before = m->here.at[d];
  vj_search_cell_edges(&m->space->dimensions[d], cell, &low, &high);
  m->here.at[d] = low + (high - low) / 2;
  vj_search_find_present(m->space, m->here.at, m->here.present);
  const double value = value_of(m, m->here.at, m->here.present);
  const bool is_better = value > m->here.value;
  if (is_better)
    m->here.value = value;
  else
    m->here.at[d] = before;
  vj_search_find_present(m->space, m->here.at, m->here.present);
  return is_better;
}

/* Each dimension of cells by itself: all of them where they are few, else steps of 1, 2, 4, .. to both sides. */
static bool change_cells(maximum *m) {
  bool has_moved = false;
  for (int64_t d = 0; d < m->space->count; d++) {
    const vj_search_dimension *dimension = &m->space->dimensions[d];
    const double cells = vj_search_cells(dimension);
    if (!m->here.present[d] || cells == 0) continue;
    const double own = vj_search_cell(dimension, m->here.at[d]);
    const bool all = dimension->choices || cells <= ALL_CELLS;
    for (double k = 0; all && k < cells; k++)
      if (k != own) has_moved |= try_cell(m, d, k);
    for (int64_t i = 0; !all && i < 2 * LADDER; i++) {
      const double cell = own + (i % 2 ? -1.0 : 1.0) * (double)(1 << i / 2);
      if (cell >= 0 && cell < cells) has_moved |= try_cell(m, d, cell);
    }
  }
  return has_moved;
}

static vj_status improve(maximum *m, const point *from) {
  bool has_climbed = false;
  memcpy(m->here.at, from->at, (size_t)m->space->count * sizeof *from->at);
  memcpy(m->here.present, from->present, (size_t)m->space->count * sizeof *from->present);
  m->here.value = from->value;
  for (int round = 0; round < ROUNDS; round++) {
    VJ_TRY(climb(m, &has_climbed));
    if (!change_cells(m)) break;
  }
  vj_search_settle(m->space, m->here.at, m->here.present);
  m->here.value = value_of(m, m->here.at, m->here.present);
  return VJ_OK;
}

/* --- the best ---------------------------------------------------------------------------------------------------- */

static void take_if_new(const maximum *m, const point *p, double *at, double *value) {
  if (!(p->value > *value) || !vj_search_is_new(m->a->task, p->at, p->present)) return;
  memcpy(at, p->at, (size_t)m->space->count * sizeof *at);
  *value = p->value;
}

static vj_status search_all(maximum *m, int64_t global, int64_t starts, const int64_t *incumbents,
                            int64_t incumbent_count, double *at, double *value) {
  VJ_TRY(draw_candidates(m, global, incumbents, incumbent_count));
  VJ_TRY(evaluate_candidates(m));
  /* Half of the starts from all over the space, half from near the best settings. */
  qsort(m->points, (size_t)global, sizeof *m->points, by_value);
  qsort(m->points + global, (size_t)(m->count - global), sizeof *m->points, by_value);
  *value = -INFINITY;
  for (int64_t i = 0; i < starts; i++) {
    const int64_t place = (i % 2 ? global : 0) + i / 2;
    if (place >= m->count) continue;
    VJ_TRY(improve(m, &m->points[place]));
    take_if_new(m, &m->here, at, value);
  }
  for (int64_t i = 0; i < m->count && !isfinite(*value); i++) {
    point *p = &m->points[i];
    vj_search_settle(m->space, p->at, p->present);
    p->value = value_of(m, p->at, p->present);
    take_if_new(m, p, at, value);
  }
  return VJ_OK;
}

static void free_maximum(maximum *m) {
  void *parts[] = {m->points, m->memory, m->presences, m->z, m->x, m->numbers, m->here.present};
  for (size_t i = 0; i < VJ_COUNT(parts); i++) free(parts[i]);
}

vj_status vj_acquisition_maximise(const vj_acquisition *a, int64_t candidates, int64_t starts,
                                  const int64_t *incumbents, int64_t incumbent_count, double *at, double *value) {
  const size_t dimensions = (size_t)a->task->space->count, features = (size_t)a->features;
  const int64_t local = incumbent_count > 0 ? candidates / 3 : 0;
  maximum m = {.a = a, .space = a->task->space, .count = candidates};
  vj_status status = VJ_OK;
  VJ_TRY_GOTO(status, vj_allocate((size_t)m.count, sizeof *m.points, "candidates", &m.points), end);
  VJ_TRY_GOTO(status, vj_allocate((size_t)m.count * dimensions, sizeof(double), "candidates", &m.memory), end);
  VJ_TRY_GOTO(status, vj_allocate((size_t)m.count * dimensions, sizeof(bool), "candidates", &m.presences), end);
  VJ_TRY_GOTO(status, vj_allocate(2 * features, sizeof(double), "candidates", &m.z), end);
  VJ_TRY_GOTO(status, vj_allocate(4 * dimensions, sizeof(double), "candidates", &m.x), end);
  VJ_TRY_GOTO(status, vj_allocate(dimensions, sizeof(int64_t), "candidates", &m.numbers), end);
  VJ_TRY_GOTO(status, vj_allocate(dimensions, sizeof(bool), "candidates", &m.here.present), end);
  m.gradient = m.z + features;
  m.low = m.x + dimensions;
  m.high = m.low + dimensions;
  m.here.at = m.high + dimensions;
  status = search_all(&m, candidates - local, starts, incumbents, incumbent_count, at, value);
end:
  free_maximum(&m);
  return status;
}
