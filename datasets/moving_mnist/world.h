/* A world of moving digits: what MovingMNIST and its stochastic sibling share. A data set is this world and a motion.
 *
 * A canvas of `size` px holds digits of `digit_size` px whose upper left corners are anywhere in [0, range]^2,
 * range = size - digit_size. Coordinates are (x, y), x to the right and y downwards. The room sees datasets/digits,
 * which makes the images; begin at moving_mnist.c. Nothing is collective; all but opening may run on many threads at
 * once. */
#ifndef VJ_DATASETS_MOVING_MNIST_WORLD_H
#define VJ_DATASETS_MOVING_MNIST_WORLD_H

#include <stdbool.h>

#include "datasets/digits/digits.h"
#include "datasets/moving_mnist/background.h"
#include "vj/component.h"
#include "vj/rng.h"

enum { VJ_WORLD_DIGITS = 2, VJ_WORLD_LABELS = 16 }; /* at most */

/* A data set's configuration begins with this, so that its rows are rows of the data set. */
typedef struct vj_world_config {
  const char *digits;
  int64_t size, downsample, digit_size;
  int64_t train_size, validation_size, test_size;
  int background; /* a vj_background_kind */
  double background_strength, background_scale, background_speed;
} vj_world_config;

#define VJ_WORLD_CANVAS_PARAMS                                                                               \
  VJ_TEXT(vj_world_config, digits, "builtin",                                                                \
          "`builtin`: drawn by the program; else a folder with the four IDX files of MNIST, plain or .gz"),  \
      VJ_INTEGER(vj_world_config, size, "64", 8, 1024, "px", "height and width of the canvas"),              \
      VJ_INTEGER(vj_world_config, downsample, "1", 1, 64, "",                                                \
                 "frames are averages over cells of this many px squared; labels stay in px of the canvas"), \
      VJ_INTEGER(vj_world_config, digit_size, "28", 4, VJ_DIGIT_SIDE, "px",                                  \
                 "height and width of a digit, averaged down from 28")
#define VJ_WORLD_SPLIT_PARAMS                                                                          \
  VJ_INTEGER(vj_world_config, train_size, "10000", 1, 1000000000, "", "clips for training"),           \
      VJ_INTEGER(vj_world_config, validation_size, "1000", 1, 1000000000, "", "clips for validation"), \
      VJ_INTEGER(vj_world_config, test_size, "1000", 1, 1000000000, "", "clips for testing")

#define VJ_WORLD_BACKGROUND_PARAMS                                                                              \
  VJ_CHOICE(vj_world_config, background, VJ_BACKGROUND_CHOICES, "none",                                         \
            "behind the digits: nothing; a random texture; one that moves; another one in every frame"),        \
      VJ_REAL(vj_world_config, background_strength, "0.5", 0, 1, "",                                            \
              "brightness of the brightest background, beside digits of 1"),                                    \
      VJ_REAL(vj_world_config, background_scale, "8", 1, 1024, "px", "size of what is seen in the background"), \
      VJ_REAL(vj_world_config, background_speed, "4", 0, 256, "px/frame",                                       \
              "of `moving`: largest component of its velocity, which is constant in a clip")

/* The dataset of a component begins with this. */
typedef struct vj_world {
  vj_world_config config;
  vj_clip_request request;
  vj_digits digits;
  double range; /* of a position, px: [0, range] */
  vj_label labels[VJ_WORLD_LABELS];
  int64_t label_count;
  vj_pool *pool; /* owns everything, this structure included */
} vj_world;

/* A canvas has room for more than a digit and divides into its cells; else VJ_CONFIG, naming data.size or
 * data.downsample. */
VJ_MUST_USE vj_status vj_world_check(const vj_world_config *config);

/* A data set of `bytes` that begins with a vj_world, without labels yet; its configuration has been checked. Errors:
 * those of vj_digits_read. */
VJ_MUST_USE vj_status vj_world_open(const char *what, size_t bytes, const vj_world_config *config,
                                    const vj_clip_request *request, void **dataset);
/* As in vj_dataset_ops. */
void vj_world_close(void **dataset);
void vj_world_info(const void *dataset, vj_clip_info *info);

/* Where each label of one sample stands. */
void vj_world_place_labels(const vj_world *world, float *labels, float *start[VJ_WORLD_LABELS]);

/* --- digits that move --------------------------------------------------------------------------------------------- */

/* The walls of a canvas, in the order of what tells which were hit. */
typedef enum vj_wall { VJ_WALL_LEFT, VJ_WALL_RIGHT, VJ_WALL_TOP, VJ_WALL_BOTTOM, VJ_WALLS } vj_wall;

typedef struct vj_mover {
  int64_t image;                   /* in the digits of its split */
  double position[2], velocity[2]; /* of the upper left corner, (x, y), px and px/frame */
  bool bounced;                    /* by the last step */
  bool hit[VJ_WALLS];              /* the walls that did it */
  float ink[VJ_DIGIT_PIXELS];      /* [digit_size, digit_size], in [0, 1] */
} vj_mover;

/* Draws one of the split's images, each as likely, and averages its ink down from 28 x 28, by exact integer sums over
 * areas. One integer from the stream; leaves position and velocity alone. */
void vj_mover_pick(vj_mover *mover, const vj_world *world, vj_split split, vj_rng *rng);

/* One frame further. Reflection is exact: p < 0 becomes -p, p > range becomes 2 range - p, and that component of the
 * velocity changes its sign. No component may be more than `range`. */
void vj_mover_step(vj_mover *mover, double range);

/* --- a clip ------------------------------------------------------------------------------------------------------- */

/* A clip on its way. The world draws background and digits, brighter pixels over darker ones, and fills the labels that
 * are known frame by frame; the data set's own labels are filled by itself. */
typedef struct vj_world_clip {
  vj_split split; /* which clip this is */
  int64_t number;
  int64_t digits;
  vj_mover *movers; /* [digits] */
  /* Brings the movers to frame t: from frame t - 1, or to where they begin. */
  void (*advance)(const vj_world *world, void *motion, int64_t t);
  void *motion;
  float *input_position;            /* [input frames, digits, 2]; */
  float *position, *bounce, *walls; /* [target frames, digits, 2], [target frames, digits], [VJ_WALLS] */
} vj_world_clip;

/* The frames [T, side, side] of a clip, side = size / downsample, and its labels. */
VJ_MUST_USE vj_status vj_world_film(const vj_world *world, const vj_world_clip *clip, float *frames);

#endif
