/* Vision transformer over tubelets: blocks of patch x patch pixels of some frames become tokens, which attend to each
 * other over the whole clip they are in, or within their frame. x and y are encoded in separate calls, so no target can
 * be seen from hx. The hidden state is a map of the tokens, with a tubelet's token giving the states of all its frames.
 */
#include <stdio.h>
#include <stdlib.h>

#include "models/layers.h"
#include "vj/elementary.h"

enum { SIN_COS, LEARNT };
enum { CLIP, FRAME };

typedef struct vit_config {
  int64_t patch, tubelet, width, blocks, heads, mlp_ratio, channels;
  double drop_path;
  int positions, attention;
} vit_config;

static const vj_param params[] = {
    VJ_INTEGER(vit_config, patch, "8", 1, 256, "px", "side of a patch"),
    VJ_INTEGER(vit_config, tubelet, "1", 1, 64, "frames",
               "frames of a token; divides input and target frames, and each token gives the states of its frames"),
    VJ_INTEGER(vit_config, width, "192", 1, 65536, "", "numbers in a token"),
    VJ_INTEGER(vit_config, blocks, "4", 1, 64, "", "number of blocks"),
    VJ_INTEGER(vit_config, heads, "3", 1, 256, "", "heads of attention"),
    VJ_INTEGER(vit_config, mlp_ratio, "4", 1, 64, "", "width of a block's hidden layer, in widths"),
    VJ_INTEGER(vit_config, channels, "0", 0, 65536, "",
               "channels of the hidden state, by a last linear map; 0: `width`, without it where tubelet is 1"),
    VJ_REAL(vit_config, drop_path, "0", 0, 0.99, "", "probability to drop a branch of the last block, rising from 0"),
    VJ_CHOICE(vit_config, positions, "sincos|learnt", "sincos",
              "of places in the frame, fixed or learnt; those of time are sines and cosines, for any number of frames"),
    VJ_CHOICE(vit_config, attention, "clip|frame", "clip", "what a token sees: its clip's tokens or its frame's"),
};

static const double norm_epsilon = 1e-6, deviation = 0.02, longest_wave = 10000;

/* Tokens of a clip: steps x rows x columns of `width` numbers. */
typedef struct grid {
  int64_t samples, steps, rows, columns, width;
} grid;

/* --- tokens ------------------------------------------------------------------------------------------------------ */

/* Frames [b,T,H,W,C] to [b,steps,rows columns,numbers of a tubelet], ordered (frame, y, x, channel). */
static vj_var *tubelets(vj_graph *graph, const vit_config *config, vj_var *frames, const grid *g) {
  const vj_shape in = vj_shape_of(frames);
  const int64_t b = in.size[0], p = config->patch, t = config->tubelet, patch = p * p * in.size[4];
  vj_var *h = vj_reshape(graph, frames, &VJ_SHAPE(b, in.size[1] * g->rows, p, g->columns, p * in.size[4]));
  h = vj_permute(graph, h, 2, 3, 4);
  h = vj_permute(graph, vj_reshape(graph, h, &VJ_SHAPE(b, g->steps, t, g->rows * g->columns, patch)), 2, 3, 4);
  return vj_reshape(graph, h, &VJ_SHAPE(b, g->steps, g->rows * g->columns, t * patch));
}

/* Sines and cosines of `at` with waves of geometric lengths, `count` numbers, an even one. */
static void waves(int64_t at, int64_t count, vj_real *to) {
  for (int64_t k = 0; k < count / 2; k++) {
    const double phase = (double)at / vj_math_pow(longest_wave, 2 * (double)k / (double)count);
    to[k] = (vj_real)vj_math_sin(phase);
    to[count / 2 + k] = (vj_real)vj_math_cos(phase);
  }
}

/* Shared [steps,rows columns,width]. A third of the numbers tells the step, a third the row, a third the column; where
 * places are learnt, all tell the step. */
static vj_var *fixed_positions(vj_graph *graph, const grid *g, bool with_places) {
  const int64_t part = with_places ? g->width / 6 * 2 : g->width / 2 * 2, count = g->rows * g->columns;
  vj_real *table = calloc((size_t)(g->steps * count * g->width), sizeof *table);
  if (!table) return vj_graph_fail(graph, VJ_MEMORY, "no memory for the positions of tokens");
  for (int64_t i = 0; i < g->steps * count; i++) {
    waves(i / count, part, table + i * g->width);
    if (!with_places) continue;
    waves(i % count / g->columns, part, table + i * g->width + part);
    waves(i % g->columns, part, table + i * g->width + 2 * part);
  }
  vj_var *positions = vj_constant_tensor(graph, &VJ_SHAPE(g->steps, count, g->width), table);
  free(table);
  return positions;
}

static vj_var *positions_of(vj_graph *graph, const vit_config *config, const grid *g) {
  vj_var *fixed = fixed_positions(graph, g, config->positions == SIN_COS);
  if (config->positions == SIN_COS) return fixed;
  vj_var *learnt = vj_parameter(graph, &(vj_param_spec){"positions", VJ_SHAPE(g->rows * g->columns, g->width), "PC",
                                                        VJ_INIT_TRUNCATED, deviation, false});
  return vj_add(graph, fixed, vj_repeat_rows(graph, learnt, g->steps));
}

/* --- blocks ------------------------------------------------------------------------------------------------------ */

static vj_var *block(vj_graph *graph, const vit_config *config, vj_var *h, const grid *g, double drop) {
  const int64_t places = g->rows * g->columns;
  const bool within = config->attention == FRAME;
  const vj_attention_args args = {
      .heads = config->heads, .windows = within ? g->steps : 1, .size = within ? places : g->steps * places};
  vj_var *attended = vj_layer_norm_layer(graph, h, "norm1", norm_epsilon);
  attended = vj_linear_layer(graph, attended, "attention.qkv", 3 * g->width, VJ_LAYER_TRUNCATED);
  attended = vj_attention(graph, attended, NULL, &args);
  attended = vj_linear_layer(graph, attended, "attention.out", g->width, VJ_LAYER_TRUNCATED);
  h = vj_residual(graph, h, attended, NULL, drop);
  return vj_mlp_residual(graph, h, config->mlp_ratio * g->width, norm_epsilon, drop);
}

static vj_var *as_map(vj_graph *graph, vj_var *tokens, const grid *g) {
  return vj_reshape(graph, tokens, &VJ_SHAPE(g->samples, g->steps, g->rows, g->columns, vj_last_size(tokens)));
}

/* Each token to the states of its frames: [b,steps,places,width] -> [b,T,rows,columns,C] */
static vj_var *states(vj_graph *graph, const vit_config *config, vj_var *h, const grid *g) {
  const int64_t t = config->tubelet, channels = config->channels ? config->channels : g->width;
  if (t == 1 && channels == g->width) return as_map(graph, h, g);
  h = vj_linear_layer(graph, h, "states", t * channels, VJ_LAYER_TRUNCATED);
  h = vj_reshape(graph, h, &VJ_SHAPE(g->samples, g->steps, g->rows * g->columns, t, channels));
  h = vj_permute(graph, h, 2, 3, 4);
  return vj_reshape(graph, h, &VJ_SHAPE(g->samples, g->steps * t, g->rows, g->columns, channels));
}

static vj_var *build(vj_graph *graph, const void *untyped, vj_var *frames) {
  const vit_config *config = untyped;
  const vj_shape in = vj_shape_of(frames);
  char name[32];
  if (!frames) return NULL;
  if (in.size[2] % config->patch || in.size[3] % config->patch)
    return vj_graph_fail(graph, VJ_SHAPE, "patch: frames %s are not cut into patches of %lld x %lld pixels",
                         VJ_SHAPE_TEXT(&in), (long long)config->patch, (long long)config->patch);
  if (in.size[1] % config->tubelet)
    return vj_graph_fail(graph, VJ_SHAPE, "tubelet: %lld frames are not cut into tubelets of %lld",
                         (long long)in.size[1], (long long)config->tubelet);
  if (config->width % config->heads)
    return vj_graph_fail(graph, VJ_CONFIG, "heads: expected a divisor of width %lld, got %lld",
                         (long long)config->width, (long long)config->heads);
  const grid g = {in.size[0], in.size[1] / config->tubelet, in.size[2] / config->patch, in.size[3] / config->patch,
                  config->width};
  vj_var *h = vj_linear_layer(graph, tubelets(graph, config, frames, &g), "tokens", g.width, VJ_LAYER_TRUNCATED);
  h = vj_add(graph, h, vj_broadcast(graph, positions_of(graph, config, &g)));
  for (int64_t i = 0; i < config->blocks; i++) {
    snprintf(name, sizeof name, "block%lld", (long long)i);
    const double share = config->blocks > 1 ? (double)i / (double)(config->blocks - 1) : 1;
    vj_scope_push(graph, "%s", name);
    h = block(graph, config, h, &g, share * config->drop_path);
    vj_scope_pop(graph);
    if (config->tubelet == 1) vj_tap(graph, name, as_map(graph, h, &g));
  }
  return states(graph, config, vj_layer_norm_layer(graph, h, "norm", norm_epsilon), &g);
}

/* By its last norm's weights and biases, or the linear map behind them. */
static bool scales_freely(const void *config) {
  (void)config;
  return true;
}

const vj_component vj_encoder_vit = {
    .abi = VJ_ABI,
    .kind = VJ_ENCODER,
    .name = "vit",
    .summary = "vision transformer over tubelets, to a map of tokens",
    .source =
        "ViT, Dosovitskiy et al. 2020 (arXiv 2010.11929); tubelets of ViViT, Arnab et al. 2021 (arXiv 2103.15691)",
    .params = params,
    .param_count = VJ_COUNT(params),
    .config_bytes = sizeof(vit_config),
    .as.encoder = {.build = build, .scales_freely = scales_freely},
};
