#include "analysis/report/swept_parameters.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "analysis/statistics/summary.h"
#include "framework/config/nodes.h"
#include "vj/param.h"

enum { MOST_BINS = 16, FEWEST_TRIALS = 4 };

static vj_status no_memory(void) { return vj_fail(VJ_MEMORY, "no memory for what a sweep varies"); }

const char *vj_swept_parameter_text(const vj_swept_parameter *factor, int64_t value) {
  return value < 0 ? "not set" : factor->texts[value];
}

/* --- values ------------------------------------------------------------------------------------------------------ */

static vj_status number_values(const vj_results *o, vj_swept_parameter *factor, int64_t *value_of) {
  for (int64_t i = 0; i < o->trials; i++) {
    const double number = vj_results_setting_number(o, factor->setting, i);
    if (isfinite(number)) factor->values[factor->count++] = number;
  }
  qsort(factor->values, (size_t)factor->count, sizeof *factor->values, vj_ascending);
  int64_t kept = 0;
  for (int64_t i = 0; i < factor->count; i++)
    if (kept == 0 || factor->values[i] > factor->values[kept - 1]) factor->values[kept++] = factor->values[i];
  factor->count = kept;
  for (int64_t i = 0; i < o->trials; i++) {
    const double number = vj_results_setting_number(o, factor->setting, i);
    const double *found = bsearch(&number, factor->values, (size_t)kept, sizeof number, vj_ascending);
    value_of[i] = isfinite(number) && found ? found - factor->values : -1;
  }
  for (int64_t k = 0; k < kept; k++)
    if (!(factor->texts[k] = vj_pool_format(o->pool, kept > MOST_BINS ? "%.4g" : "%g", factor->values[k])))
      return no_memory();
  return VJ_OK;
}

static vj_status text_values(const vj_results *o, vj_swept_parameter *factor, int64_t *value_of) {
  for (int64_t i = 0; i < o->trials; i++) {
    const char *text =
        factor->setting < 0 ? vj_results_text(o, VJ_RECORD_ARM, i) : vj_results_setting(o, factor->setting, i);
    value_of[i] = -1;
    if (!text[0]) continue;
    int64_t k = 0;
    while (k < factor->count && strcmp(factor->texts[k], text) != 0) k++;
    if (k == factor->count) {
      factor->values[k] = (double)k;
      factor->texts[factor->count++] = text;
    }
    value_of[i] = k;
  }
  return VJ_OK;
}

/* Whether factors between neighbours are about equal, and add up to something. */
static bool lies_evenly_in_log(const vj_swept_parameter *factor) {
  double least = INFINITY, most = 0;
  if (factor->count < 2 || factor->values[0] <= 0) return false;
  for (int64_t k = 1; k < factor->count; k++) {
    const double ratio = factor->values[k] / factor->values[k - 1];
    least = fmin(least, ratio);
    most = fmax(most, ratio);
  }
  return most <= 1.3 * least && factor->values[factor->count - 1] / factor->values[0] >= (factor->count > 2 ? 3.9 : 10);
}

static bool is_log(const vj_swept_parameter *factor, const vj_yaml *spec) {
  if (!factor->is_number || factor->count < 2 || factor->values[0] <= 0) return false;
  if (spec && spec->kind == VJ_YAML_MAP && (vj_yaml_get(spec, "log") || vj_yaml_get(spec, "log_integer"))) return true;
  return lies_evenly_in_log(factor);
}

/* --- which keys -------------------------------------------------------------------------------------------------- */

/* "losses.variance.weight" -> "variance.weight", unless another key would look the same. */
static const char *label_of(const vj_results *o, const char *key) {
  const char *dot = strchr(key, '.');
  if (!dot) return key;
  for (int s = 0; s < o->setting_count; s++) {
    const char *other = vj_results_setting_key(o, s), *other_dot = strchr(other, '.');
    if (strcmp(other, key) != 0 && other_dot && strcmp(other_dot, dot) == 0) return key;
  }
  return dot + 1;
}

static vj_status add_factor(const vj_results *o, vj_swept_parameters *found, int setting, const char *key,
                            const char *label, const vj_yaml *spec) {
  const size_t trials = (size_t)o->trials;
  vj_swept_parameter factor = {.key = key, .label = label, .setting = setting};
  int64_t *value_of = vj_pool_take(o->pool, trials * sizeof *value_of);
  factor.values = vj_pool_take(o->pool, trials * sizeof *factor.values);
  factor.texts = vj_pool_take(o->pool, trials * sizeof *factor.texts);
  if (!value_of || !factor.values || !factor.texts || !label) return no_memory();
  factor.is_number = setting >= 0 && vj_results_setting_is_number(o, setting);
  VJ_TRY(factor.is_number ? number_values(o, &factor, value_of) : text_values(o, &factor, value_of));
  bool partly_set = false;
  for (size_t i = 0; i < trials; i++) partly_set = partly_set || value_of[i] < 0;
  if (factor.count + partly_set < 2) return VJ_OK;
  if (found->count == VJ_MOST_FACTORS) {
    found->left_out++;
    return VJ_OK;
  }
  factor.value_of = value_of;
  factor.is_log = is_log(&factor, spec);
  found->list[found->count++] = factor;
  return VJ_OK;
}

/* The label of a key with those of the keys that walk with it. */
static const char *linked_label(const vj_results *o, const vj_yaml *parameters, const char *key) {
  const char *label = label_of(o, key);
  for (int64_t i = 0; parameters && i < parameters->count && label; i++) {
    const vj_yaml *with = vj_yaml_get(parameters->items[i], "with");
    if (with && with->kind == VJ_YAML_SCALAR && strcmp(with->text, key) == 0)
      label = vj_pool_format(o->pool, "%s + %s", label, label_of(o, parameters->keys[i]->text));
  }
  return label;
}

vj_status vj_swept_parameters_find(const vj_results *o, vj_swept_parameters *found) {
  const char *text = vj_sweep_file_attribute(o->file, VJ_ATTRIBUTE_SWEEP_YAML);
  vj_yaml *root = NULL;
  found->list = vj_pool_take(o->pool, VJ_MOST_FACTORS * sizeof *found->list);
  if (!found->list) return no_memory();
  if (text) VJ_TRY(vj_yaml_read_text(o->pool, text, "sweep.yaml", &root));
  const vj_yaml *parameters = root ? vj_yaml_find(root, "sweep.parameters") : NULL;
  if (parameters && parameters->kind != VJ_YAML_MAP) parameters = NULL;
  if (o->has_arms) VJ_TRY(add_factor(o, found, -1, "arm", "arm", NULL));
  for (int s = 0; s < o->setting_count; s++) {
    const char *key = vj_results_setting_key(o, s);
    const vj_yaml *spec = parameters ? vj_yaml_get(parameters, key) : NULL;
    if (o->has_arms && !spec) continue;
    if (spec && spec->kind == VJ_YAML_MAP && vj_yaml_get(spec, "with")) continue;
    VJ_TRY(add_factor(o, found, s, key, linked_label(o, parameters, key), spec));
  }
  return VJ_OK;
}

/* --- importance -------------------------------------------------------------------------------------------------- */

/* Values become levels: many numbers are put into bins of about as many values each; "not set" is a level of its own,
 * before all others. */
static int level_of(const vj_swept_parameter *factor, int64_t trial) {
  const int64_t value = factor->value_of[trial], most = factor->is_number ? MOST_BINS : VJ_MOST_LEVELS - 1;
  if (value < 0) return 0;
  if (factor->count <= most) return 1 + (int)value;
  return 1 + (int)(factor->is_number ? value * most / factor->count : value < most ? value : most - 1);
}

/* Levels that no trial has are closed up. */
static void close_up(int *level, int64_t count, vj_design_factor *of) {
  int present[VJ_MOST_LEVELS + 1] = {0};
  for (int64_t i = 0; i < count; i++) present[level[i]] = 1;
  of->levels = 0;
  for (int l = 0; l <= VJ_MOST_LEVELS; l++)
    if (present[l]) present[l] = ++of->levels;
  for (int64_t i = 0; i < count; i++) level[i] = present[level[i]] - 1;
  of->level = level;
}

static vj_status weigh(vj_swept_parameters *found, const int64_t *trials, const double *response, int64_t count) {
  vj_design_factor design_factors[VJ_MOST_FACTORS] = {{0}};
  int *levels;
  VJ_TRY(vj_allocate((size_t)(count * found->count), sizeof *levels, "what mattered", &levels));
  for (int k = 0; k < found->count; k++) {
    int *level = levels + k * count;
    for (int64_t i = 0; i < count; i++) level[i] = level_of(&found->list[k], trials[i]);
    design_factors[k].is_ordered = found->list[k].is_number;
    close_up(level, count, &design_factors[k]);
  }
  const vj_design design = {found->count, design_factors, count, response};
  const vj_status status = vj_importance_find(&design, &found->importance);
  free(levels);
  return status;
}

static bool order_by_importance(vj_swept_parameters *found) {
  bool moved = false;
  for (int i = 1; i < found->count; i++)
    for (int k = i; k > 0 && found->importance.main[k].share > found->importance.main[k - 1].share; k--) {
      const vj_swept_parameter factor = found->list[k];
      const vj_share share = found->importance.main[k];
      found->list[k] = found->list[k - 1];
      found->list[k - 1] = factor;
      found->importance.main[k] = found->importance.main[k - 1];
      found->importance.main[k - 1] = share;
      moved = true;
    }
  return moved;
}

vj_status vj_swept_parameters_weigh(const vj_results *o, const vj_report_column *objective,
                                    vj_swept_parameters *found) {
  int64_t *trials = vj_pool_take(o->pool, (size_t)o->trials * sizeof *trials), count = 0;
  double *response = vj_pool_take(o->pool, (size_t)o->trials * sizeof *response);
  if (!trials || !response) return no_memory();
  for (int64_t i = 0; i < o->trials && objective->quantity; i++) {
    const double value = vj_results_final(o, objective, i);
    if (!isfinite(value)) continue;
    trials[count] = i;
    response[count++] = value;
  }
  if (found->count < 2 || count < FEWEST_TRIALS) return VJ_OK;
  VJ_TRY(weigh(found, trials, response, count));
  if (order_by_importance(found)) VJ_TRY(weigh(found, trials, response, count));
  found->has_importance = isfinite(found->importance.main[0].share);
  return VJ_OK;
}
