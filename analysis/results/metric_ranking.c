#include "analysis/results/metric_ranking.h"

#include <math.h>
#include <stdlib.h>

#include "analysis/statistics/difference.h"
#include "analysis/statistics/rank_correlation.h"
#include "vj/param.h"

/* --- measures -------------------------------------------------------------------------------------------------- */

typedef enum preference { HIGH, LOW, NEAR_ONE, SUM_OF_TWO } preference;

static const struct {
  const char *metric; /* of the view, or a whole record */
  preference preferred;
  bool is_whole;
} candidates[] = {
    {"rankme", HIGH, false},
    {"effective_rank", HIGH, false},
    {"lidar", HIGH, false},
    {"alpha_req", NEAR_ONE, false},
    {"nesum", HIGH, false},
    {"clid", SUM_OF_TWO, false},
    {"cluster_learnability", HIGH, false},
    {"intrinsic_dimension", HIGH, false},
    {"feature_std_median", HIGH, false},
    {"correlation", LOW, false},
    {VJ_NAME_OF_VIEW("hy_pred", "centred_cosine"), HIGH, true},
    {VJ_NAME_OF_VIEW("hy_pred", "nmse"), LOW, true},
    {VJ_NAME_OF_VALIDATION("prediction"), LOW, true},
    {VJ_NAME_OF_VALIDATION("loss"), LOW, true},
};

static const char *const words[] = {[HIGH] = "high", [LOW] = "low", [NEAR_ONE] = "near 1", [SUM_OF_TWO] = "high"};

static const char *const parts_of_clid[] = {"cluster_learnability", "intrinsic_dimension"};

/* Done trials of one seed that have the objective. */
typedef struct block {
  int64_t count;
  const int64_t *trials;
  double *objective, *score, *room; /* higher is better */
} block;

static void read_numbers(const vj_results *o, const block *b, const char *name, double *numbers) {
  for (int64_t i = 0; i < b->count; i++) numbers[i] = vj_results_newest(o, name, b->trials[i]);
}

/* Distances from the mean in standard deviations, added. */
static void add_standardised(int64_t count, const double *numbers, double *sums) {
  const vj_summary s = vj_summary_of(numbers, count);
  for (int64_t i = 0; i < count; i++) sums[i] += (numbers[i] - s.mean) / s.deviation;
}

static bool is_there(const vj_results *o, const char *name) { return name && vj_sweep_file_find(o->file, name) >= 0; }

/* The record a candidate is read from, by its place among two. */
static const char *record_of(const vj_results *o, size_t candidate, const char *view, int part) {
  if (candidates[candidate].is_whole) return candidates[candidate].metric;
  const char *metric =
      candidates[candidate].preferred == SUM_OF_TWO ? parts_of_clid[part] : candidates[candidate].metric;
  return vj_pool_format(o->pool, VJ_NAME_OF_VIEW("%s", "%s"), view, metric);
}

static void score(const vj_results *o, size_t candidate, const char *view, const block *b) {
  const preference preferred = candidates[candidate].preferred;
  for (int part = 0; part < (preferred == SUM_OF_TWO ? 2 : 1); part++) {
    double *numbers = preferred == SUM_OF_TWO ? b->room : b->score;
    read_numbers(o, b, record_of(o, candidate, view, part), numbers);
    if (preferred != SUM_OF_TWO) break;
    for (int64_t i = 0; i < b->count && part == 0; i++) b->score[i] = 0;
    add_standardised(b->count, numbers, b->score);
  }
  for (int64_t i = 0; i < b->count; i++)
    b->score[i] = preferred == LOW ? -b->score[i] : preferred == NEAR_ONE ? -fabs(b->score[i] - 1) : b->score[i];
}

/* --- ranking --------------------------------------------------------------------------------------------------- */

static int64_t highest(int64_t count, const double *numbers) {
  int64_t best = 0;
  for (int64_t i = 1; i < count; i++)
    if (numbers[i] > numbers[best]) best = i;
  return best;
}

/* The next seed's trials, in the order of the sweep; false when there is none. `taken` are those seen. */
static bool next_block(const vj_results *o, const vj_report_column *objective, bool *taken, int64_t *trials, block *b) {
  const double sign = objective->best == VJ_BEST_LOW ? -1 : 1;
  int64_t first = 0;
  while (first < o->trials && taken[first]) first++;
  b->count = 0, b->trials = trials;
  for (int64_t i = first; i < o->trials; i++) {
    if (taken[i] || o->seed[i] != o->seed[first]) continue;
    taken[i] = true;
    const double figure = vj_results_final(o, objective, i);
    if (!isfinite(figure)) continue;
    b->objective[b->count] = sign * figure;
    trials[b->count++] = i;
  }
  return first < o->trials;
}

/* Of one block: its correlation, if there is one, and what is picked. */
static void rank_block(const vj_results *o, size_t candidate, const char *view, const block *b, double sign,
                       vj_metric_rank *rank, vj_summary *correlations, vj_summary *picked) {
  score(o, candidate, view, b);
  const double correlation = vj_rank_correlation(b->count, b->score, b->objective);
  if (isnan(correlation)) return;
  const int64_t liked = highest(b->count, b->score);
  vj_summary_add(correlations, correlation);
  vj_summary_add(picked, sign * b->objective[liked]);
  rank->hits += b->objective[liked] == b->objective[highest(b->count, b->objective)];
}

static int best_first(const void *a, const void *b) {
  const double x = ((const vj_metric_rank *)a)->correlation, y = ((const vj_metric_rank *)b)->correlation;
  if (isnan(x) || isnan(y)) return isnan(x) - isnan(y);
  return (x < y) - (x > y);
}

static bool is_recorded(const vj_results *o, size_t candidate, const char *view) {
  const bool is_sum = candidates[candidate].preferred == SUM_OF_TWO;
  return is_there(o, record_of(o, candidate, view, 0)) && (!is_sum || is_there(o, record_of(o, candidate, view, 1)));
}

typedef struct seed_sums {
  vj_summary correlations[VJ_COUNT(candidates)], picked[VJ_COUNT(candidates)], best, mean;
} seed_sums;

static void add_block(const vj_results *o, const char *view, const block *b, vj_metric_ranking *r, seed_sums *sums) {
  const double sign = r->objective->best == VJ_BEST_LOW ? -1 : 1;
  if (b->count < 3) return;
  r->seeds++;
  r->trials += b->count;
  vj_summary_add(&sums->best, sign * b->objective[highest(b->count, b->objective)]);
  vj_summary_add(&sums->mean, sign * vj_summary_of(b->objective, b->count).mean);
  for (size_t c = 0; c < VJ_COUNT(candidates); c++)
    if (r->at[c].name) rank_block(o, c, view, b, sign, &r->at[c], &sums->correlations[c], &sums->picked[c]);
}

/* Of those recorded alone, the best first. */
static void finish(vj_metric_ranking *r, const seed_sums *sums) {
  r->best = sums->best.mean, r->mean = sums->mean.mean;
  for (size_t c = 0; c < VJ_COUNT(candidates); c++) {
    const vj_mean_difference d = vj_paired_difference(&sums->correlations[c]);
    if (!r->at[c].name) continue;
    vj_metric_rank *rank = &r->at[r->count++];
    *rank = r->at[c];
    rank->seeds = sums->correlations[c].count;
    rank->correlation = d.mean;
    rank->low = fmax(-1, d.low) + 0 * d.low; /* NaN stays */
    rank->high = fmin(1, d.high) + 0 * d.high;
    rank->picked = sums->picked[c].mean;
  }
  qsort(r->at, (size_t)r->count, sizeof *r->at, best_first);
}

vj_status vj_metric_ranking_make(const vj_results *o, const vj_report_column *objective, const char *view,
                                 vj_metric_ranking *r) {
  const size_t most = (size_t)o->trials + 1;
  block b = {.objective = vj_pool_take(o->pool, most * sizeof(double)),
             .score = vj_pool_take(o->pool, most * sizeof(double)),
             .room = vj_pool_take(o->pool, most * sizeof(double))};
  bool *taken = vj_pool_take(o->pool, most * sizeof *taken);
  int64_t *trials = vj_pool_take(o->pool, most * sizeof *trials);
  seed_sums *all = vj_pool_take(o->pool, sizeof *all);
  *r = (vj_metric_ranking){.objective = objective, .at = vj_pool_take(o->pool, VJ_COUNT(candidates) * sizeof *r->at)};
  if (!b.objective || !b.score || !b.room || !taken || !trials || !all || !r->at)
    return vj_fail(VJ_MEMORY, "no memory for a ranking of metrics");
  all->best = all->mean = VJ_SUMMARY_NONE;
  for (size_t c = 0; c < VJ_COUNT(candidates); c++) {
    all->correlations[c] = all->picked[c] = VJ_SUMMARY_NONE;
    if (!is_recorded(o, c, view)) continue;
    r->at[c].prefers = words[candidates[c].preferred];
    r->at[c].name = candidates[c].is_whole
                        ? candidates[c].metric
                        : vj_pool_format(o->pool, VJ_NAME_OF_VIEW("%s", "%s"), view, candidates[c].metric);
  }
  while (next_block(o, objective, taken, trials, &b)) add_block(o, view, &b, r, all);
  finish(r, all);
  return VJ_OK;
}
