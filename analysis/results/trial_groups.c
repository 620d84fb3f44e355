#include "analysis/results/trial_groups.h"

#include <string.h>

/* Whether two trials have the same arm and settings. */
static bool same_but_seed(const vj_results *o, int64_t one, int64_t other) {
  bool same = strcmp(vj_results_text(o, VJ_RECORD_ARM, one), vj_results_text(o, VJ_RECORD_ARM, other)) == 0;
  for (int s = 0; s < o->setting_count && same; s++) same = vj_results_same_setting(o, s, one, other);
  return same;
}

/* The group of the same arm and settings, the newest first; -1: there is none yet. `first`: each group's first trial.
 */
static int64_t find_group(const vj_results *o, const int64_t *first, int64_t count, int64_t trial) {
  while (--count >= 0 && !same_but_seed(o, first[count], trial)) continue;
  return count;
}

vj_status vj_trial_groups_make(const vj_results *o, bool each_alone, vj_trial_groups *groups) {
  const size_t trials = (size_t)o->trials;
  int64_t *group_of = vj_pool_take(o->pool, trials * sizeof *group_of);
  int64_t *first = vj_pool_take(o->pool, trials * sizeof *first);
  int64_t *lists = vj_pool_take(o->pool, 2 * trials * sizeof *lists);
  *groups = (vj_trial_groups){.at = vj_pool_take(o->pool, trials * sizeof *groups->at), .group_of = group_of};
  if (!groups->at || !group_of || !first || !lists)
    return vj_fail(VJ_MEMORY, "no memory for %lld trials", (long long)o->trials);
  for (int64_t i = 0; i < o->trials; i++) {
    const int64_t found = each_alone ? -1 : find_group(o, first, groups->count, i);
    group_of[i] = found < 0 ? groups->count++ : found;
    if (found < 0) first[group_of[i]] = i;
    groups->at[group_of[i]].count++;
  }
  for (int64_t g = 0; g < groups->count; g++) {
    vj_trial_group *group = &groups->at[g];
    int64_t *all = lists, *done = lists + group->count;
    lists += 2 * group->count;
    group->trials = all;
    group->done = done;
    for (int64_t i = first[g]; all < done; i++) {
      if (group_of[i] != g) continue;
      *all++ = i;
      group->pruned_count += o->status[i] == VJ_TRIAL_PRUNED;
      if (o->status[i] == VJ_TRIAL_DONE) done[group->done_count++] = i;
    }
  }
  return VJ_OK;
}

vj_summary vj_trial_group_summary(const vj_results *o, const vj_trial_group *group, const vj_report_column *column) {
  vj_summary s = VJ_SUMMARY_NONE;
  for (int64_t k = 0; k < group->done_count; k++) vj_summary_add(&s, vj_results_number(o, column, group->done[k]));
  return s;
}
