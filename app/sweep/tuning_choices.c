#include "app/sweep/tuning_private.h"

#include <string.h>

#include "framework/config/config_diff.h"
#include "framework/config/nodes.h"

static vj_status no_memory(void) { return vj_fail(VJ_MEMORY, "no memory for the settings of arms"); }

/* While some of them may still become the best, nothing is chosen. */
static vj_status check_done(const vj_sweep_pool *sweeps) {
  for (int64_t k = 0; k < sweeps->count; k++) {
    const vj_results *o = sweeps->at[k];
    int64_t open = 0;
    for (int64_t i = 0; i < o->trials; i++) open += vj_results_state(o, i) < VJ_TRIAL_DONE;
    if (open)
      return vj_fail(VJ_USAGE,
                     "%s: %lld of %lld trials are not done; go on with it (the same command with --resume) before "
                     "settings are chosen",
                     sweeps->folders[k], (long long)open, (long long)o->trials);
  }
  return VJ_OK;
}

/* An arm without its parameters. */
static vj_yaml *fixed_part(vj_pool *pool, const vj_yaml *root, const char *name) {
  const vj_yaml *arm = vj_yaml_get(vj_arms_of(root), name);
  vj_yaml *copy = vj_yaml_is_null(arm) ? vj_yaml_new(pool, VJ_YAML_MAP, NULL) : vj_yaml_shallow(pool, arm);
  if (copy) vj_yaml_remove(copy, "parameters");
  return copy;
}

/* Settings are an arm's only as long as the arm is the same. */
static vj_status check_arm(const vj_tuning_choices *c, const vj_yaml *tuning_root, const char *name) {
  for (int64_t k = 0; k < c->sweeps.count; k++) {
    vj_config_diff found = {0};
    if (!vj_yaml_get_key(vj_arms_of(c->sweeps.roots[k]), name))
      return vj_fail(VJ_CONFIG, "%s: it has no arm \"%s\", for which settings are to be chosen; tune it anew",
                     c->sweeps.folders[k], name);
    const vj_yaml *before = fixed_part(c->e->pool, c->sweeps.roots[k], name);
    const vj_yaml *after = fixed_part(c->e->pool, tuning_root, name);
    if (!before || !after) return no_memory();
    VJ_TRY(vj_config_diff_find(c->e->pool, before, after, &found));
    if (found.count == 0) continue;
    const char *change = vj_config_change_text(c->e->pool, &found.at[0]);
    return vj_fail(VJ_CONFIG, "%s: the arm \"%s\" is not what it was: %s; tune it anew", c->sweeps.folders[k], name,
                   change ? change : found.at[0].key);
  }
  return VJ_OK;
}

/* What all arms share of what decides how good a setting is. */
static vj_status shared_part(vj_pool *pool, const vj_yaml *root, vj_yaml **part) {
  static const char *const sections[] = {"data", "model", "losses", "optim"};
  vj_yaml *measured = NULL;
  VJ_TRY(vj_config_measured(pool, root, &measured));
  *part = vj_yaml_new(pool, VJ_YAML_MAP, NULL);
  if (!*part) return no_memory();
  for (size_t i = 0; i < VJ_COUNT(sections); i++) {
    vj_yaml *const section = vj_yaml_get(measured, sections[i]);
    if (section) VJ_TRY(vj_yaml_set(pool, *part, sections[i], section));
  }
  return VJ_OK;
}

static vj_status check_shared(const vj_tuning_choices *c, const vj_yaml *tuning_root) {
  vj_pool *pool = c->e->pool;
  for (int64_t k = 0; k < c->sweeps.count; k++) {
    vj_yaml *before = NULL, *after = NULL;
    vj_config_diff found = {0};
    VJ_TRY(shared_part(pool, c->sweeps.roots[k], &before));
    VJ_TRY(shared_part(pool, tuning_root, &after));
    VJ_TRY(vj_config_diff_find(pool, before, after, &found));
    if (found.count == 0) continue;
    const char *change = vj_config_change_text(pool, &found.at[0]);
    return vj_fail(VJ_CONFIG, "%s: settings were chosen for another experiment: %s; tune it anew", c->sweeps.folders[k],
                   change ? change : found.at[0].key);
  }
  return VJ_OK;
}

vj_status vj_tuning_choose(vj_tuning_choices *c, const vj_yaml *tuning_root, const char *folders) {
  const vj_yaml *arms = vj_arms_of(tuning_root);
  VJ_TRY(vj_sweep_pool_open(folders, &c->sweeps));
  VJ_TRY(check_done(&c->sweeps));
  VJ_TRY(check_shared(c, tuning_root));
  for (int64_t a = 0; a < arms->count; a++) VJ_TRY(check_arm(c, tuning_root, arms->keys[a]->text));
  VJ_TRY(vj_criterion_read(c->e->pool, vj_yaml_get(tuning_root, "sweep"), &c->criterion));
  return vj_select_settings(&c->sweeps, c->criterion->metric,
                            c->criterion->mode == VJ_CRITERION_MIN ? VJ_BEST_LOW : VJ_BEST_HIGH, NULL, &c->selection);
}

const vj_selected *vj_tuning_selected(const vj_tuning_choices *c, const char *arm) {
  for (int64_t i = 0; i < c->selection.count; i++)
    if (strcmp(c->selection.at[i].arm, arm) == 0) return &c->selection.at[i];
  return NULL;
}
