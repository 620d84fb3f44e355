#define _GNU_SOURCE /* qsort_r() */
#include "analysis/results/trial_groups.h"

#include <stdlib.h>
#include <string.h>

/* By arm and settings. */
static int compare(const vj_results *o, int64_t one, int64_t other) {
  int order = strcmp(vj_results_text(o, VJ_RECORD_ARM, one), vj_results_text(o, VJ_RECORD_ARM, other));
  for (int s = 0; s < o->setting_count && order == 0; s++) order = vj_results_compare_setting(o, s, one, other);
  return order;
}

static int compare_trials(const void *one, const void *other, void *results) {
  const int64_t a = *(const int64_t *)one, b = *(const int64_t *)other;
  const int order = compare(results, a, b);
  return order ? order : (a > b) - (a < b);
}

/* For each trial the first one of its arm and settings. `order` has room for all trials. */
static void find_firsts(const vj_results *o, bool each_alone, int64_t *order, int64_t *first_of) {
  for (int64_t i = 0; i < o->trials; i++) order[i] = first_of[i] = i;
  if (each_alone) return;
  vj_results results = *o;
  qsort_r(order, (size_t)o->trials, sizeof *order, compare_trials, &results);
  for (int64_t k = 1; k < o->trials; k++)
    if (compare(o, order[k - 1], order[k]) == 0) first_of[order[k]] = first_of[order[k - 1]];
}

vj_status vj_trial_groups_make(const vj_results *o, bool each_alone, vj_trial_groups *groups) {
  const size_t trials = (size_t)o->trials;
  int64_t *group_of = vj_pool_take(o->pool, trials * sizeof *group_of);
  int64_t *first = vj_pool_take(o->pool, trials * sizeof *first);
  int64_t *lists = vj_pool_take(o->pool, 2 * trials * sizeof *lists);
  *groups = (vj_trial_groups){.at = vj_pool_take(o->pool, trials * sizeof *groups->at), .group_of = group_of};
  if (!groups->at || !group_of || !first || !lists)
    return vj_fail(VJ_MEMORY, "no memory for %lld trials", (long long)o->trials);
  find_firsts(o, each_alone, first, group_of);
  for (int64_t i = 0; i < o->trials; i++) {
    const bool is_first = group_of[i] == i;
    group_of[i] = is_first ? groups->count++ : group_of[group_of[i]];
    if (is_first) first[group_of[i]] = i;
    groups->at[group_of[i]].count++;
  }
  for (int64_t g = 0; g < groups->count; g++) {
    vj_trial_group *group = &groups->at[g];
    group->trials = lists;
    group->done = lists + group->count;
    lists += 2 * group->count;
    group->count = 0;
  }
  for (int64_t i = 0; i < o->trials; i++) {
    vj_trial_group *group = &groups->at[group_of[i]];
    group->trials[group->count++] = i;
    group->pruned_count += o->status[i] == VJ_TRIAL_PRUNED;
    if (o->status[i] == VJ_TRIAL_DONE) group->done[group->done_count++] = i;
  }
  return VJ_OK;
}

vj_summary vj_trial_group_summary(const vj_results *o, const vj_trial_group *group, const vj_report_column *column) {
  vj_summary s = VJ_SUMMARY_NONE;
  for (int64_t k = 0; k < group->done_count; k++) vj_summary_add(&s, vj_results_number(o, column, group->done[k]));
  return s;
}
