/* Early stopping while a sweep runs: at the places that `sweep.stopping` names, a group's root reads what the trial has
 * measured from the sweep's file and asks the rule through the ledger; its ranks hear the answer. No group waits for
 * another. The room sees sweeps/space, whose stopping.h says what the rules are; stopping_rule.c decides. */
#ifndef VJ_SWEEPS_PRUNING_PRUNER_H
#define VJ_SWEEPS_PRUNING_PRUNER_H

#include "sweeps/space/space.h"

typedef struct vj_pruner vj_pruner;

/* All borrowed, and to outlive the pruner. File, ledger and axes are those of the group's root; elsewhere NULL. */
typedef struct vj_pruner_parts {
  const vj_space *space;
  const vj_comm *world, *group; /* the group: that works on a trial when it is asked */
  vj_sweep_file *file;
  vj_ledger *ledger;
  const int64_t *steps; /* coordinates of the file: training steps completed */
  int64_t step_count;
  const int64_t *evals;
  int64_t eval_count;
} vj_pruner_parts;

/* Not collective. Fails, with the place in the YAML, unless the metric is recorded and some trial could end by it; by
 * the layout or by the file, of which one is given. A space without stopping is fine. `axis` may be NULL. */
VJ_MUST_USE vj_status vj_pruner_check(const vj_space *space, const vj_file_layout *layout, const vj_sweep_file *file,
                                      vj_stopping_axis *axis);

/* Collective over the world, whose rank 0 has the file. Owned by the pool. */
VJ_MUST_USE vj_status vj_pruner_open(vj_pool *pool, const vj_pruner_parts *parts, vj_pruner **pruner);

/* Collective over the group: whether a trial ends here, after so many steps. What it measured there is brought to the
 * disk before it is decided. */
VJ_MUST_USE vj_status vj_pruner_ask(vj_pruner *pruner, int64_t trial, int64_t done, bool *ends);

/* The last answer, on every rank: of the trial that the group works on. */
vj_prune_decision vj_pruner_decision(const vj_pruner *pruner);
void vj_pruner_begin(vj_pruner *pruner);

#endif
