/* Moving digits that bounce off the walls of their canvas: deterministic MovingMNIST with varying speed.
 *
 * A digit of D px starts uniformly in [0, L]^2, L = size - D, and moves by an integer velocity a frame, uniform on
 * the grid -max_speed..max_speed without (0, 0). Reflection is exact: p < 0 becomes -p, p > L becomes 2 L - p, and
 * that component of the velocity changes its sign. Digits are drawn at the rounded position; where two overlap the
 * brighter pixel counts. */
#include <inttypes.h>
#include <math.h>

#include "datasets/moving_mnist/world.h"
#include "vj/elementary.h"

/* The labels in their order; the last only with two digits. */
enum { SPEED, POSITION, INPUT_POSITION, VELOCITY, BOUNCE, WALLS, DIGIT_INDEX, DIGIT, DIGIT_SECOND };

typedef struct moving_mnist_config {
  vj_world_config world; /* first */
  int64_t digit_count, max_speed;
} moving_mnist_config;

static const vj_param params[] = {
    VJ_WORLD_CANVAS_PARAMS,
    VJ_INTEGER(moving_mnist_config, digit_count, "1", 1, VJ_WORLD_DIGITS, "", "digits in a clip"),
    VJ_INTEGER(moving_mnist_config, max_speed, "4", 1, 256, "px/frame",
               "largest component of the velocity; never more than size - digit_size"),
    VJ_WORLD_SPLIT_PARAMS,
    VJ_WORLD_BACKGROUND_PARAMS,
};

typedef struct moving_mnist {
  vj_world world; /* first */
  int64_t digit_count, max_speed;
} moving_mnist;

/* --- opening ------------------------------------------------------------------------------------------------------ */

static void add_label(vj_world *w, const char *name, int64_t width, const char *unit, const char *doc) {
  w->labels[w->label_count++] =
      (vj_label){.name = name, .kind = VJ_LABEL_REAL, .width = width, .unit = unit, .doc = doc};
}

static void add_flags(vj_world *w, const char *name, int64_t width, const char *doc) {
  w->labels[w->label_count++] =
      (vj_label){.name = name, .kind = VJ_LABEL_FLAGS, .width = width, .unit = "", .doc = doc};
}

static void add_class(vj_world *w, const char *name, const char *doc) {
  w->labels[w->label_count++] =
      (vj_label){.name = name, .kind = VJ_LABEL_CLASS, .width = 1, .classes = VJ_DIGIT_CLASSES, .unit = "", .doc = doc};
}

/* In the order of the enumeration above. */
static void list_labels(vj_world *w, int64_t n) {
  const int64_t input = w->request.input_frames, target = w->request.target_frames;
  add_label(w, "speed", n, "px/frame",
            n == 1 ? "length of the velocity" : "lengths of the two velocities, the smaller first");
  add_label(w, "position", target * n * 2, "px",
            "of each digit's upper left corner before rounding: target frames x digits x (x, y)");
  w->labels[w->label_count - 1].steps = target;
  add_label(w, "input_position", input * n * 2, "px", "the same: input frames x digits x (x, y)");
  add_label(w, "velocity", n * 2, "px/frame", "at the first frame: digits x (x, y)");
  add_flags(w, "bounce", target * n, "1 where a wall was hit since the frame before: target frames x digits");
  w->labels[w->label_count - 1].steps = target;
  add_flags(w, "walls", VJ_WALLS, "1 for each wall that a digit hits in the target frames: left, right, top, bottom");
  add_label(w, "digit_index", n, "",
            "number of each digit's image in its file, or among the built-in ones of its split");
  add_class(w, "digit", n == 1 ? "what the digit is" : "what the first digit is");
  if (n == 2) add_class(w, "digit_second", "what the second digit is");
}

/* Beyond that, one reflection a frame would not bring a digit back onto the canvas. */
static vj_status check_speed(const moving_mnist_config *c) {
  const int64_t range = c->world.size - c->world.digit_size;
  if (c->max_speed <= range) return VJ_OK;
  return vj_fail(VJ_CONFIG, "data.max_speed: expected at most size - digit_size = %" PRId64 ", got %" PRId64, range,
                 c->max_speed);
}

static vj_status moving_mnist_open(const void *config, const vj_clip_request *request, void **dataset) {
  const moving_mnist_config *const c = config;
  *dataset = NULL;
  VJ_TRY(vj_world_check(&c->world));
  VJ_TRY(check_speed(c));
  VJ_TRY(vj_world_open("moving_mnist", sizeof(moving_mnist), &c->world, request, dataset));
  moving_mnist *const d = *dataset;
  d->digit_count = c->digit_count;
  d->max_speed = c->max_speed;
  list_labels(&d->world, d->digit_count);
  return VJ_OK;
}

/* --- making a clip ------------------------------------------------------------------------------------------------ */

static void start_mover(const moving_mnist *d, vj_split split, vj_rng *rng, vj_mover *m) {
  const int64_t side = 2 * d->max_speed + 1, centre = side * side / 2;
  vj_mover_pick(m, &d->world, split, rng);
  for (int axis = 0; axis < 2; axis++) m->position[axis] = d->world.range * vj_rng_uniform(rng);
  /* A place on the grid of velocities, its centre (0, 0) left out. */
  int64_t place = vj_rng_integer(rng, 0, side * side - 2);
  if (place >= centre) place++;
  m->velocity[0] = (double)(place % side - d->max_speed);
  m->velocity[1] = (double)(place / side - d->max_speed);
}

static void step_all(const vj_world *world, void *motion, int64_t t) {
  const moving_mnist *const d = (const moving_mnist *)world;
  vj_mover *const movers = motion;
  for (int64_t k = 0; k < d->digit_count && t > 0; k++) vj_mover_step(&movers[k], world->range);
}

/* Those that are known at the first frame. */
static void fill_labels(const moving_mnist *d, vj_split split, const vj_mover *movers, float *const *start) {
  const vj_digit_set *set = &d->world.digits.split[split];
  float *const speed = start[SPEED];
  for (int64_t k = 0; k < d->digit_count; k++) {
    speed[k] = (float)vj_math_hypot(movers[k].velocity[0], movers[k].velocity[1]);
    for (int axis = 0; axis < 2; axis++) start[VELOCITY][2 * k + axis] = (float)movers[k].velocity[axis];
    start[DIGIT_INDEX][k] = (float)(set->first + movers[k].image);
    start[DIGIT + k][0] = (float)set->labels[movers[k].image];
  }
  if (d->digit_count == 2 && speed[0] > speed[1]) {
    const float larger = speed[0];
    speed[0] = speed[1];
    speed[1] = larger;
  }
}

static vj_status moving_mnist_sample(const void *dataset, vj_split split, int64_t number, float *frames,
                                     float *labels) {
  const moving_mnist *const d = dataset;
  vj_rng rng = vj_rng_stream(d->world.request.seed, VJ_RNG_DATA, (uint32_t)split, (uint64_t)number);
  vj_mover movers[VJ_WORLD_DIGITS];
  float *start[VJ_WORLD_LABELS];
  for (int64_t k = 0; k < d->digit_count; k++) start_mover(d, split, &rng, &movers[k]);
  vj_world_place_labels(&d->world, labels, start);
  fill_labels(d, split, movers, start);
  const vj_world_clip clip = {.split = split,
                              .number = number,
                              .digits = d->digit_count,
                              .movers = movers,
                              .advance = step_all,
                              .motion = movers,
                              .input_position = start[INPUT_POSITION],
                              .position = start[POSITION],
                              .bounce = start[BOUNCE],
                              .walls = start[WALLS]};
  return vj_world_film(&d->world, &clip, frames);
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
                   .info = vj_world_info,
                   .sample = moving_mnist_sample,
                   .close = vj_world_close},
};
