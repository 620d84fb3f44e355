/* What a method of search is made of, and what it may ask. Private to the room. */
#ifndef VJ_SWEEPS_SEARCH_METHOD_H
#define VJ_SWEEPS_SEARCH_METHOD_H

#include "sweeps/search/search.h"
#include "vj/rng.h"

/* What a suggestion is made of: the arguments of vj_search_suggest, checked. */
typedef struct vj_search_task {
  vj_pool *pool; /* what the suggestion keeps; a method frees the rest */
  const vj_search *search;
  const void *options;
  const vj_search_space *space;
  const vj_search_observation *past;
  int64_t count, number;
  int64_t measured; /* observations with a finite objective */
} vj_search_task;

struct vj_search_method {
  const char *name;
  const char *summary; /* one line */
  const char *source;  /* paper, or "" */
  const vj_param *params;
  size_t param_count, config_bytes;
  bool has_many_objectives;
  /* Fills in at[space->count], any coordinates in [0, 1), and the suggestion but for its point. */
  vj_status (*propose)(const vj_search_task *task, double *at, vj_search_suggestion *suggestion);
};

/* Streams of one suggestion: what for, and which of them. */
enum { VJ_DRAW_START, VJ_DRAW_CANDIDATE, VJ_DRAW_AGAIN, VJ_DRAW_LOCAL, VJ_DRAW_DIMENSION /* + d, last */ };
vj_rng vj_search_stream(const vj_search_task *task, int what, int64_t index);

/* Points that no model chose: of Sobol's sequence, of as many dimensions as it has, else at random. */
VJ_MUST_USE vj_status vj_search_draw_sobol(const vj_search_task *task, double *at, vj_search_suggestion *suggestion);
VJ_MUST_USE vj_status vj_search_draw_random(const vj_search_task *task, double *at, vj_search_suggestion *suggestion);
/* Whether a model has nothing to go by yet: fewer suggestions than `startup`, or fewer than two results. */
bool vj_search_is_startup(const vj_search_task *task, int64_t startup);

/* Objective k of an observation as something to be minimised; NaN where it is not measured. */
double vj_search_objective(const vj_search_task *task, int64_t i, int64_t k);
/* By how much constraints are missed, in all; 0 where an observation is feasible. */
double vj_search_violation(const vj_search_task *task, int64_t i);
/* Whether no observation has this setting, which is settled. */
bool vj_search_is_new(const vj_search_task *task, const double *at, const bool *present);

/* Places of the measured observations, the best first: feasible ones before others, then by how little they miss; then
 * by the objective, or, of several, by Pareto's fronts, and in the front in which the first `needed` end by what each
 * adds to the hypervolume; of equal ones the earlier. Owned by the pool. */
VJ_MUST_USE vj_status vj_search_rank(const vj_search_task *task, int64_t needed, const int64_t **order);

/* --- cells: integers and choices --------------------------------------------------------------------------------- */

/* How many values a dimension has; 0: real. A double, since integers go up to 1e15. */
double vj_search_cells(const vj_search_dimension *dimension);
/* The number of the cell at a coordinate, and where cell k begins and ends. */
double vj_search_cell(const vj_search_dimension *dimension, double at);
void vj_search_cell_edges(const vj_search_dimension *dimension, double k, double *low, double *high);
/* Which dimensions exist. */
void vj_search_find_present(const vj_search_space *space, const double *at, bool *present);

#endif
