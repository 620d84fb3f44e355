#include "analysis/statistics/importance.h"

#include <math.h>
#include <stdlib.h>

#include "analysis/statistics/importance_private.h"

enum { BOOTSTRAP_SAMPLES = 200, TREES = 64 };

/* --- combinations of levels ------------------------------------------------------------------------------------ */

int64_t vj_design_cells(const vj_design *design) {
  int64_t cells = 1;
  for (int f = 0; f < design->factor_count; f++) {
    cells *= design->factors[f].levels;
    if (cells > design->count) return -1;
  }
  return cells;
}

int64_t vj_design_cell(const vj_design *design, int64_t trial) {
  int64_t cell = 0;
  for (int f = 0; f < design->factor_count; f++)
    cell = cell * design->factors[f].levels + design->factors[f].level[trial];
  return cell;
}

static bool same_cell(const vj_design *design, int64_t one, int64_t other) {
  for (int f = 0; f < design->factor_count; f++)
    if (design->factors[f].level[one] != design->factors[f].level[other]) return false;
  return true;
}

static vj_status is_full(const vj_design *design, int64_t cells, bool *full) {
  bool *seen = NULL;
  int64_t found = 0;
  *full = false;
  if (cells < 0) return VJ_OK;
  VJ_TRY(vj_allocate((size_t)cells, sizeof *seen, "combinations of levels", &seen));
  for (int64_t i = 0; i < design->count; i++) {
    const int64_t cell = vj_design_cell(design, i);
    found += !seen[cell];
    seen[cell] = true;
  }
  free(seen);
  *full = found == cells;
  return VJ_OK;
}

/* Every trial against the mean of its own combination; quadratic in the trials only where all combinations differ. */
static double share_within(const vj_design *design) {
  double mean = 0, all = 0, within = 0;
  bool repeats = false;
  for (int64_t i = 0; i < design->count; i++) mean += design->response[i] / (double)design->count;
  for (int64_t i = 0; i < design->count; i++) {
    double sum = 0, alike = 0;
    for (int64_t k = 0; k < design->count; k++)
      if (same_cell(design, i, k)) sum += design->response[k], alike++;
    const double from_alike = design->response[i] - sum / alike, from_all = design->response[i] - mean;
    repeats = repeats || alike > 1;
    within += from_alike * from_alike;
    all += from_all * from_all;
  }
  return repeats && all > 0 ? within / all : NAN;
}

static void weigh_levels(const vj_design *design, vj_level_weights *weights) {
  *weights = (vj_level_weights){0};
  for (int f = 0; f < design->factor_count; f++)
    for (int64_t i = 0; i < design->count; i++)
      weights->of[f][design->factors[f].level[i]] += 1 / (double)design->count;
}

/* --- shares and their spread ----------------------------------------------------------------------------------- */

static vj_share no_share(void) { return (vj_share){NAN, NAN}; }

/* Mean and standard deviation of what `splits` have at one place. */
static vj_share gather(const vj_split_of_variance *splits, int count, int f, int g) {
  double sum = 0, squares = 0, used = 0;
  for (int r = 0; r < count; r++) {
    if (!(splits[r].total > 0)) continue;
    const double share = g < 0 ? splits[r].main[f] : splits[r].pair[f][g];
    sum += share;
    squares += share * share;
    used++;
  }
  if (used < 1) return no_share();
  const double mean = sum / used;
  return (vj_share){mean, used > 1 ? sqrt(fmax(0, squares - used * mean * mean) / (used - 1)) : NAN};
}

/* The shares themselves: of the table as it was measured, or the mean of the trees. */
static void set_shares(const vj_design *design, const vj_split_of_variance *splits, int count,
                       const vj_split_of_variance *plain, vj_importance *found) {
  double told = 0;
  const bool varies = !plain || plain->total > 0;
  for (int f = 0; f < design->factor_count; f++) {
    found->main[f] = gather(splits, count, f, -1);
    if (plain) found->main[f].share = varies ? plain->main[f] : NAN;
    told += found->main[f].share;
    for (int g = f + 1; g < design->factor_count; g++) {
      found->pair[f][g] = gather(splits, count, f, g);
      if (plain) found->pair[f][g].share = varies ? plain->pair[f][g] : NAN;
      told += found->pair[f][g].share;
    }
  }
  found->rest = (vj_share){design->factor_count < 3 && plain ? 0 : fmax(0, 1 - told), NAN};
}

/* Combinations that were tried once leave nothing to draw from. */
static void forget_deviations(const vj_design *design, vj_importance *found) {
  for (int f = 0; f < design->factor_count; f++) {
    found->main[f].deviation = NAN;
    for (int g = f + 1; g < design->factor_count; g++) found->pair[f][g].deviation = NAN;
  }
}

vj_status vj_importance_find(const vj_design *design, vj_importance *importance) {
  const int64_t cells = vj_design_cells(design);
  vj_split_of_variance *splits = NULL, plain;
  vj_level_weights weights;
  *importance = (vj_importance){.within = share_within(design)};
  VJ_TRY(is_full(design, cells, &importance->is_exact));
  const bool exact = importance->is_exact;
  importance->repeats = exact ? BOOTSTRAP_SAMPLES : TREES;
  VJ_TRY(vj_allocate((size_t)importance->repeats, sizeof *splits, "shares of variance", &splits));
  weigh_levels(design, &weights);
  const vj_status status = exact ? vj_importance_by_table(design, cells, importance->repeats, splits, &plain)
                                 : vj_importance_by_forest(design, &weights, importance->repeats, splits);
  if (status == VJ_OK) set_shares(design, splits, importance->repeats, exact ? &plain : NULL, importance);
  if (exact && cells == design->count) forget_deviations(design, importance);
  free(splits);
  return status;
}
