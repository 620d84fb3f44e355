/* The spectrum of a hidden state: how many directions of feature space it uses, and how evenly.
 *
 * X [N, d] are the validation features of a view, one row a sample and step. Everything comes from the triangle R of
 * one QR decomposition of the centred matrix Xc = X - 1 m': since the columns of Xc sum to zero, X'X = Xc'Xc + N m m',
 * so that X has the singular values of R with the row sqrt(N) m' below it. Nothing is squared, and singular values
 * are right to about 1e-15 of the largest, which is what showing a collapse takes. Where N < d, the same is
 * done with the transpose, and no d x d matrix is formed. */
#include <cblas.h>
#include <float.h>
#include <math.h>
#include <stdlib.h>

#include "analysis/metrics/features.h"
#include "analysis/metrics/lapack.h"
#include "vj/component.h"
#include "vj/elementary.h"
#include "vj/memory.h"

enum {
  BLOCK = 1024, /* rows of the long side that are decomposed together */
  TILE = 256,   /* features correlated with each other together */
  /* At most so many features are correlated, evenly spread. Prime, so that the stride of a larger hidden state does not
   * fall in step with its channels. */
  CORRELATED = 2039
};

static const double rankme_epsilon = 1e-7;

enum {
  SINGULAR_VALUES,
  RANKME,
  EFFECTIVE_RANK,
  EXPLAINED_VARIANCE,
  FEATURE_STD,
  CORRELATION,
  FEATURE_STD_MEDIAN,
  ALPHA_REQ,
  NESUM,
  METRICS
};

static const vj_metric metrics[METRICS] = {
    [SINGULAR_VALUES] = {"singular_values", VJ_METRIC_COMPONENT, "",
                         "singular values of the uncentred features, samples and steps as rows, descending"},
    [RANKME] = {"rankme", VJ_METRIC_SCALAR, "",
                "exp(-sum p ln p), p = s / sum s + 1e-7 over the singular values s, not renormalised; 0 for zeros"},
    [EFFECTIVE_RANK] = {"effective_rank", VJ_METRIC_SCALAR, "",
                        "exp(-sum p ln p), p = s / sum s over the singular values s; 0 for a matrix of zeros"},
    [EXPLAINED_VARIANCE] = {"explained_variance", VJ_METRIC_COMPONENT, "",
                            "share of the variance in the first k principal components; 1 where nothing varies"},
    [FEATURE_STD] = {"feature_std", VJ_METRIC_SCALAR, "",
                     "mean over features of the standard deviation over samples and steps, denominator N - 1"},
    [CORRELATION] = {"correlation", VJ_METRIC_SCALAR, "",
                     "mean absolute correlation of two features; constant ones left out, 0 where fewer than two vary; "
                     "of more than 2039 features, 2039 evenly spread ones"},
    [FEATURE_STD_MEDIAN] = {"feature_std_median", VJ_METRIC_SCALAR, "",
                            "median over features of the same standard deviation"},
    [ALPHA_REQ] =
        {"alpha_req", VJ_METRIC_SCALAR, "",
         "alpha of the power law k^-alpha of the covariance's eigenvalues, over the first half of those that vary; "
         "NaN where fewer than six vary"},
    [NESUM] = {"nesum", VJ_METRIC_SCALAR, "",
               "sum of the covariance's eigenvalues over the largest; 0 where nothing varies"},
};

typedef struct spectrum {
  int64_t rows, width; /* N, d */
  const float *values;
  double *mean, *deviation; /* of each feature, denominator N */
  bool tall;                /* N >= d */
  int64_t order;            /* of the triangles: d where tall, else N + 1, the last column being the mean's */
  double *centred;          /* column-major; its leading min(N, d) part has the singular values of Xc */
  double *whole;            /* the same of X; the same memory as `centred` where that is the same triangle */
} spectrum;

/* exp of the entropy of p = s / sum s + epsilon (Roy and Vetterli 2007; RankMe: Garrido et al. 2023). */
static double entropy_rank(int64_t count, const double *s, double epsilon) {
  double sum = 0, entropy = 0;
  for (int64_t k = 0; k < count; k++) sum += s[k];
  if (sum <= 0) return 0;
  for (int64_t k = 0; k < count; k++) {
    const double p = s[k] / sum + epsilon;
    if (p > 0) entropy -= p * vj_math_log(p);
  }
  return vj_math_exp(entropy);
}

/* Singular values become the cumulative share of their squares, in place. */
static void explain(int64_t count, double *s) {
  double sum = 0;
  for (int64_t k = 0; k < count; k++) s[k] = sum += s[k] * s[k];
  for (int64_t k = 0; k < count; k++) s[k] = sum > 0 ? s[k] / sum : 1;
}

/* Rows first..first+count of the long side: of Xc where tall, else of its transpose with sqrt(N) m as last column. */
static void fill_block(const spectrum *s, int64_t first, int64_t count, double *block) {
  if (s->tall) {
    for (int64_t i = 0; i < count; i++)
      for (int64_t j = 0; j < s->width; j++) block[j * count + i] = s->values[(first + i) * s->width + j] - s->mean[j];
    return;
  }
  for (int64_t j = 0; j < s->rows; j++)
    for (int64_t i = 0; i < count; i++) block[j * count + i] = s->values[j * s->width + first + i] - s->mean[first + i];
  for (int64_t i = 0; i < count; i++) block[s->rows * count + i] = sqrt((double)s->rows) * s->mean[first + i];
}

static vj_status triangulate(spectrum *s) {
  const int64_t length = s->tall ? s->rows : s->width;
  const size_t square = (size_t)(s->order * s->order);
  double *block = NULL;
  vj_status status;
  VJ_TRY_GOTO(status, vj_allocate(square, sizeof *s->centred, "triangle of the features", &s->centred), done);
  VJ_TRY_GOTO(status, vj_allocate((size_t)(BLOCK * s->order), sizeof *block, "block of features", &block), done);
  for (int64_t first = 0; first < length; first += BLOCK) {
    const int64_t count = length - first < BLOCK ? length - first : BLOCK;
    fill_block(s, first, count, block);
    VJ_TRY_GOTO(status, vj_triangle_update(count, s->order, block, s->centred), done);
  }
  s->whole = s->centred;
  if (!s->tall) goto done;
  VJ_TRY_GOTO(status, vj_allocate(square, sizeof *s->whole, "triangle of the features", &s->whole), done);
  for (size_t k = 0; k < square; k++) s->whole[k] = s->centred[k];
  for (int64_t j = 0; j < s->width; j++) block[j] = sqrt((double)s->rows) * s->mean[j];
  VJ_TRY_GOTO(status, vj_triangle_update(1, s->order, block, s->whole), done);
done:
  free(block);
  return status;
}

/* Which features to correlate; returns how many. */
static int64_t pick_features(const spectrum *s, int64_t *picked) {
  const int64_t candidates = s->width < CORRELATED ? s->width : CORRELATED;
  int64_t count = 0;
  for (int64_t k = 0; k < candidates; k++) {
    const int64_t j = k * s->width / candidates;
    if (vj_column_varies(s->mean[j], s->deviation[j])) picked[count++] = j;
  }
  return count;
}

/* A feature as a vector of length 1 whose inner product with another is their correlation. */
static void unit_feature(const spectrum *s, int64_t j, int64_t length, double *unit) {
  double sum = 0;
  for (int64_t i = 0; i < length; i++) {
    unit[i] = s->tall ? s->centred[j * s->order + i] : s->values[i * s->width + j] - s->mean[j];
    sum += unit[i] * unit[i];
  }
  const double scale = 1 / sqrt(sum);
  for (int64_t i = 0; i < length; i++) unit[i] *= scale;
}

/* The sum of |a_i . b_j| over the rows of two blocks, over i < j where they are the same block. */
static double absolute_products(int64_t length, const double *a, int64_t a_count, const double *b, int64_t b_count,
                                double *tile) {
  double sum = 0;
  cblas_dgemm(CblasRowMajor, CblasNoTrans, CblasTrans, (int)a_count, (int)b_count, (int)length, 1, a, (int)length, b,
              (int)length, 0, tile, (int)b_count);
  for (int64_t i = 0; i < a_count; i++)
    for (int64_t j = a == b ? i + 1 : 0; j < b_count; j++) sum += fabs(tile[i * b_count + j]);
  return sum;
}

static double mean_absolute_product(int64_t count, int64_t length, const double *unit, double *tile) {
  double sum = 0;
  for (int64_t i = 0; i < count; i += TILE) {
    const int64_t height = count - i < TILE ? count - i : TILE;
    for (int64_t j = i; j < count; j += TILE) {
      const int64_t width = count - j < TILE ? count - j : TILE;
      sum += absolute_products(length, unit + i * length, height, unit + j * length, width, tile);
    }
  }
  return count < 2 ? 0 : sum / (0.5 * (double)count * (double)(count - 1));
}

static vj_status correlate(const spectrum *s, double *correlation) {
  const int64_t length = s->tall ? s->width : s->rows;
  int64_t *picked = NULL;
  double *unit = NULL, *tile = NULL;
  vj_status status;
  VJ_TRY_GOTO(status, vj_allocate(CORRELATED, sizeof *picked, "features to correlate", &picked), done);
  const int64_t count = pick_features(s, picked);
  VJ_TRY_GOTO(status, vj_allocate((size_t)(count * length), sizeof *unit, "features to correlate", &unit), done);
  VJ_TRY_GOTO(status, vj_allocate(TILE * TILE, sizeof *tile, "correlations", &tile), done);
  for (int64_t k = 0; k < count; k++) unit_feature(s, picked[k], length, unit + k * length);
  *correlation = mean_absolute_product(count, length, unit, tile);
done:
  free(tile);
  free(unit);
  free(picked);
  return status;
}

static double mean_deviation(const spectrum *s) {
  double sum = 0;
  if (s->rows < 2) return 0;
  for (int64_t j = 0; j < s->width; j++) sum += s->deviation[j];
  return sum / (double)s->width * sqrt((double)s->rows / (double)(s->rows - 1));
}

static int ascending(const void *a, const void *b) {
  const double x = *(const double *)a, y = *(const double *)b;
  return (x > y) - (x < y);
}

/* Sorts the deviations. */
static double median_deviation(const spectrum *s) {
  const int64_t d = s->width;
  if (s->rows < 2) return 0;
  qsort(s->deviation, (size_t)d, sizeof *s->deviation, ascending);
  return 0.5 * (s->deviation[(d - 1) / 2] + s->deviation[d / 2]) * sqrt((double)s->rows / (double)(s->rows - 1));
}

/* How many singular values of the centred matrix are more than the rounding of floats puts into every direction. */
static int64_t varying_directions(const spectrum *s, int64_t count, const double *values) {
  double square = 0;
  for (int64_t j = 0; j < s->width; j++) square += s->mean[j] * s->mean[j] + s->deviation[j] * s->deviation[j];
  const double longer = (double)(s->tall ? s->rows : s->width);
  const double rounding = FLT_EPSILON * sqrt(square / (double)s->width * longer);
  int64_t varying = 0;
  while (varying < count && values[varying] > rounding) varying++;
  return varying;
}

/* Least squares of ln of the eigenvalues, squares of the values, on ln k with weights 1/k, so that every octave of k
 * counts alike (Stringer et al. 2019); over the first half of those that vary, since behind it the spectrum of any
 * sample bends down. */
static double power_law(int64_t varying, const double *values) {
  const int64_t last = varying / 2;
  double weight = 0, x_mean = 0, y_mean = 0, xx = 0, xy = 0;
  if (last < 3) return NAN;
  for (int64_t k = 1; k <= last; k++) {
    const double w = 1 / (double)k;
    weight += w;
    x_mean += w * vj_math_log((double)k);
    y_mean += w * 2 * vj_math_log(values[k - 1]);
  }
  x_mean /= weight, y_mean /= weight;
  for (int64_t k = 1; k <= last; k++) {
    const double w = 1 / (double)k, x = vj_math_log((double)k) - x_mean;
    xx += w * x * x;
    xy += w * x * (2 * vj_math_log(values[k - 1]) - y_mean);
  }
  return -xy / xx;
}

static double eigenvalue_sum(int64_t count, const double *values) {
  double sum = 0;
  if (!(values[0] > 0)) return 0;
  for (int64_t k = 0; k < count; k++) sum += values[k] / values[0] * (values[k] / values[0]);
  return sum;
}

/* What comes of the singular values of the centred matrix. */
static void measure_centred(const spectrum *s, int64_t count, double *values, double *const *results) {
  *results[ALPHA_REQ] = power_law(varying_directions(s, count, values), values);
  *results[NESUM] = eigenvalue_sum(count, values);
  explain(count, values);
}

static vj_status measure(spectrum *s, double *const *results) {
  const int64_t components = s->tall ? s->width : s->rows;
  double *values = NULL;
  vj_status status;
  VJ_TRY_GOTO(status, vj_allocate((size_t)s->width, sizeof *s->mean, "means", &s->mean), done);
  VJ_TRY_GOTO(status, vj_allocate((size_t)s->width, sizeof *s->mean, "deviations", &s->deviation), done);
  VJ_TRY_GOTO(status, vj_allocate((size_t)s->order, sizeof *values, "singular values", &values), done);
  vj_column_moments(s->rows, s->width, s->values, s->mean, s->deviation);
  VJ_TRY_GOTO(status, triangulate(s), done);
  /* The one value more that the wide case has is zero. */
  VJ_TRY_GOTO(status, vj_singular_values(s->order, s->order, s->whole, values), done);
  for (int64_t k = 0; k < components; k++) results[SINGULAR_VALUES][k] = values[k];
  *results[RANKME] = entropy_rank(components, values, rankme_epsilon);
  *results[EFFECTIVE_RANK] = entropy_rank(components, values, 0);
  VJ_TRY_GOTO(status, vj_singular_values(components, s->order, s->centred, results[EXPLAINED_VARIANCE]), done);
  measure_centred(s, components, results[EXPLAINED_VARIANCE], results);
  *results[FEATURE_STD] = mean_deviation(s);
  VJ_TRY_GOTO(status, correlate(s, results[CORRELATION]), done);
  *results[FEATURE_STD_MEDIAN] = median_deviation(s); /* last, for it sorts */
done:
  free(values);
  return status;
}

static vj_status evaluate(const void *config, const vj_probe_input *input, double *const *results) {
  (void)config;
  const vj_features *features = &input->split[VJ_VALIDATION];
  VJ_TRY(vj_features_check("spectrum", features, VJ_VALIDATION, 1, "eval.samples"));
  vj_lapack_single_thread();
  spectrum s = {.rows = features->samples * features->steps, .width = features->width, .values = features->values};
  s.tall = s.rows >= s.width;
  s.order = s.tall ? s.width : s.rows + 1;
  const vj_status status = measure(&s, results);
  if (s.whole != s.centred) free(s.whole);
  free(s.centred);
  free(s.deviation);
  free(s.mean);
  return status;
}

const vj_component vj_probe_spectrum = {
    .abi = VJ_ABI,
    .kind = VJ_PROBE,
    .name = "spectrum",
    .summary = "singular values and effective rank of a hidden state",
    .source =
        "Roy and Vetterli, The effective rank (2007); Garrido et al., RankMe (arXiv 2210.02885), eq. 1; Agrawal "
        "et al., alpha-ReQ (NeurIPS 2022); He and Ozay, NESum (ICML 2022)",
    .as.probe = {.metrics = metrics, .metric_count = METRICS, .is_measure = true, .evaluate = evaluate},
};
