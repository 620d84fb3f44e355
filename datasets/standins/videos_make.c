/* Labelled videos of simple motions, in the layouts and list formats of three kinds of data sets: a folder per class
 * with V-JEPA's lists, Kinetics' CSV, Something-Something's JSON. Containers, codecs, lengths, rates and shapes differ,
 * as they do in collections of videos. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "datasets/standins/standin_private.h"

enum { CLASSES = 7, LAYOUTS = 3 };
enum { DOWN, GROW, LEFT, RIGHT, SHRINK, TURN, UP };
/* In the order of the alphabet, so that a class's number is its rank. */
static const char *const class_names[CLASSES] = {"descending", "growing", "moving left",   "moving right",
                                                 "shrinking",  "turning", "upward gliding"};
static const char *const folders[CLASSES] = {"down", "grow", "left", "right", "shrink", "turn", "up"};
static const char *const split_names[VJ_SPLITS] = {"train", "validation", "test"};

typedef struct form {
  const char *extension, *container, *encoders;
} form;

typedef struct clip {
  int class, layout; /* layout 0: folders, 1: Kinetics, 2: Something-Something */
  form form;
  int64_t frames, rate, width, height;
  vj_solid start;
  double speed;   /* u a frame, or the part of the size or the radians that a frame changes */
  int64_t ticket; /* a name that says nothing about the class */
} clip;

static double between(vj_rng *rng, double low, double high) { return low + (high - low) * vj_rng_uniform(rng); }

/* --- the video --------------------------------------------------------------------------------------------------- */

static vj_camera camera_of(const clip *c) {
  /* From the front: the world's x is the picture's. */
  return (vj_camera){.eye = {0, -9, 3.2},
                     .at = {0, 0, 1.2},
                     .half_width = c->width >= c->height ? 3.4 : 2.4,
                     .width = c->width,
                     .height = c->height};
}

static int64_t pose(const void *context, int64_t frame, vj_solid *solids) {
  const clip *c = context;
  const double middle = (double)frame - 0.5 * (double)(c->frames - 1), way = c->speed * middle;
  vj_solid *s = solids;
  *s = c->start;
  if (c->class == LEFT || c->class == RIGHT) s->position[0] += c->class == LEFT ? -way : way;
  if (c->class == UP || c->class == DOWN) s->position[2] += c->class == DOWN ? -way : way;
  if (c->class == TURN) s->turn += c->speed * (double)frame;
  if (c->class == GROW || c->class == SHRINK) s->size *= 1 + (c->class == GROW ? way : -way);
  s->position[2] = fmax(s->position[2], s->size);
  return 1;
}

/* --- what is in a video ------------------------------------------------------------------------------------------ */

/* In turns, so that even a small set has them all and none goes with a class. */
static void choose_form(int64_t number, clip *c) {
  static const form forms[] = {{"mp4", "mp4", "libx264 mpeg4"},
                               {"avi", "avi", "mjpeg"},
                               {"webm", "webm", "libvpx-vp9 libvpx"},
                               {"mkv", "matroska", "libx264 mpeg4"},
                               {"mp4", "mp4", "mpeg4"}};
  c->form = forms[(number % CLASSES + number / (CLASSES * LAYOUTS)) % (int64_t)VJ_COUNT(forms)];
  if (c->layout == 1) c->form = forms[0]; /* Kinetics is mp4, Something-Something is webm */
  if (c->layout == 2) c->form = forms[2];
}

static void choose_motion(vj_rng *rng, clip *c) {
  const double part = 1 / (double)(c->frames - 1); /* of the way, a frame */
  vj_solid *s = &c->start;
  s->shape = c->class == TURN ? VJ_CUBE : (vj_solid_shape)vj_rng_integer(rng, VJ_CUBE, VJ_CONE);
  const double *rgb = vj_standin_colours[vj_rng_integer(rng, 1, VJ_COLOURS - 1)].rgb;
  memcpy(s->colour, rgb, sizeof s->colour);
  s->metal = vj_rng_integer(rng, 0, 1) == 0;
  s->size = between(rng, 0.5, 0.75);
  s->turn = between(rng, 0, 6.28);
  s->position[0] = between(rng, -0.5, 0.5);
  s->position[1] = between(rng, -0.5, 0.5);
  s->position[2] = s->size + (c->class == UP || c->class == DOWN ? 1.0 : 0.0);
  c->speed = part * between(rng, 1.4, 2.0);
  if (c->class == GROW || c->class == SHRINK) c->speed = part * between(rng, 0.7, 1.0);
  if (c->class == TURN) c->speed = part * between(rng, 3.0, 5.0);
}

static clip choose_clip(const vj_standin *set, vj_split split, int64_t number) {
  static const int64_t rates[] = {12, 15, 24, 25, 30};
  const vj_standin_request *r = &set->request;
  vj_rng rng = vj_standin_stream(set, split, number);
  clip c = {.class = (int)(number % CLASSES), .layout = (int)(number / CLASSES % LAYOUTS)};
  choose_form(number, &c);
  c.frames = r->frames * vj_rng_integer(&rng, 6, 14) / 10;
  c.rate = rates[vj_rng_integer(&rng, 0, VJ_COUNT(rates) - 1)];
  const bool upright = vj_rng_integer(&rng, 0, 4) == 0;
  c.width = upright ? r->height : r->width;
  c.height = upright ? r->width : r->height;
  choose_motion(&rng, &c);
  c.ticket = vj_rng_integer(&rng, 100000, 999999) * 10000 + (int64_t)split * 5000 + number;
  return c;
}

/* --- names ------------------------------------------------------------------------------------------------------- */

/* Below the set's folder. */
static void name_video(const clip *c, vj_split split, char name[256]) {
  const long long seconds = (c->frames + c->rate - 1) / c->rate;
  if (c->layout == 0)
    snprintf(name, 256, "folders/%s/%s/%lld.%s", split_names[split], folders[c->class], (long long)c->ticket,
             c->form.extension);
  if (c->layout == 1)
    snprintf(name, 256, "kinetics/%s/v%lld_%06d_%06lld.%s", split_names[split], (long long)c->ticket, 0, seconds,
             c->form.extension);
  if (c->layout == 2)
    snprintf(name, 256, "something/20bn-something-something-v2/%lld.%s", (long long)c->ticket, c->form.extension);
}

/* --- lists ------------------------------------------------------------------------------------------------------- */

typedef struct lists {
  vj_growing_text vjepa, kinetics, something;
  bool any;
} lists;

static const char *const things[VJ_SOLID_SHAPES] = {"a cube", "a ball", "a can", "a cone", "a star"};

static void list_clip(const clip *c, vj_split split, lists *l) {
  char name[256];
  name_video(c, split, name);
  vj_growing_add(&l->vjepa, "%s %d\n", name, c->class);
  if (c->layout == 1)
    vj_growing_add(&l->kinetics, "%s,v%lld,%d,%lld,%s\n", class_names[c->class], (long long)c->ticket, 0,
                   (long long)((c->frames + c->rate - 1) / c->rate),
                   split == VJ_VALIDATION ? "validate" : split_names[split]);
  if (c->layout != 2) return;
  vj_growing_add(&l->something, "%s\n{\"id\":\"%lld\",\"label\":\"%s %s\",\"template\":\"%s [something]\"}",
                 l->any ? "," : "", (long long)c->ticket, class_names[c->class], things[c->start.shape],
                 class_names[c->class]);
  l->any = true;
}

static vj_status write_lists(const vj_standin *set, vj_split split) {
  static const char *const kinetics_names[VJ_SPLITS] = {"train", "validate", "test"};
  lists l = {0};
  char path[VJ_STANDIN_PATH];
  vj_growing_add(&l.kinetics, "label,youtube_id,time_start,time_end,split\n");
  vj_growing_add(&l.something, "[");
  for (int64_t i = 0; i < set->request.videos[split]; i++) {
    const clip c = choose_clip(set, split, i);
    list_clip(&c, split, &l);
  }
  vj_growing_add(&l.something, "\n]\n");
  vj_status status = vj_standin_path(set, path, "lists/%s.txt", split_names[split]);
  if (status == VJ_OK) status = vj_standin_write_growing(path, &l.vjepa);
  if (status == VJ_OK) status = vj_standin_path(set, path, "kinetics/%s.csv", kinetics_names[split]);
  if (status == VJ_OK) status = vj_standin_write_growing(path, &l.kinetics);
  if (status == VJ_OK)
    status = vj_standin_path(set, path, "something/something-something-v2-%s.json", split_names[split]);
  if (status == VJ_OK) status = vj_standin_write_growing(path, &l.something);
  free(l.vjepa.bytes);
  free(l.kinetics.bytes);
  free(l.something.bytes);
  return status;
}

/* --- the kind ---------------------------------------------------------------------------------------------------- */

static vj_status make_folders(const vj_standin *set) {
  for (int s = 0; s < VJ_SPLITS; s++) {
    for (int class = 0; class < CLASSES && set->request.videos[s] > 0; class ++)
      VJ_TRY(vj_standin_folder(set, "folders/%s/%s", split_names[s], folders[class]));
    VJ_TRY(vj_standin_folder(set, "kinetics/%s", split_names[s]));
  }
  VJ_TRY(vj_standin_folder(set, "something/20bn-something-something-v2"));
  return vj_standin_folder(set, "lists");
}

static vj_status make(const vj_standin *set, vj_split split, int64_t number, bool *made) {
  const clip c = choose_clip(set, split, number);
  const vj_camera camera = camera_of(&c);
  const vj_encoding encoding = {
      .container = c.form.container, .encoders = c.form.encoders, .width = c.width, .height = c.height, .rate = c.rate};
  char name[256], path[VJ_STANDIN_PATH];
  name_video(&c, split, name);
  VJ_TRY(vj_standin_path(set, path, "%s", name));
  *made = !vj_standin_is_there(path);
  return *made ? vj_standin_film(path, &encoding, &camera, 0.7, c.frames, pose, &c) : VJ_OK;
}

static vj_status finish(const vj_standin *set) {
  vj_growing_text labels = {0};
  char path[VJ_STANDIN_PATH];
  for (int class = 0; class < CLASSES; class ++)
    vj_growing_add(&labels, "%s\"%s something\":\"%d\"", class ? "," : "{", class_names[class], class);
  vj_growing_add(&labels, "}\n");
  VJ_TRY(vj_standin_path(set, path, "something/something-something-v2-labels.json"));
  VJ_TRY(vj_standin_write_growing(path, &labels));
  for (int s = 0; s < VJ_SPLITS; s++) VJ_TRY(write_lists(set, (vj_split)s));
  return VJ_OK;
}

const vj_standin_kind_ops vj_standin_videos_kind = {
    .name = "videos",
    .about =
        "seven simple motions in mixed containers, codecs and lengths: about 40 frames of 128x96 px; 210, 63 and "
        "63 videos",
    .videos = {210, 63, 63},
    .share = {6, 2, 2},
    .most = {5000, 5000, 5000},
    .frames = 40,
    .width = 128,
    .height = 96,
    .fewest_frames = 4,
    .make_folders = make_folders,
    .make = make,
    .finish = finish,
};
