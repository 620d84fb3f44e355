/* Whether a hidden state has collapsed, along two axes that do not tell of each other.
 *
 * Complete: hidden states hardly differ. Spread is the median standard deviation of a feature over the target of the
 * variance loss, tau, where one asks for it, else over that of the trial's untrained encoder. Which directions are left
 * says nothing then: noise has all.
 * Dimensional: they differ along few directions. Three measures look at it, each blind in its own way: RankMe as a
 * share of the largest it could be, alpha-ReQ, and the share of the variance in the first twentieth of the components.
 * It counts as far as two of the three say so. */
#ifndef VJ_ANALYSIS_RESULTS_COLLAPSE_H
#define VJ_ANALYSIS_RESULTS_COLLAPSE_H

#include "analysis/results/sweep_results.h"

typedef enum vj_collapse_grade {
  VJ_COLLAPSE_UNKNOWN, /* nothing is recorded of it */
  VJ_COLLAPSE_NO,
  VJ_COLLAPSE_PARTLY,
  VJ_COLLAPSE_YES
} vj_collapse_grade;

typedef struct vj_collapse {
  double spread;      /* NaN where it is not known, as the next three */
  double rankme;      /* share of the largest */
  double alpha;       /* of alpha-ReQ */
  double first_share; /* of the variance, in the first twentieth of the components */
  bool by_tau;        /* spread is relative to tau */
  vj_collapse_grade complete, dimensional;
} vj_collapse;

/* Beyond which a measure says yes, and partly. Spread and RankMe are below, the others above them. */
typedef struct vj_collapse_threshold {
  double yes, partly;
} vj_collapse_threshold;
extern const vj_collapse_threshold vj_collapse_spread, vj_collapse_rankme, vj_collapse_alpha, vj_collapse_first_share;

/* Fills in both grades from the measures. */
void vj_collapse_grade_of(vj_collapse *collapse);

/* Of a view, "hx", of trials that differ in their seeds, by the means of what each measured last. hy_pred is held
 * against what hy is. Files of earlier versions have no alpha, and where no loss gives a tau no spread. */
vj_collapse vj_collapse_of(const vj_results *results, const char *view, int64_t count, const int64_t *trials);

/* "no", "complete", "dimensional", "both", or with "partly"; "" where nothing is known. */
const char *vj_collapse_word(const vj_collapse *collapse);

/* What these words mean, with the thresholds, to stand below a table; of hx. Owned by the pool; NULL without memory. */
const char *vj_collapse_note(vj_pool *pool);

#endif
