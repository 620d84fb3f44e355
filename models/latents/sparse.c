/* z is a sparse vector that enters the predictor's top layer linearly, inferred by (F)ISTA. Its scale is held by
 * columns of unit norm: otherwise the weight could grow and the penalty would mean nothing. */
#include "vj/component.h"
#include "vj/ops.h"

typedef enum method { FISTA, ISTA } method;

typedef struct sparse_config {
  int64_t size, steps;
  double lambda, tolerance, target_sparsity, adaptation;
  int method;
  bool positive;
} sparse_config;

static const vj_param params[] = {
    VJ_INTEGER(sparse_config, size, "20", 1, 4096, "", "numbers in z"),
    VJ_REAL(sparse_config, lambda, "0.01", 0, 1e6, "", "weight of |z|_1; with target_sparsity, where it starts"),
    VJ_REAL(sparse_config, target_sparsity, "0", 0, 0.999, "",
            "share of exact zeros that lambda is adapted to during training; 0: lambda stays"),
    VJ_REAL(sparse_config, adaptation, "0.05", 0, 1, "",
            "change of log lambda a step, for each unit of missing sparsity"),
    VJ_CHOICE(sparse_config, method, "fista|ista", "fista", "accelerated or plain proximal gradient"),
    VJ_BOOL(sparse_config, positive, "false", "z >= 0"),
    VJ_INTEGER(sparse_config, steps, "200", 1, 1000000, "", "most iterations of the inference"),
    VJ_REAL(sparse_config, tolerance, "1.0e-3", 0, 1, "", "a sample is done when |z - z_old| <= tolerance |z_old|"),
};

/* weight [D,n] with every column divided by its norm */
static vj_var *unit_columns(vj_graph *graph, vj_var *weight) {
  const vj_shape shape = vj_shape_of(weight);
  const double rows = (double)shape.size[0];
  vj_var *mean, *variance; /* norm^2 = D (variance + mean^2) */
  vj_moments(graph, weight, 1, &mean, &variance);
  vj_var *square = vj_scale(graph, vj_add(graph, variance, vj_square(graph, mean)), rows, 1e-12);
  return vj_div(graph, weight, vj_repeat_rows(graph, vj_sqrt(graph, square), shape.size[0]));
}

/* Share of exact zeros: 1 - mean of z^2 / (z^2 + tiny), which is 0 or 1 but for rounding */
static vj_var *sparsity_of(vj_graph *graph, vj_var *z) {
  vj_var *square = vj_square(graph, z);
  return vj_scale(graph, vj_mean_all(graph, vj_div(graph, square, vj_scale(graph, square, 1, 1e-30))), -1, 1);
}

static void report(vj_graph *graph, vj_var *z, vj_var *statistics, vj_var *lambda, vj_var *sparsity) {
  static const char *const names[] = {"latent_energy_before", "latent_energy_after", "latent_iterations"};
  static const char *const texts[] = {"prediction energy at z = 0", "prediction energy at z*, without the penalty",
                                      "iterations of the inference, mean over samples"};
  for (int64_t i = 0; i < 3; i++)
    vj_report(graph, names[i], vj_mean_all(graph, vj_slice(graph, statistics, 1, i, 1)), texts[i]);
  vj_report(graph, "latent_sparsity", sparsity, "share of exact zeros in z*");
  vj_report(graph, "latent_lambda", vj_mean_all(graph, lambda), "weight of |z|_1 in the inference");
  vj_report(graph, "latent_size", vj_sqrt(graph, vj_scale(graph, vj_mean_all(graph, vj_square(graph, z)), 1, 1e-30)),
            "root mean square of z*");
}

static vj_var *build(vj_graph *graph, const void *untyped, const vj_predictor *predictor, vj_var *hx, vj_var *hy) {
  const sparse_config *config = untyped;
  const vj_shape target = vj_shape_of(hy);
  vj_var *weight, *statistics;
  if (!hx || !hy) return NULL;
  if (!predictor->ops->build_linear)
    return vj_graph_fail(graph, VJ_CONFIG, "predictor %s can't take a sparse latent", predictor->name);
  vj_var *base = predictor->ops->build_linear(graph, predictor->config, hx, config->size, &target, &weight);
  vj_var *columns = unit_columns(graph, weight);
  vj_scope_push(graph, "latent");
  vj_var *log_lambda = vj_state(graph, &(vj_param_spec){"log_lambda", VJ_SHAPE(1), "N", VJ_INIT_ZERO, 0, false});
  vj_scope_pop(graph);
  vj_var *lambda = vj_scale(graph, vj_exp(graph, log_lambda), config->lambda, 0);
  const vj_sparse_code_args args = {config->steps, config->tolerance, config->positive, config->method == FISTA};
  vj_var *z = vj_sparse_code(graph, vj_stop_gradient(graph, base), vj_stop_gradient(graph, columns),
                             vj_stop_gradient(graph, vj_flatten(graph, hy, 1)), lambda, &args, &statistics);
  if (!z) return NULL;
  vj_var *sparsity = sparsity_of(graph, z);
  report(graph, z, statistics, lambda, sparsity);
  if (config->target_sparsity > 0) { /* lambda rises while codes are too dense */
    const double rate = config->adaptation;
    vj_var *change = vj_scale(graph, sparsity, -rate, rate * config->target_sparsity);
    vj_state_update(graph, log_lambda, vj_add(graph, log_lambda, change), 1);
  }
  vj_show(graph, "z", vj_reshape(graph, z, &VJ_SHAPE(target.size[0], 1, config->size)));
  return vj_reshape(graph, vj_add(graph, base, vj_linear(graph, z, columns, NULL)), &target);
}

const vj_component vj_latent_sparse = {
    .abi = VJ_ABI,
    .kind = VJ_LATENT,
    .name = "sparse",
    .summary = "a sparse vector, inferred by FISTA in the predictor's top layer",
    .source = "arXiv 2412.10925, sparse latent; Beck and Teboulle 2009; Evtimova and LeCun 2022",
    .params = params,
    .param_count = VJ_COUNT(params),
    .config_bytes = sizeof(sparse_config),
    .as.latent = {.build = build},
};
