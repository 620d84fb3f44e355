#include "analysis/results/selection.h"

#include <math.h>
#include <string.h>

#include "analysis/results/objective.h"
#include "framework/config/nodes.h"
#include "sweeps/space/criterion.h"

static const char *const suffix = "_validation";

static bool ends_in_suffix(const char *quantity) {
  const size_t length = strlen(quantity), end = strlen(suffix);
  return length > end && strcmp(quantity + length - end, suffix) == 0;
}

/* --- figures ----------------------------------------------------------------------------------------------------- */

static const char *of_validation(const vj_results *o, const char *test) {
  const char *name = test ? vj_pool_format(o->pool, "%s%s", test, suffix) : NULL;
  return name && vj_sweep_file_find(o->file, name) >= 0 ? name : NULL;
}

static vj_status choose_figure(const vj_sweep_pool *sweeps, const char *metric, vj_selection *s) {
  const vj_results *o = sweeps->at[0];
  const char *folder = sweeps->folders[0];
  const vj_criterion *criterion = NULL;
  vj_report_column usual;
  VJ_TRY(vj_objective_default(o, folder, &usual));
  if (!metric) VJ_TRY(vj_criterion_read(o->pool, vj_yaml_get(sweeps->roots[0], "sweep"), &criterion));
  if (criterion) metric = criterion->metric;
  if (!metric) metric = of_validation(o, usual.quantity) ? of_validation(o, usual.quantity) : VJ_RECORD_VAL_LOSS;
  VJ_TRY(vj_objective_by(o, folder, "METRIC", metric, &s->by));
  if (criterion) s->by.best = criterion->mode == VJ_CRITERION_MIN ? VJ_BEST_LOW : VJ_BEST_HIGH;
  if (!vj_is_of_validation(metric)) {
    const char *other = of_validation(o, metric);
    return vj_fail(
        VJ_USAGE, "METRIC: --select chooses by figures of validation clips, and %s is of %s clips; name %s%s", metric,
        vj_is_of_test(metric) ? "test" : "training", other ? other : "one such as ", other ? "" : VJ_RECORD_VAL_LOSS);
  }
  if (ends_in_suffix(metric)) {
    const char *test = vj_pool_format(o->pool, "%.*s", (int)(strlen(metric) - strlen(suffix)), metric);
    if (!test) return vj_fail(VJ_MEMORY, "no memory for a name");
    if (vj_sweep_file_find(o->file, test) >= 0) return vj_objective_by(o, folder, "METRIC", test, &s->test);
  }
  if (usual.quantity && vj_is_of_test(usual.quantity)) s->test = usual;
  return VJ_OK;
}

/* --- arms -------------------------------------------------------------------------------------------------------- */

typedef struct arm_list {
  const char **names;
  int64_t count;
  bool prefixes; /* an arm takes all trials whose arm begins so */
} arm_list;

static int64_t arm_of(const arm_list *arms, const char *name) {
  int64_t found = -1;
  for (int64_t i = 0; i < arms->count; i++) {
    const size_t length = strlen(arms->names[i]);
    if (!arms->prefixes && strcmp(name, arms->names[i]) == 0) return i;
    if (arms->prefixes && strncmp(name, arms->names[i], length) == 0 &&
        (found < 0 || length > strlen(arms->names[found])))
      found = i;
  }
  return found;
}

static vj_status list_arms(const vj_sweep_pool *sweeps, const vj_trial_groups *groups, const char *given,
                           arm_list *arms) {
  size_t most = (given ? strlen(given) : 0) + 1;
  for (int64_t k = 0; k < sweeps->count; k++) most += (size_t)groups[k].count;
  *arms = (arm_list){.names = vj_pool_take(sweeps->pool, most * sizeof *arms->names), .prefixes = given != NULL};
  if (!arms->names) return vj_fail(VJ_MEMORY, "no memory for the arms of a sweep");
  for (const char *at = given; at && *at; at += strcspn(at, ","), at += *at == ',') {
    while (*at == ' ') at++;
    const char *name = vj_pool_format(sweeps->pool, "%.*s", (int)strcspn(at, ","), at);
    if (!name) return vj_fail(VJ_MEMORY, "no memory for a name");
    if (*name) arms->names[arms->count++] = name;
  }
  for (int64_t k = 0; k < sweeps->count && !given; k++)
    for (int64_t g = 0; g < groups[k].count; g++) {
      const char *name = vj_results_text(sweeps->at[k], VJ_RECORD_ARM, groups[k].at[g].trials[0]);
      if (arm_of(arms, name) < 0) arms->names[arms->count++] = name;
    }
  return VJ_OK;
}

/* --- the choice -------------------------------------------------------------------------------------------------- */

static bool is_better(const vj_selection *s, const vj_summary *one, const vj_selected *than) {
  if (!than->chosen) return true;
  return s->by.best == VJ_BEST_HIGH ? one->mean > than->of_validation.mean : one->mean < than->of_validation.mean;
}

/* Beside a probe's mse stands mse_se, beside accuracy accuracy_se. */
static vj_status add_clip_error(const vj_selection *s, vj_selected *one) {
  vj_report_column column = s->test;
  one->clip_error = NAN;
  if (!s->test.quantity || !one->chosen) return VJ_OK;
  column.quantity = vj_pool_format(one->of->pool, "%s_se", s->test.quantity);
  if (!column.quantity) return vj_fail(VJ_MEMORY, "no memory for a name");
  if (vj_sweep_file_find(one->of->file, column.quantity) < 0) return VJ_OK;
  one->clip_error = vj_trial_group_summary(one->of, one->chosen, &column).mean;
  return VJ_OK;
}

static bool is_known(const vj_sweep_pool *sweeps, const vj_trial_groups *groups, int64_t sweep, int64_t trial) {
  for (int64_t k = 0; k < sweep; k++)
    for (int64_t g = 0; g < groups[k].count; g++)
      if (vj_sweep_pool_same_setting(sweeps->at[k], groups[k].at[g].trials[0], sweeps->at[sweep], trial)) return true;
  return false;
}

static void look_at(const vj_results *o, const vj_trial_group *group, vj_selection *s, vj_selected *arm) {
  const vj_summary validation = vj_trial_group_summary(o, group, &s->by);
  arm->settings++;
  s->unfinished += group->count - group->done_count;
  if (!validation.count) return;
  arm->measured++;
  if (!is_better(s, &validation, arm)) return;
  arm->chosen = group;
  arm->of = o;
  arm->of_validation = validation;
}

static vj_status choose_settings(const vj_sweep_pool *sweeps, const vj_trial_groups *groups, const arm_list *arms,
                                 vj_selection *s) {
  vj_selected *list = vj_pool_take(sweeps->pool, (size_t)arms->count * sizeof *list);
  if (!list) return vj_fail(VJ_MEMORY, "no memory for %lld arms", (long long)arms->count);
  for (int64_t i = 0; i < arms->count; i++) list[i] = (vj_selected){.arm = arms->names[i]};
  for (int64_t k = 0; k < sweeps->count; k++)
    for (int64_t g = 0; g < groups[k].count; g++) {
      const int64_t first = groups[k].at[g].trials[0];
      const int64_t arm = arm_of(arms, vj_results_text(sweeps->at[k], VJ_RECORD_ARM, first));
      if (arm >= 0 && !is_known(sweeps, groups, k, first)) look_at(sweeps->at[k], &groups[k].at[g], s, &list[arm]);
    }
  for (int64_t i = 0; i < arms->count; i++) {
    if (!list[i].settings) return vj_fail(VJ_USAGE, "--arms: no trial's arm begins with \"%s\"", list[i].arm);
    list[i].of_test = list[i].chosen && s->test.quantity ? vj_trial_group_summary(list[i].of, list[i].chosen, &s->test)
                                                         : VJ_SUMMARY_NONE;
    VJ_TRY(add_clip_error(s, &list[i]));
  }
  s->at = list;
  s->count = arms->count;
  return VJ_OK;
}

vj_status vj_select_settings(const vj_sweep_pool *sweeps, const char *metric, int best, const char *arms,
                             vj_selection *s) {
  arm_list list;
  *s = (vj_selection){0};
  vj_trial_groups *groups = vj_pool_take(sweeps->pool, (size_t)sweeps->count * sizeof *groups);
  if (!groups) return vj_fail(VJ_MEMORY, "no memory for the settings of a sweep");
  VJ_TRY(choose_figure(sweeps, metric, s));
  if (best != VJ_BEST_NONE) s->by.best = best;
  if (s->by.best == VJ_BEST_NONE)
    return vj_fail(VJ_USAGE, "%s: nothing says whether low or high is good; add --asc or --desc", s->by.quantity);
  for (int64_t k = 0; k < sweeps->count; k++) {
    VJ_TRY(vj_trial_groups_make(sweeps->at[k], false, &groups[k]));
    VJ_TRY(vj_report_check_quantity(s->by.quantity, NULL, sweeps->folders[k], NULL, sweeps->at[k]->file));
  }
  VJ_TRY(list_arms(sweeps, groups, arms, &list));
  return choose_settings(sweeps, groups, &list, s);
}
