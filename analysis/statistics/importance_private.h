/* What the two ways to importance share. No one else includes this. */
#ifndef VJ_ANALYSIS_STATISTICS_IMPORTANCE_PRIVATE_H
#define VJ_ANALYSIS_STATISTICS_IMPORTANCE_PRIVATE_H

#include "analysis/statistics/importance.h"

/* The split of one function's variance. */
typedef struct vj_split_of_variance {
  double total;                                                         /* the variance itself */
  double main[VJ_MOST_FACTORS], pair[VJ_MOST_FACTORS][VJ_MOST_FACTORS]; /* of shares */
} vj_split_of_variance;

/* Weight of each level: its share of the trials. */
typedef struct vj_level_weights {
  double of[VJ_MOST_FACTORS][VJ_MOST_LEVELS];
} vj_level_weights;

/* Combinations of levels, the last factor fastest; -1 if there are more than there are trials. */
int64_t vj_design_cells(const vj_design *design);
/* The combination that a trial belongs to. */
int64_t vj_design_cell(const vj_design *design, int64_t trial);

/* `sums` and `counts` [cells] are room for it. */
VJ_MUST_USE vj_status vj_importance_by_table(const vj_design *design, int64_t cells, int repeats,
                                             vj_split_of_variance *splits, vj_split_of_variance *plain);
VJ_MUST_USE vj_status vj_importance_by_forest(const vj_design *design, const vj_level_weights *weights, int trees,
                                              vj_split_of_variance *splits);

#endif
