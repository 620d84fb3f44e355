#include "analysis/statistics/importance.h"

#include <math.h>
#include <stdlib.h>

#include "analysis/statistics/importance_forest.h"
#include "analysis/statistics/importance_table.h"
#include "analysis/statistics/summary.h"
#include "vj/memory.h"

enum { BOOTSTRAP_SAMPLES = 200, TREES = 64 };

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
  const double mean = vj_summary_of(design->response, design->count).mean;
  double all = 0, within = 0;
  bool repeats = false;
  for (int64_t i = 0; i < design->count; i++) {
    vj_summary same = VJ_SUMMARY_NONE;
    for (int64_t k = 0; k < design->count; k++)
      if (same_cell(design, i, k)) vj_summary_add(&same, design->response[k]);
    const double from_same = design->response[i] - same.mean, from_all = design->response[i] - mean;
    repeats = repeats || same.count > 1;
    within += from_same * from_same;
    all += from_all * from_all;
  }
  return repeats && all > 0 ? within / all : NAN;
}

/* --- shares and their spread ----------------------------------------------------------------------------------- */

/* Mean and standard deviation of what `splits` have at one place. */
static vj_share gather(const vj_split_of_variance *splits, int count, int f, int g) {
  vj_summary s = VJ_SUMMARY_NONE;
  for (int r = 0; r < count; r++)
    if (splits[r].total > 0) vj_summary_add(&s, g < 0 ? splits[r].main[f] : splits[r].pair[f][g]);
  return (vj_share){s.mean, s.deviation};
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
  *importance = (vj_importance){.within = share_within(design)};
  VJ_TRY(is_full(design, cells, &importance->is_exact));
  const bool exact = importance->is_exact;
  importance->repeats = exact ? BOOTSTRAP_SAMPLES : TREES;
  VJ_TRY(vj_allocate((size_t)importance->repeats, sizeof *splits, "shares of variance", &splits));
  const vj_status status = exact ? vj_importance_by_table(design, cells, importance->repeats, splits, &plain)
                                 : vj_importance_by_forest(design, importance->repeats, splits);
  if (status == VJ_OK) set_shares(design, splits, importance->repeats, exact ? &plain : NULL, importance);
  if (exact && cells == design->count) forget_deviations(design, importance);
  free(splits);
  return status;
}
