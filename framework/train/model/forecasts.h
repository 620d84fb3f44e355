/* What a model with a latent foretells: with z from the target, which is an oracle, and with z drawn from the latent's
 * prior, in the mean and at best. */
#ifndef VJ_FRAMEWORK_TRAIN_MODEL_FORECASTS_H
#define VJ_FRAMEWORK_TRAIN_MODEL_FORECASTS_H

#include "framework/config/config.h"
#include "framework/graph/graph.h"

/* The view of predictions by z from the prior, [b,draws,T,..]; there is none without a latent that has a prior, nor
 * with eval.prior_draws: 0. */
#define VJ_VIEW_PRIOR "hy_prior"

/* Peak signal-to-noise ratio of frames [b,T,H,W,C] in [0, 1], of each sample, [b]: -10 log10 of each frame's mean
 * squared error, the prediction clipped to [0, 1], averaged over steps. An error below 1e-10 counts as 1e-10, 100 dB.
 */
vj_var *vj_psnr(vj_graph *graph, vj_var *y_pred, vj_var *y);

/* In an evaluation graph with a latent: records oracle_prediction and, with a decoder, oracle_psnr; with draws also
 * prior_.. and best_of_k_.., and keeps VJ_VIEW_PRIOR. */
void vj_build_forecasts(vj_graph *graph, const vj_config *config, const vj_predictor *predictor,
                        const vj_decoder *decoder);

#endif
