/* The world of a CATER stand-in: solids that slide, are picked and placed, rotate and contain each other, by the rules
 * of CATER's generator (Girdhar and Ramanan 2020). About every 30 frames each object, or two of them, acts for 20 to 30
 * frames: it moves to a free place, turns by 90 degrees, or, a cone, comes over something smaller, which then slides
 * with it until the cone is picked off. Arithmetic as in clevrer_world.h: the same bits on every machine. */
#ifndef VJ_DATASETS_STANDINS_CATER_WORLD_H
#define VJ_DATASETS_STANDINS_CATER_WORLD_H

#include <stdbool.h>
#include <stdint.h>

#include "datasets/cater/labels.h"
#include "vj/rng.h"
#include "vj/status.h"

enum { VJ_CAST = 10, VJ_CATER_LONGEST = 30 };

typedef struct vj_actor {
  vj_cater_shape shape;
  int size;         /* small, medium, large */
  double sized;     /* u; half the height of all shapes */
  int material;     /* metal, rubber */
  int colour;       /* an index of vj_standin_colours; -1: gold */
  double turn;      /* degrees about z */
  int64_t instance; /* the how-manieth of its shape */
} vj_actor;

typedef struct vj_actor_state {
  double position[3], tilt; /* tilt: degrees about its own y axis */
} vj_actor_state;

typedef struct vj_cast_movement {
  int actor, other; /* other: what is contained, or -1 */
  vj_cater_action action;
  int64_t start, end;
} vj_cast_movement;

typedef struct vj_cast {
  int64_t frames;
  int count;
  vj_actor actors[VJ_CAST];
  vj_actor_state *states; /* [count, frames] */
  int64_t movement_count, movement_room;
  vj_cast_movement *movements; /* those of one actor in the order of time */
} vj_cast;

/* `movers`: objects that move in a segment, at most. Release it also after a failure. */
VJ_MUST_USE vj_status vj_cast_make(vj_rng *rng, int64_t frames, int64_t movers, vj_cast *cast);
void vj_cast_release(vj_cast *cast);

#endif
