/* The world of a CLEVRER stand-in: discs of equal mass and radius that slide on a plane with friction, and collide
 * elastically and without friction between them. Some rest in view, others come in from outside, from different sides
 * and at different times.
 *
 * All arithmetic is IEEE's without fused operations or functions of a library beyond the square root, so a seed gives
 * the same bits on every machine. Units: lengths u, u/s, rad, rad/s. */
#ifndef VJ_DATASETS_STANDINS_CLEVRER_WORLD_H
#define VJ_DATASETS_STANDINS_CLEVRER_WORLD_H

#include <stdbool.h>
#include <stdint.h>

#include "vj/rng.h"
#include "vj/status.h"

enum { VJ_WORLD_OBJECTS = 6, VJ_WORLD_COLLISIONS = 64 };
/* Frames a second; the radius of a disc in u; the deceleration by friction in u/s^2. */
#define VJ_WORLD_RATE 25
#define VJ_WORLD_RADIUS 0.4
#define VJ_WORLD_FRICTION 0.45

typedef struct vj_world_object {
  int shape, material, colour; /* cube, sphere, cylinder; metal, rubber; an index of vj_standin_colours */
} vj_world_object;

typedef struct vj_world_state {
  double position[2], velocity[2], turn, spin;
} vj_world_state;

typedef struct vj_world_collision {
  int one, other;
  int64_t frame; /* the first frame not before it */
  double position[2];
} vj_world_collision;

typedef struct vj_world {
  int64_t frames;
  int count;
  vj_world_object objects[VJ_WORLD_OBJECTS];
  vj_world_state *states; /* [frames, count] */
  int collision_count;
  vj_world_collision collisions[VJ_WORLD_COLLISIONS];
} vj_world;

/* Free `states` with free(). */
VJ_MUST_USE vj_status vj_world_make(vj_rng *rng, int64_t frames, vj_world *world);

#endif
