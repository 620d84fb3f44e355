#include "analysis/results/collapse.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "analysis/statistics/summary.h"
#include "framework/config/nodes.h"

const vj_collapse_threshold vj_collapse_spread = {0.2, 0.33}, vj_collapse_rankme = {0.1, 0.25},
                            vj_collapse_alpha = {1.75, 1.4}, vj_collapse_first_share = {0.95, 0.8};

enum { FIRST_SHARE = 20 /* one component of so many, at least one */ };

/* --- grades ---------------------------------------------------------------------------------------------------- */

static vj_collapse_grade below(double value, vj_collapse_threshold threshold) {
  return isnan(value)               ? VJ_COLLAPSE_UNKNOWN
         : value < threshold.yes    ? VJ_COLLAPSE_YES
         : value < threshold.partly ? VJ_COLLAPSE_PARTLY
                                    : VJ_COLLAPSE_NO;
}

static vj_collapse_grade above(double value, vj_collapse_threshold threshold) {
  return below(-value, (vj_collapse_threshold){-threshold.yes, -threshold.partly});
}

/* The second worst, which one measure alone can't reach; of one, its own. */
static vj_collapse_grade second(vj_collapse_grade a, vj_collapse_grade b, vj_collapse_grade c) {
  const vj_collapse_grade high = a > b ? a : b, low = a > b ? b : a;
  const vj_collapse_grade middle = c > high ? high : c > low ? c : low, worst = c > high ? c : high;
  return middle == VJ_COLLAPSE_UNKNOWN ? worst : middle;
}

void vj_collapse_grade_of(vj_collapse *c) {
  c->complete = below(c->spread, vj_collapse_spread);
  c->dimensional = second(below(c->rankme, vj_collapse_rankme), above(c->alpha, vj_collapse_alpha),
                          above(c->first_share, vj_collapse_first_share));
}

const char *vj_collapse_word(const vj_collapse *c) {
  static const char *const words[][VJ_COLLAPSE_YES + 1] = {
      /* dimensional:          unknown            no                 partly                         yes */
      [VJ_COLLAPSE_UNKNOWN] = {"", "not dimensional", "partly dimensional", "dimensional"},
      [VJ_COLLAPSE_NO] = {"not complete", "no", "partly dimensional", "dimensional"},
      [VJ_COLLAPSE_PARTLY] = {"partly complete", "partly complete", "partly both", "dimensional, partly complete"},
      [VJ_COLLAPSE_YES] = {"complete", "complete", "complete, partly dimensional", "both"},
  };
  return words[c->complete][c->dimensional];
}

const char *vj_collapse_note(vj_pool *pool) {
  return vj_pool_format(pool,
                        "collapsed? complete: the median feature of hx varies by less than %g of the variance loss's "
                        "tau or, without one,\n"
                        "of what it did untrained. dimensional: two of RankMe below %g of the largest possible, "
                        "alpha-ReQ above %g, more\n"
                        "than %g of the variance in the first twentieth of the components. partly: %g; %g, %g, %g.\n",
                        vj_collapse_spread.yes, vj_collapse_rankme.yes, vj_collapse_alpha.yes,
                        vj_collapse_first_share.yes, vj_collapse_spread.partly, vj_collapse_rankme.partly,
                        vj_collapse_alpha.partly, vj_collapse_first_share.partly);
}

/* --- measures -------------------------------------------------------------------------------------------------- */

static bool lists(const vj_yaml *node, const char *view) {
  if (!node) return false;
  if (node->kind == VJ_YAML_SCALAR) return strcmp(node->text, view) == 0;
  for (int64_t i = 0; i < node->count; i++)
    if (node->kind == VJ_YAML_LIST && lists(node->items[i], view)) return true;
  return false;
}

static double number_of(const vj_yaml *map, const char *key) {
  const vj_yaml *node = vj_yaml_get(map, key);
  return node && node->kind == VJ_YAML_SCALAR ? strtod(node->text, NULL) : NAN;
}

/* The largest that a variance loss of some weight asks of the view; NaN without one. */
static double tau_of(const vj_results *o, const char *view, int64_t trial) {
  vj_pool *pool = NULL;
  vj_yaml *root = NULL;
  double tau = NAN;
  if (vj_pool_create(&pool) != VJ_OK) return NAN;
  const vj_status status = vj_yaml_read_text(pool, vj_results_text(o, VJ_RECORD_CONFIG, trial), "config", &root);
  const vj_yaml *losses = status == VJ_OK ? vj_yaml_find(root, "losses") : NULL;
  for (int64_t i = 0; losses && losses->kind == VJ_YAML_MAP && i < losses->count; i++) {
    const vj_yaml *loss = losses->items[i], *type = vj_yaml_get(loss, "type");
    if (strcmp(type && type->kind == VJ_YAML_SCALAR ? type->text : losses->keys[i]->text, "variance") != 0) continue;
    if (lists(vj_yaml_get(loss, "on"), view) && number_of(loss, "weight") > 0) tau = fmax(tau, number_of(loss, "tau"));
  }
  vj_pool_destroy(&pool);
  return tau;
}

static const char *name_of(const vj_results *o, const char *view, const char *metric) {
  const char *name = vj_pool_format(o->pool, VJ_NAME_OF_VIEW("%s", "%s"), view, metric);
  return name && vj_sweep_file_find(o->file, name) >= 0 ? name : NULL;
}

/* NaN where it is not recorded, or not of all trials. */
static double mean_of(const vj_results *o, const char *name, int64_t at, int64_t index, int64_t count,
                      const int64_t *trials) {
  const vj_report_column column = {.quantity = name, .at = at, .index = index};
  vj_summary s = VJ_SUMMARY_NONE;
  for (int64_t i = 0; i < count && name; i++) vj_summary_add(&s, vj_results_number(o, &column, trials[i]));
  return s.count && s.count == count ? s.mean : NAN;
}

/* Before the median was recorded, running statistics were not calibrated before step 0 either. */
static void measure_spread(const vj_results *o, const char *view, int64_t count, const int64_t *trials,
                           vj_collapse *c) {
  const char *held = strcmp(view, "hy_pred") == 0 ? "hy" : view;
  const char *median = name_of(o, view, "feature_std_median"), *mean = name_of(o, view, "feature_std");
  const double tau = tau_of(o, held, trials[0]);
  const double reference =
      median ? mean_of(o, name_of(o, held, "feature_std_median"), 0, VJ_REPORT_SCALAR, count, trials) : NAN;
  c->by_tau = isfinite(tau) && tau > 0;
  c->spread =
      mean_of(o, median ? median : mean, VJ_REPORT_LAST, VJ_REPORT_SCALAR, count, trials) / (c->by_tau       ? tau
                                                                                             : reference > 0 ? reference
                                                                                                             : NAN);
}

vj_collapse vj_collapse_of(const vj_results *o, const char *view, int64_t count, const int64_t *trials) {
  vj_collapse c = {.spread = NAN, .rankme = NAN, .alpha = NAN, .first_share = NAN};
  const char *values = name_of(o, view, "singular_values");
  const int64_t largest = count && values ? vj_results_components(o, values, trials[0]) : 0;
  if (!largest) return c;
  measure_spread(o, view, count, trials, &c);
  c.rankme = mean_of(o, name_of(o, view, "rankme"), VJ_REPORT_LAST, VJ_REPORT_SCALAR, count, trials) / (double)largest;
  c.alpha = mean_of(o, name_of(o, view, "alpha_req"), VJ_REPORT_LAST, VJ_REPORT_SCALAR, count, trials);
  c.first_share = mean_of(o, name_of(o, view, "explained_variance"), VJ_REPORT_LAST,
                          (largest + FIRST_SHARE - 1) / FIRST_SHARE - 1, count, trials);
  vj_collapse_grade_of(&c);
  return c;
}
