/* What every probe can be asked for (fewer features, shares of the labels, each step alone), the probes knn, mlp and
 * attentive, and what standardising does with noise. With a folder as argument it writes problems and results for
 * test_probing_against_sklearn.py. */
#include "analysis/probes/network_fit.h"
#include "framework/train/evaluation/label_features.h"
#include "framework/train/evaluation/probing.h"
#include "framework/train/evaluation/reduction.h"
#include "tests/components/probe_testing.h"

extern const vj_component vj_probe_trajectory, vj_probe_knn, vj_probe_mlp, vj_probe_attentive, vj_probe_ridge;

enum { MOST_RECORDS = 64, ROOM = 64, STEPS = 4, WIDTH = 6 };

typedef struct knn_config {
  vj_integer_list neighbours;
  int distance;
} knn_config;
typedef struct mlp_config {
  vj_fit_config fit;
  int64_t hidden;
} mlp_config;
typedef struct attentive_config {
  vj_fit_config fit;
  int64_t size, heads;
} attentive_config;

static const vj_penalties ridge_config = {-4, 4, 9};
static const int64_t some_k[] = {1, 5, 20, 500};
static const knn_config knn_configs[] = {{{4, some_k}, 0}, {{4, some_k}, 1}};
static const double rates[] = {1e-3, 1e-2};
static const mlp_config mlp = {{{2, rates}, 0.01, 400, 64}, 64};
static const attentive_config attentive = {{{2, rates}, 0.01, 400, 64}, 32, 4};

typedef struct found {
  double at[MOST_RECORDS][ROOM];
  int64_t count;
  vj_probe_record records[MOST_RECORDS];
} found;

static vj_probe_choice choice_of(const vj_component *probe, const void *config) {
  return (vj_probe_choice){.choice = {"p", probe, config}, .on = "hy_pred", .target = "label"};
}

static found run(vj_probe_choice choice, const vj_probe_input *input) {
  found f = {0};
  double *results[MOST_RECORDS];
  for (int i = 0; i < MOST_RECORDS; i++) results[i] = f.at[i];
  while (vj_probe_record_at(&choice, input->label, f.count, &f.records[f.count])) f.count++;
  assert_ok(vj_probe_run(&choice, input, results));
  return f;
}

static double metric(const found *f, int64_t which) {
  for (int64_t i = 0; i < f->count; i++)
    if (f->records[i].kind == VJ_PROBED_WHOLE && f->records[i].metric == which) return f->at[i][0];
  fail();
  return 0;
}

/* Rows of correlated features with unequal scales; `signal` [samples] is the first of each row's hidden numbers. */
static void fill(problem *p, uint64_t seed, double *signal[VJ_SPLITS]) {
  for (vj_split s = VJ_TRAIN; s < VJ_SPLITS; s++) {
    const vj_features *f = &p->input.split[s];
    const int64_t d = f->steps * f->width;
    signal[s] = calloc((size_t)f->samples, sizeof(double));
    for (int64_t i = 0; i < f->samples; i++) {
      vj_rng rng = vj_rng_stream(seed, VJ_RNG_TEST, (uint32_t)s, (uint64_t)i);
      double hidden[8];
      for (int k = 0; k < 8; k++) hidden[k] = vj_rng_normal(&rng);
      signal[s][i] = hidden[0];
      for (int64_t j = 0; j < d; j++)
        p->features[s][i * d + j] = (float)(1 + (double)(j % 5) +
                                            (1 + (double)(j % 3)) * (hidden[j % 8] + 0.5 * hidden[(3 * j + 1) % 8] +
                                                                     0.3 * vj_rng_normal(&rng)));
    }
  }
}

static void free_signal(double *signal[VJ_SPLITS]) {
  for (int s = 0; s < VJ_SPLITS; s++) free(signal[s]);
}

/* --- gradients ----------------------------------------------------------------------------------------------- */

static double weighted(const vj_network *n, const double *weights, int64_t count, const double *z, double *room,
                       const double *slopes) {
  double out[64], sum = 0;
  n->forward(n->shape, weights, count, z, room, out);
  for (int64_t i = 0; i < count * n->outputs; i++) sum += out[i] * slopes[i];
  return sum;
}

static void expect_gradient(const vj_network *n) {
  enum { SAMPLES = 5 };
  double *weights = normal_numbers(vj_rng_stream(1, VJ_RNG_TEST, 0, 0), n->weights);
  double *z = normal_numbers(vj_rng_stream(2, VJ_RNG_TEST, 0, 0), SAMPLES * n->inputs);
  double *slopes = normal_numbers(vj_rng_stream(3, VJ_RNG_TEST, 0, 0), SAMPLES * n->outputs);
  double *room = calloc((size_t)(SAMPLES * n->room), sizeof *room),
         *gradient = calloc((size_t)n->weights, sizeof *room);
  const double step = 1e-6;
  n->initialise(n->shape, weights);
  (void)weighted(n, weights, SAMPLES, z, room, slopes);
  n->backward(n->shape, weights, SAMPLES, z, room, slopes, gradient);
  for (int64_t i = 0; i < n->weights; i++) {
    const double kept = weights[i];
    weights[i] = kept + step;
    const double above = weighted(n, weights, SAMPLES, z, room, slopes);
    weights[i] = kept - step;
    const double below = weighted(n, weights, SAMPLES, z, room, slopes);
    weights[i] = kept;
    assert_close(gradient[i], (above - below) / (2 * step), 1e-7 * (1 + fabs(gradient[i])));
  }
  free(gradient);
  free(room);
  free(slopes);
  free(z);
  free(weights);
}

static void networks_have_exact_gradients(void **state) {
  (void)state;
  const vj_mlp_shape m = {7, 6, 3};
  const vj_attentive_shape a = {.tokens = 5, .channels = 3, .size = 6, .heads = 2, .outputs = 3};
  const vj_network networks[] = {vj_mlp_network(&m), vj_attentive_network(&a)};
  expect_gradient(&networks[0]);
  expect_gradient(&networks[1]);
}

/* --- what the probes see ------------------------------------------------------------------------------------- */

static double r2_of(const vj_component *probe, const void *config, const problem *p) {
  const found f = run(choice_of(probe, config), &p->input);
  return metric(&f, probe == &vj_probe_ridge ? 1 : VJ_SCORE_R2);
}

/* The product of two features is nothing that a linear map can tell. */
static void mlp_sees_products(void **state) {
  (void)state;
  const vj_label label = {.name = "product", .kind = VJ_LABEL_REAL, .width = 1, .unit = ""};
  problem p;
  create_problem(&p, label, 800, 1, 4);
  for (vj_split s = VJ_TRAIN; s < VJ_SPLITS; s++) {
    for (int64_t i = 0; i < p.samples[s]; i++) {
      vj_rng rng = vj_rng_stream(9, VJ_RNG_TEST, (uint32_t)s, (uint64_t)i);
      for (int j = 0; j < 4; j++) p.features[s][4 * i + j] = (float)vj_rng_normal(&rng);
      p.targets[s][i] = p.features[s][4 * i] * p.features[s][4 * i + 1];
    }
  }
  assert_true(r2_of(&vj_probe_ridge, &ridge_config, &p) < 0.1);
  assert_true(r2_of(&vj_probe_mlp, &mlp, &p) > 0.8);
  destroy_problem(&p);
}

/* One token among many says something; where it is changes. All tokens side by side, or their mean, drown it. */
static void attentive_finds_a_token(void **state) {
  (void)state;
  enum { TOKENS = 24, CHANNELS = 8 };
  const vj_label label = {.name = "told", .kind = VJ_LABEL_CLASS, .width = 1, .classes = 2, .unit = ""};
  problem p;
  create_problem(&p, label, 800, 4, TOKENS / 4 * CHANNELS);
  p.input.places = TOKENS / 4;
  for (vj_split s = VJ_TRAIN; s < VJ_SPLITS; s++) {
    for (int64_t i = 0; i < p.samples[s]; i++) {
      vj_rng rng = vj_rng_stream(10, VJ_RNG_TEST, (uint32_t)s, (uint64_t)i);
      float *row = p.features[s] + i * TOKENS * CHANNELS;
      for (int j = 0; j < TOKENS * CHANNELS; j++) row[j] = (float)vj_rng_normal(&rng);
      float *token = row + vj_rng_integer(&rng, 0, TOKENS - 1) * CHANNELS;
      const int64_t side = vj_rng_integer(&rng, 0, 1);
      token[0] = 6;
      token[1] = side ? 3 : -3;
      p.targets[s][i] = (float)side;
    }
  }
  const found pooled = run(choice_of(&vj_probe_attentive, &attentive), &p.input);
  const found flat = run(choice_of(&vj_probe_mlp, &mlp), &p.input);
  assert_true(metric(&pooled, VJ_SCORE_ACCURACY) > 0.95);
  assert_true(metric(&flat, VJ_SCORE_ACCURACY) < 0.9);
  destroy_problem(&p);
}

/* --- noise --------------------------------------------------------------------------------------------------- */

/* A label that ten features of a hundred tell; the others move a millionth as much, and tell nothing. */
static void standardising_makes_no_noise_loud(void **state) {
  (void)state;
  enum { D = 100 };
  const vj_label label = {.name = "speed", .kind = VJ_LABEL_REAL, .width = 1, .unit = ""};
  const vj_penalties least = {-4, -4, 1};
  problem p;
  create_problem(&p, label, 110, 1, D);
  for (vj_split s = VJ_TRAIN; s < VJ_SPLITS; s++) {
    for (int64_t i = 0; i < p.samples[s]; i++) {
      vj_rng rng = vj_rng_stream(11, VJ_RNG_TEST, (uint32_t)s, (uint64_t)i);
      for (int j = 0; j < D; j++) p.features[s][D * i + j] = (float)((j < 10 ? 1 : 1e-6) * vj_rng_normal(&rng));
      p.targets[s][i] = p.features[s][D * i] + (float)(0.3 * vj_rng_normal(&rng));
    }
  }
  /* The noise of the label alone explains .92 of its variance away. */
  assert_true(r2_of(&vj_probe_ridge, &least, &p) > 0.85);
  destroy_problem(&p);
}

/* --- fewer features ------------------------------------------------------------------------------------------ */

static void projections_are_orthonormal_and_the_same(void **state) {
  (void)state;
  enum { D = 12, K = 5 };
  float unit[D * D] = {0};
  for (int i = 0; i < D; i++) unit[i * D + i] = 1;
  const vj_features rows = {D, 1, D, unit, NULL};
  const vj_features splits[VJ_SPLITS] = {rows, rows, rows};
  float *first[VJ_SPLITS], *again[VJ_SPLITS];
  assert_ok(vj_reduce(VJ_REDUCE_PROJECTION, K, VJ_SPLITS, splits, first));
  assert_ok(vj_reduce(VJ_REDUCE_PROJECTION, K, VJ_SPLITS, splits, again));
  assert_memory_equal(first[VJ_TEST], again[VJ_TRAIN], sizeof(float) * D * K);
  for (int a = 0; a < K; a++) { /* rows are P (e_j - mean): their differences from the first row bring P back */
    for (int b = 0; b < K; b++) {
      double product = 0, sum_a = 0, sum_b = 0;
      for (int j = 0; j < D; j++) {
        product += (double)first[0][j * K + a] * first[0][j * K + b];
        sum_a += first[0][j * K + a], sum_b += first[0][j * K + b];
      }
      assert_close(sum_a, 0, 1e-5); /* the mean is taken off */
      assert_close(sum_b, 0, 1e-5);
      assert_true(fabs(product - (a == b)) < 0.9); /* less the mean of a row of P */
    }
  }
  for (int s = 0; s < VJ_SPLITS; s++) free(first[s]), free(again[s]);
}

/* All directions are kept: distances stay, so that neighbours do. */
static void a_rotation_keeps_neighbours(void **state) {
  (void)state;
  const vj_label label = {.name = "speed", .kind = VJ_LABEL_REAL, .width = 1, .unit = ""};
  double *signal[VJ_SPLITS];
  problem p;
  create_problem(&p, label, 200, STEPS, WIDTH);
  fill(&p, 12, signal);
  for (int s = 0; s < VJ_SPLITS; s++)
    for (int64_t i = 0; i < p.samples[s]; i++) p.targets[s][i] = (float)signal[s][i];
  vj_probe_choice choice = choice_of(&vj_probe_knn, &knn_configs[1]);
  const found plain = run(choice, &p.input);
  choice.dimension = WIDTH;
  for (int reduction = 0; reduction < 2; reduction++) {
    choice.reduction = reduction;
    const found turned = run(choice, &p.input);
    assert_close(metric(&turned, VJ_SCORE_MSE), metric(&plain, VJ_SCORE_MSE), 1e-6);
  }
  free_signal(signal);
  destroy_problem(&p);
}

static void a_dimension_that_is_not_there_is_refused(void **state) {
  (void)state;
  vj_probe_choice choice = choice_of(&vj_probe_ridge, &ridge_config);
  choice.dimension = 9;
  assert_ok(vj_reduction_check(&choice, 9));
  assert_error(vj_reduction_check(&choice, 8), VJ_CONFIG,
               "dimension is 9, and a step of view hy_pred has 8 features; choose the smallest width of all arms, or "
               "less");
  choice.reduction = VJ_REDUCE_PCA;
  assert_error(vj_reduction_check(&choice, 10000), VJ_CONFIG,
               "reduction: pca takes at most 8192 features, and a step of view hy_pred has 10000; take projection");
}

static void metrics_are_those_of_the_label(void **state) {
  (void)state;
  const vj_probe_choice choice = choice_of(&vj_probe_knn, &knn_configs[0]);
  const vj_label labels[] = {{.kind = VJ_LABEL_REAL, .width = 1},
                             {.kind = VJ_LABEL_CLASS, .width = 1, .classes = 3},
                             {.kind = VJ_LABEL_FLAGS, .width = 2}};
  const char *const expected[][6] = {
      {"mse", "r2", "mse_validation", "baseline_mse", "neighbours", NULL},
      {"accuracy", "accuracy_validation", "cross_entropy", "majority_accuracy", "neighbours", NULL},
      {"map", "map_validation", "baseline_map", "neighbours", NULL}};
  for (int i = 0; i < 3; i++) {
    vj_probe_record record;
    int64_t count = 0;
    for (; vj_probe_record_at(&choice, &labels[i], count, &record); count++)
      assert_string_equal(vj_probe_knn.as.probe.metrics[record.metric].name, expected[i][count]);
    assert_null(expected[i][count]);
  }
}

/* --- problems for Python ------------------------------------------------------------------------------------- */

static void write_results(const char *folder, const char *probe, const char *name, const found *f) {
  npy_write(folder, probe, name, "results", "<f8", MOST_RECORDS, ROOM, f->at);
}

static void write_knn(const char *folder, const char *name, vj_label label, int kind) {
  static const char *const distances[] = {"cosine", "euclidean"};
  double *signal[VJ_SPLITS];
  char full[64];
  problem p;
  create_problem(&p, label, 200, STEPS, WIDTH);
  fill(&p, 20, signal);
  for (int s = 0; s < VJ_SPLITS; s++)
    for (int64_t i = 0; i < p.samples[s]; i++)
      for (int64_t k = 0; k < label.width; k++) {
        const double x = signal[s][i] + 0.3 * (double)k;
        p.targets[s][i * label.width + k] = (float)(kind == 0 ? x : kind == 1 ? (x > 0.5) + (x > -0.5) : x > 0.4);
      }
  for (int d = 0; d < 2; d++) {
    const found f = run(choice_of(&vj_probe_knn, &knn_configs[d]), &p.input);
    snprintf(full, sizeof full, "%s_%s", name, distances[d]);
    write_problem(folder, "knn", full, &p);
    write_results(folder, "knn", full, &f);
  }
  free_signal(signal);
  destroy_problem(&p);
}

static void write_asked(const char *folder) {
  static const double shares[] = {0.05, 0.5, 1};
  const vj_label label = {.name = "position", .kind = VJ_LABEL_REAL, .width = 2 * STEPS, .unit = "px", .steps = STEPS};
  double *signal[VJ_SPLITS];
  problem p;
  create_problem(&p, label, 400, STEPS, WIDTH);
  fill(&p, 21, signal);
  for (int s = 0; s < VJ_SPLITS; s++)
    for (int64_t i = 0; i < p.samples[s]; i++)
      for (int64_t k = 0; k < label.width; k++)
        p.targets[s][i * label.width + k] =
            (float)(signal[s][i] * (double)(k + 1) + p.features[s][i * STEPS * WIDTH + (7 * k) % (STEPS * WIDTH)]);
  vj_probe_choice choice = choice_of(&vj_probe_ridge, &ridge_config);
  choice.label_share = (vj_real_list){3, shares};
  choice.by_horizon = true;
  write_problem(folder, "asked", "ridge", &p);
  found f = run(choice, &p.input);
  write_results(folder, "asked", "ridge", &f);
  choice.dimension = 3;
  choice.reduction = VJ_REDUCE_PCA;
  f = run(choice, &p.input);
  write_results(folder, "asked", "pca", &f);
  free_signal(signal);
  destroy_problem(&p);
}

/* Test predictions by z from the prior: the test features with something added, DRAWS times. */
static void write_draws(const char *folder) {
  enum { DRAWS = 3, ROW = STEPS * WIDTH };
  const vj_label label = {.name = "position", .kind = VJ_LABEL_REAL, .width = 2 * STEPS, .unit = "px", .steps = STEPS};
  double *signal[VJ_SPLITS];
  problem p;
  create_problem(&p, label, 400, STEPS, WIDTH);
  fill(&p, 22, signal);
  for (int s = 0; s < VJ_SPLITS; s++)
    for (int64_t i = 0; i < p.samples[s]; i++)
      for (int64_t k = 0; k < label.width; k++)
        p.targets[s][i * label.width + k] = (float)(3 * signal[s][i] * (double)(k + 1));
  const int64_t tested = p.samples[VJ_TEST];
  float *drawn = calloc((size_t)(tested * DRAWS * ROW), sizeof *drawn);
  for (int64_t i = 0; i < tested * DRAWS * ROW; i++) {
    vj_rng rng = vj_rng_stream(23, VJ_RNG_TEST, 0, (uint64_t)i);
    drawn[i] = p.features[VJ_TEST][i / (DRAWS * ROW) * ROW + i % ROW] + (float)vj_rng_normal(&rng);
  }
  p.input.draws = DRAWS;
  p.input.drawn = (vj_features){tested, STEPS, WIDTH, drawn, p.targets[VJ_TEST]};
  vj_probe_choice choice = choice_of(&vj_probe_trajectory, &ridge_config);
  choice.has_prior = true;
  found f = run(choice, &p.input);
  write_problem(folder, "draws", "plain", &p);
  npy_write(folder, "draws", "plain", "drawn", "<f4", tested, DRAWS * ROW, drawn);
  write_results(folder, "draws", "plain", &f);
  choice.dimension = 3;
  choice.reduction = VJ_REDUCE_PCA;
  f = run(choice, &p.input);
  write_results(folder, "draws", "pca", &f);
  free(drawn);
  free_signal(signal);
  destroy_problem(&p);
}

static void write_all(const char *folder) {
  write_knn(folder, "real", (vj_label){.name = "r", .kind = VJ_LABEL_REAL, .width = 2, .unit = ""}, 0);
  write_knn(folder, "class", (vj_label){.name = "c", .kind = VJ_LABEL_CLASS, .width = 1, .classes = 3, .unit = ""}, 1);
  write_knn(folder, "flags", (vj_label){.name = "f", .kind = VJ_LABEL_FLAGS, .width = 2, .unit = ""}, 2);
  write_asked(folder);
  write_draws(folder);
}

/* A class has a number for each, what is missing is 0, and labels stand in the order that the probe names them in. */
static void labels_stand_side_by_side(void **state) {
  (void)state;
  enum { ALL = 4, WIDE = 5 };
  const vj_label labels[] = {{.name = "kind", .kind = VJ_LABEL_CLASS, .width = 1, .classes = 3},
                             {.name = "speed", .kind = VJ_LABEL_REAL, .width = 1},
                             {.name = "flags", .kind = VJ_LABEL_FLAGS, .width = 2}};
  const vj_loader loader = {.info = {.labels = labels, .label_count = 3, .label_width = ALL}};
  const float rows[2][ALL] = {{2, 0.5f, 1, 0}, {0, NAN, 0, 1}};
  const float expected[2][WIDE] = {{1, 0, 0, 0, 1}, {0, 1, 1, 0, 0}};
  vj_probe_choice choice = choice_of(&vj_probe_ridge, &ridge_config);
  choice.labels = (vj_text_list){2, (const char *[]){"flags", "kind"}};
  float *features;
  int64_t width;
  assert_ok(vj_label_features_width(&choice, &loader, &width));
  assert_int_equal(width, WIDE);
  assert_ok(vj_label_features(&choice, &loader, 2, rows[0], &features));
  assert_memory_equal(features, expected, sizeof expected);
  free(features);
  choice.labels = (vj_text_list){1, (const char *[]){"speed"}};
  assert_ok(vj_label_features(&choice, &loader, 2, rows[0], &features));
  assert_true(features[0] == 0.5f && features[1] == 0);
  free(features);
}

int main(int argc, char **argv) {
  if (argc > 1) {
    write_all(argv[1]);
    return 0;
  }
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(labels_stand_side_by_side),
      cmocka_unit_test(networks_have_exact_gradients),
      cmocka_unit_test(mlp_sees_products),
      cmocka_unit_test(attentive_finds_a_token),
      cmocka_unit_test(standardising_makes_no_noise_loud),
      cmocka_unit_test(projections_are_orthonormal_and_the_same),
      cmocka_unit_test(a_rotation_keeps_neighbours),
      cmocka_unit_test(a_dimension_that_is_not_there_is_refused),
      cmocka_unit_test(metrics_are_those_of_the_label),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
