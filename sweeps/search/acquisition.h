/* What a Gaussian process is asked for the next point: the logarithm of expected improvement, and of the probability
 * that the point can be measured and is feasible; and where that is largest. Private to the room. */
#ifndef VJ_SWEEPS_SEARCH_ACQUISITION_H
#define VJ_SWEEPS_SEARCH_ACQUISITION_H

#include "sweeps/search/gp_model.h"
#include "sweeps/search/method.h"

typedef struct vj_acquisition {
  const vj_search_task *task;
  int64_t features;
  vj_gp objective;   /* factored; pending points are among its own */
  double best;       /* what is to be improved on; INFINITY: nothing is feasible yet, only feasibility counts */
  vj_gp *constraint; /* [task->search->constraint_count], of constraints less their mean */
  double *bound;     /* [constraint_count] what they must not exceed, less their mean */
  int64_t ended;     /* measured and failed points, if any failed, else 0 */
  double *ended_z;   /* [ended][features] */
  bool *has_failed;  /* [ended] */
  double *work;      /* [4][features] */
} vj_acquisition;

/* At point z[features]; gradient[features] may be NULL. */
double vj_acquisition_at(const vj_acquisition *a, const double *z, double *gradient);

/* The share of successes around a point, by the points that ended. */
double vj_acquisition_success(const vj_acquisition *a, const double *z);

/* The settled point that is not there yet and has the largest value, of `candidates` points of Sobol's sequence and
 * near the best ones (incumbent: their places), and of steps upwards from the best of these. *value is -INFINITY where
 * all of them are there. */
VJ_MUST_USE vj_status vj_acquisition_maximise(const vj_acquisition *a, int64_t candidates, int64_t starts,
                                              const int64_t *incumbents, int64_t incumbent_count, double *at,
                                              double *value);

#endif
