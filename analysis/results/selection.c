#include "analysis/results/selection.h"

#include <math.h>
#include <string.h>

#include "analysis/results/objective.h"

static const char *const suffix = "_validation";

static bool ends_in_suffix(const char *quantity) {
  const size_t length = strlen(quantity), end = strlen(suffix);
  return length > end && strcmp(quantity + length - end, suffix) == 0;
}

bool vj_is_of_test(const char *quantity) {
  return vj_record_is(quantity, VJ_RECORD_PROBE) && !ends_in_suffix(quantity);
}

bool vj_is_of_validation(const char *quantity) {
  static const char *const patterns[] = {VJ_RECORD_VAL_LOSS, VJ_RECORD_VAL_ONE_LOSS, VJ_RECORD_VAL_REPORT,
                                         VJ_RECORD_MEASURE};
  if (vj_record_is(quantity, VJ_RECORD_PROBE)) return ends_in_suffix(quantity);
  for (size_t i = 0; i < sizeof patterns / sizeof *patterns; i++)
    if (vj_record_is(quantity, patterns[i])) return true;
  return false;
}

/* --- figures ----------------------------------------------------------------------------------------------------- */

static const char *of_validation(const vj_results *o, const char *test) {
  const char *name = test ? vj_pool_format(o->pool, "%s%s", test, suffix) : NULL;
  return name && vj_sweep_file_find(o->file, name) >= 0 ? name : NULL;
}

static vj_status choose_figure(const vj_results *o, const char *folder, const char *metric, vj_selection *s) {
  vj_report_column usual;
  VJ_TRY(vj_objective_default(o, folder, &usual));
  if (!metric) metric = of_validation(o, usual.quantity) ? of_validation(o, usual.quantity) : VJ_RECORD_VAL_LOSS;
  VJ_TRY(vj_objective_by(o, folder, "METRIC", metric, &s->by));
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

static vj_status list_arms(const vj_results *o, const vj_trial_groups *groups, const char *given, arm_list *arms) {
  const size_t most = (size_t)groups->count + (given ? strlen(given) : 0) + 1;
  *arms = (arm_list){.names = vj_pool_take(o->pool, most * sizeof *arms->names), .prefixes = given != NULL};
  if (!arms->names) return vj_fail(VJ_MEMORY, "no memory for %lld arms", (long long)groups->count);
  for (const char *at = given; at && *at; at += strcspn(at, ","), at += *at == ',') {
    while (*at == ' ') at++;
    const char *name = vj_pool_format(o->pool, "%.*s", (int)strcspn(at, ","), at);
    if (!name) return vj_fail(VJ_MEMORY, "no memory for a name");
    if (*name) arms->names[arms->count++] = name;
  }
  for (int64_t g = 0; g < groups->count && !given; g++) {
    const char *name = vj_results_text(o, VJ_RECORD_ARM, groups->at[g].trials[0]);
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
static vj_status add_clip_errors(const vj_results *o, const vj_selection *s, vj_selected *list) {
  vj_report_column column = s->test;
  if (!s->test.quantity) return VJ_OK;
  column.quantity = vj_pool_format(o->pool, "%s_se", s->test.quantity);
  if (!column.quantity) return vj_fail(VJ_MEMORY, "no memory for a name");
  if (vj_sweep_file_find(o->file, column.quantity) < 0) return VJ_OK;
  for (int64_t i = 0; i < s->count; i++)
    if (list[i].chosen) list[i].clip_error = vj_trial_group_summary(o, list[i].chosen, &column).mean;
  return VJ_OK;
}

static vj_status choose_settings(const vj_results *o, const vj_trial_groups *groups, const arm_list *arms,
                                 vj_selection *s) {
  vj_selected *list = vj_pool_take(o->pool, (size_t)arms->count * sizeof *list);
  if (!list) return vj_fail(VJ_MEMORY, "no memory for %lld arms", (long long)arms->count);
  for (int64_t i = 0; i < arms->count; i++) list[i] = (vj_selected){.arm = arms->names[i]};
  for (int64_t g = 0; g < groups->count; g++) {
    const vj_trial_group *group = &groups->at[g];
    const int64_t arm = arm_of(arms, vj_results_text(o, VJ_RECORD_ARM, group->trials[0]));
    if (arm < 0) continue;
    const vj_summary validation = vj_trial_group_summary(o, group, &s->by);
    list[arm].settings++;
    s->unfinished += group->count - group->done_count;
    if (!validation.count) continue;
    list[arm].measured++;
    if (!is_better(s, &validation, &list[arm])) continue;
    list[arm].chosen = group;
    list[arm].of_validation = validation;
  }
  for (int64_t i = 0; i < arms->count; i++) {
    if (!list[i].settings) return vj_fail(VJ_USAGE, "--arms: no trial's arm begins with \"%s\"", list[i].arm);
    list[i].clip_error = NAN;
    list[i].of_test =
        list[i].chosen && s->test.quantity ? vj_trial_group_summary(o, list[i].chosen, &s->test) : VJ_SUMMARY_NONE;
  }
  s->at = list;
  s->count = arms->count;
  return add_clip_errors(o, s, list);
}

vj_status vj_select_settings(const vj_results *o, const char *folder, const char *metric, int best, const char *arms,
                             vj_selection *s) {
  vj_trial_groups groups;
  arm_list list;
  *s = (vj_selection){0};
  VJ_TRY(choose_figure(o, folder, metric, s));
  if (best != VJ_BEST_NONE) s->by.best = best;
  if (s->by.best == VJ_BEST_NONE)
    return vj_fail(VJ_USAGE, "%s: nothing says whether low or high is good; add --asc or --desc", s->by.quantity);
  VJ_TRY(vj_trial_groups_make(o, false, &groups));
  VJ_TRY(list_arms(o, &groups, arms, &list));
  return choose_settings(o, &groups, &list, s);
}
