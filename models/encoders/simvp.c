/* SimVP's encoder: 3 x 3 convolutions frame by frame, every second one halving height and width, each with group norm
 * and SiLU. The hidden state is a map. The first layer's output is tapped as e1, for decoders that want it. */
#include <stdio.h>

#include "models/layers.h"

typedef struct simvp_config {
  int64_t channels, layers;
} simvp_config;

static const vj_param params[] = {
    VJ_INTEGER(simvp_config, channels, "16", 2, 65536, "", "channels of every layer and of the hidden state (hid_S)"),
    VJ_INTEGER(simvp_config, layers, "4", 1, 12, "", "convolutions (N_S); every second one halves the map"),
};

static vj_var *build(vj_graph *graph, const void *untyped, vj_var *frames) {
  const simvp_config *config = untyped;
  const vj_shape in = vj_shape_of(frames);
  const int64_t scale = (int64_t)1 << (config->layers / 2);
  char name[32];
  if (!frames) return NULL;
  if (in.size[2] % scale || in.size[3] % scale)
    return vj_graph_fail(
        graph, VJ_SHAPE, "layers: %lld layers halve frames %s %lld times; height and width must divide by %lld",
        (long long)config->layers, VJ_SHAPE_TEXT(&in), (long long)(config->layers / 2), (long long)scale);
  if (config->channels % 2)
    return vj_graph_fail(graph, VJ_CONFIG, "channels: expected an even number, for norms of two groups, got %lld",
                         (long long)config->channels);
  vj_var *h = frames;
  for (int64_t i = 0; i < config->layers; i++) {
    snprintf(name, sizeof name, "layer%lld", (long long)i);
    h = vj_simvp_layer(graph, h, name, config->channels, i % 2 ? 2 : 1, false);
    if (i == 0) vj_tap(graph, "e1", h);
  }
  return h;
}

const vj_component vj_encoder_simvp = {
    .abi = VJ_ABI,
    .kind = VJ_ENCODER,
    .name = "simvp",
    .summary = "convolutions with group norm, frame by frame, to a map a quarter of the frame's size",
    .source = "SimVP, Gao et al. 2022 (arXiv 2206.05099), as in OpenSTL",
    .params = params,
    .param_count = VJ_COUNT(params),
    .config_bytes = sizeof(simvp_config),
    .as.encoder = {.build = build},
};
