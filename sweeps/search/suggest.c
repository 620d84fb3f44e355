/* The table of methods, and a suggestion from the checked past to a point that there is not yet. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "framework/config/config.h"
#include "sweeps/search/method.h"

enum { DRAWS_AGAIN = 1000 };

/* --- methods ----------------------------------------------------------------------------------------------------- */

#define VJ_SEARCH_METHOD(method) extern const vj_search_method method;
#include "sweeps/search/methods.def"
#undef VJ_SEARCH_METHOD

#define VJ_SEARCH_METHOD(method) &method,
static const vj_search_method *const methods[] = {
#include "sweeps/search/methods.def"
};
#undef VJ_SEARCH_METHOD

const vj_search_method *vj_search_method_at(int64_t i) {
  return i >= 0 && i < (int64_t)VJ_COUNT(methods) ? methods[i] : NULL;
}

const vj_search_method *vj_search_method_find(const char *name) {
  for (size_t i = 0; i < VJ_COUNT(methods); i++)
    if (strcmp(methods[i]->name, name) == 0) return methods[i];
  return NULL;
}

const char *vj_search_method_name(const vj_search_method *method) { return method->name; }
const char *vj_search_method_summary(const vj_search_method *method) { return method->summary; }
const char *vj_search_method_source(const vj_search_method *method) { return method->source; }

const vj_param *vj_search_method_rows(const vj_search_method *method, size_t *count) {
  *count = method->param_count;
  return method->params;
}

vj_status vj_search_options_read(vj_pool *pool, const vj_search_method *method, const vj_yaml *map, const char *path,
                                 const char *const *also_known, const void **options) {
  void *read = NULL;
  VJ_TRY(vj_params_read(pool, method->params, method->param_count, method->config_bytes, map, path, also_known, &read,
                        NULL));
  *options = read;
  return VJ_OK;
}

/* --- what a method asks ------------------------------------------------------------------------------------------ */

vj_rng vj_search_stream(const vj_search_task *task, int what, int64_t index) {
  return vj_rng_stream(task->search->seed, VJ_RNG_SEARCH, (uint32_t)what,
                       (uint64_t)task->number << 24 | (uint64_t)index);
}

static bool is_measured(const vj_search *search, const vj_search_observation *o) {
  if (o->state != VJ_SEARCH_MEASURED) return false;
  for (int64_t k = 0; k < search->objective_count; k++)
    if (!isfinite(o->mean[k])) return false;
  return true;
}

double vj_search_objective(const vj_search_task *task, int64_t i, int64_t k) {
  const vj_search *search = task->search;
  if (!is_measured(search, &task->past[i])) return NAN;
  const double mean = task->past[i].mean[k];
  return search->maximised && search->maximised[k] ? -mean : mean;
}

double vj_search_violation(const vj_search_task *task, int64_t i) {
  double sum = 0;
  for (int64_t k = 0; k < task->search->constraint_count; k++) {
    const double missed = task->past[i].constraint[k];
    sum += isnan(missed) ? INFINITY : fmax(missed, 0);
  }
  return sum;
}

bool vj_search_is_new(const vj_search_task *task, const double *at, const bool *present) {
  for (int64_t i = 0; i < task->count; i++) {
    const vj_search_point *p = &task->past[i].point;
    bool same = true;
    for (int64_t d = 0; d < task->space->count && same; d++)
      same = p->present[d] == present[d] && (!present[d] || p->at[d] == at[d]);
    if (same) return false;
  }
  return true;
}

/* --- checks ------------------------------------------------------------------------------------------------------ */

static vj_status check_dimension(const vj_search_dimension *dimension) {
  const vj_range *range = &dimension->range;
  if (dimension->choices < 0)
    return vj_fail(VJ_CONFIG, "search: %s has %lld choices", dimension->name, (long long)dimension->choices);
  if (dimension->choices > 0) return VJ_OK;
  if (!(isfinite(range->low) && isfinite(range->high) && range->low <= range->high))
    return vj_fail(VJ_CONFIG, "search: %s ranges from %g to %g; expected the lower end and then a higher one",
                   dimension->name, range->low, range->high);
  if (range->is_log && !(range->low > 0))
    return vj_fail(VJ_CONFIG, "search: %s is logarithmic, so that its ends must be greater than 0, and begins at %g",
                   dimension->name, range->low);
  return VJ_OK;
}

static vj_status check_observation(const vj_search *search, const vj_search_observation *o, int64_t i) {
  for (int64_t d = 0; d < search->space->count; d++)
    if (!(o->point.at[d] >= 0 && o->point.at[d] < 1))
      return vj_fail(VJ_CONFIG, "search: trial %lld has %s at %g, outside its range", (long long)i,
                     search->space->dimensions[d].name, o->point.at[d]);
  if (o->state == VJ_SEARCH_MEASURED && (!o->mean || o->seeds < 1))
    return vj_fail(VJ_CONFIG, "search: trial %lld is measured, but has no mean over seeds", (long long)i);
  if (o->state == VJ_SEARCH_MEASURED && search->constraint_count > 0 && !o->constraint)
    return vj_fail(VJ_CONFIG, "search: trial %lld is measured, but has no constraints", (long long)i);
  return VJ_OK;
}

static vj_status check(const vj_search *search, const vj_search_observation *past, int64_t count, int64_t number) {
  const vj_search_space *space = search->space;
  if (space->count < 1) return vj_fail(VJ_CONFIG, "search: there is nothing to search; no parameter is sampled");
  if (number < 0) return vj_fail(VJ_CONFIG, "search: suggestions are counted from 0 on");
  if (search->objective_count < 1) return vj_fail(VJ_CONFIG, "search: nothing says what is good; name an objective");
  if (search->objective_count > 1 && !search->method->has_many_objectives)
    return vj_fail(VJ_CONFIG, "search: %s has one objective, not %lld; take tpe or sobol", search->method->name,
                   (long long)search->objective_count);
  for (int64_t d = 0; d < space->count; d++) VJ_TRY(check_dimension(&space->dimensions[d]));
  for (int64_t i = 0; i < count; i++) VJ_TRY(check_observation(search, &past[i], i));
  return VJ_OK;
}

/* --- a suggestion ------------------------------------------------------------------------------------------------ */

/* Another point at random while there is such a setting already. */
static void draw_again(const vj_search_task *task, double *at, bool *present, vj_search_suggestion *suggestion) {
  while (!vj_search_is_new(task, at, present)) {
    suggestion->is_repeat = suggestion->redrawn == DRAWS_AGAIN;
    if (suggestion->is_repeat) break;
    vj_rng rng = vj_search_stream(task, VJ_DRAW_AGAIN, suggestion->redrawn++);
    for (int64_t d = 0; d < task->space->count; d++) at[d] = vj_rng_uniform(&rng);
    vj_search_settle(task->space, at, present);
  }
  if (suggestion->redrawn == 0) return;
  suggestion->value = suggestion->mean = suggestion->deviation = NAN;
  suggestion->acquisition = "";
  suggestion->why = vj_pool_format(task->pool,
                                   suggestion->is_repeat
                                       ? "%s found nothing that was not tried, nor did %lld draws at random: a repeat"
                                       : "%s found nothing that was not tried; draw %lld at random is new",
                                   suggestion->model, (long long)suggestion->redrawn);
}

static vj_status propose(const vj_search_task *task, vj_search_suggestion *suggestion) {
  const size_t dimensions = (size_t)task->space->count;
  double *at = vj_pool_take(task->pool, dimensions * sizeof *at);
  bool *present = vj_pool_take(task->pool, dimensions * sizeof *present);
  if (!at || !present) return vj_fail(VJ_MEMORY, "search: no memory for a point");
  VJ_TRY(task->search->method->propose(task, at, suggestion));
  vj_search_settle(task->space, at, present);
  draw_again(task, at, present, suggestion);
  if (!suggestion->why) return vj_fail(VJ_MEMORY, "search: no memory for a sentence");
  suggestion->point = (vj_search_point){.at = at, .present = present};
  return VJ_OK;
}

vj_status vj_search_suggest(vj_pool *pool, const vj_search *search, const vj_search_observation *past, int64_t count,
                            int64_t number, vj_search_suggestion *suggestion) {
  vj_search_task task = {.pool = pool,
                         .search = search,
                         .options = search->options,
                         .space = search->space,
                         .past = past,
                         .count = count,
                         .number = number};
  VJ_TRY(check(search, past, count, number));
  if (!task.options) VJ_TRY(vj_search_options_read(pool, search->method, NULL, "search", NULL, &task.options));
  for (int64_t i = 0; i < count; i++) task.measured += is_measured(search, &past[i]);
  *suggestion = (vj_search_suggestion){.value = NAN, .mean = NAN, .deviation = NAN};
  return propose(&task, suggestion);
}
