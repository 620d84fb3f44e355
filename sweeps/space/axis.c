#include "sweeps/space/axis.h"

#include <stdio.h>
#include <string.h>

#include "framework/config/config.h"
#include "sweeps/space/condition.h"

enum { MOST_POINTS = 100000, PATH_BYTES = 512 };

typedef enum form_kind { LISTED, SPACED, SAMPLED, SPACED_OR_SAMPLED, CHOSEN } form_kind;

/* The ways of writing a parameter, by the key that its map must have. */
typedef struct form {
  const char *name;
  form_kind kind;
  bool is_log, is_integer;
} form;

static const form forms[] = {{"values", LISTED, false, false},  {"log", SPACED_OR_SAMPLED, true, false},
                             {"linear", SPACED, false, false},  {"uniform", SAMPLED, false, false},
                             {"integer", SAMPLED, false, true}, {"log_integer", SAMPLED, true, true},
                             {"choice", CHOSEN, false, false}};

static vj_status fail_axis(const vj_yaml *value, const char *path) {
  char got[VJ_GOT_BYTES];
  return vj_fail_node(value, path,
                      "expected a list of values, or a map with values, log, linear, uniform, integer, log_integer or "
                      "choice, got %s",
                      vj_node_got(value, got));
}

static vj_status check_list(const vj_yaml *list, const char *path) {
  char got[VJ_GOT_BYTES];
  if (list->kind != VJ_YAML_LIST)
    return vj_fail_node(list, path, "expected a list of values, got %s", vj_node_got(list, got));
  if (list->count == 0) return vj_fail_node(list, path, "expected at least one value");
  return VJ_OK;
}

static vj_status read_list(const vj_yaml *list, const char *path, vj_axis *axis) {
  VJ_TRY(check_list(list, path));
  axis->count = list->count;
  axis->values = (const vj_yaml *const *)list->items;
  return VJ_OK;
}

static vj_status fail_memory(const vj_axis *axis, int64_t count) {
  return vj_fail(VJ_MEMORY, "%s: no memory for %lld values", axis->path, (long long)count);
}

/* A number as a value, with the place of what it was made from; NULL when memory is out. */
static const vj_yaml *number_node(vj_pool *pool, const char *text, const vj_yaml *like) {
  const char *kept = vj_pool_text(pool, text);
  return kept ? vj_yaml_scalar(pool, kept, false, like) : NULL;
}

static vj_status read_spaced(vj_pool *pool, const vj_yaml *map, const char *path, const char *name, vj_axis *axis) {
  const vj_param row = {.name = "n", .type = VJ_PARAM_INTEGER, .minimum = 2, .maximum = MOST_POINTS};
  char n_path[PATH_BYTES], text[VJ_REAL_BYTES];
  const vj_yaml *n = vj_yaml_get(map, "n"), *ends = vj_yaml_get(map, name);
  snprintf(n_path, sizeof n_path, "%s.n", path);
  if (!n) return vj_fail_node(map, path, "missing key \"n\" (how many values, the two ends included)");
  VJ_TRY(vj_value_read(pool, &row, n, n_path, &axis->count));
  const vj_yaml **values = vj_pool_take(pool, (size_t)axis->count * sizeof *values);
  if (!values) return fail_memory(axis, axis->count);
  for (int64_t i = 0; i < axis->count; i++) {
    values[i] = number_node(pool, vj_range_point(&axis->range, i, axis->count, text), ends);
    if (!values[i]) return fail_memory(axis, axis->count);
  }
  axis->values = values;
  return VJ_OK;
}

static vj_status check_drawn_range(const vj_yaml *ends, const char *path, const char *name, const vj_range *range) {
  char low[VJ_REAL_BYTES], high[VJ_REAL_BYTES];
  if (range->low < range->high) return VJ_OK;
  return vj_fail_node(ends, path, "%s: expected the lower end and then a higher one, got %s and %s", name,
                      vj_real_text(range->low, low), vj_real_text(range->high, high));
}

static vj_status read_form(vj_pool *pool, const vj_yaml *map, const char *path, const form *as, vj_axis *axis) {
  const vj_yaml *content = vj_yaml_get(map, as->name);
  if (as->kind == LISTED) return read_list(content, path, axis);
  if (axis->drawn) axis->count = 0;
  if (as->kind == CHOSEN) {
    axis->choices = content;
    return check_list(content, path);
  }
  axis->range = (vj_range){.is_log = as->is_log, .is_integer = as->is_integer};
  VJ_TRY(vj_range_read(pool, map, path, as->name, &axis->range));
  if (axis->drawn) return check_drawn_range(content, path, as->name, &axis->range);
  return read_spaced(pool, map, path, as->name, axis);
}

/* The keys that may stand beside the form's own. */
static vj_status check_form_keys(const vj_yaml *map, const char *path, const form *as, bool is_sampled) {
  const bool may_have_n = as->kind == SPACED || as->kind == SPACED_OR_SAMPLED;
  const char *names[4] = {as->name};
  int64_t count = 1;
  if (may_have_n) names[count++] = "n";
  names[count++] = "when";
  if (!is_sampled) names[count++] = "with";
  return vj_keys_check(map, path, names, count);
}

static vj_status read_links(vj_pool *pool, const vj_yaml *map, const char *path, vj_axis *axis) {
  char got[VJ_GOT_BYTES];
  axis->when = vj_yaml_get(map, "when");
  axis->with = vj_yaml_get(map, "with");
  if (axis->when) {
    const char *when_path = vj_pool_format(pool, "%s.when", path);
    if (!when_path) return vj_fail(VJ_MEMORY, "%s: no memory for it", path);
    VJ_TRY(vj_condition_check(axis->when, when_path));
  }
  if (axis->with && (axis->with->kind != VJ_YAML_SCALAR || vj_yaml_is_null(axis->with)))
    return vj_fail_node(axis->with, path, "with: expected the key of another parameter, got %s",
                        vj_node_got(axis->with, got));
  if (axis->with && axis->when)
    return vj_fail_node(vj_yaml_get_key(map, "when"), path,
                        "it exists where \"%s\" does, with which it walks; put when there", axis->with->text);
  return VJ_OK;
}

vj_status vj_axis_read(vj_pool *pool, const vj_yaml *key, const vj_yaml *value, const char *path, vj_axis *axis) {
  const char *names[VJ_COUNT(forms) + 3] = {"n", "when", "with"};
  const form *as = NULL;
  *axis = (vj_axis){.key = key->text, .key_node = key, .path = vj_pool_text(pool, path), .arm = -1};
  if (!axis->path) return vj_fail(VJ_MEMORY, "%s: no memory for it", path);
  if (value->kind == VJ_YAML_LIST) return read_list(value, path, axis);
  if (value->kind != VJ_YAML_MAP) return fail_axis(value, path);
  for (size_t i = 0; i < VJ_COUNT(forms); i++) names[i + 3] = forms[i].name;
  VJ_TRY(vj_keys_check(value, path, names, VJ_COUNT(names)));
  for (size_t i = 0; i < VJ_COUNT(forms) && !as; i++)
    if (vj_yaml_get(value, forms[i].name)) as = &forms[i];
  if (!as) return fail_axis(value, path);
  const bool is_sampled =
      as->kind == SAMPLED || as->kind == CHOSEN || (as->kind == SPACED_OR_SAMPLED && !vj_yaml_get(value, "n"));
  if (is_sampled) axis->drawn = vj_yaml_get_key(value, as->name);
  VJ_TRY(check_form_keys(value, path, as, is_sampled));
  VJ_TRY(read_links(pool, value, path, axis));
  return read_form(pool, value, path, as, axis);
}

vj_status vj_axis_draw(vj_pool *pool, const double *u, int64_t stride, int64_t count, vj_axis *axis) {
  const vj_yaml **values = vj_pool_take(pool, (size_t)count * sizeof *values);
  if (!values) return fail_memory(axis, count);
  for (int64_t i = 0; i < count; i++) {
    char text[VJ_REAL_BYTES];
    const double at = u[i * stride];
    values[i] = axis->choices ? axis->choices->items[(int64_t)(at * (double)axis->choices->count)]
                              : number_node(pool, vj_range_draw(&axis->range, at, text), axis->drawn);
    if (!values[i]) return fail_memory(axis, count);
  }
  axis->values = values;
  axis->count = count;
  return VJ_OK;
}

/* The document's own seed; trials replace it, so that only here a wrong one is noticed. */
static vj_status base_seed(vj_pool *pool, const vj_yaml *root, int64_t *first) {
  const vj_param row = {.name = "seed", .type = VJ_PARAM_INTEGER, .minimum = 0, .maximum = INFINITY};
  const vj_yaml *seed = vj_yaml_get(root, "seed");
  *first = 0;
  if (seed) VJ_TRY(vj_value_read(pool, &row, seed, "seed", first));
  return VJ_OK;
}

static vj_status count_seeds(vj_pool *pool, int64_t first, const vj_yaml *node, int64_t count, const vj_yaml ***seeds) {
  if (first > INT64_MAX - count)
    return vj_fail_node(node, "sweep.seeds", "%lld seeds from %lld on pass the largest seed", (long long)count,
                        (long long)first);
  *seeds = vj_pool_take(pool, (size_t)count * sizeof **seeds);
  if (!*seeds) return vj_fail(VJ_MEMORY, "sweep.seeds: no memory for %lld seeds", (long long)count);
  for (int64_t i = 0; i < count; i++) {
    const char *text = vj_pool_format(pool, "%lld", (long long)(first + i));
    (*seeds)[i] = text ? vj_yaml_scalar(pool, text, false, node) : NULL;
    if (!(*seeds)[i]) return vj_fail(VJ_MEMORY, "sweep.seeds: no memory for %lld seeds", (long long)count);
  }
  return VJ_OK;
}

vj_status vj_seeds_read(vj_pool *pool, const vj_yaml *root, const vj_yaml *node, int64_t most, const vj_yaml ***seeds,
                        int64_t *count) {
  const vj_param one = {.name = "seeds", .type = VJ_PARAM_INTEGER, .minimum = 1, .maximum = (double)most};
  const vj_param many = {.name = "seeds", .type = VJ_PARAM_INTEGER_LIST, .minimum = 0, .maximum = INFINITY};
  vj_integer_list list = {0};
  int64_t first = 0;
  *seeds = NULL;
  *count = 1;
  if (vj_yaml_is_null(node)) return VJ_OK;
  VJ_TRY(base_seed(pool, root, &first));
  if (node->kind != VJ_YAML_LIST) {
    VJ_TRY(vj_value_read(pool, &one, node, "sweep.seeds", count));
    return count_seeds(pool, first, node, *count, seeds);
  }
  VJ_TRY(vj_value_read(pool, &many, node, "sweep.seeds", &list));
  if (list.count == 0) return vj_fail_node(node, "sweep.seeds", "expected at least one seed");
  *count = list.count;
  *seeds = vj_pool_take(pool, (size_t)list.count * sizeof **seeds);
  if (!*seeds) return vj_fail(VJ_MEMORY, "sweep.seeds: no memory for %lld seeds", (long long)list.count);
  for (int64_t i = 0; i < list.count; i++) (*seeds)[i] = node->items[i];
  return VJ_OK;
}
