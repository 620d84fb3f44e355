#include "datasets/standins/cater_world.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "vj/memory.h"

enum { SHORTEST = 20, LONGEST = VJ_CATER_LONGEST, DELAY = 10, TRIALS = 100 };
static const double lift = 2, reach = 3, gap = 0.25, margin = 0.4;

/* What moves together: the outermost first, then what it contains. */
typedef struct nest {
  int count, actors[VJ_CAST];
} nest;

typedef struct stage {
  vj_rng *rng;
  vj_cast *cast;
  int64_t last; /* frame */
  int count;
  nest nests[VJ_CAST];
  vj_actor_state *trial; /* [VJ_CAST, LONGEST + 1]: the states of a nest's actors from the start of a movement */
} stage;

static double between(vj_rng *rng, double low, double high) { return low + (high - low) * vj_rng_uniform(rng); }

static vj_actor_state *state_of(const vj_cast *c, int actor, int64_t frame) {
  return &c->states[actor * c->frames + frame];
}

/* --- the cast ---------------------------------------------------------------------------------------------------- */

static void pick_actor(vj_rng *rng, int i, vj_actor *a) {
  static const double sizes[3] = {0.25, 0.5, 0.75};
  *a = (vj_actor){0};
  a->shape = (vj_cater_shape)vj_rng_integer(rng, 0, 3);
  a->size = (int)vj_rng_integer(rng, 0, 2);
  a->material = (int)vj_rng_integer(rng, 0, 1);
  a->colour = (int)vj_rng_integer(rng, 0, 7);
  a->turn = between(rng, 0, 360);
  /* The first is the snitch, then come a medium and a large cone. */
  if (i == 0) a->shape = VJ_CATER_SPL, a->size = 0, a->material = 0, a->colour = -1;
  if (i == 1 || i == 2) a->shape = VJ_CATER_CONE, a->size = i;
  a->sized = i == 0 ? 0.3 : sizes[a->size];
  if (a->shape == VJ_CATER_CUBE) a->sized *= 0.70710678118654752;
}

static bool is_too_near(const double a[3], double a_size, const double b[3], double b_size) {
  const double x = a[0] - b[0], y = a[1] - b[1], z = a[2] - b[2];
  return sqrt(x * x + y * y + z * z) - a_size - b_size < gap;
}

/* Neither near another, nor right behind or beside it as the camera sees it. */
static bool is_clear(const vj_cast *c, int i) {
  static const double right[2] = {0.6556, 0.7551};
  const double *p = state_of(c, i, 0)->position;
  for (int j = 0; j < i; j++) {
    const double *q = state_of(c, j, 0)->position, x = p[0] - q[0], y = p[1] - q[1];
    const double across = x * right[0] + y * right[1], along = -x * right[1] + y * right[0];
    if (sqrt(x * x + y * y) - c->actors[i].sized - c->actors[j].sized < gap) return false;
    if (fabs(across) < margin || fabs(along) < margin) return false;
  }
  return true;
}

static bool place_actor(vj_rng *rng, vj_cast *c, int i) {
  vj_actor_state *s = state_of(c, i, 0);
  for (int tries = 0; tries < 50; tries++) {
    s->position[0] = between(rng, -reach, reach);
    s->position[1] = between(rng, -reach, reach);
    s->position[2] = c->actors[i].sized;
    if (is_clear(c, i)) return true;
  }
  return false;
}

static void choose_cast(vj_rng *rng, vj_cast *c) {
  int placed = 0;
  while (placed < c->count) {
    pick_actor(rng, placed, &c->actors[placed]);
    placed = place_actor(rng, c, placed) ? placed + 1 : 0; /* if there is no room, all over again */
  }
  for (int i = 0; i < c->count; i++) {
    for (int j = 0; j < i; j++) c->actors[i].instance += c->actors[j].shape == c->actors[i].shape;
    for (int64_t t = 1; t < c->frames; t++) *state_of(c, i, t) = *state_of(c, i, 0);
  }
}

/* --- movements --------------------------------------------------------------------------------------------------- */

/* From `from` to `to`, both included, on a straight line. */
static void glide(vj_actor_state *path, int64_t first, int64_t last, const double from[3], const double to[3]) {
  for (int64_t t = first; t <= last; t++) {
    const double part = last > first ? (double)(t - first) / (double)(last - first) : 1;
    for (int i = 0; i < 3; i++) path[t].position[i] = from[i] + (to[i] - from[i]) * part;
  }
}

/* Up, over, and down again, a fifth, three fifths and a fifth of the time. */
static void carry(vj_actor_state *path, int64_t frames, const double from[3], const double to[2]) {
  const int64_t up = frames / 5, over = 4 * frames / 5;
  const double above[3] = {from[0], from[1], from[2] + lift}, there[3] = {to[0], to[1], from[2] + lift};
  const double down[3] = {to[0], to[1], from[2]};
  glide(path, 0, up, from, above);
  glide(path, up + 1, over, above, there);
  glide(path, over + 1, frames - 1, there, down);
}

static void act(vj_cater_action action, const vj_actor_state *from, int64_t frames, const double to[2],
                vj_actor_state *path) {
  const double there[3] = {to[0], to[1], from->position[2]};
  for (int64_t t = 0; t < frames; t++) path[t] = *from;
  if (action == VJ_CATER_SLIDE) glide(path, 0, frames - 1, from->position, there);
  if (action == VJ_CATER_PICK_PLACE || action == VJ_CATER_CONTAIN) carry(path, frames, from->position, to);
  if (action != VJ_CATER_ROTATE) return;
  for (int64_t t = 0; t < frames; t++) path[t].tilt = from->tilt + 90 * (double)t / (double)(frames - 1);
}

static void record(stage *s, int actor, vj_cater_action action, int other, int64_t start, int64_t end) {
  vj_cast *c = s->cast;
  const int64_t frames = end - start + 1;
  const vj_actor_state *path = s->trial + actor * (LONGEST + 1);
  for (int64_t t = start; t < c->frames; t++) *state_of(c, actor, t) = path[t <= end ? t - start : frames - 1];
  if (c->movement_count < c->movement_room)
    c->movements[c->movement_count++] = (vj_cast_movement){actor, other, action, start, end};
}

/* Does the actor, on its way and for ever after, keep away from all that is in other nests? */
static bool is_free_way(const stage *s, int own, int actor, int64_t start, int64_t end) {
  const vj_cast *c = s->cast;
  const vj_actor_state *path = s->trial + actor * (LONGEST + 1);
  for (int n = 0; n < s->count; n++) {
    for (int k = 0; k < s->nests[n].count && n != own; k++) {
      const int other = s->nests[n].actors[k];
      for (int64_t t = start; t < c->frames; t++)
        if (is_too_near(path[(t <= end ? t : end) - start].position, c->actors[actor].sized,
                        state_of(c, other, t)->position, c->actors[other].sized))
          return false;
    }
  }
  return true;
}

/* What the outermost does, and what those do that it contains. */
typedef struct choice {
  vj_cater_action outer, inner;
} choice;

static choice choose_action(const stage *s, const nest *n) {
  if (n->count > 1) {
    static const choice nested[2] = {{VJ_CATER_SLIDE, VJ_CATER_SLIDE}, {VJ_CATER_PICK_PLACE, VJ_CATER_NO_OP}};
    return nested[vj_rng_integer(s->rng, 0, 1)];
  }
  const vj_cater_shape shape = s->cast->actors[n->actors[0]].shape;
  const bool rolls = shape == VJ_CATER_CONE || shape == VJ_CATER_SPHERE;
  const vj_cater_action action =
      (vj_cater_action)vj_rng_integer(s->rng, VJ_CATER_SLIDE, rolls ? VJ_CATER_PICK_PLACE : VJ_CATER_ROTATE);
  return (choice){action, action};
}

static void rehearse(stage *s, const nest *n, choice chosen, int64_t start, int64_t end) {
  const double to[2] = {between(s->rng, -reach, reach), between(s->rng, -reach, reach)};
  for (int k = 0; k < n->count; k++) {
    const int actor = n->actors[k];
    act(k == 0 ? chosen.outer : chosen.inner, state_of(s->cast, actor, start), end - start + 1, to,
        s->trial + actor * (LONGEST + 1));
  }
}

static bool works(const stage *s, int own, choice chosen, int64_t start, int64_t end) {
  const nest *n = &s->nests[own];
  const vj_actor *actors = s->cast->actors;
  for (int k = 0; k < n->count; k++)
    if (!is_free_way(s, own, n->actors[k], start, end)) return false;
  if (n->count == 1 || chosen.inner == VJ_CATER_SLIDE) return true;
  const int outer = n->actors[0], inner = n->actors[1];
  return !is_too_near(s->trial[outer * (LONGEST + 1) + end - start].position, actors[outer].sized,
                      state_of(s->cast, inner, end)->position, actors[inner].sized);
}

/* One nest moves, or, where nothing works, does not; tells whether it came apart. */
static bool move(stage *s, int own, int64_t start, int64_t end) {
  const nest *n = &s->nests[own];
  choice chosen = {VJ_CATER_NO_OP, VJ_CATER_NO_OP};
  bool found = false;
  for (int tries = 0; tries < TRIALS && !found; tries++) {
    chosen = choose_action(s, n);
    rehearse(s, n, chosen, start, end);
    found = works(s, own, chosen, start, end);
  }
  if (!found) {
    chosen = (choice){VJ_CATER_NO_OP, VJ_CATER_NO_OP};
    rehearse(s, n, chosen, start, end);
  }
  for (int k = 0; k < n->count; k++) record(s, n->actors[k], k == 0 ? chosen.outer : chosen.inner, -1, start, end);
  return n->count > 1 && chosen.inner == VJ_CATER_NO_OP && found;
}

static int64_t time_movement(stage *s, int64_t from, int64_t *start) {
  const int64_t frames = vj_rng_integer(s->rng, SHORTEST, LONGEST);
  *start = from + vj_rng_integer(s->rng, 0, DELAY);
  return *start + frames < s->last ? *start + frames : s->last;
}

static void part(stage *s, int own) {
  nest *n = &s->nests[own], *inner = &s->nests[s->count++];
  inner->count = n->count - 1;
  memcpy(inner->actors, n->actors + 1, (size_t)inner->count * sizeof *inner->actors);
  n->count = 1;
}

/* Nests move one after the other, in any order, at most `movers`, and not `except`; -> the last frame of a movement. */
static int64_t move_each(stage *s, int64_t from, int64_t movers, int except) {
  int64_t order[VJ_CAST], latest = from - 1;
  bool comes_apart[VJ_CAST] = {false};
  const int count = s->count;
  vj_rng_permutation(s->rng, count, order);
  for (int i = 0; i < count && movers > 0; i++) {
    int64_t start;
    if (order[i] == except) continue;
    movers--;
    const int64_t end = time_movement(s, from, &start);
    if (end <= start) return s->last;
    comes_apart[order[i]] = move(s, (int)order[i], start, end);
    if (end > latest) latest = end;
  }
  for (int n = 0; n < count; n++)
    if (comes_apart[n]) part(s, n);
  return latest;
}

/* Can nest `one`, a single cone, come over nest `other`? */
static bool can_contain(const stage *s, int one, int other, int64_t end) {
  const vj_cast *c = s->cast;
  const int outer = s->nests[one].actors[0], inner = s->nests[other].actors[0];
  const vj_actor *a = &c->actors[outer], *b = &c->actors[inner];
  const bool fits = b->shape == VJ_CATER_CONE || b->shape == VJ_CATER_SPHERE || b->shape == VJ_CATER_SPL;
  if (s->nests[one].count != 1 || a->shape != VJ_CATER_CONE || !fits || !(a->sized > b->sized)) return false;
  const double *there = state_of(c, inner, end)->position, at[3] = {there[0], there[1], a->sized};
  for (int n = 0; n < s->count; n++) {
    const int third = s->nests[n].actors[0];
    if (n == one || n == other) continue;
    if (is_too_near(at, a->sized, state_of(c, third, end)->position, c->actors[third].sized)) return false;
  }
  return true;
}

static void contain(stage *s, int one, int other, int64_t start, int64_t end) {
  nest *outer = &s->nests[one];
  const nest *inner = &s->nests[other];
  const int actor = outer->actors[0];
  const vj_actor_state *from = state_of(s->cast, actor, start);
  act(VJ_CATER_CONTAIN, from, end - start + 1, state_of(s->cast, inner->actors[0], start)->position,
      s->trial + actor * (LONGEST + 1));
  record(s, actor, VJ_CATER_CONTAIN, inner->actors[0], start, end);
  memcpy(outer->actors + 1, inner->actors, (size_t)inner->count * sizeof *inner->actors);
  outer->count += inner->count;
}

/* Removes a nest; -> where `kept` is then. */
static int drop_nest(stage *s, int gone, int kept) {
  memmove(s->nests + gone, s->nests + gone + 1, (size_t)(s->count - gone - 1) * sizeof *s->nests);
  s->count--;
  return kept > gone ? kept - 1 : kept;
}

static int64_t contain_and_move(stage *s, int64_t from, int64_t movers) {
  for (int tries = 0; tries < TRIALS && s->count > 1; tries++) {
    const int one = (int)vj_rng_integer(s->rng, 0, s->count - 1);
    int other = (int)vj_rng_integer(s->rng, 0, s->count - 2);
    other += other >= one;
    int64_t start;
    const int64_t end = time_movement(s, from, &start);
    if (end <= start || !can_contain(s, one, other, end)) continue;
    contain(s, one, other, start, end);
    const int64_t latest = move_each(s, from, movers - 1, drop_nest(s, other, one));
    return latest > end ? latest : end;
  }
  return from - 1;
}

void vj_cast_release(vj_cast *cast) {
  free(cast->movements);
  free(cast->states);
  cast->movements = NULL;
  cast->states = NULL;
}

vj_status vj_cast_make(vj_rng *rng, int64_t frames, int64_t movers, vj_cast *c) {
  stage s = {.rng = rng, .cast = c, .last = frames - 1};
  *c = (vj_cast){.frames = frames, .count = (int)vj_rng_integer(rng, 5, VJ_CAST)};
  c->movement_room = c->count * (frames / SHORTEST + 2);
  VJ_TRY(vj_allocate((size_t)(c->count * frames), sizeof *c->states, "a cast's states", &c->states));
  VJ_TRY(vj_allocate((size_t)c->movement_room, sizeof *c->movements, "movements", &c->movements));
  VJ_TRY(vj_allocate((size_t)VJ_CAST * (LONGEST + 1), sizeof *s.trial, "a rehearsal", &s.trial));
  choose_cast(rng, c);
  s.count = c->count;
  for (int i = 0; i < c->count; i++) s.nests[i] = (nest){.count = 1, .actors = {i}};
  for (int64_t now = 0; now <= s.last - LONGEST;) {
    const bool contains = vj_rng_integer(rng, 0, 1) == 0;
    now = 1 + (contains ? contain_and_move(&s, now, movers) : move_each(&s, now, movers, -1));
  }
  free(s.trial);
  return VJ_OK;
}
