#include "datasets/moving_mnist/background.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "vj/memory.h"

static const float contrast = 2;

/* --- smoothing ------------------------------------------------------------------------------------------------ */

/* Of every pixel along one axis, the texture moved by `offset` px. */
static void place_taps(const vj_background *b, double offset, vj_background_taps *taps) {
  const double cells_a_pixel = (double)b->cells / (double)b->size;
  for (int64_t p = 0; p < b->size; p++) {
    const double place = ((double)p - offset) * cells_a_pixel, whole = floor(place), f = place - whole, g = 1 - f;
    const double weights[VJ_BACKGROUND_TAPS] = {g * g * g, 4 - 6 * f * f + 3 * f * f * f, 4 - 6 * g * g + 3 * g * g * g,
                                                f * f * f};
    int64_t cell = ((int64_t)whole - 1) % b->cells;
    if (cell < 0) cell += b->cells;
    for (int k = 0; k < VJ_BACKGROUND_TAPS; k++) {
      taps[p].cell[k] = (int32_t)cell;
      taps[p].weight[k] = (float)(weights[k] / 6);
      cell = cell + 1 == b->cells ? 0 : cell + 1;
    }
  }
}

static void smooth_along_x(const vj_background *b) {
  for (int64_t row = 0; row < b->cells; row++) {
    const float *const from = b->lattice + row * b->cells;
    float *const to = b->columns + row * b->size;
    for (int64_t x = 0; x < b->size; x++) {
      const vj_background_taps *const t = &b->along_x[x];
      float sum = 0;
      for (int k = 0; k < VJ_BACKGROUND_TAPS; k++) sum += t->weight[k] * from[t->cell[k]];
      to[x] = sum;
    }
  }
}

static void smooth_along_y(const vj_background *b, float *restrict to) {
  const float strength = (float)b->config.strength;
  for (int64_t y = 0; y < b->size; y++, to += b->size) {
    const vj_background_taps t = b->along_y[y];
    const float *from[VJ_BACKGROUND_TAPS];
    for (int k = 0; k < VJ_BACKGROUND_TAPS; k++) from[k] = b->columns + t.cell[k] * b->size;
    for (int64_t x = 0; x < b->size; x++) {
      float sum = 0;
      for (int k = 0; k < VJ_BACKGROUND_TAPS; k++) sum += t.weight[k] * from[k][x];
      const float stretched = 0.5f + contrast * (sum - 0.5f), above = stretched < 0 ? 0 : stretched;
      to[x] = strength * (above > 1 ? 1 : above);
    }
  }
}

static void render(const vj_background *b, float *to) {
  smooth_along_x(b);
  smooth_along_y(b, to);
}

/* --- a clip ------------------------------------------------------------------------------------------------------- */

static void place_at(vj_background *b, int64_t t) {
  place_taps(b, b->velocity[0] * (double)t, b->along_x);
  place_taps(b, b->velocity[1] * (double)t, b->along_y);
}

static void draw_lattice(vj_background *b) {
  for (int64_t i = 0; i < b->cells * b->cells; i++) b->lattice[i] = (float)(vj_rng_u32(&b->rng) >> 8) * 0x1p-24f;
}

static int64_t cells_of(const vj_background_config *config, int64_t size) {
  const int64_t cells = lround((double)size / config->scale);
  return cells < 1 ? 1 : cells > size ? size : cells;
}

vj_status vj_background_begin(const vj_background_config *config, int64_t size, uint64_t seed, vj_split split,
                              int64_t number, vj_background *b) {
  *b = (vj_background){.config = *config, .size = size, .cells = cells_of(config, size)};
  if (config->kind == VJ_BACKGROUND_NONE) return VJ_OK;
  b->rng = vj_rng_stream(seed, VJ_RNG_BACKGROUND, (uint32_t)split, (uint64_t)number);
  const size_t columns = (size_t)(b->cells * size), texture = (size_t)(size * size);
  VJ_TRY(vj_allocate((size_t)(2 * size), sizeof *b->along_x, "a background", &b->along_x));
  VJ_TRY(vj_allocate(columns + texture + (size_t)(b->cells * b->cells), sizeof(float), "a background", &b->texture));
  b->along_y = b->along_x + size;
  b->columns = b->texture + texture;
  b->lattice = b->columns + columns;
  for (int axis = 0; axis < 2; axis++) b->velocity[axis] = config->speed * (2 * vj_rng_uniform(&b->rng) - 1);
  draw_lattice(b);
  place_at(b, 0);
  render(b, b->texture);
  return VJ_OK;
}

void vj_background_put(vj_background *b, int64_t t, float *canvas) {
  const size_t bytes = (size_t)(b->size * b->size) * sizeof *canvas;
  if (b->config.kind == VJ_BACKGROUND_NONE) {
    memset(canvas, 0, bytes);
  } else if (b->config.kind == VJ_BACKGROUND_TEXTURE || t == 0) {
    memcpy(canvas, b->texture, bytes);
  } else {
    if (b->config.kind == VJ_BACKGROUND_FLICKER) draw_lattice(b);
    if (b->config.kind == VJ_BACKGROUND_MOVING) place_at(b, t);
    render(b, canvas);
  }
}

void vj_background_end(vj_background *b) {
  free(b->along_x);
  free(b->texture);
}
