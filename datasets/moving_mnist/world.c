/* Picking, shrinking, moving and drawing a digit. */
#include <inttypes.h>
#include <math.h>
#include <string.h>

#include "datasets/moving_mnist/world.h"

vj_status vj_canvas_open_digits(vj_pool *pool, const char *digits, vj_digits *result) {
  if (strcmp(digits, "builtin") == 0)
    VJ_TRY(vj_digits_draw(pool, result));
  else
    VJ_TRY(vj_digits_read(pool, digits, result));
  return VJ_OK;
}

vj_status vj_canvas_check(int64_t size, int64_t side, int64_t cell) {
  if (side >= size)
    return vj_fail(VJ_CONFIG, "data.size: expected more than digit_size = %" PRId64 ", got %" PRId64, side, size);
  if (size % cell)
    return vj_fail(VJ_CONFIG, "data.downsample: expected a divisor of size = %" PRId64 ", got %" PRId64, size, cell);
  return VJ_OK;
}

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

void vj_mover_pick(vj_mover *mover, const vj_digit_set *set, int64_t side, vj_rng *rng) {
  mover->image = vj_rng_integer(rng, 0, set->count - 1);
  mover->bounced = false;
  shrink(vj_digit_image(set, mover->image), (int)side, mover->ink);
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

void vj_mover_stamp(const vj_mover *mover, int64_t size, int64_t side, float *frame) {
  float *const corner = frame + lround(mover->position[1]) * size + lround(mover->position[0]);
  for (int64_t row = 0; row < side; row++) {
    float *const to = corner + row * size;
    const float *const from = mover->ink + row * side;
    for (int64_t column = 0; column < side; column++)
      to[column] = from[column] > to[column] ? from[column] : to[column];
  }
}

void vj_canvas_average(const float *canvas, int64_t size, int64_t cell, float *frame) {
  const int64_t side = size / cell;
  for (int64_t row = 0; row < side; row++)
    for (int64_t column = 0; column < side; column++) {
      const float *const corner = canvas + row * cell * size + column * cell;
      float sum = 0;
      for (int64_t i = 0; i < cell; i++)
        for (int64_t j = 0; j < cell; j++) sum += corner[i * size + j];
      frame[row * side + column] = sum / (float)(cell * cell);
    }
}
