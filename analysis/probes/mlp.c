/* A multilayer perceptron of one hidden layer, from all steps of a view to a label of any kind: what can be read from a
 * view by more than a linear map. Features have mean 0 and variance 1 by train. */
#include <cblas.h>
#include <math.h>

#include "analysis/metrics/lapack.h"
#include "analysis/probes/network_fit.h"
#include "vj/component.h"

typedef struct mlp_config {
  vj_fit_config fit; /* first */
  int64_t hidden;
} mlp_config;

static const vj_param params[] = {
    VJ_FIT_ROWS,
    VJ_INTEGER(mlp_config, hidden, "128", 1, 65536, "", "width of the hidden layer"),
};

static const vj_metric metrics[VJ_FIT_METRICS] = {VJ_FIT_ROWS_OF_METRICS};

static vj_status check(const void *untyped, const vj_label *label) {
  return vj_fit_check("mlp", &((const mlp_config *)untyped)->fit, label);
}

/* Where weights lie: W1 [H, D], b1 [H], W2 [O, H], b2 [O]. */
typedef struct places {
  int64_t b1, w2, b2;
} places;

static places places_of(const vj_mlp_shape *s) {
  const int64_t b1 = s->hidden * s->inputs, w2 = b1 + s->hidden;
  return (places){b1, w2, w2 + s->outputs * s->hidden};
}

static void initialise(const void *untyped, double *weights) {
  const vj_mlp_shape *s = untyped;
  const places at = places_of(s);
  cblas_dscal((int)at.b1, sqrt(2 / (double)s->inputs), weights, 1);
  for (int64_t i = at.b1; i < at.w2; i++) weights[i] = 0;
  cblas_dscal((int)(at.b2 - at.w2), 1 / sqrt((double)s->hidden), weights + at.w2, 1);
  for (int64_t i = 0; i < s->outputs; i++) weights[at.b2 + i] = 0;
}

/* y [n, out] = x [n, in] W' + b */
static void affine(int64_t n, int64_t in, int64_t out, const double *x, const double *w, const double *b, double *y) {
  for (int64_t i = 0; i < n; i++) cblas_dcopy((int)out, b, 1, y + i * out, 1);
  cblas_dgemm(CblasRowMajor, CblasNoTrans, CblasTrans, (int)n, (int)out, (int)in, 1, x, (int)in, w, (int)in, 1, y,
              (int)out);
}

/* Its gradients by W and b. */
static void affine_gradient(int64_t n, int64_t in, int64_t out, const double *x, const double *slopes, double *w,
                            double *b) {
  cblas_dgemm(CblasRowMajor, CblasTrans, CblasNoTrans, (int)out, (int)in, (int)n, 1, slopes, (int)out, x, (int)in, 0, w,
              (int)in);
  for (int64_t k = 0; k < out; k++) b[k] = 0;
  for (int64_t i = 0; i < n; i++) cblas_daxpy((int)out, 1, slopes + i * out, 1, b, 1);
}

/* The room of a sample: the hidden layer, then slopes by it. */
static void forward(const void *untyped, const double *weights, int64_t n, const double *z, double *room, double *out) {
  const vj_mlp_shape *s = untyped;
  const places at = places_of(s);
  affine(n, s->inputs, s->hidden, z, weights, weights + at.b1, room);
  for (int64_t i = 0; i < n * s->hidden; i++) room[i] = room[i] > 0 ? room[i] : 0;
  affine(n, s->hidden, s->outputs, room, weights + at.w2, weights + at.b2, out);
}

static void backward(const void *untyped, const double *weights, int64_t n, const double *z, double *room,
                     const double *slopes, double *gradient) {
  const vj_mlp_shape *s = untyped;
  const places at = places_of(s);
  const int o = (int)s->outputs, h = (int)s->hidden;
  double *inner = room + n * s->hidden;
  affine_gradient(n, s->hidden, s->outputs, room, slopes, gradient + at.w2, gradient + at.b2);
  cblas_dgemm(CblasRowMajor, CblasNoTrans, CblasNoTrans, (int)n, h, o, 1, slopes, o, weights + at.w2, h, 0, inner, h);
  for (int64_t i = 0; i < n * s->hidden; i++) inner[i] = room[i] > 0 ? inner[i] : 0;
  affine_gradient(n, s->inputs, s->hidden, z, inner, gradient, gradient + at.b1);
}

vj_network vj_mlp_network(const vj_mlp_shape *s) {
  return (vj_network){.shape = s,
                      .inputs = s->inputs,
                      .outputs = s->outputs,
                      .weights = places_of(s).b2 + s->outputs,
                      .room = 2 * s->hidden,
                      .initialise = initialise,
                      .forward = forward,
                      .backward = backward};
}

static vj_status evaluate(const void *untyped, const vj_probe_input *input, double *const *results) {
  const mlp_config *config = untyped;
  const vj_features *train = &input->split[VJ_TRAIN];
  const vj_mlp_shape shape = {train->steps * train->width, config->hidden, vj_score_outputs(input->label)};
  const vj_network network = vj_mlp_network(&shape);
  vj_standard standard = {0};
  vj_status status;
  VJ_TRY(vj_probe_check_splits("mlp", input));
  vj_lapack_single_thread();
  VJ_TRY_GOTO(status, vj_standard_create(input, &standard), done);
  VJ_TRY_GOTO(status, vj_network_fit(&network, &config->fit, &standard, results), done);
done:
  vj_standard_destroy(&standard);
  return status;
}

const vj_component vj_probe_mlp = {
    .abi = VJ_ABI,
    .kind = VJ_PROBE,
    .name = "mlp",
    .summary = "multilayer perceptron of one hidden layer, from all steps of a view to a label of any kind",
    .source = "Rumelhart, Hinton and Williams, Learning representations by back-propagating errors (Nature 323, 1986)",
    .params = params,
    .param_count = VJ_COUNT(params),
    .config_bytes = sizeof(mlp_config),
    .as.probe =
        {.metrics = metrics, .metric_count = VJ_FIT_METRICS, VJ_FIT_MASKS, .check = check, .evaluate = evaluate},
};
