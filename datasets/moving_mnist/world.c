#include "datasets/moving_mnist/world.h"

#include <inttypes.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

/* --- opening ------------------------------------------------------------------------------------------------------ */

vj_status vj_world_check(const vj_world_config *c) {
  if (c->digit_size >= c->size)
    return vj_fail(VJ_CONFIG, "data.size: expected more than digit_size = %" PRId64 ", got %" PRId64, c->digit_size,
                   c->size);
  if (c->size % c->downsample)
    return vj_fail(VJ_CONFIG, "data.downsample: expected a divisor of size = %" PRId64 ", got %" PRId64, c->size,
                   c->downsample);
  return VJ_OK;
}

vj_status vj_world_open(const char *what, size_t bytes, const vj_world_config *config, const vj_clip_request *request,
                        void **dataset) {
  vj_pool *pool = NULL;
  vj_status status;
  VJ_TRY(vj_pool_create(&pool));
  vj_world *const w = vj_pool_take(pool, bytes);
  if (!w) {
    status = vj_fail(VJ_MEMORY, "no memory for the data set %s", what);
    goto done;
  }
  const bool is_builtin = strcmp(config->digits, "builtin") == 0;
  status = is_builtin ? vj_digits_draw(pool, &w->digits) : vj_digits_read(pool, config->digits, &w->digits);
  if (status != VJ_OK) goto done;
  w->config = *config;
  w->request = *request;
  w->range = (double)(config->size - config->digit_size);
  w->pool = pool;
  pool = NULL;
  *dataset = w;
done:
  vj_pool_destroy(&pool);
  return status;
}

void vj_world_close(void **dataset) {
  if (!*dataset) return;
  vj_pool *pool = ((vj_world *)*dataset)->pool; /* the structure goes with it */
  vj_pool_destroy(&pool);
  *dataset = NULL;
}

void vj_world_info(const void *dataset, vj_clip_info *info) {
  const vj_world *const w = dataset;
  *info = (vj_clip_info){
      .frames = w->request.input_frames + w->request.target_frames,
      .height = w->config.size / w->config.downsample,
      .width = w->config.size / w->config.downsample,
      .channels = 1,
      .samples = {w->config.train_size, w->config.validation_size, w->config.test_size},
      .labels = w->labels,
      .label_count = w->label_count,
  };
  for (int64_t i = 0; i < w->label_count; i++) info->label_width += w->labels[i].width;
}

void vj_world_place_labels(const vj_world *w, float *labels, float *start[VJ_WORLD_LABELS]) {
  for (int64_t i = 0; i < w->label_count; i++) {
    start[i] = labels;
    labels += w->labels[i].width;
  }
}

/* --- digits that move --------------------------------------------------------------------------------------------- */

/* Average over the area of each of side x side cells, by exact integer sums; side 28 only divides by 255. */
static void shrink(const uint8_t *image, int side, float *ink) {
  const float whole = (float)(VJ_DIGIT_PIXELS * 255);
  for (int row = 0; row < side; row++)
    for (int column = 0; column < side; column++) {
      /* In units of 1/side of a pixel, the cell is [28 row, 28 (row + 1)) and pixel i is [side i, side (i + 1)). */
      const int top = row * VJ_DIGIT_SIDE, bottom = top + VJ_DIGIT_SIDE;
      const int left = column * VJ_DIGIT_SIDE, right = left + VJ_DIGIT_SIDE;
      int sum = 0;
      for (int i = top / side; i * side < bottom; i++) {
        const int upper = i * side > top ? i * side : top, lower = (i + 1) * side < bottom ? (i + 1) * side : bottom;
        for (int j = left / side; j * side < right; j++) {
          const int first = j * side > left ? j * side : left;
          const int last = (j + 1) * side < right ? (j + 1) * side : right;
          sum += (lower - upper) * (last - first) * image[i * VJ_DIGIT_SIDE + j];
        }
      }
      ink[row * side + column] = (float)sum / whole;
    }
}

void vj_mover_pick(vj_mover *mover, const vj_world *w, vj_split split, vj_rng *rng) {
  const vj_digit_set *const set = &w->digits.split[split];
  mover->image = vj_rng_integer(rng, 0, set->count - 1);
  mover->bounced = false;
  shrink(vj_digit_image(set, mover->image), (int)w->config.digit_size, mover->ink);
}

void vj_mover_step(vj_mover *mover, double range) {
  mover->bounced = false;
  for (int wall = 0; wall < VJ_WALLS; wall++) mover->hit[wall] = false;
  for (int axis = 0; axis < 2; axis++) {
    double p = mover->position[axis] + mover->velocity[axis];
    if (p < 0.0 || p > range) {
      mover->hit[2 * axis + (p > range)] = true; /* left or right, top or bottom */
      p = p < 0.0 ? -p : 2.0 * range - p;
      mover->velocity[axis] = -mover->velocity[axis];
      mover->bounced = true;
    }
    mover->position[axis] = p;
  }
}

/* --- a clip ------------------------------------------------------------------------------------------------------- */

/* The canvas [size, size] becomes the maximum of itself and the digit, drawn at its rounded position. */
static void draw(const vj_mover *mover, int64_t size, int64_t side, float *canvas) {
  float *const corner = canvas + lround(mover->position[1]) * size + lround(mover->position[0]);
  for (int64_t row = 0; row < side; row++) {
    float *const to = corner + row * size;
    const float *const from = mover->ink + row * side;
    for (int64_t column = 0; column < side; column++)
      to[column] = from[column] > to[column] ? from[column] : to[column];
  }
}

/* The numbers of a cell are added row by row, whatever a loop is made of. */
static inline void average_cells(const float *canvas, int64_t size, int64_t cell, float *restrict frame) {
  const int64_t side = size / cell;
  for (int64_t row = 0; row < side; row++, frame += side) {
    memset(frame, 0, (size_t)side * sizeof *frame);
    for (int64_t i = 0; i < cell; i++, canvas += size)
      for (int64_t column = 0; column < side; column++)
        for (int64_t j = 0; j < cell; j++) frame[column] += canvas[column * cell + j];
    for (int64_t column = 0; column < side; column++) frame[column] /= (float)(cell * cell);
  }
}

/* frame [size / cell, size / cell] becomes the averages of the canvas [size, size] over its cells. With constant cells
 * compilers make vectors of it. */
static void average(const float *canvas, int64_t size, int64_t cell, float *frame) {
  if (cell == 1)
    memcpy(frame, canvas, (size_t)(size * size) * sizeof *frame);
  else if (cell == 2)
    average_cells(canvas, size, 2, frame);
  else
    average_cells(canvas, size, cell, frame);
}

static void label_frame(const vj_world *w, const vj_world_clip *clip, int64_t t) {
  const int64_t n = clip->digits, input = w->request.input_frames;
  float *const place = t < input ? clip->input_position + 2 * n * t : clip->position + 2 * n * (t - input);
  for (int64_t k = 0; k < n; k++) {
    const vj_mover *const m = &clip->movers[k];
    for (int axis = 0; axis < 2; axis++) place[2 * k + axis] = (float)m->position[axis];
    if (t < input) continue;
    clip->bounce[n * (t - input) + k] = m->bounced ? 1.0f : 0.0f;
    for (int wall = 0; wall < VJ_WALLS; wall++)
      if (m->hit[wall]) clip->walls[wall] = 1.0f;
  }
}

vj_status vj_world_film(const vj_world *w, const vj_world_clip *clip, float *frames) {
  const int64_t size = w->config.size, side = size / w->config.downsample;
  const int64_t total = w->request.input_frames + w->request.target_frames;
  const vj_background_config behind = {w->config.background, w->config.background_strength, w->config.background_scale,
                                       w->config.background_speed};
  vj_background background;
  float *canvas = NULL;
  vj_status status;
  VJ_TRY_GOTO(status, vj_background_begin(&behind, size, w->request.seed, clip->split, clip->number, &background),
              done);
  VJ_TRY_GOTO(status, vj_allocate((size_t)(size * size), sizeof *canvas, "a canvas", &canvas), done);
  for (int wall = 0; wall < VJ_WALLS; wall++) clip->walls[wall] = 0.0f;
  for (int64_t t = 0; t < total; t++) {
    clip->advance(w, clip->motion, t);
    vj_background_put(&background, t, canvas);
    for (int64_t k = 0; k < clip->digits; k++) draw(&clip->movers[k], size, w->config.digit_size, canvas);
    average(canvas, size, w->config.downsample, frames + t * side * side);
    label_frame(w, clip, t);
  }
done:
  free(canvas);
  vj_background_end(&background);
  return status;
}
