#include "datasets/cater/motions.h"

#include <stdlib.h>
#include <string.h>

/* Behind it lie movements and places of the snitch. */
typedef struct heading {
  int64_t movement_count, frames, shapes[VJ_CATER_SHAPES];
} heading;

static size_t bytes_of(const heading *h) {
  return sizeof *h + (size_t)h->movement_count * sizeof(vj_cater_movement) + 2 * (size_t)h->frames * sizeof(float);
}

static bool are_movements(const unsigned char *bytes, int64_t count) {
  vj_cater_movement one;
  for (int64_t i = 0; i < count; i++) {
    memcpy(&one, bytes + (size_t)i * sizeof one, sizeof one);
    if ((unsigned)one.shape >= VJ_CATER_SHAPES || (unsigned)one.action >= VJ_CATER_ACTIONS) return false;
  }
  return true;
}

static bool fits(const void *kept, size_t count) {
  heading h;
  if (count < sizeof h) return false;
  memcpy(&h, kept, sizeof h);
  return h.movement_count >= 0 && h.movement_count <= VJ_CATER_MOVEMENTS && h.frames > 0 &&
         h.frames <= VJ_CATER_FRAMES && bytes_of(&h) == count &&
         are_movements((const unsigned char *)kept + sizeof h, h.movement_count);
}

static void *pack(const vj_cater_scene *s, size_t *bytes) {
  heading head = {s->movement_count, s->frames, {0}};
  memcpy(head.shapes, s->shapes, sizeof head.shapes);
  const size_t movements = (size_t)s->movement_count * sizeof *s->movements;
  const size_t places = 2 * (size_t)s->frames * sizeof *s->snitch;
  *bytes = bytes_of(&head);
  unsigned char *const block = malloc(*bytes);
  if (!block) return NULL;
  memcpy(block, &head, sizeof head);
  if (movements) memcpy(block + sizeof head, s->movements, movements);
  if (places) memcpy(block + sizeof head + movements, s->snitch, places);
  return block;
}

static vj_status keep(const void *context, const char *text, size_t bytes, const char *path, void **kept,
                      size_t *count) {
  (void)context;
  vj_cater_scene scene = {0};
  VJ_TRY(vj_cater_scene_parse(text, bytes, path, &scene));
  *kept = pack(&scene, count);
  vj_cater_scene_free(&scene);
  return *kept ? VJ_OK : vj_fail(VJ_MEMORY, "no memory for %s", path);
}

const vj_annotation_form vj_cater_motions = {
    .name = "cater motions 2", .file = "annotations", .keep = keep, .fits = fits};

vj_cater_motion vj_cater_motion_of(const void *kept) {
  heading head;
  memcpy(&head, kept, sizeof head);
  const unsigned char *const movements = (const unsigned char *)kept + sizeof head;
  const unsigned char *const snitch = movements + (size_t)head.movement_count * sizeof(vj_cater_movement);
  vj_cater_motion motion = {.movement_count = head.movement_count,
                            .frames = head.frames,
                            .movements = (const vj_cater_movement *)(const void *)movements,
                            .snitch = (const float *)(const void *)snitch};
  memcpy(motion.shapes, head.shapes, sizeof motion.shapes);
  return motion;
}
