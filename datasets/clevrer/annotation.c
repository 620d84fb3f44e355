#include "datasets/clevrer/annotation.h"

#include <jansson.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "vj/elementary.h"
#include "vj/memory.h"

static const char *const shapes[] = {"cube", "sphere", "cylinder"}, *const materials[] = {"metal", "rubber"};
static const char *const colours[] = {"gray", "red", "blue", "green", "brown", "purple", "cyan", "yellow"};

static int find(const char *word, const char *const *words, int count) {
  for (int i = 0; word && i < count; i++)
    if (strcmp(word, words[i]) == 0) return i;
  return -1;
}

int vj_clevrer_slot(const char *shape, const char *material, const char *colour) {
  const int s = find(shape, shapes, 3), m = find(material, materials, 2), c = find(colour, colours, 8);
  return s < 0 || m < 0 || c < 0 ? -1 : (s * 2 + m) * 8 + c;
}

const char *vj_clevrer_slot_name(int slot, char *buffer) {
  snprintf(buffer, 40, "%s %s %s", colours[slot % 8], materials[slot / 8 % 2], shapes[slot / 16]);
  return buffer;
}

typedef struct reader {
  const char *name;
  vj_clevrer_annotation *a;
  json_int_t ids[VJ_CLEVRER_SLOTS]; /* of the objects */
  double *places;                   /* [frames, count, 3]: x, y, 1 if known */
} reader;

static vj_status read_objects(reader *r, const json_t *root) {
  const json_t *all = json_object_get(root, "object_property");
  vj_clevrer_annotation *a = r->a;
  if (!json_is_array(all)) return vj_fail(VJ_DATA, "%s: expected a list \"object_property\"", r->name);
  if (json_array_size(all) > VJ_CLEVRER_SLOTS)
    return vj_fail(VJ_DATA, "%s: object_property: expected at most %d objects, got %zu", r->name, VJ_CLEVRER_SLOTS,
                   json_array_size(all));
  for (size_t i = 0; i < json_array_size(all); i++) {
    const json_t *one = json_array_get(all, i), *id = json_object_get(one, "object_id");
    const char *shape = json_string_value(json_object_get(one, "shape"));
    const char *material = json_string_value(json_object_get(one, "material"));
    const char *colour = json_string_value(json_object_get(one, "color"));
    const int slot = vj_clevrer_slot(shape, material, colour);
    if (!json_is_integer(id) || slot < 0)
      return vj_fail(VJ_DATA, "%s: object_property[%zu]: expected an object_id and CLEVRER's names, got %s %s %s",
                     r->name, i, colour ? colour : "no color", material ? material : "no material",
                     shape ? shape : "no shape");
    for (int k = 0; k < a->count; k++)
      if (r->ids[k] == json_integer_value(id) || a->slots[k] == slot)
        return vj_fail(VJ_DATA, "%s: object_property[%zu]: the same object as object_property[%d]", r->name, i, k);
    r->ids[a->count] = json_integer_value(id);
    a->slots[a->count++] = slot;
  }
  return VJ_OK;
}

/* The first two numbers of a list; larger ones than any plane has would be infinite speeds. */
static bool read_pair(const json_t *list, double pair[2]) {
  for (size_t i = 0; i < 2; i++) {
    const json_t *value = json_array_get(list, i);
    if (!json_is_number(value)) return false;
    pair[i] = json_number_value(value);
  }
  return fabs(pair[0]) < 1e6 && fabs(pair[1]) < 1e6;
}

static vj_status read_moment(reader *r, const json_t *one, int64_t frame) {
  const json_t *id = json_object_get(one, "object_id"), *in_view = json_object_get(one, "inside_camera_view");
  vj_clevrer_annotation *a = r->a;
  double place[2], velocity[2];
  int k = 0;
  while (json_is_integer(id) && k < a->count && r->ids[k] != json_integer_value(id)) k++;
  if (!json_is_integer(id) || k == a->count)
    return vj_fail(VJ_DATA, "%s: frame %lld: an object_id that object_property does not have", r->name,
                   (long long)frame);
  if (!read_pair(json_object_get(one, "location"), place) || !read_pair(json_object_get(one, "velocity"), velocity))
    return vj_fail(VJ_DATA, "%s: frame %lld, object %lld: expected numbers below 1e6 for location and velocity",
                   r->name, (long long)frame, (long long)json_integer_value(id));
  a->moments[frame * a->count + k] =
      (vj_clevrer_moment){.speed = (float)vj_math_hypot(velocity[0], velocity[1]), .in_view = json_is_true(in_view)};
  double *kept = r->places + 3 * (frame * a->count + k);
  kept[0] = place[0], kept[1] = place[1], kept[2] = 1;
  return VJ_OK;
}

static vj_status read_frames(reader *r, const json_t *all) {
  bool *seen = NULL;
  vj_status status = VJ_OK;
  VJ_TRY(vj_allocate((size_t)r->a->frames, sizeof *seen, "frames of an annotation", &seen));
  for (int64_t i = 0; i < r->a->frames && status == VJ_OK; i++) {
    const json_t *one = json_array_get(all, (size_t)i), *id = json_object_get(one, "frame_id");
    const json_t *objects = json_object_get(one, "objects");
    const json_int_t frame = json_is_integer(id) ? json_integer_value(id) : -1;
    if (frame < 0 || frame >= r->a->frames || seen[frame] || !json_is_array(objects))
      status = vj_fail(VJ_DATA, "%s: motion_trajectory[%lld]: expected a frame_id of its own below %lld and objects",
                       r->name, (long long)i, (long long)r->a->frames);
    else
      seen[frame] = true;
    for (size_t k = 0; status == VJ_OK && k < json_array_size(objects); k++)
      status = read_moment(r, json_array_get(objects, k), frame);
  }
  free(seen);
  return status;
}

static void read_collisions(reader *r, const json_t *root) {
  const json_t *all = json_object_get(root, "collision");
  if (!all) all = json_object_get(root, "collisions");
  for (size_t i = 0; i < json_array_size(all) && r->a->collision_count < VJ_CLEVRER_COLLISIONS; i++) {
    const json_t *frame = json_object_get(json_array_get(all, i), "frame_id");
    if (json_is_integer(frame)) r->a->collisions[r->a->collision_count++] = json_integer_value(frame);
  }
}

static int compare(const void *one, const void *other) {
  const double a = *(const double *)one, b = *(const double *)other;
  return (a > b) - (a < b);
}

/* Speeds at t against the way from t - 1 to t + 1, of what moves at all. */
static vj_status measure_rate(reader *r) {
  vj_clevrer_annotation *a = r->a;
  double *ratios = NULL;
  size_t count = 0;
  a->rate = NAN;
  if (a->frames < 3 || a->count == 0) return VJ_OK;
  VJ_TRY(vj_allocate((size_t)(a->frames * a->count), sizeof *ratios, "ratios of speeds", &ratios));
  for (int64_t t = 1; t + 1 < a->frames; t++) {
    for (int k = 0; k < a->count; k++) {
      const double *before = r->places + 3 * ((t - 1) * a->count + k),
                   *after = r->places + 3 * ((t + 1) * a->count + k);
      const double way = 0.5 * vj_math_hypot(after[0] - before[0], after[1] - before[1]);
      const double speed = (double)a->moments[t * a->count + k].speed;
      if (before[2] * after[2] > 0 && way > 1e-3 && speed > 0) ratios[count++] = speed / way;
    }
  }
  if (count > 0) {
    qsort(ratios, count, sizeof *ratios, compare);
    a->rate = ratios[count / 2];
  }
  free(ratios);
  return VJ_OK;
}

static vj_status read_all(reader *r, const json_t *root) {
  const json_t *frames = json_object_get(root, "motion_trajectory");
  const size_t count = json_array_size(frames);
  if (count < 1 || count > VJ_CLEVRER_FRAMES)
    return vj_fail(VJ_DATA, "%s: expected a list \"motion_trajectory\" of 1 to %d frames", r->name, VJ_CLEVRER_FRAMES);
  VJ_TRY(read_objects(r, root));
  r->a->frames = (int64_t)count;
  const size_t moments = count * (size_t)(r->a->count + 1);
  VJ_TRY(vj_allocate(moments, sizeof *r->a->moments, "an annotation", &r->a->moments));
  VJ_TRY(vj_allocate(3 * moments, sizeof *r->places, "an annotation", &r->places));
  VJ_TRY(read_frames(r, frames));
  read_collisions(r, root);
  return measure_rate(r);
}

vj_status vj_clevrer_annotation_parse(const char *text, size_t bytes, const char *name,
                                      vj_clevrer_annotation *annotation) {
  json_error_t error;
  reader r = {.name = name, .a = annotation};
  *annotation = (vj_clevrer_annotation){0};
  json_t *root = json_loadb(text, bytes, 0, &error);
  if (!root) return vj_fail(VJ_DATA, "%s:%d:%d: no JSON: %s", name, error.line, error.column, error.text);
  const vj_status status = read_all(&r, root);
  json_decref(root);
  free(r.places);
  if (status == VJ_OK) return VJ_OK;
  free(annotation->moments);
  annotation->moments = NULL;
  return status;
}
