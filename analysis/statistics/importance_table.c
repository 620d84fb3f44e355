#include "analysis/statistics/importance_table.h"

#include <stdlib.h>

#include "vj/memory.h"
#include "vj/rng.h"

typedef struct table {
  const vj_design *design;
  int64_t cells;
  double *means;       /* [cells] */
  int64_t *first, *of; /* trials of cell c: of[first[c]] .. of[first[c + 1] - 1] */
} table;

static vj_status fill(const vj_design *design, int64_t cells, table *t) {
  *t = (table){.design = design, .cells = cells};
  VJ_TRY(vj_allocate((size_t)cells, sizeof *t->means, "a table of means", &t->means));
  VJ_TRY(vj_allocate((size_t)cells + 2, sizeof *t->first, "a table of means", &t->first));
  VJ_TRY(vj_allocate((size_t)design->count, sizeof *t->of, "a table of means", &t->of));
  for (int64_t i = 0; i < design->count; i++) t->first[vj_design_cell(design, i) + 2]++;
  for (int64_t c = 0; c < cells; c++) t->first[c + 2] += t->first[c + 1];
  for (int64_t i = 0; i < design->count; i++) t->of[t->first[vj_design_cell(design, i) + 1]++] = i;
  return VJ_OK;
}

static void empty(table *t) {
  free(t->means);
  free(t->first);
  free(t->of);
}

/* The mean of each combination; of as many of its trials, drawn with replacement, where there is a generator. */
static void take_means(table *t, vj_rng *rng) {
  for (int64_t c = 0; c < t->cells; c++) {
    const int64_t first = t->first[c], count = t->first[c + 1] - first;
    t->means[c] = 0;
    for (int64_t k = 0; k < count; k++) {
      const int64_t drawn = rng ? vj_rng_integer(rng, 0, count - 1) : k;
      t->means[c] += t->design->response[t->of[first + drawn]] / (double)count;
    }
  }
}

/* The level that a combination has of a factor. */
static int level_of(const vj_design *design, int64_t cell, int factor) {
  for (int f = design->factor_count - 1; f > factor; f--) cell /= design->factors[f].levels;
  return (int)(cell % design->factors[factor].levels);
}

static void split(const table *t, vj_split_of_variance *s) {
  const vj_design *d = t->design;
  double effect[VJ_MOST_FACTORS][VJ_MOST_LEVELS] = {{0}}, mean = 0;
  *s = (vj_split_of_variance){0};
  for (int64_t c = 0; c < t->cells; c++) mean += t->means[c] / (double)t->cells;
  for (int64_t c = 0; c < t->cells; c++) s->total += (t->means[c] - mean) * (t->means[c] - mean) / (double)t->cells;
  for (int f = 0; f < d->factor_count; f++) {
    const int levels = d->factors[f].levels;
    for (int64_t c = 0; c < t->cells; c++)
      effect[f][level_of(d, c, f)] += (t->means[c] - mean) * levels / (double)t->cells;
    for (int l = 0; l < levels; l++) s->main[f] += effect[f][l] * effect[f][l] / levels / s->total;
  }
  for (int f = 0; f < d->factor_count; f++)
    for (int g = f + 1; g < d->factor_count; g++) {
      double joint[VJ_MOST_LEVELS][VJ_MOST_LEVELS] = {{0}};
      const int rows = d->factors[f].levels, columns = d->factors[g].levels;
      for (int64_t c = 0; c < t->cells; c++)
        joint[level_of(d, c, f)][level_of(d, c, g)] += (t->means[c] - mean) * rows * columns / (double)t->cells;
      for (int l = 0; l < rows; l++)
        for (int m = 0; m < columns; m++) {
          const double both = joint[l][m] - effect[f][l] - effect[g][m];
          s->pair[f][g] += both * both / (rows * columns) / s->total;
        }
    }
}

vj_status vj_importance_by_table(const vj_design *design, int64_t cells, int repeats, vj_split_of_variance *splits,
                                 vj_split_of_variance *plain) {
  table t;
  const vj_status status = fill(design, cells, &t);
  if (status == VJ_OK) {
    take_means(&t, NULL);
    split(&t, plain);
  }
  for (int r = 0; r < repeats && status == VJ_OK; r++) {
    vj_rng rng = vj_rng_stream(0, VJ_RNG_ANALYSIS, 0, (uint64_t)r);
    take_means(&t, &rng);
    split(&t, &splits[r]);
  }
  empty(&t);
  return status;
}
