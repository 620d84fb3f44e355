/* Moving digits that bounce off the walls of their canvas: deterministic MovingMNIST with varying speed.
 *
 * A digit of D px starts uniformly in [0, L]^2, L = size - D, and moves by an integer velocity a frame, uniform on
 * the grid -max_speed..max_speed without (0, 0). Reflection is exact: p < 0 becomes -p, p > L becomes 2 L - p, and
 * that component of the velocity changes its sign. Digits are drawn at the rounded position; where two overlap the
 * brighter pixel counts. */
#include <inttypes.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "datasets/moving_mnist/world.h"
#include "vj/component.h"

enum { MOST_DIGITS = 2 };

/* The labels in their order; the last only with two digits. */
enum { SPEED, POSITION, INPUT_POSITION, VELOCITY, BOUNCE, WALLS, DIGIT_INDEX, DIGIT, DIGIT_SECOND, MOST_LABELS };

typedef struct moving_mnist_config {
  const char *digits;
  int64_t size, downsample, digit_size, digit_count, max_speed;
  int64_t train_size, validation_size, test_size;
} moving_mnist_config;

static const vj_param params[] = {
    VJ_TEXT(moving_mnist_config, digits, "builtin",
            "`builtin`: drawn by the program; else a folder with the four IDX files of MNIST, plain or .gz"),
    VJ_INTEGER(moving_mnist_config, size, "64", 8, 1024, "px", "height and width of the canvas"),
    VJ_INTEGER(moving_mnist_config, downsample, "1", 1, 64, "",
               "frames are averages over cells of this many px squared; labels stay in px of the canvas"),
    VJ_INTEGER(moving_mnist_config, digit_size, "28", 4, VJ_DIGIT_SIDE, "px",
               "height and width of a digit, averaged down from 28"),
    VJ_INTEGER(moving_mnist_config, digit_count, "1", 1, MOST_DIGITS, "", "digits in a clip"),
    VJ_INTEGER(moving_mnist_config, max_speed, "4", 1, 256, "px/frame",
               "largest component of the velocity; never more than size - digit_size"),
    VJ_INTEGER(moving_mnist_config, train_size, "10000", 1, 1000000000, "", "clips for training"),
    VJ_INTEGER(moving_mnist_config, validation_size, "1000", 1, 1000000000, "", "clips for validation"),
    VJ_INTEGER(moving_mnist_config, test_size, "1000", 1, 1000000000, "", "clips for testing"),
};

typedef struct moving_mnist {
  moving_mnist_config config;
  vj_clip_request request;
  vj_digits digits;
  vj_label labels[MOST_LABELS];
  int64_t label_count;
  vj_pool *pool; /* owns everything, this structure included */
} moving_mnist;

/* --- opening ------------------------------------------------------------------------------------------------- */

static vj_status check_sizes(const moving_mnist_config *c) {
  VJ_TRY(vj_canvas_check(c->size, c->digit_size, c->downsample));
  /* Beyond that, one reflection a frame would not bring a digit back onto the canvas. */
  if (c->max_speed > c->size - c->digit_size)
    return vj_fail(VJ_CONFIG, "data.max_speed: expected at most size - digit_size = %" PRId64 ", got %" PRId64,
                   c->size - c->digit_size, c->max_speed);
  return VJ_OK;
}

static void add_label(moving_mnist *d, const char *name, int64_t width, const char *unit, const char *doc) {
  d->labels[d->label_count++] =
      (vj_label){.name = name, .kind = VJ_LABEL_REAL, .width = width, .unit = unit, .doc = doc};
}

static void add_flags(moving_mnist *d, const char *name, int64_t width, const char *doc) {
  d->labels[d->label_count++] =
      (vj_label){.name = name, .kind = VJ_LABEL_FLAGS, .width = width, .unit = "", .doc = doc};
}

static void add_class(moving_mnist *d, const char *name, const char *doc) {
  d->labels[d->label_count++] =
      (vj_label){.name = name, .kind = VJ_LABEL_CLASS, .width = 1, .classes = VJ_DIGIT_CLASSES, .unit = "", .doc = doc};
}

/* In the order of the enumeration above. */
static void list_labels(moving_mnist *d) {
  const int64_t n = d->config.digit_count, input = d->request.input_frames, target = d->request.target_frames;
  add_label(d, "speed", n, "px/frame",
            n == 1 ? "length of the velocity" : "lengths of the two velocities, the smaller first");
  add_label(d, "position", target * n * 2, "px",
            "of each digit's upper left corner before rounding: target frames x digits x (x, y)");
  add_label(d, "input_position", input * n * 2, "px", "the same: input frames x digits x (x, y)");
  add_label(d, "velocity", n * 2, "px/frame", "at the first frame: digits x (x, y)");
  add_flags(d, "bounce", target * n, "1 where a wall was hit since the frame before: target frames x digits");
  add_flags(d, "walls", VJ_WALLS, "1 for each wall that a digit hits in the target frames: left, right, top, bottom");
  add_label(d, "digit_index", n, "",
            "number of each digit's image in its file, or among the built-in ones of its split");
  add_class(d, "digit", n == 1 ? "what the digit is" : "what the first digit is");
  if (n == 2) add_class(d, "digit_second", "what the second digit is");
}

static vj_status moving_mnist_open(const void *config, const vj_clip_request *request, void **dataset) {
  const moving_mnist_config *const c = config;
  vj_pool *pool = NULL;
  moving_mnist *d;
  vj_status status;
  *dataset = NULL;
  VJ_TRY(check_sizes(c));
  VJ_TRY(vj_pool_create(&pool));
  d = vj_pool_take(pool, sizeof *d);
  if (!d) {
    status = vj_fail(VJ_MEMORY, "no memory for the data set moving_mnist");
    goto done;
  }
  d->config = *c;
  d->request = *request;
  VJ_TRY_GOTO(status, vj_canvas_open_digits(pool, c->digits, &d->digits), done);
  list_labels(d);
  d->pool = pool;
  pool = NULL;
  *dataset = d;
done:
  vj_pool_destroy(&pool);
  return status;
}

static void moving_mnist_close(void **dataset) {
  if (!*dataset) return;
  vj_pool *pool = ((moving_mnist *)*dataset)->pool; /* the structure goes with it */
  vj_pool_destroy(&pool);
  *dataset = NULL;
}

static void moving_mnist_info(const void *dataset, vj_clip_info *info) {
  const moving_mnist *const d = dataset;
  *info = (vj_clip_info){
      .frames = d->request.input_frames + d->request.target_frames,
      .height = d->config.size / d->config.downsample,
      .width = d->config.size / d->config.downsample,
      .channels = 1,
      .samples = {d->config.train_size, d->config.validation_size, d->config.test_size},
      .labels = d->labels,
      .label_count = d->label_count,
  };
  for (int64_t i = 0; i < d->label_count; i++) info->label_width += d->labels[i].width;
}

/* --- making a clip ------------------------------------------------------------------------------------------- */

static void start_mover(const moving_mnist *d, vj_split split, vj_rng *rng, vj_mover *m) {
  const int64_t side = 2 * d->config.max_speed + 1, centre = side * side / 2;
  const double range = (double)(d->config.size - d->config.digit_size);
  vj_mover_pick(m, &d->digits.split[split], d->config.digit_size, rng);
  for (int axis = 0; axis < 2; axis++) m->position[axis] = range * vj_rng_uniform(rng);
  /* A place on the grid of velocities, its centre (0, 0) left out. */
  int64_t place = vj_rng_integer(rng, 0, side * side - 2);
  if (place >= centre) place++;
  m->velocity[0] = (double)(place % side - d->config.max_speed);
  m->velocity[1] = (double)(place / side - d->config.max_speed);
}

/* Where the labels of one sample stand that are filled frame by frame. */
typedef struct label_room {
  float *position, *input_position, *bounce, *walls;
} label_room;

/* Fills what is known at the first frame and tells where the rest belongs. */
static label_room start_labels(const moving_mnist *d, vj_split split, const vj_mover *movers, float *labels) {
  const int64_t n = d->config.digit_count;
  const vj_digit_set *set = &d->digits.split[split];
  float *start[MOST_LABELS];
  for (int64_t i = 0; i < d->label_count; i++) {
    start[i] = labels;
    labels += d->labels[i].width;
  }
  float *const speed = start[SPEED];
  for (int64_t k = 0; k < n; k++) {
    speed[k] = (float)hypot(movers[k].velocity[0], movers[k].velocity[1]);
    for (int axis = 0; axis < 2; axis++) start[VELOCITY][2 * k + axis] = (float)movers[k].velocity[axis];
    start[DIGIT_INDEX][k] = (float)(set->first + movers[k].image);
    start[DIGIT + k][0] = (float)set->labels[movers[k].image];
  }
  if (n == 2 && speed[0] > speed[1]) {
    const float larger = speed[0];
    speed[0] = speed[1];
    speed[1] = larger;
  }
  for (int wall = 0; wall < VJ_WALLS; wall++) start[WALLS][wall] = 0.0f;
  return (label_room){.position = start[POSITION],
                      .input_position = start[INPUT_POSITION],
                      .bounce = start[BOUNCE],
                      .walls = start[WALLS]};
}

static vj_status moving_mnist_sample(const void *dataset, vj_split split, int64_t number, float *frames,
                                     float *labels) {
  const moving_mnist *const d = dataset;
  const int64_t n = d->config.digit_count, size = d->config.size, side = size / d->config.downsample;
  const int64_t input = d->request.input_frames, total = input + d->request.target_frames;
  const double range = (double)(size - d->config.digit_size);
  float *canvas = NULL;
  VJ_TRY(vj_allocate((size_t)(size * size), sizeof *canvas, "a canvas", &canvas));
  vj_rng rng = vj_rng_stream(d->request.seed, VJ_RNG_DATA, (uint32_t)split, (uint64_t)number);
  vj_mover movers[MOST_DIGITS];
  for (int64_t k = 0; k < n; k++) start_mover(d, split, &rng, &movers[k]);
  label_room room = start_labels(d, split, movers, labels);
  for (int64_t t = 0; t < total; t++) {
    memset(canvas, 0, (size_t)(size * size) * sizeof *canvas);
    for (int64_t k = 0; k < n; k++) {
      vj_mover *const m = &movers[k];
      if (t > 0) vj_mover_step(m, range);
      vj_mover_stamp(m, size, d->config.digit_size, canvas);
      float **const at = t < input ? &room.input_position : &room.position;
      for (int axis = 0; axis < 2; axis++) *(*at)++ = (float)m->position[axis];
      if (t < input) continue;
      *room.bounce++ = m->bounced ? 1.0f : 0.0f;
      for (int wall = 0; wall < VJ_WALLS; wall++)
        if (m->hit[wall]) room.walls[wall] = 1.0f;
    }
    vj_canvas_average(canvas, size, d->config.downsample, frames + t * side * side);
  }
  free(canvas);
  return VJ_OK;
}

const vj_component vj_dataset_moving_mnist = {
    .abi = VJ_ABI,
    .kind = VJ_DATASET,
    .name = "moving_mnist",
    .summary = "one or two digits that move at constant speed and bounce off the walls",
    .source =
        "after Srivastava et al. 2015 (arXiv 1502.04681); integer velocities as in Denton and Fergus 2018 "
        "(arXiv 1802.07687), with exact reflection",
    .params = params,
    .param_count = VJ_COUNT(params),
    .config_bytes = sizeof(moving_mnist_config),
    .as.dataset = {.open = moving_mnist_open,
                   .info = moving_mnist_info,
                   .sample = moving_mnist_sample,
                   .close = moving_mnist_close},
};
