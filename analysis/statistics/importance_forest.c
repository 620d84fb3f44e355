#include "analysis/statistics/importance_forest.h"

#include <stdlib.h>

#include "vj/memory.h"
#include "vj/rng.h"

enum { LEAST_IN_LEAF = 2 };

typedef uint64_t level_set; /* bit l: level l is in it */

typedef struct leaf {
  double value;
  level_set set[VJ_MOST_FACTORS];
} leaf;

typedef struct tree {
  const vj_design *design;
  int64_t *trials; /* drawn with replacement; a node's lie side by side */
  int64_t count, leaf_count;
  leaf *leaves; /* [count] */
} tree;

/* --- growing --------------------------------------------------------------------------------------------------- */

typedef struct cut {
  int factor; /* -1: none is worth it */
  level_set left;
  double gain;
} cut;

/* What a node has of each level of a factor. */
typedef struct tally {
  int levels, order[VJ_MOST_LEVELS];
  double sum[VJ_MOST_LEVELS], count[VJ_MOST_LEVELS];
} tally;

static double mean_at(const tally *t, int level, double otherwise) {
  return t->count[level] > 0 ? t->sum[level] / t->count[level] : otherwise;
}

/* Levels ascending, or, of categories, by the mean response in this node: the best cut is then one of few. */
static void count_levels(const tree *t, const leaf *node, int64_t first, int64_t count, int f, double mean, tally *y) {
  const vj_design_factor *factor = &t->design->factors[f];
  *y = (tally){0};
  for (int64_t i = first; i < first + count; i++) {
    const int level = factor->level[t->trials[i]];
    y->sum[level] += t->design->response[t->trials[i]];
    y->count[level]++;
  }
  for (int l = 0; l < factor->levels; l++) {
    if (!(node->set[f] >> l & 1)) continue;
    int at = y->levels++;
    for (; at > 0 && !factor->is_ordered && mean_at(y, y->order[at - 1], mean) > mean_at(y, l, mean); at--)
      y->order[at] = y->order[at - 1];
    y->order[at] = l;
  }
}

static void find_cut(const tally *y, int f, double sum, double count, cut *best) {
  double left_sum = 0, left_count = 0;
  level_set left = 0;
  for (int k = 0; k + 1 < y->levels; k++) {
    const int level = y->order[k];
    left_sum += y->sum[level];
    left_count += y->count[level];
    left |= (level_set)1 << level;
    const double right_sum = sum - left_sum, right_count = count - left_count;
    if (left_count < LEAST_IN_LEAF || right_count < LEAST_IN_LEAF) continue;
    const double gain = left_sum * left_sum / left_count + right_sum * right_sum / right_count - sum * sum / count;
    if (gain > best->gain * (1 + 1e-12)) *best = (cut){f, left, gain};
  }
}

/* Brings the node's trials that go left to the front; their number. */
static int64_t divide(tree *t, int64_t first, int64_t count, const cut *c) {
  const int *level = t->design->factors[c->factor].level;
  int64_t left = 0;
  for (int64_t i = first; i < first + count; i++) {
    const int64_t trial = t->trials[i];
    if (!(c->left >> level[trial] & 1)) continue;
    t->trials[i] = t->trials[first + left];
    t->trials[first + left++] = trial;
  }
  return left;
}

static void grow(tree *t, const leaf *node, int64_t first, int64_t count) {
  double sum = 0, squares = 0;
  for (int64_t i = first; i < first + count; i++) {
    const double y = t->design->response[t->trials[i]];
    sum += y;
    squares += y * y;
  }
  const double mean = sum / (double)count;
  cut best = {.factor = -1, .gain = 1e-12 * squares};
  for (int f = 0; f < t->design->factor_count && count >= 2 * LEAST_IN_LEAF; f++) {
    tally y;
    count_levels(t, node, first, count, f, mean, &y);
    find_cut(&y, f, sum, (double)count, &best);
  }
  if (best.factor < 0) {
    t->leaves[t->leaf_count] = *node;
    t->leaves[t->leaf_count++].value = mean;
    return;
  }
  const int64_t left = divide(t, first, count, &best);
  leaf child = *node;
  child.set[best.factor] = node->set[best.factor] & best.left;
  grow(t, &child, first, left);
  child.set[best.factor] = node->set[best.factor] & ~best.left;
  grow(t, &child, first + left, count - left);
}

static void plant(tree *t, int number) {
  vj_rng rng = vj_rng_stream(0, VJ_RNG_ANALYSIS, 1, (uint64_t)number);
  leaf root = {0};
  t->leaf_count = 0;
  for (int64_t i = 0; i < t->count; i++) t->trials[i] = vj_rng_integer(&rng, 0, t->count - 1);
  for (int f = 0; f < t->design->factor_count; f++)
    root.set[f] =
        t->design->factors[f].levels == 64 ? ~(level_set)0 : ((level_set)1 << t->design->factors[f].levels) - 1;
  grow(t, &root, 0, t->count);
}

/* --- averages over boxes ---------------------------------------------------------------------------------------- */

static double weight_of(level_set set, const double *weights) {
  double sum = 0;
  for (int l = 0; l < VJ_MOST_LEVELS; l++)
    if (set >> l & 1) sum += weights[l];
  return sum;
}

/* A leaf's value times the weight of its box without factors f and g (-1: none). */
static double outside(const leaf *box, const double *weight, int factors, int f, int g) {
  double value = box->value;
  for (int k = 0; k < factors; k++)
    if (k != f && k != g) value *= weight[k];
  return value;
}

typedef double per_factor[VJ_MOST_FACTORS];

static double split_pair(const tree *t, const vj_level_weights *w, per_factor *box, int f, int g, const double *of_f,
                         const double *of_g, double mean) {
  double joint[VJ_MOST_LEVELS][VJ_MOST_LEVELS] = {{0}}, variance = 0;
  for (int64_t i = 0; i < t->leaf_count; i++) {
    const double value = outside(&t->leaves[i], box[i], t->design->factor_count, f, g);
    for (int l = 0; l < t->design->factors[f].levels; l++)
      for (int m = 0; m < t->design->factors[g].levels && t->leaves[i].set[f] >> l & 1; m++)
        if (t->leaves[i].set[g] >> m & 1) joint[l][m] += value;
  }
  for (int l = 0; l < t->design->factors[f].levels; l++)
    for (int m = 0; m < t->design->factors[g].levels; m++) {
      const double both = joint[l][m] - of_f[l] - of_g[m] + mean;
      variance += w->of[f][l] * w->of[g][m] * both * both;
    }
  return variance;
}

static void split(const tree *t, const vj_level_weights *w, per_factor *box, vj_split_of_variance *s) {
  const int factors = t->design->factor_count;
  double effect[VJ_MOST_FACTORS][VJ_MOST_LEVELS] = {{0}}, mean = 0;
  *s = (vj_split_of_variance){0};
  for (int64_t i = 0; i < t->leaf_count; i++) {
    for (int f = 0; f < factors; f++) box[i][f] = weight_of(t->leaves[i].set[f], w->of[f]);
    mean += outside(&t->leaves[i], box[i], factors, -1, -1);
  }
  for (int64_t i = 0; i < t->leaf_count; i++) {
    const double from_mean = t->leaves[i].value - mean;
    s->total += outside(&(leaf){.value = from_mean * from_mean}, box[i], factors, -1, -1);
  }
  if (!(s->total > 0)) return;
  for (int f = 0; f < factors; f++)
    for (int l = 0; l < t->design->factors[f].levels; l++) {
      for (int64_t i = 0; i < t->leaf_count; i++)
        if (t->leaves[i].set[f] >> l & 1) effect[f][l] += outside(&t->leaves[i], box[i], factors, f, -1);
      s->main[f] += w->of[f][l] * (effect[f][l] - mean) * (effect[f][l] - mean) / s->total;
    }
  for (int f = 0; f < factors; f++)
    for (int g = f + 1; g < factors; g++)
      s->pair[f][g] = split_pair(t, w, box, f, g, effect[f], effect[g], mean) / s->total;
}

vj_status vj_importance_by_forest(const vj_design *design, int trees, vj_split_of_variance *splits) {
  const vj_level_weights weights = vj_design_weights(design);
  tree t = {.design = design, .count = design->count};
  per_factor *box = NULL;
  vj_status status = vj_allocate((size_t)t.count, sizeof *t.trials, "a regression tree", &t.trials);
  if (status == VJ_OK) status = vj_allocate((size_t)t.count, sizeof *t.leaves, "a regression tree", &t.leaves);
  if (status == VJ_OK) status = vj_allocate((size_t)t.count, sizeof *box, "a regression tree", &box);
  for (int r = 0; r < trees && status == VJ_OK; r++) {
    plant(&t, r);
    split(&t, &weights, box, &splits[r]);
  }
  free(t.trials);
  free(t.leaves);
  free(box);
  return status;
}
