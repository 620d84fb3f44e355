/* Which measure that needs no label picks the trial that a probe would: for each, how alike the order is in which it
 * and the probe put trials of one seed, and what the probe finds in the trial that the measure likes best. */
#ifndef VJ_ANALYSIS_RESULTS_METRIC_RANKING_H
#define VJ_ANALYSIS_RESULTS_METRIC_RANKING_H

#include "analysis/results/sweep_results.h"

typedef struct vj_metric_rank {
  const char *name;    /* "hx_rankme"; "hx_clid", which is made of two */
  const char *prefers; /* "high", "low", "near 1" */
  int64_t seeds;       /* with at least three done trials that have both numbers, and differ in them */
  double correlation;  /* Spearman's, mean over these seeds; NaN without any. 1: the probe's order, best first */
  double low, high;    /* its 95 % interval by Student's t over seeds; NaN below two */
  double picked;       /* the probe's figure of the trial that the measure likes best, mean over these seeds */
  int64_t hits;        /* seeds in which that is the probe's best trial */
} vj_metric_rank;

typedef struct vj_metric_ranking {
  const vj_report_column *objective;
  int64_t seeds, trials; /* seeds with three done trials that have the objective; such trials in all */
  double best, mean;     /* the best figure, and that of a trial drawn at random, means over these seeds */
  int64_t count;
  vj_metric_rank *at; /* the highest correlation first */
} vj_metric_ranking;

/* Of a view's measures, "hx", and validation losses, against an objective that says what is good. Owned by the
 * results. */
VJ_MUST_USE vj_status vj_metric_ranking_make(const vj_results *results, const vj_report_column *objective,
                                             const char *view, vj_metric_ranking *ranking);

#endif
