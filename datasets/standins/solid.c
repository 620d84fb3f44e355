#include "datasets/standins/solid.h"

#include <math.h>

static const float cone_slope = 0.6F; /* radius 1.2 at the base, 2 below the tip */

float vj_solid_bound(vj_solid_shape shape) {
  static const float bounds[VJ_SOLID_SHAPES] = {1.733F, 1, 1.415F, 1.563F, 1};
  return bounds[shape];
}

static float dot(const float a[3], const float b[3]) { return a[0] * b[0] + a[1] * b[1] + a[2] * b[2]; }

static bool meet_sphere(const float o[3], const float d[3], float *t, float normal[3]) {
  const float a = dot(d, d), b = dot(o, d), c = dot(o, o) - 1, root = b * b - a * c;
  if (root < 0) return false;
  *t = (-b - sqrtf(root)) / a;
  for (int i = 0; i < 3; i++) normal[i] = o[i] + *t * d[i];
  return *t > 0;
}

static bool meet_cube(const float o[3], const float d[3], float *t, float normal[3]) {
  float enter = -INFINITY, leave = INFINITY;
  int axis = 0;
  for (int i = 0; i < 3; i++) {
    const float inverse = 1 / d[i], one = (-1 - o[i]) * inverse, other = (1 - o[i]) * inverse;
    const float near = fminf(one, other), far = fmaxf(one, other);
    if (near > enter) enter = near, axis = i;
    leave = fminf(leave, far);
  }
  if (!(enter <= leave) || enter <= 0) return false;
  *t = enter;
  normal[0] = normal[1] = normal[2] = 0;
  normal[axis] = d[axis] > 0 ? -1 : 1;
  return true;
}

/* A disc of radius r at height z; taken only if it is nearer than *t. */
static bool meet_disc(const float o[3], const float d[3], float z, float r, float *t, float normal[3]) {
  const float at = (z - o[2]) / d[2], x = o[0] + at * d[0], y = o[1] + at * d[1];
  if (!(at > 0) || at >= *t || x * x + y * y > r * r) return false;
  *t = at;
  normal[0] = normal[1] = 0;
  normal[2] = z > 0 ? 1 : -1;
  return true;
}

/* The nearer cap is marked by a dark bar, so that a turn about the axis can be seen. */
static bool meet_cylinder(const float o[3], const float d[3], float *t, float normal[3], float *mark) {
  const float a = d[0] * d[0] + d[1] * d[1], b = o[0] * d[0] + o[1] * d[1], c = o[0] * o[0] + o[1] * o[1] - 1;
  const float root = b * b - a * c;
  bool met = false;
  *t = INFINITY;
  if (root >= 0 && a > 0) {
    const float at = (-b - sqrtf(root)) / a, z = o[2] + at * d[2];
    if (at > 0 && fabsf(z) <= 1) {
      *t = at;
      normal[0] = o[0] + at * d[0], normal[1] = o[1] + at * d[1], normal[2] = 0;
      met = true;
    }
  }
  for (int side = -1; side <= 1; side += 2) {
    if (!meet_disc(o, d, (float)side, 1, t, normal)) continue;
    *mark = fabsf(o[1] + *t * d[1]) < 0.16F && fabsf(o[0] + *t * d[0]) < 0.8F ? 0.45F : 1;
    met = true;
  }
  return met;
}

static bool meet_cone(const float o[3], const float d[3], float *t, float normal[3]) {
  const float k = cone_slope * cone_slope, h = 1 - o[2]; /* x^2 + y^2 = k (1 - z)^2 */
  const float a = d[0] * d[0] + d[1] * d[1] - k * d[2] * d[2], b = o[0] * d[0] + o[1] * d[1] + k * h * d[2];
  const float c = o[0] * o[0] + o[1] * o[1] - k * h * h, root = b * b - a * c;
  bool met = false;
  *t = INFINITY;
  if (root >= 0 && a != 0) {
    for (int side = -1; side <= 1; side += 2) {
      const float at = (-b + (float)side * sqrtf(root)) / a, z = o[2] + at * d[2];
      if (!(at > 0) || at >= *t || z < -1 || z > 1) continue;
      *t = at;
      normal[0] = o[0] + at * d[0], normal[1] = o[1] + at * d[1];
      const float across = sqrtf(normal[0] * normal[0] + normal[1] * normal[1]), length = sqrtf(1 + k);
      if (across > 0) normal[0] /= across * length, normal[1] /= across * length;
      normal[2] = cone_slope / length;
      met = true;
    }
  }
  return meet_disc(o, d, -1, 2 * cone_slope, t, normal) || met;
}

/* The tetrahedron dot(p, side * corner) <= 1/3 for its four corners, all at distance 1. */
static bool meet_tetrahedron(const float o[3], const float d[3], float side, float *t, float normal[3]) {
  static const float u = 0.57735027F;
  static const float corners[4][3] = {{u, u, u}, {u, -u, -u}, {-u, u, -u}, {-u, -u, u}};
  float enter = -INFINITY, leave = INFINITY;
  int face = 0;
  for (int i = 0; i < 4; i++) {
    const float along = side * dot(corners[i], d), from = side * dot(corners[i], o) - 1.0F / 3, at = -from / along;
    if (along < 0 && at > enter) enter = at, face = i;
    if (along > 0) leave = fminf(leave, at);
    if (along == 0 && from > 0) return false;
  }
  if (!(enter <= leave) || enter <= 0 || enter >= *t) return false;
  *t = enter;
  for (int i = 0; i < 3; i++) normal[i] = side * corners[face][i];
  return true;
}

/* One of the two tetrahedra is darker: the star shows how it is turned. */
static bool meet_star(const float o[3], const float d[3], float *t, float normal[3], float *mark) {
  *t = INFINITY;
  const bool one = meet_tetrahedron(o, d, 1, t, normal), other = meet_tetrahedron(o, d, -1, t, normal);
  *mark = other ? 0.55F : 1;
  return one || other;
}

bool vj_solid_meet(vj_solid_shape shape, const float origin[3], const float direction[3], float *t, float normal[3],
                   float *mark) {
  *mark = 1;
  switch (shape) {
    case VJ_CUBE:
      return meet_cube(origin, direction, t, normal);
    case VJ_SPHERE:
      return meet_sphere(origin, direction, t, normal);
    case VJ_CYLINDER:
      return meet_cylinder(origin, direction, t, normal, mark);
    case VJ_CONE:
      return meet_cone(origin, direction, t, normal);
    default:
      return meet_star(origin, direction, t, normal, mark);
  }
}
