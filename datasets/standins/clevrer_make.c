/* Stand-ins for CLEVRER: videos and annotations as its release has them. */
#include <math.h>
#include <stdlib.h>

#include "datasets/standins/clevrer_world.h"
#include "datasets/standins/standin_private.h"

static const char *const split_names[VJ_SPLITS] = {"train", "validation", "test"};
static const int64_t split_starts[VJ_SPLITS] = {0, 10000, 15000};
static const double cube_side = 0.34; /* half of it: a cube is a disc, too, so its corners may overlap a little */

static vj_camera camera_of(const vj_standin_request *r) {
  return (vj_camera){
      .eye = {7.2, -6.25, 5.9}, .at = {0.0, 0.0, 0.1}, .half_width = 4.0, .width = r->width, .height = r->height};
}

static double height_of(const vj_world_object *o) { return o->shape == VJ_CUBE ? cube_side : VJ_WORLD_RADIUS; }

/* --- the video --------------------------------------------------------------------------------------------------- */

static int64_t pose(const void *context, int64_t frame, vj_solid *solids) {
  const vj_world *w = context;
  for (int i = 0; i < w->count; i++) {
    const vj_world_object *o = &w->objects[i];
    const vj_world_state *s = &w->states[frame * w->count + i];
    const double *rgb = vj_standin_colours[o->colour].rgb;
    solids[i] = (vj_solid){.shape = (vj_solid_shape)o->shape,
                           .size = height_of(o),
                           .position = {s->position[0], s->position[1], height_of(o)},
                           .turn = s->turn,
                           .colour = {rgb[0], rgb[1], rgb[2]},
                           .metal = o->material == 0};
  }
  return w->count;
}

/* --- the annotation ---------------------------------------------------------------------------------------------- */

static json_t *property_of(const vj_world_object *o, int id) {
  return json_pack("{s:i,s:s,s:s,s:s}", "object_id", id, "color", vj_standin_colours[o->colour].name, "material",
                   o->material == 0 ? "metal" : "rubber", "shape", vj_solid_names[o->shape]);
}

/* A millionth is where numbers end; so -0 is not told from 0. */
static double rounded(double value) { return round(value * 1e6) / 1e6 + 0.0; }

static json_t *moment_of(const vj_camera *camera, const vj_world *w, int64_t frame, int i) {
  const vj_world_state *s = &w->states[frame * w->count + i];
  const double height = height_of(&w->objects[i]), point[3] = {s->position[0], s->position[1], height};
  double pixel[2], depth;
  vj_camera_project(camera, point, pixel, &depth);
  const bool inside =
      pixel[0] >= 0 && pixel[1] >= 0 && pixel[0] < (double)camera->width && pixel[1] < (double)camera->height;
  return json_pack("{s:i,s:[f,f,f],s:[f,f,f],s:[f,f,f],s:[f,f,f],s:b}", "object_id", i, "location", rounded(point[0]),
                   rounded(point[1]), rounded(height), "orientation", 0.0, 0.0, rounded(s->turn), "velocity",
                   rounded(s->velocity[0]), rounded(s->velocity[1]), 0.0, "angular_velocity", 0.0, 0.0,
                   rounded(s->spin), "inside_camera_view", (int)inside);
}

static json_t *trajectory_of(const vj_camera *camera, const vj_world *w) {
  json_t *all = json_array();
  for (int64_t t = 0; t < w->frames; t++) {
    json_t *objects = json_array();
    for (int i = 0; i < w->count; i++) json_array_append_new(objects, moment_of(camera, w, t, i));
    json_array_append_new(all, json_pack("{s:I,s:o}", "frame_id", (json_int_t)t, "objects", objects));
  }
  return all;
}

static json_t *annotation_of(const vj_camera *camera, const vj_world *w, int64_t index) {
  json_t *properties = json_array(), *collisions = json_array();
  for (int i = 0; i < w->count; i++) json_array_append_new(properties, property_of(&w->objects[i], i));
  for (int i = 0; i < w->collision_count; i++) {
    const vj_world_collision *c = &w->collisions[i];
    json_array_append_new(collisions, json_pack("{s:[i,i],s:I,s:[f,f,f]}", "object_ids", c->one, c->other, "frame_id",
                                                (json_int_t)c->frame, "location", rounded(c->position[0]),
                                                rounded(c->position[1]), VJ_WORLD_RADIUS));
  }
  json_t *video = json_sprintf("video_%05lld.mp4", (long long)index);
  return json_pack("{s:I,s:o,s:o,s:o,s:o}", "scene_index", (json_int_t)index, "video_filename", video,
                   "object_property", properties, "motion_trajectory", trajectory_of(camera, w), "collision",
                   collisions);
}

/* --- the kind ---------------------------------------------------------------------------------------------------- */

static vj_status make_folders(const vj_standin *set) {
  for (int s = 0; s < VJ_SPLITS; s++) {
    for (int64_t first = 0; first < set->request.videos[s]; first += 1000) {
      const long long low = split_starts[s] + first;
      VJ_TRY(vj_standin_folder(set, "videos/%s/video_%05lld-%05lld", split_names[s], low, low + 1000));
      if (s != VJ_TEST)
        VJ_TRY(vj_standin_folder(set, "annotations/%s/annotation_%05lld-%05lld", split_names[s], low, low + 1000));
    }
  }
  return VJ_OK;
}

static vj_status write_video(const vj_standin *set, vj_split split, const vj_world *w, int64_t index,
                             const char *path) {
  const vj_camera camera = camera_of(&set->request);
  const vj_encoding encoding = {.container = "mp4",
                                .encoders = "libx264 mpeg4",
                                .width = camera.width,
                                .height = camera.height,
                                .rate = VJ_WORLD_RATE};
  const long long low = index / 1000 * 1000;
  char annotation[VJ_STANDIN_PATH];
  VJ_TRY(vj_standin_path(set, annotation, "annotations/%s/annotation_%05lld-%05lld/annotation_%05lld.json",
                         split_names[split], low, low + 1000, (long long)index));
  if (split != VJ_TEST) VJ_TRY(vj_standin_write_json(annotation, annotation_of(&camera, w, index), 9));
  return vj_standin_film(path, &encoding, &camera, 0.68, w->frames, pose, w);
}

static vj_status make(const vj_standin *set, vj_split split, int64_t number, bool *made) {
  const int64_t index = split_starts[split] + number;
  const long long low = index / 1000 * 1000;
  char path[VJ_STANDIN_PATH];
  vj_world world;
  VJ_TRY(vj_standin_path(set, path, "videos/%s/video_%05lld-%05lld/video_%05lld.mp4", split_names[split], low,
                         low + 1000, (long long)index));
  *made = !vj_standin_is_there(path);
  if (!*made) return VJ_OK;
  vj_rng rng = vj_standin_stream(set, split, number);
  VJ_TRY(vj_world_make(&rng, set->request.frames, &world));
  const vj_status status = write_video(set, split, &world, index, path);
  free(world.states);
  return status;
}

static vj_status finish(const vj_standin *set) {
  (void)set; /* there are no lists */
  return VJ_OK;
}

const vj_standin_kind_ops vj_standin_clevrer = {
    .name = "clevrer",
    .about = "moving and colliding solids: mp4, 128 frames of 240x160 px; 400, 200 and 8 videos",
    .videos = {400, 200, 8},
    .share = {2, 1, 1},
    .most = {10000, 5000, 5000},
    .frames = 128,
    .width = 240,
    .height = 160,
    .fewest_frames = 2,
    .make_folders = make_folders,
    .make = make,
    .finish = finish,
};
