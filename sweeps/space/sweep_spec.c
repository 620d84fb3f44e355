#include "sweeps/space/sweep_spec.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "sweeps/space/condition.h"

enum { PATH_BYTES = 512 };

static vj_status fail_memory(const char *what) { return vj_fail(VJ_MEMORY, "no memory for %s of a sweep", what); }

/* --- parameters and arms ---------------------------------------------------------------------------------------- */

/* A key that trials may set: one that is part of a trial's configuration and has no other way of being varied. */
static vj_status check_swept_key(const vj_yaml *key, const char *path) {
  static const char *const fixed[] = {"name", "sweep", "question", "report", "plugins", "standin"};
  const size_t length = strcspn(key->text, ".");
  VJ_TRY(vj_path_check(key->text, key));
  if (strcmp(key->text, "seed") == 0)
    return vj_fail_node(key, path, "seeds are not swept like this; list them under sweep.seeds");
  for (size_t i = 0; i < VJ_COUNT(fixed); i++)
    if (strlen(fixed[i]) == length && strncmp(key->text, fixed[i], length) == 0)
      return vj_fail_node(key, path, "\"%s\" is the same for all trials and cannot be swept", fixed[i]);
  return VJ_OK;
}

static const char own_parameters[] = "parameters"; /* the key of an arm under which those stand that it alone has */

static vj_status read_axis(vj_pool *pool, vj_sweep_spec *spec, const vj_yaml *parameters, int64_t k, int64_t arm) {
  char path[PATH_BYTES];
  vj_axis *axis = &spec->axes[spec->axis_count];
  if (arm < 0)
    snprintf(path, sizeof path, "sweep.parameters.%s", parameters->keys[k]->text);
  else
    snprintf(path, sizeof path, "sweep.trials.%s.parameters.%s", spec->arms->keys[arm]->text,
             parameters->keys[k]->text);
  VJ_TRY(check_swept_key(parameters->keys[k], path));
  VJ_TRY(vj_axis_read(pool, parameters->keys[k], parameters->items[k], path, axis));
  axis->arm = arm;
  spec->axis_count++;
  return VJ_OK;
}

/* The parameters that an arm alone has; NULL: none. */
static const vj_yaml *parameters_of(const vj_sweep_spec *spec, int64_t arm) {
  const vj_yaml *own = vj_yaml_get(spec->arms->items[arm], own_parameters);
  return vj_yaml_is_null(own) ? NULL : own;
}

static vj_status read_axes(vj_pool *pool, vj_sweep_spec *spec) {
  const vj_yaml *shared = vj_yaml_get(spec->sweep, "parameters");
  const int64_t arms = spec->arms ? spec->arms->count : 0;
  VJ_TRY(vj_map_check(shared, "sweep.parameters"));
  size_t count = shared ? (size_t)shared->count : 0;
  for (int64_t a = 0; a < arms; a++) count += parameters_of(spec, a) ? (size_t)parameters_of(spec, a)->count : 0;
  spec->axes = vj_pool_take(pool, count * sizeof *spec->axes);
  spec->partner = vj_pool_take(pool, count * sizeof *spec->partner);
  spec->by_chance = vj_pool_take(pool, count * sizeof *spec->by_chance);
  if (!spec->axes || !spec->partner || !spec->by_chance) return fail_memory("the parameters");
  for (int64_t i = 0; shared && i < shared->count; i++) VJ_TRY(read_axis(pool, spec, shared, i, -1));
  for (int64_t a = 0; a < arms; a++) {
    const vj_yaml *own = parameters_of(spec, a);
    for (int64_t k = 0; own && k < own->count; k++) VJ_TRY(read_axis(pool, spec, own, k, a));
  }
  return VJ_OK;
}

static vj_status read_arms(vj_sweep_spec *spec) {
  const vj_yaml *trials = vj_yaml_get(spec->sweep, "trials");
  if (vj_yaml_is_null(trials)) return VJ_OK;
  VJ_TRY(vj_map_check(trials, "sweep.trials"));
  if (trials->count == 0) return vj_fail_node(trials, "sweep.trials", "expected at least one trial");
  for (int64_t i = 0; i < trials->count; i++) {
    char path[PATH_BYTES];
    snprintf(path, sizeof path, "sweep.trials.%s", trials->keys[i]->text);
    VJ_TRY(vj_map_check(trials->items[i], path));
    snprintf(path, sizeof path, "sweep.trials.%s.parameters", trials->keys[i]->text);
    VJ_TRY(vj_map_check(vj_yaml_get(trials->items[i], own_parameters), path));
  }
  spec->arms = trials;
  return VJ_OK;
}

/* Arms may set different keys, but none that a parameter sets too: one of the two would silently win. */
static vj_status check_arm(const vj_sweep_spec *spec, int64_t arm) {
  char path[PATH_BYTES];
  const vj_yaml *map = spec->arms->items[arm];
  snprintf(path, sizeof path, "sweep.trials.%s", spec->arms->keys[arm]->text);
  for (int64_t k = 0; k < map->count; k++) {
    const char *key = map->keys[k]->text;
    if (strcmp(key, own_parameters) == 0) continue;
    VJ_TRY(check_swept_key(map->keys[k], path));
    for (int64_t i = 0; i < spec->axis_count; i++) {
      const vj_axis *axis = &spec->axes[i];
      if (vj_axis_is_of(axis, arm) && (strcmp(axis->key, key) == 0 || vj_key_is_inside(key, axis->key)))
        return vj_fail_node(map->keys[k], path, "\"%s\" is swept under %s too; set it in one place", key,
                            axis->arm < 0 ? "sweep.parameters" : "the arm's parameters");
    }
  }
  return VJ_OK;
}

static void add_key(vj_sweep_spec *spec, const char *key) {
  for (int64_t i = 0; i < spec->key_count; i++)
    if (strcmp(spec->keys[i], key) == 0) return;
  spec->keys[spec->key_count++] = key;
}

static vj_status gather_keys(vj_pool *pool, vj_sweep_spec *spec) {
  const int64_t arms = spec->arms ? spec->arms->count : 0;
  int64_t most = spec->axis_count;
  for (int64_t a = 0; a < arms; a++) most += spec->arms->items[a]->count;
  spec->keys = vj_pool_take(pool, (size_t)most * sizeof *spec->keys);
  if (!spec->keys) return fail_memory("the keys");
  for (int64_t a = 0; a < arms; a++) {
    const vj_yaml *arm = spec->arms->items[a];
    for (int64_t k = 0; k < arm->count; k++)
      if (strcmp(arm->keys[k]->text, own_parameters) != 0) add_key(spec, arm->keys[k]->text);
  }
  spec->arm_key_count = spec->key_count;
  for (int64_t i = 0; i < spec->axis_count; i++) add_key(spec, spec->axes[i].key);
  return VJ_OK;
}

/* --- parameters that know of each other -------------------------------------------------------------------------- */

/* Whether some trial may have both. */
static bool can_meet(const vj_axis *one, const vj_axis *other) {
  return vj_axis_is_of(one, other->arm) || vj_axis_is_of(other, one->arm);
}

/* A later parameter's whole map would replace what an earlier one set inside it; and nothing is set twice. */
static vj_status check_overwriting(const vj_sweep_spec *spec, int64_t i) {
  const vj_axis *axis = &spec->axes[i];
  for (int64_t j = 0; j < i; j++) {
    if (!can_meet(axis, &spec->axes[j])) continue;
    if (strcmp(spec->axes[j].key, axis->key) == 0)
      return vj_fail_node(axis->key_node, axis->path, "it is under sweep.parameters too; write it in one place");
    if (vj_key_is_inside(spec->axes[j].key, axis->key))
      return vj_fail_node(axis->key_node, axis->path, "it would replace \"%s\" above it; write it before that",
                          spec->axes[j].key);
  }
  return VJ_OK;
}

static bool can_match(const vj_axis *axis, const vj_yaml *wanted) {
  const int64_t count = axis->choices ? axis->choices->count : axis->count;
  for (int64_t v = 0; v < count; v++)
    if (vj_condition_matches(wanted, axis->choices ? axis->choices->items[v] : axis->values[v])) return true;
  return false;
}

/* One key of a condition: it must be decided before the parameter is, and have some hope of being met. */
static vj_status check_condition_key(vj_sweep_spec *spec, int64_t i, int64_t k) {
  const vj_axis *axis = &spec->axes[i];
  const vj_yaml *key = axis->when->keys[k], *wanted = axis->when->items[k];
  char path[PATH_BYTES];
  snprintf(path, sizeof path, "%s.when", axis->path);
  if (strcmp(key->text, "seed") == 0)
    return vj_fail_node(key, path, "every trial runs with all seeds; a parameter cannot depend on them");
  for (int64_t j = 0; j < spec->axis_count; j++) {
    const vj_axis *other = &spec->axes[j];
    if (!can_meet(axis, other) || !vj_keys_touch(key->text, other->key)) continue;
    if (j == i) return vj_fail_node(key, path, "\"%s\" is set by the parameter itself", key->text);
    if (j > i)
      return vj_fail_node(key, path, "\"%s\" is set by a parameter below; write \"%s\" behind it", key->text,
                          axis->key);
    if (other->drawn || spec->by_chance[j]) spec->by_chance[i] = true;
    const bool has_only_these = !other->when && !other->with && (!other->drawn || other->choices);
    if (strcmp(key->text, other->key) == 0 && has_only_these && !can_match(other, wanted))
      return vj_fail_node(wanted, path, "\"%s\" never has this value, so \"%s\" would never be set", key->text,
                          axis->key);
  }
  return VJ_OK;
}

static vj_status check_condition(vj_sweep_spec *spec, int64_t i) {
  for (int64_t k = 0; spec->axes[i].when && k < spec->axes[i].when->count; k++) VJ_TRY(check_condition_key(spec, i, k));
  return VJ_OK;
}

static vj_status find_partner(vj_sweep_spec *spec, int64_t i) {
  const vj_axis *axis = &spec->axes[i], *other = NULL;
  int64_t j = 0;
  spec->partner[i] = -1;
  if (!axis->with) return VJ_OK;
  while (j < i && (!can_meet(axis, &spec->axes[j]) || strcmp(spec->axes[j].key, axis->with->text) != 0)) j++;
  if (j == i)
    return vj_fail_node(axis->with, axis->path,
                        "with: expected the key of a parameter that is written above, got \"%s\"", axis->with->text);
  other = &spec->axes[j];
  if (other->drawn)
    return vj_fail_node(axis->with, axis->path,
                        "with: \"%s\" is sampled; only lists and ranges walk together, samples do so anyway",
                        other->key);
  if (other->count != axis->count)
    return vj_fail_node(axis->with, axis->path,
                        "it has %lld value%s, but \"%s\", with which it walks, has %lld; give both as many",
                        (long long)axis->count, axis->count == 1 ? "" : "s", other->key, (long long)other->count);
  spec->partner[i] = j;
  spec->by_chance[i] = spec->by_chance[j];
  return VJ_OK;
}

/* --- samples ---------------------------------------------------------------------------------------------------- */

static vj_status read_method(vj_pool *pool, vj_sweep_spec *spec) {
  const vj_param row = {.name = "method", .type = VJ_PARAM_CHOICE, .choices = VJ_METHOD_CHOICES};
  const vj_yaml *method = vj_yaml_get(spec->sweep, "method");
  spec->method = VJ_METHOD_GRID;
  return method ? vj_value_read(pool, &row, method, "sweep.method", &spec->method) : VJ_OK;
}

static vj_status check_grid(const vj_sweep_spec *spec) {
  static const char *const keys[] = {"samples", "sampling_seed", "skip"};
  for (int64_t i = 0; i < spec->axis_count; i++) {
    const vj_axis *axis = &spec->axes[i];
    const bool lacks_n = axis->drawn && strcmp(axis->drawn->text, "log") == 0;
    if (axis->drawn)
      return vj_fail_node(axis->drawn, axis->path,
                          "%s%s is sampled; set sweep.method to random, sobol, halton or latin_hypercube, or %s",
                          axis->drawn->text, lacks_n ? " without n" : "", lacks_n ? "add n: count" : "list values");
  }
  for (size_t i = 0; i < VJ_COUNT(keys); i++)
    if (vj_yaml_get(spec->sweep, keys[i]))
      return vj_fail_node(vj_yaml_get_key(spec->sweep, keys[i]), "sweep",
                          "\"%s\" is not for the grid; set sweep.method to random, sobol, halton or latin_hypercube",
                          keys[i]);
  return VJ_OK;
}

static vj_status read_skip(vj_pool *pool, vj_sweep_spec *spec) {
  const vj_param row = {.name = "skip", .type = VJ_PARAM_INTEGER, .minimum = 0, .maximum = VJ_MOST_TRIALS};
  const vj_yaml *skip = vj_yaml_get(spec->sweep, "skip");
  if (!skip) return VJ_OK;
  if (spec->method == VJ_METHOD_LATIN_HYPERCUBE)
    return vj_fail_node(skip, "sweep.skip", "a latin_hypercube of more samples is another one; use sobol or random");
  return vj_value_read(pool, &row, skip, "sweep.skip", &spec->skip);
}

static vj_status read_samples(vj_pool *pool, vj_sweep_spec *spec) {
  const vj_param many = {.name = "samples", .type = VJ_PARAM_INTEGER, .minimum = 1, .maximum = VJ_MOST_TRIALS};
  const vj_param seed = {.name = "sampling_seed", .type = VJ_PARAM_INTEGER, .minimum = 0, .maximum = INFINITY};
  const vj_yaml *samples = vj_yaml_get(spec->sweep, "samples");
  const vj_yaml *sampling_seed = vj_yaml_get(spec->sweep, "sampling_seed");
  if (!samples)
    return vj_fail_node(spec->sweep, "sweep", "missing key \"samples\" (how often the sampled parameters are drawn)");
  VJ_TRY(vj_value_read(pool, &many, samples, "sweep.samples", &spec->sample_count));
  VJ_TRY(read_skip(pool, spec));
  return sampling_seed ? vj_value_read(pool, &seed, sampling_seed, "sweep.sampling_seed", &spec->sampling_seed) : VJ_OK;
}

/* The dimension of the first sampled parameter that an arm alone has, or of the first behind all of its own. */
static int64_t dimensions_of(const vj_sweep_spec *spec, int64_t arm, bool with_own) {
  int64_t count = 0;
  for (int64_t i = 0; i < spec->axis_count; i++)
    count += spec->axes[i].drawn && (spec->axes[i].arm < 0 || (with_own && spec->axes[i].arm == arm));
  return count;
}

static int64_t most_dimensions(const vj_sweep_spec *spec) {
  int64_t most = dimensions_of(spec, -1, false);
  for (int64_t a = 0; spec->arms && a < spec->arms->count; a++) {
    const int64_t of_arm = dimensions_of(spec, a, true);
    if (of_arm > most) most = of_arm;
  }
  return most;
}

/* The parameters of all arms have the first dimensions, and behind them those of each arm begin anew. */
static vj_status draw(vj_pool *pool, vj_sweep_spec *spec, int64_t dimensions) {
  double *points = NULL;
  const int64_t count = spec->skip + spec->sample_count, shared = dimensions_of(spec, -1, false);
  VJ_TRY(vj_allocate((size_t)(count * dimensions), sizeof *points, "samples", &points));
  vj_status status = vj_sampler_draw((vj_method)spec->method, (uint64_t)spec->sampling_seed, count, dimensions, points);
  int64_t d = 0;
  for (int64_t i = 0; i < spec->axis_count && status == VJ_OK; i++) {
    vj_axis *axis = &spec->axes[i];
    if (i > 0 && axis->arm != spec->axes[i - 1].arm) d = shared;
    if (axis->drawn)
      status = vj_axis_draw(pool, points + spec->skip * dimensions + d++, dimensions, spec->sample_count, axis);
  }
  free(points);
  return status;
}

static vj_status read_sampling(vj_pool *pool, vj_sweep_spec *spec) {
  const vj_yaml *method = vj_yaml_get(spec->sweep, "method");
  spec->sample_count = 1;
  if (spec->method == VJ_METHOD_GRID) return check_grid(spec);
  const int64_t dimensions = most_dimensions(spec), most = vj_sampler_most_dimensions((vj_method)spec->method);
  if (dimensions == 0)
    return vj_fail_node(method, "sweep.method",
                        "no parameter is sampled; write one as uniform, log without n, integer, log_integer or choice, "
                        "or leave method out");
  if (dimensions > most)
    return vj_fail_node(
        method, "sweep.method",
        "%s has at most %lld dimensions, and %lld parameters are sampled; use random or latin_hypercube", method->text,
        (long long)most, (long long)dimensions);
  VJ_TRY(read_samples(pool, spec));
  return draw(pool, spec, dimensions);
}

vj_status vj_sweep_spec_read(vj_pool *pool, const vj_yaml *root, vj_sweep_spec *spec) {
  static const char *const names[] = {"method", "parameters", "samples",  "sampling_seed", "seeds",
                                      "select", "skip",       "stopping", "trials"};
  *spec = (vj_sweep_spec){.sweep = vj_yaml_get(root, "sweep"), .base = vj_yaml_shallow(pool, root)};
  if (!spec->base) return fail_memory("the base");
  vj_yaml_remove(spec->base, "sweep");
  VJ_TRY(vj_keys_check(spec->sweep, "sweep", names, VJ_COUNT(names)));
  VJ_TRY(vj_criterion_read(pool, spec->sweep, &spec->criterion));
  VJ_TRY(vj_stopping_read(pool, spec->sweep, &spec->stopping));
  VJ_TRY(read_method(pool, spec));
  VJ_TRY(read_arms(spec));
  VJ_TRY(read_axes(pool, spec));
  for (int64_t a = 0; spec->arms && a < spec->arms->count; a++) VJ_TRY(check_arm(spec, a));
  for (int64_t i = 0; i < spec->axis_count; i++) {
    VJ_TRY(check_overwriting(spec, i));
    VJ_TRY(check_condition(spec, i));
    VJ_TRY(find_partner(spec, i));
  }
  VJ_TRY(read_sampling(pool, spec));
  VJ_TRY(vj_seeds_read(pool, root, vj_yaml_get(spec->sweep, "seeds"), VJ_MOST_TRIALS, &spec->seeds, &spec->seed_count));
  return gather_keys(pool, spec);
}
