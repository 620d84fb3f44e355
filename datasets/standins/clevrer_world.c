#include "datasets/standins/clevrer_world.h"

#include <math.h>
#include <string.h>

#include "vj/memory.h"

enum { SLOTS = 48, COLOURS = 8, PARTS = 64 /* steps a frame */ };

static const double spin_friction = 0.4; /* rad/s^2 */
static const double outside = 6.0;       /* u from the middle, where objects come from */

typedef struct mover {
  vj_world_state now;
  double start[2]; /* u/s, the velocity at launch */
  int64_t launch;  /* frame; -1: it rests until it is hit */
  bool is_launched;
} mover;

static double between(vj_rng *rng, double low, double high) { return low + (high - low) * vj_rng_uniform(rng); }

/* Uniform in a disc of radius 1, never in its middle. */
static void pick_in_disc(vj_rng *rng, double p[2]) {
  double square;
  do {
    for (int i = 0; i < 2; i++) p[i] = between(rng, -1, 1);
    square = p[0] * p[0] + p[1] * p[1];
  } while (square > 1 || square < 1e-4);
}

/* No two are identical: each takes another of the 48 kinds. */
static void pick_kinds(vj_rng *rng, vj_world *w) {
  bool taken[SLOTS] = {false};
  for (int i = 0; i < w->count; i++) {
    int64_t slot;
    do slot = vj_rng_integer(rng, 0, SLOTS - 1);
    while (taken[slot]);
    taken[slot] = true;
    w->objects[i] = (vj_world_object){
        .shape = (int)(slot / (2 * COLOURS)), .material = (int)(slot / COLOURS % 2), .colour = (int)(slot % COLOURS)};
  }
}

static double distance(const double a[2], const double b[2]) {
  const double x = a[0] - b[0], y = a[1] - b[1];
  return sqrt(x * x + y * y);
}

static void pick_resting(vj_rng *rng, const mover *others, int count, mover *m) {
  bool fits = false;
  m->launch = -1;
  while (!fits) {
    pick_in_disc(rng, m->now.position);
    for (int i = 0; i < 2; i++) m->now.position[i] *= 2.2;
    fits = true;
    for (int i = 0; i < count; i++)
      fits = fits && distance(m->now.position, others[i].now.position) > 2 * VJ_WORLD_RADIUS + 0.25;
  }
}

/* From the sides and the front; from behind it would long be seen. Aimed at one that rests, or at the middle. */
static void pick_entering(vj_rng *rng, const mover *others, int resting, int count, mover *m) {
  bool fits = false;
  while (!fits) {
    double side[2];
    pick_in_disc(rng, side);
    const double length = sqrt(side[0] * side[0] + side[1] * side[1]);
    for (int i = 0; i < 2; i++) m->now.position[i] = outside * side[i] / length;
    fits = m->now.position[0] * -0.755 + m->now.position[1] * 0.655 < 0.25 * outside;
    for (int i = 0; i < count; i++)
      fits = fits && distance(m->now.position, others[i].now.position) > 2 * VJ_WORLD_RADIUS + 0.25;
  }
  double aim[2];
  pick_in_disc(rng, aim);
  const int64_t victim = vj_rng_integer(rng, 0, resting);
  const double spread = victim < resting ? 0.6 : 1.2, speed = between(rng, 2.4, 3.8);
  for (int i = 0; i < 2; i++) aim[i] = aim[i] * spread + (victim < resting ? others[victim].now.position[i] : 0);
  const double far = distance(aim, m->now.position);
  for (int i = 0; i < 2; i++) m->start[i] = speed * (aim[i] - m->now.position[i]) / far;
  m->now.spin = 0;
}

static void begin(vj_rng *rng, vj_world *w, mover *movers) {
  const int resting = (int)vj_rng_integer(rng, 1, 3), entering = (int)vj_rng_integer(rng, 2, 3);
  w->count = resting + entering;
  pick_kinds(rng, w);
  for (int i = 0; i < w->count; i++) {
    movers[i] = (mover){0};
    movers[i].now.turn = between(rng, 0, 6.2831853);
    if (i < resting) {
      pick_resting(rng, movers, i, &movers[i]);
      continue;
    }
    pick_entering(rng, movers, resting, i, &movers[i]);
    movers[i].launch = (i - resting) * 16 + vj_rng_integer(rng, 0, 12);
  }
}

static void slide(mover *m, double step) {
  vj_world_state *s = &m->now;
  const double speed = sqrt(s->velocity[0] * s->velocity[0] + s->velocity[1] * s->velocity[1]);
  if (speed > 0) {
    /* Friction ends within the step where the speed is less than it takes. */
    const double time = speed < VJ_WORLD_FRICTION * step ? speed / VJ_WORLD_FRICTION : step;
    const double left = speed - VJ_WORLD_FRICTION * time, mean = 0.5 * (speed + left);
    for (int i = 0; i < 2; i++) {
      const double direction = s->velocity[i] / speed;
      s->position[i] += direction * mean * time;
      s->velocity[i] = time < step ? 0 : direction * left;
    }
  }
  s->turn += s->spin * step;
  const double lost = spin_friction * step;
  s->spin = s->spin > lost ? s->spin - lost : s->spin < -lost ? s->spin + lost : 0;
}

/* Equal masses exchange the components of their velocities along the line between them. */
static void collide(vj_world *w, mover *movers, int one, int other, int64_t frame) {
  vj_world_state *a = &movers[one].now, *b = &movers[other].now;
  const double apart = distance(a->position, b->position);
  if (apart >= 2 * VJ_WORLD_RADIUS) return;
  const double normal[2] = {(b->position[0] - a->position[0]) / apart, (b->position[1] - a->position[1]) / apart};
  const double closing = (a->velocity[0] - b->velocity[0]) * normal[0] + (a->velocity[1] - b->velocity[1]) * normal[1];
  if (closing <= 0) return;
  for (int i = 0; i < 2; i++) {
    a->velocity[i] -= closing * normal[i];
    b->velocity[i] += closing * normal[i];
  }
  if (w->collision_count == VJ_WORLD_COLLISIONS) return;
  w->collisions[w->collision_count++] = (vj_world_collision){
      .one = one,
      .other = other,
      .frame = frame,
      .position = {0.5 * (a->position[0] + b->position[0]), 0.5 * (a->position[1] + b->position[1])}};
}

static void launch(vj_rng *rng, mover *m, int64_t frame) {
  if (m->is_launched || m->launch != frame) return;
  m->is_launched = true;
  m->now.spin = between(rng, -2.5, 2.5);
  memcpy(m->now.velocity, m->start, sizeof m->now.velocity);
}

vj_status vj_world_make(vj_rng *rng, int64_t frames, vj_world *w) {
  mover movers[VJ_WORLD_OBJECTS];
  *w = (vj_world){.frames = frames};
  begin(rng, w, movers);
  VJ_TRY(vj_allocate((size_t)(frames * w->count), sizeof *w->states, "a world's states", &w->states));
  for (int64_t t = 0; t < frames; t++) {
    for (int i = 0; i < w->count; i++) {
      launch(rng, &movers[i], t);
      w->states[t * w->count + i] = movers[i].now;
    }
    for (int part = 0; part < PARTS; part++) {
      for (int i = 0; i < w->count; i++) slide(&movers[i], 1.0 / (VJ_WORLD_RATE * PARTS));
      for (int i = 0; i < w->count; i++)
        for (int j = i + 1; j < w->count; j++) collide(w, movers, i, j, t + 1);
    }
  }
  /* What happens on the way to a frame that is not there is not told. */
  while (w->collision_count > 0 && w->collisions[w->collision_count - 1].frame >= frames) w->collision_count--;
  return VJ_OK;
}
