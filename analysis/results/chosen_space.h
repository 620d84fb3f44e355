/* The setting chosen for an arm, within the space that it was drawn from. Not collective. */
#ifndef VJ_ANALYSIS_RESULTS_CHOSEN_SPACE_H
#define VJ_ANALYSIS_RESULTS_CHOSEN_SPACE_H

#include "analysis/results/selection.h"
#include "sweeps/space/arm_space.h"

typedef struct vj_chosen_space {
  const char *arm;      /* of the chosen trial */
  const vj_yaml *space; /* of that arm in the last sweep of the pool; an empty map where nothing varies */
  vj_yaml *values;      /* those of its parameters that the chosen trial has, as they were written */
  const vj_edge *edges; /* of each parameter of the space */
  int64_t edge_count;   /* parameters that are on an edge */
} vj_chosen_space;

/* Of an arm with a chosen setting. Owned by the pool of sweeps. */
VJ_MUST_USE vj_status vj_chosen_space_find(const vj_sweep_pool *pool, const vj_selected *selected,
                                           vj_chosen_space *space);

/* "optim.lr=0.0098 at the upper end of {log: [0.0001, 0.01]}", with commas; "" where nothing is on an edge. */
const char *vj_chosen_space_edges(const vj_sweep_pool *pool, const vj_chosen_space *space);

#endif
