/* LiDAR: how many directions tell clips from each other better than they vary within a clip.
 *
 * Thilak et al. 2023 (arXiv 2312.04000) make surrogate classes of single samples, each seen in several views. Here a
 * class is a clip, and what is seen of it are its steps: the hidden states e_it of a view, t = 1..q, of clip i = 1..n,
 * with m_i their mean over the steps and m that of all:
 *
 *   S_b = 1/n sum_i (m_i - m)(m_i - m)',   S_w = 1/(n q) sum_it (e_it - m_i)(e_it - m_i)' + delta I,  delta = 1e-4,
 *   LiDAR = exp(-sum_k p_k ln p_k),  p_k = l_k / sum l + 1e-7,  l_1..l_d the eigenvalues of S_w^-1/2 S_b S_w^-1/2,
 *
 * as in section 3 of the paper, delta and epsilon too. So a direction in which hidden states move within a clip counts
 * for less: what stays the same in a clip weighs most.
 *
 * l are the eigenvalues of 1/n M S_w^-1 M' with the rows m_i - m of M. Where n q >= d, S_w is factored; else its
 * inverse comes from the products of rows W = e_it - m_i (Woodbury), and no d x d matrix is formed: M S_w^-1 M' = (M M'
 * - M W' (n q delta I + W W')^-1 W M') / delta. */
#include <cblas.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "analysis/metrics/features.h"
#include "analysis/metrics/lapack.h"
#include "vj/component.h"
#include "vj/elementary.h"
#include "vj/memory.h"

static const double within_delta = 1e-4, share_epsilon = 1e-7;

static const vj_metric metrics[] = {
    {"lidar", VJ_METRIC_SCALAR, "",
     "LiDAR: effective number of directions that tell clips apart, clips as classes "
     "and their steps as samples; NaN of a "
     "view of one step, and where hidden states are so large that rounding hides what varies "
     "within a clip; 0 where clips do not differ"}};

typedef struct lidar {
  int64_t clips, steps, width; /* n, q, d */
  double *between;             /* [n, d], m_i - m */
  double *within;              /* [n q, d], e_it - m_i */
  double *products;            /* [n, n]: M S_w^-1 M' */
} lidar;

static void split_scatter(const lidar *l, const float *values) {
  const int64_t d = l->width;
  double *const all = l->within; /* its first row holds the mean of all until the end */
  for (int64_t i = 0; i < l->clips; i++) {
    double *mean = l->between + i * d;
    for (int64_t t = 0; t < l->steps; t++)
      for (int64_t j = 0; j < d; j++) mean[j] += values[(i * l->steps + t) * d + j];
    for (int64_t j = 0; j < d; j++) mean[j] /= (double)l->steps;
    for (int64_t j = 0; j < d; j++) all[j] += mean[j];
  }
  for (int64_t i = 0; i < l->clips; i++)
    for (int64_t j = 0; j < d; j++) l->between[i * d + j] -= all[j] / (double)l->clips;
  memset(all, 0, (size_t)d * sizeof *all);
  for (int64_t i = 0; i < l->clips; i++) {
    for (int64_t j = 0; j < d; j++) {
      double mean = 0;
      for (int64_t t = 0; t < l->steps; t++) mean += values[(i * l->steps + t) * d + j];
      mean /= (double)l->steps;
      for (int64_t t = 0; t < l->steps; t++)
        l->within[(i * l->steps + t) * d + j] = values[(i * l->steps + t) * d + j] - mean;
    }
  }
}

/* n q >= d: S_w x = (m_i - m)' for every clip. */
static vj_status solve_primal(const lidar *l, bool *definite) {
  const int n = (int)l->clips, d = (int)l->width, rows = (int)(l->clips * l->steps);
  double *scatter = NULL, *solved = NULL;
  vj_status status;
  VJ_TRY_GOTO(status, vj_allocate((size_t)d * (size_t)d, sizeof *scatter, "scatter within clips", &scatter), done);
  VJ_TRY_GOTO(status, vj_allocate((size_t)n * (size_t)d, sizeof *solved, "scatter between clips", &solved), done);
  cblas_dsyrk(CblasRowMajor, CblasLower, CblasTrans, d, rows, 1.0 / rows, l->within, d, 0, scatter, d);
  for (int j = 0; j < d; j++) scatter[(int64_t)j * d + j] += within_delta;
  memcpy(solved, l->between, (size_t)n * (size_t)d * sizeof *solved);
  VJ_TRY_GOTO(status, vj_cholesky_solve(d, scatter, n, solved, definite), done);
  if (!*definite) goto done;
  cblas_dgemm(CblasRowMajor, CblasNoTrans, CblasTrans, n, n, d, 1, l->between, d, solved, d, 0, l->products, n);
done:
  free(solved);
  free(scatter);
  return status;
}

static vj_status solve_dual(const lidar *l, bool *definite) {
  const int n = (int)l->clips, d = (int)l->width, rows = (int)(l->clips * l->steps);
  double *system = NULL, *across = NULL, *solved = NULL; /* [rows, rows], [n, rows] twice */
  vj_status status;
  const size_t wide = (size_t)n * (size_t)rows;
  VJ_TRY_GOTO(status, vj_allocate((size_t)rows * (size_t)rows, sizeof *system, "scatter within clips", &system), done);
  VJ_TRY_GOTO(status, vj_allocate(wide, sizeof *across, "scatter between clips", &across), done);
  VJ_TRY_GOTO(status, vj_allocate(wide, sizeof *solved, "scatter between clips", &solved), done);
  cblas_dsyrk(CblasRowMajor, CblasLower, CblasNoTrans, rows, d, 1, l->within, d, 0, system, rows);
  for (int i = 0; i < rows; i++) system[(int64_t)i * rows + i] += rows * within_delta;
  cblas_dgemm(CblasRowMajor, CblasNoTrans, CblasTrans, n, rows, d, 1, l->between, d, l->within, d, 0, across, rows);
  memcpy(solved, across, wide * sizeof *solved);
  VJ_TRY_GOTO(status, vj_cholesky_solve(rows, system, n, solved, definite), done);
  if (!*definite) goto done;
  cblas_dgemm(CblasRowMajor, CblasNoTrans, CblasTrans, n, n, d, 1, l->between, d, l->between, d, 0, l->products, n);
  cblas_dgemm(CblasRowMajor, CblasNoTrans, CblasTrans, n, n, rows, -1 / within_delta, across, rows, solved, rows,
              1 / within_delta, l->products, n);
done:
  free(solved);
  free(across);
  free(system);
  return status;
}

/* d eigenvalues, of which at most min(n - 1, d) are above 0; a sum that rounding made is none. */
static double entropy_rank(const lidar *l, const double *eigenvalues) {
  const int64_t most = l->clips - 1 < l->width ? l->clips - 1 : l->width;
  double sum = 0, entropy = 0;
  for (int64_t k = 0; k < most; k++) sum += eigenvalues[k];
  if (!(sum > 0)) return 0;
  for (int64_t k = 0; k < l->width; k++) {
    const double p = (k < most ? eigenvalues[k] / sum : 0) + share_epsilon;
    entropy -= p * vj_math_log(p);
  }
  return vj_math_exp(entropy);
}

/* `result` stays as it is where the scatter within clips is lost in rounding: a measure ends no trial. */
static vj_status measure(lidar *l, const float *values, double *result) {
  const size_t n = (size_t)l->clips, d = (size_t)l->width;
  double *eigenvalues = NULL;
  bool definite = false;
  vj_status status;
  VJ_TRY_GOTO(status, vj_allocate(n * d, sizeof *l->between, "means of clips", &l->between), done);
  VJ_TRY_GOTO(status, vj_allocate(n * d * (size_t)l->steps, sizeof *l->within, "deviations in clips", &l->within),
              done);
  VJ_TRY_GOTO(status, vj_allocate(n * n, sizeof *l->products, "scatter of clips", &l->products), done);
  VJ_TRY_GOTO(status, vj_allocate(n, sizeof *eigenvalues, "eigenvalues", &eigenvalues), done);
  split_scatter(l, values);
  VJ_TRY_GOTO(status, l->clips * l->steps >= l->width ? solve_primal(l, &definite) : solve_dual(l, &definite), done);
  if (!definite) goto done;
  /* The singular values of a matrix that is symmetric and not negative. */
  VJ_TRY_GOTO(status, vj_singular_values(l->clips, l->clips, l->products, eigenvalues), done);
  *result = entropy_rank(l, eigenvalues);
done:
  free(eigenvalues);
  free(l->products);
  free(l->within);
  free(l->between);
  return status;
}

static vj_status evaluate(const void *config, const vj_probe_input *input, double *const *results) {
  (void)config;
  const vj_features *features = &input->split[VJ_VALIDATION];
  VJ_TRY(vj_features_check("lidar", features, VJ_VALIDATION, 1, "eval.samples"));
  *results[0] = NAN;
  if (features->steps < 2 || features->samples < 2) return VJ_OK;
  vj_lapack_single_thread();
  lidar l = {.clips = features->samples, .steps = features->steps, .width = features->width};
  return measure(&l, features->values, results[0]);
}

const vj_component vj_probe_lidar = {
    .abi = VJ_ABI,
    .kind = VJ_PROBE,
    .name = "lidar",
    .summary = "LiDAR: how many directions of a hidden state tell clips apart",
    .source = "Thilak et al., LiDAR (arXiv 2312.04000), section 3; classes are clips, their samples time steps",
    .as.probe = {.metrics = metrics, .metric_count = VJ_COUNT(metrics), .is_measure = true, .evaluate = evaluate},
};
