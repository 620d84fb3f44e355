/* Model-based search: which settings to try next, as a pure function of what was found so far. Whoever has the same
 * space, method, seed and results gets the same suggestion, to the bit, on any processor and number of threads: nothing
 * is kept between calls, and whatever is drawn is drawn by a counter, the suggestion's number. A search can so be run
 * in parallel and still be repeated: suggestion s is asked for with the results of 0 .. s-1-lag, and with the points of
 * those in between as pending, whether or not some of them have ended by then.
 *
 *   const vj_search search = {.method = vj_search_method_find("tpe"), .options = options, .seed = 1, .space = &space,
 *                             .objective_count = 1};
 *   vj_search_suggestion s;
 *   VJ_TRY(vj_search_suggest(pool, &search, past, count, count, &s));
 *   for (d ..) if (s.point.present[d]) vj_search_text(&space.dimensions[d], s.point.at[d], text);
 *
 * The room sees sweeps/space. Begin here, then method.h (what a method sees), tpe.c and gaussian_process.c. Not
 * collective; thread-safe, as long as each thread has a pool of its own. */
#ifndef VJ_SWEEPS_SEARCH_SEARCH_H
#define VJ_SWEEPS_SEARCH_SEARCH_H

#include "sweeps/space/range.h"
#include "vj/memory.h"
#include "vj/param.h"

/* --- space and points -------------------------------------------------------------------------------------------- */

/* A parameter that is searched: one of n choices, or what vj_range_draw gives. */
typedef struct vj_search_dimension {
  const char *name;
  int64_t choices; /* of a choice their number, at least 1; 0: it has a range */
  vj_range range;
} vj_search_dimension;

/* Whether dimension d exists in a point, by the dimensions before d: at[i] and present[i], i < d. Pure. */
typedef bool vj_search_exists(const void *context, const double *at, const bool *present, int64_t d);

typedef struct vj_search_space {
  int64_t count;
  const vj_search_dimension *dimensions;
  vj_search_exists *exists; /* NULL: every dimension exists in every point */
  const void *context;
} vj_search_space;

/* A setting: a coordinate in [0, 1) for each dimension. Numbers that give the same text have one coordinate, which
 * vj_search_place finds again; where a dimension does not exist it is 0.5. */
typedef struct vj_search_point {
  const double *at;
  const bool *present;
} vj_search_point;

/* The text of a range's value, as vj_range_draw has it; of a choice, its number from 0 on. */
const char *vj_search_text(const vj_search_dimension *dimension, double at, char text[VJ_REAL_BYTES]);
/* The other way. False where no coordinate has that text (a number that was not drawn, or outside the range); *at is
 * then the nearest. */
bool vj_search_place(const vj_search_dimension *dimension, const char *text, double *at);
/* Makes a point of any coordinates: which dimensions exist, and the coordinates that their texts have. */
void vj_search_settle(const vj_search_space *space, double *at, bool *present);

/* --- what was found ---------------------------------------------------------------------------------------------- */

typedef enum vj_search_state {
  VJ_SEARCH_PENDING,  /* nothing but the point is used */
  VJ_SEARCH_MEASURED, /* a mean that is not finite counts as failed */
  VJ_SEARCH_FAILED    /* it diverged, say: the objective is not known, and such points are to be avoided */
} vj_search_state;

typedef struct vj_search_observation {
  vj_search_point point; /* settled */
  vj_search_state state;
  int64_t seeds;            /* behind the means, at least 1 */
  const double *mean;       /* [objective_count] over seeds */
  const double *error;      /* [objective_count] standard errors of the means; NULL or NaN: not known */
  const double *constraint; /* [constraint_count] a point is feasible where all are at most 0 */
} vj_search_observation;

/* --- suggestions ------------------------------------------------------------------------------------------------- */

typedef struct vj_search_method vj_search_method;

typedef struct vj_search {
  const vj_search_method *method;
  const void *options; /* the method's struct (vj_search_options_read); NULL: its defaults */
  uint64_t seed;
  const vj_search_space *space;
  int64_t objective_count;
  const bool *maximised; /* [objective_count]; NULL: all are minimised */
  int64_t constraint_count;
} vj_search;

/* A point, and why it. All owned by the pool. */
typedef struct vj_search_suggestion {
  vj_search_point point;
  const char *model;       /* what made it: "sobol", "tpe", "gp", .. */
  const char *acquisition; /* what it is best in: "log_ei", ..; "" where it was drawn */
  double value;            /* of the acquisition; NaN where it was drawn */
  double mean, deviation;  /* of the first objective there, in its own unit, as the model predicts; NaN: it does not */
  int64_t from_count;      /* the observations that decided, best first: those a density is of, or the incumbent */
  const int64_t *from;     /* [from_count] their places in `past` */
  int64_t redrawn;         /* so many drawn points were settings that there are already */
  bool is_repeat;          /* no other was found: the setting is one of the past */
  const char *why;         /* one sentence */
} vj_search_suggestion;

/* Suggestion `number` from past[count]; number is at least 0 and stands for itself: the same past with another number
 * is another draw. VJ_CONFIG with a sentence where the space or the past makes no sense, or where the method cannot do
 * what is asked (several objectives). */
VJ_MUST_USE vj_status vj_search_suggest(vj_pool *pool, const vj_search *search, const vj_search_observation *past,
                                        int64_t count, int64_t number, vj_search_suggestion *suggestion);

/* --- methods ----------------------------------------------------------------------------------------------------- */

/* Those of methods.def, in its order; NULL behind the last, and where there is none of that name. */
const vj_search_method *vj_search_method_at(int64_t i);
const vj_search_method *vj_search_method_find(const char *name);
const char *vj_search_method_name(const vj_search_method *method);
const char *vj_search_method_summary(const vj_search_method *method);
const char *vj_search_method_source(const vj_search_method *method);
const vj_param *vj_search_method_rows(const vj_search_method *method, size_t *count);

/* Reads a method's options from a map (NULL: all defaults); keys in `also_known` are left alone. Owned by the pool. */
VJ_MUST_USE vj_status vj_search_options_read(vj_pool *pool, const vj_search_method *method, const vj_yaml *map,
                                             const char *path, const char *const *also_known, const void **options);

#endif
