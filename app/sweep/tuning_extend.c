/* `vjvcr sweep --tuning --extend`. */
#include <stdio.h>

#include "app/sweep/tuning_private.h"
#include "framework/config/nodes.h"
#include "sweeps/space/space.h"
#include "sweeps/space/tuning.h"

enum { MOST_TUNING_SWEEPS = 3 }; /* the first, and two with extended spaces */

static vj_status no_memory(void) { return vj_fail(VJ_MEMORY, "no memory for the settings of arms"); }

/* The configuration of an arm alone with these settings. Fails where that is none. */
static vj_status try_settings(const vj_experiment *e, const char *arm, const vj_yaml *values,
                              const vj_config **config) {
  vj_yaml *root = vj_yaml_shallow(e->pool, e->root), *only = vj_yaml_new(e->pool, VJ_YAML_MAP, NULL);
  vj_space *space = NULL;
  if (!root || !only) return no_memory();
  VJ_TRY(vj_tuning_put_values(e->pool, root, arm, values));
  VJ_TRY(vj_yaml_set(e->pool, only, arm, vj_yaml_get(vj_arms_of(root), arm)));
  VJ_TRY(vj_yaml_put(e->pool, root, "sweep.trials", only));
  VJ_TRY(vj_tuning_end_sampling(e->pool, root));
  VJ_TRY(vj_space_create(e->pool, root, &space));
  *config = space->trials[0].config;
  return VJ_OK;
}

/* *extended: the parameter with the end moved; NULL where the key, or another one, does not allow that. */
static vj_status extend_parameter(const vj_experiment *e, const vj_chosen_space *chosen, int64_t i,
                                  vj_yaml **extended) {
  const char *key = chosen->space->keys[i]->text;
  const vj_edge side = chosen->edges[i];
  const vj_config *config = NULL;
  VJ_TRY(try_settings(e, chosen->arm, chosen->values, &config));
  const vj_yaml *read = vj_yaml_find(config->resolved, key);
  VJ_TRY(vj_arm_space_extend(e->pool, chosen->space, i, side, read ? read->row : NULL, extended));
  if (!*extended) return VJ_OK;
  vj_yaml *values = vj_yaml_shallow(e->pool, chosen->values), *space = vj_yaml_shallow(e->pool, chosen->space);
  vj_yaml *end = NULL;
  if (!values || !space) return no_memory();
  space->items[i] = *extended;
  VJ_TRY(vj_arm_space_end(e->pool, space, i, side, &end));
  VJ_TRY(vj_yaml_set(e->pool, values, key, end));
  const vj_status status = try_settings(e, chosen->arm, values, &config);
  if (status == VJ_MEMORY) return status;
  if (status != VJ_OK) *extended = NULL;
  vj_error_clear();
  return VJ_OK;
}

/* An arm's space as it is now, with its edges moved. */
static vj_status extend_arm(const vj_tuning_choices *c, const char *arm, bool *is_larger) {
  vj_pool *pool = c->e->pool;
  const vj_selected *selected = vj_tuning_selected(c, arm);
  const bool tells = c->e->command->world->rank == 0;
  vj_chosen_space chosen = {0};
  vj_yaml *space = NULL;
  VJ_TRY(vj_arm_space_read(pool, c->sweeps.roots[c->sweeps.count - 1], arm, &space));
  if (selected && selected->chosen) VJ_TRY(vj_chosen_space_find(&c->sweeps, selected, &chosen));
  for (int64_t i = 0; i < space->count && chosen.edges; i++) {
    const char *key = space->keys[i]->text, *before = vj_yaml_print_line(pool, space->items[i]);
    vj_yaml *extended = NULL;
    if (chosen.edges[i] == VJ_EDGE_NONE) continue;
    VJ_TRY(extend_parameter(c->e, &chosen, i, &extended));
    if (tells)
      printf("%s: %s=%s is on an edge of %s, which %s%s\n", arm, key, vj_yaml_get(chosen.values, key)->text,
             before ? before : "", extended ? "is extended to " : "can't be moved",
             extended ? vj_yaml_print_line(pool, extended) : "");
    if (!extended) continue;
    *is_larger = true;
    VJ_TRY(vj_yaml_set(pool, space, key, extended));
  }
  vj_yaml *copy = vj_yaml_copy(pool, space);
  return copy ? vj_tuning_put_space(pool, c->e->root, arm, copy) : no_memory();
}

vj_status vj_tuning_extend(vj_tuning_choices *c, const char *folders, bool *has_trials) {
  vj_pool *pool = c->e->pool;
  VJ_TRY(vj_tuning_choose(c, c->e->root, folders));
  const vj_sweep_pool *sweeps = &c->sweeps;
  const vj_yaml *arms = vj_arms_of(c->e->root);
  const int64_t last = sweeps->count - 1;
  if (sweeps->count >= MOST_TUNING_SWEEPS)
    return vj_fail(VJ_USAGE, "--extend: spaces are extended at most %d times, and %s are %d sweeps already",
                   MOST_TUNING_SWEEPS - 1, folders, MOST_TUNING_SWEEPS);
  *has_trials = false;
  for (int64_t a = 0; a < arms->count; a++) VJ_TRY(extend_arm(c, arms->keys[a]->text, has_trials));
  if (!*has_trials && c->e->command->world->rank == 0)
    puts("no arm's best setting is on an edge that could be moved; there is nothing to extend");
  const char *skip = vj_pool_format(
      pool, "%lld",
      (long long)(vj_sweep_pool_count(sweeps, last, "skip") + vj_sweep_pool_count(sweeps, last, "samples")));
  const char *ending = vj_pool_format(pool, "-%lld", (long long)sweeps->count + 1);
  vj_yaml *node = skip ? vj_yaml_scalar(pool, skip, false, NULL) : NULL;
  if (!node || !ending) return no_memory();
  VJ_TRY(vj_yaml_put(pool, c->e->root, "sweep.skip", node));
  return vj_experiment_rename(c->e, ending);
}
