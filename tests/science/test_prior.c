/* What is forecast with z from a latent's prior: the draws have the prior's distribution, and the records of them, and
 * of the oracle that has z from the target, are what they are called. precision: double */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "framework/train/model/forecasts.h"
#include "tests/components/model_testing.h"

enum { B = 8, SHARDS = 2, DRAWS = 64, T = 3, D = 4, BATCHES = 8 };

static const char base[] =
    "data: {dataset: stochastic_moving_mnist, size: 32, digit_size: 14, target_frames: 3, train_size: 64, "
    "validation_size: 8}\n"
    "model:\n"
    "  encoder: {type: cnn, channels: [3, 4], temporal: [4], pool: 1}\n"
    "  predictor: {type: mlp, hidden: [8], activation: none}\n"
    "losses: {prediction: {weight: 1.0}, variance: {weight: 1.0}}\n"
    "optim: {steps: 500, batch: 16, shards: 2, lr: 2.0e-2, schedule: constant}\n"
    "eval: {samples: 16, prior_draws: 64}\n";

static void open_with(experiment *t, const char *latent, const char *more) {
  const char *const overrides[] = {latent, more};
  open_experiment(base, overrides, more ? 2 : 1, t);
}

/* A row of the table, whose numbers are all set to `value` if that is one. */
static double *numbers_of(experiment *t, const char *name, double value) {
  const vj_parameters *p = t->model->parameters;
  const vj_parameter_row *row = &p->rows[vj_parameters_find(p, name)];
  double *numbers = (row->trained ? p->values : p->states) + row->offset;
  for (int64_t i = 0; i < row->count && !isnan(value); i++) numbers[i] = value;
  return numbers;
}

static double reported(const experiment *t, const char *name) {
  const vj_graph *graph = t->model->evaluate.graph;
  for (int i = 0; i < graph->reports.count; i++) {
    const vj_recorded_scalar *report = graph->reports.at[i];
    if (strcmp(report->name, name) == 0) return vj_graph_values(graph, report->var, 0)[0];
  }
  return NAN;
}

/* Copies a view's numbers of the whole batch, `count` a sample. */
static void copy(const experiment *t, const char *view, int64_t count, double *to) {
  const vj_graph *graph = t->model->evaluate.graph;
  const vj_var *var = vj_graph_find_view(graph, view);
  assert_non_null(var);
  assert_int_equal(var->count, B * count);
  for (int64_t s = 0; s < SHARDS; s++)
    memcpy(to + s * B * count, vj_graph_values(graph, var, s), (size_t)(B * count) * sizeof *to);
}

typedef double drawn[SHARDS * B][DRAWS][T * D];

/* The batch is always the first, the noise that of a batch's number. */
static void run_batch(experiment *t, int64_t number, double *into) {
  vj_model_graph *part = &t->model->evaluate;
  assert_ok(vj_loader_fill_step(&t->loader, part->graph, part->frames, &alone, 0));
  part->graph->step = number;
  assert_ok(vj_graph_run(part->graph));
  copy(t, VJ_VIEW_PRIOR, DRAWS * T * D, into);
}

static bool same(const double *a, const double *b) {
  for (int i = 0; i < T * D; i++)
    if (fabs(a[i] - b[i]) > 1e-12) return false;
  return true;
}

static void expect_share(int64_t count, int64_t all, double share) {
  const double error = 4.5 * sqrt(share * (1 - share) / (double)all);
  if (fabs((double)count / (double)all - share) > error) fail_msg("%g, not %g", (double)count / (double)all, share);
}

static void heads_are_drawn_as_often_as_they_were_used(void **state) {
  (void)state;
  static const double shares[3] = {0.6, 0.3, 0.1};
  static drawn heads[3], d;
  experiment t;
  int64_t counts[3] = {0};
  open_with(&t, "model.latent={type: discrete, choices: 3}", NULL);
  double *usage = numbers_of(&t, "predictor.latent.usage", 0);
  for (int k = 0; k < 3; k++) { /* one head alone: what it predicts */
    memset(usage, 0, 3 * sizeof *usage);
    usage[k] = 3;
    run_batch(&t, 0, heads[k][0][0]);
  }
  for (int k = 0; k < 3; k++) usage[k] = 3 * shares[k];
  for (int batch = 0; batch < BATCHES; batch++) {
    run_batch(&t, batch, d[0][0]);
    for (int i = 0; i < SHARDS * B; i++)
      for (int j = 0; j < DRAWS; j++)
        for (int k = 0; k < 3; k++) counts[k] += same(d[i][j], heads[k][i][0]);
  }
  const int64_t all = (int64_t)BATCHES * SHARDS * B * DRAWS;
  assert_int_equal(counts[0] + counts[1] + counts[2], all);
  for (int k = 0; k < 3; k++) expect_share(counts[k], all, shares[k]);
  close_experiment(&t);
}

static void codes_are_drawn_from_the_sparse_prior(void **state) {
  (void)state;
  static drawn base_, d;
  experiment t;
  int64_t above = 0, below = 0, zero = 0;
  double size = 0, square = 0;
  open_with(&t, "model.latent={type: sparse, size: 1}", NULL);
  numbers_of(&t, "predictor.latent.prior_seen", 0.5);
  run_batch(&t, 0, base_[0][0]);                        /* nothing was seen above or below: z = 0 */
  numbers_of(&t, "predictor.latent.prior_above", 0.15); /* .3 of what was seen */
  numbers_of(&t, "predictor.latent.prior_below", 0.05);
  numbers_of(&t, "predictor.latent.prior_size", 0.4); /* a mean of 2 where it is not 0 */
  double column[T * D], length = 0;
  const double *weight = numbers_of(&t, "predictor.latent.weight", NAN);
  for (int i = 0; i < T * D; i++) length += weight[i] * weight[i];
  for (int i = 0; i < T * D; i++) column[i] = weight[i] / sqrt(length);
  for (int batch = 0; batch < BATCHES; batch++) {
    run_batch(&t, batch, d[0][0]);
    for (int i = 0; i < SHARDS * B; i++)
      for (int j = 0; j < DRAWS; j++) {
        double z = 0;
        for (int k = 0; k < T * D; k++) z += column[k] * (d[i][j][k] - base_[i][0][k]);
        above += z > 1e-9, below += z < -1e-9, zero += fabs(z) <= 1e-9;
        size += fabs(z), square += z * z;
      }
  }
  const int64_t all = (int64_t)BATCHES * SHARDS * B * DRAWS, drawn_ = above + below;
  expect_share(above, all, 0.3);
  expect_share(below, all, 0.1);
  expect_share(zero, all, 0.6);
  assert_true(fabs(size / (double)drawn_ - 2) < 4.5 * 2 / sqrt((double)drawn_));
  assert_true(fabs(square / (double)drawn_ / 8 - 1) < 4.5 * sqrt(5.0) / sqrt((double)drawn_)); /* 2 mean^2 */
  close_experiment(&t);
}

/* Averages that begin with 0 are divided by what they would be of a 1. */
static void the_sparse_prior_is_learnt(void **state) {
  (void)state;
  experiment t;
  open_with(&t, "model.latent={type: sparse, size: 4, lambda: 0.002}", NULL);
  train(&t, 30);
  const double seen = numbers_of(&t, "predictor.latent.prior_seen", NAN)[0];
  const double *above = numbers_of(&t, "predictor.latent.prior_above", NAN);
  const double *below = numbers_of(&t, "predictor.latent.prior_below", NAN);
  assert_true(fabs(seen - (1 - pow(0.99, 30))) < 1e-12);
  double share = 0;
  for (int k = 0; k < 4; k++) share += (above[k] + below[k]) / seen / 4;
  run_step(&t, &t.model->train, 0);
  assert_true(share > 0.01 && share <= 1);
  close_experiment(&t);
}

/* Everything is linear here, so that predictions vary over draws as their matrix says. */
static void gaussian_draws_are_normal_and_samples_are_of_the_posterior(void **state) {
  (void)state;
  enum { N = 2 };
  static drawn d;
  static double mean[SHARDS * B][N], also[SHARDS * B][N], sample[SHARDS * B][N];
  experiment t;
  double wanted = 0, found = 0, moved = 0;
  open_with(&t, "model.latent={type: gaussian, size: 2}",
            "eval.probes={a: {type: knn, target: psi, on: z}, b: {type: knn, target: psi, on: z_mean}, "
            "c: {type: knn, target: psi, on: z_sample}}");
  numbers_of(&t, "predictor.latent.log_variance.weight", 0);
  numbers_of(&t, "predictor.latent.log_variance.bias", 2 * log(0.5));
  const double *lower = numbers_of(&t, "predictor.linear0.weight", NAN);
  const double *upper = numbers_of(&t, "predictor.linear1.weight", NAN);
  const int64_t in =
      t.model->parameters->rows[vj_parameters_find(t.model->parameters, "predictor.linear0.weight")].shape.size[1];
  for (int i = 0; i < T * D; i++)
    for (int k = 0; k < N; k++) {
      double slope = 0;
      for (int h = 0; h < 8; h++) slope += upper[i * 8 + h] * lower[h * in + in - N + k];
      wanted += slope * slope;
    }
  for (int batch = 0; batch < BATCHES; batch++) {
    run_batch(&t, batch, d[0][0]);
    copy(&t, "z", N, mean[0]);
    copy(&t, "z_mean", N, also[0]);
    copy(&t, "z_sample", N, sample[0]);
    assert_memory_equal(mean, also, sizeof mean);
    for (int i = 0; i < SHARDS * B; i++) {
      for (int k = 0; k < N; k++) moved += (sample[i][k] - mean[i][k]) * (sample[i][k] - mean[i][k]);
      for (int k = 0; k < T * D; k++) {
        double middle = 0;
        for (int j = 0; j < DRAWS; j++) middle += d[i][j][k] / DRAWS;
        for (int j = 0; j < DRAWS; j++) found += (d[i][j][k] - middle) * (d[i][j][k] - middle) / (DRAWS - 1);
      }
    }
  }
  const double all = BATCHES * SHARDS * B;
  assert_true(fabs(found / all / wanted - 1) < 0.06); /* 2 numbers, 8192 draws: .016 */
  assert_true(fabs(moved / all / N - 0.25) < 4.5 * 0.25 * sqrt(2 / (all * N)));
  close_experiment(&t);
}

static void records_are_what_they_are_called(void **state) {
  (void)state;
  static drawn d;
  static double hy[SHARDS * B][T * D], oracle[SHARDS * B][T * D];
  double mean = 0, best = 0, known = 0;
  experiment t;
  open_with(&t, "model.latent={type: gaussian, size: 2}", "model.decoder={type: cnn, channels: [4, 4, 4]}");
  run_batch(&t, 0, d[0][0]);
  copy(&t, "hy", T * D, hy[0]);
  copy(&t, "hy_pred", T * D, oracle[0]);
  for (int i = 0; i < SHARDS * B; i++) {
    double least = INFINITY;
    for (int k = 0; k < T * D; k++) known += pow(oracle[i][k] - hy[i][k], 2) / (T * D * SHARDS * B);
    for (int j = 0; j < DRAWS; j++) {
      double error = 0;
      for (int k = 0; k < T * D; k++) error += pow(d[i][j][k] - hy[i][k], 2) / (T * D);
      mean += error / (DRAWS * SHARDS * B);
      least = fmin(least, error);
    }
    best += least / (SHARDS * B);
  }
  assert_true(fabs(reported(&t, "oracle_prediction") / known - 1) < 1e-12);
  assert_true(fabs(reported(&t, "prior_prediction") / mean - 1) < 1e-12);
  assert_true(fabs(reported(&t, "best_of_k_prediction") / best - 1) < 1e-12);
  assert_true(reported(&t, "best_of_k_psnr") > reported(&t, "prior_psnr"));
  assert_true(isfinite(reported(&t, "oracle_psnr")) && isnan(reported(&t, "psnr")));
  close_experiment(&t);
  open_with(&t, "model.latent={type: none}", "model.decoder={type: cnn, channels: [4, 4, 4]}");
  run_step(&t, &t.model->evaluate, 0);
  assert_true(isfinite(reported(&t, "psnr")) && isnan(reported(&t, "oracle_psnr")));
  assert_null(vj_graph_find_view(t.model->evaluate.graph, VJ_VIEW_PRIOR));
  close_experiment(&t);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(heads_are_drawn_as_often_as_they_were_used),
      cmocka_unit_test(codes_are_drawn_from_the_sparse_prior),
      cmocka_unit_test(the_sparse_prior_is_learnt),
      cmocka_unit_test(gaussian_draws_are_normal_and_samples_are_of_the_posterior),
      cmocka_unit_test(records_are_what_they_are_called),
  };
  return cmocka_run_group_tests(tests, start_with_components, end_alone);
}
