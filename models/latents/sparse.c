/* z is a sparse vector that enters the predictor's top layer linearly, hy_pred = base + W z, inferred by (F)ISTA:
 * z* = argmin_z E(z) + lambda |z|_1 with the energy E of vj/component.h. Without decoded frames in E and with columns
 * of unit norm E is a quadratic form, which has a fast path; else every iteration is a back-propagation.
 *
 * The scale of z must be held, otherwise the weight could grow and the penalty would mean nothing: by columns of W of
 * unit norm, or by an energy of too little variance, 10 sum_k max(0, 1/2 - std_k(z))^2 (Evtimova and LeCun 2022). The
 * standard deviation couples the samples of a batch, so that the whole batch is then one problem with one step size. */
#include "models/latents/draws.h"
#include "vj/component.h"
#include "vj/ops.h"

typedef enum method { FISTA, ISTA } method;
typedef enum scale { UNIT_NORM, VARIANCE } scale;

typedef struct sparse_config {
  int64_t size, steps, unrolled_steps;
  double lambda, tolerance, target_sparsity, adaptation, noise;
  int method, scale;
  bool positive, remove_static;
} sparse_config;

static const vj_param params[] = {
    VJ_INTEGER(sparse_config, size, "20", 1, 4096, "", "numbers in z"),
    VJ_REAL(sparse_config, lambda, "0.01", 0, 1e6, "", "weight of |z|_1; with target_sparsity, where it starts"),
    VJ_REAL(
        sparse_config, target_sparsity, "0", 0, 0.999, "",
        "share of exact zeros that lambda is adapted to during training; 0: lambda stays. Out of reach, lambda ends "
        "at 10000 or 1/10000 of its start, see latent_sparsity_missing"),
    VJ_REAL(sparse_config, adaptation, "0.05", 0, 1, "",
            "change of log lambda a step, for each unit of missing sparsity"),
    VJ_CHOICE(sparse_config, method, "fista|ista", "fista", "accelerated or plain proximal gradient"),
    VJ_BOOL(sparse_config, positive, "false", "z >= 0"),
    VJ_CHOICE(sparse_config, scale, "unit_norm|variance", "unit_norm",
              "what holds the scale of z: the weight's columns have unit norm, or the inference shuns a standard "
              "deviation over the batch below 1/2"),
    VJ_INTEGER(sparse_config, steps, "200", 1, 1000000, "", "most iterations of the inference in a quadratic energy"),
    VJ_INTEGER(sparse_config, unrolled_steps, "20", 1, 1000, "",
               "most iterations where each is a back-propagation: with a reconstruction loss, or scale: variance"),
    VJ_REAL(sparse_config, tolerance, "1.0e-3", 0, 1, "", "a sample is done when |z - z_old| <= tolerance |z_old|"),
    VJ_BOOL(sparse_config, remove_static, "false",
            "the weight's columns lose their mean over target steps: z can't change what is constant in time"),
    VJ_REAL(sparse_config, noise, "0", 0, 1e6, "",
            "standard deviation of what is added to z* in training: limits what z tells with scale: variance and a "
            "lambda that stays; with columns of unit norm it costs the same whatever they are"),
};

/* --- the weight ----------------------------------------------------------------------------------------------- */

/* weight [T d,n] with every column less its mean over the T target steps */
static vj_var *without_static(vj_graph *graph, vj_var *weight, int64_t steps) {
  const vj_shape shape = vj_shape_of(weight);
  vj_var *mean, *variance;
  if (!weight) return NULL;
  if (steps < 2)
    return vj_graph_fail(graph, VJ_CONFIG, "remove_static: expected at least 2 target steps, got %lld",
                         (long long)steps);
  vj_var *by_step = vj_reshape(graph, weight, &VJ_SHAPE(steps, shape.size[0] / steps * shape.size[1]));
  vj_moments(graph, by_step, 1, &mean, &variance);
  return vj_reshape(graph, vj_sub(graph, by_step, vj_repeat_rows(graph, mean, steps)), &shape);
}

/* weight [D,n] with every column divided by its norm */
static vj_var *unit_columns(vj_graph *graph, vj_var *weight) {
  const vj_shape shape = vj_shape_of(weight);
  const double rows = (double)shape.size[0];
  vj_var *mean, *variance; /* norm^2 = D (variance + mean^2) */
  vj_moments(graph, weight, 1, &mean, &variance);
  vj_var *square = vj_scale(graph, vj_add(graph, variance, vj_square(graph, mean)), rows, 1e-12);
  return vj_div(graph, weight, vj_repeat_rows(graph, vj_sqrt(graph, square), shape.size[0]));
}

/* --- inference ------------------------------------------------------------------------------------------------ */

/* What z is inferred from, and what is told of it: energies without the penalty and iterations, [b]. */
typedef struct inference {
  const sparse_config *config;
  const vj_energy *energy;
  vj_var *base, *columns, *lambda;
  vj_var *before, *after, *iterations;
} inference;

/* 10 sum_k max(0, 1/2 - std_k)^2 over the batch, a shared scalar */
static vj_var *lack_of_variance(vj_graph *graph, vj_var *z) {
  const double batch = (double)vj_batch_samples(graph);
  vj_var *mean, *variance;
  if (batch < 2) return vj_graph_fail(graph, VJ_CONFIG, "scale: variance needs a batch of at least 2 samples");
  vj_moments(graph, z, 1, &mean, &variance);
  vj_var *deviation = vj_sqrt(graph, vj_scale(graph, variance, batch / (batch - 1), 1e-8));
  vj_var *lack = vj_activate(graph, vj_scale(graph, deviation, -1, 0.5), VJ_RELU);
  return vj_scale(graph, vj_sum_features(graph, vj_square(graph, lack)), 10, 0);
}

static vj_var *energy_at(vj_graph *graph, const inference *f, vj_var *z) {
  return vj_energy_of(graph, f->energy, vj_add(graph, f->base, vj_linear(graph, z, f->columns, NULL)));
}

/* What the unrolled inference minimises. Its sum over the batch holds the lack of variance once. */
static vj_var *held_energy(vj_graph *graph, const void *context, vj_var *z) {
  const inference *f = context;
  vj_var *energy = energy_at(graph, f, z);
  if (f->config->scale != VARIANCE) return energy;
  return vj_add(graph, energy, vj_scale(graph, lack_of_variance(graph, z), 1 / (double)vj_batch_samples(graph), 0));
}

static vj_var *unrolled(vj_graph *graph, inference *f) {
  const sparse_config *config = f->config;
  const vj_sparse_code_args args = {config->unrolled_steps, config->tolerance, config->positive,
                                    config->method == FISTA};
  vj_var *z = vj_proximal_code(graph, config->size, held_energy, f, f->lambda, &args, config->scale == VARIANCE,
                               &f->iterations);
  vj_freeze(graph);
  f->before = held_energy(graph, f, vj_scale(graph, z, 0, 0));
  f->after = held_energy(graph, f, z);
  vj_thaw(graph);
  return z;
}

/* alpha |base + W z - hy|^2 / D + lambda |z|_1 is alpha times the energy of lambda / alpha. */
static vj_var *quadratic(vj_graph *graph, inference *f) {
  const sparse_config *config = f->config;
  const double alpha = f->energy->alpha;
  const vj_sparse_code_args args = {config->steps, config->tolerance, config->positive, config->method == FISTA};
  vj_var *statistics;
  vj_freeze(graph);
  vj_var *target = vj_flatten(graph, f->energy->hy, 1), *lambda = vj_scale(graph, f->lambda, 1 / alpha, 0);
  vj_var *z = vj_sparse_code(graph, f->base, f->columns, target, lambda, &args, &statistics);
  f->before = vj_scale(graph, vj_slice(graph, statistics, 1, 0, 1), alpha, 0);
  f->after = vj_scale(graph, vj_slice(graph, statistics, 1, 1, 1), alpha, 0);
  f->iterations = vj_slice(graph, statistics, 1, 2, 1);
  vj_thaw(graph);
  return z;
}

/* --- lambda --------------------------------------------------------------------------------------------------- */

static const double log_lambda_bound = 9.210340371976184; /* log 10000, to both sides of the start */

/* min(max(x, -bound), bound) */
static vj_var *bounded(vj_graph *graph, vj_var *x, double bound) {
  x = vj_scale(graph, vj_activate(graph, vj_scale(graph, x, 1, bound), VJ_RELU), 1, -bound);
  return vj_scale(graph, vj_activate(graph, vj_scale(graph, x, -1, bound), VJ_RELU), -1, bound);
}

/* 1 where x >= 0 is not 0, but for rounding */
static vj_var *is_not_zero(vj_graph *graph, vj_var *x) { return vj_div(graph, x, vj_scale(graph, x, 1, 1e-30)); }

/* lambda rises while codes are too dense, within its bounds. */
static void adapt(vj_graph *graph, const sparse_config *config, vj_var *log_lambda, vj_var *sparsity) {
  vj_var *change = vj_scale(graph, sparsity, -config->adaptation, config->adaptation * config->target_sparsity);
  vj_state_update(graph, log_lambda, bounded(graph, vj_add(graph, log_lambda, change), log_lambda_bound), 1);
  vj_var *beyond = vj_scale(graph, vj_abs(graph, log_lambda), 1, 1e-3 - log_lambda_bound);
  vj_record_scalar(graph, "latent_lambda_at_bound",
                   vj_mean_all(graph, is_not_zero(graph, vj_activate(graph, beyond, VJ_RELU))),
                   "1 while lambda is at a bound: target_sparsity is out of reach");
  vj_record_scalar(graph, "latent_sparsity_missing", vj_scale(graph, sparsity, -1, config->target_sparsity),
                   "target_sparsity less the share of exact zeros in z*");
  vj_aim(graph, "latent_sparsity", "model.latent.target_sparsity", config->target_sparsity, 0.05);
}

static void report(vj_graph *graph, const inference *f, vj_var *z, vj_var *sparsity) {
  vj_record_scalar(graph, "latent_energy_before", vj_mean_all(graph, f->before), "energy at z = 0");
  vj_record_scalar(graph, "latent_energy_after", vj_mean_all(graph, f->after), "energy at z*, without the penalty");
  vj_record_scalar(graph, "latent_iterations", vj_mean_all(graph, f->iterations),
                   "iterations of the inference, mean over samples");
  vj_record_scalar(graph, "latent_sparsity", sparsity, "share of exact zeros in z*");
  vj_record_scalar(graph, "latent_lambda", vj_mean_all(graph, f->lambda), "weight of |z|_1 in the inference");
  vj_record_scalar(graph, "latent_size",
                   vj_sqrt(graph, vj_scale(graph, vj_mean_all(graph, vj_square(graph, z)), 1, 1e-30)),
                   "root mean square of z*");
}

/* --- the prior: each number is 0, above or below as often as training has found of late, its size exponential ------
 */

typedef struct prior {
  vj_var *above, *below; /* shares of samples, [n] */
  vj_var *size;          /* mean of |z| over samples, [n] */
  vj_var *seen;          /* what a share of 1 would be by now: averages begin with 0 */
} prior;

static vj_var *prior_state(vj_graph *graph, const char *name, int64_t size) {
  return vj_state(graph, &(vj_param_spec){name, VJ_SHAPE(size), "N", VJ_INIT_ZERO, 0, false});
}

static prior prior_of(vj_graph *graph, int64_t size) {
  vj_scope_push(graph, "latent");
  const prior p = {prior_state(graph, "prior_above", size), prior_state(graph, "prior_below", size),
                   prior_state(graph, "prior_size", size), prior_state(graph, "prior_seen", 1)};
  vj_scope_pop(graph);
  return p;
}

static void learn_prior(vj_graph *graph, vj_var *z, int64_t size) {
  const prior p = prior_of(graph, size);
  const vj_real one = 1;
  const double rate = 0.01;
  vj_var *above = vj_activate(graph, z, VJ_RELU), *below = vj_activate(graph, vj_scale(graph, z, -1, 0), VJ_RELU);
  vj_state_update(graph, p.above, vj_mean_batch(graph, is_not_zero(graph, above)), rate);
  vj_state_update(graph, p.below, vj_mean_batch(graph, is_not_zero(graph, below)), rate);
  vj_state_update(graph, p.size, vj_mean_batch(graph, vj_abs(graph, z)), rate);
  vj_state_update(graph, p.seen, vj_constant_tensor(graph, &VJ_SHAPE(1), &one), rate);
}

/* x / y where y > 0, [n] by [n] or one number */
static vj_var *share_of(vj_graph *graph, vj_var *x, vj_var *y) {
  return vj_div(graph, x, vj_scale(graph, y, 1, 1e-30));
}

/* 1 where a > b, else 0 */
static vj_var *is_above(vj_graph *graph, vj_var *a, vj_var *b) {
  return is_not_zero(graph, vj_activate(graph, vj_sub(graph, a, b), VJ_RELU));
}

/* z [b,n]: u = exp(-E), E exponential, is uniform. */
static vj_var *draw_code(vj_graph *graph, const prior *p, int64_t size) {
  const vj_shape shape = VJ_SHAPE(vj_shard_samples(graph), size);
  vj_var *seen = vj_reshape(graph, vj_repeat_rows(graph, p->seen, size), &VJ_SHAPE(size));
  vj_var *above = vj_broadcast(graph, share_of(graph, p->above, seen));
  vj_var *below = vj_broadcast(graph, share_of(graph, p->below, seen));
  vj_var *length = vj_broadcast(graph, share_of(graph, p->size, vj_add(graph, p->above, p->below)));
  vj_var *u = vj_exp(graph, vj_scale(graph, draw_exponentials(graph, &shape), -1, 0));
  vj_var *sign = vj_sub(graph, is_above(graph, above, u), is_above(graph, below, vj_scale(graph, u, -1, 1)));
  return vj_mul(graph, sign, vj_mul(graph, length, draw_exponentials(graph, &shape)));
}

/* --- the whole ------------------------------------------------------------------------------------------------ */

static vj_var *build_top(vj_graph *graph, const sparse_config *config, const vj_predictor *predictor, vj_var *hx,
                         const vj_shape *target, vj_var **columns) {
  vj_var *base = predictor->ops->build_linear(graph, predictor->config, hx, config->size, target, columns);
  if (config->remove_static) *columns = without_static(graph, *columns, target->size[1]);
  if (config->scale == UNIT_NORM) *columns = unit_columns(graph, *columns);
  return base;
}

static vj_var *build_prior(vj_graph *graph, const void *untyped, const vj_predictor *predictor, vj_var *hx,
                           const vj_shape *target, int64_t draws) {
  const sparse_config *config = untyped;
  vj_var *drawn[MOST_DRAWS], *columns;
  if (!predictor->ops->build_linear) return NULL;
  vj_var *base = build_top(graph, config, predictor, hx, target, &columns);
  const prior p = prior_of(graph, config->size);
  for (int64_t k = 0; k < draws; k++) {
    vj_var *z = draw_code(graph, &p, config->size);
    drawn[k] = vj_reshape(graph, vj_add(graph, base, vj_linear(graph, z, columns, NULL)), target);
  }
  return stack_draws(graph, drawn, draws);
}

static vj_var *build(vj_graph *graph, const void *untyped, const vj_predictor *predictor, const vj_energy *energy,
                     vj_var *hx, vj_var *hy) {
  const sparse_config *config = untyped;
  const vj_shape target = vj_shape_of(hy);
  inference f = {.config = config, .energy = energy};
  if (!hx || !hy) return NULL;
  if (!predictor->ops->build_linear)
    return vj_graph_fail(graph, VJ_CONFIG, "predictor %s can't take a sparse latent", predictor->name);
  f.base = build_top(graph, config, predictor, hx, &target, &f.columns);
  vj_scope_push(graph, "latent");
  vj_var *log_lambda = vj_state(graph, &(vj_param_spec){"log_lambda", VJ_SHAPE(1), "N", VJ_INIT_ZERO, 0, false});
  vj_scope_pop(graph);
  f.lambda = vj_scale(graph, vj_exp(graph, log_lambda), config->lambda, 0);
  vj_var *z = energy->gamma > 0 || config->scale == VARIANCE ? unrolled(graph, &f) : quadratic(graph, &f);
  if (!z) return NULL;
  vj_var *sparsity = vj_scale(graph, vj_mean_all(graph, is_not_zero(graph, vj_square(graph, z))), -1, 1);
  report(graph, &f, z, sparsity);
  learn_prior(graph, z, config->size);
  if (config->target_sparsity > 0) adapt(graph, config, log_lambda, sparsity);
  vj_show(graph, "z", vj_reshape(graph, z, &VJ_SHAPE(target.size[0], 1, config->size)));
  if (config->noise > 0 && vj_is_training(graph))
    z = vj_add(graph, z, vj_scale(graph, vj_noise(graph, &VJ_SHAPE(target.size[0], config->size)), config->noise, 0));
  return vj_reshape(graph, vj_add(graph, f.base, vj_linear(graph, z, f.columns, NULL)), &target);
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
    .as.latent = {.build = build, .build_prior = build_prior},
};
