#include "sweeps/search/minimise.h"

#include <math.h>
#include <nlopt.h>
#include <stdlib.h>
#include <string.h>

#include "vj/memory.h"

enum { STEPS_REMEMBERED = 10 };
static const double unusable = 1e19; /* what a function that is not finite counts as; NLopt's line search goes back */

/* The best point so far: what the line search ends on may be worse, or a failure. */
typedef struct course {
  vj_smooth *f;
  void *context;
  double *best, *gradient, value;
} course;

static double evaluate(unsigned n, const double *x, double *gradient, void *untyped) {
  course *c = untyped;
  const double value = c->f(c->context, x, c->gradient);
  bool is_finite = isfinite(value);
  for (unsigned i = 0; i < n; i++) is_finite = is_finite && isfinite(c->gradient[i]);
  for (unsigned i = 0; gradient && i < n; i++) gradient[i] = is_finite ? c->gradient[i] : 0;
  if (!is_finite) return unusable;
  if (value < c->value) {
    c->value = value;
    memcpy(c->best, x, n * sizeof *x);
  }
  return value;
}

static vj_status run(nlopt_opt optimizer, course *c, const double *low, const double *high, int evaluations,
                     double *x) {
  double value;
  nlopt_set_min_objective(optimizer, evaluate, c);
  nlopt_set_lower_bounds(optimizer, low);
  nlopt_set_upper_bounds(optimizer, high);
  nlopt_set_maxeval(optimizer, evaluations);
  nlopt_set_ftol_abs(optimizer, 1e-9);
  nlopt_set_vector_storage(optimizer, STEPS_REMEMBERED); /* else it goes by the memory there is */
  if (nlopt_optimize(optimizer, x, &value) == NLOPT_OUT_OF_MEMORY)
    return vj_fail(VJ_MEMORY, "search: no memory for NLopt");
  return VJ_OK; /* a line search that finds nothing better is an end like others */
}

vj_status vj_minimise(int64_t n, vj_smooth *f, void *context, const double *low, const double *high, int evaluations,
                      double *x, double *value) {
  course c = {.f = f, .context = context, .value = INFINITY};
  if (n == 0) return VJ_OK;
  VJ_TRY(vj_allocate((size_t)(2 * n), sizeof *c.best, "a minimum", &c.best));
  c.gradient = c.best + n;
  memcpy(c.best, x, (size_t)n * sizeof *x);
  nlopt_opt optimizer = nlopt_create(NLOPT_LD_LBFGS, (unsigned)n);
  vj_status status =
      optimizer ? run(optimizer, &c, low, high, evaluations, x) : vj_fail(VJ_MEMORY, "search: no memory for NLopt");
  nlopt_destroy(optimizer);
  memcpy(x, c.best, (size_t)n * sizeof *x);
  *value = c.value;
  free(c.best);
  return status;
}
