#include "datasets/standins/render.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "datasets/standins/solid.h"
#include "vj/elementary.h"
#include "vj/memory.h"

enum { SAMPLES = 4 };

const vj_named_colour vj_standin_colours[VJ_COLOURS] = {
    {"gray", {0.42, 0.42, 0.42}},  {"red", {0.78, 0.14, 0.14}},    {"blue", {0.16, 0.29, 0.84}},
    {"green", {0.11, 0.51, 0.10}}, {"brown", {0.51, 0.29, 0.10}},  {"purple", {0.51, 0.15, 0.75}},
    {"cyan", {0.16, 0.80, 0.80}},  {"yellow", {0.98, 0.90, 0.16}},
};
const double vj_standin_gold[3] = {1.0, 0.74, 0.0};
const char *const vj_solid_names[VJ_SOLID_SHAPES] = {"cube", "sphere", "cylinder", "cone", "spl"};

/* Where the four samples lie in a pixel: a rotated grid. */
static const float offsets[SAMPLES][2] = {{0.375F, 0.125F}, {0.875F, 0.375F}, {0.125F, 0.625F}, {0.625F, 0.875F}};

typedef struct sample {
  float depth; /* in lengths of the ray's direction */
  uint8_t rgb[3];
  bool is_solid, is_shaded;
} sample;

typedef struct box {
  int64_t left, top, right, bottom; /* right and bottom are outside */
} box;

/* A solid in the renderer's terms. */
typedef struct body {
  vj_solid_shape shape;
  float size, position[3], axes[3][3]; /* axes: the solid's own, in the world */
  float colour[3];
  bool metal;
  float light[3], up[3]; /* in the solid's coordinates */
  box seen, shadow;
} body;

struct vj_renderer {
  vj_camera camera;
  double right[3], up[3], forward[3], focal; /* focal: pixels */
  float light[SAMPLES][3];
  sample *background, *samples; /* [height, width, SAMPLES] */
  uint8_t *plane;               /* [height, width, 3], the background averaged */
  body *bodies;
  int64_t capacity;
};

/* --- the camera -------------------------------------------------------------------------------------------------- */

static double dot(const double a[3], const double b[3]) { return a[0] * b[0] + a[1] * b[1] + a[2] * b[2]; }

static void scale_to_one(double a[3]) {
  const double length = sqrt(dot(a, a));
  for (int i = 0; i < 3; i++) a[i] /= length;
}

static void aim(const vj_camera *c, double right[3], double up[3], double forward[3], double *focal) {
  for (int i = 0; i < 3; i++) forward[i] = c->at[i] - c->eye[i];
  *focal = sqrt(dot(forward, forward)) / c->half_width * 0.5 * (double)c->width;
  scale_to_one(forward);
  right[0] = forward[1], right[1] = -forward[0], right[2] = 0;
  scale_to_one(right);
  up[0] = right[1] * forward[2] - right[2] * forward[1];
  up[1] = right[2] * forward[0] - right[0] * forward[2];
  up[2] = right[0] * forward[1] - right[1] * forward[0];
}

void vj_camera_project(const vj_camera *camera, const double point[3], double pixel[2], double *depth) {
  double right[3], up[3], forward[3], focal, from[3];
  aim(camera, right, up, forward, &focal);
  for (int i = 0; i < 3; i++) from[i] = point[i] - camera->eye[i];
  *depth = dot(from, forward);
  pixel[0] = 0.5 * (double)camera->width + focal * dot(from, right) / *depth;
  pixel[1] = 0.5 * (double)camera->height - focal * dot(from, up) / *depth;
}

static void ray_of(const vj_renderer *r, int64_t x, int64_t y, int s, float direction[3]) {
  const double across = ((double)x + offsets[s][0] - 0.5 * (double)r->camera.width) / r->focal;
  const double upward = (0.5 * (double)r->camera.height - (double)y - offsets[s][1]) / r->focal;
  for (int i = 0; i < 3; i++) direction[i] = (float)(r->forward[i] + across * r->right[i] + upward * r->up[i]);
}

/* --- the plane --------------------------------------------------------------------------------------------------- */

static uint8_t level(float value) { return value <= 0 ? 0 : value >= 1 ? 255 : (uint8_t)(value * 255 + 0.5F); }

/* Brighter in the middle, as under a lamp. */
static void shade_plane(const vj_renderer *r, double shade, const float d[3], sample *s) {
  *s = (sample){.depth = INFINITY};
  float far = 1e3F;
  if (d[2] < 0) {
    s->depth = (float)-r->camera.eye[2] / d[2];
    const float x = (float)r->camera.eye[0] + s->depth * d[0], y = (float)r->camera.eye[1] + s->depth * d[1];
    far = x * x + y * y;
  }
  const float bright = (float)shade * (0.78F + 0.34F / (1 + far / 30));
  for (int i = 0; i < 3; i++) s->rgb[i] = level(bright * (i == 2 ? 1.02F : 1));
}

static void average_pixel(const sample *s, uint8_t *rgb) {
  for (int i = 0; i < 3; i++) rgb[i] = (uint8_t)((s[0].rgb[i] + s[1].rgb[i] + s[2].rgb[i] + s[3].rgb[i] + 2) / SAMPLES);
}

static void draw_plane(vj_renderer *r, double shade) {
  for (int64_t y = 0; y < r->camera.height; y++) {
    for (int64_t x = 0; x < r->camera.width; x++) {
      const int64_t pixel = y * r->camera.width + x;
      for (int s = 0; s < SAMPLES; s++) {
        float direction[3];
        ray_of(r, x, y, s, direction);
        shade_plane(r, shade, direction, &r->background[pixel * SAMPLES + s]);
      }
      average_pixel(&r->background[pixel * SAMPLES], r->plane + pixel * 3);
    }
  }
}

/* --- solids ------------------------------------------------------------------------------------------------------ */

/* The product with the transposed axes: from the world into the solid's coordinates. */
static void turn_in(const body *b, const float world[3], float own[3]) {
  for (int i = 0; i < 3; i++) own[i] = b->axes[i][0] * world[0] + b->axes[i][1] * world[1] + b->axes[i][2] * world[2];
}

static void grow(const vj_renderer *r, const double point[3], double margin, box *b) {
  double pixel[2], depth, from[3];
  for (int i = 0; i < 3; i++) from[i] = point[i] - r->camera.eye[i];
  depth = fmax(dot(from, r->forward), 0.1);
  pixel[0] = 0.5 * (double)r->camera.width + r->focal * dot(from, r->right) / depth;
  pixel[1] = 0.5 * (double)r->camera.height - r->focal * dot(from, r->up) / depth;
  margin *= r->focal / depth;
  for (int i = 0; i < 2; i++) pixel[i] = fmin(fmax(pixel[i], -1e6), 1e6);
  margin = fmin(margin, 1e6);
  b->left = (int64_t)fmin((double)b->left, floor(pixel[0] - margin));
  b->top = (int64_t)fmin((double)b->top, floor(pixel[1] - margin));
  b->right = (int64_t)fmax((double)b->right, ceil(pixel[0] + margin) + 1);
  b->bottom = (int64_t)fmax((double)b->bottom, ceil(pixel[1] + margin) + 1);
}

static void clip(const vj_renderer *r, box *b) {
  if (b->left < 0) b->left = 0;
  if (b->top < 0) b->top = 0;
  if (b->right > r->camera.width) b->right = r->camera.width;
  if (b->bottom > r->camera.height) b->bottom = r->camera.height;
}

static const box nothing = {INT32_MAX, INT32_MAX, INT32_MIN, INT32_MIN};

static void bound(const vj_renderer *r, const vj_solid *solid, body *b) {
  const double radius = solid->size * (double)vj_solid_bound(solid->shape), *p = solid->position;
  const double down = p[2] / (double)r->light[0][2], reach = 1.08 * radius / (double)r->light[0][2] + 0.05 * p[2];
  b->seen = b->shadow = nothing;
  grow(r, p, 1.06 * radius, &b->seen);
  for (int corner = 0; corner < 4; corner++) {
    const double at[3] = {p[0] - down * (double)r->light[0][0] + (corner % 2 ? reach : -reach),
                          p[1] - down * (double)r->light[0][1] + (corner / 2 ? reach : -reach), 0};
    grow(r, at, 0, &b->shadow);
  }
  clip(r, &b->seen);
  clip(r, &b->shadow);
}

static void place(const vj_renderer *r, const vj_solid *solid, body *b) {
  const double c = vj_math_cos(solid->turn), s = vj_math_sin(solid->turn), ct = vj_math_cos(solid->tilt),
               st = vj_math_sin(solid->tilt);
  /* Rows: where the solid's own x, y and z axes point after the tilt about y and the turn about z. */
  const double axes[3][3] = {{c * ct, s * ct, -st}, {-s, c, 0}, {c * st, s * st, ct}};
  const float world_up[3] = {0, 0, 1};
  *b = (body){.shape = solid->shape, .size = (float)solid->size, .metal = solid->metal};
  for (int i = 0; i < 3; i++) {
    b->position[i] = (float)solid->position[i];
    b->colour[i] = (float)solid->colour[i];
    for (int j = 0; j < 3; j++) b->axes[i][j] = (float)axes[i][j];
  }
  turn_in(b, r->light[0], b->light);
  turn_in(b, world_up, b->up);
  bound(r, solid, b);
}

static float dotf(const float a[3], const float b[3]) { return a[0] * b[0] + a[1] * b[1] + a[2] * b[2]; }

/* Light from the lamp, from the sky and from the plane; rubber has a broad dull gleam, metal mirrors. */
static void shade_solid(const body *b, const float d[3], const float n[3], float mark, uint8_t rgb[3]) {
  const float length = sqrtf(dotf(d, d)), facing = dotf(n, b->light), upward = dotf(n, b->up);
  float mirrored[3];
  for (int i = 0; i < 3; i++) mirrored[i] = (d[i] - 2 * dotf(d, n) * n[i]) / length;
  const float lamp = facing > 0 ? facing : 0, sky = 0.5F + 0.5F * upward;
  const float gleam = fmaxf(dotf(mirrored, b->light), 0), g2 = gleam * gleam, g4 = g2 * g2, g8 = g4 * g4;
  float diffuse = 0.36F + 0.28F * sky + 0.62F * lamp, shine = 0.10F * g8;
  if (b->metal) {
    const float above = dotf(mirrored, b->up);
    diffuse = 0.28F + 0.12F * sky + 0.45F * lamp + (above > 0 ? 0.42F * (1 - above) : 0.10F);
    shine = 0.9F * g8 * g8 * g8 + 0.12F * (above > 0 ? 1 - above : 0);
  }
  for (int i = 0; i < 3; i++) rgb[i] = level(b->colour[i] * mark * diffuse + shine);
}

/* A ray from a point in the world -> its origin and direction in the solid's coordinates, of unit size. */
static void ray_into(const body *b, const float from[3], const float along[3], float o[3], float d[3]) {
  float relative[3];
  for (int i = 0; i < 3; i++) relative[i] = (from[i] - b->position[i]) / b->size;
  turn_in(b, relative, o);
  turn_in(b, along, d);
  for (int i = 0; i < 3; i++) d[i] /= b->size;
}

static void draw_body(vj_renderer *r, const body *b) {
  const float eye[3] = {(float)r->camera.eye[0], (float)r->camera.eye[1], (float)r->camera.eye[2]};
  for (int64_t y = b->seen.top; y < b->seen.bottom; y++) {
    for (int64_t x = b->seen.left; x < b->seen.right; x++) {
      for (int s = 0; s < SAMPLES; s++) {
        sample *const at = &r->samples[(y * r->camera.width + x) * SAMPLES + s];
        float direction[3], o[3], d[3], normal[3], t, mark;
        ray_of(r, x, y, s, direction);
        ray_into(b, eye, direction, o, d);
        if (!vj_solid_meet(b->shape, o, d, &t, normal, &mark) || t >= at->depth) continue;
        at->depth = t;
        at->is_solid = true;
        shade_solid(b, d, normal, mark, at->rgb);
      }
    }
  }
}

static void draw_shadow(vj_renderer *r, const body *b) {
  for (int64_t y = b->shadow.top; y < b->shadow.bottom; y++) {
    for (int64_t x = b->shadow.left; x < b->shadow.right; x++) {
      for (int s = 0; s < SAMPLES; s++) {
        sample *const at = &r->samples[(y * r->camera.width + x) * SAMPLES + s];
        if (at->is_solid || at->is_shaded || isinf(at->depth)) continue;
        float direction[3], point[3], o[3], d[3], normal[3], t, mark;
        ray_of(r, x, y, s, direction);
        for (int i = 0; i < 3; i++) point[i] = (float)r->camera.eye[i] + at->depth * direction[i];
        ray_into(b, point, r->light[s], o, d);
        if (!vj_solid_meet(b->shape, o, d, &t, normal, &mark)) continue;
        at->is_shaded = true;
        for (int i = 0; i < 3; i++) at->rgb[i] = (uint8_t)(at->rgb[i] * 3 / 5);
      }
    }
  }
}

static void reset(vj_renderer *r, const box *b) {
  for (int64_t y = b->top; y < b->bottom && b->left < b->right; y++) {
    const int64_t first = (y * r->camera.width + b->left) * SAMPLES;
    memcpy(r->samples + first, r->background + first, (size_t)((b->right - b->left) * SAMPLES) * sizeof *r->samples);
  }
}

static void average(const vj_renderer *r, const box *b, uint8_t *rgb) {
  for (int64_t y = b->top; y < b->bottom; y++) {
    for (int64_t x = b->left; x < b->right; x++) {
      const int64_t pixel = y * r->camera.width + x;
      average_pixel(&r->samples[pixel * SAMPLES], rgb + pixel * 3);
    }
  }
}

/* Only the boxes around solids and shadows are drawn anew; the rest is the plane. */
void vj_render(vj_renderer *r, const vj_solid *solids, int64_t count, uint8_t *rgb) {
  const int64_t drawn = count < r->capacity ? count : r->capacity;
  memcpy(rgb, r->plane, (size_t)(r->camera.height * r->camera.width * 3));
  for (int64_t i = 0; i < drawn; i++) {
    place(r, &solids[i], &r->bodies[i]);
    reset(r, &r->bodies[i].seen);
    reset(r, &r->bodies[i].shadow);
  }
  for (int64_t i = 0; i < drawn; i++) draw_body(r, &r->bodies[i]);
  for (int64_t i = 0; i < drawn; i++) draw_shadow(r, &r->bodies[i]);
  for (int64_t i = 0; i < drawn; i++) {
    average(r, &r->bodies[i].seen, rgb);
    average(r, &r->bodies[i].shadow, rgb);
  }
}

/* --- making one -------------------------------------------------------------------------------------------------- */

static void aim_lights(vj_renderer *r) {
  static const double spread[SAMPLES][2] = {{0, 0}, {0.05, 0.02}, {-0.03, 0.05}, {0.02, -0.05}};
  for (int s = 0; s < SAMPLES; s++) {
    /* From the left of the camera and above. */
    double light[3];
    for (int i = 0; i < 3; i++) light[i] = -0.55 * r->right[i] - 0.25 * r->forward[i];
    light[0] += spread[s][0], light[1] += spread[s][1], light[2] = 1.0;
    scale_to_one(light);
    for (int i = 0; i < 3; i++) r->light[s][i] = (float)light[i];
  }
}

vj_status vj_renderer_create(const vj_camera *camera, double shade, vj_renderer **renderer) {
  enum { MOST_SOLIDS = 64 };
  const size_t pixels = (size_t)(camera->width * camera->height);
  vj_renderer *r = NULL;
  vj_status status;
  *renderer = NULL;
  VJ_TRY(vj_allocate(1, sizeof *r, "a renderer", &r));
  r->camera = *camera;
  r->capacity = MOST_SOLIDS;
  VJ_TRY_GOTO(status, vj_allocate(pixels * SAMPLES, sizeof *r->samples, "samples of a picture", &r->samples), done);
  VJ_TRY_GOTO(status, vj_allocate(pixels * SAMPLES, sizeof *r->samples, "samples of a picture", &r->background), done);
  VJ_TRY_GOTO(status, vj_allocate(pixels, 3, "a picture", &r->plane), done);
  VJ_TRY_GOTO(status, vj_allocate(MOST_SOLIDS, sizeof *r->bodies, "solids", &r->bodies), done);
  aim(camera, r->right, r->up, r->forward, &r->focal);
  aim_lights(r);
  draw_plane(r, shade);
  *renderer = r;
  r = NULL;
done:
  vj_renderer_destroy(&r);
  return status;
}

void vj_renderer_destroy(vj_renderer **renderer) {
  vj_renderer *r = *renderer;
  if (!r) return;
  free(r->bodies);
  free(r->plane);
  free(r->background);
  free(r->samples);
  free(r);
  *renderer = NULL;
}
