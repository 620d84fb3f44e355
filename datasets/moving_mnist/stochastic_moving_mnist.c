/* A moving digit that takes one of five ways where the target begins: stochastic MovingMNIST.
 *
 * With e = input_frames - 1, the last input frame, a digit of D px on a canvas of `size` px moves straight on through
 * the input frames, p_t = p_e - (e - t) v, and from frame e + 1 onward with the velocity
 *
 *   v' = Rot(2 pi psi / 5) v,   psi uniform in 0..4,   Rot(a) (x, y) = (x cos a - y sin a, x sin a + y cos a)
 *
 * which it keeps but for exact reflection at the walls. With `turn: absolute` psi names the direction itself,
 *
 *   v' = r (cos 2 pi psi / 5, sin 2 pi psi / 5),
 *
 * so that the target frames alone tell it; a clip that goes straight on has the psi nearest to its direction.
 *
 * The speed r = |v| is uniform in [speed_min, speed_max], the angle of v uniform, and p_e uniform in [m r, L - m r]^2,
 * L = size - D, m = max(2, e): no wall is hit before frame e + 3, whatever psi. The input frames say nothing about psi;
 * from r = 1 / (sqrt(2) sin 18 deg) = 2.29 px/frame up, the rounded places in frames e - 2, e and e + 2 always tell a
 * relative psi. */
#include <inttypes.h>
#include <math.h>
#include <string.h>

#include "datasets/moving_mnist/world.h"
#include "vj/elementary.h"

enum { RELATIVE, ABSOLUTE }; /* `turn` */
enum { WAYS = 5, FREE_FRAMES = 2 /* after the last input frame in which no wall is hit */ };
static const double full_turn = 6.283185307179586;

/* The labels in their order. */
enum { PSI, SWITCHED, SPEED, POSITION, INPUT_POSITION, VELOCITY, ANGLE, BOUNCE, WALLS, DIGIT_INDEX, DIGIT, LABELS };

typedef struct stochastic_config {
  vj_world_config world; /* first */
  int turn;
  double speed_min, speed_max, switch_probability;
} stochastic_config;

static const vj_param params[] = {
    VJ_WORLD_CANVAS_PARAMS,
    VJ_CHOICE(stochastic_config, turn, "relative|absolute", "relative",
              "psi turns the velocity by psi fifths of a full turn, or names the new direction itself"),
    VJ_REAL(stochastic_config, speed_min, "2.5", 0.1, 256, "px/frame",
            "least speed; below 2.29 rounding to pixels may hide which way was taken"),
    VJ_REAL(stochastic_config, speed_max, "4.0", 0.1, 256, "px/frame",
            "largest speed; less than (size - digit_size) / (2 max(2, input_frames - 1))"),
    VJ_REAL(stochastic_config, switch_probability, "1", 0, 1, "",
            "share of clips that take any of the five ways; the others go straight on: 0 is deterministic"),
    VJ_WORLD_SPLIT_PARAMS,
    VJ_WORLD_BACKGROUND_PARAMS,
};

typedef struct stochastic {
  vj_world world; /* first */
  stochastic_config config;
  int64_t margin; /* frames of free way around the place at the last input frame: m above */
} stochastic;

/* --- opening ------------------------------------------------------------------------------------------------- */

static int64_t free_frames(const vj_clip_request *request) {
  const int64_t before = request->input_frames - 1;
  return before > FREE_FRAMES ? before : FREE_FRAMES;
}

static vj_status check_speeds(const stochastic_config *c, int64_t margin) {
  const double limit = (double)(c->world.size - c->world.digit_size) / (double)(2 * margin);
  if (c->speed_min > c->speed_max)
    return vj_fail(VJ_CONFIG, "data.speed_min: expected at most speed_max = %g, got %g", c->speed_max, c->speed_min);
  if (c->speed_max >= limit)
    return vj_fail(VJ_CONFIG,
                   "data.speed_max: expected less than (size - digit_size) / %" PRId64 " = (%" PRId64 " - %" PRId64
                   ") / %" PRId64 " = %g, got %g: a digit needs %" PRId64
                   " frames of free way around its place at the last input frame",
                   2 * margin, c->world.size, c->world.digit_size, 2 * margin, limit, c->speed_max, margin);
  return VJ_OK;
}

/* In the order of the enumeration above. */
static void list_labels(vj_world *w) {
  const int64_t input = w->request.input_frames, target = w->request.target_frames;
  const vj_label labels[LABELS] = {
      [PSI] = {"psi", VJ_LABEL_CLASS, 1, WAYS, "", "which way: the velocity turns by, or to, psi fifths of a full turn",
               false, 0, NULL},
      [SWITCHED] = {"switched", VJ_LABEL_CLASS, 1, 2, "",
                    "1 where the way was drawn among the five, 0 where the clip goes straight on by decree", false, 0,
                    NULL},
      [SPEED] = {"speed", VJ_LABEL_REAL, 1, 0, "px/frame", "length of the velocity, in every frame", false, 0, NULL},
      [POSITION] = {"position", VJ_LABEL_REAL, target * 2, 0, "px",
                    "of the digit's upper left corner before rounding: target frames x (x, y)", false, target, NULL},
      [INPUT_POSITION] = {"input_position", VJ_LABEL_REAL, input * 2, 0, "px", "the same: input frames x (x, y)", false,
                          0, NULL},
      [VELOCITY] = {"velocity", VJ_LABEL_REAL, 2, 0, "px/frame", "during the input frames: (x, y)", false, 0, NULL},
      [ANGLE] = {"angle", VJ_LABEL_REAL, 1, 0, "rad",
                 "of that velocity, from x (to the right) towards y (downwards): 0 to 2 pi", false, 0, NULL},
      [BOUNCE] = {"bounce", VJ_LABEL_FLAGS, target, 0, "",
                  "1 where a wall was hit since the frame before: target frames", false, target, NULL},
      [WALLS] = {"walls", VJ_LABEL_FLAGS, VJ_WALLS, 0, "",
                 "1 for each wall that the digit hits in the target frames: left, right, top, bottom", false, 0, NULL},
      [DIGIT_INDEX] = {"digit_index", VJ_LABEL_REAL, 1, 0, "",
                       "number of the digit's image in its file, or among the built-in ones of its split", false, 0,
                       NULL},
      [DIGIT] = {"digit", VJ_LABEL_CLASS, 1, VJ_DIGIT_CLASSES, "", "what the digit is", false, 0, NULL},
  };
  memcpy(w->labels, labels, sizeof labels);
  w->label_count = LABELS;
}

static vj_status stochastic_open(const void *config, const vj_clip_request *request, void **dataset) {
  const stochastic_config *const c = config;
  *dataset = NULL;
  VJ_TRY(vj_world_check(&c->world));
  VJ_TRY(check_speeds(c, free_frames(request)));
  VJ_TRY(vj_world_open("stochastic_moving_mnist", sizeof(stochastic), &c->world, request, dataset));
  stochastic *const d = *dataset;
  d->config = *c;
  d->margin = free_frames(request);
  list_labels(&d->world);
  return VJ_OK;
}

/* --- making a clip ------------------------------------------------------------------------------------------- */

typedef struct path {
  vj_mover mover; /* with the velocity before the switch */
  double speed, angle;
  double last_input[2]; /* place at the last input frame */
  int64_t psi;
  bool switched;
} path;

/* Everything is drawn for every clip and the coin comes last, so that a clip of the same number has the same digit,
 * start and direction whatever the probability. */
static void draw_path(const stochastic *d, vj_split split, int64_t number, path *p) {
  const stochastic_config *c = &d->config;
  vj_rng rng = vj_rng_stream(d->world.request.seed, VJ_RNG_DATA, (uint32_t)split, (uint64_t)number);
  vj_mover_pick(&p->mover, &d->world, split, &rng);
  p->speed = c->speed_min + (c->speed_max - c->speed_min) * vj_rng_uniform(&rng);
  p->angle = full_turn * vj_rng_uniform(&rng);
  p->mover.velocity[0] = p->speed * vj_math_cos(p->angle);
  p->mover.velocity[1] = p->speed * vj_math_sin(p->angle);
  const double margin = (double)d->margin * p->speed;
  for (int axis = 0; axis < 2; axis++)
    p->last_input[axis] = margin + (d->world.range - 2.0 * margin) * vj_rng_uniform(&rng);
  const int64_t drawn = vj_rng_integer(&rng, 0, WAYS - 1);
  p->switched = vj_rng_uniform(&rng) < c->switch_probability;
  const int64_t straight = c->turn == ABSOLUTE ? lround(p->angle / full_turn * WAYS) % WAYS : 0;
  p->psi = p->switched ? drawn : straight;
}

/* By psi fifths of a full turn, or to that direction. */
static void turn(const stochastic *d, path *p) {
  const double way = full_turn * (double)p->psi / WAYS;
  const double angle = d->config.turn == ABSOLUTE ? way : p->angle + way;
  if (d->config.turn == ABSOLUTE && !p->switched) return;
  p->mover.velocity[0] = p->speed * vj_math_cos(angle);
  p->mover.velocity[1] = p->speed * vj_math_sin(angle);
}

/* Moves the digit from frame t - 1 to frame t, or puts it where it begins. */
static void advance(const vj_world *world, void *motion, int64_t t) {
  path *const p = motion;
  const int64_t last_input = world->request.input_frames - 1;
  vj_mover *const m = &p->mover;
  if (t > last_input) {
    if (t == last_input + 1) turn((const stochastic *)world, p);
    vj_mover_step(m, world->range);
    return;
  }
  for (int axis = 0; axis < 2; axis++)
    m->position[axis] = p->last_input[axis] - (double)(last_input - t) * m->velocity[axis];
}

/* Those that are known before the first frame; `start` says where each label stands. */
static void fill_labels(const stochastic *d, vj_split split, const path *p, float *const start[LABELS]) {
  const vj_digit_set *set = &d->world.digits.split[split];
  start[PSI][0] = (float)p->psi;
  start[SWITCHED][0] = p->switched ? 1.0f : 0.0f;
  start[SPEED][0] = (float)p->speed;
  for (int axis = 0; axis < 2; axis++) start[VELOCITY][axis] = (float)p->mover.velocity[axis];
  start[ANGLE][0] = (float)p->angle;
  start[DIGIT_INDEX][0] = (float)(set->first + p->mover.image);
  start[DIGIT][0] = (float)set->labels[p->mover.image];
}

static vj_status stochastic_sample(const void *dataset, vj_split split, int64_t number, float *frames, float *labels) {
  const stochastic *const d = dataset;
  float *start[VJ_WORLD_LABELS];
  path p;
  draw_path(d, split, number, &p);
  vj_world_place_labels(&d->world, labels, start);
  fill_labels(d, split, &p, start);
  const vj_world_clip clip = {.split = split,
                              .number = number,
                              .digits = 1,
                              .movers = &p.mover,
                              .advance = advance,
                              .motion = &p,
                              .input_position = start[INPUT_POSITION],
                              .position = start[POSITION],
                              .bounce = start[BOUNCE],
                              .walls = start[WALLS]};
  return vj_world_film(&d->world, &clip, frames);
}

const vj_component vj_dataset_stochastic_moving_mnist = {
    .abi = VJ_ABI,
    .kind = VJ_DATASET,
    .name = "stochastic_moving_mnist",
    .summary = "a digit that turns by one of five angles where the target begins, and bounces off the walls",
    .source = "after arXiv 2412.10925, stochastic MovingMNIST: five ways; when and how the digit turns is our choice",
    .params = params,
    .param_count = VJ_COUNT(params),
    .config_bytes = sizeof(stochastic_config),
    .as.dataset = {.open = stochastic_open,
                   .info = vj_world_info,
                   .sample = stochastic_sample,
                   .close = vj_world_close},
};
