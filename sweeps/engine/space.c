#include "engine/space.h"

#include <stdio.h>
#include <string.h>

#include "config/nodes.h"
#include "engine/axis.h"

enum { MOST_TRIALS = 100000, PATH_BYTES = 512 };

/* A sweep, read but not yet expanded. */
typedef struct sweep_plan {
  vj_pool *pool;
  const vj_yaml *root;
  const vj_yaml *sweep;
  vj_yaml *base;       /* the document without its sweep */
  const vj_yaml *arms; /* map of maps; NULL: one arm that sets nothing */
  const vj_axis *axes; /* the grid, slowest first */
  int64_t axis_count;
  const vj_yaml **seeds; /* NULL: the configuration's own, once */
  int64_t seed_count;
  const char **keys; /* of the arms, then of the axes */
  int64_t key_count, arm_key_count;
  const char *base_error; /* what the base says alone, "" when it is a configuration by itself */
} sweep_plan;

/* --- reading -------------------------------------------------------------------------------------------------- */

static vj_status check_method(const vj_yaml *sweep) {
  const vj_yaml *method = vj_yaml_get(sweep, "method");
  char got[VJ_GOT_BYTES];
  if (!method || (method->kind == VJ_YAML_SCALAR && strcmp(method->text, "grid") == 0)) return VJ_OK;
  return vj_fail_node(method, "sweep.method", "expected grid, the only method there is, got %s",
                      vj_node_got(method, got));
}

/* A key that trials may set: one that is part of a trial's configuration and has no other way of being varied. */
static vj_status check_swept_key(const vj_yaml *key, const char *path) {
  static const char *const fixed[] = {"name", "sweep", "report", "plugins"};
  const size_t length = strcspn(key->text, ".");
  VJ_TRY(vj_path_check(key->text, key));
  if (strcmp(key->text, "seed") == 0)
    return vj_fail_node(key, path, "seeds are not swept like this; list them under sweep.seeds");
  for (size_t i = 0; i < VJ_COUNT(fixed); i++)
    if (strlen(fixed[i]) == length && strncmp(key->text, fixed[i], length) == 0)
      return vj_fail_node(key, path, "\"%s\" is the same for all trials and cannot be swept", fixed[i]);
  return VJ_OK;
}

static vj_status check_map(const vj_yaml *map, const char *path) {
  char got[VJ_GOT_BYTES];
  if (!vj_yaml_is_null(map) && map->kind != VJ_YAML_MAP)
    return vj_fail_node(map, path, "expected a map of keys and values, got %s", vj_node_got(map, got));
  return VJ_OK;
}

static vj_status read_axes(sweep_plan *plan) {
  const vj_yaml *parameters = vj_yaml_get(plan->sweep, "parameters");
  VJ_TRY(check_map(parameters, "sweep.parameters"));
  plan->axis_count = parameters ? parameters->count : 0;
  vj_axis *axes = vj_pool_take(plan->pool, (size_t)plan->axis_count * sizeof *axes);
  if (!axes) return vj_fail(VJ_MEMORY, "no memory for %lld swept parameters", (long long)plan->axis_count);
  for (int64_t i = 0; i < plan->axis_count; i++) {
    char path[PATH_BYTES];
    snprintf(path, sizeof path, "sweep.parameters.%s", parameters->keys[i]->text);
    VJ_TRY(check_swept_key(parameters->keys[i], path));
    VJ_TRY(vj_axis_read(plan->pool, parameters->keys[i], parameters->items[i], path, &axes[i]));
  }
  plan->axes = axes;
  return VJ_OK;
}

/* Arms may set different keys, but none that the grid sets too: one of the two would silently win. */
static vj_status check_arm(const sweep_plan *plan, const char *name, const vj_yaml *arm) {
  char path[PATH_BYTES];
  snprintf(path, sizeof path, "sweep.trials.%s", name);
  VJ_TRY(check_map(arm, path));
  for (int64_t k = 0; k < arm->count; k++) {
    VJ_TRY(check_swept_key(arm->keys[k], path));
    for (int64_t i = 0; i < plan->axis_count; i++)
      if (strcmp(plan->axes[i].key, arm->keys[k]->text) == 0)
        return vj_fail_node(arm->keys[k], path, "\"%s\" is swept under sweep.parameters too; set it in one place",
                            arm->keys[k]->text);
  }
  return VJ_OK;
}

static vj_status read_arms(sweep_plan *plan) {
  const vj_yaml *trials = vj_yaml_get(plan->sweep, "trials");
  if (vj_yaml_is_null(trials)) return VJ_OK;
  VJ_TRY(check_map(trials, "sweep.trials"));
  if (trials->count == 0) return vj_fail_node(trials, "sweep.trials", "expected at least one trial");
  for (int64_t i = 0; i < trials->count; i++) VJ_TRY(check_arm(plan, trials->keys[i]->text, trials->items[i]));
  plan->arms = trials;
  return VJ_OK;
}

static bool has_key(const sweep_plan *plan, const char *key) {
  for (int64_t i = 0; i < plan->key_count; i++)
    if (strcmp(plan->keys[i], key) == 0) return true;
  return false;
}

static vj_status gather_keys(sweep_plan *plan) {
  int64_t most = plan->axis_count;
  for (int64_t a = 0; plan->arms && a < plan->arms->count; a++) most += plan->arms->items[a]->count;
  plan->keys = vj_pool_take(plan->pool, (size_t)most * sizeof *plan->keys);
  if (!plan->keys) return vj_fail(VJ_MEMORY, "no memory for the keys of a sweep");
  for (int64_t a = 0; plan->arms && a < plan->arms->count; a++) {
    const vj_yaml *arm = plan->arms->items[a];
    for (int64_t k = 0; k < arm->count; k++)
      if (!has_key(plan, arm->keys[k]->text)) plan->keys[plan->key_count++] = arm->keys[k]->text;
  }
  plan->arm_key_count = plan->key_count;
  for (int64_t i = 0; i < plan->axis_count; i++) plan->keys[plan->key_count++] = plan->axes[i].key;
  return VJ_OK;
}

static vj_status count_trials(const sweep_plan *plan, int64_t *trials) {
  *trials = (plan->arms ? plan->arms->count : 1) * plan->seed_count;
  for (int64_t i = 0; i < plan->axis_count && *trials <= MOST_TRIALS; i++) *trials *= plan->axes[i].count;
  if (*trials > MOST_TRIALS)
    return vj_fail_node(plan->sweep, "sweep", "more than %d trials; sweep fewer values", MOST_TRIALS);
  return VJ_OK;
}

/* A base that is incomplete alone is fine when the trials complete it, so its error is only kept for comparison. */
static vj_status try_base(sweep_plan *plan) {
  vj_pool *scratch = NULL;
  vj_config *config = NULL;
  plan->base = vj_yaml_shallow(plan->pool, plan->root);
  if (!plan->base) return vj_fail(VJ_MEMORY, "no memory for a sweep");
  vj_yaml_remove(plan->base, "sweep");
  VJ_TRY(vj_pool_create(&scratch));
  plan->base_error = "";
  if (vj_config_create(scratch, plan->base, &config) != VJ_OK) {
    plan->base_error = vj_pool_text(plan->pool, vj_error_message());
    vj_error_clear();
  }
  vj_pool_destroy(&scratch);
  return plan->base_error ? VJ_OK : vj_fail(VJ_MEMORY, "no memory for a sweep");
}

static vj_status read_plan(sweep_plan *plan) {
  static const char *const names[] = {"method", "parameters", "seeds", "trials"};
  plan->sweep = vj_yaml_get(plan->root, "sweep");
  VJ_TRY(try_base(plan));
  VJ_TRY(vj_keys_check(plan->sweep, "sweep", names, VJ_COUNT(names)));
  VJ_TRY(check_method(plan->sweep));
  VJ_TRY(read_axes(plan));
  VJ_TRY(read_arms(plan));
  VJ_TRY(vj_seeds_read(plan->pool, plan->root, vj_yaml_get(plan->sweep, "seeds"), MOST_TRIALS, &plan->seeds,
                       &plan->seed_count));
  return gather_keys(plan);
}

/* --- expanding ------------------------------------------------------------------------------------------------ */

/* The settings of the trial with this arm and this point of the grid, in the order of the sweep's keys. */
static vj_status make_settings(const sweep_plan *plan, const vj_yaml *arm, int64_t point, vj_trial *trial) {
  vj_setting *settings = vj_pool_take(plan->pool, (size_t)plan->key_count * sizeof *settings);
  if (!settings) return vj_fail(VJ_MEMORY, "no memory for the settings of a trial");
  int64_t count = 0;
  for (int64_t k = 0; k < plan->arm_key_count; k++) {
    const vj_yaml *value = vj_yaml_get(arm, plan->keys[k]);
    if (value) settings[count++] = (vj_setting){plan->keys[k], value};
  }
  /* The last axis varies fastest, so its digit is the lowest. */
  for (int64_t i = plan->axis_count - 1; i >= 0; i--) {
    const vj_axis *axis = &plan->axes[i];
    settings[count + i] = (vj_setting){axis->key, axis->values[point % axis->count]};
    point /= axis->count;
  }
  trial->settings = settings;
  trial->setting_count = count + plan->axis_count;
  return VJ_OK;
}

static vj_status make_config(const sweep_plan *plan, const vj_yaml *seed, vj_trial *trial) {
  vj_config *config = NULL;
  vj_yaml *root = vj_yaml_shallow(plan->pool, plan->base);
  if (!root) return vj_fail(VJ_MEMORY, "no memory for the configuration of a trial");
  for (int64_t i = 0; i < trial->setting_count; i++) {
    vj_yaml *value = vj_yaml_shallow(plan->pool, trial->settings[i].value);
    if (!value) return vj_fail(VJ_MEMORY, "no memory for the configuration of a trial");
    VJ_TRY(vj_yaml_put(plan->pool, root, trial->settings[i].key, value));
  }
  if (seed) {
    vj_yaml *value = vj_yaml_shallow(plan->pool, seed);
    VJ_TRY(vj_yaml_set(plan->pool, root, "seed", value));
  }
  VJ_TRY(vj_config_create(plan->pool, root, &config));
  trial->config = config;
  trial->seed = config->seed;
  return VJ_OK;
}

/* "trial 3 (losses.variance.weight=-1): " before an error that the settings brought about. */
static void name_trial(const sweep_plan *plan, const vj_trial *trial) {
  char words[1024];
  size_t used = 0;
  if (!plan->sweep || strcmp(vj_error_message(), plan->base_error) == 0) return;
  words[0] = '\0';
  for (int64_t i = 0; i < trial->setting_count && used < sizeof words; i++) {
    const vj_yaml *value = trial->settings[i].value;
    const char *shown = value->kind == VJ_YAML_SCALAR ? value->text : value->kind == VJ_YAML_LIST ? "[...]" : "{...}";
    used +=
        (size_t)snprintf(words + used, sizeof words - used, "%s%s=%s", i ? ", " : "", trial->settings[i].key, shown);
  }
  if (trial->setting_count)
    vj_error_prefix("trial %lld (%s): ", (long long)trial->index, words);
  else
    vj_error_prefix("trial %lld: ", (long long)trial->index);
}

static vj_status expand(const sweep_plan *plan, int64_t count, vj_trial *trials) {
  const int64_t arms = plan->arms ? plan->arms->count : 1;
  const int64_t points = count / (arms * plan->seed_count);
  for (int64_t t = 0; t < count; t++) {
    const int64_t a = t / (points * plan->seed_count), point = t / plan->seed_count % points;
    trials[t] = (vj_trial){.index = t, .arm = plan->arms ? plan->arms->keys[a]->text : ""};
    VJ_TRY(make_settings(plan, plan->arms ? plan->arms->items[a] : NULL, point, &trials[t]));
    const vj_status status = make_config(plan, plan->seeds ? plan->seeds[t % plan->seed_count] : NULL, &trials[t]);
    if (status != VJ_OK) name_trial(plan, &trials[t]);
    VJ_TRY(status);
  }
  return VJ_OK;
}

vj_status vj_space_create(vj_pool *pool, const vj_yaml *root, vj_space **space) {
  sweep_plan plan = {.pool = pool, .root = root};
  char got[VJ_GOT_BYTES];
  int64_t count = 0;
  *space = NULL;
  if (root->kind != VJ_YAML_MAP)
    return vj_fail_node(root, "", "expected a map of sections, got %s", vj_node_got(root, got));
  VJ_TRY(read_plan(&plan));
  VJ_TRY(count_trials(&plan, &count));
  vj_space *fresh = vj_pool_take(pool, sizeof *fresh);
  vj_trial *trials = vj_pool_take(pool, (size_t)count * sizeof *trials);
  if (!fresh || !trials) return vj_fail(VJ_MEMORY, "no memory for %lld trials", (long long)count);
  VJ_TRY(expand(&plan, count, trials));
  *fresh = (vj_space){.trial_count = count, .trials = trials, .key_count = plan.key_count, .keys = plan.keys};
  *space = fresh;
  return VJ_OK;
}
