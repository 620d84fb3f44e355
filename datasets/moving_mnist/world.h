/* A digit that moves over a square canvas: what the moving-digit data sets share.
 *
 * A canvas of `size` px holds a digit of `side` px whose upper left corner is anywhere in [0, range]^2,
 * range = size - side. Coordinates are (x, y), x to the right and y downwards. Nothing here is collective, and all but
 * vj_canvas_open_digits may run on many threads at once. */
#ifndef VJ_DATASETS_MOVING_MNIST_WORLD_H
#define VJ_DATASETS_MOVING_MNIST_WORLD_H

#include <stdbool.h>

#include "datasets/digits/digits.h"
#include "vj/rng.h"

/* The walls of a canvas, in the order of what tells which were hit. */
typedef enum vj_wall { VJ_WALL_LEFT, VJ_WALL_RIGHT, VJ_WALL_TOP, VJ_WALL_BOTTOM, VJ_WALLS } vj_wall;

typedef struct vj_mover {
  int64_t image;                   /* in the digits of its split */
  double position[2], velocity[2]; /* of the upper left corner, (x, y), px and px/frame */
  bool bounced;                    /* by the last step */
  bool hit[VJ_WALLS];              /* the walls that did it */
  float ink[VJ_DIGIT_PIXELS];      /* [side, side], in [0, 1] */
} vj_mover;

/* The digits that a row `digits` names: "builtin", or a folder with the IDX files of MNIST. Errors: those of
 * vj_digits_read. */
VJ_MUST_USE vj_status vj_canvas_open_digits(vj_pool *pool, const char *digits, vj_digits *result);

/* A canvas has room for more than the digit and divides into cells of `cell` x `cell` px; else VJ_CONFIG, naming
 * data.size or data.downsample. */
VJ_MUST_USE vj_status vj_canvas_check(int64_t size, int64_t side, int64_t cell);

/* Draws one of the set's images, each as likely, and averages its ink down from 28 x 28 to side x side px, by exact
 * integer sums over areas. One integer from the stream; leaves position and velocity alone. */
void vj_mover_pick(vj_mover *mover, const vj_digit_set *set, int64_t side, vj_rng *rng);

/* One frame further. Reflection is exact: p < 0 becomes -p, p > range becomes 2 range - p, and that component of the
 * velocity changes its sign. No component may be more than `range`. */
void vj_mover_step(vj_mover *mover, double range);

/* frame [size, size] becomes the maximum of itself and the digit, drawn at its rounded position. */
void vj_mover_stamp(const vj_mover *mover, int64_t size, int64_t side, float *frame);

/* frame [size / cell, size / cell] becomes the averages of the canvas [size, size] over its cells. */
void vj_canvas_average(const float *canvas, int64_t size, int64_t cell, float *frame);

#endif
