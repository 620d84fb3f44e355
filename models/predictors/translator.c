#include "models/predictors/translator.h"

/* z enters by a linear map to a number for each place and channel of the input, so that it can say where. */
static vj_var *with_latent(vj_graph *graph, vj_var *h, vj_var *z) {
  const vj_shape shape = vj_shape_of(h);
  if (!z || !h) return h;
  vj_var *map = vj_linear_layer(graph, z, "latent", vj_shape_count(&shape, 1, shape.rank), VJ_LAYER_UNIFORM);
  return vj_add(graph, h, vj_reshape(graph, map, &shape));
}

static double drop_of(const vj_translator *config, int64_t layer) {
  const double share = (double)layer / (double)(config->blocks - 1);
  return config->first_drop_path + share * (config->drop_path - config->first_drop_path);
}

/* All but the top layer: [b,Tx,H,W,C] (and z [b,n]) -> [b,H,W,width] */
static vj_var *below_top(vj_graph *graph, const vj_translator *config, vj_translator_block block, vj_var *hx, vj_var *z,
                         const vj_shape *target) {
  const vj_shape in = vj_shape_of(hx);
  if (!hx) return NULL;
  if (in.rank != 5 || target->rank != 5 || in.size[2] != target->size[2] || in.size[3] != target->size[3])
    return vj_graph_fail(graph, VJ_SHAPE,
                         "expected hidden states that are maps [b,T,H,W,C], got %s to predict %s; encoders simvp, vit, "
                         "and cnn with pool: 0 make maps",
                         VJ_SHAPE_TEXT(&in), VJ_SHAPE_TEXT(target));
  vj_var *h = vj_permute(graph, hx, 1, 2, 4);
  h = vj_reshape(graph, h, &VJ_SHAPE(in.size[0], in.size[2], in.size[3], in.size[1] * in.size[4]));
  h = with_latent(graph, h, z);
  for (int64_t i = 0; i < config->blocks; i++) {
    vj_scope_push(graph, "block%lld", (long long)i);
    h = block(graph, config, h, i, drop_of(config, i));
    if (vj_last_size(h) != config->width) h = vj_linear_layer(graph, h, "reduction", config->width, VJ_LAYER_UNIFORM);
    vj_scope_pop(graph);
  }
  return h;
}

/* The top layer, to `count` numbers for each target step, place and channel: [b,count,T,H,W,C]. */
static vj_var *top(vj_graph *graph, vj_var *h, int64_t count, const vj_shape *target) {
  const int64_t places = target->size[2] * target->size[3], steps = target->size[1], channels = target->size[4];
  h = vj_linear_layer(graph, h, "top", count * steps * channels, VJ_LAYER_UNIFORM);
  h = vj_permute(graph, vj_reshape(graph, h, &VJ_SHAPE(target->size[0], places, count * steps, channels)), 1, 2, 3);
  return vj_reshape(graph, h, &VJ_SHAPE(target->size[0], count, steps, target->size[2], target->size[3], channels));
}

vj_var *vj_translate(vj_graph *graph, const vj_translator *config, vj_translator_block block, vj_var *hx, vj_var *z,
                     const vj_shape *target) {
  return vj_reshape(graph, top(graph, below_top(graph, config, block, hx, z, target), 1, target), target);
}

/* The top layer once for each choice; everything below is shared. */
vj_var *vj_translate_choices(vj_graph *graph, const vj_translator *config, vj_translator_block block, vj_var *hx,
                             int64_t choices, const vj_shape *target) {
  return top(graph, below_top(graph, config, block, hx, NULL, target), choices, target);
}

/* A column of the weight is a whole clip of maps: each number of z says what happens where and when. */
vj_var *vj_translate_linear(vj_graph *graph, const vj_translator *config, vj_translator_block block, vj_var *hx,
                            int64_t size, const vj_shape *target, vj_var **weight) {
  const int64_t numbers = vj_shape_count(target, 1, target->rank);
  vj_var *base = vj_translate(graph, config, block, hx, NULL, target);
  *weight = vj_latent_weight(graph, numbers, size);
  return vj_flatten(graph, base, 1);
}
