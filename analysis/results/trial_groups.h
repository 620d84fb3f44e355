/* Trials that differ only in their seed, together. Not collective. */
#ifndef VJ_ANALYSIS_RESULTS_TRIAL_GROUPS_H
#define VJ_ANALYSIS_RESULTS_TRIAL_GROUPS_H

#include "analysis/results/sweep_results.h"
#include "analysis/statistics/summary.h"

typedef struct vj_trial_group {
  int64_t count, done_count, pruned_count;
  int64_t *trials, *done; /* all of them; those that are done */
} vj_trial_group;

typedef struct vj_trial_groups {
  int64_t count;
  vj_trial_group *at;      /* in the order of their first trials */
  const int64_t *group_of; /* for each trial */
} vj_trial_groups;

/* `each_alone`: every trial is a group of its own. Owned by the results. */
VJ_MUST_USE vj_status vj_trial_groups_make(const vj_results *results, bool each_alone, vj_trial_groups *groups);

/* What the group's done trials have in a column. */
vj_summary vj_trial_group_summary(const vj_results *results, const vj_trial_group *group,
                                  const vj_report_column *column);

#endif
