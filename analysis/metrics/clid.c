/* Cluster learnability and intrinsic dimension, of which CLID (Lu et al. 2023, arXiv 2206.01251) is made: a good
 * representation spreads over many dimensions, and what lies together in it is easily told.
 *
 * Rows are clips, i = 1..n, each with all its steps side by side; of more than MOST clips, MOST evenly spread ones. All
 * follows from the distances between rows.
 *
 * Intrinsic dimension (TwoNN: Facco et al. 2017, arXiv 1803.06992): with mu_i the distance to the second neighbour over
 * that to the first, sorted, -ln(1 - i/n) is the dimension times ln mu_i: the slope of the line through 0, of the
 * lower nine tenths.
 *
 * Cluster learnability: labels are those of k-means with ceil(sqrt n) clusters (Lloyd, from rows evenly spread, until
 * nothing changes); each row after the first is given the label of its nearest one among those before it, and the
 * share that is right is the learnability. The number of clusters and of neighbours, one, are our choice. */
#include <cblas.h>
#include <math.h>
#include <stdlib.h>

#include "analysis/metrics/features.h"
#include "analysis/metrics/lapack.h"
#include "vj/component.h"
#include "vj/elementary.h"
#include "vj/memory.h"

enum { MOST = 2048, BLOCK = 1024 /* columns */, LEAST = 4, MOST_ROUNDS = 100 };

enum { LEARNABILITY, DIMENSION, METRICS };

static const vj_metric metrics[METRICS] = {
    [LEARNABILITY] = {"cluster_learnability", VJ_METRIC_SCALAR, "",
                      "share of clips whose k-means cluster is that of the nearest clip before them; NaN where clips "
                      "make no two clusters"},
    [DIMENSION] = {"intrinsic_dimension", VJ_METRIC_SCALAR, "",
                   "intrinsic dimension of clips by TwoNN; NaN where clips do not differ"},
};

typedef struct rows {
  const vj_features *features;
  int64_t count, columns;
  double *distance; /* [count, count], squared */
} rows;

static const float *row_at(const rows *r, int64_t i) {
  return r->features->values + i * r->features->samples / r->count * r->columns;
}

/* What moves by rounding alone does not vary. */
static void centre_block(const rows *r, int64_t first, int64_t columns, double *block) {
  for (int64_t j = 0; j < columns; j++) {
    double mean = 0, deviation = 0;
    for (int64_t i = 0; i < r->count; i++) mean += row_at(r, i)[first + j];
    mean /= (double)r->count;
    for (int64_t i = 0; i < r->count; i++) {
      const double centred = row_at(r, i)[first + j] - mean;
      deviation += centred * centred;
    }
    deviation = sqrt(deviation / (double)r->count);
    for (int64_t i = 0; i < r->count; i++)
      block[i * columns + j] = vj_column_varies(mean, deviation) ? row_at(r, i)[first + j] - mean : 0;
  }
}

/* |a|^2 + |b|^2 - 2 <a, b>. What is left of it by rounding alone is no distance. */
static vj_status measure_distances(rows *r) {
  static const double rounding = 1e-13;
  const int n = (int)r->count;
  double *block = NULL;
  VJ_TRY(vj_allocate((size_t)(r->count * BLOCK), sizeof *block, "block of features", &block));
  for (int64_t first = 0; first < r->columns; first += BLOCK) {
    const int64_t columns = r->columns - first < BLOCK ? r->columns - first : BLOCK;
    centre_block(r, first, columns, block);
    cblas_dsyrk(CblasRowMajor, CblasLower, CblasNoTrans, n, (int)columns, 1, block, (int)columns, 1, r->distance, n);
  }
  free(block);
  for (int64_t i = 0; i < n; i++)
    for (int64_t j = 0; j < i; j++) {
      const double sum = r->distance[i * n + i] + r->distance[j * n + j];
      const double square = sum - 2 * r->distance[i * n + j];
      r->distance[i * n + j] = r->distance[j * n + i] = square > rounding * sum ? square : 0;
    }
  for (int64_t i = 0; i < n; i++) r->distance[i * n + i] = 0;
  return VJ_OK;
}

/* --- intrinsic dimension --------------------------------------------------------------------------------------- */

static int ascending(const void *a, const void *b) {
  const double x = *(const double *)a, y = *(const double *)b;
  return (x > y) - (x < y);
}

/* ln of the ratio of the two smallest distances, of each row that has no copy; returns how many. */
static int64_t neighbour_ratios(const rows *r, double *ratio) {
  int64_t count = 0;
  for (int64_t i = 0; i < r->count; i++) {
    double first = INFINITY, second = INFINITY;
    for (int64_t j = 0; j < r->count; j++) {
      const double square = r->distance[i * r->count + j];
      if (j == i || square >= second) continue;
      second = square < first ? first : square;
      if (square < first) first = square;
    }
    if (first > 0) ratio[count++] = 0.5 * vj_math_log(second / first);
  }
  qsort(ratio, (size_t)count, sizeof *ratio, ascending);
  return count;
}

static double dimension_of(const rows *r, double *ratio) {
  const int64_t count = neighbour_ratios(r, ratio);
  double across = 0, square = 0;
  for (int64_t i = 0; i < count * 9 / 10; i++) {
    across -= ratio[i] * vj_math_log1p(-(double)(i + 1) / (double)count);
    square += ratio[i] * ratio[i];
  }
  return count >= LEAST && square > 0 ? across / square : NAN;
}

/* --- cluster learnability -------------------------------------------------------------------------------------- */

typedef struct clusters {
  int64_t count;
  int64_t *label, *size; /* of each row; of each cluster */
  double *to;            /* [rows, clusters]: mean squared distance to a cluster's rows */
  double *within;        /* of each cluster: half the mean squared distance between its rows */
} clusters;

/* The squared distance to a cluster's mean is `to` - `within`. */
static void measure_clusters(const rows *r, clusters *c) {
  for (int64_t k = 0; k < c->count; k++) c->size[k] = 0, c->within[k] = 0;
  for (int64_t i = 0; i < r->count; i++) c->size[c->label[i]]++;
  for (int64_t i = 0; i < r->count; i++) {
    double *to = c->to + i * c->count;
    for (int64_t k = 0; k < c->count; k++) to[k] = 0;
    for (int64_t j = 0; j < r->count; j++) to[c->label[j]] += r->distance[i * r->count + j];
    for (int64_t k = 0; k < c->count; k++) to[k] = c->size[k] ? to[k] / (double)c->size[k] : INFINITY;
    c->within[c->label[i]] += to[c->label[i]];
  }
  for (int64_t k = 0; k < c->count; k++) c->within[k] = c->size[k] ? c->within[k] / (2 * (double)c->size[k]) : 0;
}

static bool assign_clusters(const rows *r, clusters *c) {
  bool changed = false;
  measure_clusters(r, c);
  for (int64_t i = 0; i < r->count; i++) {
    const double *to = c->to + i * c->count;
    int64_t best = 0;
    for (int64_t k = 1; k < c->count; k++)
      if (to[k] - c->within[k] < to[best] - c->within[best]) best = k;
    changed = changed || best != c->label[i];
    c->label[i] = best;
  }
  return changed;
}

static void find_clusters(const rows *r, clusters *c) {
  for (int64_t i = 0; i < r->count; i++) {
    const double *distance = r->distance + i * r->count;
    for (int64_t k = 1; k < c->count; k++)
      if (distance[k * r->count / c->count] < distance[c->label[i] * r->count / c->count]) c->label[i] = k;
  }
  for (int round = 0; round < MOST_ROUNDS && assign_clusters(r, c); round++) continue;
}

static double learnability_of(const rows *r, const clusters *c) {
  int64_t right = 0;
  bool differ = false;
  for (int64_t i = 1; i < r->count; i++) {
    const double *distance = r->distance + i * r->count;
    int64_t nearest = 0;
    for (int64_t j = 1; j < i; j++)
      if (distance[j] < distance[nearest]) nearest = j;
    right += c->label[nearest] == c->label[i];
    differ = differ || c->label[i] != c->label[0];
  }
  return differ ? (double)right / (double)(r->count - 1) : NAN;
}

/* --- whole ----------------------------------------------------------------------------------------------------- */

static vj_status measure(rows *r, double *const *results) {
  clusters c = {.count = (int64_t)ceil(sqrt((double)r->count))};
  const size_t n = (size_t)r->count, k = (size_t)c.count;
  double *ratio = NULL;
  vj_status status;
  VJ_TRY_GOTO(status, vj_allocate(n * n, sizeof *r->distance, "distances between clips", &r->distance), done);
  VJ_TRY_GOTO(status, vj_allocate(n, sizeof *ratio, "distances between clips", &ratio), done);
  VJ_TRY_GOTO(status, vj_allocate(n, sizeof *c.label, "clusters of clips", &c.label), done);
  VJ_TRY_GOTO(status, vj_allocate(k, sizeof *c.size, "clusters of clips", &c.size), done);
  VJ_TRY_GOTO(status, vj_allocate(n * k, sizeof *c.to, "clusters of clips", &c.to), done);
  VJ_TRY_GOTO(status, vj_allocate(k, sizeof *c.within, "clusters of clips", &c.within), done);
  VJ_TRY_GOTO(status, measure_distances(r), done);
  *results[DIMENSION] = dimension_of(r, ratio);
  find_clusters(r, &c);
  *results[LEARNABILITY] = learnability_of(r, &c);
done:
  free(c.within);
  free(c.to);
  free(c.size);
  free(c.label);
  free(ratio);
  free(r->distance);
  return status;
}

static vj_status evaluate(const void *config, const vj_probe_input *input, double *const *results) {
  (void)config;
  const vj_features *features = &input->split[VJ_VALIDATION];
  VJ_TRY(vj_features_check("clid", features, VJ_VALIDATION, 1, "eval.samples"));
  *results[LEARNABILITY] = *results[DIMENSION] = NAN;
  if (features->samples < LEAST) return VJ_OK;
  vj_lapack_single_thread();
  rows r = {.features = features,
            .count = features->samples < MOST ? features->samples : MOST,
            .columns = features->steps * features->width};
  return measure(&r, results);
}

const vj_component vj_probe_clid = {
    .abi = VJ_ABI,
    .kind = VJ_PROBE,
    .name = "clid",
    .summary = "cluster learnability and intrinsic dimension of a hidden state",
    .source = "Lu et al. (arXiv 2206.01251); intrinsic dimension: Facco et al. (arXiv 1803.06992)",
    .as.probe = {.metrics = metrics, .metric_count = METRICS, .is_measure = true, .evaluate = evaluate},
};
