/* A small renderer of solids on a plane: what the stand-in videos are drawn with.
 *
 * World coordinates are right-handed with z upwards; the plane is z = 0; lengths are in units. One ray a sample meets
 * the solids whose bounding boxes it is in; four samples a pixel; a light from a fixed direction, whose four
 * directions, one a sample, give shadows a soft edge. Nothing is collective; a renderer belongs to one thread. */
#ifndef VJ_DATASETS_STANDINS_RENDER_H
#define VJ_DATASETS_STANDINS_RENDER_H

#include <stdbool.h>
#include <stdint.h>

#include "vj/status.h"

typedef enum vj_solid_shape { VJ_CUBE, VJ_SPHERE, VJ_CYLINDER, VJ_CONE, VJ_SPL, VJ_SOLID_SHAPES } vj_solid_shape;

/* A pinhole that looks from `eye` at `at`, no roll. */
typedef struct vj_camera {
  double eye[3], at[3];
  double half_width; /* units across half the image, at the distance of `at` */
  int64_t width, height;
} vj_camera;

/* A cube of half side `size`; a sphere of that radius; a cylinder of that radius and half height; a cone of that half
 * height and 1.2 times the radius, wide enough to hide what it contains; a star of two tetrahedra in a sphere of that
 * radius. */
typedef struct vj_solid {
  vj_solid_shape shape;
  double size, position[3]; /* of the centre */
  double tilt, turn;        /* radians: about its own y axis, then about z */
  double colour[3];         /* 0..1 */
  bool metal;               /* mirrors; else matt */
} vj_solid;

/* The CLEVR colours, by the names that annotations use. */
typedef struct vj_named_colour {
  const char *name;
  double rgb[3];
} vj_named_colour;
enum { VJ_COLOURS = 8 };
extern const vj_named_colour vj_standin_colours[VJ_COLOURS];
extern const double vj_standin_gold[3];
extern const char *const vj_solid_names[VJ_SOLID_SHAPES]; /* "cube", "sphere", "cylinder", "cone", "spl" */

/* Where a point is in the image, in pixels from its upper left corner, and how far from the eye along its axis. */
void vj_camera_project(const vj_camera *camera, const double point[3], double pixel[2], double *depth);

typedef struct vj_renderer vj_renderer;
/* `shade`: brightness of the plane, about 0.6. */
VJ_MUST_USE vj_status vj_renderer_create(const vj_camera *camera, double shade, vj_renderer **renderer);
void vj_renderer_destroy(vj_renderer **renderer);
/* Draws `count` solids -> rgb [height, width, 3]. */
void vj_render(vj_renderer *renderer, const vj_solid *solids, int64_t count, uint8_t *rgb);

#endif
