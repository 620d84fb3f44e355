#include "framework/train/model/optimizer.h"

#include <math.h>
#include <stdlib.h>

#include "framework/base/lanes.h"
#include "framework/base/threads.h"
#include "vj/elementary.h"

vj_status vj_optimizer_create(const vj_optim_config *config, vj_parameters *parameters, const bool *has_gradient,
                              vj_optimizer_state *state) {
  *state = (vj_optimizer_state){.config = config, .parameters = parameters, .has_gradient = has_gradient};
  const size_t count = (size_t)parameters->value_count;
  VJ_TRY(vj_allocate(count, sizeof(vj_real), "optimizer's first moments", &state->first));
  if (config->type == VJ_ADAMW)
    VJ_TRY(vj_allocate(count, sizeof(vj_real), "optimizer's second moments", &state->second));
  return VJ_OK;
}

void vj_optimizer_destroy(vj_optimizer_state *state) {
  free(state->first);
  free(state->second);
  *state = (vj_optimizer_state){0};
}

static double half_cosine(double from, double to, double progress) {
  return to + (from - to) * 0.5 * (1 + vj_math_cos(3.14159265358979323846 * progress));
}

double vj_learning_rate(const vj_optim_config *config, int64_t step) {
  const double warmup = (double)config->warmup, t = (double)step;
  if (step < config->warmup)
    return config->schedule == VJ_ONE_CYCLE ? half_cosine(config->lr / 25, config->lr, t / warmup)
                                            : config->lr * (t + 1) / warmup;
  if (config->schedule == VJ_CONSTANT) return config->lr;
  return half_cosine(config->lr, config->final_lr * config->lr, (t - warmup) / ((double)config->steps - warmup));
}

static double on_course(int course, double from, double to, double progress) {
  if (course == VJ_COURSE_CONSTANT) return from;
  return course == VJ_COURSE_LINEAR ? from + (to - from) * progress : half_cosine(from, to, progress);
}

double vj_weight_decay(const vj_optim_config *config, int64_t step) {
  return on_course(config->weight_decay_schedule, config->weight_decay, config->final_weight_decay,
                   (double)step / (double)config->steps);
}

double vj_target_momentum(const vj_target_config *config, int64_t step, int64_t steps) {
  return on_course(config->momentum_schedule, config->momentum, config->final_momentum, (double)step / (double)steps);
}

static double sum_of_squares(int64_t count, const vj_real *x) {
  VJ_LANE_SUM(double, sum, i, count, (double)x[i] * (double)x[i]);
  return sum;
}

double vj_gradient_norm(const vj_optimizer_state *state) {
  const vj_parameters *parameters = state->parameters;
  double square = 0;
  for (int r = 0; r < parameters->count; r++) {
    const vj_parameter_row *row = &parameters->rows[r];
    if (!row->trained || !state->has_gradient[r]) continue;
    square += sum_of_squares(row->count, parameters->gradients + row->offset);
  }
  return sqrt(square);
}

typedef struct adamw_factors {
  vj_real lr, beta1, beta2, correction1, correction2, epsilon, decay, scale;
} adamw_factors;

static void adamw(int64_t count, vj_real *restrict p, const vj_real *restrict g, vj_real *restrict m,
                  vj_real *restrict v, adamw_factors f) {
#pragma omp parallel for simd schedule(static) num_threads(vj_threads())
  for (int64_t i = 0; i < count; i++) {
    const vj_real gradient = g[i] * f.scale;
    m[i] = f.beta1 * m[i] + (1 - f.beta1) * gradient;
    v[i] = f.beta2 * v[i] + (1 - f.beta2) * gradient * gradient;
#ifdef VJ_DOUBLE
    const vj_real root = sqrt(v[i] * f.correction2);
#else
    const vj_real root = sqrtf(v[i] * f.correction2);
#endif
    p[i] -= f.lr * (m[i] * f.correction1 / (root + f.epsilon) + f.decay * p[i]);
  }
}

static void sgd(int64_t count, vj_real *restrict p, const vj_real *restrict g, vj_real *restrict v, vj_real lr,
                vj_real momentum, vj_real decay, vj_real scale) {
#pragma omp parallel for simd schedule(static) num_threads(vj_threads())
  for (int64_t i = 0; i < count; i++) {
    v[i] = momentum * v[i] + (g[i] * scale + decay * p[i]);
    p[i] -= lr * v[i];
  }
}

void vj_optimizer_step(vj_optimizer_state *state, int64_t step, double gradient_norm) {
  const vj_optim_config *config = state->config;
  vj_parameters *parameters = state->parameters;
  const double lr = vj_learning_rate(config, step), weight_decay = vj_weight_decay(config, step);
  const double scale = config->clip > 0 && gradient_norm > config->clip ? config->clip / gradient_norm : 1;
  for (int i = 0; i < parameters->count; i++) {
    const vj_parameter_row *row = &parameters->rows[i];
    if (!row->trained || !state->has_gradient[i]) continue;
    const double decay = row->decay ? weight_decay : 0;
    vj_real *p = parameters->values + row->offset;
    const vj_real *g = parameters->gradients + row->offset;
    if (config->type == VJ_ADAMW) {
      const double t = (double)step + 1, beta1 = config->betas.at[0], beta2 = config->betas.at[1];
      const adamw_factors f = {.lr = (vj_real)lr,
                               .beta1 = (vj_real)beta1,
                               .beta2 = (vj_real)beta2,
                               .correction1 = (vj_real)(1 / (1 - vj_math_pow(beta1, t))),
                               .correction2 = (vj_real)(1 / (1 - vj_math_pow(beta2, t))),
                               .epsilon = (vj_real)config->epsilon,
                               .decay = (vj_real)decay,
                               .scale = (vj_real)scale};
      adamw(row->count, p, g, state->first + row->offset, state->second + row->offset, f);
    } else {
      sgd(row->count, p, g, state->first + row->offset, (vj_real)lr, (vj_real)config->momentum, (vj_real)decay,
          (vj_real)scale);
    }
  }
}
