/* Points that no model chose: `random` and `sobol`, and the first ones of every method. */
#include <math.h>
#include <stdlib.h>

#include "sweeps/search/method.h"
#include "sweeps/space/sampler.h"

static void describe(const vj_search_task *task, const char *model, vj_search_suggestion *suggestion) {
  suggestion->model = model;
  suggestion->acquisition = "";
  suggestion->why = vj_pool_format(task->pool, "point %lld of %s", (long long)task->number, model);
}

vj_status vj_search_draw_random(const vj_search_task *task, double *at, vj_search_suggestion *suggestion) {
  vj_rng rng = vj_search_stream(task, VJ_DRAW_START, 0);
  for (int64_t d = 0; d < task->space->count; d++) at[d] = vj_rng_uniform(&rng);
  describe(task, "random", suggestion);
  return VJ_OK;
}

vj_status vj_search_draw_sobol(const vj_search_task *task, double *at, vj_search_suggestion *suggestion) {
  const int64_t dimensions = task->space->count;
  double *points = NULL;
  if (dimensions > vj_sampler_most_dimensions(VJ_METHOD_SOBOL)) return vj_search_draw_random(task, at, suggestion);
  VJ_TRY(vj_allocate((size_t)(task->number + 1) * (size_t)dimensions, sizeof *points, "a sequence", &points));
  const vj_status status = vj_sampler_draw(VJ_METHOD_SOBOL, task->search->seed, task->number + 1, dimensions, points);
  for (int64_t d = 0; d < dimensions; d++) at[d] = points[task->number * dimensions + d];
  free(points);
  describe(task, "sobol", suggestion);
  return status;
}

bool vj_search_is_startup(const vj_search_task *task, int64_t startup) {
  return task->number < startup || task->measured < 2;
}

const vj_search_method vj_search_random = {.name = "random",
                                           .summary = "independent points; what others have to be better than",
                                           .source = "Bergstra & Bengio 2012",
                                           .has_many_objectives = true,
                                           .propose = vj_search_draw_random};

const vj_search_method vj_search_sobol = {
    .name = "sobol",
    .summary = "points that leave no large gaps; at random where there are more than 40 dimensions",
    .source = "Antonov & Saleev 1979, Cranley & Patterson 1976",
    .has_many_objectives = true,
    .propose = vj_search_draw_sobol};
