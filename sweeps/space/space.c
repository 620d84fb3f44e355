#include "sweeps/space/space.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "framework/config/nodes.h"
#include "sweeps/space/condition.h"
#include "sweeps/space/repeats.h"
#include "sweeps/space/sweep_spec.h"

/* On the way through all combinations. It is gone twice: without `trials` it counts. */
typedef struct walk {
  vj_pool *pool;
  const vj_sweep_spec *spec;
  const char *base_error; /* what the base says alone, "" when it is a configuration by itself */
  int64_t sample;
  int64_t arm_number;
  const char *arm;
  int64_t *at;          /* of each parameter: the number of its value, -1 where it does not exist */
  vj_setting *settings; /* of the arm, then of the parameters so far */
  int64_t setting_count;
  bool *is_ever_set; /* of each parameter: some trial has it */
  vj_trial *trials;
  int64_t trial_count;
} walk;

/* --- one trial -------------------------------------------------------------------------------------------------- */

/* `like`: another trial, of the same setting where `of_setting`; NULL: there is none yet. */
static vj_status make_config(vj_pool *pool, const vj_sweep_spec *spec, const vj_yaml *seed, const vj_trial *like,
                             bool of_setting, vj_trial *trial) {
  vj_config *config = NULL;
  vj_yaml *root = vj_yaml_shallow(pool, of_setting ? like->config->root : spec->base);
  if (!root) return vj_fail(VJ_MEMORY, "no memory for the configuration of a trial");
  for (int64_t i = 0; i < trial->setting_count && !of_setting; i++) {
    vj_yaml *value = vj_yaml_shallow(pool, trial->settings[i].value);
    if (!value) return vj_fail(VJ_MEMORY, "no memory for the configuration of a trial");
    VJ_TRY(vj_yaml_put(pool, root, trial->settings[i].key, value));
  }
  if (seed) {
    vj_yaml *value = vj_yaml_shallow(pool, seed);
    VJ_TRY(vj_yaml_set(pool, root, "seed", value));
  }
  VJ_TRY(vj_config_vary(pool, like ? like->config : NULL, root, &config));
  trial->config = config;
  trial->seed = config->seed;
  return VJ_OK;
}

/* "trial 3 (losses.variance.weight=-1): " before an error that the settings brought about. */
static void name_trial(const walk *w, const vj_trial *trial) {
  char words[1024];
  size_t used = 0;
  if (!w->spec->sweep || strcmp(vj_error_message(), w->base_error) == 0) return;
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

/* --- parameters that exist only in some trials ------------------------------------------------------------------- */

/* What is written at a key, with the settings so far; NULL: nothing. */
static const vj_yaml *find_written(const walk *w, const char *key) {
  for (int64_t i = w->setting_count - 1; i >= 0; i--) {
    const vj_setting *setting = &w->settings[i];
    if (strcmp(setting->key, key) == 0) return setting->value;
    if (vj_key_is_inside(key, setting->key)) return vj_yaml_find(setting->value, key + strlen(setting->key) + 1);
  }
  return vj_yaml_find(w->spec->base, key);
}

static bool exists(const walk *w, int64_t axis) {
  const vj_yaml *when = w->spec->axes[axis].when;
  if (!vj_axis_is_of(&w->spec->axes[axis], w->arm_number)) return false;
  if (w->spec->partner[axis] >= 0) return w->at[w->spec->partner[axis]] >= 0;
  for (int64_t k = 0; when && k < when->count; k++)
    if (!vj_condition_matches(when->items[k], find_written(w, when->keys[k]->text))) return false;
  return true;
}

/* A parameter that is not set because a default, which nobody wrote, was not seen: an error with the place. */
static vj_status check_absent(const walk *w, int64_t axis, const vj_trial *trial) {
  const vj_axis *absent = &w->spec->axes[axis];
  const vj_yaml *unwritten = NULL;
  for (int64_t k = 0; absent->when && k < absent->when->count; k++) {
    const char *key = absent->when->keys[k]->text;
    if (!vj_condition_matches(absent->when->items[k], vj_yaml_find(trial->config->resolved, key))) return VJ_OK;
    if (!unwritten && !find_written(w, key)) unwritten = absent->when->keys[k];
  }
  if (!unwritten) return VJ_OK;
  char path[512];
  snprintf(path, sizeof path, "%s.when", absent->path);
  return vj_fail_node(unwritten, path, "in trial %lld \"%s\" has this value only by default; write it down",
                      (long long)trial->index, unwritten->text);
}

/* A condition that no trial meets is a mistake, unless it is chance that decides. */
static vj_status check_never_set(const walk *w, int64_t axis) {
  const vj_axis *never = &w->spec->axes[axis];
  char path[512], hint[VJ_SUGGESTION_BYTES] = "";
  if (w->is_ever_set[axis] || w->spec->by_chance[axis] || !never->when) return VJ_OK;
  snprintf(path, sizeof path, "%s.when", never->path);
  for (int64_t k = 0; k < never->when->count; k++) {
    const char *key = never->when->keys[k]->text;
    bool is_known = false;
    for (int64_t t = 0; t < w->trial_count && !is_known; t++)
      is_known = vj_yaml_find(w->trials[t].config->resolved, key) != NULL;
    if (is_known) continue;
    if (vj_closest(key, w->spec->keys, w->spec->key_count))
      vj_suggestion(key, "", w->spec->keys, w->spec->key_count, hint);
    return vj_fail_node(never->when->keys[k], path, "no trial has the key \"%s\"%s", key, hint);
  }
  return vj_fail_node(never->when, path, "no trial has these values, so \"%s\" would never be set", never->key);
}

/* --- expanding ------------------------------------------------------------------------------------------------ */

static void set(walk *w, const char *key, const vj_yaml *value) {
  w->settings[w->setting_count++] = (vj_setting){key, value};
}

static vj_status check_parameters(walk *w, const vj_trial *trial) {
  for (int64_t i = 0; i < w->spec->axis_count; i++) {
    if (w->at[i] < 0 && vj_axis_is_of(&w->spec->axes[i], w->arm_number)) VJ_TRY(check_absent(w, i, trial));
    if (w->at[i] >= 0) w->is_ever_set[i] = true;
  }
  return VJ_OK;
}

/* The trials of one combination: one for each seed. */
static vj_status add_trials(walk *w) {
  const int64_t first = w->trial_count;
  const size_t bytes = (size_t)w->setting_count * sizeof *w->settings;
  w->trial_count += w->spec->seed_count;
  if (w->trial_count > VJ_MOST_TRIALS)
    return vj_fail_node(w->spec->sweep, "sweep", "more than %d trials; sweep fewer values", VJ_MOST_TRIALS);
  if (!w->trials) return VJ_OK;
  vj_setting *settings = vj_pool_take(w->pool, bytes);
  if (!settings) return vj_fail(VJ_MEMORY, "no memory for the settings of a trial");
  if (bytes) memcpy(settings, w->settings, bytes);
  for (int64_t s = 0; s < w->spec->seed_count; s++) {
    vj_trial *trial = &w->trials[first + s];
    *trial = (vj_trial){.index = first + s,
                        .arm = w->arm,
                        .sample = w->sample,
                        .setting_count = w->setting_count,
                        .settings = settings};
    const vj_status status = make_config(w->pool, w->spec, w->spec->seeds ? w->spec->seeds[s] : NULL,
                                         trial == w->trials ? NULL : &w->trials[s ? first : 0], s > 0, trial);
    if (status != VJ_OK) name_trial(w, trial);
    VJ_TRY(status);
  }
  return check_parameters(w, &w->trials[first]);
}

/* All values of parameter i and those below it. */
static vj_status descend(walk *w, int64_t i, bool is_sampled) {
  /* Samples that set nothing would be the same trials again. */
  if (i == w->spec->axis_count) return is_sampled || w->sample == 0 ? add_trials(w) : VJ_OK;
  const vj_axis *axis = &w->spec->axes[i];
  const int64_t partner = w->spec->partner[i], kept = w->setting_count;
  w->at[i] = -1;
  if (!exists(w, i)) return descend(w, i + 1, is_sampled);
  const int64_t first = axis->drawn ? w->sample : partner >= 0 ? w->at[partner] : 0;
  const int64_t end = axis->drawn || partner >= 0 ? first + 1 : axis->count;
  for (int64_t v = first; v < end; v++) {
    w->at[i] = v;
    set(w, axis->key, axis->values[v]);
    VJ_TRY(descend(w, i + 1, is_sampled || axis->drawn));
    w->setting_count = kept;
  }
  return VJ_OK;
}

static vj_status walk_arm(walk *w, int64_t a) {
  const vj_yaml *arm = w->spec->arms ? w->spec->arms->items[a] : NULL;
  w->arm_number = a;
  w->arm = arm ? w->spec->arms->keys[a]->text : "";
  w->setting_count = 0;
  for (int64_t k = 0; arm && k < w->spec->arm_key_count; k++) {
    const vj_yaml *value = vj_yaml_get(arm, w->spec->keys[k]);
    if (value) set(w, w->spec->keys[k], value);
  }
  return descend(w, 0, false);
}

static vj_status walk_all(walk *w) {
  const int64_t arms = w->spec->arms ? w->spec->arms->count : 1;
  w->trial_count = 0;
  for (w->sample = 0; w->sample < w->spec->sample_count; w->sample++)
    for (int64_t a = 0; a < arms; a++) VJ_TRY(walk_arm(w, a));
  return VJ_OK;
}

/* A base that is incomplete alone is fine when the trials complete it, so its error is only kept for comparison. */
static vj_status try_base(walk *w) {
  vj_pool *scratch = NULL;
  vj_config *config = NULL;
  VJ_TRY(vj_pool_create(&scratch));
  w->base_error = "";
  if (vj_config_create(scratch, w->spec->base, &config) != VJ_OK) {
    w->base_error = vj_pool_text(w->pool, vj_error_message());
    vj_error_clear();
  }
  vj_pool_destroy(&scratch);
  return w->base_error ? VJ_OK : vj_fail(VJ_MEMORY, "no memory for a sweep");
}

static vj_status start(walk *w) {
  const size_t axes = (size_t)w->spec->axis_count;
  w->at = vj_pool_take(w->pool, axes * sizeof *w->at);
  w->is_ever_set = vj_pool_take(w->pool, axes * sizeof *w->is_ever_set);
  w->settings = vj_pool_take(w->pool, (size_t)w->spec->key_count * sizeof *w->settings);
  if (!w->at || !w->is_ever_set || !w->settings) return vj_fail(VJ_MEMORY, "no memory for a sweep");
  return try_base(w);
}

static vj_status expand(walk *w) {
  VJ_TRY(walk_all(w));
  w->trials = vj_pool_take(w->pool, (size_t)w->trial_count * sizeof *w->trials);
  if (!w->trials) return vj_fail(VJ_MEMORY, "no memory for %lld trials", (long long)w->trial_count);
  VJ_TRY(walk_all(w));
  for (int64_t i = 0; i < w->spec->axis_count; i++) VJ_TRY(check_never_set(w, i));
  return VJ_OK;
}

vj_status vj_space_create(vj_pool *pool, const vj_yaml *root, vj_space **space) {
  vj_sweep_spec spec;
  walk w = {.pool = pool, .spec = &spec};
  char got[VJ_GOT_BYTES];
  *space = NULL;
  if (root->kind != VJ_YAML_MAP)
    return vj_fail_node(root, "", "expected a map of sections, got %s", vj_node_got(root, got));
  VJ_TRY(vj_sweep_spec_read(pool, root, &spec));
  const char *repeats, *alike;
  VJ_TRY(start(&w));
  VJ_TRY(expand(&w));
  VJ_TRY(vj_repeats_remove(pool, w.trials, &w.trial_count, &repeats, &alike));
  vj_space *fresh = vj_pool_take(pool, sizeof *fresh);
  if (!fresh) return vj_fail(VJ_MEMORY, "no memory for %lld trials", (long long)w.trial_count);
  *fresh = (vj_space){.trial_count = w.trial_count,
                      .trials = w.trials,
                      .key_count = spec.key_count,
                      .keys = spec.keys,
                      .is_grid = spec.method == VJ_METHOD_GRID,
                      .repeats = repeats,
                      .alike = alike,
                      .stopping = spec.stopping,
                      .criterion = spec.criterion};
  *space = fresh;
  return VJ_OK;
}
