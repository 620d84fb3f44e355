#include "framework/train/model/forecasts.h"

#include "framework/train/model/model.h"
#include "vj/elementary.h"
#include "vj/ops.h"

enum { MOST_DRAWS = 1024 };

/* The mean over the last dimensions, all but the first: [b,..] -> [b]. */
static vj_var *mean_of_sample(vj_graph *graph, vj_var *x) {
  vj_var *flat = vj_flatten(graph, x, 1);
  const vj_shape shape = vj_shape_of(flat);
  return flat ? vj_scale(graph, vj_sum_features(graph, flat), 1 / (double)shape.size[1], 0) : NULL;
}

vj_var *vj_psnr(vj_graph *graph, vj_var *y_pred, vj_var *y) {
  vj_var *above = vj_activate(graph, y_pred, VJ_RELU);
  vj_var *clipped = vj_sub(graph, above, vj_activate(graph, vj_scale(graph, y_pred, 1, -1), VJ_RELU));
  vj_var *squares = vj_flatten(graph, vj_square(graph, vj_sub(graph, clipped, y)), 2);
  const vj_shape shape = vj_shape_of(squares);
  const double pixels = shape.rank == 3 ? (double)shape.size[2] : 1;
  vj_var *errors = vj_scale(graph, vj_sum_features(graph, squares), 1 / pixels, 1e-10);
  return mean_of_sample(graph, vj_scale(graph, vj_log(graph, errors), -10 / vj_math_log(10), 0));
}

/* What a prediction is worth for each sample, [b]: the less the better. */
typedef struct judged {
  vj_var *error, *distortion; /* of hidden states; minus the PSNR, or NULL without a decoder */
} judged;

static judged judge(vj_graph *graph, const vj_decoder *decoder, vj_var *h, vj_var *hy, vj_var *y) {
  judged j = {.error = mean_of_sample(graph, vj_square(graph, vj_sub(graph, h, hy)))};
  if (decoder->ops->build) j.distortion = vj_scale(graph, vj_psnr(graph, vj_decode(graph, decoder, h, y), y), -1, 0);
  return j;
}

static void record(vj_graph *graph, const char *name, vj_var *var, double sign, const char *unit, const char *doc) {
  vj_graph_record_scalar(graph, name, vj_scale(graph, vj_mean_all(graph, var), sign, 0), 0, unit, doc);
}

/* The least of each sample's numbers, [b,K] -> [b]. */
static vj_var *smallest(vj_graph *graph, vj_var *x) {
  return vj_sum_features(graph, vj_mul(graph, x, vj_one_hot_smallest(graph, x)));
}

/* Predictions [b,draws,T,..] by z from the prior, shown as a view. */
static vj_var *draw(vj_graph *graph, const vj_config *config, const vj_predictor *predictor, vj_var *hx,
                    const vj_shape *target) {
  const vj_latent_ops *latent = &config->latent.component->as.latent;
  vj_scope_push(graph, "predictor");
  vj_var *drawn = latent->build_prior(graph, config->latent.config, predictor, hx, target, config->eval.prior_draws);
  vj_scope_pop(graph);
  vj_show(graph, VJ_VIEW_PRIOR, drawn);
  vj_graph_keep(drawn);
  return drawn;
}

static void record_draws(vj_graph *graph, const vj_decoder *decoder, vj_var *drawn, vj_var *hy, vj_var *y) {
  vj_var *errors[MOST_DRAWS], *distortions[MOST_DRAWS];
  const vj_shape target = vj_shape_of(hy), one = VJ_SHAPE(target.size[0], 1);
  const int64_t draws = vj_shape_of(drawn).size[1];
  for (int64_t k = 0; k < draws; k++) {
    const judged j = judge(graph, decoder, vj_reshape(graph, vj_slice(graph, drawn, 1, k, 1), &target), hy, y);
    errors[k] = vj_reshape(graph, j.error, &one);
    distortions[k] = vj_reshape(graph, j.distortion, &one);
  }
  vj_var *all = vj_concat(graph, errors, (int)draws, 1);
  record(graph, "prior_prediction", all, 1, "1",
         "mean squared error of hy_pred with z drawn from the prior, mean over draws");
  record(graph, "best_of_k_prediction", smallest(graph, all), 1, "1",
         "mean squared error of hy_pred with z drawn from the prior, the best of eval.prior_draws");
  if (!decoder->ops->build) return;
  all = vj_concat(graph, distortions, (int)draws, 1);
  record(graph, "prior_psnr", all, -1, "dB",
         "peak signal-to-noise ratio of decoded frames with z drawn from the prior, mean over draws");
  record(graph, "best_of_k_psnr", smallest(graph, all), -1, "dB",
         "peak signal-to-noise ratio of decoded frames with z drawn from the prior, the best of eval.prior_draws");
}

void vj_build_forecasts(vj_graph *graph, const vj_config *config, const vj_predictor *predictor,
                        const vj_decoder *decoder) {
  const vj_latent_ops *latent = &config->latent.component->as.latent;
  vj_var *hx = vj_graph_find_view(graph, "hx"), *hy = vj_graph_find_view(graph, "hy");
  vj_var *h = vj_graph_find_view(graph, "hy_pred"), *y = vj_graph_find_view(graph, "y");
  const vj_shape target = vj_shape_of(hy);
  if (!latent->build || !h) return;
  record(graph, "oracle_prediction", mean_of_sample(graph, vj_square(graph, vj_sub(graph, h, hy))), 1, "1",
         "mean squared error of hy_pred with z inferred from the target");
  vj_var *y_pred = vj_graph_find_view(graph, "y_pred");
  if (y_pred)
    record(graph, "oracle_psnr", vj_psnr(graph, y_pred, y), 1, "dB",
           "peak signal-to-noise ratio of decoded frames with z inferred from the target");
  if (!latent->build_prior || config->eval.prior_draws == 0) return;
  vj_var *drawn = draw(graph, config, predictor, hx, &target);
  if (drawn) record_draws(graph, decoder, drawn, hy, y);
}
