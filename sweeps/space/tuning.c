#include "sweeps/space/tuning.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "framework/config/nodes.h"
#include "framework/store/records/records.h"
#include "sweeps/space/arm_space.h"
#include "sweeps/space/sweep_spec.h"

enum { PATH_BYTES = 512 };

static vj_status no_memory(void) { return vj_fail(VJ_MEMORY, "no memory for a tuning sweep"); }

/* --- parts of `sweep:` ------------------------------------------------------------------------------------------- */

/* A copy of one level of sweep.<key>, in a copy of `sweep`; an empty map where there is none. */
static vj_status own_branch(vj_pool *pool, vj_yaml *root, const char *key, vj_yaml **branch) {
  const vj_yaml *sweep = vj_yaml_get(root, "sweep"), *old = vj_yaml_get(sweep, key);
  vj_yaml *copy = vj_yaml_is_null(sweep) ? vj_yaml_new(pool, VJ_YAML_MAP, root) : vj_yaml_shallow(pool, sweep);
  *branch = vj_yaml_is_null(old) ? vj_yaml_new(pool, VJ_YAML_MAP, root) : vj_yaml_shallow(pool, old);
  if (!copy || !*branch) return no_memory();
  VJ_TRY(vj_yaml_set(pool, copy, key, *branch));
  return vj_yaml_set(pool, root, "sweep", copy);
}

static vj_status put_arm(vj_pool *pool, vj_yaml *root, const char *name, vj_yaml *arm) {
  vj_yaml *arms = NULL;
  VJ_TRY(own_branch(pool, root, "trials", &arms));
  return vj_yaml_set(pool, arms, name, arm);
}

/* A copy of one level of an arm, without its parameters. */
static vj_status bare_arm(vj_pool *pool, const vj_yaml *root, const char *name, vj_yaml **arm) {
  const vj_yaml *old = vj_yaml_get(vj_yaml_find(root, "sweep.trials"), name);
  *arm = vj_yaml_is_null(old) ? vj_yaml_new(pool, VJ_YAML_MAP, old) : vj_yaml_shallow(pool, old);
  if (!*arm) return no_memory();
  vj_yaml_remove(*arm, "parameters");
  return VJ_OK;
}

vj_status vj_tuning_put_space(vj_pool *pool, vj_yaml *root, const char *name, vj_yaml *space) {
  vj_yaml *arm = NULL;
  VJ_TRY(bare_arm(pool, root, name, &arm));
  if (space->count) VJ_TRY(vj_yaml_set(pool, arm, "parameters", space));
  return put_arm(pool, root, name, arm);
}

vj_status vj_tuning_put_values(vj_pool *pool, vj_yaml *root, const char *name, const vj_yaml *values) {
  vj_yaml *arm = NULL;
  VJ_TRY(bare_arm(pool, root, name, &arm));
  for (int64_t i = 0; i < values->count; i++) VJ_TRY(vj_yaml_set(pool, arm, values->keys[i]->text, values->items[i]));
  return put_arm(pool, root, name, arm);
}

vj_status vj_tuning_spread(vj_pool *pool, vj_yaml *root) {
  const vj_yaml *arms = vj_yaml_find(root, "sweep.trials"), *shared = vj_yaml_find(root, "sweep.parameters");
  vj_yaml *kept = NULL;
  VJ_TRY(vj_map_check(arms, "sweep.trials"));
  VJ_TRY(vj_map_check(shared, "sweep.parameters"));
  for (int64_t a = 0; arms && a < arms->count; a++) {
    char path[PATH_BYTES];
    snprintf(path, sizeof path, "sweep.trials.%s", arms->keys[a]->text);
    VJ_TRY(vj_map_check(arms->items[a], path));
    vj_yaml *space = NULL;
    VJ_TRY(vj_arm_space_read(pool, root, arms->keys[a]->text, &space));
    VJ_TRY(vj_tuning_put_space(pool, root, arms->keys[a]->text, space));
  }
  if (!shared) return VJ_OK;
  VJ_TRY(own_branch(pool, root, "parameters", &kept));
  for (int64_t i = 0; i < shared->count; i++) {
    vj_axis axis;
    VJ_TRY(vj_axis_read(pool, shared->keys[i], shared->items[i], shared->keys[i]->text, &axis));
    if (axis.drawn) vj_yaml_remove(kept, shared->keys[i]->text);
  }
  return VJ_OK;
}

/* --- the final sweep ---------------------------------------------------------------------------------------------- */

static vj_status check_chosen(vj_pool *pool, const vj_yaml *parameters, const char *path) {
  VJ_TRY(vj_map_check(parameters, path));
  for (int64_t i = 0; parameters && i < parameters->count; i++) {
    char key_path[PATH_BYTES];
    vj_axis axis;
    snprintf(key_path, sizeof key_path, "%s.%s", path, parameters->keys[i]->text);
    VJ_TRY(vj_axis_read(pool, parameters->keys[i], parameters->items[i], key_path, &axis));
    if (axis.drawn)
      return vj_fail_node(axis.drawn, key_path,
                          "its value is to be chosen in the tuning sweep: run that with --tuning, then this with "
                          "--tuned DIR, the folder of that");
  }
  return VJ_OK;
}

vj_status vj_tuning_check_chosen(vj_pool *pool, const vj_yaml *root) {
  const vj_yaml *arms = vj_yaml_find(root, "sweep.trials");
  VJ_TRY(check_chosen(pool, vj_yaml_find(root, "sweep.parameters"), "sweep.parameters"));
  for (int64_t a = 0; arms && arms->kind == VJ_YAML_MAP && a < arms->count; a++) {
    char path[PATH_BYTES];
    snprintf(path, sizeof path, "sweep.trials.%s.parameters", arms->keys[a]->text);
    VJ_TRY(check_chosen(pool, vj_yaml_get(arms->items[a], "parameters"), path));
  }
  return VJ_OK;
}

vj_status vj_tuning_end_sampling(vj_pool *pool, vj_yaml *root) {
  static const char *const keys[] = {"method", "samples", "sampling_seed", "skip"};
  const vj_yaml *old = vj_yaml_get(root, "sweep");
  if (vj_yaml_is_null(old)) return VJ_OK;
  vj_yaml *sweep = vj_yaml_shallow(pool, old);
  if (!sweep) return no_memory();
  for (size_t i = 0; i < VJ_COUNT(keys); i++) vj_yaml_remove(sweep, keys[i]);
  return vj_yaml_set(pool, root, "sweep", sweep);
}

/* --- seeds ------------------------------------------------------------------------------------------------------- */

vj_status vj_tuning_seeds(vj_pool *pool, const vj_yaml *root, const vj_yaml ***seeds, int64_t *count) {
  const vj_yaml *one = vj_yaml_get(root, "seed");
  VJ_TRY(vj_seeds_read(pool, root, vj_yaml_find(root, "sweep.seeds"), VJ_MOST_TRIALS, seeds, count));
  if (*seeds) return VJ_OK;
  *seeds = vj_pool_take(pool, sizeof **seeds);
  if (!*seeds) return no_memory();
  (*seeds)[0] = one ? one : vj_yaml_scalar(pool, "0", false, vj_yaml_get(root, "sweep"));
  return (*seeds)[0] ? VJ_OK : no_memory();
}

vj_status vj_tuning_check_seeds(vj_pool *pool, const vj_yaml *tuning_root, const vj_yaml *final_root) {
  const vj_yaml **tuning = NULL, ** final = NULL;
  int64_t tunings = 0, finals = 0;
  VJ_TRY(vj_tuning_seeds(pool, tuning_root, &tuning, &tunings));
  VJ_TRY(vj_tuning_seeds(pool, final_root, &final, &finals));
  for (int64_t i = 0; i < tunings; i++)
    for (int64_t k = 0; k < finals; k++)
      if (strtoll(tuning[i]->text, NULL, 10) == strtoll(final[k]->text, NULL, 10))
        return vj_fail_node(tuning[i], "tuning",
                            "settings are chosen with seed %s, which the final sweep has, too, so that its results "
                            "would be those they were chosen by; give tuning seeds of its own, such as sweep.seeds: "
                            "[1000]",
                            tuning[i]->text);
  return VJ_OK;
}

/* --- what makes the choice unequal -------------------------------------------------------------------------------- */

static vj_status check_shared(vj_pool *pool, const vj_yaml *root) {
  const vj_yaml *shared = vj_yaml_find(root, "sweep.parameters");
  for (int64_t i = 0; shared && i < shared->count; i++) {
    char path[PATH_BYTES];
    vj_axis axis;
    snprintf(path, sizeof path, "sweep.parameters.%s", shared->keys[i]->text);
    VJ_TRY(vj_axis_read(pool, shared->keys[i], shared->items[i], path, &axis));
    if (axis.count > 1)
      return vj_fail_node(shared->keys[i], path,
                          "it has %lld values in the tuning sweep, where one setting is chosen for an arm: give it one "
                          "under tuning, as \"%s: [VALUE]\", or move it into the arms' parameters",
                          (long long)axis.count, path);
  }
  return VJ_OK;
}

static vj_status check_equal(vj_pool *pool, const vj_yaml *root) {
  const vj_yaml *arms = vj_yaml_find(root, "sweep.trials"), *stopping = vj_yaml_find(root, "sweep.stopping");
  if (vj_yaml_is_null(arms))
    return vj_fail_node(vj_yaml_get(root, "sweep"), "tuning", "there are no arms under sweep.trials to choose for");
  if (!vj_yaml_is_null(stopping))
    return vj_fail_node(stopping, "sweep.stopping",
                        "a tuning sweep trains all settings to their end; add sweep.stopping: null under tuning");
  return check_shared(pool, root);
}

/* --- the section -------------------------------------------------------------------------------------------------- */

/* What tells experiments apart, or says what a folder is, is no part of how settings are chosen. */
static vj_status check_key(const vj_yaml *key) {
  static const char *const fixed[] = {"name", "plugins", "standin", "tuning", "quick", "report", "question"};
  const size_t length = strcspn(key->text, ".");
  for (size_t i = 0; i < VJ_COUNT(fixed); i++)
    if (strlen(fixed[i]) == length && strncmp(key->text, fixed[i], length) == 0)
      return vj_fail_node(key, "tuning", "\"%s\" is the same for tuning and the final sweep", fixed[i]);
  return VJ_OK;
}

vj_status vj_tuning_apply(vj_pool *pool, const vj_yaml *tuning, vj_yaml *root) {
  char got[VJ_GOT_BYTES];
  vj_yaml *final_root = vj_yaml_shallow(pool, root);
  if (!final_root) return no_memory();
  if (tuning->kind != VJ_YAML_MAP)
    return vj_fail_node(tuning, "tuning", "expected a map of keys and values, got %s", vj_node_got(tuning, got));
  if (!vj_yaml_get(tuning, "select"))
    return vj_fail_node(tuning, "tuning",
                        "missing key \"select\", by which settings are chosen, such as select: {metric: %s, mode: min}",
                        VJ_NAME_OF_PROBE("speed", "mse_validation"));
  for (int64_t i = 0; i < tuning->count; i++) {
    const bool is_select = strcmp(tuning->keys[i]->text, "select") == 0;
    VJ_TRY(check_key(tuning->keys[i]));
    VJ_TRY(vj_yaml_put(pool, root, is_select ? "sweep.select" : tuning->keys[i]->text, tuning->items[i]));
  }
  vj_yaml_remove(root, "question"); /* which the final sweep answers */
  VJ_TRY(vj_tuning_spread(pool, root));
  VJ_TRY(check_equal(pool, root));
  return vj_tuning_check_seeds(pool, root, final_root);
}
