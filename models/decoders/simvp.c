/* SimVP's decoder: the encoder's layers in reverse, doubling the map by pixel shuffles, and a 1 x 1 readout. Its last
 * layer may take the encoder's first layer beside the hidden state: that of the last input frame, the same for all
 * target frames. It never sees the target's own. */
#include <stdio.h>

#include "models/layers.h"

enum { SKIP_NONE, SKIP_E1 };

typedef struct simvp_config {
  int64_t layers;
  int skip;
} simvp_config;

static const vj_param params[] = {
    VJ_INTEGER(simvp_config, layers, "4", 2, 12, "",
               "convolutions before the readout (N_S), an even number; every second one, the first among them, doubles "
               "the map"),
    VJ_CHOICE(simvp_config, skip, "none|e1", "none",
              "what the last layer gets beside the hidden state: nothing, or view hx.e1 of the last input frame"),
};

static const char *const skip_view = "hx.e1";

/* hx.e1 [b,T,H,W,C] of the last input frame, added to every step of h. */
static vj_var *with_skip(vj_graph *graph, vj_var *h) {
  vj_var *e1 = vj_view(graph, skip_view);
  const vj_shape from = vj_shape_of(e1), to = vj_shape_of(h);
  if (!e1 || !h) return NULL;
  bool fits = from.rank == 5;
  for (int i = 2; i < 5 && fits; i++) fits = from.size[i] == to.size[i];
  if (!fits)
    return vj_graph_fail(graph, VJ_SHAPE,
                         "skip: e1: view %s %s is not added to the last layer's input %s; their "
                         "height, width and channels must agree",
                         skip_view, VJ_SHAPE_TEXT(&from), VJ_SHAPE_TEXT(&to));
  return vj_add_to_steps(graph, h, vj_slice(graph, e1, 1, from.size[1] - 1, 1));
}

static vj_var *build(vj_graph *graph, const void *untyped, vj_var *hidden, const vj_shape *target) {
  const simvp_config *config = untyped;
  const vj_shape in = vj_shape_of(hidden);
  const int64_t scale = (int64_t)1 << (config->layers / 2);
  char name[32];
  if (!hidden) return NULL;
  if (config->layers % 2)
    return vj_graph_fail(graph, VJ_CONFIG, "layers: expected an even number, got %lld", (long long)config->layers);
  if (in.rank != 5 || in.size[2] * scale != target->size[2] || in.size[3] * scale != target->size[3] || in.size[4] % 2)
    return vj_graph_fail(graph, VJ_SHAPE,
                         "layers: %lld layers double the hidden state %s %lld times; expected a map "
                         "[b,T,H,W,C] with even C that becomes frames %s",
                         (long long)config->layers, VJ_SHAPE_TEXT(&in), (long long)(config->layers / 2),
                         VJ_SHAPE_TEXT(target));
  vj_var *h = hidden;
  for (int64_t i = 0; i < config->layers; i++) {
    snprintf(name, sizeof name, "layer%lld", (long long)i);
    if (i == config->layers - 1 && config->skip == SKIP_E1) h = with_skip(graph, h);
    h = vj_simvp_layer(graph, h, name, in.size[4], 1, i % 2 == 0);
  }
  return vj_linear_layer(graph, h, "readout", target->size[4], VJ_LAYER_UNIFORM);
}

const vj_component vj_decoder_simvp = {
    .abi = VJ_ABI,
    .kind = VJ_DECODER,
    .name = "simvp",
    .summary = "pixel shuffles from a map to frames, with the last input frame's first layer or without",
    .source = "SimVP, Gao et al. 2022 (arXiv 2206.05099), as in OpenSTL; the skip is our choice",
    .params = params,
    .param_count = VJ_COUNT(params),
    .config_bytes = sizeof(simvp_config),
    .as.decoder = {.build = build},
};
