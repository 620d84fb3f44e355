/* Attentive probe: cross-attention pools a view's tokens, and a small network reads the pool (Bardes et al. 2024, arXiv
 * 2404.08471, probe their frozen features so).
 *
 * Tokens x_t, t = 1..n, of C numbers are the steps of a view, of a spatial state each place of each step; with
 * `dimension:` the steps. Each of C channels has mean 0 and variance 1 over all tokens of train. With learnt query q,
 * matrices and places' vectors,
 *   k_t = Wk x_t + p_t, v_t = Wv x_t + r_t, a = softmax_t(q'k_t / sqrt(size / heads)) for each head,
 *   pool = sum_t a_t v_t, h = ReLU(W1 pool + b1), out = W2 h + b2,
 * so that it finds what few tokens tell, wherever they are, which all steps side by side, or their mean, blur. */
#include <cblas.h>
#include <math.h>
#include <string.h>

#include "analysis/metrics/lapack.h"
#include "analysis/probes/network_fit.h"
#include "vj/component.h"
#include "vj/elementary.h"

typedef struct attentive_config {
  vj_fit_config fit; /* first */
  int64_t size, heads;
} attentive_config;

static const vj_param params[] = {
    VJ_FIT_ROWS,
    VJ_INTEGER(attentive_config, size, "64", 1, 65536, "", "numbers of keys, values and the pool; a multiple of heads"),
    VJ_INTEGER(attentive_config, heads, "4", 1, 1024, "", "heads of the attention"),
};

static const vj_metric metrics[VJ_FIT_METRICS] = {VJ_FIT_ROWS_OF_METRICS};

static vj_status check(const void *untyped, const vj_label *label) {
  const attentive_config *config = untyped;
  if (config->size % config->heads != 0)
    return vj_fail(VJ_CONFIG, "size is %lld, which %lld heads can't share; make it a multiple", (long long)config->size,
                   (long long)config->heads);
  return vj_fit_check("attentive", &config->fit, label);
}

/* --- where numbers lie --------------------------------------------------------------------------------------- */

/* Of the weights; Wk [A, C] is at 0. */
typedef struct places {
  int64_t p, wv, r, q, w1, b1, w2, b2, end;
} places;

static places places_of(const vj_attentive_shape *s) {
  const int64_t matrix = s->size * s->channels, all = s->tokens * s->size;
  places at = {.p = matrix};
  at.wv = at.p + all;
  at.r = at.wv + matrix;
  at.q = at.r + all;
  at.w1 = at.q + s->size;
  at.b1 = at.w1 + s->size * s->size;
  at.w2 = at.b1 + s->size;
  at.b2 = at.w2 + s->outputs * s->size;
  at.end = at.b2 + s->outputs;
  return at;
}

/* Of n samples: keys and values [n, tokens, A], attention [n, heads, tokens], pool and hidden [n, A], and slopes by the
 * first two and the last two. */
typedef struct layers {
  double *k, *v, *a, *pool, *hidden, *k_slopes, *v_slopes, *pool_slopes, *hidden_slopes;
} layers;

static int64_t room_of(const vj_attentive_shape *s) {
  return 4 * s->tokens * s->size + s->heads * s->tokens + 4 * s->size;
}

static layers layers_of(const vj_attentive_shape *s, int64_t n, double *room) {
  const int64_t tokens = n * s->tokens * s->size, one = n * s->size;
  layers l = {.k = room, .v = room + tokens, .k_slopes = room + 2 * tokens, .v_slopes = room + 3 * tokens};
  l.a = room + 4 * tokens;
  l.pool = l.a + n * s->heads * s->tokens;
  l.hidden = l.pool + one;
  l.pool_slopes = l.hidden + one;
  l.hidden_slopes = l.pool_slopes + one;
  return l;
}

/* --- products ------------------------------------------------------------------------------------------------ */

/* y [n, out] += x [n, in] W' */
static void map(int64_t n, int64_t in, int64_t out, const double *x, const double *w, double *y) {
  cblas_dgemm(CblasRowMajor, CblasNoTrans, CblasTrans, (int)n, (int)out, (int)in, 1, x, (int)in, w, (int)in, 1, y,
              (int)out);
}

/* Slopes by W, of y's. */
static void map_gradient(int64_t n, int64_t in, int64_t out, const double *x, const double *slopes, double *w) {
  cblas_dgemm(CblasRowMajor, CblasTrans, CblasNoTrans, (int)out, (int)in, (int)n, 1, slopes, (int)out, x, (int)in, 0, w,
              (int)in);
}

/* Slopes by x. */
static void map_back(int64_t n, int64_t in, int64_t out, const double *slopes, const double *w, double *x) {
  cblas_dgemm(CblasRowMajor, CblasNoTrans, CblasNoTrans, (int)n, (int)in, (int)out, 1, slopes, (int)out, w, (int)in, 0,
              x, (int)in);
}

static void repeat(int64_t n, int64_t count, const double *row, double *rows) {
  for (int64_t i = 0; i < n; i++) memcpy(rows + i * count, row, (size_t)count * sizeof *row);
}

static void sum_rows(int64_t n, int64_t count, const double *rows, double *sum) {
  memset(sum, 0, (size_t)count * sizeof *sum);
  for (int64_t i = 0; i < n; i++) cblas_daxpy((int)count, 1, rows + i * count, 1, sum, 1);
}

/* --- attention of one head of one sample: keys and values `stride` apart --------------------------------------- */

static void attend(int64_t tokens, int64_t size, int64_t stride, const double *q, const double *k, const double *v,
                   double *a, double *pool) {
  const double scale = 1 / sqrt((double)size);
  double most = -INFINITY, sum = 0;
  for (int64_t t = 0; t < tokens; t++) {
    a[t] = scale * cblas_ddot((int)size, q, 1, k + t * stride, 1);
    most = fmax(most, a[t]);
  }
  for (int64_t t = 0; t < tokens; t++) sum += a[t] = vj_math_exp(a[t] - most);
  for (int64_t j = 0; j < size; j++) pool[j] = 0;
  for (int64_t t = 0; t < tokens; t++) {
    a[t] /= sum;
    cblas_daxpy((int)size, a[t], v + t * stride, 1, pool, 1);
  }
}

static void attend_back(int64_t tokens, int64_t size, int64_t stride, const double *q, const double *k, const double *v,
                        const double *a, const double *pool_slopes, double *q_slopes, double *k_slopes,
                        double *v_slopes) {
  const double scale = 1 / sqrt((double)size);
  double mean = 0; /* of the slopes by a */
  for (int64_t t = 0; t < tokens; t++) mean += a[t] * cblas_ddot((int)size, pool_slopes, 1, v + t * stride, 1);
  for (int64_t t = 0; t < tokens; t++) {
    const double by_a = cblas_ddot((int)size, pool_slopes, 1, v + t * stride, 1);
    const double by_score = scale * a[t] * (by_a - mean);
    for (int64_t j = 0; j < size; j++) {
      v_slopes[t * stride + j] = a[t] * pool_slopes[j];
      k_slopes[t * stride + j] = by_score * q[j];
      q_slopes[j] += by_score * k[t * stride + j];
    }
  }
}

/* --- the network --------------------------------------------------------------------------------------------- */

static void initialise(const void *untyped, double *weights) {
  const vj_attentive_shape *s = untyped;
  const places at = places_of(s);
  const double narrow = 0.02, of_channels = 1 / sqrt((double)s->channels), of_size = 1 / sqrt((double)s->size);
  for (int64_t i = 0; i < at.end; i++) {
    const bool is_place = (i >= at.p && i < at.wv) || (i >= at.r && i < at.q);
    const bool is_bias = (i >= at.b1 && i < at.w2) || i >= at.b2;
    const double of_matrix = i < at.q ? of_channels : i < at.w1 ? 1 : i < at.b1 ? sqrt(2) * of_size : of_size;
    weights[i] *= is_bias ? 0 : is_place ? narrow : of_matrix;
  }
}

static void forward(const void *untyped, const double *weights, int64_t n, const double *z, double *room, double *out) {
  const vj_attentive_shape *s = untyped;
  const places at = places_of(s);
  const layers l = layers_of(s, n, room);
  const int64_t tokens = s->tokens, size = s->size, own = size / s->heads;
  repeat(n, tokens * size, weights + at.p, l.k);
  repeat(n, tokens * size, weights + at.r, l.v);
  map(n * tokens, s->channels, size, z, weights, l.k);
  map(n * tokens, s->channels, size, z, weights + at.wv, l.v);
  for (int64_t i = 0; i < n; i++)
    for (int64_t h = 0; h < s->heads; h++) {
      const int64_t from = i * tokens * size + h * own;
      attend(tokens, own, size, weights + at.q + h * own, l.k + from, l.v + from, l.a + (i * s->heads + h) * tokens,
             l.pool + i * size + h * own);
    }
  repeat(n, size, weights + at.b1, l.hidden);
  map(n, size, size, l.pool, weights + at.w1, l.hidden);
  for (int64_t i = 0; i < n * size; i++) l.hidden[i] = l.hidden[i] > 0 ? l.hidden[i] : 0;
  repeat(n, s->outputs, weights + at.b2, out);
  map(n, size, s->outputs, l.hidden, weights + at.w2, out);
}

static void backward(const void *untyped, const double *weights, int64_t n, const double *z, double *room,
                     const double *slopes, double *gradient) {
  const vj_attentive_shape *s = untyped;
  const places at = places_of(s);
  const layers l = layers_of(s, n, room);
  const int64_t tokens = s->tokens, size = s->size, own = size / s->heads;
  map_gradient(n, size, s->outputs, l.hidden, slopes, gradient + at.w2);
  sum_rows(n, s->outputs, slopes, gradient + at.b2);
  map_back(n, size, s->outputs, slopes, weights + at.w2, l.hidden_slopes);
  for (int64_t i = 0; i < n * size; i++) l.hidden_slopes[i] = l.hidden[i] > 0 ? l.hidden_slopes[i] : 0;
  map_gradient(n, size, size, l.pool, l.hidden_slopes, gradient + at.w1);
  sum_rows(n, size, l.hidden_slopes, gradient + at.b1);
  map_back(n, size, size, l.hidden_slopes, weights + at.w1, l.pool_slopes);
  memset(gradient + at.q, 0, (size_t)size * sizeof *gradient);
  for (int64_t i = 0; i < n; i++)
    for (int64_t h = 0; h < s->heads; h++) {
      const int64_t from = i * tokens * size + h * own;
      attend_back(tokens, own, size, weights + at.q + h * own, l.k + from, l.v + from,
                  l.a + (i * s->heads + h) * tokens, l.pool_slopes + i * size + h * own, gradient + at.q + h * own,
                  l.k_slopes + from, l.v_slopes + from);
    }
  map_gradient(n * tokens, s->channels, size, z, l.k_slopes, gradient);
  map_gradient(n * tokens, s->channels, size, z, l.v_slopes, gradient + at.wv);
  sum_rows(n, tokens * size, l.k_slopes, gradient + at.p);
  sum_rows(n, tokens * size, l.v_slopes, gradient + at.r);
}

vj_network vj_attentive_network(const vj_attentive_shape *s) {
  return (vj_network){.shape = s,
                      .inputs = s->tokens * s->channels,
                      .outputs = s->outputs,
                      .weights = places_of(s).end,
                      .room = room_of(s),
                      .initialise = initialise,
                      .forward = forward,
                      .backward = backward};
}

/* --- the probe ----------------------------------------------------------------------------------------------- */

/* Moments of each channel over all tokens of train. */
static vj_status standardise(const vj_attentive_shape *s, const vj_probe_input *input, vj_standard *standard) {
  const int64_t c = s->channels, columns = s->tokens * c, rows = input->split[VJ_TRAIN].samples * s->tokens;
  VJ_TRY(vj_standard_create(input, standard));
  vj_column_moments(rows, c, input->split[VJ_TRAIN].values, standard->mean, standard->scale);
  const double floor = vj_deviation_floor(c, standard->mean, standard->scale);
  for (int64_t j = 0; j < c; j++)
    standard->scale[j] =
        vj_column_varies(standard->mean[j], standard->scale[j]) ? 1 / fmax(standard->scale[j], floor) : 0;
  for (int64_t j = c; j < columns; j++) {
    standard->mean[j] = standard->mean[j - c];
    standard->scale[j] = standard->scale[j - c];
  }
  return VJ_OK;
}

static vj_status evaluate(const void *untyped, const vj_probe_input *input, double *const *results) {
  const attentive_config *config = untyped;
  const vj_features *train = &input->split[VJ_TRAIN];
  const int64_t places_of_step = input->places > 1 ? input->places : 1;
  const vj_attentive_shape shape = {.tokens = train->steps * places_of_step,
                                    .channels = train->width / places_of_step,
                                    .size = config->size,
                                    .heads = config->heads,
                                    .outputs = vj_score_outputs(input->label)};
  const vj_network network = vj_attentive_network(&shape);
  vj_standard standard = {0};
  vj_status status;
  VJ_TRY(vj_probe_check_splits("attentive", input));
  vj_lapack_single_thread();
  VJ_TRY_GOTO(status, standardise(&shape, input, &standard), done);
  VJ_TRY_GOTO(status, vj_network_fit(&network, &config->fit, &standard, results), done);
done:
  vj_standard_destroy(&standard);
  return status;
}

const vj_component vj_probe_attentive = {
    .abi = VJ_ABI,
    .kind = VJ_PROBE,
    .name = "attentive",
    .summary = "cross-attention over the steps (and places) of a view, then a small network, to a label of any kind",
    .source = "Bardes et al., V-JEPA (arXiv 2404.08471), attentive probe",
    .params = params,
    .param_count = VJ_COUNT(params),
    .config_bytes = sizeof(attentive_config),
    .as.probe =
        {.metrics = metrics, .metric_count = VJ_FIT_METRICS, VJ_FIT_MASKS, .check = check, .evaluate = evaluate},
};
