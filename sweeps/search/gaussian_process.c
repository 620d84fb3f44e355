/* A Gaussian process of the objective, and the point of the largest expected improvement.
 *
 * The objective is standardised. Noise is what the seeds' standard errors say, beside a nugget that is fitted with the
 * length scales. What is to be improved on is the best mean of the process at a point that was measured, since the best
 * number that was measured may have been luck.
 *
 * Pending points are taken to have the mean that is predicted for them, so that they change no mean and leave nothing
 * to be learnt there (kriging believer, Ginsbourger et al. 2010). Failed points are taken to be as bad as the worst
 * that was measured, in predictions and not in the fit, and lower the probability of success around them.
 * Each constraint has a process of its own. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "sweeps/search/acquisition.h"
#include "sweeps/search/features.h"
#include "sweeps/search/gp_fit.h"

typedef struct gp_options {
  int64_t startup, candidates, starts, fit_evaluations;
} gp_options;

static const vj_param params[] = {
    VJ_INTEGER(gp_options, startup, "10", 1, 1e6, "", "so many points of Sobol's sequence come first"),
    VJ_INTEGER(gp_options, candidates, "1000", 3, 1e5, "",
               "points at which expected improvement is looked at; fewer when there are many results"),
    VJ_INTEGER(gp_options, starts, "8", 1, 1000, "", "of them, from which steps are taken upwards; fewer likewise"),
    VJ_INTEGER(gp_options, fit_evaluations, "40", 1, 1e5, "", "of the likelihood, for each of two starts"),
};

enum { INCUMBENTS = 5, MANY = 300 };
static const double work_of_candidates = 4e5; /* candidates times results */

/* Where an objective or a constraint was standardised from. */
typedef struct scale {
  double mean, deviation;
} scale;

/* The points a process is of: measured ones, best first, then those that failed, then pending ones. */
typedef struct table {
  const vj_search_task *task;
  int64_t measured, failed, pending, features;
  const int64_t *places; /* [measured + failed + pending] */
  int64_t *owner;        /* [features] */
  double *failure_noise; /* [failed] variance, of standardised numbers */
} table;

static bool has_failed(const vj_search_task *task, int64_t i) {
  return task->past[i].state != VJ_SEARCH_PENDING && isnan(vj_search_objective(task, i, 0));
}

static vj_status list_points(const vj_search_task *task, table *t) {
  const int64_t *order = NULL;
  *t = (table){.task = task, .measured = task->measured, .features = vj_features_count(task->space)};
  int64_t *places = vj_pool_take(task->pool, ((size_t)task->count + 1) * sizeof *places);
  t->owner = vj_pool_take(task->pool, (size_t)t->features * sizeof *t->owner);
  if (!places || !t->owner) return vj_fail(VJ_MEMORY, "search: no memory for %lld trials", (long long)task->count);
  VJ_TRY(vj_search_rank(task, task->measured, &order));
  memcpy(places, order, (size_t)task->measured * sizeof *places);
  for (int64_t i = 0; i < task->count; i++)
    if (has_failed(task, i)) places[t->measured + t->failed++] = i;
  for (int64_t i = 0; i < task->count; i++)
    if (task->past[i].state == VJ_SEARCH_PENDING) places[t->measured + t->failed + t->pending++] = i;
  t->places = places;
  vj_features_owners(task->space, t->owner);
  return VJ_OK;
}

/* --- one process ------------------------------------------------------------------------------------------------- */

/* The k-th objective, or constraint k - objectives. */
static double quantity(const table *t, int64_t i, int64_t k) {
  const int64_t objectives = t->task->search->objective_count;
  return k < objectives ? vj_search_objective(t->task, t->places[i], k)
                        : t->task->past[t->places[i]].constraint[k - objectives];
}

static double known_error(const table *t, int64_t i, int64_t k) {
  const vj_search_observation *o = &t->task->past[t->places[i]];
  return k < t->task->search->objective_count && o->error ? o->error[k] : NAN;
}

/* Variance of one seed, over all points that have several; NaN: none has. */
static double pooled_variance(const table *t, int64_t k) {
  double sum = 0, weight = 0;
  for (int64_t i = 0; i < t->measured; i++) {
    const double error = known_error(t, i, k), seeds = (double)t->task->past[t->places[i]].seeds;
    if (!isfinite(error) || seeds < 2) continue;
    sum += error * error * seeds * (seeds - 1);
    weight += seeds - 1;
  }
  return weight > 0 ? sum / weight : NAN;
}

/* Standardised numbers and their noise. Few seeds say little of their own variance, so that all points share one. */
static void fill_numbers(const table *t, int64_t k, vj_gp *gp, scale *s) {
  const double variance = pooled_variance(t, k);
  double squares = 0;
  *s = (scale){0};
  for (int64_t i = 0; i < t->measured; i++) s->mean += quantity(t, i, k) / (double)t->measured;
  for (int64_t i = 0; i < t->measured; i++) {
    const double off = quantity(t, i, k) - s->mean;
    squares += off * off / (double)t->measured;
  }
  s->deviation = squares > 0 ? sqrt(squares) : 1;
  if (!isfinite(s->deviation)) s->deviation = 1;
  for (int64_t i = 0; i < t->measured; i++) {
    const double seeds = (double)t->task->past[t->places[i]].seeds;
    gp->y[i] = (quantity(t, i, k) - s->mean) / s->deviation;
    gp->noise[i] = isnan(variance) ? 0 : variance / seeds / (s->deviation * s->deviation);
  }
}

static vj_status fill_points(const table *t, vj_gp *gp) {
  double *z = NULL;
  VJ_TRY(vj_allocate((size_t)t->features, sizeof *z, "a point", &z));
  for (int64_t i = 0; i < gp->count; i++) {
    const vj_search_point *p = &t->task->past[t->places[i]].point;
    vj_features_of(t->task->space, p->at, p->present, z);
    for (int64_t f = 0; f < t->features; f++) gp->z[f * gp->size + i] = z[f];
  }
  free(z);
  return VJ_OK;
}

/* Gives pending points, behind `count` others, the means that a process of these predicts. */
static vj_status believe(const table *t, int64_t count, vj_gp *gp) {
  vj_gp known = {0};
  double variance, *z = NULL;
  if (count == gp->count) return VJ_OK;
  VJ_TRY(vj_gp_create(count, t->features, &known));
  vj_status status = vj_allocate((size_t)t->features, sizeof *z, "a point", &z);
  if (status == VJ_OK) {
    vj_gp_copy(gp, &known);
    vj_gp_factor(&known);
    for (int64_t i = count; i < gp->count; i++) {
      for (int64_t f = 0; f < t->features; f++) z[f] = gp->z[f * gp->size + i];
      vj_gp_predict(&known, z, &gp->y[i], &variance, NULL, NULL);
    }
  }
  free(z);
  vj_gp_free(&known);
  return status;
}

static vj_status make_process(const table *t, int64_t k, int evaluations, vj_gp *gp, scale *s) {
  const bool is_objective = k < t->task->search->objective_count;
  const int64_t known = t->measured + (is_objective ? t->failed : 0);
  double worst = -INFINITY;
  VJ_TRY(vj_gp_create(t->measured + t->failed + t->pending, t->features, gp));
  VJ_TRY(fill_points(t, gp));
  fill_numbers(t, k, gp, s);
  VJ_TRY(vj_gp_fit(gp, t->measured, t->owner, t->task->space->count, evaluations));
  for (int64_t i = 0; i < t->measured; i++) worst = fmax(worst, gp->y[i]);
  for (int64_t i = t->measured; i < known; i++) {
    gp->y[i] = worst;
    gp->noise[i] = t->failure_noise[i - t->measured];
  }
  VJ_TRY(believe(t, known, gp));
  vj_gp_factor(gp);
  return VJ_OK;
}

/* --- all that the acquisition asks ---------------------------------------------------------------------------------
 */

/* The least mean at a point that was measured and is feasible, by y = mean + alpha noise; and where. */
static double best_mean(const table *t, const vj_gp *gp, int64_t *place) {
  double best = INFINITY;
  for (int64_t i = 0; i < t->measured; i++) {
    const double mean = gp->y[i] - gp->alpha[i] * (gp->noise[i] + gp->nugget);
    if (vj_search_violation(t->task, t->places[i]) > 0 || !(mean < best)) continue;
    best = mean;
    *place = t->places[i];
  }
  return best;
}

/* A failure among successes may be chance; where all fail it is none. */
static vj_status list_ended(table *t, vj_acquisition *a) {
  const vj_search_task *task = t->task;
  if (t->failed == 0) return VJ_OK;
  t->failure_noise = vj_pool_take(task->pool, (size_t)t->failed * sizeof *t->failure_noise);
  if (!t->failure_noise) return vj_fail(VJ_MEMORY, "search: no memory for failed trials");
  const size_t ended = (size_t)(t->measured + t->failed);
  VJ_TRY(vj_allocate(ended * (size_t)t->features, sizeof *a->ended_z, "failed trials", &a->ended_z));
  VJ_TRY(vj_allocate(ended, sizeof *a->has_failed, "failed trials", &a->has_failed));
  for (a->ended = 0; a->ended < t->measured + t->failed; a->ended++) {
    const vj_search_point *p = &task->past[t->places[a->ended]].point;
    vj_features_of(task->space, p->at, p->present, a->ended_z + a->ended * t->features);
    a->has_failed[a->ended] = a->ended >= t->measured;
  }
  for (int64_t i = 0; i < t->failed; i++) {
    const double share = vj_acquisition_success(a, a->ended_z + (t->measured + i) * t->features);
    t->failure_noise[i] = share * share;
  }
  return VJ_OK;
}

static vj_status add_constraints(const table *t, int evaluations, vj_acquisition *a) {
  const vj_search *search = t->task->search;
  if (search->constraint_count == 0) return VJ_OK;
  VJ_TRY(vj_allocate((size_t)search->constraint_count, sizeof *a->constraint, "constraints", &a->constraint));
  VJ_TRY(vj_allocate((size_t)search->constraint_count, sizeof *a->bound, "constraints", &a->bound));
  for (int64_t k = 0; k < search->constraint_count; k++) {
    scale s;
    VJ_TRY(make_process(t, search->objective_count + k, evaluations, &a->constraint[k], &s));
    a->bound[k] = -s.mean / s.deviation;
  }
  return VJ_OK;
}

static void free_acquisition(vj_acquisition *a) {
  for (int64_t k = 0; a->constraint && k < a->task->search->constraint_count; k++) vj_gp_free(&a->constraint[k]);
  vj_gp_free(&a->objective);
  free(a->constraint);
  free(a->bound);
  free(a->ended_z);
  free(a->has_failed);
  free(a->work);
}

/* --- a suggestion ------------------------------------------------------------------------------------------------- */

static vj_status maximise(const table *t, const gp_options *o, const vj_acquisition *a, double *at, double *value) {
  const int64_t many = a->objective.count, incumbents = t->measured < INCUMBENTS ? t->measured : INCUMBENTS;
  const int64_t most = (int64_t)(work_of_candidates / (double)many);
  const int64_t candidates = o->candidates < most || most < 3 ? o->candidates : most;
  const int64_t starts = many > MANY && o->starts > 4 ? o->starts / 2 : o->starts;
  return vj_acquisition_maximise(a, candidates, starts, t->places, incumbents, at, value);
}

/* The prediction where the point is, in the objective's own unit, and the sentence. */
static vj_status describe(const table *t, const vj_acquisition *a, const scale *s, const double *at,
                          vj_search_suggestion *suggestion) {
  const vj_search_task *task = t->task;
  double variance, *z = vj_pool_take(task->pool, (size_t)t->features * sizeof *z);
  bool *present = vj_pool_take(task->pool, (size_t)task->space->count);
  if (!z || !present) return vj_fail(VJ_MEMORY, "search: no memory for a point");
  vj_search_find_present(task->space, at, present);
  vj_features_of(task->space, at, present, z);
  vj_gp_predict(&a->objective, z, &suggestion->mean, &variance, NULL, NULL);
  const double sign = task->search->maximised && task->search->maximised[0] ? -1 : 1;
  suggestion->mean = sign * (s->mean + s->deviation * suggestion->mean);
  suggestion->deviation = s->deviation * sqrt(variance);
  suggestion->model = "gp";
  suggestion->acquisition = isfinite(a->best) ? "log_ei" : "log_feasible";
  suggestion->why = vj_pool_format(task->pool, "%s %.4g by a Gaussian process of %lld results: %.4g +- %.2g expected",
                                   suggestion->acquisition, suggestion->value, (long long)t->measured, suggestion->mean,
                                   suggestion->deviation);
  return VJ_OK;
}

static vj_status suggest_from(table *t, const gp_options *o, vj_acquisition *a, double *at,
                              vj_search_suggestion *suggestion) {
  scale s;
  int64_t *from = vj_pool_take(t->task->pool, sizeof *from);
  if (!from) return vj_fail(VJ_MEMORY, "search: no memory for a place");
  VJ_TRY(vj_allocate((size_t)(4 * a->features), sizeof *a->work, "a point", &a->work));
  VJ_TRY(list_ended(t, a));
  VJ_TRY(make_process(t, 0, (int)o->fit_evaluations, &a->objective, &s));
  VJ_TRY(add_constraints(t, (int)o->fit_evaluations, a));
  *from = t->places[0];
  a->best = best_mean(t, &a->objective, from);
  VJ_TRY(maximise(t, o, a, at, &suggestion->value));
  suggestion->from = from;
  suggestion->from_count = 1;
  return describe(t, a, &s, at, suggestion);
}

static vj_status propose(const vj_search_task *task, double *at, vj_search_suggestion *suggestion) {
  const gp_options *o = task->options;
  table t;
  if (vj_search_is_startup(task, o->startup)) return vj_search_draw_sobol(task, at, suggestion);
  VJ_TRY(list_points(task, &t));
  vj_acquisition a = {.task = task, .features = t.features};
  const vj_status status = suggest_from(&t, o, &a, at, suggestion);
  free_acquisition(&a);
  return status;
}

const vj_search_method vj_search_gp = {
    .name = "gp",
    .summary = "a Gaussian process and expected improvement; the fewest trials, up to some thousand",
    .source = "Jones et al. 1998, Ament et al. 2023 (arXiv 2310.20708)",
    .params = params,
    .param_count = VJ_COUNT(params),
    .config_bytes = sizeof(gp_options),
    .propose = propose};
