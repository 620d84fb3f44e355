/* Rays that meet solids of unit size, in the solid's own coordinates. */
#ifndef VJ_DATASETS_STANDINS_SOLID_H
#define VJ_DATASETS_STANDINS_SOLID_H

#include "datasets/standins/render.h"

/* The radius of a sphere about the centre that holds the solid. */
float vj_solid_bound(vj_solid_shape shape);
/* The first t > 0 at which origin + t direction enters the solid, with the outward normal there and the `mark`, what
 * its colour is multiplied by; false where the ray misses it. */
bool vj_solid_meet(vj_solid_shape shape, const float origin[3], const float direction[3], float *t, float normal[3],
                   float *mark);

#endif
