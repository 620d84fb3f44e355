/* Stand-ins for CATER: videos, scenes and lists as its release has them. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "datasets/standins/cater_world.h"
#include "datasets/standins/standin_private.h"

enum { RATE = 24 };

static vj_camera camera_of(const vj_standin_request *r) {
  return (vj_camera){
      .eye = {7.4, -6.4, 7.0}, .at = {0.0, 0.0, 0.45}, .half_width = 5.1, .width = r->width, .height = r->height};
}

/* --- the video --------------------------------------------------------------------------------------------------- */

static int64_t pose(const void *context, int64_t frame, vj_solid *solids) {
  static const vj_solid_shape shapes[VJ_CATER_SHAPES] = {VJ_CUBE, VJ_SPHERE, VJ_CYLINDER, VJ_CONE, VJ_SPL};
  const double radians = 3.14159265358979323846 / 180;
  const vj_cast *c = context;
  for (int i = 0; i < c->count; i++) {
    const vj_actor *a = &c->actors[i];
    const vj_actor_state *s = &c->states[i * c->frames + frame];
    const double *rgb = a->colour < 0 ? vj_standin_gold : vj_standin_colours[a->colour].rgb;
    solids[i] = (vj_solid){.shape = shapes[a->shape],
                           .size = a->sized,
                           .tilt = s->tilt * radians,
                           .turn = a->turn * radians,
                           .colour = {rgb[0], rgb[1], rgb[2]},
                           .metal = a->material == 0};
    memcpy(solids[i].position, s->position, sizeof s->position);
  }
  return c->count;
}

/* --- the scene --------------------------------------------------------------------------------------------------- */

/* The name of its model and how many of it there were before. */
static json_t *instance_of(const vj_actor *a) {
  static const char *const models[VJ_CATER_SHAPES] = {"SmoothCube_v2", "Sphere", "SmoothCylinder-Short", "Cone", "Spl"};
  return json_sprintf("%s_%d", models[a->shape], (int)a->instance);
}

static double rounded(double value) { return round(value * 1e6) / 1e6 + 0.0; }

static json_t *triple(const double *v) { return json_pack("[f,f,f]", rounded(v[0]), rounded(v[1]), rounded(v[2])); }

static json_t *locations_of(const vj_cast *c, int i) {
  json_t *all = json_object();
  char key[24];
  for (int64_t t = 0; t < c->frames; t++) {
    snprintf(key, sizeof key, "%lld", (long long)t);
    json_object_set_new(all, key, triple(c->states[i * c->frames + t].position));
  }
  return all;
}

static json_t *object_of(const vj_camera *camera, const vj_cast *c, int i) {
  static const char *const sizes[3] = {"small", "medium", "large"};
  const vj_actor *a = &c->actors[i];
  const double *start = c->states[i * c->frames].position;
  double pixel[3];
  vj_camera_project(camera, start, pixel, &pixel[2]);
  return json_pack("{s:s,s:s,s:f,s:s,s:s,s:o,s:o,s:[i,i,f],s:f,s:o}", "shape", vj_cater_shapes[a->shape], "size",
                   sizes[a->size], "sized", a->sized, "material", a->material == 0 ? "metal" : "rubber", "color",
                   a->colour < 0 ? "gold" : vj_standin_colours[a->colour].name, "instance", instance_of(a), "3d_coords",
                   triple(start), "pixel_coords", (int)pixel[0], (int)pixel[1], rounded(pixel[2]), "rotation", a->turn,
                   "locations", locations_of(c, i));
}

static json_t *movement_of(const vj_cast *c, const vj_cast_movement *m) {
  json_t *other = m->other < 0 ? json_null() : instance_of(&c->actors[m->other]);
  return json_pack("[s,o,I,I]", vj_cater_actions[m->action], other, (json_int_t)m->start, (json_int_t)m->end);
}

static json_t *movements_of(const vj_cast *c) {
  json_t *all = json_object();
  for (int i = 0; i < c->count; i++) {
    json_t *own = json_array(), *name = instance_of(&c->actors[i]);
    for (int64_t k = 0; k < c->movement_count; k++)
      if (c->movements[k].actor == i) json_array_append_new(own, movement_of(c, &c->movements[k]));
    json_object_set_new(all, json_string_value(name), own);
    json_decref(name);
  }
  return all;
}

static json_t *scene_of(const vj_camera *camera, const vj_cast *c, int64_t index) {
  json_t *objects = json_array();
  for (int i = 0; i < c->count; i++) json_array_append_new(objects, object_of(camera, c, i));
  json_t *name = json_sprintf("CATER_new_%06lld.avi", (long long)index);
  return json_pack("{s:s,s:I,s:o,s:o,s:o}", "split", "new", "image_index", (json_int_t)index, "image_filename", name,
                   "objects", objects, "movements", movements_of(c));
}

/* --- lists ------------------------------------------------------------------------------------------------------- */

enum { PRESENT, ORDERS, PLACE, PLACE_4, PLACE_8, LISTS };
static const char *const list_names[LISTS] = {"actions_present", "actions_order_uniq", "localize", "localize_4x4",
                                              "localize_8x8"};

static void list_columns(vj_growing_text *text, const char *name, const float *flags, int64_t count) {
  bool any = false;
  for (int64_t i = 0; i < count; i++) {
    if (flags[i] == 0) continue;
    if (!any) vj_growing_add(text, "%s ", name);
    vj_growing_add(text, any ? ",%lld" : "%lld", (long long)i);
    any = true;
  }
  if (any) vj_growing_add(text, "\n"); /* a video without a label is left out */
}

static void list_video(const vj_cast *c, int64_t index, vj_growing_text text[LISTS]) {
  static const int64_t cells[LISTS] = {[PLACE] = 6, [PLACE_4] = 4, [PLACE_8] = 8};
  vj_cater_movement movements[512];
  int64_t count = 0;
  char name[sizeof "CATER_new_-9223372036854775808.avi"];
  float present[VJ_CATER_PRESENT], orders[VJ_CATER_ORDERS];
  snprintf(name, sizeof name, "CATER_new_%06lld.avi", (long long)index);
  for (int64_t k = 0; k < c->movement_count && count < 512; k++) {
    const vj_cast_movement *m = &c->movements[k];
    movements[count++] = (vj_cater_movement){c->actors[m->actor].shape, m->action, m->start, m->end};
  }
  const vj_cater_span all = {0, c->frames, 1};
  vj_cater_label_present(movements, count, &all, present);
  vj_cater_label_orders(movements, count, &all, orders);
  list_columns(&text[PRESENT], name, present, VJ_CATER_PRESENT);
  list_columns(&text[ORDERS], name, orders, VJ_CATER_ORDERS);
  const double *end = c->states[c->frames - 1].position; /* of the first actor, the snitch */
  for (int list = PLACE; list < LISTS; list++)
    vj_growing_add(&text[list], "%s %lld\n", name,
                   (long long)vj_cater_label_place(rounded(end[0]), rounded(end[1]), cells[list]));
}

/* --- the kind ---------------------------------------------------------------------------------------------------- */

static vj_status make_folders(const vj_standin *set) {
  const char *variant = set->request.variant;
  VJ_TRY(vj_standin_folder(set, "%s/videos", variant));
  VJ_TRY(vj_standin_folder(set, "%s/scenes", variant));
  for (int list = 0; list < LISTS; list++) VJ_TRY(vj_standin_folder(set, "%s/lists/%s", variant, list_names[list]));
  return VJ_OK;
}

static vj_status cast_of(const vj_standin *set, int64_t index, vj_cast *cast) {
  vj_rng rng = vj_standin_stream(set, VJ_TRAIN, index);
  const int64_t movers = strcmp(set->request.variant, "max2action") == 0 ? 2 : VJ_CAST;
  const vj_status status = vj_cast_make(&rng, set->request.frames, movers, cast);
  if (status != VJ_OK) vj_cast_release(cast);
  return status;
}

static int64_t index_of(const vj_standin *set, vj_split split, int64_t number) {
  return split == VJ_TRAIN ? number : set->request.videos[VJ_TRAIN] + number;
}

static vj_status write_video(const vj_standin *set, const vj_cast *cast, int64_t index, const char *path) {
  const vj_camera camera = camera_of(&set->request);
  const vj_encoding encoding = {
      .container = "avi", .encoders = "mjpeg", .width = camera.width, .height = camera.height, .rate = RATE};
  char scene[VJ_STANDIN_PATH];
  VJ_TRY(vj_standin_path(set, scene, "%s/scenes/CATER_new_%06lld.json", set->request.variant, (long long)index));
  VJ_TRY(vj_standin_write_json(scene, scene_of(&camera, cast, index), 9));
  return vj_standin_film(path, &encoding, &camera, 0.72, cast->frames, pose, cast);
}

static vj_status make(const vj_standin *set, vj_split split, int64_t number, bool *made) {
  const int64_t index = index_of(set, split, number);
  char path[VJ_STANDIN_PATH];
  vj_cast cast;
  VJ_TRY(vj_standin_path(set, path, "%s/videos/CATER_new_%06lld.avi", set->request.variant, (long long)index));
  *made = !vj_standin_is_there(path);
  if (!*made) return VJ_OK;
  VJ_TRY(cast_of(set, index, &cast));
  const vj_status status = write_video(set, &cast, index, path);
  vj_cast_release(&cast);
  return status;
}

static vj_status write_lists(const vj_standin *set, const char *file, int64_t first, int64_t count) {
  vj_growing_text text[LISTS] = {{0}};
  char path[VJ_STANDIN_PATH];
  vj_status status = VJ_OK;
  for (int64_t i = first; i < first + count && status == VJ_OK; i++) {
    vj_cast cast;
    status = cast_of(set, i, &cast);
    if (status != VJ_OK) break;
    list_video(&cast, i, text);
    vj_cast_release(&cast);
  }
  for (int list = 0; list < LISTS && status == VJ_OK; list++) {
    status = vj_standin_path(set, path, "%s/lists/%s/%s.txt", set->request.variant, list_names[list], file);
    if (status == VJ_OK) status = vj_standin_write_growing(path, &text[list]);
  }
  for (int list = 0; list < LISTS; list++) free(text[list].bytes);
  return status;
}

/* train_subsetT and V are the first 80 and the last 20 percent of train. */
static vj_status finish(const vj_standin *set) {
  const int64_t train = set->request.videos[VJ_TRAIN], kept = train * 4 / 5;
  VJ_TRY(write_lists(set, "train", 0, train));
  VJ_TRY(write_lists(set, "val", train, set->request.videos[VJ_VALIDATION]));
  VJ_TRY(write_lists(set, "train_subsetT", 0, kept));
  VJ_TRY(write_lists(set, "train_subsetV", kept, train - kept));
  return VJ_OK;
}

const vj_standin_kind_ops vj_standin_cater = {
    .name = "cater",
    .about =
        "solids that slide, rotate, are picked, placed and contained: avi, 301 frames of 160x120 px; 420 and 180 "
        "videos",
    .videos = {420, 180, 0},
    .share = {7, 3, 0},
    .most = {5000, 5000, 5000},
    .frames = 301,
    .width = 160,
    .height = 120,
    .fewest_frames = VJ_CATER_LONGEST + 2,
    .has_variants = true,
    .make_folders = make_folders,
    .make = make,
    .finish = finish,
};
