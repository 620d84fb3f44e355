#include "engine/axis.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "config/config.h"
#include "config/nodes.h"

enum { MOST_POINTS = 100000, PATH_BYTES = 512, DIGITS_BETWEEN = 12 };

typedef struct vj_range {
  vj_real_list ends;
  int64_t n;
} vj_range;

static const vj_param range_rows[] = {
    VJ_REALS(vj_range, ends, NULL, -INFINITY, INFINITY, "", "the two ends"),
    VJ_INTEGER(vj_range, n, NULL, 2, MOST_POINTS, "", "how many values, the two ends included"),
};

static vj_status fail_axis(const vj_yaml *value, const char *path) {
  char got[VJ_GOT_BYTES];
  return vj_fail_node(value, path,
                      "expected a list of values, {values: [..]}, {log: [low, high], n: count} or "
                      "{linear: [low, high], n: count}, got %s",
                      vj_node_got(value, got));
}

static vj_status read_list(const vj_yaml *list, const char *path, vj_axis *axis) {
  if (list->kind != VJ_YAML_LIST) return fail_axis(list, path);
  if (list->count == 0) return vj_fail_node(list, path, "expected at least one value");
  axis->count = list->count;
  axis->values = (const vj_yaml *const *)list->items;
  return VJ_OK;
}

/* The i-th of n points, as text. */
static void range_point(const double *ends, bool is_log, int64_t i, int64_t n, char text[VJ_REAL_BYTES]) {
  const double last = (double)(n - 1), at = (double)i;
  if (i == 0 || i == n - 1) {
    vj_real_text(ends[i != 0], text);
    return;
  }
  const double between = is_log ? pow(10, (log10(ends[0]) * (last - at) + log10(ends[1]) * at) / last)
                                : ends[0] * ((last - at) / last) + ends[1] * (at / last);
  snprintf(text, VJ_REAL_BYTES, "%.*g", DIGITS_BETWEEN, between);
  vj_real_text(strtod(text, NULL), text);
}

/* Reads one key of the range's map as the row says. */
static vj_status read_key(vj_pool *pool, const vj_yaml *map, const char *path, const char *key, const vj_param *row,
                          void *field) {
  char key_path[PATH_BYTES];
  const vj_yaml *node = vj_yaml_get(map, key);
  snprintf(key_path, sizeof key_path, "%s.%s", path, key);
  if (!node) return vj_fail_node(map, path, "missing key \"%s\" (%s)", key, row->doc);
  VJ_TRY(vj_value_read(pool, row, node, key_path, field));
  return VJ_OK;
}

static vj_status check_range(const vj_yaml *node, const char *path, const char *kind, bool is_log,
                             const vj_real_list *ends) {
  if (ends->count != 2)
    return vj_fail_node(node, path, "%s: expected the two ends of a range, got %lld numbers", kind,
                        (long long)ends->count);
  if (is_log && !(ends->at[0] > 0 && ends->at[1] > 0))
    return vj_fail_node(node, path, "log: both ends must be greater than 0; use linear, or list the values");
  return VJ_OK;
}

static vj_status read_range(vj_pool *pool, const vj_yaml *map, const char *path, bool is_log, vj_axis *axis) {
  const char *kind = is_log ? "log" : "linear";
  const char *const names[] = {kind, "n"};
  vj_range range = {0};
  VJ_TRY(vj_keys_check(map, path, names, VJ_COUNT(names)));
  VJ_TRY(read_key(pool, map, path, kind, &range_rows[0], &range.ends));
  VJ_TRY(read_key(pool, map, path, "n", &range_rows[1], &range.n));
  const vj_yaml *ends = vj_yaml_get(map, kind);
  VJ_TRY(check_range(ends, path, kind, is_log, &range.ends));
  const vj_yaml **values = vj_pool_take(pool, (size_t)range.n * sizeof *values);
  if (!values) return vj_fail(VJ_MEMORY, "%s: no memory for %lld values", path, (long long)range.n);
  for (int64_t i = 0; i < range.n; i++) {
    char text[VJ_REAL_BYTES];
    range_point(range.ends.at, is_log, i, range.n, text);
    const char *kept = vj_pool_text(pool, text);
    values[i] = kept ? vj_yaml_scalar(pool, kept, false, ends) : NULL;
    if (!values[i]) return vj_fail(VJ_MEMORY, "%s: no memory for %lld values", path, (long long)range.n);
  }
  axis->count = range.n;
  axis->values = values;
  return VJ_OK;
}

vj_status vj_axis_read(vj_pool *pool, const vj_yaml *key, const vj_yaml *value, const char *path, vj_axis *axis) {
  static const char *const values_only[] = {"values"};
  static const char *const forms[] = {"values", "log", "linear", "n"};
  *axis = (vj_axis){.key = key->text};
  if (value->kind != VJ_YAML_MAP) return read_list(value, path, axis);
  VJ_TRY(vj_keys_check(value, path, forms, VJ_COUNT(forms)));
  if (vj_yaml_get(value, "log")) return read_range(pool, value, path, true, axis);
  if (vj_yaml_get(value, "linear")) return read_range(pool, value, path, false, axis);
  if (!vj_yaml_get(value, "values")) return fail_axis(value, path);
  VJ_TRY(vj_keys_check(value, path, values_only, VJ_COUNT(values_only)));
  return read_list(vj_yaml_get(value, "values"), path, axis);
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
