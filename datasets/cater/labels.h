/* The labels of CATER (Girdhar and Ramanan 2020, arXiv 1910.04744) from the movements of a video. Not collective. */
#ifndef VJ_DATASETS_CATER_LABELS_H
#define VJ_DATASETS_CATER_LABELS_H

#include <stdbool.h>
#include <stdint.h>

typedef enum vj_cater_shape {
  VJ_CATER_CUBE,
  VJ_CATER_SPHERE,
  VJ_CATER_CYLINDER,
  VJ_CATER_CONE,
  VJ_CATER_SPL, /* the "snitch" */
  VJ_CATER_SHAPES
} vj_cater_shape;
typedef enum vj_cater_action {
  VJ_CATER_SLIDE,
  VJ_CATER_PICK_PLACE,
  VJ_CATER_ROTATE,
  VJ_CATER_CONTAIN,
  VJ_CATER_NO_OP,
  VJ_CATER_ACTIONS
} vj_cater_action;

extern const char *const vj_cater_shapes[VJ_CATER_SHAPES];   /* "cube", ... */
extern const char *const vj_cater_actions[VJ_CATER_ACTIONS]; /* "_slide", ... */

typedef struct vj_cater_movement {
  vj_cater_shape shape;
  vj_cater_action action;
  int64_t start, end; /* frames, both included */
} vj_cater_movement;

enum {
  VJ_CATER_PRESENT = 14, /* task 1: a shape that does an action */
  VJ_CATER_ORDERS = 301, /* task 2: one such before, during or after another; mirrored pairs are one class */
};

/* "sphere_slide", of a class of task 1; "cube_rotate during cone_slide", of one of task 2, into a buffer. Returns it.
 */
enum { VJ_CATER_NAME_BYTES = 64 };
const char *vj_cater_present_name(int64_t class, char name[VJ_CATER_NAME_BYTES]);
const char *vj_cater_order_name(int64_t class, char name[VJ_CATER_NAME_BYTES]);

/* Which movements count: those that last in at least `least` of the frames first..last. */
typedef struct vj_cater_span {
  int64_t first, last, least;
} vj_cater_span;
bool vj_cater_overlaps(const vj_cater_movement *movement, const vj_cater_span *span);

/* Task 1's classes, 0 or 1 each, of the movements that count. */
void vj_cater_label_present(const vj_cater_movement *movements, int64_t count, const vj_cater_span *span,
                            float present[VJ_CATER_PRESENT]);
/* Task 2's, of pairs of such movements. */
void vj_cater_label_orders(const vj_cater_movement *movements, int64_t count, const vj_cater_span *span,
                           float orders[VJ_CATER_ORDERS]);
/* Task 3's: the cell of a grid of `cells` x `cells` on the square from -3 to 3, rows along y; -1 outside. */
int64_t vj_cater_label_place(double x, double y, int64_t cells);

#endif
