#include "sweeps/space/range.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "vj/elementary.h"

enum { PATH_BYTES = 512, DIGITS_BETWEEN = 12 };
static const double largest_integer = 1e15; /* doubles still hold every whole number */

static vj_status read_reals(vj_pool *pool, const vj_yaml *ends, const char *path, vj_real_list *list) {
  const vj_param row = {.name = "ends", .type = VJ_PARAM_REAL_LIST, .minimum = -INFINITY, .maximum = INFINITY};
  return vj_value_read(pool, &row, ends, path, list);
}

static vj_status check_integers(vj_pool *pool, const vj_yaml *ends, const char *path, bool is_log) {
  const vj_param row = {.name = "ends",
                        .type = VJ_PARAM_INTEGER_LIST,
                        .minimum = is_log ? 1 : -largest_integer,
                        .maximum = largest_integer};
  vj_integer_list list;
  return vj_value_read(pool, &row, ends, path, &list);
}

/* A whole number beyond 2^53 would lose digits on its way through a double. */
static vj_status check_digits(const vj_yaml *ends, const char *path, const char *key) {
  for (int64_t i = 0; ends->kind == VJ_YAML_LIST && i < ends->count; i++) {
    char *rest = NULL;
    const double number = strtod(ends->items[i]->text, NULL);
    (void)strtoll(ends->items[i]->text, &rest, 10);
    if (!*rest && fabs(number) > largest_integer)
      return vj_fail_node(ends->items[i], path,
                          "%s: whole numbers beyond 1e15 are not counted in ranges; list the values", key);
  }
  return VJ_OK;
}

vj_status vj_range_read(vj_pool *pool, const vj_yaml *map, const char *path, const char *key, vj_range *range) {
  char key_path[PATH_BYTES];
  const vj_yaml *ends = vj_yaml_get(map, key);
  vj_real_list list = {0};
  snprintf(key_path, sizeof key_path, "%s.%s", path, key);
  if (range->is_integer) VJ_TRY(check_integers(pool, ends, key_path, range->is_log));
  VJ_TRY(read_reals(pool, ends, key_path, &list));
  if (list.count != 2)
    return vj_fail_node(ends, path, "%s: expected the two ends of a range, got %lld number%s", key,
                        (long long)list.count, list.count == 1 ? "" : "s");
  if (range->is_log && !(list.at[0] > 0 && list.at[1] > 0))
    return vj_fail_node(ends, path, "log: both ends must be greater than 0; use linear or uniform, or list the values");
  VJ_TRY(check_digits(ends, path, key));
  range->low = list.at[0];
  range->high = list.at[1];
  return VJ_OK;
}

/* `below` parts of the low end and `above` of the high one, of `parts` in all. */
static double between(const vj_range *range, double low, double high, double below, double above, double parts) {
  return range->is_log ? vj_math_pow(10, (vj_math_log10(low) * below + vj_math_log10(high) * above) / parts)
                       : low * (below / parts) + high * (above / parts);
}

static const char *rounded(double number, char text[VJ_REAL_BYTES]) {
  snprintf(text, VJ_REAL_BYTES, "%.*g", DIGITS_BETWEEN, number);
  return vj_real_text(strtod(text, NULL), text);
}

const char *vj_range_point(const vj_range *range, int64_t i, int64_t n, char text[VJ_REAL_BYTES]) {
  const double last = (double)(n - 1), at = (double)i;
  if (i == 0) return vj_real_text(range->low, text);
  if (i == n - 1) return vj_real_text(range->high, text);
  return rounded(between(range, range->low, range->high, last - at, at, last), text);
}

const char *vj_range_draw(const vj_range *range, double u, char text[VJ_REAL_BYTES]) {
  /* Each whole number k takes the room from k to k + 1. */
  const double high = range->is_integer ? range->high + 1 : range->high;
  double number = between(range, range->low, high, 1 - u, u, 1);
  if (range->is_integer) {
    snprintf(text, VJ_REAL_BYTES, "%.0f", fmin(fmax(floor(number), range->low), range->high));
    return text;
  }
  number = strtod(rounded(number, text), NULL);
  return vj_real_text(fmin(fmax(number, range->low), range->high), text);
}

double vj_range_place(const vj_range *range, double number) {
  if (!range->is_log) return (number - range->low) / (range->high - range->low);
  const double low = vj_math_log10(range->low);
  return (vj_math_log10(number) - low) / (vj_math_log10(range->high) - low);
}

bool vj_range_extend(vj_range *range, bool upwards, double least, double most) {
  const double old = upwards ? range->high : range->low, other = upwards ? range->low : range->high;
  double moved = range->is_log ? old * (old / other) : old + (old - other);
  char text[VJ_REAL_BYTES];
  if (range->is_integer) {
    least = fmax(least, range->is_log ? 1 : -largest_integer);
    most = fmin(most, largest_integer);
    moved = range->is_log && !upwards ? ceil(moved) : floor(moved);
  } else {
    moved = strtod(rounded(moved, text), NULL);
  }
  moved = upwards ? fmin(moved, most) : fmax(moved, least);
  if (!isfinite(moved) || (range->is_log && !(moved > 0)) || (upwards ? moved <= old : moved >= old)) return false;
  *(upwards ? &range->high : &range->low) = moved;
  return true;
}
