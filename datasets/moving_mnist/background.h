/* What is behind the digits of a clip: a smooth random texture that stays, moves or is another one in every frame.
 *
 * Noise on a lattice of cells of about `scale` px, uniform on [0, 1], is smoothed by the cubic B-spline, periodic at
 * the canvas' edges, and stretched twofold about 1/2, which gives back the spread that smoothing took: mean 1/2,
 * standard deviation about 0.28, cut off at 0 and 1. Random numbers are of a stream of their own, so that a clip has
 * the same digits, on the same paths, whatever is behind them. Nothing is collective. */
#ifndef VJ_DATASETS_MOVING_MNIST_BACKGROUND_H
#define VJ_DATASETS_MOVING_MNIST_BACKGROUND_H

#include "vj/dataset.h"
#include "vj/rng.h"

typedef enum vj_background_kind {
  VJ_BACKGROUND_NONE,
  VJ_BACKGROUND_TEXTURE, /* the same in every frame */
  VJ_BACKGROUND_MOVING,  /* at a constant velocity, (x, y) uniform on [-speed, speed]^2 px/frame, wrapping around */
  VJ_BACKGROUND_FLICKER  /* drawn anew for every frame */
} vj_background_kind;
#define VJ_BACKGROUND_CHOICES "none|texture|moving|flicker"

typedef struct vj_background_config {
  int kind;
  double strength;     /* factor, in [0, 1] */
  double scale, speed; /* px, px/frame */
} vj_background_config;

enum { VJ_BACKGROUND_TAPS = 4 }; /* of the cubic B-spline */

/* What a pixel reads of the lattice, along one axis. */
typedef struct vj_background_taps {
  int32_t cell[VJ_BACKGROUND_TAPS];
  float weight[VJ_BACKGROUND_TAPS];
} vj_background_taps;

/* That of one clip, on its way from frame to frame. */
typedef struct vj_background {
  vj_background_config config;
  int64_t size, cells; /* px of the canvas, cells of the lattice, along one side */
  vj_rng rng;
  double velocity[2];
  vj_background_taps *along_x, *along_y; /* [size] */
  float *lattice;                        /* [cells, cells] */
  float *columns;                        /* [cells, size]: the lattice's rows, smoothed along x */
  float *texture;                        /* [size, size]: what is behind the first frame */
} vj_background;

/* Of a clip by its split and number. To be ended by vj_background_end, also after a failure. */
VJ_MUST_USE vj_status vj_background_begin(const vj_background_config *config, int64_t size, uint64_t seed,
                                          vj_split split, int64_t number, vj_background *background);
/* Fills a canvas [size, size] with what is behind frame t; frames come in their order, from 0. */
void vj_background_put(vj_background *background, int64_t t, float *canvas);
void vj_background_end(vj_background *background);

#endif
