/* z is a Gaussian vector with amortised mean and variance (Kingma and Welling 2014): q(z | hx, hy) by one linear layer,
 * reparameterised, held to N(0, I) by its divergence; it enters the predictor as an input: a sample in training, the
 * posterior's mean in evaluation. Views: z and z_mean, the mean, z_sample, a sample. The prior is N(0, I). */
#include "models/latents/draws.h"
#include "vj/component.h"
#include "vj/ops.h"

typedef struct gaussian_config {
  int64_t size;
  double beta;
} gaussian_config;

static const vj_param params[] = {
    VJ_INTEGER(gaussian_config, size, "20", 1, 4096, "", "numbers in z"),
    VJ_REAL(gaussian_config, beta, "1.0e-3", 0, 1e6, "", "weight of the divergence from N(0, I)"),
};

static vj_var *head(vj_graph *graph, const char *name, vj_var *features, int64_t size) {
  const vj_shape in = vj_shape_of(features);
  const int64_t fan_in = in.rank ? in.size[in.rank - 1] : 1;
  const double bound = 1 / sqrt((double)fan_in);
  vj_scope_push(graph, "%s", name);
  vj_var *weight =
      vj_parameter(graph, &(vj_param_spec){"weight", VJ_SHAPE(size, fan_in), "OI", VJ_INIT_UNIFORM, bound, true});
  vj_var *bias = vj_parameter(graph, &(vj_param_spec){"bias", VJ_SHAPE(size), "O", VJ_INIT_ZERO, 0, false});
  vj_var *y = vj_linear(graph, features, weight, bias);
  vj_scope_pop(graph);
  return y;
}

/* KL(N(mean, exp(log_variance)) || N(0, I)), summed over z, mean over samples: 1/2 sum(m^2 + v - 1 - log v) */
static vj_var *divergence(vj_graph *graph, vj_var *mean, vj_var *log_variance) {
  vj_var *square = vj_square(graph, mean);
  vj_var *grown = vj_add(graph, square, vj_exp(graph, log_variance));
  vj_var *each = vj_scale(graph, vj_sub(graph, grown, log_variance), 0.5, -0.5);
  return vj_mean_all(graph, vj_sum_features(graph, each));
}

/* z is no minimum of an energy: q learns by the losses themselves. */
static vj_var *build(vj_graph *graph, const void *untyped, const vj_predictor *predictor, const vj_energy *energy,
                     vj_var *hx, vj_var *hy) {
  const gaussian_config *config = untyped;
  (void)energy;
  const vj_shape target = vj_shape_of(hy);
  if (!hx || !hy) return NULL;
  vj_var *features = vj_concat(graph, (vj_var *[]){vj_flatten(graph, hx, 1), vj_flatten(graph, hy, 1)}, 2, 1);
  vj_scope_push(graph, "latent");
  vj_var *mean = head(graph, "mean", features, config->size);
  vj_var *log_variance = head(graph, "log_variance", features, config->size);
  vj_scope_pop(graph);
  if (!mean || !log_variance) return NULL;
  vj_add_loss(graph, "latent_kl", divergence(graph, mean, log_variance), config->beta,
              "divergence of q(z | hx, hy) from N(0, I)");
  const vj_shape shape = vj_shape_of(mean);
  vj_var *deviation = vj_exp(graph, vj_scale(graph, log_variance, 0.5, 0));
  vj_var *sample = vj_add(graph, mean, vj_mul(graph, deviation, vj_noise(graph, &shape)));
  const vj_shape shown = VJ_SHAPE(shape.size[0], 1, config->size);
  vj_show(graph, "z", vj_reshape(graph, mean, &shown));
  vj_show(graph, "z_mean", vj_reshape(graph, mean, &shown));
  vj_show(graph, "z_sample", vj_reshape(graph, sample, &shown));
  return predictor->ops->build(graph, predictor->config, hx, vj_is_training(graph) ? sample : mean, &target);
}

static vj_var *build_prior(vj_graph *graph, const void *untyped, const vj_predictor *predictor, vj_var *hx,
                           const vj_shape *target, int64_t draws) {
  const gaussian_config *config = untyped;
  vj_var *drawn[MOST_DRAWS];
  const int64_t b = target->size[0];
  vj_var *noise = vj_noise(graph, &VJ_SHAPE(b, draws, config->size));
  for (int64_t k = 0; k < draws; k++) {
    vj_var *z = vj_reshape(graph, vj_slice(graph, noise, 1, k, 1), &VJ_SHAPE(b, config->size));
    drawn[k] = predictor->ops->build(graph, predictor->config, hx, z, target);
  }
  return stack_draws(graph, drawn, draws);
}

const vj_component vj_latent_gaussian = {
    .abi = VJ_ABI,
    .kind = VJ_LATENT,
    .name = "gaussian",
    .summary = "an amortised Gaussian vector with a divergence from N(0, I)",
    .source = "Kingma and Welling 2014; the variational comparison to arXiv 2412.10925",
    .params = params,
    .param_count = VJ_COUNT(params),
    .config_bytes = sizeof(gaussian_config),
    .as.latent = {.build = build, .build_prior = build_prior},
};
