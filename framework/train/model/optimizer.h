/* Optimizers, schedules and clipping over the flat parameter block. Not collective: every rank has the same gradients
 * and does the same arithmetic, so parameters stay equal without being sent. */
#ifndef VJ_FRAMEWORK_TRAIN_MODEL_OPTIMIZER_H
#define VJ_FRAMEWORK_TRAIN_MODEL_OPTIMIZER_H

#include "framework/config/config.h"
#include "framework/graph/parameters.h"

typedef struct vj_optimizer_state {
  const vj_optim_config *config; /* borrowed */
  vj_parameters *parameters;     /* borrowed */
  const bool *has_gradient;      /* borrowed; for each row of the table: the others stay as they are */
  vj_real *first, *second;       /* moments, laid out as the parameters; `second` only for AdamW */
} vj_optimizer_state;

VJ_MUST_USE vj_status vj_optimizer_create(const vj_optim_config *config, vj_parameters *parameters,
                                          const bool *has_gradient, vj_optimizer_state *state);
void vj_optimizer_destroy(vj_optimizer_state *state);

/* Learning rate of step 0..steps-1: linear warm-up (one_cycle: a half cosine from lr/25), then constant or a half
 * cosine down to final_lr x lr. */
double vj_learning_rate(const vj_optim_config *config, int64_t step);

/* The same step's weight decay, and the momentum of a target's moving averages: from the first value to the last, which
 * would be that of step `steps`, in a line or half a cosine (as Grill et al. 2020, BYOL, and Caron et al. 2021, DINO).
 */
double vj_weight_decay(const vj_optim_config *config, int64_t step);
double vj_target_momentum(const vj_target_config *config, int64_t step, int64_t steps);

/* Euclidean norm of the gradients of all rows that have one, in float64, in a fixed order. */
double vj_gradient_norm(const vj_optimizer_state *state);

/* One step, 0-based, with gradients scaled down to `clip` if their norm is larger.
 * AdamW (Loshchilov and Hutter 2019): p -= lr (m^/(sqrt(v^) + eps) + decay p)
 * SGD: v = momentum v + g + decay p; p -= lr v.   decay applies to weights, not to norms and biases. */
void vj_optimizer_step(vj_optimizer_state *state, int64_t step, double gradient_norm);

#endif
