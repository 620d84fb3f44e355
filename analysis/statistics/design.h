/* Which levels of which factors trials had, and what came of it. */
#ifndef VJ_ANALYSIS_STATISTICS_DESIGN_H
#define VJ_ANALYSIS_STATISTICS_DESIGN_H

#include <stdbool.h>
#include <stdint.h>

enum { VJ_MOST_LEVELS = 64, VJ_MOST_FACTORS = 16 };

typedef struct vj_design_factor {
  int levels;       /* 1 to VJ_MOST_LEVELS */
  bool is_ordered;  /* levels ascend with the setting's number; else they are categories */
  const int *level; /* of each trial */
} vj_design_factor;

typedef struct vj_design {
  int factor_count; /* 1 to VJ_MOST_FACTORS */
  const vj_design_factor *factors;
  int64_t count;          /* trials */
  const double *response; /* all finite */
} vj_design;

/* Weight of each level: its share of the trials. */
typedef struct vj_level_weights {
  double of[VJ_MOST_FACTORS][VJ_MOST_LEVELS];
} vj_level_weights;

/* The split of one function's variance. */
typedef struct vj_split_of_variance {
  double total;                                                         /* the variance itself */
  double main[VJ_MOST_FACTORS], pair[VJ_MOST_FACTORS][VJ_MOST_FACTORS]; /* of shares */
} vj_split_of_variance;

/* Combinations of levels, the last factor fastest; -1 if there are more than there are trials. */
int64_t vj_design_cells(const vj_design *design);
/* The combination that a trial belongs to. */
int64_t vj_design_cell(const vj_design *design, int64_t trial);
vj_level_weights vj_design_weights(const vj_design *design);

#endif
