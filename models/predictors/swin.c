/* SimVP's translator with Swin's blocks: attention within windows, which every second block shifts by half a window. */
#include <stdlib.h>

#include "models/predictors/translator.h"

typedef struct swin_config {
  vj_translator translator; /* first */
  int64_t heads, window;
  bool shift_mask;
} swin_config;

static const vj_param params[] = {
    VJ_TRANSLATOR_PARAMS,
    VJ_INTEGER(swin_config, heads, "8", 1, 256, "", "heads of attention"),
    VJ_INTEGER(swin_config, window, "0", 0, 64, "px",
               "side of a window; 0: 7 if that divides the height, else a sixteenth of it, from 4 to 8"),
    VJ_BOOL(swin_config, shift_mask, "true",
            "pixels that the cyclic shift brings together from opposite sides don't see each other; OpenSTL's do"),
};

static const double norm_epsilon = 1e-5;

/* A map of height x width in windows of side x side, shifted by `shift`. */
typedef struct grid {
  int64_t height, width, side, shift;
} grid;

static int64_t side_of(const swin_config *config, int64_t height) {
  if (config->window) return config->window;
  if (height % 7 == 0) return 7;
  const int64_t side = height / 16;
  return side < 4 ? 4 : side > 8 ? 8 : side;
}

/* A map no larger than a window is one window, and is not shifted. */
static grid grid_of(const swin_config *config, int64_t height, int64_t width, int64_t layer) {
  const int64_t least = height < width ? height : width, side = side_of(config, height);
  if (least <= side) return (grid){height, width, least, 0};
  return (grid){height, width, side, layer % 2 ? side / 2 : 0};
}

/* Of a shifted map: what is in the windows that the shift wrapped round comes from two sides. */
static int32_t zone(int64_t at, int64_t length, const grid *g) {
  return at < length - g->side ? 0 : at < length - g->shift ? 1 : 2;
}

static void list_tokens(const grid *g, int32_t *token, int32_t *region) {
  const int64_t across = g->width / g->side;
  for (int64_t y = 0; y < g->height; y++)
    for (int64_t x = 0; x < g->width; x++) {
      const int64_t pixel = (y + g->shift) % g->height * g->width + (x + g->shift) % g->width;
      const int64_t window = y / g->side * across + x / g->side, within = y % g->side * g->side + x % g->side;
      token[window * g->side * g->side + within] = (int32_t)pixel;
      region[pixel] = 3 * zone(y, g->height, g) + zone(x, g->width, g);
    }
}

/* For a query and a key of a window, the row of the table of biases: how far they are apart. */
static void list_distances(int64_t side, int32_t *index) {
  const int64_t size = side * side;
  for (int64_t i = 0; i < size; i++)
    for (int64_t j = 0; j < size; j++) {
      const int64_t down = i / side - j / side + side - 1, right = i % side - j % side + side - 1;
      index[i * size + j] = (int32_t)(down * (2 * side - 1) + right);
    }
}

static vj_var *windowed(vj_graph *graph, const swin_config *config, const grid *g, vj_var *qkv, vj_var *bias) {
  const int64_t pixels = g->height * g->width, size = g->side * g->side;
  int32_t *lists = malloc((size_t)(2 * pixels + size * size) * sizeof *lists);
  if (!lists) return vj_graph_fail(graph, VJ_MEMORY, "no memory for the windows of %lld pixels", (long long)pixels);
  int32_t *token = lists, *region = token + pixels, *index = region + pixels;
  list_tokens(g, token, region);
  list_distances(g->side, index);
  const vj_attention_args args = {.heads = config->heads,
                                  .windows = pixels / size,
                                  .size = size,
                                  .token = token,
                                  .bias_index = index,
                                  .region = config->shift_mask && g->shift ? region : NULL};
  vj_var *y = vj_attention(graph, qkv, bias, &args);
  free(lists);
  return y;
}

static vj_var *attention(vj_graph *graph, const swin_config *config, vj_var *x, int64_t layer) {
  const vj_shape in = vj_shape_of(x);
  if (!x) return NULL;
  const int64_t channels = in.size[3];
  const grid g = grid_of(config, in.size[1], in.size[2], layer);
  if (g.height % g.side || g.width % g.side)
    return vj_graph_fail(graph, VJ_SHAPE,
                         "window: a map %s is not cut into windows of %lld x %lld pixels; choose a side that divides "
                         "height and width",
                         VJ_SHAPE_TEXT(&in), (long long)g.side, (long long)g.side);
  if (channels % config->heads)
    return vj_graph_fail(graph, VJ_SHAPE, "heads: %lld channels do not divide by %lld heads", (long long)channels,
                         (long long)config->heads);
  const int64_t reach = 2 * g.side - 1;
  vj_scope_push(graph, "attention");
  vj_var *qkv = vj_linear_layer(graph, x, "qkv", 3 * channels, VJ_LAYER_TRUNCATED);
  vj_var *bias = vj_parameter(graph, &(vj_param_spec){"relative_position_bias", VJ_SHAPE(reach * reach, config->heads),
                                                      "RH", VJ_INIT_TRUNCATED, 0.02, false});
  vj_var *y = vj_linear_layer(graph, windowed(graph, config, &g, qkv, bias), "out", channels, VJ_LAYER_TRUNCATED);
  vj_scope_pop(graph);
  return y;
}

static vj_var *block(vj_graph *graph, const void *untyped, vj_var *h, int64_t layer, double drop) {
  const swin_config *config = untyped;
  vj_var *attended = attention(graph, config, vj_layer_norm_layer(graph, h, "norm1", norm_epsilon), layer);
  h = vj_residual(graph, h, attended, NULL, drop);
  return vj_mlp_residual(graph, h, config->translator.mlp_ratio * vj_last_size(h), norm_epsilon, drop);
}

static vj_var *build(vj_graph *graph, const void *config, vj_var *hx, vj_var *z, const vj_shape *target) {
  return vj_translate(graph, config, block, hx, z, target);
}

static vj_var *build_choices(vj_graph *graph, const void *config, vj_var *hx, int64_t choices, const vj_shape *target) {
  return vj_translate_choices(graph, config, block, hx, choices, target);
}

static vj_var *build_linear(vj_graph *graph, const void *config, vj_var *hx, int64_t size, const vj_shape *target,
                            vj_var **weight) {
  return vj_translate_linear(graph, config, block, hx, size, target, weight);
}

const vj_component vj_predictor_swin = {
    .abi = VJ_ABI,
    .kind = VJ_PREDICTOR,
    .name = "swin",
    .summary = "SimVP's translator with Swin's blocks, from all input to all target steps",
    .source = "Swin, Liu et al. 2021 (arXiv 2103.14030), in SimVP as in OpenSTL",
    .params = params,
    .param_count = VJ_COUNT(params),
    .config_bytes = sizeof(swin_config),
    .as.predictor = {.build = build, .build_choices = build_choices, .build_linear = build_linear},
};
