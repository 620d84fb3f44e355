/* Small networks on frozen features, fitted to a label of any kind: what the probes mlp and attentive share.
 *
 * The mean over a batch of squared errors (of labels to mean 0 and variance 1 by train; gaps left out), of
 * cross-entropies, or of those of each column of 0 and 1, falls by AdamW (Loshchilov and Hutter 2019; betas 0.9 and
 * 0.999, epsilon 1e-8), the learning rate by half a cosine to 0. Every learning rate is tried from the same weights,
 * and ten times on the way the network is looked at on the validation split: the best of all these is measured on the
 * test split. Weights and batches are drawn alike for every view, arm and seed. Float64, one thread; not collective. */
#ifndef VJ_ANALYSIS_PROBES_NETWORK_FIT_H
#define VJ_ANALYSIS_PROBES_NETWORK_FIT_H

#include "analysis/metrics/features.h"
#include "analysis/metrics/prediction_scores.h"
#include "vj/param.h"

/* Of a network, `shape` being its own. */
typedef struct vj_network {
  const void *shape;
  int64_t inputs, outputs, weights; /* numbers of a sample, of its predictions, of the weights */
  int64_t room;                     /* numbers of a sample that `forward` leaves for `backward` */
  /* Fills the weights from standard normal numbers, [weights], which lie there. */
  void (*initialise)(const void *shape, double *weights);
  /* z [n, inputs] -> out [n, outputs] */
  void (*forward)(const void *shape, const double *weights, int64_t n, const double *z, double *room, double *out);
  /* slopes [n, outputs]: derivative of a number by `out` -> its gradient by the weights. After forward of the same. */
  void (*backward)(const void *shape, const double *weights, int64_t n, const double *z, double *room,
                   const double *slopes, double *gradient);
} vj_network;

/* With which the configuration of such a probe begins. */
typedef struct vj_fit_config {
  vj_real_list lr;
  double weight_decay;
  int64_t steps, batch;
} vj_fit_config;

#define VJ_FIT_ROWS                                                                                         \
  VJ_REALS(vj_fit_config, lr, "[1.0e-3, 1.0e-2]", 1.0e-8, 10, "", "peak learning rates to choose from"),    \
      VJ_REAL(vj_fit_config, weight_decay, "0.01", 0, 100, "", "decoupled weight decay, of all weights"),   \
      VJ_INTEGER(vj_fit_config, steps, "500", 1, 10000000, "steps", "of training, for each learning rate"), \
      VJ_INTEGER(vj_fit_config, batch, "128", 1, 1000000, "samples", "of a step; at most all of train")

/* Own metrics of such a probe, after those of prediction_scores.h. */
enum { VJ_FIT_LEARNING_RATE = VJ_SCORES, VJ_FIT_STEPS, VJ_FIT_METRICS };
#define VJ_FIT_ROWS_OF_METRICS                                                                            \
  VJ_SCORE_METRICS,                                                                                       \
      [VJ_FIT_LEARNING_RATE] = {"learning_rate", VJ_METRIC_SCALAR, "", "chosen on the validation split"}, \
      [VJ_FIT_STEPS] = {"steps", VJ_METRIC_SCALAR, "steps", "of training after which it did best there"}
#define VJ_FIT_MASKS VJ_SCORE_MASKS(1 << VJ_FIT_LEARNING_RATE | 1 << VJ_FIT_STEPS)

/* VJ_CONFIG without a learning rate, or for a label that can't be predicted. */
VJ_MUST_USE vj_status vj_fit_check(const char *probe, const vj_fit_config *config, const vj_label *label);

/* Fits, chooses and fills results[0..VJ_FIT_METRICS-1]. */
VJ_MUST_USE vj_status vj_network_fit(const vj_network *network, const vj_fit_config *config,
                                     const vj_standard *standard, double *const *results);

/* The networks. Of mlp: z -> ReLU(W1 z + b1) -> W2 . + b2. */
typedef struct vj_mlp_shape {
  int64_t inputs, hidden, outputs;
} vj_mlp_shape;
vj_network vj_mlp_network(const vj_mlp_shape *shape);

/* Of attentive: see attentive.c. `size` is a multiple of `heads`. */
typedef struct vj_attentive_shape {
  int64_t tokens, channels, size, heads, outputs;
} vj_attentive_shape;
vj_network vj_attentive_network(const vj_attentive_shape *shape);

#endif
