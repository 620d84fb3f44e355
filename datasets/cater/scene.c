#include "datasets/cater/scene.h"

#include <jansson.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static int find(const char *word, const char *const *words, int count) {
  for (int i = 0; word && i < count; i++)
    if (strcmp(word, words[i]) == 0) return i;
  return -1;
}

/* --- movements --------------------------------------------------------------------------------------------------- */

static vj_status read_movement(const char *name, const char *instance, const json_t *one, int shape,
                               vj_cater_movement *m) {
  const int action = find(json_string_value(json_array_get(one, 0)), vj_cater_actions, VJ_CATER_ACTIONS);
  const json_t *start = json_array_get(one, 2), *end = json_array_get(one, 3);
  const bool timed = json_is_integer(start) && json_is_integer(end) && json_integer_value(start) >= 0 &&
                     json_integer_value(end) >= json_integer_value(start);
  if (action < 0 || !timed || json_integer_value(end) > VJ_CATER_FRAMES)
    return vj_fail(VJ_DATA, "%s: movements of %s: expected [action, other, start, end]", name, instance);
  *m = (vj_cater_movement){(vj_cater_shape)shape, (vj_cater_action)action, json_integer_value(start),
                           json_integer_value(end)};
  return VJ_OK;
}

static int shape_at(const json_t *objects, size_t i) {
  const json_t *one = json_array_get(objects, i);
  return find(json_string_value(json_object_get(one, "shape")), vj_cater_shapes, VJ_CATER_SHAPES);
}

static void count_shapes(const json_t *objects, vj_cater_scene *s) {
  for (size_t i = 0; i < json_array_size(objects); i++) {
    const int shape = shape_at(objects, i);
    if (shape >= 0) s->shapes[shape]++;
  }
}

/* The shape of the object of this instance; -1: there is none. */
static int shape_of(const json_t *objects, const char *instance) {
  for (size_t i = 0; i < json_array_size(objects); i++) {
    const json_t *one = json_array_get(objects, i);
    const char *own = json_string_value(json_object_get(one, "instance"));
    if (own && strcmp(own, instance) == 0) return shape_at(objects, i);
  }
  return -1;
}

static vj_status read_movements(const char *name, json_t *root, vj_cater_scene *s) {
  json_t *all = json_object_get(root, "movements"), *own;
  const json_t *objects = json_object_get(root, "objects");
  const char *instance;
  size_t count = 0;
  if (!json_is_object(all) || !json_is_array(objects))
    return vj_fail(VJ_DATA, "%s: expected \"objects\" and \"movements\"", name);
  /* Each instance is looked for among all objects. */
  if (json_array_size(objects) > VJ_CATER_OBJECTS || json_object_size(all) > VJ_CATER_OBJECTS)
    return vj_fail(VJ_DATA, "%s: expected at most %d objects, got %zu with movements of %zu", name, VJ_CATER_OBJECTS,
                   json_array_size(objects), json_object_size(all));
  count_shapes(objects, s);
  json_object_foreach(all, instance, own) count += json_array_size(own);
  if (count > VJ_CATER_MOVEMENTS)
    return vj_fail(VJ_DATA, "%s: expected at most %d movements, got %zu", name, VJ_CATER_MOVEMENTS, count);
  VJ_TRY(vj_allocate(count + 1, sizeof *s->movements, "movements", &s->movements));
  json_object_foreach(all, instance, own) {
    const int shape = shape_of(objects, instance);
    if (shape < 0)
      return vj_fail(VJ_DATA, "%s: movements of %.64s: no object of that instance and CATER's shapes", name, instance);
    for (size_t i = 0; i < json_array_size(own); i++) {
      VJ_TRY(read_movement(name, instance, json_array_get(own, i), shape, &s->movements[s->movement_count]));
      s->movement_count++;
    }
  }
  return VJ_OK;
}

/* --- where the snitch is ----------------------------------------------------------------------------------------- */

static vj_status read_snitch(const char *name, const json_t *root, vj_cater_scene *s) {
  const json_t *objects = json_object_get(root, "objects"), *locations = NULL;
  for (size_t i = 0; i < json_array_size(objects) && !locations; i++) {
    const json_t *one = json_array_get(objects, i);
    const char *shape = json_string_value(json_object_get(one, "shape"));
    if (shape && strcmp(shape, "spl") == 0) locations = json_object_get(one, "locations");
  }
  const size_t frames = json_object_size(locations);
  if (frames < 1 || frames > VJ_CATER_FRAMES)
    return vj_fail(VJ_DATA, "%s: expected an object of shape spl with 1 to %d locations", name, VJ_CATER_FRAMES);
  VJ_TRY(vj_allocate(2 * frames, sizeof *s->snitch, "locations", &s->snitch));
  s->frames = (int64_t)frames;
  for (int64_t t = 0; t < s->frames; t++) {
    char key[24];
    snprintf(key, sizeof key, "%lld", (long long)t);
    const json_t *place = json_object_get(locations, key);
    const double x = json_number_value(json_array_get(place, 0)), y = json_number_value(json_array_get(place, 1));
    if (json_array_size(place) < 2 || !(fabs(x) < 1e6) || !(fabs(y) < 1e6))
      return vj_fail(VJ_DATA, "%s: locations of spl: expected [x, y, z] for frame %lld", name, (long long)t);
    s->snitch[2 * t] = (float)x;
    s->snitch[2 * t + 1] = (float)y;
  }
  return VJ_OK;
}

vj_status vj_cater_scene_parse(const char *text, size_t bytes, const char *name, vj_cater_scene *scene) {
  json_error_t error;
  *scene = (vj_cater_scene){0};
  json_t *root = json_loadb(text, bytes, 0, &error);
  if (!root) return vj_fail(VJ_DATA, "%s:%d:%d: no JSON: %s", name, error.line, error.column, error.text);
  vj_status status = read_movements(name, root, scene);
  if (status == VJ_OK) status = read_snitch(name, root, scene);
  json_decref(root);
  if (status != VJ_OK) vj_cater_scene_free(scene);
  return status;
}

void vj_cater_scene_free(vj_cater_scene *scene) {
  free(scene->movements);
  free(scene->snitch);
  *scene = (vj_cater_scene){0};
}

/* --- lists ------------------------------------------------------------------------------------------------------- */

typedef struct line {
  const char *at, *end, *name;
  int64_t number;
} line;

/* The classes behind the video's name, into `found`; -> how many. */
static vj_status read_classes(const line *l, const char *at, int64_t classes, int64_t *found, int64_t *count) {
  *count = 0;
  while (at < l->end) {
    int64_t value = 0;
    const char *digit = at;
    for (; at < l->end && *at >= '0' && *at <= '9' && value < VJ_CATER_CLASSES; at++) value = 10 * value + (*at - '0');
    if (at == digit || value >= classes || *count == VJ_CATER_CLASSES || (at < l->end && *at != ','))
      return vj_fail(VJ_DATA, "%s:%lld: expected a video and its classes below %lld, separated by commas", l->name,
                     (long long)l->number, (long long)classes);
    found[(*count)++] = value;
    if (at < l->end) at++;
  }
  return VJ_OK;
}

static vj_status read_line(const line *l, int64_t classes, vj_pool *pool, vj_cater_listed *listed) {
  int64_t found[VJ_CATER_CLASSES];
  const char *space = l->end, *file = l->at;
  while (space > l->at && space[-1] != ' ') space--;
  const char *rest = space > l->at ? space : l->end, *stop = space > l->at ? space - 1 : l->end;
  while (stop > l->at && stop[-1] == ' ') stop--;
  VJ_TRY(read_classes(l, rest, classes, found, &listed->count));
  for (const char *c = l->at; c < stop; c++)
    if (*c == '/') file = c + 1;
  char *name = vj_pool_take(pool, (size_t)(stop - file) + 1);
  int64_t *kept = vj_pool_take(pool, (size_t)(listed->count + 1) * sizeof *kept);
  if (!name || !kept) return vj_fail(VJ_MEMORY, "%s: no memory for the list", l->name);
  memcpy(name, file, (size_t)(stop - file));
  memcpy(kept, found, (size_t)listed->count * sizeof *kept);
  if (!*name || strlen(name) != (size_t)(stop - file))
    return vj_fail(VJ_DATA, "%s:%lld: expected the name of a video", l->name, (long long)l->number);
  listed->video = name;
  listed->classes = kept;
  return VJ_OK;
}

/* The next line that is not empty; false at the end. */
static bool next_line(const char **at, const char *end, line *l) {
  while (*at < end) {
    const char *stop = memchr(*at, '\n', (size_t)(end - *at));
    l->at = *at;
    l->end = stop ? stop : end;
    l->number++;
    *at = stop ? stop + 1 : end;
    while (l->end > l->at && (l->end[-1] == '\r' || l->end[-1] == '\t')) l->end--;
    if (l->end > l->at) return true;
  }
  return false;
}

vj_status vj_cater_list_parse(const char *text, size_t bytes, const char *name, int64_t classes, vj_pool *pool,
                              int64_t *count, const vj_cater_listed **listed) {
  const char *at = text, *const end = text + bytes;
  line l = {.name = name};
  int64_t lines = 0;
  *count = 0;
  while (next_line(&at, end, &l)) lines++;
  vj_cater_listed *all = vj_pool_take(pool, (size_t)(lines + 1) * sizeof *all);
  if (!all) return vj_fail(VJ_MEMORY, "%s: no memory for the list", name);
  at = text;
  l.number = 0;
  while (next_line(&at, end, &l)) {
    VJ_TRY(read_line(&l, classes, pool, &all[*count]));
    ++*count;
  }
  *listed = all;
  return VJ_OK;
}
